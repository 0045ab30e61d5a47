"""The public app on a socket: health, keys, problems, sign-up."""

from __future__ import annotations

from tests.support.api import Market

APPLICATION = {
    "name": {"en": "Poem house", "zh": "诗社"},
    "roles": ["supplier"],
    "country": "CN",
    "identifiers": {"uscc": "91110108772551611J"},
    "contact": {"name": "Li Hua", "email": "li.hua@example.com"},
}


async def test_health_metrics_and_keys_are_open(exchange: Market) -> None:
    assert (await exchange.http.get("/healthz")).json() == {"status": "alive"}
    assert (await exchange.http.get("/readyz")).json() == {"status": "ready"}
    assert "exchange_requests_total" in (await exchange.http.get("/metrics")).text
    keys = (await exchange.http.get("/.well-known/jwks.json")).json()["keys"]
    assert {key["kty"] for key in keys} == {"OKP"}


async def test_sign_up_shows_the_secret_once_and_it_works(exchange: Market) -> None:
    answer = await exchange.http.post("/catalog/v1/organisations", json=APPLICATION)
    assert answer.status_code == 201, answer.text
    joined = answer.json()
    assert joined["state"] == "unverified"
    assert joined["scopes"] == ["organisation", "supplier"]
    assert answer.headers["cache-control"] == "no-store"
    assert len(joined["client_secret"]) == 43


async def test_a_wrong_number_is_refused_in_the_readers_language(exchange: Market) -> None:
    body = {**APPLICATION, "identifiers": {"uscc": "91110108772551611K"}}
    answer = await exchange.http.post("/catalog/v1/organisations", json=body, headers={"accept-language": "zh"})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["title"] == "机构代码无效"


async def test_each_problem_has_a_page_for_people_and_one_for_programs(exchange: Market) -> None:
    page = await exchange.http.get("/problems/not-found", headers={"accept": "text/html", "accept-language": "zh-CN"})
    assert page.status_code == 200
    assert "未找到" in page.text
    assert page.headers["content-language"] == "zh"
    plain = (await exchange.http.get("/problems/not-found")).json()
    assert plain["title"] == {"en": "Not found", "zh": "未找到"}
    assert (await exchange.http.get("/problems/no-such-thing")).status_code == 404


async def test_unknown_things_are_404_as_problems(exchange: Market) -> None:
    for path in ("/catalog/v1/listings/lst_01m80jwmabesg81hwe4cc73nw9", "/certificates/v1/x", "/catalog/v1/nothing"):
        answer = await exchange.http.get(path)
        assert answer.status_code == 404, path
        assert answer.json()["type"] == "/problems/not-found"


async def test_the_log_says_that_it_has_not_begun(exchange: Market) -> None:
    assert (await exchange.http.get("/log/checkpoint")).status_code == 503
    assert (await exchange.http.get("/log/tile/0/000")).status_code == 404
    assert (await exchange.http.get("/log/tile/entries/000")).status_code == 401
    assert "corpus-exchange.example/log+" in (await exchange.http.get("/log/vkey")).text
    moved = await exchange.http.get("/log?lang=zh")
    assert (moved.status_code, moved.headers["location"]) == (308, "/transparency?lang=zh")


async def test_every_app_serves_its_document_to_everybody(exchange: Market) -> None:
    for prefix in ("/catalog/v1", "/supplier/v1", "/assessor/v1"):
        document = await exchange.http.get(f"{prefix}/docs/openapi.json")
        assert document.status_code == 200, prefix
        assert document.json()["openapi"].startswith("3.1")
        assert "swagger-ui" in (await exchange.http.get(f"{prefix}/docs")).text
    assert (await exchange.http.get("/assets/swagger-ui.css")).status_code == 200
