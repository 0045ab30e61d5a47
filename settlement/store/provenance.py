"""What a walk through the ledger reads: journals, histories of accounts, and the facts that explain each step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from exchange.kernel.db import Tx
from exchange.kernel.ids import array
from settlement.accounts import AccountKey, AccountKind
from settlement.conversion import CONVERSION
from settlement.holds import HOLD
from settlement.postings import (
    BANK_CREDIT,
    CHARGE,
    PAYOUT,
    PURCHASE,
    REFUND,
    SERVICE_CREDIT,
    TOP_UP,
)
from settlement.provenance import At, History, Posted, Seed
from settlement.store.accounts import known_ids

_POSTING = """
p.journal_id, p.line, j.kind, a.organisation_id, a.kind AS account, p.currency, p.amount, p.tag
FROM settlement.posting p JOIN settlement.journal j ON j.id = p.journal_id JOIN settlement.account a ON a.id = p.account_id"""
_JOURNALS = f"SELECT {_POSTING} WHERE p.journal_id = ANY($1::text::uuid[]) ORDER BY p.journal_id, p.line"
# Histories can be long: nothing is joined that the account itself does not say.
_HISTORY = """
SELECT journal_id, line, amount, tag FROM settlement.posting WHERE account_id = $1 AND ($2::uuid IS NULL OR tag = $2)
ORDER BY journal_id, line"""
# What a person names, and the journals in which money moved because of it. What follows from them the walk finds itself.
_SEEDS = """
WITH named AS (
    SELECT $1::uuid AS id, $2::text AS prefix),
sources AS (
    SELECT id, unnest($3::text[]) AS kind FROM named
    UNION SELECT c.id, 'charge' FROM settlement.charge c, named n WHERE n.prefix = 'ord' AND c.order_id = n.id
        AND c.buyer_id = (SELECT o.buyer_id FROM settlement.orders o WHERE o.id = n.id)
    UNION SELECT r.id, 'refund' FROM settlement.refund r, named n WHERE n.prefix = 'ord' AND r.order_id = n.id
    UNION SELECT r.id, 'refund' FROM settlement.refund r, named n WHERE n.prefix = 'chg' AND r.source_id = n.id
    UNION SELECT p.order_id, 'purchase' FROM settlement.payment p, named n WHERE n.prefix = 'pay' AND p.id = n.id)
SELECT j.id FROM sources s JOIN settlement.journal j ON j.kind = s.kind AND j.source_id = s.id ORDER BY j.id"""
# The kinds of journals whose source has an id with this prefix and in which its money moves first.
_KINDS: Mapping[str, tuple[str, ...]] = {
    "ord": (PURCHASE,),
    "chg": (CHARGE,),
    "pay": (TOP_UP,),
    "pot": (PAYOUT,),
    "rsc": (BANK_CREDIT,),
    "crd": (SERVICE_CREDIT,),
    "cnv": (CONVERSION,),
    "hld": (HOLD,),
    "rfd": (REFUND,),
}
TRACEABLE = (*_KINDS, "jnl")
_HEADS = """
SELECT j.id, j.kind, j.source_id, j.effective_at,
    coalesce(c.service_start, r.period_start) AS starts_at, coalesce(c.service_end, r.period_end) AS ends_at,
    p.period AS occasion, p.rail, f.rate_id, f.value, f.source AS rate_source
FROM settlement.journal j
LEFT JOIN settlement.charge c ON c.id = j.source_id AND j.kind IN ('charge', 'release')
LEFT JOIN settlement.orders o ON o.id = j.source_id AND j.kind = 'release'
LEFT JOIN settlement.run_item i ON i.id = o.settled_in LEFT JOIN settlement.run r ON r.id = i.run_id
LEFT JOIN settlement.payout p ON p.id = j.source_id AND j.kind IN ('payout', 'payout_paid', 'payout_failed', 'payout_reversed', 'netting', 'withholding', 'withholding_back')
LEFT JOIN settlement.conversion f ON f.id = j.source_id AND j.kind = 'conversion'
WHERE j.id = ANY($1::text::uuid[])"""


@dataclass(frozen=True, slots=True)
class JournalHead:
    """A journal without its lines, and what its source says: the service period or that of the run, a payout's occasion, a rate."""

    id: UUID
    kind: str
    source_id: UUID
    at: datetime
    starts_at: datetime | None
    ends_at: datetime | None
    occasion: str | None
    rail: str | None
    rate_id: UUID | None
    rate_value: Decimal | None
    rate_source: str | None


async def seeds_of(tx: Tx, prefix: str, named: UUID, line: int | None = None) -> list[Seed]:
    """Where the walk of what a person names begins: its journals, or one line of a journal; nothing where none was booked.

    shapes   prefix: one of TRACEABLE; line: of a journal only
    """
    if prefix == "jnl":
        found = await journals(tx, [named])
        return [Seed(named, line)] if any(line in (None, one.at.line) for one in found.get(named, [])) else []
    rows = await (await tx.driver()).fetch(_SEEDS, named, prefix, list(_KINDS[prefix]))
    return [Seed(row[0]) for row in rows]


async def journals(tx: Tx, wanted: Iterable[UUID]) -> dict[UUID, list[Posted]]:
    """The postings of these journals, in the order of their lines."""
    found: dict[UUID, list[Posted]] = {}
    for row in await (await tx.driver()).fetch(_JOURNALS, array(wanted)):
        found.setdefault(row["journal_id"], []).append(_posted(row))
    return found


async def history(tx: Tx, wanted: History) -> list[Posted]:
    """The postings of an account, all or those of one tag, in the order in which they count; without their journals' kinds."""
    known = await known_ids(tx, [wanted.account])
    rows = await (await tx.driver()).fetch(_HISTORY, known[wanted.account], wanted.tag)
    account = wanted.account
    return [Posted(At(journal, line), "", account, amount, tag) for journal, line, amount, tag in rows]


async def heads(tx: Tx, wanted: Iterable[UUID]) -> dict[UUID, JournalHead]:
    """What explains each of these journals."""
    rows = await (await tx.driver()).fetch(_HEADS, array(wanted))
    return {row["id"]: JournalHead(*row) for row in rows}


def _posted(row: Any) -> Posted:
    key = AccountKey(row["organisation_id"], AccountKind(row["account"]), row["currency"])
    return Posted(At(row["journal_id"], row["line"]), row["kind"], key, row["amount"], row["tag"])
