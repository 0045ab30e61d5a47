"""A party opens a dispute on an order, a delivery, its quality, a charge for use, or a share: the money is held at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from exchange.flows.dispute_money import hold_disputed
from exchange.flows.disputing import DisputeStands, record, refuse_words
from exchange.flows.refund_order import PREFIX, lock_source
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import NOT_FOUND, Problem
from exchange.kernel.money import Money
from exchange.kernel.text import Text
from settlement.accounts import AccountKind
from settlement.dispute_holds import share_left
from settlement.dispute_problems import DISPUTE_AMOUNT, DISPUTE_EXISTS, DISPUTE_KIND
from settlement.dispute_settings import DisputeSettings
from settlement.disputes import Dispute, Kind, Move, State, due_after
from settlement.orders import OrderState
from settlement.store import dispute_stops
from settlement.store import disputes as store
from settlement.store.refunds import Source

_OF_ORDERS = frozenset({Kind.ORDER, Kind.DELIVERY, Kind.QUALITY})
_WRONG_SOURCE = Text(
    "it is of the other kind: an order where a charge is wanted, or a charge where an order is",
    "对象种类不符：应为费用而给出订单，或应为订单而给出费用",
)
_NO_PAYEE = Text("that organisation has no share of it that you could claim", "该机构不持有可供主张的份额")


@dataclass(frozen=True, slots=True)
class OpenWish:
    """What a dispute is to be about.

    shapes   source: ("order" | "charge", id); amount None: all that is left; respondent: of a split, the payee that has the
             share; words: the claim, for the other side to read
    """

    kind: Kind
    source: tuple[str, UUID]
    words: Mapping[str, str]
    amount: Money | None = None
    respondent_id: UUID | None = None


# A hundredth; what is less than that is no reason for a dispute in any currency.
COIN_UNITS = 10_000


@dataclass(frozen=True, slots=True)
class CaseWish:
    """A case that the payment provider brings: money that a card holder's bank took back, or asks about.

    shapes   case_id: the chargeback's own, so that a case is opened once and found again
    """

    source: tuple[str, UUID]
    amount: Money
    provider_ref: str
    case_id: UUID


async def open_dispute(tx: Tx, actor: Actor, wish: OpenWish, settings: DisputeSettings) -> DisputeStands | Problem:
    """Open a dispute: what is in dispute is held of everybody who would have to give it back, and the other side has to answer.

    errors   answers not-found, dispute-kind, dispute-words, dispute-amount, dispute-exists
    """
    source = await lock_source(tx, *wish.source)
    if source is None or actor.organisation_id not in _concerned(source):
        return NOT_FOUND()
    sides = _sides(source, actor.organisation_id, wish)
    if isinstance(sides, Problem):
        return sides
    problem = refuse_words(wish.words)
    if problem is not None:
        return problem
    giver, taker = sides
    split = wish.kind is Kind.SPLIT
    left = source.left
    if split:
        # A share is given once: what was awarded of it before cannot be claimed again.
        given = await dispute_stops.given_of(tx, source.id, giver)
        left = min(left, share_left(source.paid, source.refunded_units, giver, given))
    amount = Money(left, source.paid.currency) if wish.amount is None else wish.amount
    name = ids.text(PREFIX[source.kind], source.id)
    possible = source.order.state is OrderState.PAID and amount.currency == source.paid.currency
    if not possible or not _least(actor, giver, wish.kind, left) <= amount.units <= left:
        return DISPUTE_AMOUNT(source=name, left=str(Money(max(left, 0), source.paid.currency)))
    if await (store.open_split(tx, source.id, giver, taker) if split else store.open_disputes(tx, [source.id])):
        return DISPUTE_EXISTS(source=name)
    one = _dispute(tx, wish.kind, source, (giver, taker), actor.organisation_id, amount)
    one = replace(one, due_at=due_after(State.OPEN, settings, tx.now))
    return await _open(tx, actor, one, source, wish.words, left=left)


async def open_case(tx: Tx, wish: CaseWish) -> DisputeStands | Problem:
    """Open the case of a chargeback: the payees' parts are held, and the card network decides, not an arbitrator.

    Called in the transaction that books the provider's event; `close_case` ends it. A dispute that is open on the same source
    goes on and holds what it holds; then there is no case of this kind, and the caller gets its problem.

    errors   answers not-found, dispute-amount, dispute-exists
    """
    source = await lock_source(tx, *wish.source)
    if source is None:
        return NOT_FOUND()
    name = ids.text(PREFIX[source.kind], source.id)
    if wish.amount.currency != source.paid.currency or not 0 < wish.amount.units <= source.left:
        return DISPUTE_AMOUNT(source=name, left=str(Money(source.left, source.paid.currency)))
    if await store.open_disputes(tx, [source.id]) or await store.get_dispute(tx, wish.case_id):
        return DISPUTE_EXISTS(source=name)
    sides = source.order.seller_id, source.buyer_id
    one = replace(_dispute(tx, Kind.CHARGEBACK, source, sides, source.buyer_id, wish.amount), id=wish.case_id)
    return await _open(tx, None, one, source, None, left=source.left, provider_ref=wish.provider_ref)


async def _open(
    tx: Tx,
    actor: Actor | None,
    one: Dispute,
    source: Source,
    words: Mapping[str, str] | None,
    *,
    left: int,
    **more: str,
) -> DisputeStands:
    said = {
        "kind": one.kind.value,
        "source": ids.text(PREFIX[source.kind], source.id),
        "giver": ids.text("org", one.giver_id),
        "taker": ids.text("org", one.taker_id),
        "claimant": ids.text("org", one.claimant_id),
        "amount": one.amount.to_wire(),
        "left": Money(left, one.amount.currency).to_wire(),
        **more,
    }
    _, answer = await record(tx, one, Move.OPEN, actor, said, words, new=True)
    await hold_disputed(tx, one, source, one.amount.units)
    return answer


def _least(actor: Actor, giver: UUID, kind: Kind, left: int) -> int:
    """The least that can be in dispute: a coin; or all that is left where the seller itself disputes its sale.

    With a part the seller would keep the buyer from saying anything about the rest, which flows meanwhile.

    units    millionths
    """
    return left if actor.organisation_id == giver and kind is not Kind.SPLIT else max(1, min(left, COIN_UNITS))


def _concerned(source: Source) -> set[UUID]:
    """Whose business a sale is: its sides and everybody with a part of it."""
    return {source.buyer_id, source.order.seller_id, *_payees(source)}


def _payees(source: Source) -> set[UUID]:
    return {
        account.organisation_id
        for account, _ in source.paid.parts
        if account.kind is AccountKind.PENDING and account.organisation_id is not None
    }


def _sides(source: Source, claimant: UUID, wish: OpenWish) -> tuple[UUID, UUID] | Problem:
    """Who gives and who takes where the claim is right."""
    buyer, seller, name = source.buyer_id, source.order.seller_id, ids.text(PREFIX[source.kind], source.id)
    if wish.kind is Kind.SPLIT:
        payees = _payees(source)
        giver = wish.respondent_id
        if claimant not in payees | {seller}:
            return NOT_FOUND()
        if giver is None or giver == claimant or giver not in payees:
            return DISPUTE_KIND(kind=wish.kind.value, source=name, reason=_NO_PAYEE)
        return giver, claimant
    if claimant not in (buyer, seller) or buyer == seller:
        return NOT_FOUND()
    fits = source.kind == ("order" if wish.kind in _OF_ORDERS else "charge")
    if not fits or wish.kind is Kind.CHARGEBACK:
        return DISPUTE_KIND(kind=wish.kind.value, source=name, reason=_WRONG_SOURCE)
    return seller, buyer


def _dispute(tx: Tx, kind: Kind, source: Source, sides: tuple[UUID, UUID], claimant: UUID, amount: Money) -> Dispute:
    state = State.EXTERNAL if kind is Kind.CHARGEBACK else State.OPEN
    return Dispute(tx.new_id(), kind, source.kind, source.id, source.order.id, *sides, claimant, amount, state, tx.now)
