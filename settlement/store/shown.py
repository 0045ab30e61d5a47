"""What statements show beside the postings: runs of split rules, refunds before a release, conversions, service credits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import msgspec

from exchange.kernel.db import Tx
from exchange.kernel.money import Money
from settlement.accounts import AccountKind
from settlement.conversion import Conversion
from settlement.splits import Role
from settlement.store.rates import conversion_of
from settlement.store.split_bookings import SaleOf, sales_of
from settlement.waterfall import NOTHING, Bucket, Carried, Introduced, Key, Level, Per

# What its steps per lifetime went on from, and what those of the run before it did.
_RUNS = """
SELECT r.id, r.rule_id, r.seq, r.carried::text, (SELECT b.carried::text FROM settlement.split_run b
    WHERE b.rule_id = r.rule_id AND b.seq < r.seq AND b.carried IS NOT NULL ORDER BY b.seq DESC LIMIT 1)
FROM settlement.split_run r WHERE r.id = ANY($1::uuid[])"""
# What a run took from the clearing account, by order or charge; found by the journal's key.
_SOLD = """
SELECT j.source_id AS run_id, p.tag, -sum(p.amount)::bigint AS units FROM settlement.journal j
JOIN settlement.posting p ON p.journal_id = j.id JOIN settlement.account a ON a.id = p.account_id
WHERE j.kind = 'split' AND j.source_id = ANY($1::uuid[]) AND a.kind = 'clearing' GROUP BY 1, 2 ORDER BY 1, 2"""
_BEFORE = """
SELECT k.run, l.per, l.period, b.gross, b.came_in, b.left_over
FROM unnest($1::uuid[], $2::uuid[], $3::bigint[]) AS k(run, rule, seq)
JOIN settlement.split_level l ON l.rule_id = k.rule AND l.run_seq = k.seq
CROSS JOIN LATERAL (
    SELECT e.gross, e.came_in, e.left_over FROM settlement.split_level e
    WHERE e.rule_id = l.rule_id AND e.per = l.per AND e.period = l.period AND e.run_seq < l.run_seq
    ORDER BY e.run_seq DESC LIMIT 1) b"""
_PARTS = """
SELECT b.run_id, b.step, b.period, b.role, b.organisation_id, b.per, b.cumulative, b.amount FROM settlement.split_booked b
WHERE b.rule_id = ANY($2::uuid[]) AND b.run_id = ANY($1::uuid[]) ORDER BY b.id"""
_OWN = """
SELECT j.source_id, a.organisation_id, a.kind, sum(p.amount)::bigint FROM settlement.journal j
JOIN settlement.posting p ON p.journal_id = j.id JOIN settlement.account a ON a.id = p.account_id
WHERE j.kind IN ('split', 'release', 'service_credit', 'self_bill_tax', 'fee_tax') AND j.source_id = ANY($1::uuid[])
    AND a.organisation_id = ANY($2::uuid[]) AND a.kind IN ('advance', 'debt') GROUP BY 1, 2, 3"""
_INTRODUCED = """
SELECT i.sale_id, m.broker_id, m.parts FROM settlement.introduced_sale i JOIN settlement.mandate m ON m.id = i.mandate_id
WHERE i.sale_id = ANY($1::uuid[])"""
# What was taken from a payee before the release was taken from what waited.
_BACK = """
SELECT r.source_id, a.organisation_id, max(r.cumulative_units) FROM settlement.refund r
JOIN settlement.journal j ON j.kind = 'refund' AND j.source_id = r.id
JOIN settlement.posting p ON p.journal_id = j.id JOIN settlement.account a ON a.id = p.account_id
WHERE r.source_id = ANY($1::uuid[]) AND a.kind = 'pending' AND a.organisation_id = ANY($2::uuid[]) GROUP BY 1, 2"""
_CONVERSIONS = "SELECT * FROM settlement.conversion WHERE id = ANY($1::uuid[])"
_CREDITS = """
SELECT id, amount_units, currency, explanation FROM settlement.service_credit WHERE id = ANY($1::uuid[])"""


@dataclass(frozen=True, slots=True)
class BookedPart:
    """What a step gave under a key with one run, and in all."""

    key: Key
    per: Per
    cumulative: int
    amount: int


@dataclass(frozen=True, slots=True)
class RunShown:
    """One run of a rule: what it took of which order or charge, where its periods stood before, and what it gave whom.

    shapes   sold: (order or charge, units); before: periods that had not begun are left out; introduced: by sale;
             carried: from where its steps per lifetime went on before this run, and with it
    """

    rule_id: UUID
    sold: Sequence[tuple[SaleOf, int]]
    before: Mapping[Bucket, Level]
    introduced: Mapping[UUID, Introduced]
    parts: Sequence[BookedPart]
    carried: tuple[Mapping[str, Carried], Mapping[str, Carried]] = (NOTHING, NOTHING)


Owned = Mapping[tuple[UUID, UUID, AccountKind], int]


async def runs_of(tx: Tx, run_ids: Sequence[UUID]) -> dict[UUID, RunShown]:
    """Runs of split rules by id; what is no run is left out."""
    driver = await tx.driver()
    rows = await driver.fetch(_RUNS, list(run_ids)) if run_ids else []
    runs = {row[0]: (row[1], row[2]) for row in rows}
    carried = {row[0]: (_carried(row[4]), _carried(row[3])) for row in rows}
    if not runs:
        return {}
    wanted, rules = list(runs), [rule for rule, _ in runs.values()]
    sold = await driver.fetch(_SOLD, wanted)
    sales = await sales_of(tx, list({row["tag"] for row in sold}))
    of_sales = list({one.sale_id for one in sales.values()})
    known = {row[0]: Introduced(row[1], row[2]) for row in await driver.fetch(_INTRODUCED, of_sales)}
    before: dict[UUID, dict[Bucket, Level]] = {run: {} for run in runs}
    for run, per, period, *units in await driver.fetch(_BEFORE, wanted, rules, [seq for _, seq in runs.values()]):
        before[run][Bucket(Per(per), period)] = Level(*units)
    parts: dict[UUID, list[BookedPart]] = {run: [] for run in runs}
    for run, step, period, role, holder, per, cumulative, amount in await driver.fetch(_PARTS, wanted, rules):
        parts[run].append(BookedPart(Key(step, period, Role(role), holder), Per(per), cumulative, amount))
    found = {}
    for run, (rule, _) in runs.items():
        mine = [(sales[row["tag"]], row["units"]) for row in sold if row["run_id"] == run]
        introduced = {sale.sale_id: known[sale.sale_id] for sale, _ in mine if sale.sale_id in known}
        found[run] = RunShown(rule, mine, before[run], introduced, parts[run], carried[run])
    return found


def _carried(text: str | None) -> Mapping[str, Carried]:
    return NOTHING if text is None else msgspec.json.decode(text, type=dict[str, Carried])


async def owned_of(tx: Tx, source_ids: Sequence[UUID], payee_ids: Sequence[UUID]) -> Owned:
    """What runs of rules, service credits and the tax of papers booked on payees' advance and debt accounts.

    shapes   (run, credit or paper, payee, kind of account) -> millionths
    """
    if not source_ids:
        return {}
    rows = await (await tx.driver()).fetch(_OWN, list(source_ids), list(payee_ids))
    return {(row[0], row[1], AccountKind(row[2])): row[3] for row in rows}


async def back_before_release(
    tx: Tx, source_ids: Sequence[UUID], payee_ids: Sequence[UUID]
) -> dict[tuple[UUID, UUID], int]:
    """How much of orders and charges had gone back when a payee last gave of what still waited.

    shapes   (order or charge, payee) -> cumulative millionths of all that was paid
    """
    if not source_ids:
        return {}
    rows = await (await tx.driver()).fetch(_BACK, list(source_ids), list(payee_ids))
    return {(row[0], row[1]): row[2] for row in rows}


async def conversions_of(tx: Tx, conversion_ids: Sequence[UUID]) -> dict[UUID, Conversion]:
    """Conversions by id, whoever asks."""
    if not conversion_ids:
        return {}
    return {
        row["id"]: conversion_of(row) for row in await (await tx.driver()).fetch(_CONVERSIONS, list(conversion_ids))
    }


async def credits_of(tx: Tx, credit_ids: Sequence[UUID]) -> dict[UUID, tuple[Money, Mapping[str, str]]]:
    """Service credits by id: how much the buyer got, and why."""
    if not credit_ids:
        return {}
    rows = await (await tx.driver()).fetch(_CREDITS, list(credit_ids))
    return {row[0]: (Money(row[1], row[2]), _object(row[3])) for row in rows}


def _object(value: object) -> Mapping[str, str]:
    found: Mapping[str, str] = msgspec.json.decode(value) if isinstance(value, str | bytes) else value  # type: ignore[assignment]
    return found
