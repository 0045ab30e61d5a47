"""Every route of every app, asked by everybody who must not be let in; then once more with the stores' own filters gone."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import true

from exchange import main
from exchange.kernel import ids
from exchange.kernel import store as kernel_store
from exchange.kernel.clock import FixedClock
from tests.api.routes import BODIES, NAMED_IN_BODY, Route, routes_of
from tests.api.tenants import ROLES, Tenants, furnish, ids_in
from tests.support.api import market
from tests.support.clones import Clones

pytestmark = pytest.mark.xdist_group("matrix")
PUBLIC = {
    *("/catalog/v1/listings", "/catalog/v1/listings/{listing:str}", "/catalog/v1/listings/{listing:str}/assets"),
    "/catalog/v1/listings/{listing:str}/auctions",
    "/catalog/v1/listings/{listing:str}/simulations",
    "/catalog/v1/listings/{listing:str}/rights-summary",
    "/catalog/v1/offers/{offer:str}/cost-recovery",
    "/catalog/v1/datasets/{dataset:str}/data-contract",
    *("/certificates/v1/{certificate:str}", "/certificates/{certificate:str}"),
    *("/catalog/v1/scorecards/{scorecard:str}", "/catalog/v1/organisations"),
    "/.well-known/organisations/{organisation:str}/keys",
    *("/.well-known/jwks.json", "/.well-known/oauth-authorization-server"),
    *("/log", "/log/checkpoint", "/log/vkey", "/log/tile/{rest:path}", "/log/proof/{index:str}"),
    *("/log/policy", "/log/witnessed"),
    *("/problems/{slug:str}", "/healthz", "/readyz", "/metrics"),
    *("/oauth2/token", "/oauth2/introspect", "/oauth2/revoke", "/hooks/stripe", "/hooks/stripe-connect"),
    *("/catalog/v1/offers/{offer:str}/terms", "/offers/{offer:str}/terms"),
    *("/catalog/v1/offers/{offer:str}/price", "/catalog/v1/schemas/{schema:str}", "/offers/{offer:str}"),
    *("/", "/listings", "/listings/{listing:str}", "/certificate/{certificate:str}", "/transparency", "/docs"),
    *("/assets/{name:str}", "/assets/site.css"),
    *("/catalog/v1/verification/verify_agreement.py", "/catalog/v1/verification/agreements"),
    "/catalog/v1/verification/recompute_weights.py",
    "/catalog/v1/verification/recompute_statement.py",
    "/catalog/v1/verification/verify_sample.py",
}
DOCUMENTS = re.compile(r"/[a-z0-9/]+/docs(/openapi\.json|/\{path:str\})?\Z")
DATA = {"/data/v1/grant", "/data/v1/assets/{asset:str}", "/data/v1/assets/{asset:str}/rows"}
# What all regulators see of each other's work, because they watch the same market. Who was told of a directive and what
# was answered is its issuer's alone.
SHARED_BY_REGULATORS = (
    "/regulator/v1/(directives(?!/.+/)|organisations|listings|negotiations|audit-entries|checkpoint|proofs|weight-vectors"
    "|report-rows|samples|revisions|members|erasures|disputes|documents)"
)
# An auction is announced to all buyers; what is bid in it is not (tests/integration/test_auctions.py).
SHARED_BY_BUYERS = "/buyer/v1/auctions"
ANOTHER = {
    "supplier": "buyer",
    "buyer": "supplier",
    "assessor": "buyer",
    "regulator": "supplier",
    "operator": "supplier",
}


@pytest_asyncio.fixture(scope="module")
async def tenants(clones: Clones, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Tenants]:
    """Two tenants on a market with all its apps."""
    url, clock = await clones.make(), FixedClock(datetime(2026, 1, 15, 8, tzinfo=UTC))
    async with market(url, tmp_path_factory.mktemp("matrix"), clock=clock) as made:
        yield await furnish(made, clock)
    await clones.drop(url)


@pytest.fixture(scope="module")
def served(tenants: Tenants) -> list[Route]:
    """Every route there is: found once, for to compose all apps takes seconds."""
    return list(routes_of(main.root(tenants.market.services)))


@pytest.fixture(scope="module")
def routes(served: list[Route]) -> list[Route]:
    """Every route that asks who you are."""
    return [one for one in served if not _is_public(one)]


@pytest.fixture
def one_wall_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away the stores' own filters by organisation, wherever they were imported."""
    originals = {kernel_store.mine, kernel_store.ours}
    places = 0
    for module in list(sys.modules.values()):
        for name in ("mine", "ours"):
            if getattr(module, name, None) in originals and module is not kernel_store:
                monkeypatch.setattr(module, name, lambda *_: true())
                places += 1
    assert places >= 10, "the filters have moved: this test no longer takes them away"


# What only the operator is shown, and what nobody is shown again.
OPERATORS = (
    "tok_",
    "upl_",
    "rsc_",
    "run_",
    "prv_",
    "apv_",
    "bac_",
    "bat_",
    "cdl_",
    "cbk_",
    "txn_",
    "efx_",
    "wht_",
    "wrl_",
    "slr_",
)


def _is_public(route: Route) -> bool:
    return route.path in PUBLIC or bool(DOCUMENTS.match(route.path))


async def _ask(t: Tenants, route: Route, role: str, token: str | None, body: Any = None) -> httpx.Response:
    headers = {"idempotency-key": "matrix" + str(abs(hash((route, token, json.dumps(body)))))}
    if token is not None:
        headers["authorization"] = f"Bearer {token}"
    if route.method == "PATCH":
        headers["upload-offset"] = "0"
        return await t.market.http.patch(t.filled(route.path, role), content=b"theirs", headers=headers)
    sent: dict[str, Any] = {"json": body} if route.method == "POST" and body is not None else {}
    return await t.market.http.request(route.method, t.filled(route.path, role), headers=headers, **sent)


def _slug(answer: httpx.Response) -> str:
    return str(answer.json().get("type", "")).rpartition("/")[2] if answer.content else ""


def _role(route: Route) -> str:
    return (
        route.path.split("/")[1]
        if route.path.startswith(tuple(f"/{one}/v1" for one in (*ROLES, "operator")))
        else "regulator"
    )


def test_what_is_named_as_public_exists(served: list[Route]) -> None:
    assert PUBLIC - {one.path for one in served} == set()


def test_every_route_says_who_may_come_in(routes: list[Route]) -> None:
    unclassified = []
    for route in routes:
        mine = route.path.startswith(f"/{route.portal}/v1/") or route.path.startswith("/log/tile/entries")
        account = route.portal in ("any", "organisation") and route.app in (*ROLES, "operator")
        if not (mine or account or route.path in DATA):
            unclassified.append(str(route))
    assert unclassified == [], "give the route its opt['portal'], or name it as public here"
    assert len(routes) > 100


async def test_nobody_comes_in_without_a_live_token(tenants: Tenants, routes: list[Route]) -> None:
    wrong = []
    for route in routes:
        role = _role(route)
        stale = tenants.old_grant_token if route.path in DATA else tenants.old[role]
        tokens = {"none": None, "garbage": "eyJhbGciOiJub25lIn0.e30.", "expired": stale}
        if route.path in DATA:
            tokens["of a portal"] = tenants.first["buyer"].token
        else:
            tokens["of a grant"] = tenants.grant_token
        for kind, token in tokens.items():
            answer = await _ask(tenants, route, role, token)
            if answer.status_code != 401 or (route.method != "HEAD" and _slug(answer) != "unauthenticated"):
                wrong.append(f"{route} with token {kind}: {answer.status_code} {_slug(answer)}")
    assert not wrong, "\n".join(wrong)


async def test_a_token_opens_no_other_portal(tenants: Tenants, routes: list[Route]) -> None:
    wrong = []
    for route in routes:
        if route.path in DATA or route.portal in ("any", "organisation"):
            continue
        role = _role(route)
        answer = await _ask(tenants, route, role, tenants.first[ANOTHER[role]].token)
        if answer.status_code != 403 or (route.method != "HEAD" and _slug(answer) != "forbidden"):
            wrong.append(f"{route}: {answer.status_code} {_slug(answer)}")
    assert not wrong, "\n".join(wrong)


async def test_a_stranger_finds_nothing_of_others(tenants: Tenants, routes: list[Route]) -> None:
    wrong = await _seen_by_strangers(tenants, routes)
    assert not wrong, "\n".join(wrong)


@pytest.mark.usefixtures("one_wall_gone")
async def test_row_security_alone_keeps_strangers_out(tenants: Tenants, routes: list[Route]) -> None:
    wrong = await _seen_by_strangers(tenants, routes)
    assert not wrong, "\n".join(wrong)


async def test_row_security_hides_the_jobs_of_others(tenants: Tenants) -> None:
    """A job is looked up by a statement with its own filter, which the test above cannot take away."""
    job = ids.parse("job", tenants.objects["job"])
    seen = []
    for party in (tenants.first["supplier"], tenants.second["supplier"]):
        async with tenants.market.services.db.read(party.actor) as tx:
            seen.append(await (await tx.driver()).fetchval("SELECT count(*) FROM kernel.job WHERE id = $1", job))
    assert seen == [1, 0]


async def test_owners_see_what_strangers_do_not(tenants: Tenants, routes: list[Route]) -> None:
    """The counter-proof: the very same requests show the owner what the test above says a stranger must not see."""
    seen: set[str] = set()
    dark = []
    for route in _reads(routes):
        role = _role(route)
        if role == "operator":
            continue
        answer = await _ask(tenants, route, role, tenants.first[role].token)
        seen |= ids_in(answer.text)
        if "{" in route.path and answer.status_code != 200 and not _not_the_owners(route):
            dark.append(f"{route}: {answer.status_code} {answer.text[:200]}")
    assert not dark, "\n".join(dark)
    assert {one for one in tenants.secrets() if not one.startswith(OPERATORS)} <= seen


async def test_a_misspelt_parameter_shows_nothing(tenants: Tenants, routes: list[Route]) -> None:
    """A filter that is not understood would otherwise show everything, as if that were the answer."""
    wrong = []
    for route in _reads(routes):
        role = _role(route)
        if role == "operator":
            continue
        headers = {"authorization": f"Bearer {tenants.first[role].token}", "accept-language": "zh"}
        path = tenants.filled(route.path, role)
        answer = await tenants.market.http.get(f"{path}?limit_=1", headers=headers)
        if answer.status_code != 400 or "没有参数 'limit_'" not in answer.json()["detail"]:
            wrong.append(f"{route}: {answer.status_code} {answer.text[:160]}")
    assert not wrong, "\n".join(wrong)


async def _seen_by_strangers(t: Tenants, routes: list[Route]) -> list[str]:
    wrong, secrets = [], t.secrets()
    for route in routes:
        role = _role(route)
        if role == "operator" or route.path in DATA or re.match(SHARED_BY_REGULATORS, route.path):
            continue
        if route.path.startswith("/log/") or re.match(SHARED_BY_BUYERS, route.path):
            continue
        own = t.second[role]
        if "{" in route.path:
            answer = await _ask(t, route, role, own.token, _body(t, route))
            if answer.status_code != 404 or (route.method != "HEAD" and _slug(answer) != "not-found"):
                wrong.append(f"{route}: {answer.status_code} {answer.text[:160]}")
        elif route.method == "GET":
            query = "?currency=CNY" if route.path.endswith("/movements") else ""
            answer = await t.market.http.get(route.path + query, headers=own.headers)
            # Of whom nothing was withheld there is no certificate.
            there = 404 if "/withheld-tax/certificate." in route.path else 200
            if answer.status_code != there or ids_in(answer.text) & secrets:
                wrong.append(f"{route}: {answer.status_code} shows {ids_in(answer.text) & secrets}")
            if route.path.endswith(("/movements", "/wallet", "/charges")) and '"amount"' in answer.text:
                wrong.append(f"{route}: shows somebody's money: {answer.text[:160]}")
    for role, path, body, status in NAMED_IN_BODY:
        filled = _fill(t, body, role)
        answer = await t.market.post(t.second[role], path, filled)
        if answer.status_code != status:
            wrong.append(f"POST {path} with {filled}: {answer.status_code} {answer.text[:160]}")
    return wrong


async def test_a_grant_opens_its_own_assets_only(tenants: Tenants) -> None:
    for path in ("/data/v1/assets/{asset}", "/data/v1/assets/{asset}/rows"):
        headers = {"authorization": f"Bearer {tenants.grant_token}"}
        other = tenants.objects["asset"][:-1] + ("0" if tenants.objects["asset"][-1] != "0" else "1")
        assert (await tenants.market.http.get(path.format(asset=other), headers=headers)).status_code == 404
        assert (await tenants.market.http.get(path.format(asset=tenants.objects["asset"]), headers=headers)).is_success


def _reads(routes: list[Route]) -> list[Route]:
    return [one for one in routes if one.method == "GET" and one.path not in DATA and not one.path.startswith("/log/")]


def _not_the_owners(route: Route) -> bool:
    # The one statement and the one job that exist are the supplier's.
    if route.path.startswith(("/assessor/v1/statements/", "/regulator/v1/jobs", "/assessor/v1/jobs", "/buyer/v1/jobs")):
        return True
    # What the exchange wrote in an assessor's place is no e-fapiao.
    if route.path == "/assessor/v1/documents/{document:str}/efapiao":
        return True
    # The transfer that was announced has not come, so there is no receipt yet.
    return route.path.startswith("/buyer/v1/payments/") and "receipt" in route.path


def _body(t: Tenants, route: Route) -> Any:
    return _fill(t, BODIES.get(route.path), _role(route))


def _fill(t: Tenants, body: Any, role: str) -> Any:
    if isinstance(body, dict):
        return {name: _fill(t, value, role) for name, value in body.items()}
    if isinstance(body, list):
        return [_fill(t, value, role) for value in body]
    if isinstance(body, str) and body.startswith("{"):
        known = {"client": t.first[role].client, "assessor": t.first["assessor"].organisation}
        name = body.strip("{}")
        return known.get(name) or t.named(name, role)
    return body
