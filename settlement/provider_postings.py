"""Posting templates of what happens at the payment provider beside payments and payouts.

Each is named by an object of ours, so that whoever sees it first writes it, and whoever comes second finds it there.
"""

from __future__ import annotations

from uuid import UUID

from exchange.kernel.money import Money
from settlement.accounts import AccountKind, debt, payable, platform, wallet
from settlement.journals import Journal, Line

PROVIDER_FEE = "provider_fee"
PROVIDER_CONVERSION = "provider_conversion"
DISPUTE_WITHDRAWN = "dispute_withdrawn"
DISPUTE_REINSTATED = "dispute_reinstated"
CHARGEBACK = "chargeback"
CARD_REFUND_RETURNED = "card_refund_returned"
RECOVERY = "recovery"


def provider_fee(source_id: UUID, fee: Money) -> Journal:
    """What the provider kept for a payment, a refund or a chargeback: fees − · stripe +.

    units    above zero
    """
    lines = (
        Line(platform(AccountKind.FEES, fee.currency), -fee.units, source_id),
        Line(platform(AccountKind.STRIPE, fee.currency), fee.units, source_id),
    )
    return Journal(PROVIDER_FEE, source_id, lines)


def provider_conversion(source_id: UUID, presented: Money, settled: Money, rate: str) -> Journal:
    """The provider settled in another currency than was presented: stripe of both, through conversion.

    units    both above zero where money came in, both below zero where it went out; `rate` as the provider says it
    """
    lines = (
        Line(platform(AccountKind.STRIPE, presented.currency), presented.units, source_id),
        Line(platform(AccountKind.CONVERSION, presented.currency), -presented.units, source_id),
        Line(platform(AccountKind.CONVERSION, settled.currency), settled.units, source_id),
        Line(platform(AccountKind.STRIPE, settled.currency), -settled.units, source_id),
    )
    return Journal(PROVIDER_CONVERSION, source_id, lines, note=f"stripe exchange_rate {rate}")


def dispute_withdrawn(chargeback_id: UUID, amount: Money) -> Journal:
    """A payer's bank took its money back while it is argued about: disputed − · stripe +."""
    lines = (
        Line(platform(AccountKind.DISPUTED, amount.currency), -amount.units, chargeback_id),
        Line(platform(AccountKind.STRIPE, amount.currency), amount.units, chargeback_id),
    )
    return Journal(DISPUTE_WITHDRAWN, chargeback_id, lines)


def dispute_reinstated(chargeback_id: UUID, amount: Money) -> Journal:
    """We were believed, and the money is back: stripe − · disputed +."""
    lines = (
        Line(platform(AccountKind.STRIPE, amount.currency), -amount.units, chargeback_id),
        Line(platform(AccountKind.DISPUTED, amount.currency), amount.units, chargeback_id),
    )
    return Journal(DISPUTE_REINSTATED, chargeback_id, lines)


def chargeback(chargeback_id: UUID, organisation_id: UUID, amount: Money) -> Journal:
    """What a payer got back from its bank is taken from its wallet, where its order had put it: wallet − · disputed +."""
    lines = (
        Line(wallet(organisation_id, amount.currency), -amount.units, chargeback_id),
        Line(platform(AccountKind.DISPUTED, amount.currency), amount.units, chargeback_id),
    )
    return Journal(CHARGEBACK, chargeback_id, lines)


def card_refund_returned(refund_id: UUID, organisation_id: UUID, amount: Money) -> Journal:
    """A card's bank sent a refund back: stripe − · wallet +."""
    lines = (
        Line(platform(AccountKind.STRIPE, amount.currency), -amount.units, refund_id),
        Line(wallet(organisation_id, amount.currency), amount.units, refund_id),
    )
    return Journal(CARD_REFUND_RETURNED, refund_id, lines)


def recovery(recovery_id: UUID, organisation_id: UUID, amount: Money, owed: int) -> Journal:
    """A payee's money came back from its account at the provider: stripe − · debt +, and payable + what is owed no more.

    units    `owed` (not below zero) is the debt at this moment
    """
    to_debt = min(amount.units, owed)
    lines = (
        Line(platform(AccountKind.STRIPE, amount.currency), -amount.units, recovery_id),
        Line(debt(organisation_id, amount.currency), to_debt, recovery_id),
        Line(payable(organisation_id, amount.currency), amount.units - to_debt, recovery_id),
    )
    return Journal(RECOVERY, recovery_id, tuple(line for line in lines if line.amount))
