"""Lines of bank statements in the database: put there as read, then matched many at a time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time
from typing import Any
from uuid import UUID

from exchange.kernel.db import Tx
from exchange.kernel.money import Money
from settlement.banking.camt import Line
from settlement.banking.matching import BetweenOurs, CameBack, CameIn, Decision, Entry, Known, PaidOut
from settlement.payments import PaymentState
from settlement.payouts import PayoutState
from settlement.store.payments import get_payments
from settlement.store.payouts import get_payouts

# An entry that came by another form before (the operator's CSV) is the same one, and stays as it was booked.
_INSERT = """
WITH t AS (SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::timestamptz[], $6::int[], $7::text[],
        $8::bytea[], $9::text[]) AS t(id, ref, words, units, booked, position, end_to_end, counterparty, reason)),
known AS (UPDATE settlement.bank_entry b SET statement_id = $11, position = t.position FROM t
    WHERE b.entry_ref = t.ref AND b.account_id = $10 AND b.statement_id IS NULL AND b.amount_units = t.units
    RETURNING b.entry_ref),
made AS (INSERT INTO settlement.bank_entry (id, entry_ref, reference, amount_units, currency, booked_at, state, received_at,
        account_id, statement_id, position, end_to_end, counterparty, return_reason)
    SELECT t.id, t.ref, t.words, t.units, $12, t.booked, 'read', $13, $10, $11, t.position, t.end_to_end, t.counterparty,
        t.reason
    FROM t WHERE t.ref NOT IN (SELECT entry_ref FROM known) ON CONFLICT DO NOTHING RETURNING entry_ref)
SELECT (SELECT count(*) FROM known) AS known, (SELECT count(*) FROM made) AS made"""
_CLASH = """
SELECT t.ref FROM unnest($2::text[], $3::bigint[]) AS t(ref, units)
JOIN settlement.bank_entry b ON b.entry_ref = t.ref AND b.account_id = $1
WHERE b.statement_id IS NOT NULL OR b.amount_units <> t.units LIMIT 1"""
_NEXT = """
SELECT id, entry_ref, reference, amount_units, currency, end_to_end, counterparty, return_reason FROM settlement.bank_entry
WHERE statement_id = $1 AND state = 'read' ORDER BY position LIMIT $2 FOR UPDATE"""
_LEFT = "SELECT count(*) FROM settlement.bank_entry WHERE statement_id = $1 AND state = 'read'"
_BUYERS = """
SELECT id, buyer_id FROM settlement.invoice WHERE id = ANY($1::uuid[])
UNION ALL SELECT order_id, buyer_id FROM settlement.credit_order WHERE order_id = ANY($2::uuid[])"""
# Whose an account is: of one organisation alone in all that was matched so far.
_HOLDERS = """
SELECT counterparty, min(organisation_id::text)::uuid FROM settlement.bank_entry
WHERE counterparty = ANY($1::bytea[]) AND organisation_id IS NOT NULL
GROUP BY 1 HAVING count(DISTINCT organisation_id) = 1"""
_OURS = "SELECT digest, sealed_for FROM settlement.bank_account WHERE closed_at IS NULL AND digest = ANY($1::bytea[])"
_AWAITED = """
SELECT organisation_id, amount_units, currency, min(id::text)::uuid FROM settlement.payment
WHERE organisation_id = ANY($1::uuid[]) AND method = 'bank' AND state = 'created' GROUP BY 1, 2, 3 HAVING count(*) = 1"""
_MATCHED = """
UPDATE settlement.bank_entry b SET state = t.state, organisation_id = t.organisation, payment_id = t.payment,
    payout_id = t.payout, maybe_id = t.maybe, maybe_payment_id = t.maybe_payment
FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::uuid[])
    AS t(id, state, organisation, payment, payout, maybe, maybe_payment) WHERE b.id = t.id AND b.state = 'read'"""
_PAYOUTS = """
UPDATE settlement.payout p SET state = $2, failure = t.failure,
    finished_at = CASE WHEN $2 NOT IN ('created', 'approved', 'exported', 'sent') THEN $3::timestamptz END
FROM unnest($1::uuid[], $4::text[]) AS t(id, failure) WHERE p.id = t.id AND p.state = $5"""
_PAYMENTS = """
UPDATE settlement.payment SET state = 'succeeded', failure = NULL, finished_at = $2
WHERE id = ANY($1::uuid[]) AND state <> 'succeeded'"""
_COUNTS = """
SELECT coalesce(sum((payout_id IS NOT NULL)::int), 0), coalesce(sum((state = 'matched' AND payout_id IS NULL)::int), 0),
    coalesce(sum((state = 'unmatched')::int), 0) FROM settlement.bank_entry WHERE statement_id = $1"""


async def clashing(tx: Tx, account_id: UUID, lines: Sequence[Line]) -> str | None:
    """A line whose reference stands twice, in another statement of the account, or with another amount; None: none."""
    refs = [line.entry_ref for line in lines]
    if len(set(refs)) < len(refs):
        return next(ref for n, ref in enumerate(refs) if ref in refs[:n])
    units = [line.amount.units for line in lines]
    found: str | None = await (await tx.driver()).fetchval(_CLASH, account_id, refs, units)
    return found


async def insert_lines(tx: Tx, account_id: UUID, statement_id: UUID, currency: str, lines: Sequence[Line]) -> int:
    """Put the lines of a statement down; answers how many are there now, known ones of another form among them."""
    row = await (await tx.driver()).fetchrow(
        _INSERT,
        [tx.new_id() for _ in lines],
        [line.entry_ref for line in lines],
        ["\n".join(line.remittance) for line in lines],
        [line.amount.units for line in lines],
        # The bank names a day, not a moment.
        [datetime.combine(line.booked_on, time(), UTC) for line in lines],
        list(range(1, len(lines) + 1)),
        [line.end_to_end for line in lines],
        [line.counterparty for line in lines],
        [line.return_reason for line in lines],
        account_id,
        statement_id,
        currency,
        tx.now,
    )
    return int(row["known"] + row["made"]) if row is not None else 0


async def next_entries(tx: Tx, statement_id: UUID, limit: int) -> list[Entry]:
    """The next lines of a statement that are not matched yet, held until the transaction ends."""
    return [
        Entry(
            row["id"],
            row["entry_ref"],
            Money(row["amount_units"], row["currency"]),
            tuple(one for one in (row["end_to_end"], *row["reference"].split("\n")) if one),
            row["counterparty"],
            row["return_reason"],
        )
        for row in await (await tx.driver()).fetch(_NEXT, statement_id, limit)
    ]


async def entries_left(tx: Tx, statement_id: UUID) -> int:
    """How many lines of a statement are not matched yet."""
    return int(await (await tx.driver()).fetchval(_LEFT, statement_id))


async def known_of(tx: Tx, names: Sequence[tuple[str, UUID]], counterparties: Sequence[bytes]) -> Known:
    """What lines with these names and accounts may be about; payouts and payments are held until the transaction ends.

    shapes   organisations: left empty, the caller knows whose standing is looked at
    """
    driver = await tx.driver()
    wanted = {prefix: [id_ for one, id_ in names if one == prefix] for prefix in ("pay", "pot", "inv", "ord")}
    payments = await get_payments(tx, wanted["pay"], lock=True) if wanted["pay"] else {}
    payouts = await get_payouts(tx, wanted["pot"], lock=True) if wanted["pot"] else {}
    bought = wanted["inv"], wanted["ord"]
    buyers = {row[0]: row[1] for row in await driver.fetch(_BUYERS, *bought)} if any(bought) else {}
    rows = await driver.fetch(_HOLDERS, list(counterparties)) if counterparties else []
    holders = {bytes(row[0]): row[1] for row in rows}
    rows = await driver.fetch(_AWAITED, list(holders.values())) if holders else []
    awaited = {(row[0], Money(row[1], row[2])): row[3] for row in rows}
    rows = await driver.fetch(_OURS, list(counterparties)) if counterparties else []
    return Known(payouts, payments, frozenset(), buyers, holders, awaited, {bytes(row[0]): row[1] for row in rows})


async def write_matches(tx: Tx, entries: Sequence[Entry], decisions: Sequence[Decision]) -> None:
    """Write what lines were found to be: entries, payouts and payments, each in one statement."""
    driver = await tx.driver()
    columns = [_columns(one) for one in decisions]
    await driver.execute(_MATCHED, [one.id for one in entries], *[list(part) for part in zip(*columns, strict=True)])
    paid = [one.payout.id for one in decisions if isinstance(one, PaidOut)]
    await move_payouts(tx, paid, PayoutState.EXPORTED, PayoutState.PAID)
    back = [one for one in decisions if isinstance(one, CameBack)]
    reasons = [one.reason for one in back]
    await move_payouts(tx, [one.payout.id for one in back], PayoutState.PAID, PayoutState.REVERSED, reasons)
    if done := [one.payment_id for one in decisions if isinstance(one, CameIn) and one.payment_id is not None]:
        assert PaymentState.SUCCEEDED.value == "succeeded"
        await driver.execute(_PAYMENTS, done, tx.now)


async def move_payouts(
    tx: Tx, payout_ids: Sequence[UUID], source: PayoutState, target: PayoutState, failures: Sequence[str] | None = None
) -> None:
    """Move payouts that are held from one state to another, all in one statement."""
    if not payout_ids:
        return
    why = list(failures) if failures is not None else [None] * len(payout_ids)
    moved = await (await tx.driver()).execute(_PAYOUTS, list(payout_ids), target.value, tx.now, why, source.value)
    assert moved == f"UPDATE {len(payout_ids)}", "they are held, and stand where the caller saw them"


async def counts(tx: Tx, statement_id: UUID) -> tuple[int, int, int]:
    """Of a statement: lines about payouts, lines that filled wallets, lines that wait for a person."""
    row = await (await tx.driver()).fetchrow(_COUNTS, statement_id)
    return (int(row[0]), int(row[1]), int(row[2])) if row is not None else (0, 0, 0)


def _columns(one: Decision) -> tuple[Any, ...]:
    if isinstance(one, PaidOut | CameBack):
        return "matched", one.payout.organisation_id, None, one.payout.id, None, None
    if isinstance(one, CameIn):
        return "matched", one.organisation_id, one.payment_id, None, None, None
    if isinstance(one, BetweenOurs):
        return "matched", one.organisation_id, None, None, None, None
    return "unmatched", None, None, None, one.maybe, one.maybe_payment
