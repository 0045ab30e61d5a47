"""The ledger read as a whole, in the order in which journals count, with memory that does not grow with it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from exchange.kernel import ids
from exchange.kernel.db import Tx
from settlement.accounts import AccountKey, AccountKind
from settlement.conversion import CONVERSION, Rate, value_text
from settlement.periods import first_id
from settlement.plain_text import PlainAccount, PlainJournal, PlainLine
from settlement.store.rates import rate_of
from settlement.store.sources import names_of

ROWS_AT_ONCE = 4_000

# One picture of the ledger for all statements of the transaction; it must be the first of them.
_PIN = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
_ENDS = """
SELECT (SELECT effective_at FROM settlement.journal ORDER BY id LIMIT 1),
    (SELECT effective_at FROM settlement.journal ORDER BY id DESC LIMIT 1)"""
_SUMS = """
SELECT a.organisation_id, a.kind, a.currency, s.opening, s.closing FROM settlement.account a JOIN (
    SELECT account_id, coalesce(sum(amount) FILTER (WHERE journal_id < $1), 0)::bigint AS opening,
        sum(amount)::bigint AS closing, bool_or(journal_id >= $1) AS moved
    FROM settlement.posting WHERE journal_id < $2 GROUP BY 1) s ON s.account_id = a.id
WHERE s.moved OR s.opening <> 0 ORDER BY 1, 2, 3"""
# Journal ids carry the moment at which a journal counts, so their order is the ledger's.
_ROWS = """
SELECT j.id, j.kind, j.source_id, j.effective_at, a.organisation_id, a.kind AS account, p.currency, p.amount, p.tag
FROM settlement.journal j JOIN settlement.posting p ON p.journal_id = j.id
JOIN settlement.account a ON a.id = p.account_id
WHERE j.id >= $1 AND j.id < $2 ORDER BY j.id, p.line"""
_KEYS = """
SELECT organisation_id, kind, currency FROM settlement.account WHERE ($1::uuid IS NULL OR organisation_id = $1)
    AND ($2::text IS NULL OR kind = $2) AND ($3::text IS NULL OR currency = $3) ORDER BY currency, kind, organisation_id"""
_RATES = """
SELECT * FROM settlement.rate r WHERE r.valid_from >= $1 AND r.valid_from < $2 OR r.id IN (
    SELECT c.rate_id FROM settlement.conversion c JOIN settlement.journal j ON j.kind = 'conversion' AND j.source_id = c.id
    WHERE j.id >= $3 AND j.id < $4) ORDER BY r.valid_from, r.sell, r.buy"""
_CONVERSIONS = """
SELECT id, rate_id, value, source, remainder, converted_at FROM settlement.conversion WHERE id = ANY($1::uuid[])"""


async def pin(tx: Tx) -> None:
    """See one state of the ledger until the transaction ends; call it before anything else is read."""
    await (await tx.driver()).execute(_PIN)


async def ends(tx: Tx) -> tuple[datetime, datetime] | None:
    """When the first and the last journal count; None in an empty ledger."""
    row = await (await tx.driver()).fetchrow(_ENDS)
    return (row[0], row[1]) if row is not None and row[0] is not None else None


async def accounts(tx: Tx, since: datetime, until: datetime) -> list[PlainAccount]:
    """Every account that held or moved something, with what it held at both moments.

    units    millionths; moments are cut to the millisecond, and `until` itself is outside
    """
    rows = await (await tx.driver()).fetch(_SUMS, first_id(since), first_id(until))
    return [PlainAccount(AccountKey(row[0], AccountKind(row[1]), row[2]), row[3], row[4]) for row in rows]


async def rates(tx: Tx, since: datetime, until: datetime) -> list[Rate]:
    """The rates that began in the period, and those that a conversion in it was made at."""
    rows = await (await tx.driver()).fetch(_RATES, since, until, first_id(since), first_id(until))
    return [rate_of(row) for row in rows]


async def journals(tx: Tx, since: datetime, until: datetime) -> AsyncIterator[PlainJournal]:
    """The journals that count in the period, in the ledger's order, a bounded number of rows in memory."""
    driver = await tx.driver()
    cursor = await driver.cursor(_ROWS, first_id(since), first_id(until))
    left: list[Any] = []
    while rows := await cursor.fetch(ROWS_AT_ONCE):
        left += rows
        # The last journal may go on in the next rows.
        whole = [row for row in left if row["id"] != rows[-1]["id"]]
        left = left[len(whole) :]
        for journal in await _journals(tx, whole):
            yield journal
    for journal in await _journals(tx, left):
        yield journal


async def _journals(tx: Tx, rows: Sequence[Any]) -> list[PlainJournal]:
    tags = [row["tag"] for row in rows if row["tag"] is not None]
    names = await names_of(tx, [*(row["source_id"] for row in rows), *tags])
    facts = await _facts(tx, [row["source_id"] for row in rows if row["kind"] == CONVERSION])
    lines: dict[UUID, list[PlainLine]] = {}
    for row in rows:
        key = AccountKey(row["organisation_id"], AccountKind(row["account"]), row["currency"])
        tag = names[row["tag"]] if row["tag"] is not None else None
        lines.setdefault(row["id"], []).append(PlainLine(key, row["amount"], tag))
    heads = {row["id"]: row for row in rows}
    return [
        PlainJournal(
            id_,
            head["kind"],
            names[head["source_id"]],
            head["effective_at"],
            tuple(lines[id_]),
            facts.get(head["source_id"], {}),
        )
        for id_, head in heads.items()
    ]


async def _facts(tx: Tx, conversion_ids: Sequence[UUID]) -> dict[UUID, dict[str, str]]:
    if not conversion_ids:
        return {}
    rows = await (await tx.driver()).fetch(_CONVERSIONS, list(dict.fromkeys(conversion_ids)))
    return {
        row["id"]: {
            "rate": ids.text("rte", row["rate_id"]),
            "rate-value": value_text(row["value"]),
            "rate-source": row["source"],
            "rate-at": row["converted_at"].astimezone(UTC).isoformat().replace("+00:00", "Z"),
            "rounded-off": f"{row['remainder']}/{10**12} of a millionth",
        }
        for row in rows
    }


async def keys_like(
    tx: Tx, organisation_id: UUID | None = None, kind: AccountKind | None = None, currency: str | None = None
) -> list[AccountKey]:
    """Every account of a holder, of a kind, in a currency; all of them where nothing is asked for."""
    named = kind.value if kind else None
    rows = await (await tx.driver()).fetch(_KEYS, organisation_id, named, currency)
    return [AccountKey(row[0], AccountKind(row[1]), row[2]) for row in rows]
