"""Settlement runs, their parts, charges and dues in the database."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from exchange.kernel import ids
from exchange.kernel.arrays import numbers
from exchange.kernel.db import Tx
from exchange.kernel.ids import array
from exchange.kernel.money import Money
from settlement.periods import first_id
from settlement.runs import Booked, Charge, Due, Run, RunItem, RunState, Settled, Side, id_of_run, opening

_ROOM = timedelta(days=1)
_EVER = datetime(1970, 1, 1, tzinfo=UTC)
_PATIENT = """
SELECT set_config('idle_in_transaction_session_timeout', '15min', true), set_config('lock_timeout', '15min', true)"""
_RUN = "id, period_start, period_end, currency, number, state, created_at, region"
_ALONE = "SELECT pg_advisory_xact_lock(hashtextextended('settlement.run', 0))"
# A run of all regions and one of a single region would settle the same sellers.
_OPEN = f"""
SELECT {_RUN} FROM settlement.run WHERE currency = $1 AND state = 'open'
    AND (region IS NULL OR $2::text IS NULL OR region = $2) ORDER BY id FOR UPDATE"""
_OPENED_BEFORE = f"""
SELECT {_RUN} FROM settlement.run WHERE currency = $1 AND state = 'open' AND created_at < $2 ORDER BY id LIMIT 1"""
_SEE = f"SELECT {_RUN} FROM settlement.run WHERE id = $1"
_GET, _SHARE = f"{_SEE} FOR UPDATE", f"{_SEE} FOR SHARE"
_LAST = f"""
SELECT {_RUN} FROM settlement.run WHERE currency = $1 AND region IS NOT DISTINCT FROM $2 AND state = 'closed'
ORDER BY created_at DESC, id DESC LIMIT 1"""
_SETTLED_TO = """
SELECT max(period_end) FROM settlement.run
WHERE currency = $1 AND state = 'closed' AND (region IS NULL OR $2::text IS NULL OR region = $2)"""
# A run of all regions settled each of them.
_SETTLED_CURRENCIES = """
SELECT s.currency FROM (
    SELECT r.currency, r.region, greatest(max(r.period_end), (SELECT max(a.period_end) FROM settlement.run a
        WHERE a.currency = r.currency AND a.region IS NULL AND a.state = 'closed')) AS until
    FROM settlement.run r WHERE r.state = 'closed' GROUP BY 1, 2) s
GROUP BY 1 HAVING min(s.until) FILTER (WHERE s.region IS NOT NULL OR NOT EXISTS (
    SELECT FROM settlement.run b WHERE b.currency = s.currency AND b.region IS NOT NULL AND b.state = 'closed')) >= $1
ORDER BY 1"""
_NUMBER = """
SELECT 1 + coalesce(max(number) FILTER (WHERE currency = $1 AND period_start = $2 AND period_end = $3
    AND region IS NOT DISTINCT FROM $4), 0), max(created_at) FROM settlement.run"""
_CREATE = f"""
INSERT INTO settlement.run (id, period_start, period_end, currency, region, number, state, created_at)
VALUES ($1, $2, $3, $4, $5, $6, 'open', $7) RETURNING {_RUN}"""
_END = "UPDATE settlement.run SET state = $3, closed_at = $2 WHERE id = $1 AND state = 'open' RETURNING id"
# Sellers of long ago too: their grants may still be used, and used use may be reported late. One look at the index for
# each of them, however much they sold; `weight` is about how many orders the run has to read.
_SELLERS = """
WITH RECURSIVE s(id) AS (
    (SELECT seller_id FROM settlement.orders WHERE state = 'paid' ORDER BY seller_id LIMIT 1)
    UNION ALL SELECT (SELECT o.seller_id FROM settlement.orders o WHERE o.state = 'paid' AND o.seller_id > s.id
        ORDER BY o.seller_id LIMIT 1) FROM s WHERE s.id IS NOT NULL)
SELECT s.id FROM s WHERE s.id IS NOT NULL AND EXISTS (SELECT FROM settlement.orders o
    WHERE o.seller_id = s.id AND o.state = 'paid' AND o.paid_at < $2 AND o.currency = $1)"""
_WEIGHTS = """
SELECT k.id, (SELECT count(*) FROM settlement.open_order w WHERE w.seller_id = k.id AND w.currency = $2)
    + (SELECT count(*) FROM settlement.orders o WHERE o.seller_id = k.id AND o.state = 'paid' AND o.paid_at >= k.since
        AND o.paid_at < $4)
FROM unnest($1::uuid[], $3::timestamptz[]) AS k(id, since)"""
# All payees were stated by the last run of all regions: up to its opening, but for what runs that were open beside it
# wrote since, which counts from their opening, and for what was being written then.
_STATED = """
SELECT min(x.created_at) FROM settlement.run x JOIN (
    SELECT id, currency, created_at, closed_at FROM settlement.run
    WHERE currency = $1 AND region IS NULL AND state = 'closed' ORDER BY created_at DESC LIMIT 1) p ON x.currency = p.currency
WHERE x.created_at <= p.closed_at AND (x.closed_at IS NULL OR x.closed_at >= p.created_at)"""
_PAYEES = """
SELECT a.organisation_id, n.lines FROM settlement.account a CROSS JOIN LATERAL (
    SELECT count(*) AS lines FROM settlement.posting p WHERE p.account_id = a.id AND p.journal_id >= $3 AND p.journal_id < $2
    AND NOT EXISTS (SELECT FROM settlement.statement_line s
        WHERE s.journal_id = p.journal_id AND s.posting_line = p.line)) n
WHERE a.kind = 'payable' AND a.currency = $1 AND n.lines > 0"""
_ADD = """
INSERT INTO settlement.run_item (id, run_id, side, organisation_id, state, position, weight)
SELECT id, $2, $3, organisation_id, 'pending', n - 1, weight
FROM unnest($1::uuid[], $4::uuid[], $5::int[]) WITH ORDINALITY AS t(id, organisation_id, weight, n)
ON CONFLICT (run_id, side, organisation_id) DO NOTHING"""
# A run's parts of one side fall into portions of consecutive ones, the same for everybody who asks. The first part of a
# portion that is to be done stands for all of it: who holds that one has the portion.
_PORTIONS = """
SELECT id, organisation_id, state, (n - 1) / $3 AS counted, (upto - weight) / $4 AS weighed FROM (
    SELECT id, organisation_id, state, weight, row_number() OVER w AS n, sum(weight) OVER w AS upto
    FROM settlement.run_item WHERE run_id = $1 AND side = $2 WINDOW w AS (ORDER BY organisation_id)) AS summed"""
_TAKE = f"""
SELECT p.ids FROM (
    SELECT array_agg(id ORDER BY organisation_id) AS ids FROM ({_PORTIONS}) AS placed
    WHERE state = 'pending' GROUP BY counted, weighed) AS p
JOIN settlement.run_item i ON i.id = p.ids[1] WHERE i.state = 'pending'
ORDER BY i.organisation_id LIMIT 1 FOR UPDATE OF i SKIP LOCKED"""
_HOLD = """
SELECT id, organisation_id, position FROM settlement.run_item WHERE id = ANY($1::uuid[]) AND state = 'pending'
ORDER BY organisation_id FOR UPDATE"""
_EARLIER = """
SELECT id FROM settlement.run_item WHERE run_id = $1 AND side = $2 AND state = 'pending' AND organisation_id < $3
ORDER BY organisation_id FOR SHARE"""
_BOOKED_ANYTHING = "SELECT EXISTS (SELECT FROM settlement.run_item WHERE run_id = $1 AND state = 'done')"
_DONE = "UPDATE settlement.run_item SET state = 'done', done_at = $2 WHERE id = ANY($1::uuid[]) AND state = 'pending'"
_LEFT = "SELECT coalesce(sum(weight), 0) FROM settlement.run_item WHERE run_id = $1 AND state = 'pending'"
_COUNT = """
SELECT side, count(*) FILTER (WHERE state = 'done'), count(*) FROM settlement.run_item WHERE run_id = $1 GROUP BY 1"""
# Where the plan's prices include the tax, its amounts are what the buyer paid; elsewhere the tax came on top.
_BOOKED = """
SELECT grant_id, component, period_index, (array_agg(id ORDER BY id))[1], (array_agg(tax ORDER BY id))[1]::text,
    sum(amount_units - CASE WHEN (tax->>'included')::boolean THEN 0 ELSE tax_units END)::bigint
FROM settlement.charge WHERE grant_id = ANY($1::uuid[]) GROUP BY 1, 2, 3"""
_SETTLED_UNTIL = """
SELECT i.organisation_id, max(r.period_end), max(r.created_at) FROM settlement.run_item i JOIN settlement.run r ON r.id = i.run_id
WHERE i.side = 'seller' AND i.state = 'done' AND i.organisation_id = ANY($1::uuid[]) AND r.currency = $2 GROUP BY 1"""
_CHARGE = """
INSERT INTO settlement.charge (id, run_id, grant_id, order_id, offer_id, buyer_id, seller_id, component, period_index,
    service_start, service_end, quantity, cumulative_units, amount_units, currency, explanation, corrects, tax_units, tax,
    created_at)
SELECT t.*, $20 FROM unnest($1::text::uuid[], $2::text::uuid[], $3::text::uuid[], $4::text::uuid[], $5::text::uuid[],
    $6::text::uuid[], $7::text::uuid[], $8::text[], $9::text::int[], $10::timestamptz[], $11::timestamptz[], $12::numeric[],
    $13::text::bigint[], $14::text::bigint[], $15::text[], $16::jsonb[], $17::uuid[], $18::text::bigint[], $19::jsonb[]) AS t"""
_DUE_ADD = """
INSERT INTO settlement.due (id, buyer_id, seller_id, currency, unpaid_units, released)
SELECT * FROM unnest($1::text::uuid[], $2::text::uuid[], $3::text::uuid[], $4::text[], $5::text::bigint[], $6::boolean[])"""
_DUE_OPEN = """
SELECT d.id, d.buyer_id, d.seller_id, d.unpaid_units, c.amount_units - coalesce((
    SELECT sum(r.amount_units) FROM settlement.refund r WHERE r.source_id = d.id), 0)::bigint, c.order_id
FROM settlement.due d JOIN settlement.charge c ON c.id = d.id
WHERE d.seller_id = ANY($1::uuid[]) AND d.currency = $2 AND NOT d.released ORDER BY d.id"""
_DUE_PAY = """
UPDATE settlement.due d SET unpaid_units = d.unpaid_units - t.units, released = t.released
FROM unnest($1::uuid[], $2::bigint[], $3::boolean[]) AS t(id, units, released) WHERE d.id = t.id"""
_PENDING = """
SELECT b.source_id, a.organisation_id, sum(p.amount)::bigint, p.currency FROM (
    SELECT source_id, id FROM settlement.journal
        WHERE kind = ANY(ARRAY['purchase', 'charge']) AND source_id = ANY($1::uuid[])
    UNION ALL SELECT r.source_id, j.id FROM settlement.refund r
        JOIN settlement.journal j ON j.kind = 'refund' AND j.source_id = r.id WHERE r.source_id = ANY($1::uuid[])) b
JOIN settlement.posting p ON p.journal_id = b.id JOIN settlement.account a ON a.id = p.account_id AND a.kind = 'pending'
GROUP BY b.source_id, a.organisation_id, p.currency HAVING sum(p.amount) <> 0
ORDER BY b.source_id, min(p.line), a.organisation_id"""


async def open_runs(tx: Tx, currency: str, region: str | None) -> list[Run]:
    """The open runs that a run of this currency and region would meet, locked; nobody opens another one meanwhile."""
    driver = await tx.driver()
    await driver.execute(_ALONE)
    return [Run(*row) for row in await driver.fetch(_OPEN, currency, region)]


async def opened_before(tx: Tx, currency: str, moment: datetime) -> Run | None:
    """A run that is still open and writes into the time before a moment; None where there is none."""
    row = await (await tx.driver()).fetchrow(_OPENED_BEFORE, currency, moment)
    return Run(*row) if row else None


async def settled_to(tx: Tx, currency: str, region: str | None = None) -> datetime | None:
    """The latest end of a closed run that settled some of the same sellers, None before the first."""
    moment: datetime | None = await (await tx.driver()).fetchval(_SETTLED_TO, currency, region)
    return moment


async def currencies_settled(tx: Tx, until: datetime) -> list[str]:
    """The currencies of which every region that has runs of its own is settled up to a moment, in order."""
    return [row[0] for row in await (await tx.driver()).fetch(_SETTLED_CURRENCIES, until)]


async def be_patient(tx: Tx) -> None:
    """Let this transaction think between two statements, and wait for another lane, for longer than others may."""
    await (await tx.driver()).execute(_PATIENT)


async def lock_run(tx: Tx, run_id: UUID) -> Run | None:
    """A run by id, locked: no part of it is under way."""
    row = await (await tx.driver()).fetchrow(_GET, run_id)
    return Run(*row) if row else None


async def share_run(tx: Tx, run_id: UUID) -> Run | None:
    """A run by id, locked against whoever wants it alone: several lanes do parts of it at a time."""
    row = await (await tx.driver()).fetchrow(_SHARE, run_id)
    return Run(*row) if row else None


async def find_run(tx: Tx, run_id: UUID) -> Run | None:
    """A run by id, not locked."""
    row = await (await tx.driver()).fetchrow(_SEE, run_id)
    return Run(*row) if row else None


async def last_closed(tx: Tx, currency: str, region: str | None) -> Run | None:
    """The run of just this currency and region that was opened last of those that are closed."""
    row = await (await tx.driver()).fetchrow(_LAST, currency, region)
    return Run(*row) if row else None


async def next_run(tx: Tx, start: datetime, end: datetime, currency: str, region: str | None = None) -> Run:
    """The run that would be opened now, with its number among those of the same period; nothing is written."""
    row = await (await tx.driver()).fetchrow(_NUMBER, currency, start, end, region)
    assert row is not None, "an aggregate has one row"
    opened_at = opening(tx.now, row[1])
    named = id_of_run(opened_at, start, end, currency, region, row[0])
    return Run(named, start, end, currency, row[0], RunState.OPEN, opened_at, region)


async def create_run(tx: Tx, run: Run) -> Run:
    """Open a run. `open_runs` was asked in the same transaction, so that there is no other."""
    values = run.id, run.period_start, run.period_end, run.currency, run.region, run.number, run.opened_at
    row = await (await tx.driver()).fetchrow(_CREATE, *values)
    assert row is not None, "an insert answers its row"
    return Run(*row)


async def end_run(tx: Tx, run_id: UUID, state: RunState) -> bool:
    """Close a run, or cancel it; False when it is not open."""
    return await (await tx.driver()).fetchrow(_END, run_id, tx.now, state.value) is not None


async def booked_anything(tx: Tx, run_id: UUID) -> bool:
    """Whether a part of a run is done."""
    found: bool = await (await tx.driver()).fetchval(_BOOKED_ANYTHING, run_id)
    return found


async def sellers_to_settle(tx: Tx, currency: str, before: datetime) -> set[UUID]:
    """Everybody who sold something before a moment."""
    return {row[0] for row in await (await tx.driver()).fetch(_SELLERS, currency, before)}


async def seller_weights(tx: Tx, currency: str, sellers: Mapping[UUID, datetime], before: datetime) -> dict[UUID, int]:
    """About how many orders of each seller a run has to look at.

    shapes   sellers: from when on each one's orders may not have been seen by a run
    """
    values = list(sellers), currency, list(sellers.values()), before
    return {row[0]: row[1] for row in await (await tx.driver()).fetch(_WEIGHTS, *values)}


async def stated_to(tx: Tx, currency: str) -> datetime:
    """Up to when everything on payable accounts stands on statements, so that nobody has to look at it again.

    units    some room taken off for what was being written at the time; 1970 where no run of all regions is closed
    """
    moment: datetime | None = await (await tx.driver()).fetchval(_STATED, currency)
    return _EVER if moment is None else moment - _ROOM


async def payees_to_state(tx: Tx, currency: str, before: datetime) -> dict[UUID, int]:
    """Payees with movements before a moment that no statement explains yet, and how many."""
    edges = first_id(before), first_id(await stated_to(tx, currency))
    return {row[0]: row[1] for row in await (await tx.driver()).fetch(_PAYEES, currency, *edges)}


async def add_items(tx: Tx, run: Run, side: Side, organisations: Mapping[UUID, int]) -> None:
    """Give a run all its parts of one side, in the order of the organisations' ids.

    shapes   organisations: about how much work each one is
    """
    ordered = sorted(organisations)
    named = [ids.derived(run.opened_at, run.id, side.value, one, place=n) for n, one in enumerate(ordered)]
    weights = [organisations[one] for one in ordered]
    await (await tx.driver()).execute(_ADD, named, run.id, side.value, ordered, weights)


async def take_items(tx: Tx, run_id: UUID, side: Side, limit: int, weight: int) -> list[RunItem]:
    """The next portion to do that no other lane has: at most so many parts and of about so much weight, but one at least.

    They are held until the transaction ends. None where all are done, or with other lanes.
    """
    driver = await tx.driver()
    found = await driver.fetchval(_TAKE, run_id, side.value, limit, weight)
    return [RunItem(*row) for row in await driver.fetch(_HOLD, found)] if found else []


async def is_next(tx: Tx, run_id: UUID, side: Side, item: RunItem) -> bool:
    """Wait until the lanes that have earlier parts of a side are through; False where one of them gave its parts up."""
    return not await (await tx.driver()).fetch(_EARLIER, run_id, side.value, item.organisation_id)


async def items_done(tx: Tx, items: Sequence[RunItem]) -> None:
    """Note that parts are done, in the transaction that did them."""
    await (await tx.driver()).execute(_DONE, [item.id for item in items], tx.now)


async def progress(tx: Tx, run_id: UUID) -> dict[Side, tuple[int, int]]:
    """How many parts of each side are done, and how many there are."""
    rows = await (await tx.driver()).fetch(_COUNT, run_id)
    found = {Side(row[0]): (row[1], row[2]) for row in rows}
    return {side: found.get(side, (0, 0)) for side in Side}


async def weight_left(tx: Tx, run_id: UUID) -> int:
    """About how much work the parts are that are still to be done."""
    return int(await (await tx.driver()).fetchval(_LEFT, run_id))


async def booked(tx: Tx, grant_ids: Sequence[UUID]) -> dict[UUID, dict[tuple[str, int], Booked]]:
    """What earlier charges booked: grant -> (component, number of the service period) -> amount and first charge."""
    found: dict[UUID, dict[tuple[str, int], Booked]] = {}
    for grant_id, component, index, first, tax, units in await (await tx.driver()).fetch(_BOOKED, list(grant_ids)):
        taxed = None if tax is None else msgspec.json.decode(tax)
        found.setdefault(grant_id, {})[component, index] = Booked(units, first, taxed)
    return found


async def settled_until(tx: Tx, seller_ids: Sequence[UUID], currency: str) -> dict[UUID, Settled]:
    """How far earlier runs settled each seller; a seller whom no run has settled is missing."""
    rows = await (await tx.driver()).fetch(_SETTLED_UNTIL, list(seller_ids), currency)
    return {row[0]: Settled(row[1], row[2]) for row in rows}


async def insert_charges(tx: Tx, charges: Sequence[Charge]) -> None:
    """Insert a batch of charges in one statement."""
    if not charges:
        return
    columns: list[Any] = [
        array([c.id for c in charges]),
        array([c.run_id for c in charges]),
        array([c.grant_id for c in charges]),
        array([c.order_id for c in charges]),
        array([c.offer_id for c in charges]),
        array([c.buyer_id for c in charges]),
        array([c.seller_id for c in charges]),
        [c.component for c in charges],
        numbers([c.period_index for c in charges]),
        [c.service_start for c in charges],
        [c.service_end for c in charges],
        [c.quantity for c in charges],
        numbers([c.cumulative.units for c in charges]),
        numbers([c.amount.units for c in charges]),
        [c.amount.currency for c in charges],
        [msgspec.json.encode(c.explanation).decode() for c in charges],
        [c.corrects for c in charges],
        numbers([c.tax_units for c in charges]),
        [None if c.tax is None else msgspec.json.encode(c.tax).decode() for c in charges],
    ]
    await (await tx.driver()).execute(_CHARGE, *columns, tx.now)


async def insert_dues(tx: Tx, charges: Sequence[Charge], unpaid: Sequence[int], released: Container[UUID]) -> None:
    """Note what each charge's buyer still owes, and whether the charge's shares were released."""
    if not charges:
        return
    await (await tx.driver()).execute(
        _DUE_ADD,
        array([c.id for c in charges]),
        array([c.buyer_id for c in charges]),
        array([c.seller_id for c in charges]),
        [c.amount.currency for c in charges],
        numbers(unpaid),
        [c.id in released for c in charges],
    )


async def open_dues(tx: Tx, seller_ids: Sequence[UUID], currency: str, *, lock: bool) -> list[Due]:
    """Charges whose shares wait, oldest first; locked if wanted."""
    statement = f"{_DUE_OPEN} FOR UPDATE OF d" if lock else _DUE_OPEN
    rows = await (await tx.driver()).fetch(statement, list(seller_ids), currency)
    return [Due(*row) for row in rows]


async def pay_dues(tx: Tx, collected: Mapping[UUID, int], released: Container[UUID]) -> None:
    """Take what was collected off the dues, and note whose shares were released.

    shapes   collected: charge id -> millionths, nothing for one that is only released
    """
    if not collected:
        return
    columns = list(collected), list(collected.values()), [one in released for one in collected]
    await (await tx.driver()).execute(_DUE_PAY, *columns)


async def pending_shares(tx: Tx, source_ids: Sequence[UUID]) -> dict[UUID, list[tuple[UUID, Money]]]:
    """What each order or charge put into whose pending account, less what was refunded of it."""
    found: dict[UUID, list[tuple[UUID, Money]]] = {}
    for source_id, organisation_id, units, currency in await (await tx.driver()).fetch(_PENDING, list(source_ids)):
        found.setdefault(source_id, []).append((organisation_id, Money(units, currency)))
    return found
