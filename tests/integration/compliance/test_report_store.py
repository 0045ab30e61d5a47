"""The log as reports read it: periods found by halves, rows in parts that join, counts and waits; walls around samples."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compliance import notes, report_store, store
from compliance.entries import Entry
from compliance.report_store import Span
from compliance.reports.intermediation import patterns
from exchange.flows.report_rows import PART, Asked, rows_of
from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Database, Tx
from exchange.kernel.keys import Keyring
from tests.conftest import NOW
from tests.support.sequencing import sequence

ORIGIN = "exchange.example/log"
ACTIONS = ("quote.ask", "client.create", "purchase", "negotiation.offer", "token.issue")
DAYS, A_DAY = 40, 60


@pytest.fixture
async def filled(database: Database, clock: FixedClock, keyring: Keyring) -> int:
    """A log of forty days with sixty entries each, a third of the orders refused; its size."""
    signer = notes.log_signer(keyring, ORIGIN)
    for day in range(DAYS):

        async def flow(tx: Tx, day: int = day) -> None:
            await store.append(tx, [_entry(day * A_DAY + n) for n in range(A_DAY)])

        await database.run(flow)
        clock.advance(1)
        await sequence(database, [signer], ORIGIN)
        clock.advance(timedelta(days=1).total_seconds() - 1)
    return DAYS * A_DAY


def _entry(n: int) -> Entry:
    action = ACTIONS[n % len(ACTIONS)]
    if action == "purchase" and n % 3 == 0:
        refused = {"outcome": "refused", "problem": "trade-frozen"}
        return Entry(action=action, organisation_id=UUID(int=1), **refused)  # type: ignore[arg-type]
    return Entry(action=action, organisation_id=UUID(int=1), object_id=f"ord_{n}")


async def test_a_period_holds_just_the_entries_written_in_it(database: Database, filled: int) -> None:
    for first, last in ((0, 1), (3, 7), (39, 40), (0, 40), (20, 20), (50, 60), (-9, -3)):
        since, until = NOW + timedelta(days=first), NOW + timedelta(days=last)
        span = await database.run(lambda tx, s=since, u=until: report_store.span_of(tx, filled, s, u))
        told = await database.run(lambda tx, s=span: report_store.spine(tx, s, ["%"], 10_000, done_only=False))
        wanted = [n for n in range(filled) if first <= n // A_DAY < last]
        assert [one.leaf_index for one in told] == wanted
        # Found by halves, with a day of room on both sides: not by reading the log from its beginning.
        assert span.end - span.first <= max(0, last - first + 3) * A_DAY


async def test_parts_join_without_gap_or_double(database: Database, filled: int) -> None:
    asked = Asked("intermediation", Span(0, filled), NOW)
    parts = [part async for part in rows_of(database, asked)]
    rows = [row for part in parts for row in part]
    assert len(parts) > 2
    assert max(len(one) for one in parts) == PART
    assert [row["leaf_index"] for row in rows] == [n for n in range(filled) if n % 5 in (0, 2, 3)]
    assert {row["problem"] for row in rows} == {None, "trade-frozen"}


async def test_orders_that_were_refused_are_no_trades(database: Database, filled: int) -> None:
    told = await database.run(lambda tx: report_store.spine(tx, Span(0, filled), ["purchase"], 10_000, done_only=True))
    assert [one.leaf_index for one in told] == [n for n in range(filled) if n % 5 == 2 and n % 3]
    assert await database.run(lambda tx: report_store.spine(tx, Span(0, filled), [], 10, done_only=False)) == []


async def test_counts_and_waits_add_up(database: Database, clock: FixedClock, keyring: Keyring, filled: int) -> None:
    counted = await database.run(lambda tx: report_store.counts(tx, Span(0, filled)))
    assert sum(count for _, _, count in counted) == filled
    assert {one[:2] for one in counted} >= {("purchase", None), ("purchase", "trade-frozen")}
    assert await database.run(lambda tx: report_store.waits(tx, Span(0, filled), 2)) == (filled, 0, 1_000)

    async def late(tx: Tx) -> None:
        await store.append(tx, [_entry(0)])

    await database.run(late)
    clock.advance(7)
    await sequence(database, [notes.log_signer(keyring, ORIGIN)], ORIGIN)
    assert await database.run(lambda tx: report_store.waits(tx, Span(0, filled + 1), 2)) == (filled + 1, 1, 7_000)


async def test_risk_counts_what_the_others_find(database: Database, filled: int) -> None:
    (rows,) = [part async for part in rows_of(database, Asked("risk", Span(0, 1), NOW))]
    found = {(row["section"], row["measure"]): row["count"] for row in rows}
    assert found["activity", "quote.ask"] == 1
    assert found["transfer", "all"] == 0


@settings(max_examples=200)
@given(st.lists(st.sampled_from(ACTIONS), max_size=5))
def test_patterns_and_stages_agree(actions: list[str]) -> None:
    begins = tuple(one[:-1] for one in patterns())
    assert all(action.startswith(begins) is (action not in ("client.create", "token.issue")) for action in actions)
