"""A closed run is never touched again: further runs over its period book differences, on invoices that refer to the first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest

from exchange.flows.close_books import BooksClosed, close_books, close_months
from exchange.flows.issue_missing import MissingIssued, issue_missing
from exchange.flows.prove_money import prove_money
from exchange.flows.settle_period import Period, RunProgress, settle_next, start_run
from exchange.flows.steer_run import cancel_run, resume_run
from exchange.kernel import ids, jobs
from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Database, Tx
from exchange.kernel.errors import Problem
from exchange.kernel.keys import Keyring
from exchange.kernel.money import Money
from settlement.store import audit
from tests.integration.test_settlement_run import settle
from tests.support.papered import agree, operated, profiled
from tests.support.settlement_market import BROKER, BUYER, OPERATOR, SELLER, Market, actor, open_market

YUAN = 1_000_000
JANUARY = Period(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC), "CNY")
FEBRUARY = Period(JANUARY.end, datetime(2026, 3, 1, tzinfo=UTC), "CNY")
GERMAN = UUID(int=0xDE00)
OPERATING = actor(OPERATOR, "operator")
KEPT = ("journal", "posting", "charge", "invoice", "invoice_line", "statement", "statement_line", "run_item")


@pytest.fixture
async def market(database: Database, keyring: Keyring) -> Market:
    market = await open_market(database, keyring)
    await market.fund(BUYER, 1_000 * YUAN)
    return market


async def rows(database: Database) -> dict[str, set[str]]:
    async def look(tx: Tx) -> dict[str, set[str]]:
        driver = await tx.driver()
        return {
            table: {row[0] for row in await driver.fetch(f"SELECT t::text FROM settlement.{table} t")} for table in KEPT
        }

    return await database.run(look)


async def invoices(database: Database, run: str) -> list[dict[str, Any]]:
    async def look(tx: Tx) -> list[dict[str, Any]]:
        query = "SELECT document FROM settlement.invoice WHERE run_id = $1 ORDER BY id"
        return [msgspec.json.decode(row[0]) for row in await (await tx.driver()).fetch(query, ids.parse("run", run))]

    return await database.run(look)


async def prove(database: Database) -> None:
    """Clients' money is proved now: nobody ever moved any at the provider, so all that the books have there has a name."""
    at = {"CNY": Money.zero("CNY")}
    made, _ = await database.run(lambda tx: prove_money(tx, at, {}))
    assert [(one.currency, one.complete, one.difference.units) for one in made] == [("CNY", True, 0)]


async def start(database: Database, period: Period) -> RunProgress | Problem:
    return await database.run(lambda tx: start_run(tx, period))


async def test_a_further_run_books_only_differences_and_nothing_of_the_first_changes(
    market: Market, clock: FixedClock
) -> None:
    database = market.database
    grant = (await market.buy(BUYER, "per_use")).grant
    at = clock.now() + timedelta(minutes=5)
    await market.use(grant, 1_000, at)
    clock.advance(20 * 86_400)
    first = await settle(market, JANUARY)
    before = await rows(database)
    (invoice,) = await invoices(database, first.run)
    assert (invoice["type"], invoice["total"]["amount"], "corrects" in invoice) == ("invoice", "15.00", False)
    await market.use(grant, 200, at)
    second = await settle(market, JANUARY)
    (correction,) = await invoices(database, second.run)
    assert (correction["type"], correction["total"]["amount"]) == ("corrective-invoice", "3.00")
    reference = {name: invoice[name] for name in ("series", "number", "issued_at")} | {"invoice": invoice["id"]}
    assert correction["corrects"] == [reference]
    (line,) = correction["lines"]
    assert (line["corrects"], line["corrects_invoice"]) == (invoice["lines"][0]["source"], invoice["id"])
    after = await rows(database)
    assert all(before[table] <= after[table] for table in KEPT)
    # Nothing more is due, and a third run over the same period says so.
    third = await settle(market, JANUARY)
    assert third.run not in (first.run, second.run)
    assert {table: len(found) for table, found in (await rows(database)).items() if table != "run_item"} == {
        table: len(found) for table, found in after.items() if table != "run_item"
    }
    assert await database.run(audit.check) == []


async def test_a_run_is_given_up_before_it_books_and_never_after(market: Market, clock: FixedClock) -> None:
    database = market.database
    await market.buy(BUYER, "one_off")
    clock.advance(20 * 86_400)
    started = await start(database, JANUARY)
    assert isinstance(started, RunProgress)
    run = ids.parse("run", started.run)
    for who, slug in ((actor(SELLER, "supplier"), "forbidden"), (OPERATING, None), (OPERATING, "state-conflict")):
        said = await database.run(lambda tx, who=who: cancel_run(tx, who, run))  # type: ignore[misc]
        assert said.slug == slug if isinstance(said, Problem) else (said.state, slug) == ("cancelled", None)
    # The job that still waits finds nothing to do.
    left = await database.run(lambda tx: settle_next(tx, market.sales, run))
    assert isinstance(left, RunProgress)
    assert (left.state, left.sellers, left.finished) == ("cancelled", (0, 1), False)
    again = await start(database, JANUARY)
    assert isinstance(again, RunProgress)
    assert again.run != started.run
    run = ids.parse("run", again.run)
    await database.run(lambda tx: settle_next(tx, market.sales, run))
    refused = await database.run(lambda tx: cancel_run(tx, OPERATING, run))
    assert isinstance(refused, Problem)
    assert (refused.slug, refused.fields["done"], refused.fields["total"]) == ("run-booked", 1, 1)
    assert (await settle(market, JANUARY)).run == again.run


async def test_a_run_whose_job_was_given_up_goes_on(market: Market, clock: FixedClock) -> None:
    database = market.database
    await market.buy(BUYER, "one_off")
    clock.advance(20 * 86_400)
    started = await start(database, JANUARY)
    assert isinstance(started, RunProgress)
    job = await database.run(lambda tx: jobs.take(tx, ["settle"]))
    assert job is not None
    await database.run(lambda tx: jobs.fail(tx, job, "the disk is full", attempts_max=0))
    run = ids.parse("run", started.run)
    for _ in range(2):
        assert isinstance(await database.run(lambda tx: resume_run(tx, OPERATING, run)), RunProgress)
        known = await database.run(lambda tx: jobs.find(tx, job.id))
        assert known is not None
        assert known.state == "queued"
    assert (await settle(market, JANUARY)).run == started.run
    refused = await database.run(lambda tx: resume_run(tx, OPERATING, run))
    assert isinstance(refused, Problem)
    assert refused.slug == "state-conflict"


async def test_regions_are_settled_apart_and_a_run_of_all_meets_none_of_them(market: Market, clock: FixedClock) -> None:
    database = market.database
    await market.join(GERMAN, "DE")
    grants = [(await market.buy(BUYER, name)).grant for name in ("per_use", f"per_use/{GERMAN.hex[-4:]}")]
    for grant in grants:
        await market.use(grant, 1_000, clock.now() + timedelta(minutes=5))
    clock.advance(20 * 86_400)
    chinese, german = (Period(JANUARY.start, JANUARY.end, "CNY", region) for region in ("CN", "DE"))
    both = [await start(database, period) for period in (chinese, german)]
    assert [one.sellers for one in both if isinstance(one, RunProgress)] == [(0, 1), (0, 1)]
    refused = await start(database, JANUARY)
    assert isinstance(refused, Problem)
    assert refused.slug == "run-open"
    for period, seller in ((german, GERMAN), (chinese, SELLER)):
        run = await settle(market, period)
        (invoice,) = await invoices(database, run.run)
        assert (invoice["seller"], run.region) == (ids.text("org", seller), period.region)
    assert await database.run(audit.check) == []
    # A month further for one region: only the others may still be settled up to January.
    clock.advance(30 * 86_400)
    await settle(market, Period(FEBRUARY.start, FEBRUARY.end, "CNY", "DE"))
    for region, slug in (("DE", "period-passed"), (None, "period-passed"), ("CN", None)):
        said = await start(database, Period(JANUARY.start, JANUARY.end, "CNY", region))
        assert (said.slug if isinstance(said, Problem) else None) == slug


async def test_books_wait_for_an_open_run_and_then_close_by_the_clock(market: Market, clock: FixedClock) -> None:
    database = market.database
    await market.buy(BUYER, "one_off")
    clock.advance(17 * 86_400)
    started = await start(database, JANUARY)
    assert isinstance(started, RunProgress)
    clock.advance(30 * 86_400)
    march = datetime(2026, 3, 1, tzinfo=UTC)
    refused = await database.run(lambda tx: close_books(tx, OPERATING, "CNY", march))
    assert isinstance(refused, Problem)
    assert (refused.slug, refused.fields["run"]) == ("books-wait-for-run", started.run)
    # The books of January wait for its settlement, which books into February.
    assert await database.run(lambda tx: close_months(tx, 3)) == []
    await settle(market, JANUARY)
    # And for the proof of clients' money, made since its end.
    assert await database.run(lambda tx: close_months(tx, 3)) == []
    await prove(database)
    # And for the papers of its sales, which nobody could write without names and an agreement.
    assert await database.run(lambda tx: close_months(tx, 3)) == []
    await operated(market)
    await profiled(market, SELLER, BUYER, BROKER, OPERATOR)
    for payee in (SELLER, BROKER):
        await agree(market, payee)
    written = await database.run(lambda tx: issue_missing(tx, OPERATING))
    assert isinstance(written, MissingIssued)
    # The sale's; what of it is its payees' and the exchange's comes with the run that releases it.
    assert (written.issued, written.missing) == (1, 0)
    (closed,) = await database.run(lambda tx: close_months(tx, 3))
    assert (closed.currency, closed.end) == ("CNY", "2026-02-01T00:00:00Z")
    clock.advance(2 * 86_400)
    assert await database.run(lambda tx: close_months(tx, 3)) == []
    await settle(market, FEBRUARY)
    await prove(database)
    (closed,) = await database.run(lambda tx: close_months(tx, 3))
    assert (closed.currency, closed.end) == ("CNY", "2026-03-01T00:00:00Z")
    assert await database.run(lambda tx: close_months(tx, 3)) == []
    later = await database.run(lambda tx: close_books(tx, OPERATING, "CNY", march))
    assert isinstance(later, BooksClosed)
    assert await database.run(audit.check) == []
