"""Holds: opened and ended in batches, each ended once, however many try."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.ids import array
from exchange.kernel.money import Money
from exchange.kernel.pages import Page, PageRequest, page_of
from exchange.kernel.store import mine
from settlement.accounts import AccountKey, AccountKind, held
from settlement.hold_tables import hold as hold_table
from settlement.hold_tables import hold_end as end_table
from settlement.holds import BadHold, Ended, Hold, HoldEnd, HoldResult, Outcome, decide_ends, opening
from settlement.journals import Exceeded, Insufficient, Journal, Posted, PostResult
from settlement.store import ledger
from settlement.store.accounts import account_ids
from settlement.tables import account as account_table

DUE_MAX = 200
LOOKED_AT_AGAIN = timedelta(hours=1)

_OPEN = """
WITH h AS (
    INSERT INTO settlement.hold (id, organisation_id, account_id, held_id, amount_units, currency, reason, tag, expires_at, created_at)
    SELECT t.*, $10 FROM unnest($1::text::uuid[], $2::uuid[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[], $7::text[],
        $8::uuid[], $9::timestamptz[]) AS t
    RETURNING id, expires_at)
INSERT INTO settlement.hold_open (hold_id, due_at) SELECT id, expires_at FROM h"""
_HOLD = """h.id, h.organisation_id, a.kind, h.currency, h.amount_units, h.reason, h.tag, h.expires_at"""
# In the order of their ids, so that two who end the same holds wait and never lock each other out.
_LOCK = f"""
SELECT {_HOLD} FROM settlement.hold_open o JOIN settlement.hold h ON h.id = o.hold_id
JOIN settlement.account a ON a.id = h.account_id
WHERE o.hold_id = ANY($1::text::uuid[]) ORDER BY o.hold_id FOR UPDATE OF o"""
_OVER = f"""
SELECT {_HOLD}, e.outcome, e.amount_units AS settled, t.organisation_id AS to_organisation, t.kind AS to_kind
FROM settlement.hold h JOIN settlement.account a ON a.id = h.account_id JOIN settlement.hold_end e ON e.hold_id = h.id
LEFT JOIN settlement.account t ON t.id = e.to_account_id WHERE h.id = ANY($1::text::uuid[])"""
_END = """
WITH gone AS (DELETE FROM settlement.hold_open WHERE hold_id = ANY($1::text::uuid[]))
INSERT INTO settlement.hold_end (hold_id, organisation_id, outcome, to_account_id, amount_units, created_at)
SELECT t.*, $6 FROM unnest($1::text::uuid[], $2::uuid[], $3::text[], $4::bigint[], $5::bigint[]) AS t"""
_DUE = """
SELECT o.hold_id, h.organisation_id FROM settlement.hold_open o JOIN settlement.hold h ON h.id = o.hold_id
WHERE o.due_at <= $1 ORDER BY o.due_at, o.hold_id LIMIT $2 FOR UPDATE OF o SKIP LOCKED"""
_LATER = "UPDATE settlement.hold_open SET due_at = $2 WHERE hold_id = ANY($1::text::uuid[])"


@dataclass(frozen=True, slots=True)
class Due:
    """A hold that has run out and is still open."""

    hold_id: UUID
    organisation_id: UUID


@dataclass(frozen=True, slots=True)
class HoldRow:
    """A hold as its organisation and the operator see it; `outcome` is None while it is open."""

    id: UUID
    organisation_id: UUID
    account: str
    amount: Money
    reason: str
    tag: UUID | None
    created_at: datetime
    expires_at: datetime | None
    outcome: Outcome | None
    settled: Money
    ended_at: datetime | None


async def open_holds(tx: Tx, holds: Sequence[Hold]) -> list[PostResult]:
    """Reserve money; answer each hold in the given order, as `ledger.post` answers its journal.

    A hold that was opened before is answered `Duplicate`, whether or not it has ended since; another hold under its id is
    `BodyMismatch`; one that its account does not cover is `Insufficient` and fails no neighbour.

    shapes   n holds -> n results; one statement more than `ledger.post`
    errors   BadHold
    """
    results = await ledger.post(tx, [opening(hold) for hold in holds])
    fresh = [hold for hold, result in zip(holds, results, strict=True) if isinstance(result, Posted)]
    if not fresh:
        return results
    if any(hold.expires_at is not None and hold.expires_at <= tx.now for hold in fresh):
        raise BadHold("a hold that has run out already")
    owners = [(hold, _owner(hold.account)) for hold in fresh]
    keys = {*(hold.account for hold in fresh), *(held(owner, hold.account.currency) for hold, owner in owners)}
    ids = await account_ids(tx, keys)
    await (await tx.driver()).execute(
        _OPEN,
        array([hold.id for hold in fresh]),
        [owner for _, owner in owners],
        [ids[hold.account] for hold in fresh],
        [ids[held(owner, hold.account.currency)] for hold, owner in owners],
        [hold.amount for hold in fresh],
        [hold.account.currency for hold in fresh],
        [hold.reason for hold in fresh],
        [hold.tag for hold in fresh],
        [hold.expires_at for hold in fresh],
        tx.now,
    )
    return results


async def end_holds(tx: Tx, ends: Sequence[HoldEnd]) -> list[HoldResult]:
    """End holds, each at most once; answer each end in the given order.

    The same end again answers the same, another one `EndedOtherwise`. An end whose money does not fit where it should go is
    `Exceeded`, and the hold stays open. Call it before other postings of the transaction: it locks holds, then balances.

    shapes   n ends -> n results
    errors   BadHold
    """
    first = {end.hold_id: number for number, end in reversed(list(enumerate(ends)))}
    found: dict[int, HoldResult] = {}
    if first:
        chosen = sorted(first.values())
        found = dict(zip(chosen, await _end_once(tx, [ends[number] for number in chosen]), strict=True))
    # Who comes second in a batch is answered like who comes in the next one.
    rest = [number for number in range(len(ends)) if number not in found]
    if rest:
        found |= dict(zip(rest, await end_holds(tx, [ends[number] for number in rest]), strict=True))
    return [found[number] for number in range(len(ends))]


async def lock_due(tx: Tx) -> list[Due]:
    """The open holds that have run out, a bounded number at a time, locked; those that somebody else ends are left out."""
    return [Due(*row) for row in await (await tx.driver()).fetch(_DUE, tx.now, DUE_MAX)]


async def look_again_later(tx: Tx, hold_ids: Sequence[UUID]) -> None:
    """Keep these locked holds out of what is due for a while: they ran out, and their money fits nowhere yet."""
    await (await tx.driver()).execute(_LATER, array(hold_ids), tx.now + LOOKED_AT_AGAIN)


async def list_holds(tx: Tx, actor: Actor | None, request: PageRequest, *, open_only: bool = False) -> Page[HoldRow]:
    """Holds of the actor's organisation, or of everybody for None (a flow's transaction only), newest first."""
    h, e, a = hold_table, end_table, account_table
    statement = (
        select(h, a.c.kind, e.c.outcome, e.c.amount_units.label("settled"), e.c.created_at.label("ended_at"))
        .join(a, a.c.id == h.c.account_id)
        .outerjoin(e, e.c.hold_id == h.c.id)
        .order_by(h.c.id.desc())
        .limit(request.limit + 1)
    )
    if actor is not None:
        statement = statement.where(mine(h.c.organisation_id, actor))
    if open_only:
        statement = statement.where(e.c.hold_id.is_(None))
    if request.after:
        statement = statement.where(h.c.id < UUID(request.after[0]))
    rows = (await tx.conn.execute(statement)).mappings()
    return page_of([_row(row) for row in rows], request, lambda one: (str(one.id),))


async def _end_once(tx: Tx, ends: Sequence[HoldEnd]) -> list[HoldResult]:
    driver, wanted = await tx.driver(), array([end.hold_id for end in ends])
    running = {row["id"]: _hold(row) for row in await driver.fetch(_LOCK, wanted)}
    over = {}
    if len(running) < len(ends):
        # After the lock, so that what another transaction ended while we waited is seen.
        over = {row["id"]: (_hold(row), _ended(row)) for row in await driver.fetch(_OVER, wanted)}
    decided = decide_ends(ends, running, over, tx.now)
    journals = [one for one in decided if isinstance(one, Journal)]
    posted = dict(zip([one.source_id for one in journals], await ledger.post(tx, journals), strict=True))
    done = [end for end in ends if isinstance(posted.get(end.hold_id), Posted)]
    if done:
        await _write_ends(tx, done, running)
    return [
        _answer(end, running[end.hold_id], posted[end.hold_id]) if isinstance(one, Journal) else one
        for end, one in zip(ends, decided, strict=True)
    ]


async def _write_ends(tx: Tx, done: Sequence[HoldEnd], running: dict[UUID, Hold]) -> None:
    ids = await account_ids(tx, {end.to for end in done if end.to is not None})
    await (await tx.driver()).execute(
        _END,
        array([end.hold_id for end in done]),
        [running[end.hold_id].account.organisation_id for end in done],
        [end.outcome for end in done],
        [None if end.to is None else ids[end.to] for end in done],
        [end.amount for end in done],
        tx.now,
    )


def _answer(end: HoldEnd, hold: Hold, result: PostResult) -> HoldResult:
    match result:
        case Posted():
            return Ended(end.hold_id, end.outcome, end.amount, hold.amount - end.amount)
        case Insufficient() | Exceeded():
            return result
        case _:
            # The hold was open and locked, so its end cannot have been written, and it counts from now.
            raise AssertionError(f"the end of an open hold was answered {result}")


def _hold(row: Any) -> Hold:
    key = AccountKey(row["organisation_id"], AccountKind(row["kind"]), row["currency"])
    return Hold(row["id"], key, row["amount_units"], row["reason"], row["tag"], row["expires_at"])


def _ended(row: Any) -> HoldEnd:
    kind = row["to_kind"]
    to = None if kind is None else AccountKey(row["to_organisation"], AccountKind(kind), row["currency"])
    return HoldEnd(row["id"], Outcome(row["outcome"]), to, row["settled"])


def _owner(key: AccountKey) -> UUID:
    assert key.organisation_id is not None, "a hold is on an account of an organisation"
    return key.organisation_id


def _row(row: Any) -> HoldRow:
    return HoldRow(
        row["id"],
        row["organisation_id"],
        row["kind"],
        Money(row["amount_units"], row["currency"]),
        row["reason"],
        row["tag"],
        row["created_at"],
        row["expires_at"],
        None if row["outcome"] is None else Outcome(row["outcome"]),
        Money(row["settled"] or 0, row["currency"]),
        row["ended_at"],
    )
