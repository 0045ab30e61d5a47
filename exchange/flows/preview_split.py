"""What split rules would give of a run that nobody booked: the same arithmetic, with what is not written held in memory."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from exchange.flows.apply_split_rules import (
    RuleGroup,
    by_rule,
    carried_into,
    first_sources,
    recouped_of,
    split_journal,
    waiting_for,
)
from exchange.flows.settle_books import Books
from exchange.kernel import ids
from exchange.kernel.db import Tx
from settlement import postings
from settlement.accounts import AccountKey, AccountKind, advance
from settlement.journals import Journal
from settlement.runs import Charge, Run
from settlement.store import ledger
from settlement.store import split_bookings as store
from settlement.store.split_bookings import Waiting
from settlement.waterfall import pour, touched


async def preview_splits(tx: Tx, run: Run, found: Sequence[Books]) -> list[Journal]:
    """The journals by which rules would split what waits for them, and what these sellers' new charges bring."""
    waiting = await waiting_for(tx, run, {books.item: books.sources for books in found})
    new = _new(found)
    if not waiting and not new:
        return []
    lines = sorted([*waiting, *new], key=lambda one: (one.journal_id, one.line))
    charged: dict[UUID, Charge] = {one.id: one for books in found for one in books.charges}
    wanted = sorted({one.source_id for one in new})
    fresh = await store.sales_of_new(tx, [charged[one] for one in wanted])
    journals: list[Journal] = []
    for group in await by_rule(tx, lines, fresh):
        journals += await _preview(tx, run, group)
    return journals


def _new(found: Sequence[Books]) -> list[Waiting]:
    """The lines on the clearing account of charges that are released at once."""
    lines = []
    for books in found:
        released = set(books.released)
        for journal in books.journals:
            if journal.kind == postings.CHARGE and journal.source_id in released and journal.id is not None:
                lines += [
                    Waiting(journal.id, number, journal.source_id, line.amount)
                    for number, line in enumerate(journal.lines, 1)
                    if line.account.kind is AccountKind.CLEARING
                ]
    return lines


async def _preview(tx: Tx, run: Run, group: RuleGroup) -> list[Journal]:
    """What one rule would give, in as many bookings as a run would make of it."""
    rule, lines = group.rule, group.lines
    buckets = touched(group.sold(lines))
    levels, booked = await store.levels(tx, rule.id, buckets), await store.booked(tx, rule.id, buckets)
    carried = await carried_into(tx, group)
    room: dict[AccountKey, int] = {}
    journals: list[Journal] = []
    while lines:
        some = first_sources(lines)
        lines = lines[len(some) :] if len(some) < len(lines) else []
        sold = group.sold(some)
        near = touched(sold)
        periods = {one.period for one in near}
        poured = pour(
            group.understood,
            sold,
            {bucket: level for bucket, level in levels.items() if bucket in near},
            {key: units for key, units in booked.items() if key.period in periods},
            carried,
        )
        levels.update(poured.levels)
        booked.update({part.key: part.cumulative for part in poured.parts})
        advances = [advance(one, rule.currency) for one in recouped_of(poured.parts)]
        unseen = [key for key in advances if key not in room]
        room.update((await ledger.see_balances(tx, unseen)).room)
        named = ids.derived(run.opened_at, run.id, "split", rule.id, len(journals))
        journal = split_journal(named, rule, some, poured.parts, room)
        if journal is not None:
            for line in journal.lines:
                if line.account.kind is AccountKind.ADVANCE:
                    room[line.account] -= line.amount
            journals.append(journal)
    return journals
