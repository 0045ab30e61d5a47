"""Directives over HTTP: what they stop and show, whom they are told to, answers with files, and the regulator's command."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import redirect_stdout
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from exchange import main
from exchange.apps.data.watch import GRACE_S, Watch, Watched
from exchange.cli import commands
from exchange.kernel import ids
from exchange.kernel.money import Money
from exchange.settings import load
from settlement import postings
from settlement.store import ledger
from tests.support.api import Market, Party, market
from tests.support.directives import BASIS, REASON, wish
from tests.support.trade import OnSale, on_sale

AT = "/regulator/v1/directives"
FILE = {"name": "../台账.pdf", "media_type": "application/pdf", "content": "JVBERi0xLjcK"}


@pytest_asyncio.fixture
async def m(database_url: str, tmp_path: Path) -> AsyncIterator[Market]:
    """The exchange with the portals of this module."""
    async with market(
        database_url, tmp_path, only=("regulator", "buyer", "supplier", "assessor", "data", "oauth2")
    ) as made:
        yield made


async def bought(m: Market, sale: OnSale) -> tuple[Party, str]:
    """A buyer and the grant that it bought."""
    buyer = await m.join("buyer")
    money = postings.top_up(m.services.db.ids.new(m.services.db.clock.now()), buyer.id, Money(900_000_000, "CNY"))
    await m.services.db.run(lambda tx: ledger.post(tx, [money]))
    order = await m.done(
        buyer, "/buyer/v1/orders", {"offer": sale.offer, "purposes": ["pretrain"], "payment": "wallet"}
    )
    return buyer, order["grant"]


def slug(answer: httpx.Response) -> str:
    return str(answer.json().get("type", "")).rpartition("/")[2]


async def only(m: Market, party: Party, path: str) -> Any:
    """The one item of a list."""
    (one,) = (await m.get(party, path)).json()["items"]
    return one


async def test_a_freeze_stops_tokens_and_reads_and_is_shown_with_its_law(m: Market) -> None:
    sale = await on_sale(m)
    buyer, grant = await bought(m, sale)
    regulator = await m.join("regulator")
    tokens = f"/buyer/v1/grants/{grant}/tokens"
    token = {"authorization": f"Bearer {(await m.done(buyer, tokens))['token']}"}
    asset = (await m.http.get("/data/v1/grant", headers=token)).json()["assets"][0]["id"]
    page = f"/catalog/v1/listings/{sale.listing}"
    assert (await m.http.get(page)).json()["standing"] == "on_sale"
    for kind, target, standing, stopped in (
        ("freeze", sale.supplier.organisation, "frozen", True),
        ("freeze", sale.revision, "frozen", True),
        ("delist", sale.dataset, "delisted", False),
        ("freeze", sale.offer, "on_sale", True),
        ("preserve", sale.listing, "on_sale", False),
    ):
        directive = (await m.done(regulator, AT, wish(kind, target)))["id"]
        shown = (await m.http.get(page)).json()
        assert shown["standing"] == standing, (kind, target)
        found = (await m.http.get("/catalog/v1/listings")).json()["items"]
        assert [one["standing"] for one in found] == [standing]
        stops = [(one["kind"], one["about"], one["article"], one["basis"]) for one in shown["stops"]]
        assert stops == ([(kind, target, "33", BASIS["text"])] if kind != "preserve" else [])
        assert REASON["en"] not in json.dumps(shown), "the case is nobody else's"
        html = [(await m.http.get(f"/listings/{sale.listing}", params={"lang": one})).text for one in ("en", "zh")]
        assert [BASIS["text"]["en"] in html[0], BASIS["text"]["zh"] in html[1]] == [kind != "preserve"] * 2  # type: ignore[index]
        assert ('class="stopped"' in (await m.http.get("/listings")).text) == (standing != "on_sale")
        for answer in (await m.post(buyer, tokens), await m.http.get(f"/data/v1/assets/{asset}", headers=token)):
            assert (answer.status_code == 403 and slug(answer) == "frozen-by-directive") == stopped, answer.text
        ordered = await m.post(
            buyer, "/buyer/v1/orders", {"offer": sale.offer, "purposes": ["pretrain"], "payment": "wallet"}
        )
        assert (slug(ordered) == "trade-frozen") == (kind != "preserve")
        await m.done(regulator, f"{AT}/{directive}/lifting")
    assert (await m.http.get(page)).json()["standing"] == "on_sale"
    assert (await m.http.get(f"/data/v1/assets/{asset}", headers=token)).status_code == 200


async def test_both_sides_are_told_and_confirm(m: Market) -> None:
    sale = await on_sale(m)
    buyer, _ = await bought(m, sale)
    stranger = await m.join("buyer")
    regulator = await m.join("regulator")
    directive = await m.done(regulator, AT, wish("freeze", sale.listing))
    assert (directive["told"], directive["state"]) == (2, "issued")
    for party, portal, reason in ((buyer, "buyer", None), (sale.supplier, "supplier", REASON)):
        notice = await only(m, party, f"/{portal}/v1/directive-notices")
        assert (notice["directive"], notice["duty"], notice["reason"]) == (directive["id"], "confirm", reason)
        assert notice["basis"] == BASIS
        at = f"/{portal}/v1/directive-notices/{notice['id']}"
        done = await m.done(party, f"{at}/acknowledgement")
        assert (await m.get(party, at)).json()["notice"]["acknowledged_at"] is not None
    assert done["state"] == "acknowledged"
    assert (await m.get(stranger, "/buyer/v1/directive-notices")).json()["items"] == []
    assert (await m.post(stranger, f"/buyer/v1/directive-notices/{notice['id']}/acknowledgement")).status_code == 404
    shown = (await m.get(regulator, f"{AT}/{directive['id']}")).json()
    assert (shown["state"], shown["told"], shown["confirmed"]) == ("acknowledged", 2, 2)
    await m.done(regulator, f"{AT}/{directive['id']}/lifting")
    assert (await only(m, buyer, "/buyer/v1/directive-notices"))["lifted_at"] is not None


async def test_what_is_asked_is_answered_with_files_that_only_the_asking_regulator_reads(m: Market) -> None:
    supplier, regulator, rival = await m.join("supplier"), await m.join("regulator"), await m.join("regulator")
    later = datetime.now(UTC) + timedelta(hours=1)
    asked = wish("disclose", supplier.organisation, deadline=later.isoformat())
    directive = (await m.done(regulator, AT, asked))["id"]
    notice = await only(m, supplier, "/supplier/v1/directive-notices")
    answers = f"/supplier/v1/directive-notices/{notice['id']}/answers"
    assert slug(await m.post(supplier, answers, {"text": REASON, "files": [FILE]})) == "directive-answer-invalid"
    huge = {**FILE, "name": "x", "content": "AAAA" * (1024 * 1024 + 700_000)}
    assert (await m.post(supplier, answers, {"text": REASON, "files": [huge]})).status_code == 413
    given = {"text": REASON, "files": [{**FILE, "name": "台账.pdf"}]}
    done = await m.done(supplier, answers, given)
    assert (done["state"], done["late"]) == ("answered", False)
    answer = await only(m, regulator, f"{AT}/{directive}/answers")
    assert (answer["organisation"], answer["text"]) == (supplier.organisation, REASON)
    path = f"{AT}/{directive}/files/{answer['files'][0]['id']}"
    file = await m.http.get(path, headers=regulator.headers)
    assert file.content == b"%PDF-1.7\n"
    assert file.headers["content-type"] == "application/octet-stream"
    assert file.headers["content-disposition"].startswith("attachment")
    for party in (rival, supplier):
        for at in (path, f"{AT}/{directive}/answers", f"{AT}/{directive}/notices"):
            assert (await m.get(party, at)).status_code == (404 if party is rival else 403)
    assert (await m.get(rival, f"{AT}/{directive}")).json()["answered"] == 1


@pytest.mark.parametrize(
    ("change", "status", "why"),
    [
        ({"targets": []}, 400, "directive-invalid"),
        ({"targets": ["lst_01m80jwmabesg81hwe4cc73nw9"]}, 422, "directive-target-unknown"),
        ({"targets": ["lst_nonsense"]}, 400, "invalid-request"),
        ({"targets": ["job_01m80jwmabesg81hwe4cc73nw9"]}, 400, "invalid-request"),
        ({"kind": "burn"}, 400, "invalid-request"),
        ({"kind": "disclose"}, 400, "directive-invalid"),
        ({"deadline": "2001-01-01T00:00:00Z"}, 400, "directive-invalid"),
        ({"deadline": "9999-12-31T23:59:59-23:59"}, 400, "invalid-request"),
        ({"basis": {**BASIS, "law": "moon"}}, 400, "invalid-request"),
        ({"basis": {**BASIS, "text": {"en": "x"}}}, 400, "directive-invalid"),
        ({"reason": {"en": "\ud83d"}}, 400, "invalid-request"),
        ({"reason": {}}, 400, "directive-invalid"),
        ({"target": "x"}, 400, "invalid-request"),
    ],
)
async def test_nonsense_is_refused_in_words(m: Market, change: dict[str, Any], status: int, why: str) -> None:
    regulator = await m.join("regulator")
    body = {**wish("freeze", regulator.organisation), **change}
    headers = {**regulator.headers, "idempotency-key": secrets.token_hex(8), "content-type": "application/json"}
    answer = await m.http.post(AT, content=json.dumps(body), headers={**headers, "accept-language": "zh"})
    assert (answer.status_code, slug(answer)) == (status, why), answer.text
    assert (await m.get(regulator, AT)).json()["items"] == []


async def test_an_upload_under_a_hold_is_not_thrown_away(m: Market) -> None:
    sale, regulator = await on_sale(m), await m.join("regulator")
    supplier = sale.supplier
    body = {"path": "more.txt", "size_bytes": 3}
    upload = (await m.done(supplier, f"/supplier/v1/datasets/{sale.dataset}/uploads", body))["id"]
    await m.http.patch(
        f"/supplier/v1/uploads/{upload}", content=b"abc", headers={**supplier.headers, "upload-offset": "0"}
    )
    directive = (await m.done(regulator, AT, wish("preserve", sale.dataset)))["id"]
    refused = await m.post(supplier, f"/supplier/v1/uploads/{upload}/abandonment")
    assert (refused.status_code, slug(refused), refused.json()["directive"]) == (409, "held-by-directive", directive)
    assert await m.services.files.received(ids.parse("upl", upload)) == 3
    await m.done(regulator, f"{AT}/{directive}/lifting")
    await m.done(supplier, f"/supplier/v1/uploads/{upload}/abandonment")
    assert await m.services.files.received(ids.parse("upl", upload)) == 0


async def test_the_regulators_command_issues_shows_and_lifts(m: Market, tmp_path: Path) -> None:
    supplier, regulator = await m.join("supplier"), await m.join("regulator")
    url = str(m.http.base_url).rstrip("/")
    environment = {"REGULATOR_CLIENT": regulator.client, "REGULATOR_SECRET": regulator.secret, "LANG": "zh_CN.UTF-8"}

    async def command(*words: str, secret: str | None = None) -> tuple[int, str]:
        given = environment if secret is None else {**environment, "REGULATOR_SECRET": secret}

        def run() -> tuple[int, str]:
            with redirect_stdout(StringIO()) as out:
                code = commands.main(
                    ["regulator", "direct", words[0], "--url", url, *words[1:]],
                    given,
                    lambda environment: main.tools(load(environment), environment),
                )
            return code, out.getvalue()

        return await asyncio.to_thread(run)

    deadline = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    words = ["issue", "inform", supplier.organisation, "--law", "cn-dsl", "--article", "33", "--deadline", deadline]
    words += ["--basis-en", "Supervision", "--basis-zh", "监督", "--reason-zh", "请说明数据来源"]
    code, said = await command(*words, "--json")
    assert code == 0, said
    directive = json.loads(said)["id"]
    notice = await only(m, supplier, "/supplier/v1/directive-notices")
    given = {"text": {"zh": "自行采集"}, "files": [{**FILE, "name": "台账.pdf"}]}
    await m.done(supplier, f"/supplier/v1/directive-notices/{notice['id']}/answers", given)
    code, said = await command("show", directive, "--files", str(tmp_path / "answers"))
    assert code == 0
    assert "自行采集" in said
    assert [one.read_bytes() for one in (tmp_path / "answers").iterdir()] == [b"%PDF-1.7\n"]
    code, said = await command("list", "--active")
    assert (code, directive in said) == (0, True)
    assert (await command("lift", directive))[0] == 0
    code, said = await command("lift", directive)
    assert (code, "已解除" in said) == (2, True)
    assert (await command("list", secret="wrong"))[0] == 2
    assert directive not in (await command("list", "--active"))[1]


async def test_a_question_without_an_answer_cuts_what_runs_once_its_grace_is_over() -> None:
    """Fault 7 of the list: whoever would say no is too busy to say anything."""
    asked = asyncio.Event()

    async def silent(_reads: Any) -> Any:
        asked.set()
        await asyncio.sleep(3_600)

    loop = asyncio.get_running_loop()
    watch, one = Watch(silent), Watched(None, loop.time())  # type: ignore[arg-type]
    watch.begin(one)
    await asyncio.wait_for(asked.wait(), 3)
    assert one.may_go_on()
    one.clear_at = loop.time() - GRACE_S + 0.05
    assert one.may_go_on()
    await asyncio.sleep(0.1)
    assert not one.may_go_on()
    watch.end(one)


async def test_a_refusal_cuts_at_once_and_an_answer_lets_go_on() -> None:
    refuse: list[bool] = [False]

    async def answer(reads: Any) -> Any:
        return ["no" if refuse[0] else None for _ in reads]

    loop = asyncio.get_running_loop()
    watch, one = Watch(answer), Watched(None, loop.time() - GRACE_S - 1)  # type: ignore[arg-type]
    assert not one.may_go_on()
    watch.begin(one)
    await asyncio.sleep(1.2)
    assert one.may_go_on()
    refuse[0] = True
    await asyncio.sleep(1.2)
    assert not one.may_go_on()
    watch.end(one)
