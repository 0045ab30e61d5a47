"""Which money a dispute holds, of whom. Pure."""

from __future__ import annotations

from uuid import UUID

from settlement.accounts import AccountKind
from settlement.refunds import Paid, reversed_units, step


def holds_wanted(paid: Paid, refunded: int, amount: int, seller_id: UUID) -> list[tuple[UUID, int]]:
    """How much of each payee is held, so that `amount` of a sale can still go back: what the refund would take from it.

    The exchange's own parts and the tax are not held, as they are not paid out; what a rule splits later stands for the
    seller, who made the rule.

    shapes   each payee once, in the order of the sale; payees of nothing are left out
    units    millionths; each above nothing and at most what the payee got and has not given back, together at most `amount`
    errors   BadRefund for less than nothing, or more than is left
    """
    wanted: dict[UUID, int] = {}
    left = amount
    for account, units in step(paid, refunded, amount):
        holder = seller_id if account.kind is AccountKind.CLEARING else account.organisation_id
        if holder is None or account.kind not in (AccountKind.PENDING, AccountKind.CLEARING) or units <= 0:
            continue
        # Payees may have got a fraction of a coin more than was paid, which the exchange gave: that is not in dispute.
        part = min(units, left)
        wanted[holder] = wanted.get(holder, 0) + part
        left -= part
    return [(holder, units) for holder, units in wanted.items() if units]


def share_left(paid: Paid, refunded: int, payee_id: UUID, given: int = 0) -> int:
    """What a payee got of a sale and has not given back: the most that another payee can claim of it.

    units    `given`: what it gave of this very sale by awards, or still has to give by them
    """
    weights = [units for _, units in paid.parts]
    back = reversed_units(weights, refunded)
    kept = sum(
        units - gone
        for (account, units), gone in zip(paid.parts, back, strict=True)
        if account.organisation_id == payee_id and account.kind is AccountKind.PENDING
    )
    return max(0, kept - given)
