"""What the closing of a month is decided from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from exchange.kernel.db import Tx
from settlement.close_points import Papers

_PROVIDER = """
SELECT EXISTS (SELECT FROM settlement.recon_cursor WHERE currency = $1)
    OR EXISTS (SELECT FROM settlement.payment WHERE currency = $1 AND method = 'card' AND provider_ref IS NOT NULL)
    OR EXISTS (SELECT FROM settlement.payout WHERE currency = $1 AND rail = 'stripe' AND provider_ref IS NOT NULL) AS used,
    (SELECT min(looked_at) FROM settlement.recon_cursor WHERE currency = $1) AS looked_at,
    (SELECT count(*) FROM settlement.recon_open WHERE currency = $1 AND created_at < $2) AS waiting,
    (SELECT min(o.txn_id) FROM settlement.recon_cursor c JOIN settlement.recon_open o
        ON (o.provider, o.txn_id) = (c.provider, c.stopped_txn) WHERE c.currency = $1 AND o.created_at < $2) AS stopped"""
_SUSPENSE = """
SELECT count(*), min(booked_at) FROM settlement.bank_entry WHERE state <> 'matched' AND currency = $1 AND booked_at < $2"""
# Accounts of runs that end by then whose papers wait, those apart that a rule with a memory split.
_MISSING = """
SELECT count(*) FILTER (WHERE NOT m.reasons @> ARRAY['split_rule']), count(*) FILTER (WHERE m.reasons @> ARRAY['split_rule']),
    coalesce((SELECT array_agg(DISTINCT x ORDER BY x) FROM settlement.fiscal_missing o JOIN settlement.run q ON q.id = o.run_id,
        unnest(o.reasons) AS x WHERE o.closed_at IS NULL AND o.currency = $1 AND q.period_end <= $2
        AND NOT o.reasons @> ARRAY['split_rule']), ARRAY[]::text[])
FROM settlement.fiscal_missing m JOIN settlement.run r ON r.id = m.run_id
WHERE m.closed_at IS NULL AND m.currency = $1 AND r.period_end <= $2"""
# Of less than a coin a payee's part may be nothing, on which there is no paper.
_REFUNDS = """
SELECT count(DISTINCT r.id) FROM settlement.refund r
JOIN settlement.fiscal_source s ON s.source_id = r.source_id AND s.source_kind = r.source_kind
JOIN settlement.fiscal_document d ON d.id = s.document_id AND d.currency = $1
WHERE r.created_at < $2 AND r.amount_units - r.tax_units >= 10000 AND NOT EXISTS (SELECT FROM settlement.fiscal_source x
    WHERE x.source_id = r.id AND x.source_kind = 'refund' AND x.about = s.about AND x.payee_id = s.payee_id)"""


@dataclass(frozen=True, slots=True)
class AtProvider:
    """How far a currency's movements at the provider are in the books."""

    used: bool
    looked_at: datetime | None
    waiting: int
    stopped: str | None


async def at_provider(tx: Tx, currency: str, end: datetime) -> AtProvider:
    """What of the movements before `end` is not in the books."""
    row = await (await tx.driver()).fetchrow(_PROVIDER, currency, end)
    assert row is not None, "a row of answers"
    return AtProvider(*row)


async def unclaimed(tx: Tx, currency: str, end: datetime) -> tuple[int, datetime | None]:
    """How many transfers from before `end` nobody has claimed, and since when the oldest of them waits."""
    row = await (await tx.driver()).fetchrow(_SUSPENSE, currency, end)
    assert row is not None, "a row of answers"
    return row[0], row[1]


async def papers(tx: Tx, currency: str, end: datetime) -> Papers:
    """Which papers on what was settled up to `end` are not out."""
    driver = await tx.driver()
    row = await driver.fetchrow(_MISSING, currency, end)
    assert row is not None, "a row of answers"
    return Papers(row[0], tuple(row[2]), row[1], await driver.fetchval(_REFUNDS, currency, end))
