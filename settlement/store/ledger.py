"""The ledger's one writer: any number of journals in a constant number of statements."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from exchange.kernel.db import Tx
from exchange.kernel.ids import array
from settlement.accounts import MIN_BALANCE, AccountKey
from settlement.journals import Decision, Existing, Journal, PostResult, bounded_keys, decide
from settlement.store.accounts import account_ids, known_ids

_LOCK = """
SELECT account_id, posted FROM settlement.balance WHERE account_id = ANY($1::bigint[]) ORDER BY account_id FOR UPDATE"""
_PEEK = "SELECT account_id, posted FROM settlement.balance WHERE account_id = ANY($1::bigint[])"
_EXISTING = """
SELECT j.kind, j.source_id, j.id, j.body_sha256 FROM settlement.journal j
JOIN unnest($1::text[], $2::text::uuid[]) AS k(kind, source_id) ON j.kind = k.kind AND j.source_id = k.source_id"""
_WRITE = """
WITH a AS MATERIALIZED (SELECT $1::text::uuid[] AS ids, $14::text[] AS currencies, $15::text::uuid[] AS tags),
j AS (
    INSERT INTO settlement.journal (id, kind, source_id, body_sha256, line_count, effective_at, created_at)
    SELECT id, kind, source_id, body, lines, at, $7
    FROM unnest((SELECT ids FROM a), $2::text[], $3::text::uuid[], $4::bytea[], $5::smallint[], $6::timestamptz[])
        AS t(id, kind, source_id, body, lines, at) ORDER BY kind, source_id),
b AS (
    UPDATE settlement.balance b SET posted = b.posted + d.amount, version = b.version + d.lines
    FROM unnest($16::bigint[], $17::bigint[], $18::int[]) AS d(id, amount, lines) WHERE b.account_id = d.id)
INSERT INTO settlement.posting (journal_id, line, account_id, amount, currency, tag)
SELECT a.ids[t.journal], t.line, t.account, t.amount, a.currencies[t.currency], a.tags[t.tag]
FROM a, unnest($8::text::int[], $9::text::smallint[], $10::text::bigint[], $11::text::bigint[],
    $12::text::int[], $13::text::int[]) AS t(journal, line, account, amount, currency, tag)"""
_SUMS = """
SELECT k.id, coalesce((SELECT sum(p.amount) FROM settlement.posting p WHERE p.account_id = k.id), 0)::bigint AS total
FROM unnest($1::bigint[]) AS k(id)"""


@dataclass(frozen=True, slots=True)
class Balances:
    """The bounded accounts that this transaction has locked, with what is in them."""

    available: Mapping[AccountKey, int]


async def available(tx: Tx, keys: Iterable[AccountKey]) -> dict[AccountKey, int]:
    """What bounded accounts hold at this moment, without locking them; nothing where there is no account.

    units    millionths
    """
    wanted = list(dict.fromkeys(keys))
    if not wanted:
        return {}
    known = await known_ids(tx, wanted)
    rows = await (await tx.driver()).fetch(_PEEK, list(known.values()))
    posted = {row[0]: row[1] for row in rows}
    return {key: posted.get(known[key], 0) if key in known else 0 for key in wanted}


async def lock_balances(tx: Tx, keys: Iterable[AccountKey]) -> Balances:
    """Lock the bounded accounts among `keys` in account-id order until the transaction ends.

    shapes   accounts without a bound are ignored; those that do not exist are made, with nothing in them
    units    millionths
    """
    bounded = [key for key in set(keys) if key.kind in MIN_BALANCE]
    if not bounded:
        return Balances({})
    by_id = {account_id: key for key, account_id in (await account_ids(tx, bounded)).items()}
    driver = await tx.driver()
    rows = await driver.fetch(_LOCK, sorted(by_id))
    return Balances({by_id[row[0]]: row[1] for row in rows})


async def write(tx: Tx, journals: Sequence[Journal], balances: Balances) -> list[PostResult]:
    """Write a batch whose bounded accounts are locked; answer each journal in the given order.

    The given order is the accepted order: the first journals get what a wallet holds. A journal that was written
    before is answered with its id, and nothing is added.

    shapes   n journals -> n results; two statements, plus those for accounts never seen before
    errors   Unbalanced; KeyError for a bounded account that was not locked; both are defects
    """
    if not journals:
        return []
    driver = await tx.driver()
    rows = await driver.fetch(_EXISTING, [j.kind for j in journals], array([j.source_id for j in journals]))
    existing = {(row[0], row[1]): Existing(row[2], row[3]) for row in rows}
    decision = decide(journals, [tx.new_id() for _ in journals], existing, balances.available)
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


async def _insert(tx: Tx, decision: Decision) -> None:
    accepted = decision.accepted
    ids = await account_ids(tx, {line.account for _, _, journal in accepted for line in journal.lines})
    columns = _columns(accepted, ids)
    bounded: list[AccountKey] = sorted(decision.deltas, key=ids.__getitem__)
    driver = await tx.driver()
    try:
        await driver.execute(
            _WRITE,
            array([journal_id for journal_id, _, _ in accepted]),
            [journal.kind for _, _, journal in accepted],
            array([journal.source_id for _, _, journal in accepted]),
            [body for _, body, _ in accepted],
            [len(journal.lines) for _, _, journal in accepted],
            [journal.effective_at or tx.now for _, _, journal in accepted],
            tx.now,
            *columns,
            [ids[key] for key in bounded],
            [decision.deltas[key][0] for key in bounded],
            [decision.deltas[key][1] for key in bounded],
        )
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name != "journal_kind_source_id_key":
            raise
        # Another transaction wrote the same journal since we looked. Run again, the flow sees it as a duplicate.
        raise asyncpg.SerializationError("a journal was written by another transaction") from error


def _columns(
    accepted: Sequence[tuple[UUID, bytes, Journal]], ids: Mapping[AccountKey, int]
) -> tuple[str, str, str, str, str, str, list[str], str]:
    # Numbers go as array literals and uuids by position: the driver checks each element of an array in Python,
    # which for six lines a purchase costs more than the insert itself.
    currencies: dict[str, int] = {}
    tags: dict[UUID | None, int] = {None: 0}
    rows: list[tuple[int, int, int, int, int, int]] = []
    for ordinal, (_, _, journal) in enumerate(accepted, 1):
        for position, (account, amount, tag) in enumerate(journal.lines, 1):
            currency = currencies.setdefault(account.currency, len(currencies) + 1)
            rows.append((ordinal, position, ids[account], amount, currency, tags.setdefault(tag, len(tags))))
    ordinals, positions, accounts, units, moneys, labels = (
        "{" + ",".join(map(str, column)) + "}" for column in zip(*rows, strict=True)
    )
    named = array([tag for tag in tags if tag is not None])
    return ordinals, positions, accounts, units, moneys, labels, list(currencies), named


async def journal_ids(tx: Tx, keys: Sequence[tuple[str, UUID]]) -> dict[tuple[str, UUID], UUID]:
    """The ids of the journals of these (kind, source) that exist."""
    driver = await tx.driver()
    rows = await driver.fetch(_EXISTING, [kind for kind, _ in keys], array([source for _, source in keys]))
    return {(row[0], row[1]): row[2] for row in rows}
