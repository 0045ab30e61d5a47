"""Closed periods, what they carry forward, and what any account held at any time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import and_, or_, select

from exchange.kernel.db import Tx
from exchange.kernel.pages import Page, PageRequest, page_of
from settlement.accounts import AccountKey
from settlement.hold_tables import closed_period
from settlement.periods import (
    AccountEntry,
    AccountStatement,
    ClosedFurther,
    ClosedPeriod,
    Cursor,
    TooEarly,
    closing_allowed,
    first_id,
)
from settlement.store.accounts import known_ids

ENTRIES_MAX = 1_000

# What late journals share, and a closing has alone: the trigger settlement.check_period takes the same lock.
_SHARE = """
SELECT pg_advisory_xact_lock_shared(hashtextextended('settlement.period ' || c, 0)) FROM unnest($1::text[]) AS c"""
_ALONE = "SELECT pg_advisory_xact_lock(hashtextextended('settlement.period ' || $1, 0))"
_UNTIL = "SELECT currency, max(period_end) FROM settlement.closed_period WHERE currency = ANY($1::text[]) GROUP BY 1"
_FIND = """
SELECT currency, period_end, accounts, entries, closed_at FROM settlement.closed_period
WHERE currency = $1 AND period_end = $2"""
# Only our own role writes the ledger, and its transactions are what we may see.
_OLDEST = """
SELECT clock_timestamp() - min(xact_start) FROM pg_stat_activity
WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()"""
_CARRY = """
WITH made AS (
    INSERT INTO settlement.account_period (account_id, period_end, closing, entries, last_journal)
    SELECT s.account_id, $2, coalesce(b.closing, 0) + s.total, s.entries, l.journal_id
    FROM (SELECT p.account_id, sum(p.amount)::bigint AS total, count(*) AS entries FROM settlement.posting p
        WHERE p.journal_id >= $3 AND p.journal_id < $4 AND p.currency = $1 GROUP BY 1) s
    LEFT JOIN LATERAL (SELECT c.closing FROM settlement.account_period c WHERE c.account_id = s.account_id
        ORDER BY c.period_end DESC LIMIT 1) b ON true
    CROSS JOIN LATERAL (SELECT p.journal_id FROM settlement.posting p
        WHERE p.account_id = s.account_id AND p.journal_id < $4 ORDER BY p.journal_id DESC LIMIT 1) l
    RETURNING entries)
INSERT INTO settlement.closed_period (currency, period_end, accounts, entries, closed_at)
SELECT $1, $2, count(*), coalesce(sum(entries), 0), $5 FROM made
RETURNING currency, period_end, accounts, entries, closed_at"""
# The last closing at or before the moment, and the entries since.
_AT = """
SELECT coalesce(c.closing, 0) + coalesce((SELECT sum(p.amount) FROM settlement.posting p WHERE p.account_id = k.account_id
    AND p.journal_id > coalesce(c.last_journal, $4) AND p.journal_id < k.before), 0)::bigint
FROM unnest($1::bigint[], $2::timestamptz[], $3::uuid[]) WITH ORDINALITY AS k(account_id, at, before, n) LEFT JOIN LATERAL (
    SELECT c.closing, c.last_journal FROM settlement.account_period c
    WHERE c.account_id = k.account_id AND c.period_end <= k.at ORDER BY c.period_end DESC LIMIT 1) c ON true ORDER BY k.n"""
_PAGE = """
SELECT p.journal_id, p.line, j.kind, j.source_id, p.amount, p.tag, j.effective_at
FROM (SELECT journal_id, line, amount, tag FROM settlement.posting WHERE account_id = $1 AND journal_id >= $2
        AND journal_id < $3 AND (journal_id, line) > ($4, $5) ORDER BY journal_id, line LIMIT $6) p
JOIN settlement.journal j ON j.id = p.journal_id ORDER BY p.journal_id, p.line"""


async def close_period(tx: Tx, currency: str, end: datetime) -> ClosedPeriod | TooEarly | ClosedFurther:
    """Close a currency's books up to `end`: nothing that counts earlier is booked any more, and each account is carried forward.

    It waits for late journals that are under way; purchases neither wait for it nor it for them. Closing again at the same
    end answers the same.

    errors   ValueError for an end that is not a whole millisecond
    """
    if end.microsecond % 1000:
        raise ValueError("books are closed at a whole millisecond")
    driver = await tx.driver()
    await driver.execute(_ALONE, currency)
    row = await driver.fetchrow(_FIND, currency, end)
    if row is not None:
        return ClosedPeriod(*row)
    before = (await _until(tx, [currency])).get(currency)
    if before is not None and before > end:
        return ClosedFurther(currency, before)
    refused = closing_allowed(end, tx.now, await driver.fetchval(_OLDEST) or timedelta(0))
    if refused is not None:
        return refused
    since = first_id(before) if before else UUID(int=0)
    (made,) = await driver.fetch(_CARRY, currency, end, since, first_id(end), tx.now)
    return ClosedPeriod(*made)


async def list_closed(tx: Tx, request: PageRequest) -> Page[ClosedPeriod]:
    """The closed periods of all currencies, the latest end first."""
    t = closed_period
    statement = select(t).order_by(t.c.period_end.desc(), t.c.currency).limit(request.limit + 1)
    if request.after:
        end, currency = datetime.fromisoformat(request.after[0]), request.after[1]
        statement = statement.where(or_(t.c.period_end < end, and_(t.c.period_end == end, t.c.currency > currency)))
    found = [
        ClosedPeriod(row["currency"], row["period_end"], row["accounts"], row["entries"], row["closed_at"])
        for row in (await tx.conn.execute(statement)).mappings()
    ]
    return page_of(found, request, lambda one: (one.end.isoformat(), one.currency))


async def period_open(tx: Tx, currency: str, at: datetime) -> bool:
    """Whether a journal of this currency that counts at `at` could still be booked, as far as is known now."""
    until = (await _until(tx, [currency])).get(currency)
    return until is None or at >= until


async def closed_until(tx: Tx, currencies: Iterable[str]) -> dict[str, datetime]:
    """Until when each currency's books are closed; none of them is closed further before this transaction ends."""
    wanted = sorted(currencies)
    await (await tx.driver()).execute(_SHARE, wanted)
    return await _until(tx, wanted)


async def balances_at(tx: Tx, keys: Sequence[AccountKey], at: datetime) -> dict[AccountKey, int]:
    """What each account held just before `at`: all that counts earlier, and nothing else; zero where there is no account.

    units    millionths; `at` is cut to the millisecond
    """
    ids = await known_ids(tx, keys) if keys else {}
    held = dict(zip(ids, await _at(tx, [(account_id, at) for account_id in ids.values()]), strict=True)) if ids else {}
    return {key: held.get(key, 0) for key in keys}


async def entries(
    tx: Tx, key: AccountKey, since: datetime, until: datetime, after: Cursor | None = None, limit: int = 100
) -> AccountStatement:
    """What an account held at `since`, a page of what came and went until `until`, and what it held then.

    units    millionths; both moments are cut to the millisecond, and `until` itself is outside
    errors   ValueError for a limit outside 1..ENTRIES_MAX
    """
    if not 1 <= limit <= ENTRIES_MAX:
        raise ValueError(f"{limit} entries on a page")
    ids = await known_ids(tx, [key])
    if key not in ids:
        return AccountStatement(0, [], 0, None)
    account_id, start = ids[key], after or Cursor(first_id(since), 0)
    opening, closing = await _at(tx, [(account_id, since), (account_id, until)])
    rows = await (await tx.driver()).fetch(
        _PAGE, account_id, first_id(since), first_id(until), start.journal_id, start.line, limit + 1
    )
    found = [AccountEntry(*row) for row in rows]
    return AccountStatement(opening, found[:limit], closing, found[limit - 1].cursor if len(found) > limit else None)


async def _at(tx: Tx, wanted: Sequence[tuple[int, datetime]]) -> list[int]:
    ids, times, befores = zip(*((account_id, at, first_id(at)) for account_id, at in wanted), strict=True)
    rows = await (await tx.driver()).fetch(_AT, ids, times, befores, UUID(int=0))
    return [row[0] for row in rows]


async def _until(tx: Tx, currencies: Sequence[str]) -> dict[str, datetime]:
    return {row[0]: row[1] for row in await (await tx.driver()).fetch(_UNTIL, list(currencies))}
