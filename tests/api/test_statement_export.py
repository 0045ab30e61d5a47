"""A statement is exported and worked out again by the script alone, over shares, refunds, a split rule and a charge."""

from __future__ import annotations

import json
import subprocess
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from exchange.kernel.clock import FixedClock
from settlement.recompute_statement import check
from tests.support.api import Market, Party, market
from tests.support.months import go_to, settle
from tests.support.outcomes import funded
from tests.support.pythons import oldest
from tests.support.ruled import step, waterfall
from tests.support.tampered import number_places, tampered
from tests.support.trade import OnSale, component, offer_document, on_sale

START = datetime(2026, 1, 15, 8, tzinfo=UTC)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(START)


@pytest.fixture
async def m(database_url: str, tmp_path: Path, clock: FixedClock) -> AsyncIterator[Market]:
    async with market(database_url, tmp_path, clock=clock) as made:
        yield made


async def order(m: Market, buyer: Party, offer: str) -> str:
    wish = {"offer": offer, "purposes": ["pretrain"], "payment": "wallet"}
    made = (await m.done(buyer, "/buyer/v1/orders", wish))["id"]
    return str(made)


async def refund(m: Market, supplier: Party, order_id: str, amount: str | None = None) -> None:
    part = {} if amount is None else {"amount": {"amount": amount, "currency": "CNY"}}
    await m.done(supplier, f"/supplier/v1/orders/{order_id}/refunds", {"reason": "defect", **part})


async def ruled(m: Market, sold: OnSale) -> str:
    document = waterfall(
        step("service", "share_of_gross", percent="7.5", at_least="1"),
        step("fee", "share_of_gross", percent="10", at_most="70", per="month"),
        per="month",
    )
    path = f"/supplier/v1/datasets/{sold.dataset}/split-rules"
    rule = await m.done(sold.supplier, path, {"code": "main", "document": document})
    offer = {**offer_document(), "split_rule": {"id": rule["id"], "sha256": rule["sha256"]}}
    del offer["shares"]
    path = f"/supplier/v1/listings/{sold.listing}/offers"
    return str((await m.done(sold.supplier, path, {"code": "r", "document": offer}))["id"])


async def exports(m: Market, supplier: Party) -> list[bytes]:
    """Every statement of a payee as its file, the oldest first."""
    items = (await m.get(supplier, "/supplier/v1/statements")).json()["items"]
    files = []
    for item in reversed(items):
        answer = await m.get(supplier, f"/supplier/v1/statements/{item['id']}/export")
        assert answer.status_code == 200, answer.text
        assert answer.json()["sha256"] == item["sha256"]
        files.append(answer.content)
    return files


def run(folder: Path, script: bytes, *files: bytes, words: tuple[str, ...] = ()) -> tuple[int, str]:
    (folder / "recompute_statement.py").write_bytes(script)
    for n, data in enumerate(files):
        (folder / f"{n}.json").write_bytes(data)
    before = ("--before", "1.json") if len(files) > 1 else ()
    command = [oldest((3, 10)), "-I", "-S", "recompute_statement.py", "0.json", *before, *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


async def test_every_line_of_a_real_statement_is_worked_out_again_by_the_script_alone(
    m: Market, clock: FixedClock, tmp_path: Path
) -> None:
    sold, buyer = await on_sale(m), await funded(m)
    supplier = sold.supplier
    by_rule = await ruled(m, sold)
    plain, early = await order(m, buyer, sold.offer), await order(m, buyer, sold.offer)
    split = [await order(m, buyer, by_rule) for _ in range(2)]
    # One refund before the shares are payable, others after it.
    await refund(m, supplier, early, "33.333333")
    buyer, supplier = await go_to(m, clock, datetime(2026, 2, 2, tzinfo=UTC), buyer, supplier)
    await settle(m, 2026, 1)
    await refund(m, supplier, plain, "100.000001")
    await refund(m, supplier, split[0], "177.70")
    buyer, supplier = await go_to(m, clock, datetime(2026, 3, 2, tzinfo=UTC), buyer, supplier)
    await settle(m, 2026, 2)
    files = await exports(m, supplier)
    script = (await m.http.get("/catalog/v1/verification/recompute_statement.py")).content
    assert b"import settlement" not in script
    assert b"from exchange" not in script
    kinds: list[dict[str, Any]] = [line for one in files for line in json.loads(json.loads(one)["document"])["lines"]]
    assert {"shares", "rule", "parts", "back"} <= {name for line in kinds for name in line}
    for one in files:
        assert check(one).differences == []
        assert check(one).as_they_stand == []
    code, said = run(tmp_path, script, files[1], files[0])
    assert (code, said.splitlines()[-1][:2]) == (0, "OK"), said
    code, said = run(tmp_path, script, files[0], words=("--lang", "zh"))
    assert (code, said.splitlines()[-1][:2]) == (0, "一致"), said
    # A later statement does not begin where itself ended.
    assert run(tmp_path, script, files[0], files[0])[0] == 1
    assert run(tmp_path, script, b"{}")[0] == 2
    for one in files:
        assert_every_number_counts(one)


def assert_every_number_counts(data: bytes) -> None:
    """Change each number of a statement on its own: the check fails, and names the line that it stands on."""
    for place in number_places(data):
        report_of = check(tampered(data, place))
        assert report_of.differences, place
        if place[0] == "lines":
            named = f"line {place[1] + 1} "
            assert any(one.at.startswith(named) for one in report_of.differences), (place, report_of)


async def test_a_charge_and_a_statement_of_another_are_told_apart(m: Market, clock: FixedClock) -> None:
    sold, buyer = await on_sale(m), await funded(m)
    fee = component({"type": "flat", "amount": "31.00", "in_advance": True}, None, "month")
    monthly = offer_document("subscription", fee)
    path = f"/supplier/v1/listings/{sold.listing}/offers"
    made = await m.done(sold.supplier, path, {"code": "m", "document": monthly})
    await order(m, buyer, made["id"])
    other = (await on_sale(m)).supplier
    buyer, supplier, other = await go_to(m, clock, datetime(2026, 3, 2, tzinfo=UTC), buyer, sold.supplier, other)
    await settle(m, 2026, 2)
    (data,) = await exports(m, supplier)
    document = json.loads(json.loads(data)["document"])
    assert "chg" in {line["source"][:3] for line in document["lines"]}
    assert check(data).differences == []
    answer = await m.get(other, f"/supplier/v1/statements/{document['id']}/export")
    assert answer.status_code == 404
