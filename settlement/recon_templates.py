"""What each type of the provider's balance transactions is in our books: one table, in which every type has its place.

A type without a place, and one whose place is `NOT_OURS`, stops reconciliation: nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Leg(StrEnum):
    """What a movement is a leg of."""

    PAYMENT = "payment"
    PAYMENT_BACK = "payment_back"
    REFUND = "refund"
    REFUND_BACK = "refund_back"
    DISPUTE = "dispute"
    TRANSFER = "transfer"
    TRANSFER_BACK = "transfer_back"
    SWEEP = "sweep"
    SWEEP_BACK = "sweep_back"
    RESERVE = "reserve"
    FEE = "fee"
    COVERED = "covered"
    NOT_OURS = "not_ours"


@dataclass(frozen=True, slots=True)
class Template:
    """What a type is a leg of, what its source's id begins with, and which sign its amount has (0: either).

    shapes   sources empty: whatever it comes from, or from nothing
    """

    leg: Leg
    sources: tuple[str, ...] = ()
    sign: int = 0


_OURS_NOT = Template(Leg.NOT_OURS)
# source: https://docs.stripe.com/reports/balance-transaction-types; stripe 16.1.0, BalanceTransaction.type
TEMPLATES: Mapping[str, Template] = {
    # a buyer's money
    "charge": Template(Leg.PAYMENT, ("ch_",), 1),
    "payment": Template(Leg.PAYMENT, ("py_",), 1),
    "payment_failure_refund": Template(Leg.PAYMENT_BACK, ("py_", "pyr_"), -1),
    "payment_reversal": Template(Leg.PAYMENT_BACK, ("py_", "pyr_"), -1),
    "refund": Template(Leg.REFUND, ("re_",), -1),
    "payment_refund": Template(Leg.REFUND, ("pyr_", "re_"), -1),
    "refund_failure": Template(Leg.REFUND_BACK, ("re_", "pyr_"), 1),
    "adjustment": Template(Leg.DISPUTE, ("du_", "dp_")),
    # a payee's money
    "transfer": Template(Leg.TRANSFER, ("tr_",), -1),
    "transfer_refund": Template(Leg.TRANSFER_BACK, ("trr_", "tr_"), 1),
    "transfer_cancel": Template(Leg.TRANSFER_BACK, ("tr_",), 1),
    "transfer_failure": Template(Leg.TRANSFER_BACK, ("tr_",), 1),
    "connect_collection_transfer": Template(Leg.COVERED, (), -1),
    # own money, between places of our own
    "payout": Template(Leg.SWEEP, ("po_",), -1),
    "payout_cancel": Template(Leg.SWEEP_BACK, ("po_",), 1),
    "payout_failure": Template(Leg.SWEEP_BACK, ("po_",), 1),
    "topup": Template(Leg.SWEEP, ("tu_",), 1),
    "topup_reversal": Template(Leg.SWEEP_BACK, ("tu_",), -1),
    # still ours, but not to be used
    "payout_minimum_balance_hold": Template(Leg.RESERVE),
    "payout_minimum_balance_release": Template(Leg.RESERVE),
    "reserve_hold": Template(Leg.RESERVE),
    "reserve_release": Template(Leg.RESERVE),
    "reserve_transaction": Template(Leg.RESERVE),
    "reserved_funds": Template(Leg.RESERVE),
    "payment_network_reserve_hold": Template(Leg.RESERVE),
    "payment_network_reserve_release": Template(Leg.RESERVE),
    # what the provider takes for its work
    "stripe_fee": Template(Leg.FEE),
    "stripe_fx_fee": Template(Leg.FEE),
    "tax_fee": Template(Leg.FEE),
    "fee_credit_funding": Template(Leg.FEE),
    # what an exchange like this one has nothing to do with
    "advance": _OURS_NOT,
    "advance_funding": _OURS_NOT,
    "anticipation_repayment": _OURS_NOT,
    "application_fee": _OURS_NOT,
    "application_fee_refund": _OURS_NOT,
    "climate_order_purchase": _OURS_NOT,
    "climate_order_refund": _OURS_NOT,
    "contribution": _OURS_NOT,
    "inbound_transfer": _OURS_NOT,
    "inbound_transfer_reversal": _OURS_NOT,
    "issuing_authorization_hold": _OURS_NOT,
    "issuing_authorization_release": _OURS_NOT,
    "issuing_dispute": _OURS_NOT,
    "issuing_dispute_provisional_credit": _OURS_NOT,
    "issuing_dispute_provisional_credit_reversal": _OURS_NOT,
    "issuing_transaction": _OURS_NOT,
    "obligation_outbound": _OURS_NOT,
    "obligation_reversal_inbound": _OURS_NOT,
    "payment_unreconciled": _OURS_NOT,
    "stripe_balance_payment_debit": _OURS_NOT,
    "stripe_balance_payment_debit_reversal": _OURS_NOT,
    "tax_fund": _OURS_NOT,
}


class Remedy(StrEnum):
    """How two persons may settle a movement that stopped reconciliation: what stands against the provider's balance."""

    FEES = "fees"
    RESERVE = "reserve"
    SWEEP = "sweep"
    SUSPENSE = "suspense"
    WALLET = "wallet"
    DEBT = "debt"
