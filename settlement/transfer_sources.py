"""The one charge that feeds a payout: where there is one, its transfer names it and goes out with that charge's money. Pure.

A transfer that names a charge needs no balance: it can be asked for at once, and arrives when the charge is available.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from exchange.kernel.money import Money
from settlement import postings
from settlement.provider_objects import Booked

# The names of what a written request of a transfer says of its charge, and of when that is available.
SOURCE, GROUP, ARRIVES = "source_transaction", "transfer_group", "available_on"
# So many movements of an account are looked through; a payee with more of them is not fed by one charge.
LOOKED_THROUGH = 16
# Ways of paying whose money does not fail once it is there. A bank's debit can, and then the platform would have lent it.
FINAL_KINDS = frozenset({"card", "alipay", "wechat_pay"})


@dataclass(frozen=True, slots=True)
class Moved:
    """A movement on a payee's account: the journal's kind and source, and what came (above zero) or went."""

    kind: str
    source_id: UUID
    units: int


@dataclass(frozen=True, slots=True)
class Feed:
    """A payout's amount, the payment of the order that alone feeds it, and what that order brought to all its payees."""

    amount: Money
    intent: str
    payment: str
    released: Money


@dataclass(frozen=True, slots=True)
class Charge:
    """A charge as it stands at the provider.

    shapes   kind: how it was paid, as the provider names it; booked: None until it counts in our balance
    """

    id: str
    kind: str
    amount: Money
    refunded: Money
    disputed: bool
    group: str | None
    booked: Booked | None
    available_on: datetime | None


def alone_from(moved: Iterable[Moved], amount: Money) -> UUID | None:
    """The one order or charge whose share is all that a payout is made of; None where other money is in it.

    shapes   moved: what stands on the account before the payout, newest first
    """
    came: dict[tuple[str, UUID], int] = {}
    for number, one in enumerate(moved):
        if one.kind == postings.PAYOUT:
            break
        if number + 1 == LOOKED_THROUGH:
            return None
        if one.units > 0:
            came[one.kind, one.source_id] = came.get((one.kind, one.source_id), 0) + one.units
    if len(came) != 1:
        return None
    (((kind, source_id), units),) = came.items()
    return source_id if kind == postings.RELEASE and amount.units <= units else None


def tie(feed: Feed, charge: Charge) -> Mapping[str, str] | None:
    """What the transfer says of its charge; None where it goes out without one.

    All transfers of the order together stay within what the charge brought after the provider's fee, in the currency that
    it was settled in; a charge of which something went back, or that is in dispute, feeds nothing.
    """
    booked, amount = charge.booked, feed.amount
    if booked is None or charge.available_on is None or charge.kind not in FINAL_KINDS:
        return None
    if charge.disputed or charge.refunded.units or charge.group not in (None, feed.payment):
        return None
    if {charge.amount.currency, booked.amount.currency, feed.released.currency} != {amount.currency}:
        return None
    if max(amount.units, feed.released.units) > min(charge.amount.units, booked.amount.units - booked.fee.units):
        return None
    # The charge's own group: what an order brought in and what it paid out stand together at the provider.
    return {SOURCE: charge.id, GROUP: feed.payment, ARRIVES: charge.available_on.isoformat()}
