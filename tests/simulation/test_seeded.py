"""A short fixed set of seeds; that a seed can be replayed; and that the auditor finds defects which are planted in the books."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime

import asyncpg
import pytest
import pytest_asyncio

from tests.simulation.seeded import ending, ground
from tests.simulation.seeded.books import Charge, corrected, highest_averages, remainders, waterfall
from tests.simulation.seeded.many import Summary, live, quiet
from tests.simulation.seeded.one import Life
from tests.simulation.seeded.spec import EXCHANGE, MILLION, Offer, Step
from tests.support.clones import Clones

SEEDS = range(1, 6)
# A purchase once more, under another order's name.
DOUBLE_BOOKING = """
WITH j AS (SELECT * FROM settlement.journal WHERE kind = 'purchase' ORDER BY id LIMIT 1), fresh AS (
    INSERT INTO settlement.journal (id, kind, source_id, body_sha256, line_count, effective_at, created_at)
    SELECT '019ffff0-0000-7000-8000-000000000001', kind, gen_random_uuid(), body_sha256, line_count, effective_at,
        created_at FROM j)
INSERT INTO settlement.posting (journal_id, line, account_id, amount, currency, tag)
SELECT '019ffff0-0000-7000-8000-000000000001', p.line, p.account_id, p.amount, p.currency, p.tag
FROM settlement.posting p JOIN j ON j.id = p.journal_id"""
LOST_RELEASE = """
WITH j AS (DELETE FROM settlement.journal WHERE id = (
    SELECT id FROM settlement.journal WHERE kind = 'release' ORDER BY id LIMIT 1) RETURNING id)
DELETE FROM settlement.posting p USING j WHERE p.journal_id = j.id"""
ONE_UNIT_WRONG = """
UPDATE settlement.posting p SET amount = p.amount + CASE a.kind WHEN 'pending' THEN 1 ELSE -1 END
FROM settlement.account a WHERE a.id = p.account_id AND (p.journal_id, p.line) IN (
    SELECT p.journal_id, min(p.line) FROM settlement.posting p JOIN settlement.account a ON a.id = p.account_id
    WHERE a.kind IN ('pending', 'revenue') AND p.journal_id = (
        SELECT j.id FROM settlement.journal j JOIN settlement.posting p ON p.journal_id = j.id
        JOIN settlement.account a ON a.id = p.account_id WHERE j.kind = 'purchase' AND a.kind IN ('pending', 'revenue')
        GROUP BY j.id HAVING count(DISTINCT a.kind) = 2 ORDER BY j.id LIMIT 1)
    GROUP BY p.journal_id, a.kind)"""
HOLD_ENDED_TWICE = DOUBLE_BOOKING.replace("'purchase'", "'hold_end'")
LOST_CHARGE = """
WITH c AS (DELETE FROM settlement.charge WHERE id = (
    SELECT id FROM settlement.charge WHERE amount_units > 0 ORDER BY id LIMIT 1) RETURNING id), j AS (
    DELETE FROM settlement.journal j USING c WHERE j.source_id = c.id RETURNING j.id)
DELETE FROM settlement.posting p USING j WHERE p.journal_id = j.id"""
LOST_INVOICE = "DELETE FROM settlement.invoice WHERE id = (SELECT id FROM settlement.invoice ORDER BY id LIMIT 1)"
DEFECTS = {
    "booked twice": DOUBLE_BOOKING,
    "release lost": LOST_RELEASE,
    "split wrong by one unit": ONE_UNIT_WRONG,
    "hold ended twice": HOLD_ENDED_TWICE,
    "charge lost": LOST_CHARGE,
    "invoice lost": LOST_INVOICE,
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def ground_floor() -> AsyncIterator[Clones]:
    """Databases on a server whose deadlocks come at once."""
    quiet()
    with ground.server() as server:
        async with ground.template(server) as clones:
            yield clones


@pytest.mark.slow
@pytest.mark.xdist_group("seeds")
@pytest.mark.timeout(240)
async def test_the_auditor_agrees_with_the_books_of_a_few_seeds(
    ground_floor: Clones, capsys: pytest.CaptureFixture[str]
) -> None:
    summary = Summary()
    for seed in SEEDS:
        summary.add(await live(ground_floor, seed))
    with capsys.disabled():
        print("\n" + "\n".join(summary.lines()))
    assert summary.failing == {}
    assert len(summary.faults) >= 10, "a kind of fault was never met"
    assert summary.at_commit.total() >= 10


@pytest.mark.slow
@pytest.mark.xdist_group("seeds")
@pytest.mark.timeout(120)
async def test_a_seed_can_be_replayed(ground_floor: Clones) -> None:
    first, second = await live(ground_floor, 7), await live(ground_floor, 7)
    assert first.trace == second.trace
    assert first.digest == second.digest
    assert (await live(ground_floor, 8)).digest != first.digest


@pytest.mark.slow
@pytest.mark.xdist_group("seeds")
@pytest.mark.timeout(120)
async def test_the_auditor_finds_what_is_planted_in_the_books(ground_floor: Clones) -> None:
    found: dict[str, list[str]] = {}

    async def look(life: Life, final: datetime) -> None:
        for name, statement in DEFECTS.items():
            planted = life.eye.transaction()
            await planted.start()
            await life.eye.execute("SET LOCAL session_replication_role = replica")
            assert await _rows(life.eye, statement), f"{name}: there was nothing to spoil"
            found[name] = await ending.audit(life, final)
            await planted.rollback()
        assert await ending.audit(life, final) == []

    told = await live(ground_floor, 3, look)
    assert told.findings == []
    assert {name for name, findings in found.items() if findings} == set(DEFECTS)


async def _rows(connection: asyncpg.Connection, statement: str) -> int:  # type: ignore[type-arg]
    return int((await connection.execute(statement)).split()[-1])


def test_the_auditors_own_arithmetic() -> None:
    assert remainders(10, [1, 1, 1]) == [4, 3, 3]
    assert remainders(-10, [1, 1, 1]) == [-4, -3, -3]
    assert highest_averages([53, 24, 23], 100) == [53, 24, 23]
    # The example by which Webster's method differs from Hamilton's.
    assert highest_averages([534, 246, 220], 10) == [5, 3, 2]
    rule = (
        Step("fee", "share_of_gross", "month", EXCHANGE, percent=10 * MILLION, amount=15),
        Step("rest", "residual", "lifetime", "seller0"),
    )
    offer = Offer("x", "seller0", "CNY", "once", rule=rule)
    split = waterfall(offer, [(100, "2026-01", "b"), (100, "2026-01", "b"), (50, "2026-02", "b")], {})
    assert split == {(EXCHANGE, "revenue"): 20, ("seller0", "pending"): 230}


def test_the_auditor_puts_a_correction_into_the_sale_that_it_corrects() -> None:
    def charge(name: str, units: int, *, again: bool, corrects: str | None = None, index: int = 0) -> Charge:
        return Charge(name, "order", units, f"2026-0{index + 1}", ("price", index), again, corrects)

    # Use that came late for the first time, then more of it; a later period; one that is given back; another line.
    charges = [
        charge("first", 5, again=True, corrects="order"),
        charge("more", 3, again=True, corrects="first"),
        charge("later", 7, again=False),
        charge("back", -2, again=False, corrects="first"),
        charge("other", 4, again=True, corrects="order", index=1),
    ]
    found: list[str] = []
    assert [one.id for one in corrected(charges, found)] == ["first", "first", "later", "first", "other"]
    assert found == []
    # It tells where the papers say something else.
    corrected([charge("first", 5, again=False), charge("more", 3, again=True, corrects="order")], found)
    corrected([charge("first", 5, again=False), charge("later", 3, again=False, corrects="first")], found)
    assert found == [
        "charge more says that it corrects order, and not first",
        "charge later says that it corrects first, and not None",
    ]
