"""What waits for a rule, what rules have given, and what sales brought, in the database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import select

from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.pages import Page, PageRequest, page_of
from exchange.kernel.store import mine
from settlement.accounts import AccountKind, platform
from settlement.periods import first_id
from settlement.rule_tables import split_booked
from settlement.runs import Charge
from settlement.splits import Role
from settlement.store.accounts import known_ids
from settlement.waterfall import Bucket, Carried, Key, Level, Per, StepPart

_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('split/run/' || $1::text, 0))"
# A line of a sale whose other lines were split before is split too: refunds wait for nobody.
# A charge is written by the run that releases it, after the end of the run's period.
_WAITING = """
SELECT p.journal_id, p.line, p.tag, p.amount FROM settlement.posting p JOIN settlement.journal j ON j.id = p.journal_id
WHERE p.account_id = $1 AND j.kind <> 'split' AND p.tag IS NOT NULL
    AND (j.effective_at < $2 OR (j.kind = 'charge' AND p.tag = ANY($3::uuid[])))
    AND NOT EXISTS (SELECT FROM settlement.split_source s WHERE s.journal_id = p.journal_id AND s.line = p.line)
    AND ($3::uuid[] IS NULL OR p.tag = ANY($3::uuid[])
        OR $5 AND EXISTS (SELECT FROM settlement.split_source s WHERE s.source_id = p.tag))
ORDER BY p.journal_id, p.line LIMIT $4"""
# The same of some sellers' sales, found from the sales themselves, so that it does not grow with what was ever sold: those
# that may be split now, whatever went back of them included, and what went back since of those that were split before.
_WAITING_OF = """
WITH s AS MATERIALIZED (
    SELECT id FROM unnest($2::uuid[]) AS t(id)
    UNION SELECT r.source_id FROM unnest($3::uuid[], $4::uuid[]) AS k(seller, since)
        JOIN settlement.refund r ON r.seller_id = k.seller AND r.id >= k.since AND r.currency = $5
        WHERE EXISTS (SELECT FROM settlement.split_source x WHERE x.source_id = r.source_id)),
j AS MATERIALIZED (
    SELECT j.id, s.id AS source FROM s JOIN settlement.journal j ON j.kind = 'purchase' AND j.source_id = s.id
    UNION ALL SELECT j.id, s.id FROM s JOIN settlement.journal j ON j.kind = 'charge' AND j.source_id = s.id
    UNION ALL SELECT j.id, s.id FROM s JOIN settlement.refund r ON r.source_id = s.id
        JOIN settlement.journal j ON j.kind = 'refund' AND j.source_id = r.id)
SELECT p.journal_id, p.line, p.tag, p.amount FROM j JOIN settlement.posting p ON p.journal_id = j.id
WHERE p.account_id = $1 AND p.tag = j.source AND p.journal_id < $6
    AND NOT EXISTS (SELECT FROM settlement.split_source x WHERE x.journal_id = p.journal_id AND x.line = p.line)
ORDER BY p.journal_id, p.line"""
# A correction belongs to the sale that it corrects, to its month and to its offer: to that of the first charge of its line, or
# to the order where that had paid for the line. What is the first of its line corrects no sale, however late it comes: its
# papers name the order, but had it come in time it had been a sale of its own, in the month of its service.
_SALES = """
SELECT o.id AS source_id, o.id AS sale_id, o.id AS order_id, o.offer_id, o.buyer_id, o.seller_id, o.paid_at AS at,
    o.created_at AS ordered_at FROM settlement.orders o WHERE {orders}
UNION ALL
SELECT c.id, CASE WHEN x.paid THEN o.id ELSE coalesce(r.id, c.id) END, o.id,
    CASE WHEN x.paid THEN o.offer_id ELSE coalesce(r.offer_id, c.offer_id) END, o.buyer_id, o.seller_id, x.at, o.created_at
FROM settlement.charge c JOIN settlement.orders o ON o.id = c.order_id
LEFT JOIN settlement.charge r ON r.id = c.corrects
CROSS JOIN LATERAL (SELECT coalesce(r.corrects, c.corrects) = o.id AND CASE WHEN r.id IS NULL
    THEN c.cumulative_units <> c.amount_units - CASE WHEN (c.tax->>'included')::boolean THEN 0 ELSE c.tax_units END
    ELSE r.cumulative_units <> r.amount_units - CASE WHEN (r.tax->>'included')::boolean THEN 0 ELSE r.tax_units END
    END AS paid) y
CROSS JOIN LATERAL (SELECT y.paid, CASE WHEN y.paid THEN o.paid_at ELSE coalesce(r.service_start, c.service_start) END AS at) x
WHERE {charges}"""
_BY_ID = _SALES.format(orders="o.id = ANY($1::uuid[])", charges="c.id = ANY($1::uuid[])")
_OF_LISTINGS = (
    _SALES.format(
        orders="o.seller_id = $1 AND o.listing_id = ANY($2::uuid[]) AND o.state = 'paid' AND o.currency = $3 "
        "AND o.paid_at >= $4 AND o.paid_at < $5",
        charges="c.seller_id = $1 AND o.listing_id = ANY($2::uuid[]) AND c.currency = $3 AND x.at >= $4 AND x.at < $5",
    )
    + " LIMIT $6"
)
# Who got what of each: every account but those of whoever pays, of the tax and of what rounding took.
_GOT = """
SELECT p.tag, a.kind, a.organisation_id, sum(p.amount)::bigint AS units FROM settlement.journal j
JOIN settlement.posting p ON p.journal_id = j.id JOIN settlement.account a ON a.id = p.account_id
WHERE ((j.kind = ANY(ARRAY['purchase', 'charge']) AND j.source_id = ANY($1::uuid[]))
    OR (j.kind = 'refund' AND j.source_id IN (SELECT f.id FROM settlement.refund f WHERE f.source_id = ANY($1::uuid[]))))
    AND a.kind <> ALL(ARRAY['wallet', 'receivable', 'stripe', 'bank', 'tax', 'rounding'])
GROUP BY 1, 2, 3"""
_LEVELS = """
SELECT DISTINCT ON (l.per, l.period) l.per, l.period, l.gross, l.came_in, l.left_over FROM settlement.split_level l
JOIN unnest($2::text[], $3::text[]) AS k(per, period) ON l.per = k.per AND l.period = k.period
WHERE l.rule_id = $1 ORDER BY l.per, l.period, l.run_seq DESC"""
_BOOKED = """
SELECT DISTINCT ON (step, period, role, organisation_id) step, period, role, organisation_id, cumulative
FROM settlement.split_booked WHERE rule_id = $1 AND period = ANY($2::text[])
ORDER BY step, period, role, organisation_id, run_seq DESC"""
_RUN = """
INSERT INTO settlement.split_run (id, rule_id, currency, until, journal_id, created_at, carried)
VALUES ($1, $2, $3, $4, $5, $6, $7::text::jsonb)
RETURNING seq"""
_SOURCE = """
INSERT INTO settlement.split_source (journal_id, line, run_id, source_id, sale_id, amount)
SELECT j, l, $1, s, x, a FROM unnest($2::uuid[], $3::smallint[], $4::uuid[], $5::uuid[], $6::bigint[]) AS t(j, l, s, x, a)"""
_LEVEL = """
INSERT INTO settlement.split_level (rule_id, per, period, run_seq, gross, came_in, left_over)
SELECT $1, p, q, $2, g, c, l FROM unnest($3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[]) AS t(p, q, g, c, l)"""
_PARTS = """
INSERT INTO settlement.split_booked (id, run_id, run_seq, rule_id, supplier_id, step, per, period, role, organisation_id, gross,
    came_in, cumulative, amount, currency, journal_id, created_at)
SELECT i, $1, $2, $3, $4, s, p, q, r, o, g, c, t, a, $5, $6, $7 FROM unnest($8::uuid[], $9::text[], $10::text[], $11::text[],
    $12::text[], $13::uuid[], $14::bigint[], $15::bigint[], $16::bigint[], $17::bigint[]) AS k(i, s, p, q, r, o, g, c, t, a)"""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A line on the clearing account that no rule has split."""

    journal_id: UUID
    line: int
    source_id: UUID
    amount: int


@dataclass(frozen=True, slots=True)
class SaleOf:
    """An order or charge, the sale it belongs to, and when that was sold and ordered."""

    source_id: UUID
    sale_id: UUID
    order_id: UUID
    offer_id: UUID
    buyer_id: UUID
    seller_id: UUID
    at: datetime
    ordered_at: datetime


@dataclass(frozen=True, slots=True)
class Got:
    """What an account got of one order or charge, refunds taken off."""

    source_id: UUID
    kind: AccountKind
    organisation_id: UUID | None
    units: int


@dataclass(frozen=True, slots=True)
class Run:
    """One booking of a rule: what it split, what it gave, and in which journal (None: everything cancelled out).

    shapes   carried: from where its steps per lifetime went on; None where no step does
    """

    id: UUID
    rule_id: UUID
    supplier_id: UUID
    currency: str
    until: datetime
    journal_id: UUID | None
    lines: Sequence[tuple[Waiting, UUID]]
    levels: Mapping[Bucket, Level]
    parts: Sequence[StepPart]
    carried: Mapping[str, Carried] | None = None


@dataclass(frozen=True, slots=True)
class Booked:
    """What a step gave one payee in one period with one run, and in all."""

    id: UUID
    rule_id: UUID
    step: str
    per: Per
    period: str
    role: Role
    organisation_id: UUID | None
    gross: int
    came_in: int
    cumulative: int
    amount: int
    currency: str
    journal_id: UUID
    created_at: datetime


async def lock_runs(tx: Tx, currency: str) -> None:
    """Let rules of a currency be booked one after another, until the transaction ends."""
    await (await tx.driver()).execute(_LOCK, currency)


async def waiting(
    tx: Tx, currency: str, until: datetime, ready: Iterable[UUID] | None, limit: int, *, later: bool = True
) -> list[Waiting]:
    """The oldest lines that no rule has split.

    shapes   ready: the orders and charges that may be split, None for all; those split before may too, where `later`
    """
    key = platform(AccountKind.CLEARING, currency)
    account = (await known_ids(tx, [key])).get(key)
    if account is None:
        return []
    wanted = None if ready is None else list(ready)
    return [Waiting(*row) for row in await (await tx.driver()).fetch(_WAITING, account, until, wanted, limit, later)]


async def waiting_of(
    tx: Tx, currency: str, before: datetime, ready: Sequence[UUID], sellers: Mapping[UUID, datetime | None]
) -> list[Waiting]:
    """The lines of these sellers' sales that no rule has split and that count before a moment, the oldest first.

    shapes   ready: the orders and charges that may be split; sellers: from when on refunds of each are looked at, None for
             all; of a sale that was split before they always are
    """
    key = platform(AccountKind.CLEARING, currency)
    account = (await known_ids(tx, [key])).get(key)
    if account is None:
        return []
    since = [first_id(at) if at else UUID(int=0) for at in sellers.values()]
    values = account, list(ready), list(sellers), since, currency, first_id(before)
    return [Waiting(*row) for row in await (await tx.driver()).fetch(_WAITING_OF, *values)]


async def sales_of(tx: Tx, source_ids: Sequence[UUID]) -> dict[UUID, SaleOf]:
    """The sales that orders and charges belong to, by order or charge."""
    rows = await (await tx.driver()).fetch(_BY_ID, list(source_ids))
    return {row["source_id"]: SaleOf(*row) for row in rows}


async def sales_of_new(tx: Tx, charges: Sequence[Charge]) -> dict[UUID, SaleOf]:
    """The same for charges that are not written yet."""
    wanted = {one.order_id for one in charges} | {one.corrects for one in charges if one.corrects}
    known = await sales_of(tx, sorted(wanted)) if wanted else {}
    found = {}
    for one in charges:
        ordered_at = known[one.order_id].ordered_at
        if one.corrects is None or one.begins_its_line:
            sale_id, offer_id, at = one.id, one.offer_id, one.service_start
        else:
            corrected = known[one.corrects]
            sale_id, offer_id, at = corrected.sale_id, corrected.offer_id, corrected.at
        found[one.id] = SaleOf(one.id, sale_id, one.order_id, offer_id, one.buyer_id, one.seller_id, at, ordered_at)
    return found


async def sales_between(
    tx: Tx, seller_id: UUID, listing_ids: Sequence[UUID], currency: str, window: tuple[datetime, datetime], limit: int
) -> list[SaleOf]:
    """Orders and charges of a seller's listings that were sold in a window, corrections by what they correct."""
    driver = await tx.driver()
    return [
        SaleOf(*row) for row in await driver.fetch(_OF_LISTINGS, seller_id, list(listing_ids), currency, *window, limit)
    ]


async def got_of(tx: Tx, source_ids: Sequence[UUID]) -> list[Got]:
    """Who got what of orders and charges, without tax and with refunds taken off."""
    rows = await (await tx.driver()).fetch(_GOT, list(source_ids))
    return [Got(row[0], AccountKind(row[1]), row[2], row[3]) for row in rows]


async def levels(tx: Tx, rule_id: UUID, buckets: Sequence[Bucket]) -> dict[Bucket, Level]:
    """How far each period of a rule has come; periods that never began are left out."""
    columns = [one.per.value for one in buckets], [one.period for one in buckets]
    rows = await (await tx.driver()).fetch(_LEVELS, rule_id, *columns)
    return {Bucket(Per(row[0]), row[1]): Level(*row[2:]) for row in rows}


async def booked(tx: Tx, rule_id: UUID, buckets: Sequence[Bucket]) -> dict[Key, int]:
    """What the steps of a rule have given in these periods, in all.

    units    millionths
    """
    rows = await (await tx.driver()).fetch(_BOOKED, rule_id, sorted({one.period for one in buckets}))
    return {Key(row[0], row[1], Role(row[2]), row[3]): row[4] for row in rows}


async def insert_run(tx: Tx, run: Run) -> None:
    """Write one booking of a rule with all its facts; its journal is written beside it."""
    driver = await tx.driver()
    # Where nothing is booked the steps stand as they stood, and so does what they went on from.
    carried = None if run.carried is None or run.journal_id is None else msgspec.json.encode(run.carried).decode()
    seq: int = await driver.fetchval(
        _RUN, run.id, run.rule_id, run.currency, run.until, run.journal_id, tx.now, carried
    )
    lines = run.lines
    await driver.execute(
        _SOURCE,
        run.id,
        [one.journal_id for one, _ in lines],
        [one.line for one, _ in lines],
        [one.source_id for one, _ in lines],
        [sale_id for _, sale_id in lines],
        [one.amount for one, _ in lines],
    )
    found = list(run.levels.items())
    await driver.execute(
        _LEVEL,
        run.rule_id,
        seq,
        [bucket.per.value for bucket, _ in found],
        [bucket.period for bucket, _ in found],
        [level.gross for _, level in found],
        [level.came_in for _, level in found],
        [level.left for _, level in found],
    )
    parts = [part for part in run.parts if part.amount]
    if not parts or run.journal_id is None:
        return
    await driver.execute(
        _PARTS,
        *(run.id, seq, run.rule_id, run.supplier_id, run.currency, run.journal_id, tx.now),
        [tx.new_id() for _ in parts],
        [part.key.step for part in parts],
        [part.per.value for part in parts],
        [part.key.period for part in parts],
        [part.key.role.value for part in parts],
        [part.key.organisation_id for part in parts],
        [part.gross for part in parts],
        [part.came_in for part in parts],
        [part.cumulative for part in parts],
        [part.amount for part in parts],
    )


async def own_booked(tx: Tx, actor: Actor, request: PageRequest, *, of_mine: bool = False) -> Page[Booked]:
    """What steps gave the actor's organisation, or everybody by its own rules where `of_mine`; newest first."""
    t = split_booked
    condition = mine(t.c.supplier_id if of_mine else t.c.organisation_id, actor)
    statement = select(t).where(condition).order_by(t.c.id.desc()).limit(request.limit + 1)
    if request.after:
        statement = statement.where(t.c.id < UUID(request.after[0]))
    rows = (await tx.conn.execute(statement)).mappings().all()
    return page_of([_booked(row) for row in rows], request, lambda one: (str(one.id),))


def _booked(row: Any) -> Booked:
    named = {name: row[name] for name in Booked.__dataclass_fields__}
    return Booked(**{**named, "per": Per(row["per"]), "role": Role(row["role"])})
