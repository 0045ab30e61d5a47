"""Accounts: who holds money of which kind, in which currency, with which bound."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

import msgspec


class AccountKind(StrEnum):
    """What an account is for; the sign convention is in the README of this package."""

    WALLET = "wallet"
    RECEIVABLE = "receivable"
    PENDING = "pending"
    PAYABLE = "payable"
    IN_TRANSIT = "in_transit"
    HELD = "held"
    ADVANCE = "advance"
    DEBT = "debt"
    STRIPE = "stripe"
    BANK = "bank"
    SUSPENSE = "suspense"
    REVENUE = "revenue"
    TAX = "tax"
    ROUNDING = "rounding"
    CONVERSION = "conversion"
    CLEARING = "clearing"
    POOL = "pool"
    CREDIT = "credit"
    FEES = "fees"
    DISPUTED = "disputed"
    RESERVE = "reserve"
    SWEEP = "sweep"
    WITHHELD = "withheld"
    INPUT_TAX = "input_tax"


# Only accounts with a floor or a ceiling keep a balance row, and only they are locked: all else is a sum of postings.
# These are the bounds of a new account; an account of these kinds may be given others (store/accounts.py, set_bounds).
# Nobody buys on credit before a limit is granted, and nobody is owed by us there.
MIN_BALANCE: dict[AccountKind, int] = {AccountKind.WALLET: 0, AccountKind.HELD: 0, AccountKind.CREDIT: 0}
MAX_BALANCE: dict[AccountKind, int] = {AccountKind.ADVANCE: 0, AccountKind.DEBT: 0, AccountKind.CREDIT: 0}
BOUNDED = frozenset({*MIN_BALANCE, *MAX_BALANCE})

OWNED = frozenset(
    {
        AccountKind.WALLET,
        AccountKind.RECEIVABLE,
        AccountKind.PENDING,
        AccountKind.PAYABLE,
        AccountKind.IN_TRANSIT,
        AccountKind.HELD,
        AccountKind.ADVANCE,
        AccountKind.DEBT,
        AccountKind.CREDIT,
    }
)


class AccountKey(msgspec.Struct, frozen=True, cache_hash=True):
    """The natural key of an account: holder (None = the exchange itself), kind, currency."""

    organisation_id: UUID | None
    kind: AccountKind
    currency: str


def wallet(organisation_id: UUID, currency: str) -> AccountKey:
    """A buyer's prepaid money; never below zero."""
    return AccountKey(organisation_id, AccountKind.WALLET, currency)


def receivable(organisation_id: UUID, currency: str) -> AccountKey:
    """What a buyer owes beyond the wallet; runs negative while it is owed."""
    return AccountKey(organisation_id, AccountKind.RECEIVABLE, currency)


def pending(organisation_id: UUID, currency: str) -> AccountKey:
    """A payee's share before settlement."""
    return AccountKey(organisation_id, AccountKind.PENDING, currency)


def payable(organisation_id: UUID, currency: str) -> AccountKey:
    """A payee's settled money, waiting for a payout."""
    return AccountKey(organisation_id, AccountKind.PAYABLE, currency)


def in_transit(organisation_id: UUID, currency: str) -> AccountKey:
    """A payee's money that is on its way out and not yet confirmed."""
    return AccountKey(organisation_id, AccountKind.IN_TRANSIT, currency)


def held(organisation_id: UUID, currency: str) -> AccountKey:
    """An organisation's money that is reserved by holds: the sum of its open ones, so never below zero."""
    return AccountKey(organisation_id, AccountKind.HELD, currency)


def advance(organisation_id: UUID, currency: str) -> AccountKey:
    """What a payee was paid ahead and still earns back; negative until then, never above zero."""
    return AccountKey(organisation_id, AccountKind.ADVANCE, currency)


def debt(organisation_id: UUID, currency: str) -> AccountKey:
    """What a payee owes the exchange after refunds; negative while it is owed, never above zero."""
    return AccountKey(organisation_id, AccountKind.DEBT, currency)


def credit(organisation_id: UUID, currency: str) -> AccountKey:
    """What a buyer owes for orders on account; negative while it is owed, never below its limit nor above zero."""
    return AccountKey(organisation_id, AccountKind.CREDIT, currency)


def platform(kind: AccountKind, currency: str) -> AccountKey:
    """An account of the exchange itself: stripe, bank, suspense, revenue, tax, rounding, conversion, clearing, pool."""
    return AccountKey(None, kind, currency)
