"""A preview books nothing, and a run that follows books exactly what it showed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest

from exchange.cli import commands
from exchange.cli.tools import Tools
from exchange.flows.preview_run import PreviewOrdered, make_preview, order_preview
from exchange.flows.refund_order import RefundReceipt, RefundWish, refund_order
from exchange.flows.settle_period import Period
from exchange.kernel import ids
from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Database, Tx
from exchange.kernel.errors import Problem
from exchange.kernel.keys import Keyring
from exchange.kernel.money import Money
from exchange.kernel.pages import PageRequest
from settlement.previews import Part, Preview
from settlement.refunds import Reason
from settlement.store import previews
from tests.integration.test_settlement_run import settle
from tests.support.api import settings_for
from tests.support.ruled import put_rule, ruled_offer, step, waterfall
from tests.support.settlement_market import (
    BROKER,
    BUYER,
    ONE_OFF,
    OPERATOR,
    OTHER,
    PER_RECORD,
    SELLER,
    Market,
    actor,
    open_market,
)

YUAN = 1_000_000
JANUARY = Period(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC), "CNY")
FEBRUARY = Period(datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC), "CNY")
SECOND = UUID(int=0xA00001)
OPERATING = actor(OPERATOR, "operator")


async def preview(
    market: Market, period: Period, against: str | None = None, *, sellers: int = 2
) -> tuple[Preview, dict[str, list[Any]]]:
    """A preview, and its lines by part."""
    run = None if against is None else ids.parse("run", against)
    asked = await market.database.run(lambda tx: order_preview(tx, OPERATING, period, run))
    assert isinstance(asked, PreviewOrdered), asked
    named, said = ids.parse("prv", asked.preview), []

    async def heard(done: int, total: int | None) -> None:
        said.append((done, total))

    for _ in range(2):
        made = await make_preview(market.database, market.sales, named, heard)
        assert isinstance(made, Preview), made
    assert said == [(sellers, sellers)]

    async def lines(tx: Tx, part: Part) -> list[Any]:
        page = await previews.list_lines(tx, named, part, PageRequest(limit=200))
        return [line for _, line in page.items]

    return made, {part.value: await market.database.run(lambda tx, part=part: lines(tx, part)) for part in Part}  # type: ignore[misc]


async def everything(database: Database) -> dict[str, int]:
    """How many rows each table of money has, and what every account holds."""

    async def look(tx: Tx) -> dict[str, int]:
        driver = await tx.driver()
        found = {
            table: await driver.fetchval(f"SELECT count(*) FROM settlement.{table}")
            for table in ("journal", "charge", "due", "invoice", "statement", "run", "account", "split_run")
        }
        for row in await driver.fetch(
            "SELECT a.kind || coalesce('/' || a.organisation_id, '') AS who, sum(p.amount)::bigint AS units "
            "FROM settlement.posting p JOIN settlement.account a ON a.id = p.account_id GROUP BY 1"
        ):
            found[row["who"]] = row["units"]
        return found

    return await database.run(look)


async def charges(database: Database, run: str) -> list[dict[str, Any]]:
    """What a run charged, as a preview shows it."""

    async def look(tx: Tx) -> list[Any]:
        return list(
            await (await tx.driver()).fetch(
                "SELECT grant_id, component, period_index, amount_units, tax_units, quantity, corrects IS NOT NULL AS corrects, "
                "explanation->'text' AS text FROM settlement.charge WHERE run_id = $1 ORDER BY id",
                ids.parse("run", run),
            )
        )

    return [
        {
            "grant": ids.text("grt", row["grant_id"]),
            "component": row["component"],
            "period_index": row["period_index"],
            "amount": Money(row["amount_units"], "CNY").to_wire(),
            "tax": Money(row["tax_units"], "CNY").to_wire(),
            "quantity": format(row["quantity"].normalize(), "f"),
            "corrects": row["corrects"],
            "text": row["text"],
        }
        for row in await database.run(look)
    ]


def units(wire: dict[str, str]) -> int:
    return Money.from_wire(wire).units


@pytest.fixture
async def market(database: Database, keyring: Keyring, clock: FixedClock) -> Market:
    """Two sellers, one of them under a rule that counts by the month; two buyers, one of them short of money."""
    market = await open_market(database, keyring)
    await market.join(SECOND)
    rule = await put_rule(
        market,
        waterfall(
            step("fee", "share_of_gross", percent="10", at_most="4", per="month"),
            step("found", "share_of_gross", "broker", BROKER, percent="5", per="month"),
            per="month",
        ),
    )
    await ruled_offer(market, "ruled", rule, "pay_per_use", PER_RECORD)
    await ruled_offer(market, "ruled once", rule, "one_off", ONE_OFF)
    await market.fund(BUYER, 1_000 * YUAN)
    await market.fund(OTHER, 47 * YUAN)
    return market


async def trade(market: Market, clock: FixedClock) -> dict[str, str]:
    """January's trade; the grants by name."""
    grants = {"own": (await market.buy(OTHER, "per_use")).grant, "ruled": (await market.buy(BUYER, "ruled")).grant}
    grants["second"] = (await market.buy(OTHER, f"per_use/{SECOND.hex[-4:]}")).grant
    grants["monthly"] = (await market.buy(BUYER, f"monthly/{SECOND.hex[-4:]}")).grant
    bought = await market.buy(BUYER, "ruled once")
    at = clock.now() + timedelta(minutes=5)
    for name, records in (("own", 2_000), ("ruled", 1_500), ("second", 3_000)):
        await market.use(grants[name], records, at)
    clock.advance(20 * 86_400)
    return {**grants, "order": bought.id}


async def test_a_run_books_what_its_preview_showed(market: Market, clock: FixedClock) -> None:
    grants = await trade(market, clock)
    for period in (JANUARY, FEBRUARY, FEBRUARY):
        before = await everything(market.database)
        shown, lines = await preview(market, period)
        assert await everything(market.database) == before
        run = await settle(market, period)
        after = await everything(market.database)
        booked = await charges(market.database, run.run)
        for line, fact in zip(lines["charge"], booked, strict=True):
            assert {name: line[name] for name in fact if name != "corrects"} | {
                "corrects": line["corrects"] is not None
            } == fact
        assert shown.summary is not None
        assert shown.summary["charges"] == len(booked)
        moved = {
            who: after.get(who, 0) - before.get(who, 0) for who in {*before, *after} if "/" in who or who == "revenue"
        }
        _as_shown(lines, moved)
        # What the next month begins with: late use, a refund of what a rule split, money for what is owed.
        if period is JANUARY:
            await market.use(grants["own"], 500, JANUARY.end - timedelta(days=10))
            await market.use(grants["ruled"], 2_500, JANUARY.end - timedelta(days=5))
            await market.fund(OTHER, 25 * YUAN)
            wish = RefundWish(("order", ids.parse("ord", grants["order"])), Reason.GOODWILL, Money(30 * YUAN, "CNY"))
            back = await market.database.run(lambda tx, wish=wish: refund_order(tx, OPERATING, wish))  # type: ignore[misc]
            assert isinstance(back, RefundReceipt), back
            clock.advance(30 * 86_400)
        else:
            await market.use(grants["second"], 100, FEBRUARY.end - timedelta(days=20))


def _as_shown(lines: dict[str, list[Any]], moved: dict[str, int]) -> None:
    payees = {one.get("organisation", one.get("account")): one for one in lines["payee"]}
    for payee in (SELLER, BROKER, SECOND):
        name = ids.text("org", payee)
        payable = moved.get(f"payable/{payee}", 0) + moved.get(f"debt/{payee}", 0)
        nothing = Money(0, "CNY").to_wire()
        shown = payees.get(name, {"payable": nothing, "earned": nothing})
        assert units(shown["payable"]) == payable
        assert units(shown["earned"]) == moved.get(f"pending/{payee}", 0) + payable
    assert units(payees["revenue"]["earned"]) == moved["revenue"]
    for one in lines["buyer"]:
        buyer = ids.parse("org", one["organisation"])
        assert units(one["paid"]) == -moved.get(f"wallet/{buyer}", 0)


async def test_the_difference_to_the_run_before(market: Market, clock: FixedClock) -> None:
    grants = await trade(market, clock)
    shown, lines = await preview(market, JANUARY)
    assert shown.summary is not None
    assert (shown.summary["compared"], lines["diff"]) == (None, [])
    first = await settle(market, JANUARY)
    again, _ = await preview(market, JANUARY)
    assert again.summary is not None
    compared = again.summary["compared"]
    # The same period: what it costs in all, and nothing is added.
    assert (compared["run"], compared["same_period"], compared["unchanged"]) == (first.run, True, 3)
    await market.use(grants["own"], 1, JANUARY.end - timedelta(days=10))
    _, lines = await preview(market, JANUARY)
    assert lines["diff"] == [
        {
            "change": "changed",
            "grant": grants["own"],
            "component": "use",
            "before": Money(30 * YUAN, "CNY").to_wire(),
            "after": Money(30_015_000, "CNY").to_wire(),
            "difference": Money(15_000, "CNY").to_wire(),
        }
    ]
    await settle(market, JANUARY)
    await market.use(grants["own"], 2_001, JANUARY.end + timedelta(days=2))
    clock.advance(30 * 86_400)
    _, lines = await preview(market, FEBRUARY, first.run)
    assert {(one["grant"], one["change"]) for one in lines["diff"]} == {
        (grants["own"], "changed"),
        (grants["ruled"], "gone"),
        (grants["second"], "gone"),
        (grants["monthly"], "new"),
    }
    for period, against in ((FEBRUARY, "run_" + "0" * 26), (JANUARY, first.run)):
        other = Period(period.start, period.end, "EUR" if against == first.run else "CNY")
        run = ids.parse("run", against)
        refused = await market.database.run(lambda tx, other=other, run=run: order_preview(tx, OPERATING, other, run))  # type: ignore[misc]
        assert isinstance(refused, Problem)
        assert refused.slug == ("nothing-to-compare" if against == first.run else "not-found")


async def test_a_preview_waits_for_nobody(market: Market, clock: FixedClock) -> None:
    """Wallets, dues and orders are locked by others for all the time that a preview takes."""
    await trade(market, clock)
    await settle(market, JANUARY)
    clock.advance(30 * 86_400)

    async def holding(tx: Tx) -> Preview:
        driver = await tx.driver()
        for table in ("balance", "due", "orders", "run"):
            await driver.fetch(f"SELECT FROM settlement.{table} FOR UPDATE")
        made, _ = await preview(market, FEBRUARY)
        return made

    made = await market.database.run(holding)
    assert made.state == "made"


async def test_the_command_shows_it_and_books_only_without_dry_run(
    market: Market, clock: FixedClock, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await trade(market, clock)

    @asynccontextmanager
    async def here(*_: Any, **__: Any) -> AsyncIterator[Any]:
        class Made:
            db, sales = market.database, market.sales

        yield Made

    tools = Tools(settings_for(tmp_path), here, here, None, None, None, None, {})  # type: ignore[arg-type]

    async def run(*more: str) -> tuple[int, str]:
        edges = ("--from", JANUARY.start.isoformat(), "--to", JANUARY.end.isoformat(), "--currency", "CNY")
        chosen = commands.parser().parse_args(["settle", *edges, *more])
        return await chosen.run(chosen, tools), capsys.readouterr().out

    before = await everything(market.database)
    code, said = await run("--dry-run", "--json")
    shown = msgspec.json.decode(said)
    assert (code, shown["charges"], shown["compared"]) == (0, 3, None)
    code, said = await run("--dry-run")
    assert code == 0
    assert "Nothing was booked. A run now would book:" in said
    assert "There is no earlier run to compare with." in said
    for wrong in (("--compare", "nothing"), ("--from", "yesterday"), ("--currency", "cny"), ("--zone", "Moon/Base")):
        code, said = await run("--dry-run", "--lang", "zh", *wrong)
        assert (code, wrong[1] in said, "不是" in said) == (2, True, True)
    assert await everything(market.database) == before
    code, said = await run("--json")
    assert (code, msgspec.json.decode(said)["finished"]) == (0, True)
    code, said = await run("--dry-run", "--from", "2026-01-01", "--to", "2026-02-01")
    assert "3 unchanged" in said
    assert "未变 3 行" in (await run("--dry-run", "--lang", "zh"))[1]
