"""Posting templates: the lines of each kind of journal, in one place."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from exchange.kernel.money import Money
from settlement.accounts import (
    AccountKey,
    AccountKind,
    advance,
    credit,
    debt,
    in_transit,
    payable,
    pending,
    platform,
    receivable,
    wallet,
)
from settlement.journals import Journal, Line
from settlement.splits import Part

Credits = tuple[tuple[AccountKey, int], ...]

TOP_UP = "top_up"
BANK_CREDIT = "bank_credit"
BANK_MATCH = "bank_match"
BANK_FEE = "bank_fee"
PURCHASE = "purchase"
CHARGE = "charge"
COLLECT = "collect"
RELEASE = "release"
PAYOUT = "payout"
PAYOUT_PAID = "payout_paid"
PAYOUT_FAILED = "payout_failed"
PAYOUT_REVERSED = "payout_reversed"
SERVICE_CREDIT = "service_credit"
_OF_THE_EXCHANGE: dict[str, AccountKind] = {
    "tax": AccountKind.TAX,
    "pool": AccountKind.POOL,
    "clearing": AccountKind.CLEARING,
}
SPLIT = "split"
ADVANCE = "advance"
REFUND = "refund"
NETTING = "netting"
POOL = "pool"
GUARANTEE = "guarantee"


def part_account(part: Part) -> AccountKey:
    """Where a part of a split is credited first: an account of the exchange, or the payee's pending account."""
    currency = part.amount.currency
    if part.organisation_id is None or part.role == "tax":
        return platform(_OF_THE_EXCHANGE.get(part.role, AccountKind.REVENUE), currency)
    return pending(part.organisation_id, currency)


def part_lines(parts: Sequence[Part], tag: UUID) -> list[Line]:
    """The credit lines of a split; parts of nothing get no line."""
    return [Line(part_account(p), p.amount.units, tag) for p in parts if p.amount.units]


def top_up(payment_id: UUID, organisation_id: UUID, amount: Money) -> Journal:
    """Card money reached Stripe: the wallet grows."""
    lines = (
        Line(platform(AccountKind.STRIPE, amount.currency), -amount.units, payment_id),
        Line(wallet(organisation_id, amount.currency), amount.units, payment_id),
    )
    return Journal(TOP_UP, payment_id, lines)


def bank_credit(
    entry_id: UUID, organisation_id: UUID | None, amount: Money, lies_in: AccountKind = AccountKind.SUSPENSE
) -> Journal:
    """Money reached the bank: the wallet grows, or `lies_in` when nobody is named; less than nothing left the bank."""
    target = platform(lies_in, amount.currency) if organisation_id is None else wallet(organisation_id, amount.currency)
    lines = (
        Line(platform(AccountKind.BANK, amount.currency), -amount.units, entry_id),
        Line(target, amount.units, entry_id),
    )
    return Journal(BANK_CREDIT, entry_id, lines)


def bank_match(entry_id: UUID, organisation_id: UUID, amount: Money) -> Journal:
    """An unmatched bank entry was given to its owner: suspense -> wallet."""
    lines = (
        Line(platform(AccountKind.SUSPENSE, amount.currency), -amount.units, entry_id),
        Line(wallet(organisation_id, amount.currency), amount.units, entry_id),
    )
    return Journal(BANK_MATCH, entry_id, lines)


def bank_fee(entry_id: UUID, amount: Money) -> Journal:
    """What left the bank and waits in suspense is the bank's fee: fees -> suspense.

    units    `amount` is what left, above zero
    """
    lines = (
        Line(platform(AccountKind.FEES, amount.currency), -amount.units, entry_id),
        Line(platform(AccountKind.SUSPENSE, amount.currency), amount.units, entry_id),
    )
    return Journal(BANK_FEE, entry_id, lines)


def credits_of(parts: Sequence[Part]) -> Credits:
    """Where each part of a split is credited and how much, worked out once for all sales of one price.

    units    millionths; parts of nothing get no line
    """
    return tuple((part_account(part), part.amount.units) for part in parts if part.amount.units)


def wallet_purchase(order_id: UUID, buyer_id: UUID, price: Money, to: Credits) -> Journal:
    """An order paid from the wallet: wallet -> every payee's pending, revenue and tax."""
    first = Line(wallet(buyer_id, price.currency), -price.units, order_id)
    return Journal(PURCHASE, order_id, (first, *[Line(account, units, order_id) for account, units in to]))


def credit_purchase(order_id: UUID, buyer_id: UUID, price: Money, to: Credits) -> Journal:
    """An order on account: what the buyer owes on credit -> every payee's pending, revenue and tax."""
    first = Line(credit(buyer_id, price.currency), -price.units, order_id)
    return Journal(PURCHASE, order_id, (first, *[Line(account, units, order_id) for account, units in to]))


def collect_credit(collection_id: UUID, order_id: UUID, buyer_id: UUID, amount: Money) -> Journal:
    """A debt for an order on account is paid from the wallet."""
    lines = (
        Line(wallet(buyer_id, amount.currency), -amount.units, order_id),
        Line(credit(buyer_id, amount.currency), amount.units, order_id),
    )
    return Journal(COLLECT, collection_id, lines)


def card_purchase(order_id: UUID, charged: Money, parts: Sequence[Part]) -> Journal:
    """An order paid by card: Stripe -> every payee's pending, revenue and tax.

    units    `charged` is what the card was charged; the fraction of a coin that it is less than the parts is the exchange's
    """
    short = charged.units - sum(part.amount.units for part in parts)
    lines = [
        Line(platform(AccountKind.STRIPE, charged.currency), -charged.units, order_id),
        *part_lines(parts, order_id),
        *([Line(platform(AccountKind.ROUNDING, charged.currency), short, order_id)] if short else []),
    ]
    return Journal(PURCHASE, order_id, tuple(lines))


def charge(charge_id: UUID, buyer_id: UUID, from_wallet: int, amount: Money, parts: Sequence[Part]) -> Journal:
    """Metered use: from the wallet as far as it goes, the rest is owed, shares wait in pending, tax stands on its account.

    units    `amount` is all that the buyer pays, the sum of `parts`; `from_wallet` between 0 and the amount;
             a negative amount is a correction and goes back into the wallet as a whole
    """
    debits = [
        Line(wallet(buyer_id, amount.currency), -from_wallet, charge_id),
        Line(receivable(buyer_id, amount.currency), from_wallet - amount.units, charge_id),
    ]
    lines = [line for line in debits if line.amount]
    return Journal(CHARGE, charge_id, (*lines, *part_lines(parts, charge_id)))


def collect(collection_id: UUID, charge_id: UUID, buyer_id: UUID, amount: Money) -> Journal:
    """A buyer's debt is paid from the wallet."""
    lines = (
        Line(wallet(buyer_id, amount.currency), -amount.units, charge_id),
        Line(receivable(buyer_id, amount.currency), amount.units, charge_id),
    )
    return Journal(COLLECT, collection_id, lines)


def release(source_id: UUID, shares: Sequence[tuple[UUID, Money]]) -> Journal:
    """The shares of one order or charge become payable; an order is released once, ever."""
    lines: list[Line] = []
    for organisation_id, amount in shares:
        if amount.units:
            lines.append(Line(pending(organisation_id, amount.currency), -amount.units, source_id))
            lines.append(Line(payable(organisation_id, amount.currency), amount.units, source_id))
    return Journal(RELEASE, source_id, tuple(lines))


def payout(payout_id: UUID, organisation_id: UUID, amount: Money) -> Journal:
    """A payout was ordered: the money leaves payable and is in transit."""
    lines = (
        Line(payable(organisation_id, amount.currency), -amount.units, payout_id),
        Line(in_transit(organisation_id, amount.currency), amount.units, payout_id),
    )
    return Journal(PAYOUT, payout_id, lines)


def payout_paid(payout_id: UUID, organisation_id: UUID, amount: Money, rail: AccountKind) -> Journal:
    """The rail (stripe or bank) confirmed a payout: the money is no longer held."""
    lines = (
        Line(in_transit(organisation_id, amount.currency), -amount.units, payout_id),
        Line(platform(rail, amount.currency), amount.units, payout_id),
    )
    return Journal(PAYOUT_PAID, payout_id, lines)


def payout_failed(payout_id: UUID, organisation_id: UUID, amount: Money) -> Journal:
    """The rail refused a payout: the money is payable again."""
    lines = (
        Line(in_transit(organisation_id, amount.currency), -amount.units, payout_id),
        Line(payable(organisation_id, amount.currency), amount.units, payout_id),
    )
    return Journal(PAYOUT_FAILED, payout_id, lines)


def payout_reversed(payout_id: UUID, organisation_id: UUID, amount: Money, rail: AccountKind) -> Journal:
    """Money that had left came back from the rail (stripe or bank): it is payable again."""
    lines = (
        Line(platform(rail, amount.currency), -amount.units, payout_id),
        Line(payable(organisation_id, amount.currency), amount.units, payout_id),
    )
    return Journal(PAYOUT_REVERSED, payout_id, lines)


def service_credit(
    credit_id: UUID, seller_id: UUID, buyer_id: UUID, grant_id: UUID, amount: Money, owed: int = 0
) -> Journal:
    """A seller did not keep what it promised: payable -> the buyer's wallet, tagged with the grant.

    units    `owed` of the amount is more than is payable now: it becomes the seller's debt, which waiting shares cover
    """
    lines = (
        Line(payable(seller_id, amount.currency), owed - amount.units, grant_id),
        Line(debt(seller_id, amount.currency), -owed, grant_id),
        Line(wallet(buyer_id, amount.currency), amount.units, grant_id),
    )
    return Journal(SERVICE_CREDIT, credit_id, tuple(line for line in lines if line.amount))


def refund(
    refund_id: UUID, source_id: UUID, taken: Sequence[tuple[AccountKey, int]], to: Sequence[tuple[AccountKey, int]]
) -> Journal:
    """Money goes back: what everybody gives of one order or charge -> the buyer's wallet, tagged with what it came from.

    shapes   taken: `refunds.taken_from`; to: the buyer's accounts and what each gets; both above zero, of one sum
    """
    given = [Line(account, -units, source_id) for account, units in taken]
    return Journal(REFUND, refund_id, (*given, *[Line(account, units, source_id) for account, units in to if units]))


def netting(payout_id: UUID, organisation_id: UUID, amount: Money) -> Journal:
    """A payee's debt from refunds is taken off what it is about to be paid: payable -> debt."""
    lines = (
        Line(payable(organisation_id, amount.currency), -amount.units, payout_id),
        Line(debt(organisation_id, amount.currency), amount.units, payout_id),
    )
    return Journal(NETTING, payout_id, lines)


def split_by_rule(
    run_id: UUID, waited: Sequence[tuple[UUID, Money]], given: Sequence[tuple[AccountKey, int]]
) -> Journal:
    """What waited for a rule goes to its payees: clearing of each order or charge -> pending, revenue, pool, advances.

    What is taken is tagged with its order or charge, what is given with the run, whose facts name rule, step and period.

    shapes   waited: (order or charge, what it brought); given: by account, both without nothings, of one sum
    """
    lines = [Line(platform(AccountKind.CLEARING, money.currency), -money.units, tag) for tag, money in waited]
    return Journal(SPLIT, run_id, (*lines, *[Line(account, units, run_id) for account, units in given]))


def pay_advance(advance_id: UUID, organisation_id: UUID, amount: Money) -> Journal:
    """A payee is paid ahead of what it will earn: advance -> payable."""
    lines = (
        Line(advance(organisation_id, amount.currency), -amount.units, advance_id),
        Line(payable(organisation_id, amount.currency), amount.units, advance_id),
    )
    return Journal(ADVANCE, advance_id, lines)


def give_pool(distribution_id: UUID, currency: str, given: Sequence[tuple[UUID, int]]) -> Journal:
    """The incentive pool of a month goes to suppliers: pool -> payable of each."""
    total = sum(units for _, units in given)
    first = Line(platform(AccountKind.POOL, currency), -total, distribution_id)
    return Journal(
        POOL, distribution_id, (first, *[Line(payable(o, currency), n, distribution_id) for o, n in given if n])
    )


def guarantee(guarantee_id: UUID, taken: Sequence[tuple[AccountKey, int]], to: tuple[AccountKey, int]) -> Journal:
    """A guarantor pays what a month was short of, or gets it back: whoever gives -> who receives.

    shapes   taken: `refunds.taken_from`; both above zero, of one sum
    """
    lines = [Line(account, -units, guarantee_id) for account, units in taken]
    return Journal(GUARANTEE, guarantee_id, (*lines, Line(*to, guarantee_id)))
