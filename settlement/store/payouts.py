"""Payouts in the database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from exchange.kernel.db import Tx
from exchange.kernel.money import Money
from settlement.accounts import AccountKey, payable
from settlement.payouts import TRANSITIONS, Payout, PayoutState, Rail
from settlement.store.accounts import known_ids

COLUMNS = """id, organisation_id, account_id, currency, period, rail, destination, amount_units, state, provider_ref,
    failure, created_at, finished_at, bank_ref"""
# Payable accounts keep no row to lock; whoever spends from one takes this lock, in account-id order.
_LOCK = """
SELECT pg_advisory_xact_lock(70007, hashint8(id)) FROM (SELECT unnest($1::bigint[]) AS id ORDER BY 1) AS a"""
_INSERT = """
INSERT INTO settlement.payout (id, organisation_id, account_id, currency, period, rail, destination, amount_units, state,
    created_at)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[],
    $9::text[], $10::timestamptz[])"""
_LIVE = f"""
SELECT {COLUMNS} FROM settlement.payout WHERE account_id = ANY($1::bigint[]) AND state NOT IN ('failed', 'reversed') AND period = ANY($2::text[])"""
_GET = f"SELECT {COLUMNS} FROM settlement.payout WHERE id = ANY($1::uuid[]) ORDER BY id"
_MOVE = """
UPDATE settlement.payout SET state = $2, provider_ref = coalesce($3, provider_ref), failure = $4,
    finished_at = CASE WHEN $2 NOT IN ('created', 'approved', 'exported', 'sent') THEN $5::timestamptz END, bank_ref = coalesce($7, bank_ref)
WHERE id = $1 AND state = ANY($6::text[]) RETURNING id"""
_SENT_ON = """
UPDATE settlement.payout SET state = 'sent', bank_ref = $2, failure = NULL, finished_at = NULL
WHERE id = $1 AND state = 'returned' RETURNING id"""
_BANK_REF = "UPDATE settlement.payout SET bank_ref = $2 WHERE id = $1"
# What the last closed period carried forward, and what came since.
_PAYEES = """
SELECT organisation_id, sum(units)::bigint FROM (
    SELECT a.organisation_id, coalesce(c.closing, 0) + coalesce((SELECT sum(p.amount) FROM settlement.posting p
        WHERE p.account_id = a.id AND p.journal_id > coalesce(c.last_journal, $2)), 0) AS units
    FROM settlement.account a LEFT JOIN LATERAL (
        SELECT x.closing, x.last_journal FROM settlement.account_period x WHERE x.account_id = a.id
        ORDER BY x.period_end DESC LIMIT 1) c ON true
    WHERE a.kind IN ('payable', 'debt') AND a.currency = $1) AS held
GROUP BY 1 HAVING sum(units) > 0 ORDER BY 1"""


async def lock_payable(tx: Tx, keys: Sequence[AccountKey]) -> dict[AccountKey, int]:
    """Let nobody else pay out of these accounts until the transaction ends; answers the ids of those that exist."""
    ids = await known_ids(tx, keys) if keys else {}
    if ids:
        await (await tx.driver()).execute(_LOCK, list(ids.values()))
    return ids


async def live_payouts(
    tx: Tx, account_ids: Sequence[int], periods: Sequence[str]
) -> dict[tuple[int, str, Rail], Payout]:
    """The payouts of these accounts and periods whose money has not come back."""
    rows = await (await tx.driver()).fetch(_LIVE, list(account_ids), list(periods))
    found = [payout_of(row) for row in rows]
    return {(p.account_id, p.period, p.rail): p for p in found}


async def insert_payouts(tx: Tx, payouts: Sequence[Payout]) -> None:
    """Insert a batch of payouts in one statement; the schema refuses a second one for account, period and rail."""
    if not payouts:
        return
    await (await tx.driver()).execute(
        _INSERT,
        [p.id for p in payouts],
        [p.organisation_id for p in payouts],
        [p.account_id for p in payouts],
        [p.amount.currency for p in payouts],
        [p.period for p in payouts],
        [p.rail for p in payouts],
        [p.destination for p in payouts],
        [p.amount.units for p in payouts],
        [p.state for p in payouts],
        [p.created_at for p in payouts],
    )


async def get_payouts(tx: Tx, payout_ids: Sequence[UUID], *, lock: bool = False) -> dict[UUID, Payout]:
    """Payouts by id, whoever asks; locked in id order until the transaction ends when `lock`."""
    rows = await (await tx.driver()).fetch(f"{_GET} FOR UPDATE" if lock else _GET, list(payout_ids))
    return {row["id"]: payout_of(row) for row in rows}


async def move_payout(
    tx: Tx,
    payout_id: UUID,
    target: PayoutState,
    provider_ref: str | None = None,
    failure: str | None = None,
    bank_ref: str | None = None,
) -> bool:
    """Move a payout along its transition table; False when it does not stand where that step begins."""
    sources = [state.value for state, targets in TRANSITIONS.items() if target in targets]
    driver = await tx.driver()
    row = await driver.fetchrow(_MOVE, payout_id, target.value, provider_ref, failure, tx.now, sources, bank_ref)
    return row is not None


async def send_on(tx: Tx, payout_id: UUID, bank_ref: str) -> bool:
    """A payout that came back from a bank is on its way to one again; False where it had not come back."""
    return await (await tx.driver()).fetchrow(_SENT_ON, payout_id, bank_ref) is not None


async def name_bank_payout(tx: Tx, payout_id: UUID, bank_ref: str) -> None:
    """Note the rail's own name of the payment to the payee's bank."""
    await (await tx.driver()).execute(_BANK_REF, payout_id, bank_ref)


async def payees(tx: Tx, currency: str) -> list[tuple[AccountKey, int]]:
    """Every payee with money to pay out, and how much: what is payable less what the payee owes after refunds.

    units    millionths
    """
    rows = await (await tx.driver()).fetch(_PAYEES, currency, UUID(int=0))
    return [(payable(row[0], currency), row[1]) for row in rows]


def payout_of(row: Any) -> Payout:
    """A payout from a row of either driver."""
    return Payout(
        row["id"],
        row["organisation_id"],
        row["account_id"],
        row["period"],
        Rail(row["rail"]),
        row["destination"],
        Money(row["amount_units"], row["currency"]),
        PayoutState(row["state"]),
        row["created_at"],
        row["provider_ref"],
        row["failure"],
        row["finished_at"],
        row["bank_ref"],
    )
