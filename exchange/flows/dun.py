"""Overdue sums by the clock: collected where the money has come, reminded of, and in the end the use of what is unpaid stops.

Only grants behind an unpaid charge are suspended, and only by what the plan announced; they go on as soon as nothing
undisputed is owed. What an agreement itself has suspended is never resumed here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from compliance import store as audit
from compliance.entries import Entry
from contracts import lifecycle_store
from exchange.access.store import grants
from exchange.flows.dunning_pauses import disputed
from exchange.kernel import ids
from exchange.kernel.db import Tx
from exchange.kernel.money import Money
from settlement import dunning, postings
from settlement.accounts import wallet
from settlement.dunning import Case, Notice, Owed, Plan, Said, Stage
from settlement.journals import Posted
from settlement.store import dunning as store
from settlement.store import ledger, runs

Between = tuple[UUID, UUID, str]
_ACTIONS = {
    Said.OPENED: "dunning.open",
    Said.REMINDED: "dunning.notice",
    Said.LAST_NOTICE: "dunning.notice",
    Said.SUSPENDED: "dunning.suspend",
    Said.RESUMED: "dunning.resume",
    Said.CLOSED: "dunning.close",
}
# One transaction collects so many sums at most.
COLLECTED_MAX = 500


@dataclass(slots=True)
class _Debts:
    """What one buyer owes one seller in one currency."""

    active: list[Owed] = field(default_factory=list)
    paused: list[Owed] = field(default_factory=list)

    def units(self) -> int:
        return sum(one.units for one in (*self.active, *self.paused))


async def collect_overdue(tx: Tx) -> int:
    """Take what is dunned from wallets that have it by now, the oldest first; how many sums were paid, whole or in part.

    While a settlement run of the currency is open it does that by itself.
    """
    await store.lock_dunning(tx)
    cases = {one.between for one in await store.open_cases(tx)}
    if not cases:
        return 0
    # What is on account has its own collection.
    settling, owed = await store.settling(tx), [one for one in await store.owed(tx) if one.grant_id is not None]
    stopped = await disputed(tx, [one for one in owed if one.between in cases])
    wanted = [
        one for one in owed if one.between in cases and one.currency not in settling and one.source_id not in stopped
    ]
    there = await ledger.available(tx, {wallet(one.buyer_id, one.currency) for one in wanted})
    wanted = [one for one in wanted if there[wallet(one.buyer_id, one.currency)] > 0][:COLLECTED_MAX]
    return await _collect(tx, wanted) if wanted else 0


async def _collect(tx: Tx, wanted: Sequence[Owed]) -> int:
    """Pay these sums from their buyers' wallets, as far as these go."""
    locked = {row[0]: row for row in await store.lock_dues(tx, [one.source_id for one in wanted])}
    keys = {wallet(one.buyer_id, one.currency) for one in wanted}
    balances = await ledger.lock_balances(tx, keys)
    left = {key: balances.available.get(key, 0) for key in keys}
    journals, entries, paid, released = [], [], dict[UUID, int](), set[UUID]()
    for one in (one for one in wanted if one.source_id in locked):
        _, unpaid, was_released = locked[one.source_id]
        key = wallet(one.buyer_id, one.currency)
        units = min(unpaid, left[key])
        if units <= 0:
            continue
        left[key] -= units
        journals.append(postings.collect(tx.new_id(), one.source_id, one.buyer_id, Money(units, one.currency)))
        paid[one.source_id] = units
        if was_released:
            released.add(one.source_id)
        name = ids.text("chg", one.source_id)
        entries.append(
            Entry(action="debt.collect", organisation_id=None, object_id=name, concerns=(one.buyer_id, one.seller_id))
        )
    results = await ledger.write(tx, journals, balances)
    assert all(isinstance(one, Posted) for one in results), results
    await runs.pay_dues(tx, paid, released)
    await audit.append(tx, entries)
    return len(paid)


async def dun(tx: Tx, *, plan: Plan) -> int:
    """Take each case one step further, where one is due; how many moved."""
    await store.lock_dunning(tx)
    debts = await _debts(tx)
    cases = {one.between: one for one in await store.open_cases(tx)}
    moved = 0
    for between, found in debts.items():
        if between not in cases and dunning.opens(found.active, tx.now, plan):
            buyer_id, seller_id, currency = between
            case = Case(tx.new_id(), buyer_id, seller_id, currency, Stage.OPENED, tx.now, tx.now)
            await store.insert_case(tx, case)
            await _say(tx, case, Said.OPENED, found)
            moved += 1
    for between, case in cases.items():
        found = debts.get(between) or _Debts()
        after, said = dunning.step(case, found.active, found.paused, tx.now, plan)
        if after != case:
            await store.move_case(tx, after)
            moved += 1
        if said is not None:
            await _say(tx, after, said, found)
        # Also again and again: an agreement's own suspension may have been lifted meanwhile, and new use may be unpaid.
        if after.stage is Stage.SUSPENDED:
            await _suspend(tx, after, found.active)
        elif case.stage is Stage.SUSPENDED:
            await _resume(tx, after)
    return moved


async def _debts(tx: Tx) -> dict[Between, _Debts]:
    owed = await store.owed(tx)
    stopped = await disputed(tx, owed)
    debts: dict[Between, _Debts] = defaultdict(_Debts)
    for one in owed:
        found = debts[one.between]
        (found.paused if one.source_id in stopped else found.active).append(one)
    return dict(debts)


async def _say(tx: Tx, case: Case, said: Said, found: _Debts) -> None:
    """Write a notice, and tell it: the log's entry becomes a message to whoever listens."""
    paused = sum(one.units for one in found.paused)
    notice = Notice(
        tx.new_id(), case.id, case.buyer_id, case.seller_id, said, found.units(), paused, case.currency, tx.now
    )
    await store.insert_notice(tx, notice)
    entry = Entry(
        action=_ACTIONS[said],
        organisation_id=None,
        object_id=ids.text("dun", case.id),
        object_version=said.value,
        concerns=(case.buyer_id, case.seller_id),
    )
    await audit.append(tx, [entry])


async def _suspend(tx: Tx, case: Case, active: Sequence[Owed]) -> None:
    """Suspend the grants behind the unpaid charges; what is suspended already stays another's."""
    behind = {one.grant_id for one in active if one.grant_id is not None}
    if on_account := [one.order_id for one in active if one.grant_id is None]:
        behind |= {one.id for one in await grants.of_orders(tx, on_account)}
    moved = await grants.suspend(tx, sorted(behind))
    if not moved:
        return
    found = await grants.load(tx, sorted(moved))
    known = {one[1] for one in await store.suspended_by(tx, case.id)}
    fresh = [(one, found[one].agreement_id) for one in sorted(moved) if one not in known]
    await store.insert_suspended(tx, case.id, fresh)


async def _resume(tx: Tx, case: Case) -> None:
    """Let the grants go on that this case suspended, but none whose agreement is suspended."""
    rows = await store.suspended_by(tx, case.id)
    stopped = await lifecycle_store.suspended_among(tx, [agreement for _, _, agreement in rows])
    await grants.resume(tx, sorted(grant for _, grant, agreement in rows if agreement not in stopped))
    await store.note_resumed(tx, [row for row, _, _ in rows])
