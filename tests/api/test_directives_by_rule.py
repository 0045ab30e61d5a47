"""Directives by rule over HTTP, and what everybody may read of directives."""

from __future__ import annotations

import asyncio
import re
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
from exchange.apps.web.register import SHOWN
from exchange.cli import commands
from exchange.flows import issue_directive
from exchange.settings import load
from tests.support.api import Market, Party, market
from tests.support.directives import BASIS, REASON, wish
from tests.support.trade import DATASET, on_sale

AT = "/regulator/v1/directives"
PEOPLE = {**DATASET, "personal_data": "contains", "legal_basis": "consent"}


@pytest_asyncio.fixture
async def m(database_url: str, tmp_path: Path) -> AsyncIterator[Market]:
    """The exchange with the portals of this module."""
    portals = ("regulator", "buyer", "supplier", "assessor", "operator", "data", "oauth2")
    async with market(database_url, tmp_path, only=portals) as made:
        yield made


def slug(answer: httpx.Response) -> str:
    return str(answer.json().get("type", "")).rpartition("/")[2]


async def standing(m: Market, listing: str) -> str:
    return str((await m.http.get(f"/catalog/v1/listings/{listing}")).json()["standing"])


async def notices(m: Market, party: Party) -> list[Any]:
    found: list[Any] = (await m.get(party, "/supplier/v1/directive-notices")).json()["items"]
    return found


async def test_a_rule_binds_what_is_there_and_what_is_registered_later_until_it_is_lifted(m: Market) -> None:
    sale, other = await on_sale(m), await on_sale(m, said=PEOPLE)
    regulator = await m.join("regulator")
    done = await m.done(regulator, AT, wish("freeze", rules=[{"personal_data": "none", "modality": "text"}]))
    assert (done["targets"], done["matched"], done["told"]) == ([], 1, 1)
    assert (await standing(m, sale.listing), await standing(m, other.listing)) == ("frozen", "on_sale")
    (notice,) = await notices(m, sale.supplier)
    assert notice["rules"] == [{"modality": "text", "personal_data": "none"}]
    assert [one["target"] for one in notice["targets"]] == [sale.dataset]
    # Somebody who was not there yet: bound by the answer to the registration, told by the clock.
    late = await m.join("supplier")
    new = (await m.done(late, "/supplier/v1/datasets", dict(DATASET)))["id"]
    free = (await m.done(late, "/supplier/v1/datasets", dict(PEOPLE)))["id"]
    shown = (await m.get(regulator, f"{AT}/{done['id']}")).json()
    assert (shown["matched"], shown["rules"]) == (2, notice["rules"])
    entries = (await m.get(regulator, f"/regulator/v1/audit-entries?object_id={new}")).json()["items"]
    assert [one["entry"]["action"] for one in entries] == ["directive.target", "dataset.register"]
    assert await notices(m, late) == []
    await m.services.db.run(issue_directive.tell_more)
    assert [one["target"] for one in (await notices(m, late))[0]["targets"]] == [new]
    entries = (await m.get(regulator, f"/regulator/v1/audit-entries?object_id={free}")).json()["items"]
    assert [one["entry"]["action"] for one in entries] == ["dataset.register"]
    await m.done(regulator, f"{AT}/{done['id']}/lifting")
    assert await standing(m, sale.listing) == "on_sale"
    await m.done(late, "/supplier/v1/datasets", dict(DATASET))
    assert (await m.get(regulator, f"{AT}/{done['id']}")).json()["matched"] == 2


async def test_what_is_caught_later_is_not_published(m: Market) -> None:
    regulator = await m.join("regulator")
    await m.done(regulator, AT, wish("delist", rules=[{"licence": DATASET["licence"]}]))
    with pytest.raises(AssertionError, match="directive"):
        await on_sale(m)


async def test_who_is_asked_by_rule_is_who_is_there(m: Market) -> None:
    regulator, supplier = await m.join("regulator"), await m.join("supplier")
    asked = wish("inform", now=datetime.now(UTC), rules=[{"personal_data": "contains"}])
    refused = await m.post(regulator, AT, asked)
    assert (refused.status_code, slug(refused)) == (422, "directive-catches-nothing")
    await m.done(supplier, "/supplier/v1/datasets", dict(PEOPLE))
    done = await m.done(regulator, AT, asked)
    assert (done["matched"], done["told"]) == (1, 1)
    await m.done(supplier, "/supplier/v1/datasets", dict(PEOPLE))
    assert (await m.get(regulator, f"{AT}/{done['id']}")).json()["matched"] == 1


@pytest.mark.parametrize(
    ("rules", "why"),
    [
        ([{}], "directive-invalid"),
        ([{"licence": ""}], "directive-invalid"),
        ([{"licence": "MIT"}] * 2, "directive-invalid"),
        ([{"licence": "MIT"}] * 11, "invalid-request"),
        ([{"personal_data": "some"}], "invalid-request"),
        ([{"cross_border": "yes"}], "invalid-request"),
        ([{"colour": "red"}], "invalid-request"),
    ],
)
async def test_nonsense_in_rules_is_refused(m: Market, rules: list[Any], why: str) -> None:
    regulator = await m.join("regulator")
    answer = await m.post(regulator, AT, wish("freeze", rules=rules))
    assert (answer.status_code, slug(answer)) == (400, why), answer.text


async def test_everybody_reads_what_is_ordered_and_nobody_reads_whom(m: Market) -> None:
    empty = (await m.http.get("/transparency?lang=en")).text
    assert "Freezes and delistings" not in empty
    assert "Request for information" in empty
    sale, regulator = await on_sale(m), await m.join("regulator")
    freeze = await m.done(regulator, AT, wish("freeze", sale.listing, sale.supplier.organisation))
    await m.done(regulator, AT, wish("delist", rules=[{"modality": "text"}]))
    secret = {**BASIS, "law": "court", "article": "hidden-77"}
    hidden = [
        await m.done(regulator, AT, wish(kind, sale.supplier.organisation, now=datetime.now(UTC), basis=secret))
        for kind in ("preserve", "disclose", "inform")
    ]
    lines = {
        "en": ["Data Security Law of the PRC, article 33", "1 organisation, 1 listing", "1 rule, 1 dataset by rule"],
        "zh": ["《中华人民共和国数据安全法》第 33 条", "1 家机构、1 个上架产品", "1 条规则、依规则纳入 1 个数据集"],
    }
    for language, words in lines.items():
        page = (await m.http.get("/transparency", params={"lang": language})).text
        assert all(one in page for one in words), page
        rows = re.findall(r'<td class="num">(\d+)</td><td class="num">(\d+)</td>', page)
        assert rows == [("1", "0")] * 5
        names = [one["id"] for one in (freeze, *hidden)] + [
            sale.listing,
            sale.supplier.organisation,
            regulator.organisation,
        ]
        for word in (*names, "hidden-77", REASON["en"], REASON["zh"], *BASIS["text"].values()):  # type: ignore[attr-defined]
            assert word not in page, word
    await m.done(regulator, f"{AT}/{freeze['id']}/lifting")
    page = (await m.http.get("/transparency?lang=en")).text
    assert page.index("Delisting</td>") < page.index("Freeze</td>"), "what is in force comes first"
    assert page.count("in force</td>") == 1


async def test_the_list_of_directives_has_pages(m: Market) -> None:
    regulator, supplier = await m.join("regulator"), await m.join("supplier")
    for n in range(SHOWN + 1):
        await m.done(regulator, AT, wish("delist", supplier.organisation, basis={**BASIS, "article": f"no-{n}."}))
    first, last = [(await m.http.get(f"/transparency?lang=en&page={n}")).text for n in (1, 2)]
    assert (first.count("no-"), last.count("no-")) == (SHOWN, 1)
    assert ("page=2" in first, "page=1" in last, "page=3" in last) == (True, True, False)
    for page in ("0", "x", "99999999999"):
        assert (await m.http.get(f"/transparency?page={page}")).status_code == 400


async def test_the_command_takes_rules_and_says_what_is_wrong_with_one(m: Market) -> None:
    supplier, regulator = await m.join("supplier"), await m.join("regulator")
    await m.done(supplier, "/supplier/v1/datasets", dict(PEOPLE))
    environment = {"REGULATOR_CLIENT": regulator.client, "REGULATOR_SECRET": regulator.secret, "LANG": "en_GB.UTF-8"}
    words = ["issue", "inform", "--law", "cn-pipl", "--basis-en", "Supervision", "--basis-zh", "监督"]
    words += ["--reason-en", "Which people?", "--deadline", (datetime.now(UTC) + timedelta(hours=1)).isoformat()]

    async def command(*more: str) -> tuple[int, str]:
        def run() -> tuple[int, str]:
            url = str(m.http.base_url).rstrip("/")
            with redirect_stdout(StringIO()) as out:
                code = commands.main(
                    ["regulator", "direct", *more, "--url", url],
                    environment,
                    lambda given: main.tools(load(given), given),
                )
            return code, out.getvalue()

        return await asyncio.to_thread(run)

    code, said = await command(*words, "--rule", "personal_data=contains,cross_border=yes")
    assert (code, "caught: 1" in said) == (0, True), said
    code, said = await command("list")
    assert "personal_data=contains,cross_border=yes" in said
    for rule in ("personal_data", "colour=red", "cross_border=maybe", "licence=A,licence=B", "licence="):
        code, said = await command(*words, "--rule", rule)
        assert (code, rule in said) == (2, True), said
    code, said = await command(*words)
    assert (code, "or a rule" in said) == (2, True), said
