"""What disputes stop: shares that are released, money that is paid out. The rest flows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from exchange.kernel.db import Tx
from exchange.kernel.money import Money
from settlement import postings
from settlement.accounts import AccountKey, AccountKind, debt, payable
from settlement.dispute_postings import AWARD, award
from settlement.holds import Ended, Hold, HoldEnd, Outcome
from settlement.journals import Journal, Posted
from settlement.store import dispute_stops as store
from settlement.store import disputes, holds, ledger, payouts
from settlement.store.accounts import account_ids
from settlement.store.dispute_stops import Stop
from settlement.store.disputes import Moved

REASON = "dispute"


class NotHeld(AssertionError):
    """The ledger did not take a hold of money that is there, or its end: a defect."""


async def hold_released(tx: Tx, sources: Sequence[UUID], journals: Sequence[Journal]) -> None:
    """Hold the disputed part of what was just released of some orders and charges, in the same transaction.

    shapes   journals: those of the releases, written; sources without one are split by a rule, whose shares are held as
             soon as `cover_short` finds them, and are not paid out before
    """
    stops = await store.waiting_stops(tx, sources) if sources else []
    if not stops:
        return
    released: dict[tuple[UUID, UUID], int] = defaultdict(int)
    for journal in journals:
        if journal.kind == postings.RELEASE:
            for account, units, _ in journal.lines:
                if account.kind is AccountKind.PAYABLE and account.organisation_id is not None:
                    released[journal.source_id, account.organisation_id] += units
    # Only of this very share: so it makes no difference in which portions a run is done. What was awarded goes first.
    found = []
    for one in sorted(stops, key=lambda stop: stop.award_to is None):
        key = one.source_id, one.organisation_id
        units = max(0, min(one.want, released[key]))
        released[key] -= units
        found.append((one, units))
    await _award_shares(tx, [(one, units) for one, units in found if one.award_to is not None])
    await _hold(tx, [(one, units) for one, units in found if one.award_to is None])


async def cover(tx: Tx, stops: Sequence[Stop]) -> None:
    """Hold what locked stops on released shares are short of, as far as their payees have it payable.

    What was awarded already is given instead, of what the payee does not owe to the exchange, and before anything is held.
    """
    keys = {one.organisation_id: payable(one.organisation_id, one.currency) for one in stops}
    owing = {one.organisation_id: debt(one.organisation_id, one.currency) for one in stops if one.award_to is not None}
    await account_ids(tx, keys.values())
    await payouts.lock_payable(tx, list(keys.values()))
    left = await ledger.sums(tx, [*keys.values(), *owing.values()])
    found = []
    for one in sorted(stops, key=lambda stop: stop.award_to is None):
        key = keys[one.organisation_id]
        owed = 0 if one.award_to is None else left[owing[one.organisation_id]]
        units = min(one.short, max(left[key] + owed, 0))
        left[key] -= units
        found.append((one, units))
    await _award_shares(tx, [(one, units) for one, units in found if one.award_to is not None])
    await _hold(tx, [(one, units) for one, units in found if one.award_to is None])


async def cover_short(tx: Tx) -> int:
    """By the clock: hold what came since for those who were short; how many stops hold more now."""
    stops = await store.short_stops(tx)
    by_currency: dict[str, list[Stop]] = defaultdict(list)
    for one in stops:
        by_currency[one.currency].append(one)
    for _, part in sorted(by_currency.items()):
        await cover(tx, part)
    return len(stops)


async def let_go(tx: Tx, dispute_id: UUID) -> None:
    """Give back all that a locked case holds. Call it before other postings."""
    found = await store.open_holds_of(tx, dispute_id)
    results = await holds.end_holds(tx, [HoldEnd(one, Outcome.VOIDED) for one in found])
    if not all(isinstance(one, Ended) for one in results):
        raise NotHeld(str(results))
    await store.free_stops(tx, dispute_id)


async def _award_shares(tx: Tx, found: Sequence[tuple[Stop, int]]) -> None:
    """Shares that were decided about before they were released are their new payees'; one that went back meanwhile lapses."""
    journals, moved = [], []
    for one, units in found:
        if units > 0:
            assert one.award_to is not None, "asked for by the caller"
            move_id = tx.new_id()
            given = [(_purse(one), units)]
            journals.append(award(move_id, one.dispute_id, given, payable(one.award_to, one.currency)))
            amount = Money(units, one.currency)
            moved.append(Moved(move_id, one.dispute_id, AWARD, one.organisation_id, one.award_to, amount, None, tx.now))
    results = await ledger.post(tx, journals) if journals else []
    if not all(isinstance(one, Posted) for one in results):
        raise NotHeld(str(results))
    for each in moved:
        await disputes.insert_money(tx, each)
    for stop, units in found:
        if stop.released:
            await store.note_awarded(tx, stop, units)
        else:
            await store.free_stops(tx, stop.dispute_id)


async def _hold(tx: Tx, wanted: Sequence[tuple[Stop, int]]) -> None:
    made = [
        (one, Hold(tx.new_id(), _purse(one), units, REASON, one.dispute_id)) if units > 0 else (one, None)
        for one, units in wanted
    ]
    results = await holds.open_holds(tx, [hold for _, hold in made if hold is not None])
    if not all(isinstance(one, Posted) for one in results):
        raise NotHeld(str(results))
    noted = [(one, 0, None) if hold is None else (one, hold.amount, hold.id) for one, hold in made]
    await store.note_held(tx, noted)


def _purse(one: Stop) -> AccountKey:
    return payable(one.organisation_id, one.currency)
