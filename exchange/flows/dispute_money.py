"""The money of a dispute: held while it lasts, and moved once, by what was agreed or decided."""

from __future__ import annotations

from uuid import UUID

from exchange.flows.dispute_stops import cover, let_go
from exchange.flows.disputing import Case
from exchange.flows.inspecting import read_facts, release_now, stands, window_of
from exchange.flows.refund_order import end_use, give_back, keep_for_banks, lock_source
from exchange.kernel.db import Tx
from exchange.kernel.money import Money, Rounding, round_to_minor
from settlement import acceptances
from settlement.acceptances import Said, may_say, said_at
from settlement.accounts import AccountKey, AccountKind, debt, payable, wallet
from settlement.dispute_holds import holds_wanted, share_left
from settlement.dispute_postings import ARBITRATION_FEE, AWARD, arbitration_fee, award, taken
from settlement.dispute_settings import DisputeSettings
from settlement.disputes import Award, Dispute, Kind, Move, fees
from settlement.journals import Journal, Posted
from settlement.orders import PayBy
from settlement.refunds import Reason, Refund
from settlement.store import acceptances as accepted
from settlement.store import dispute_stops, disputes, ledger, payouts
from settlement.store.accounts import account_ids
from settlement.store.disputes import Moved
from settlement.store.refunds import Source

REFUND = "refund"
_REASONS = {
    Kind.ORDER: Reason.OTHER,
    Kind.DELIVERY: Reason.REJECTED,
    Kind.QUALITY: Reason.DEFECT,
    Kind.USAGE: Reason.WRONG_CHARGE,
}


class NotMoved(AssertionError):
    """The ledger did not take what an award moves, with all locks held: a defect, and nothing of it is kept."""


async def hold_disputed(tx: Tx, one: Dispute, source: Source, units: int) -> None:
    """Hold `units` of a locked source, of each payee what a refund would take from it, or of one payee where it is about a share.

    What was released is held of payable as far as that goes; what waits is held in the transaction that releases it.

    units    0 < units <= what is left of the source
    """
    wanted = (
        [(one.giver_id, units)]
        if one.kind is Kind.SPLIT
        else holds_wanted(source.paid, source.refunded_units, units, source.order.seller_id)
    )
    if not wanted:
        return
    released = await _released(tx, source)
    about = source.id, source.paid.currency
    await dispute_stops.put_stops(tx, one.id, about, wanted, released=released)
    if released:
        await cover(tx, await dispute_stops.stops_of(tx, one.id))
        await dispute_stops.stop_unsent(tx, one.id, [payee for payee, _ in wanted])


async def left_of(tx: Tx, one: Dispute) -> int:
    """What is in dispute less what was moved by an award before a rework.

    units    millionths
    """
    moved = await disputes.moved_by(tx, one.id)
    return one.amount.units - sum(each.amount.units for each in moved if each.kind != ARBITRATION_FEE)


async def carry_out(
    tx: Tx, case: Case, said: Award, settings: DisputeSettings, cause_id: UUID, *, made_by: UUID | None
) -> None:
    """Do what an award says, in one transaction: what was held is free, and goes where it has to.

    Where the seller has to deliver again, what is left stays held; else the rest is its payees', and a delivery that was
    rejected is decided.

    shapes   cause_id: the fact that brings it about; made_by: who decided, None for an agreement or a deadline
    """
    one, source = case.dispute, case.source
    await let_go(tx, one.id)
    # What is not released may not be paid yet, so there is nothing to give a credit from: it goes back like a refund.
    waits = not await _released(tx, source)
    made = await _refund(tx, case, said.refund + (said.credit if waits else 0), cause_id, made_by)
    if said.credit and not waits:
        await _credit(tx, one, min(said.credit, source.left - said.refund))
        if source.order.payment is PayBy.CARD:
            await keep_for_banks(tx, source)
    if said.share and waits:
        # A share that is not its payee's yet changes hands in the transaction that releases it.
        await dispute_stops.award_later(tx, one.id, (source.id, one.amount.currency), one.parties, said.share)
    elif said.share:
        await _share(tx, one, source, said.share)
    if not said.rework_days:
        await _free_delivery(tx, case, made, made_by)
    elif (left := await left_of(tx, one)) > 0:
        after = await lock_source(tx, one.source_kind, one.source_id)
        assert after is not None, "what is in dispute is never deleted"
        await hold_disputed(tx, one, after, min(left, after.left)) if after.left else None
    await pay_arbitrators(tx, one, said, settings)


async def free(tx: Tx, case: Case) -> None:
    """The dispute is over without an award: what was held is free, and the delivery stands as it stood without it."""
    await let_go(tx, case.dispute.id)


async def confirm(tx: Tx, case: Case, made_by: UUID | None) -> None:
    """What was delivered anew is accepted: what was held is free, and what waited is released."""
    await let_go(tx, case.dispute.id)
    await _free_delivery(tx, case, None, made_by)


async def pay_arbitrators(
    tx: Tx, one: Dispute, said: Award, settings: DisputeSettings, *, borne_by: UUID | None = None
) -> None:
    """Pay every arbitrator that decided in this case and was not paid yet; each side bears it as far as it lost.

    shapes   borne_by: who bears all of it, where somebody gives up
    """
    fee = round_to_minor(Money(one.amount.units * settings.fee_bps // 10_000, one.amount.currency), Rounding.DOWN).units
    if not fee:
        return
    paid = {each.to_id for each in await disputes.moved_by(tx, one.id) if each.kind == ARBITRATION_FEE}
    decided = [each.organisation_id for each in await disputes.facts_of(tx, one.id) if each.move is Move.DECIDE]
    for arbitrator in dict.fromkeys(decided):
        if arbitrator is None or arbitrator in paid:
            continue
        of_giver, of_taker = fees(one, said, fee)
        if borne_by is not None:
            of_giver, of_taker = (fee, 0) if borne_by == one.giver_id else (0, fee)
        for side, units in ((one.giver_id, of_giver), (one.taker_id, of_taker)):
            if units:
                await _fee(tx, one, side, units, arbitrator)


async def _refund(tx: Tx, case: Case, wanted: int, cause_id: UUID, made_by: UUID | None) -> Refund | None:
    """Give back what is still there to give back: more may have gone back since the dispute was opened."""
    one, source = case.dispute, case.source
    units = min(wanted, source.left)
    if units <= 0:
        return None
    made = await give_back(tx, source, units, _REASONS[one.kind], made_by=made_by, cause_id=cause_id)
    if source.kind == "order" and made.full:
        await end_use(tx, source.order, tx.now)
    await disputes.insert_money(
        tx, Moved(tx.new_id(), one.id, REFUND, None, source.buyer_id, made.amount, made.id, tx.now)
    )
    return made


async def _released(tx: Tx, source: Source) -> bool:
    """Whether what was paid for a source is its payees' already; what nobody has paid for is not."""
    by_rule = any(account.kind is AccountKind.CLEARING for account, _ in source.paid.parts)
    return source.released or (by_rule and await dispute_stops.was_split(tx, source.id))


async def _credit(tx: Tx, one: Dispute, units: int) -> None:
    """The seller gives to the buyer's wallet, no more than can still go back: more may have gone since the dispute began."""
    if units > 0:
        await _award(tx, one, units, wallet(one.taker_id, one.amount.currency))


async def _share(tx: Tx, one: Dispute, source: Source, wanted: int) -> None:
    """A payee gives of a share that was released to it, no more than it has of it, and at once no more than it has.

    The exchange advances nothing between payees: what was paid out already follows from what the payee gets next.
    """
    given = await dispute_stops.given_of(tx, source.id, one.giver_id)
    units = min(wanted, share_left(source.paid, source.refunded_units, one.giver_id, given))
    if units <= 0:
        return
    purse, owing = payable(one.giver_id, one.amount.currency), debt(one.giver_id, one.amount.currency)
    # A debt stands below zero: what is owed to the exchange is not free to be given.
    free = await _there(tx, purse) + (await ledger.sums(tx, [owing]))[owing]
    now = max(0, min(units, free))
    if now:
        await _award(tx, one, now, payable(one.taker_id, one.amount.currency))
    if units > now:
        await dispute_stops.award_rest(tx, one.id, (source.id, one.amount.currency), one.parties, units - now)


async def _award(tx: Tx, one: Dispute, units: int, to: AccountKey) -> None:
    purse = payable(one.giver_id, one.amount.currency)
    there = await _there(tx, purse)
    move_id = tx.new_id()
    await _post(tx, award(move_id, one.id, taken(purse, units, there), to))
    amount = Money(units, one.amount.currency)
    await disputes.insert_money(tx, Moved(move_id, one.id, AWARD, one.giver_id, one.taker_id, amount, None, tx.now))


async def _fee(tx: Tx, one: Dispute, side: UUID, units: int, arbitrator: UUID) -> None:
    currency = one.amount.currency
    # A buyer pays from its wallet; all others are payees.
    buyer = one.kind is not Kind.SPLIT and side == one.taker_id
    purse = wallet(side, currency) if buyer else payable(side, currency)
    there = await _there(tx, purse)
    move_id = tx.new_id()
    await _post(tx, arbitration_fee(move_id, one.id, taken(purse, units, there), arbitrator))
    await disputes.insert_money(
        tx, Moved(move_id, one.id, ARBITRATION_FEE, side, arbitrator, Money(units, currency), None, tx.now)
    )


async def _there(tx: Tx, purse: AccountKey) -> int:
    """What can be taken from a wallet or a payable account; nobody else takes from it until the transaction ends."""
    if purse.kind is AccountKind.WALLET:
        assert purse.organisation_id is not None
        locked = await ledger.lock_balances(tx, [purse, debt(purse.organisation_id, purse.currency)])
        return locked.available[purse]
    await account_ids(tx, [purse])
    await payouts.lock_payable(tx, [purse])
    return (await ledger.sums(tx, [purse]))[purse]


async def _post(tx: Tx, journal: Journal) -> None:
    (posted,) = await ledger.post(tx, [journal])
    if not isinstance(posted, Posted):
        raise NotMoved(str(posted))


async def _free_delivery(tx: Tx, case: Case, made: Refund | None, made_by: UUID | None) -> None:
    """A delivery that was rejected, or that silence refused, is decided with its dispute, and what waits of it is released."""
    one, source = case.dispute, case.source
    if source.kind != "order" or one.kind is Kind.SPLIT or source.order.paid_at is None:
        return
    order = source.order
    window, facts = await window_of(tx, order), await read_facts(tx, order.id)
    where = stands(tx, order, window, facts)
    if source.full or not may_say(where, [each.said for each in facts], Said.DECIDED):
        return
    decided = acceptances.Fact(
        tx.new_id(),
        order.id,
        order.buyer_id,
        order.seller_id,
        Said.DECIDED,
        said_at(facts, tx.now),
        outcome=acceptances.Outcome.REFUND if made else acceptances.Outcome.RELEASE,
        refund_id=made.id if made else None,
        organisation_id=made_by or one.claimant_id,
    )
    await accepted.insert_fact(tx, decided)
    await release_now(tx, order)
