"""Reconciliation: each movement on the provider's balance is matched with a journal of ours, makes one, or stops. Pure.

Journals are named by our own objects, so it does not matter who comes first, the provider's event or this: the one posts,
the other finds it posted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from exchange.kernel.money import Money
from settlement import postings
from settlement import provider_postings as theirs
from settlement import recon_postings as lines
from settlement.accounts import AccountKind, debt, platform, wallet
from settlement.holds import HOLD_END
from settlement.journals import Journal
from settlement.payments import COUNTED_OTHERWISE, Payment
from settlement.recon_templates import TEMPLATES, Leg, Remedy

PROVIDER = "stripe"
PLATFORM = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where movements are in one order: a provider's account (ours has no name) and a currency."""

    provider: str
    account: str
    currency: str


@dataclass(frozen=True, slots=True)
class Item:
    """A movement on the provider's balance as the provider tells it.

    shapes   about: what its source says of itself: ids, states and our own names in its metadata
    units    net = amount - fee; above zero where there is more than before
    """

    id: str
    type: str
    category: str
    amount: Money
    fee: Money
    net: Money
    source: str
    created_at: datetime
    available_on: datetime
    about: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Booked:
    """A journal that exists: what it changed on our accounts for this provider, by currency."""

    id: UUID
    moved: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Known:
    """What we know of a movement: our own objects, their journals, which journals other movements are matched with.

    `looked`: the object was looked at and has had its effect, so nothing more will come of it.

    shapes   sources: payouts, refunds, recoveries and chargebacks that it may belong to; payee: whose account it is about
    """

    payment: Payment | None = None
    payee: UUID | None = None
    sources: tuple[UUID, ...] = ()
    booked: Mapping[tuple[str, UUID], Booked] = field(default_factory=dict)
    taken: frozenset[UUID] = frozenset()
    looked: bool = False


@dataclass(frozen=True, slots=True)
class Match:
    """Our books have it: these journals are what moved."""

    journals: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class Book:
    """These journals are missing; `matched` are there already. A journal that is written meanwhile is found by its name."""

    journals: tuple[Journal, ...]
    matched: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class Look:
    """Our own object has not had its effect yet: it has to be looked at, as after an event.

    shapes   what: payment (of `object_id`, a payment intent), transfer, refund, dispute; payment: ours, as it is named there
    """

    what: str
    object_id: str
    payment: str | None = None


@dataclass(frozen=True, slots=True)
class Stop:
    """Nothing is booked from here on, until two persons have said what it is. `reason` is a word, `said` the facts."""

    reason: str
    said: str = ""


Decision = Match | Book | Look | Stop


def decide(item: Item, known: Known) -> Decision:
    """What a movement is in our books.

    errors   a type without a place, a source or a sign that its type does not have, an amount that our books do not have:
             Stop
    """
    template = TEMPLATES.get(item.type)
    if template is None:
        return Stop("type-unknown", item.type)
    if template.leg is Leg.NOT_OURS:
        return Stop("type-not-ours", item.type)
    if item.amount.currency in COUNTED_OTHERWISE:
        return Stop("currency-counted-otherwise", item.amount.currency)
    if item.net != item.amount - item.fee:
        return Stop("net-differs", f"{item.amount} less {item.fee} is not {item.net}")
    if template.sources and not item.source.startswith(template.sources):
        return Stop("source-unknown", item.source)
    if template.sign * item.amount.units < 0:
        return Stop("sign-differs", str(item.amount))
    return _LEGS[template.leg](item, known)


def resolution(item: Item, remedy: Remedy, organisation_id: UUID | None) -> Journal | None:
    """The journal of what two persons decided; None where nothing moved.

    shapes   organisation_id: whose wallet or debt it is; None for accounts of the exchange itself
    """
    if not item.net.units:
        return None
    currency = item.net.currency
    if remedy is Remedy.WALLET or remedy is Remedy.DEBT:
        assert organisation_id is not None, "the flow asks whose it is"
        against = (wallet if remedy is Remedy.WALLET else debt)(organisation_id, currency)
    else:
        against = platform(AccountKind(remedy.value), currency)
    return lines.moved(lines.RESOLVED, lines.named(item.id), item.net, against, item.created_at)


# --- legs ----------------------------------------------------------------------------------
def _payment(item: Item, known: Known) -> Decision:
    paid = known.payment
    if paid is None:
        return Stop("object-unknown", item.source)
    names = [(postings.TOP_UP, paid.id), *([(postings.PURCHASE, paid.order_id)] if paid.order_id else [])]
    there = next((known.booked[name] for name in names if name in known.booked and _touches(known.booked[name])), None)
    if there is None:
        return _look_at(item, known, "payment", item.about.get("payment_intent", ""))
    if there.id in known.taken:
        return Stop("matched-twice", item.source)
    abroad = paid.amount.currency != item.amount.currency
    wanted = paid.amount if abroad else item.amount
    if there.moved != {wanted.currency: -wanted.units}:
        return Stop("amount-differs", f"{item.amount} there, {_said(there)} here")
    rate = item.about.get("exchange_rate", "unsaid")
    more = [_at(item, theirs.provider_conversion(paid.id, wanted, item.amount, rate))] if abroad else []
    return _with_fee(item, known, paid.id, there.id, more=more)


def _payment_back(item: Item, known: Known) -> Decision:
    """A debit that the payer's bank took back where nobody spoke of a dispute: a person decides who bears it."""
    return _moved(item, known, lines.TAKEN_BACK, lines.named(item.source), AccountKind.SUSPENSE)


def _refund(item: Item, known: Known) -> Decision:
    return _found(item, known, (HOLD_END,), "refund")


def _refund_back(item: Item, known: Known) -> Decision:
    return _found(item, known, (theirs.CARD_REFUND_RETURNED,), "refund", back=True)


def _dispute(item: Item, known: Known) -> Decision:
    back = item.amount.units > 0
    return _found(item, known, (theirs.DISPUTE_REINSTATED if back else theirs.DISPUTE_WITHDRAWN,), "dispute", back=back)


def _transfer(item: Item, known: Known) -> Decision:
    return _found(item, known, (postings.PAYOUT_PAID,), "transfer")


def _transfer_back(item: Item, known: Known) -> Decision:
    return _found(item, known, (postings.PAYOUT_REVERSED, theirs.RECOVERY), "transfer")


def _sweep(item: Item, known: Known) -> Decision:
    return _moved(item, known, lines.SWEEP, lines.named(item.source), AccountKind.SWEEP)


def _sweep_back(item: Item, known: Known) -> Decision:
    return _moved(item, known, lines.SWEEP_BACK, lines.named(item.source), AccountKind.SWEEP)


def _reserve(item: Item, known: Known) -> Decision:
    return _moved(item, known, lines.RESERVE, lines.named(item.id), AccountKind.RESERVE)


def _fee(item: Item, known: Known) -> Decision:
    return _posted(item, known, _at(item, theirs.provider_fee(lines.named(item.id), -item.net)))


def _covered(item: Item, known: Known) -> Decision:
    if known.payee is None:
        return Stop("object-unknown", item.source)
    return _posted(item, known, lines.covered(lines.named(item.id), known.payee, item.net, item.created_at))


_LEGS: Mapping[Leg, Callable[[Item, Known], Decision]] = {
    Leg.PAYMENT: _payment,
    Leg.PAYMENT_BACK: _payment_back,
    Leg.REFUND: _refund,
    Leg.REFUND_BACK: _refund_back,
    Leg.DISPUTE: _dispute,
    Leg.TRANSFER: _transfer,
    Leg.TRANSFER_BACK: _transfer_back,
    Leg.SWEEP: _sweep,
    Leg.SWEEP_BACK: _sweep_back,
    Leg.RESERVE: _reserve,
    Leg.FEE: _fee,
    Leg.COVERED: _covered,
}


# --- shared --------------------------------------------------------------------------------
def names_of(item: Item, known: Known) -> list[tuple[str, UUID]]:
    """Every journal that a movement could be matched with, so that all are read at once."""
    paid = known.payment
    found = [(kind, source) for source in known.sources for kind in _BY_FLOWS]
    if paid is not None:
        found += [(kind, paid.id) for kind in (postings.TOP_UP, theirs.PROVIDER_FEE, theirs.PROVIDER_CONVERSION)]
        found += [(postings.PURCHASE, paid.order_id)] if paid.order_id else []
    found += [(kind, lines.named(item.source)) for kind in (lines.TAKEN_BACK, lines.SWEEP, lines.SWEEP_BACK)]
    own = (lines.RESERVE, lines.COVERED, theirs.PROVIDER_FEE, lines.RESOLVED)
    return [*found, *((kind, lines.named(item.id)) for kind in own)]


# What flows of ours book of objects that the provider moves money for.
_BY_FLOWS = (
    HOLD_END,
    theirs.CARD_REFUND_RETURNED,
    theirs.DISPUTE_WITHDRAWN,
    theirs.DISPUTE_REINSTATED,
    postings.PAYOUT_PAID,
    postings.PAYOUT_REVERSED,
    theirs.RECOVERY,
    theirs.PROVIDER_FEE,
    theirs.PROVIDER_CONVERSION,
)


def _moved(item: Item, known: Known, kind: str, source_id: UUID, against: AccountKind) -> Decision:
    """A movement against one of our own accounts, with the fee that came with it."""
    journal = lines.moved(kind, source_id, item.amount, platform(against, item.amount.currency), item.created_at)
    there = known.booked.get(journal.key)
    if there is None:
        return Book((journal, *_fees(item, lines.named(item.id))))
    if there.id in known.taken:
        return Stop("matched-twice", item.source)
    if there.moved != {item.amount.currency: -item.amount.units}:
        return Stop("amount-differs", f"{item.amount} there, {_said(there)} here")
    return _with_fee(item, known, lines.named(item.id), there.id)


def _posted(item: Item, known: Known, journal: Journal) -> Decision:
    """A movement that is one journal of its own."""
    there = known.booked.get(journal.key)
    if there is None:
        return Book((journal,)) if item.net.units else Match(())
    if there.moved != {item.net.currency: -item.net.units}:
        return Stop("amount-differs", f"{item.net} there, {_said(there)} here")
    return Match((there.id,))


def _found(item: Item, known: Known, kinds: tuple[str, ...], what: str, *, back: bool = False) -> Decision:
    """A movement that a flow of ours has booked, or will have once its object is looked at.

    shapes   back: what came back is named apart from what went, as the last of its sources
    """
    names = [(kind, source) for source in known.sources for kind in kinds if (kind, source) in known.booked]
    free = [name for name in names if known.booked[name].id not in known.taken]
    for name in free:
        one, fee_of = known.booked[name], known.sources[-1] if back else name[1]
        if one.moved == {item.amount.currency: -item.amount.units}:
            return _with_fee(item, known, fee_of, one.id)
        # Where the provider settles in another currency, the way there is a journal of its own.
        over = known.booked.get((theirs.PROVIDER_CONVERSION, fee_of))
        if (
            over is not None
            and over.id not in known.taken
            and _summed(one, over) == {item.amount.currency: -item.amount.units}
        ):
            return _with_fee(item, known, fee_of, one.id, over.id)
    if free:
        return Stop("amount-differs", f"{item.amount} there, {_said(known.booked[free[0]])} here")
    return _look_at(item, known, what, item.about.get(what) or item.source)


def _fees(item: Item, fee_of: UUID) -> list[Journal]:
    return [_at(item, theirs.provider_fee(fee_of, item.fee))] if item.fee.units else []


def _with_fee(
    item: Item, known: Known, fee_of: UUID, matched: UUID, over: UUID | None = None, more: Sequence[Journal] = ()
) -> Decision:
    wanted = [*more, *_fees(item, fee_of)]
    missing: list[Journal] = []
    there = [matched, *([over] if over is not None else [])]
    for journal in wanted:
        booked = known.booked.get(journal.key)
        if booked is None:
            missing.append(journal)
        elif booked.moved != moves(journal):
            return Stop("amount-differs", f"{journal.kind} of {item.fee} there, {_said(booked)} here")
        else:
            there.append(booked.id)
    return Book(tuple(missing), tuple(there)) if missing else Match(tuple(there))


def _at(item: Item, journal: Journal) -> Journal:
    """It counts when the provider says that it happened."""
    return replace(journal, effective_at=item.created_at)


def _look_at(item: Item, known: Known, what: str, object_id: str) -> Decision:
    if known.looked or not object_id:
        return Stop("not-booked", object_id or item.source)
    return Look(what, object_id, item.about.get("payment"))


def moves(journal: Journal) -> dict[str, int]:
    """What a journal changes on the account of the provider, by currency, without nothings."""
    found: dict[str, int] = {}
    for account, amount, _ in journal.lines:
        if account.kind is AccountKind.STRIPE:
            found[account.currency] = found.get(account.currency, 0) + amount
    return {currency: units for currency, units in found.items() if units}


def _summed(*several: Booked) -> dict[str, int]:
    found: dict[str, int] = {}
    for one in several:
        for currency, units in one.moved.items():
            found[currency] = found.get(currency, 0) + units
    return {currency: units for currency, units in found.items() if units}


def _touches(booked: Booked) -> bool:
    return bool(booked.moved)


def _said(booked: Booked) -> str:
    return ", ".join(str(Money(-units, currency)) for currency, units in booked.moved.items()) or "nothing"
