"""Each movement on the provider's balance finds its journal, makes it, or stops everything behind it; a portion at a time."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from compliance import store as audit
from compliance.entries import Entry
from exchange.flows.approvals import approved
from exchange.flows.call_provider import open_item
from exchange.kernel.db import Tx
from settlement.journals import Duplicate, Journal, Posted
from settlement.open_items import ItemKind, Opened
from settlement.recon import Book, Item, Known, Look, Match, Place, Stop, decide, resolution
from settlement.recon_postings import SWEEP, SWEEP_BACK, TAKEN_BACK
from settlement.store import ledger, open_items, periods, recon
from settlement.store.recon import Cursor, Outcome

APPROVAL = "reconciliation"
PORTION = 200


@dataclass(frozen=True, slots=True)
class Portion:
    """What became of a portion. `look`: an object of ours has to be looked at first; `stopped`: a person is needed.

    `left`: there may be more of them.
    """

    done: int
    left: bool
    look: Look | None = None
    look_for: str | None = None
    stopped: Stop | None = None
    opened: tuple[Opened, ...] = ()


@dataclass(slots=True)
class _Work:
    """What a portion comes to before anything is written."""

    outcomes: list[tuple[Item, tuple[UUID, ...], tuple[Journal, ...], UUID | None]] = field(default_factory=list)
    taken: set[UUID] = field(default_factory=set)
    look: Look | None = None
    stop: Stop | None = None
    last: Item | None = None


class BooksRefuse(Exception):
    """The books refuse a journal of a portion; nothing of it was kept. Alone it is a stop, among others it is tried alone."""


async def record_movements(tx: Tx, place: Place, items: Sequence[Item]) -> int:
    """Keep movements as they were told; how many are new. One that is told otherwise than before is put before a person."""
    new, changed = await recon.record_items(tx, place, items)
    for txn_id in changed:
        await open_item(tx, Opened(ItemKind.MOVEMENT_CHANGED, txn_id, {"currency": place.currency}))
    return new


async def reconcile_next(tx: Tx, place: Place, looked: Collection[str] = (), limit: int = PORTION) -> Portion:
    """Bring the next movements of a place into the books, in their order, until one has to be looked at or stops.

    What stopped before is decided anew each time: with what two persons have said of it, or with what is known now.

    shapes   looked: movements whose objects were looked at just now
    errors   BooksRefuse
    """
    cursor = await recon.lock_cursor(tx, place)
    items = await recon.waiting(tx, place, limit)
    if not items:
        return Portion(0, left=False)
    work = await _decide(tx, items, await recon.known_of(tx, items, looked))
    refused = await _write(tx, place, work, alone=len(items) == 1)
    stop = refused or work.stop
    opened = await _stopped(tx, cursor, work.last, stop) if stop is not None and work.last is not None else ()
    if stop is None and cursor.stopped_txn is not None and work.outcomes:
        await _goes_on(tx, cursor)
    done = 0 if refused else len(work.outcomes)
    look_for = work.last.id if work.look is not None and work.last is not None else None
    return Portion(done, len(items) == limit and stop is None, work.look, look_for, stop, opened)


async def _decide(tx: Tx, items: Sequence[Item], known: dict[str, Known]) -> _Work:
    work = _Work()
    for item in items:
        work.last = item
        mine = known[item.id]
        decision = decide(item, replace(mine, taken=mine.taken | work.taken))
        if isinstance(decision, Look):
            work.look = decision
            return work
        if isinstance(decision, Stop):
            settled = await _settled(tx, item)
            if settled is None:
                work.stop = decision
                return work
            work.outcomes.append(settled)
        else:
            matched, more = (decision.journals, ()) if isinstance(decision, Match) else _book(decision)
            work.outcomes.append((item, matched, more, None))
        work.taken |= set(work.outcomes[-1][1])
    return work


def _book(decision: Book) -> tuple[tuple[UUID, ...], tuple[Journal, ...]]:
    return decision.matched, decision.journals


async def _settled(tx: Tx, item: Item) -> tuple[Item, tuple[UUID, ...], tuple[Journal, ...], UUID | None] | None:
    """What one person proposed for a movement and another one approved, if anybody did."""
    for one in await recon.resolutions(tx, "stripe", item.id):
        if await approved(tx, APPROVAL, item.id, one.body_sha256):
            journal = resolution(item, one.remedy, one.organisation_id)
            return item, (), (journal,) if journal is not None else (), one.id
    return None


async def _write(tx: Tx, place: Place, work: _Work, *, alone: bool) -> Stop | None:
    """Post what is missing and write what became of each; the stop of a single movement that the books refuse.

    errors   BooksRefuse
    """
    journals = [await _dated(tx, journal) for _, _, more, _ in work.outcomes for journal in more]
    answers = iter(await ledger.post(tx, journals) if journals else [])
    outcomes: list[Outcome] = []
    for item, matched, more, resolution_id in work.outcomes:
        written: list[UUID] = []
        for _ in more:
            answer = next(answers)
            if not isinstance(answer, Posted | Duplicate):
                if not alone:
                    raise BooksRefuse
                return Stop("books-refuse", f"{type(answer).__name__}: {item.net}")
            written.append(answer.journal_id)
        word = "resolved" if resolution_id is not None else "booked" if more else "matched"
        outcomes.append(Outcome(item.id, word, (*matched, *written), resolution_id))
        if any(journal.kind == TAKEN_BACK for journal in more):
            await open_item(tx, Opened(ItemKind.TAKEN_BACK, item.source, {"amount": str(item.amount), "txn": item.id}))
        if any(journal.kind in (SWEEP, SWEEP_BACK) for journal in more):
            # That own money moved was news; now it is in the books.
            await open_items.settle_items(tx, item.source, [ItemKind.OWN_MONEY])
    await recon.finish(tx, place, outcomes)
    return None


async def _dated(tx: Tx, journal: Journal) -> Journal:
    """It counts when the provider says it happened, unless the books of that moment are closed, or our clock is not there yet."""
    at = journal.effective_at
    if at is None or at >= tx.now:
        return replace(journal, effective_at=None)
    currencies = sorted({account.currency for account, _, _ in journal.lines})
    for currency in currencies:
        if not await periods.period_open(tx, currency, at):
            return replace(journal, effective_at=None)
    return journal


async def _stopped(tx: Tx, cursor: Cursor, item: Item | None, stop: Stop) -> tuple[Opened, ...]:
    assert item is not None, "what stops is a movement"
    if cursor.stopped_txn is not None and cursor.stopped_txn != item.id:
        # What stopped before has been settled, and the next one stops.
        await _goes_on(tx, cursor)
    await recon.stop_at(tx, cursor.place, item.id, stop)
    facts = {
        "reason": stop.reason,
        "said": stop.said,
        "type": item.type,
        "amount": str(item.amount),
        "fee": str(item.fee),
        "source": item.source,
    }
    opened = Opened(ItemKind.RECONCILIATION_STOPPED, item.id, facts)
    if not await open_item(tx, opened):
        return ()
    await audit.append(tx, [Entry(action="reconciliation.stop", organisation_id=None, object_id=item.id)])
    return (opened,)


async def _goes_on(tx: Tx, cursor: Cursor) -> None:
    assert cursor.stopped_txn is not None, "it had stopped"
    await recon.stop_at(tx, cursor.place, None, None)
    await open_items.settle_items(tx, cursor.stopped_txn, [ItemKind.RECONCILIATION_STOPPED])
    await audit.append(tx, [Entry(action="reconciliation.go-on", organisation_id=None, object_id=cursor.stopped_txn)])
