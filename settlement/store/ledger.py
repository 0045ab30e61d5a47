"""The ledger's one writer: any number of journals in a constant number of statements."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import asyncpg

from exchange.kernel import arrays
from exchange.kernel.db import Tx
from exchange.kernel.ids import array
from settlement.accounts import BOUNDED, AccountKey
from settlement.journals import Decision, Existing, Journal, PostResult, bounded_keys, decide, late_currencies
from settlement.periods import dated, ms_of
from settlement.store.accounts import account_ids, known_ids
from settlement.store.periods import closed_until

_LOCK = """
SELECT account_id, posted - min_balance, max_balance - posted FROM settlement.balance
WHERE account_id = ANY($1::bigint[]) ORDER BY account_id FOR UPDATE"""
_SEE = _LOCK.removesuffix(" FOR UPDATE")
_PEEK = "SELECT account_id, posted - min_balance FROM settlement.balance WHERE account_id = ANY($1::bigint[])"
_EXISTING = """
SELECT j.kind, j.source_id, j.id, j.body_sha256 FROM settlement.journal j
JOIN unnest($1::text[], $2::text::uuid[]) AS k(kind, source_id) ON j.kind = k.kind AND j.source_id = k.source_id"""
_WRITE = """
WITH a AS MATERIALIZED (SELECT $1::text::uuid[] AS ids, $4::bytea AS bodies, $6::text[] AS kinds, $8::timestamptz[] AS moments,
    $16::text[] AS currencies, $17::text::uuid[] AS tags),
j AS (
    INSERT INTO settlement.journal (id, kind, source_id, body_sha256, line_count, effective_at, created_at)
    SELECT t.id, a.kinds[t.kind], t.source_id, substring(a.bodies FROM 32 * t.n::int - 31 FOR 32), t.lines, a.moments[t.at], $9
    FROM a, unnest(a.ids, $2::text::uuid[], $3::text::smallint[], $5::text::int[], $7::text::int[]) WITH ORDINALITY
        AS t(id, source_id, lines, kind, at, n) ORDER BY 2, 3),
b AS (
    UPDATE settlement.balance b SET posted = b.posted + d.amount, version = b.version + d.lines
    FROM unnest($18::text::bigint[], $19::text::bigint[], $20::text::int[]) AS d(id, amount, lines)
    WHERE b.account_id = d.id)
INSERT INTO settlement.posting (journal_id, line, account_id, amount, currency, tag)
SELECT a.ids[t.journal], t.line, t.account, t.amount, a.currencies[t.currency], a.tags[t.tag]
FROM a, unnest($10::text::int[], $11::text::smallint[], $12::text::bigint[], $13::text::bigint[],
    $14::text::int[], $15::text::int[]) AS t(journal, line, account, amount, currency, tag)"""
_SUMS = """
SELECT k.id, coalesce((SELECT sum(p.amount) FROM settlement.posting p WHERE p.account_id = k.id), 0)::bigint AS total
FROM unnest($1::bigint[]) AS k(id)"""


@dataclass(frozen=True, slots=True)
class Balances:
    """The bounded accounts that this transaction has locked: what can be taken out of them and what can be put in.

    `available` holds those with a floor, `room` those with a ceiling.
    """

    available: Mapping[AccountKey, int]
    room: Mapping[AccountKey, int] = field(default_factory=dict)


async def available(tx: Tx, keys: Iterable[AccountKey]) -> dict[AccountKey, int]:
    """What can be taken out of accounts with a floor at this moment, without locking them; 0 where there is no account.

    units    millionths
    """
    wanted = list(dict.fromkeys(keys))
    if not wanted:
        return {}
    known = await known_ids(tx, wanted)
    rows = await (await tx.driver()).fetch(_PEEK, list(known.values()))
    left = {row[0]: row[1] for row in rows}
    return {key: left.get(known[key], 0) if key in known else 0 for key in wanted}


async def lock_balances(tx: Tx, keys: Iterable[AccountKey]) -> Balances:
    """Lock the bounded accounts among `keys` in account-id order until the transaction ends.

    shapes   accounts without a bound are ignored; those that do not exist are made, with nothing in them
    units    millionths
    """
    bounded = [key for key in set(keys) if key.kind in BOUNDED]
    if not bounded:
        return Balances({})
    by_id = {account_id: key for key, account_id in (await account_ids(tx, bounded)).items()}
    driver = await tx.driver()
    rows = await driver.fetch(_LOCK, sorted(by_id))
    return Balances(
        {by_id[row[0]]: row[1] for row in rows if row[1] is not None},
        {by_id[row[0]]: row[2] for row in rows if row[2] is not None},
    )


async def see_balances(tx: Tx, keys: Iterable[AccountKey]) -> Balances:
    """The same at this moment, without locking or making any; nothing in those that do not exist.

    units    millionths
    """
    bounded = [key for key in set(keys) if key.kind in BOUNDED]
    by_id = {account_id: key for key, account_id in (await known_ids(tx, bounded)).items()} if bounded else {}
    rows = await (await tx.driver()).fetch(_SEE, sorted(by_id)) if by_id else []
    nothing = dict.fromkeys(bounded, 0)
    return Balances(
        {**nothing, **{by_id[row[0]]: row[1] for row in rows if row[1] is not None}},
        {**nothing, **{by_id[row[0]]: row[2] for row in rows if row[2] is not None}},
    )


async def write(tx: Tx, journals: Sequence[Journal], balances: Balances) -> list[PostResult]:
    """Write a batch whose bounded accounts are locked; answer each journal in the given order.

    The given order is the accepted order: the first journals get what a wallet holds. A journal that was written
    before is answered with its id, and nothing is added.

    shapes   n journals -> n results; two statements, plus those for accounts never seen before, and one where a journal
             is dated before this moment: it waits until no period of its currency is being closed
    errors   Unbalanced; KeyError for a bounded account that was not locked; both are defects
    """
    if not journals:
        return []
    driver = await tx.driver()
    rows = await driver.fetch(_EXISTING, [j.kind for j in journals], array([j.source_id for j in journals]))
    existing = {(row[0], row[1]): Existing(row[2], row[3]) for row in rows}
    late = late_currencies(journals, tx.now)
    closed = await closed_until(tx, late) if late else {}
    decision = decide(journals, _ids(tx, journals), existing, balances.available, balances.room, closed)
    if decision.accepted:
        await _insert(tx, decision)
    return decision.results


async def post(tx: Tx, journals: Sequence[Journal]) -> list[PostResult]:
    """Lock and write in one go, for flows that need no balance to decide."""
    return await write(tx, journals, await lock_balances(tx, bounded_keys(journals)))


async def sums(tx: Tx, keys: Sequence[AccountKey]) -> dict[AccountKey, int]:
    """What is in accounts without a balance row: the sum of their postings; zero where there is no account.

    units    millionths
    """
    ids = await known_ids(tx, keys) if keys else {}
    driver = await tx.driver()
    totals = {row[0]: row[1] for row in await driver.fetch(_SUMS, list(ids.values()))} if ids else {}
    return {key: totals[ids[key]] if key in ids else 0 for key in keys}


def _ids(tx: Tx, journals: Sequence[Journal]) -> list[UUID]:
    # An id carries the millisecond in which its journal counts: what the order of all statements stands on.
    now = ms_of(tx.now)
    return [dated(j.id or tx.new_id(), ms_of(j.effective_at) if j.effective_at else now) for j in journals]


async def _insert(tx: Tx, decision: Decision) -> None:
    accepted = decision.accepted
    journals = [journal for _, _, journal in accepted]
    ids = await account_ids(tx, {line.account for journal in journals for line in journal.lines})
    bounded: list[AccountKey] = sorted(decision.deltas, key=ids.__getitem__)
    kinds: dict[str, int] = {}
    moments: dict[datetime, int] = {}
    driver = await tx.driver()
    try:
        # Numbers go as array literals, and texts, times and uuids by position: the driver checks each element of an
        # array in Python, which costs more than the insert itself.
        await driver.execute(
            _WRITE,
            array([journal_id for journal_id, _, _ in accepted]),
            array([journal.source_id for journal in journals]),
            arrays.numbers([len(journal.lines) for journal in journals]),
            b"".join([body for _, body, _ in accepted]),
            arrays.numbers([kinds.setdefault(journal.kind, len(kinds) + 1) for journal in journals]),
            list(kinds),
            arrays.numbers([moments.setdefault(j.effective_at or tx.now, len(moments) + 1) for j in journals]),
            list(moments),
            tx.now,
            *_columns(journals, ids),
            arrays.numbers([ids[key] for key in bounded]),
            arrays.numbers([decision.deltas[key][0] for key in bounded]),
            arrays.numbers([decision.deltas[key][1] for key in bounded]),
        )
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name != "journal_kind_source_id_key":
            raise
        # Another transaction wrote the same journal since we looked. Run again, the flow sees it as a duplicate.
        raise asyncpg.SerializationError("a journal was written by another transaction") from error


def _columns(
    journals: Sequence[Journal], ids: Mapping[AccountKey, int]
) -> tuple[str, str, str, str, str, str, list[str], str]:
    keys, units, labels = zip(*(line for journal in journals for line in journal.lines), strict=True)
    currencies: dict[str, int] = {}
    numbers = {key: currencies.setdefault(key.currency, len(currencies) + 1) for key in set(keys)}
    tags: dict[UUID | None, int] = {None: 0}
    tagged: list[int] = []
    last, number = None, 0
    for tag in labels:
        # Most lines have the tag of the line before, and a UUID's hash is made in Python.
        if tag is not last:
            last, number = tag, tags.setdefault(tag, len(tags))
        tagged.append(number)
    counts = [len(journal.lines) for journal in journals]
    return (
        arrays.numbers([ordinal for ordinal, count in enumerate(counts, 1) for _ in range(count)]),
        arrays.numbers([position for count in counts for position in range(1, count + 1)]),
        arrays.numbers([ids[key] for key in keys]),
        arrays.numbers(list(units)),
        arrays.numbers([numbers[key] for key in keys]),
        arrays.numbers(tagged),
        list(currencies),
        array([tag for tag in tags if tag is not None]),
    )


async def journal_ids(tx: Tx, keys: Sequence[tuple[str, UUID]]) -> dict[tuple[str, UUID], UUID]:
    """The ids of the journals of these (kind, source) that exist."""
    driver = await tx.driver()
    rows = await driver.fetch(_EXISTING, [kind for kind, _ in keys], array([source for _, source in keys]))
    return {(row[0], row[1]): row[2] for row in rows}
