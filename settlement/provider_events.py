"""Events of the payment provider: what each kind is about, and what an event itself says of its object.

An event is a hint that something changed. What follows is decided from the object as it stands, so that an event that is
late, doubled, out of order or lost changes nothing. A kind that has no place here is put before a person.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from exchange.kernel.money import Money, from_minor
from settlement.open_items import ItemKind
from settlement.provider_objects import Account, BankPayout, Payment, Seen, Session, Transfer


@dataclass(frozen=True, slots=True)
class ProviderEvent:
    """An event with the very bytes that came; `account` is the connected account that it happened at."""

    id: str
    type: str
    object_id: str
    payload: bytes
    created: datetime | None = None
    account: str | None = None
    livemode: bool | None = None
    api_version: str | None = None


class About(StrEnum):
    """What an event is about."""

    PAYMENT = "payment"
    CHARGE = "charge"
    SESSION = "session"
    SETUP = "setup"
    REFUND = "refund"
    DISPUTE = "dispute"
    TRANSFER = "transfer"
    BANK_PAYOUT = "bank_payout"
    ACCOUNT = "account"
    PART_OF_ACCOUNT = "part_of_account"
    ITEM = "item"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Place:
    """What an event is about, and what it opens where it is for a person."""

    about: About
    item: ItemKind | None = None


# By the longest beginning of a type. What is no news for the books is named here as well: nothing is ignored unnamed.
# source: https://docs.stripe.com/api/events/types
_PLATFORM: Mapping[str, Place] = {
    "payment_intent.": Place(About.PAYMENT),
    "charge.": Place(About.CHARGE),
    "charge.refund.": Place(About.REFUND),
    "refund.": Place(About.REFUND),
    "charge.dispute.": Place(About.DISPUTE),
    "checkout.session.": Place(About.SESSION),
    "setup_intent.": Place(About.SETUP),
    "transfer.": Place(About.TRANSFER),
    "payout.": Place(About.ITEM, ItemKind.OWN_MONEY),
    "topup.": Place(About.ITEM, ItemKind.OWN_MONEY),
    "application_fee.": Place(About.ITEM, ItemKind.OWN_MONEY),
    "radar.early_fraud_warning.": Place(About.ITEM, ItemKind.FRAUD_WARNING),
    "review.": Place(About.ITEM, ItemKind.FRAUD_WARNING),
    **dict.fromkeys(
        (
            "balance.available",
            "customer.",
            "file.",
            "mandate.",
            "payment_method.",
        ),
        Place(About.NOTHING),
    ),
}
# What happens at a connected account is its owner's, but for whether it can be paid and what became of what we sent there.
_CONNECTED: Mapping[str, Place] = {
    "": Place(About.NOTHING),
    "account.updated": Place(About.ACCOUNT),
    "account.application.deauthorized": Place(About.ITEM, ItemKind.ACCOUNT_LOST),
    "capability.updated": Place(About.PART_OF_ACCOUNT),
    "payout.": Place(About.BANK_PAYOUT),
}
_UNKNOWN = Place(About.ITEM, ItemKind.EVENT_UNKNOWN)


def place_of(type_: str, account: str | None) -> Place:
    """What an event of this type is about."""
    # An account's own news come with its id, but were once sent without.
    table = _CONNECTED if account is not None or type_.startswith("account.") else _PLATFORM
    fitting = [beginning for beginning in table if type_.startswith(beginning)]
    return table[max(fitting, key=len)] if fitting else _UNKNOWN


def object_of(about: About, object_id: str, said: Mapping[str, Any]) -> str | None:
    """The id of what has to be looked at, from an event and its object; None where it names nothing to look at."""
    if about is About.CHARGE:
        return _id(said.get("payment_intent"))
    if about is About.PART_OF_ACCOUNT:
        return _id(said.get("account"))
    return object_id or None


def said_of(about: About, type_: str, said: Mapping[str, Any]) -> Seen | None:
    """The object as the event itself says it was: all there is where the provider cannot be asked."""
    currency = str(said.get("currency", "")).upper()
    metadata = said.get("metadata") or {}

    def amount(name: str) -> Money | None:
        value = said.get(name)
        return from_minor(value, currency) if isinstance(value, int) and currency else None

    object_id = str(said.get("id", ""))
    if about is About.PAYMENT:
        error = said.get("last_payment_error") or {}
        words = {"payment_intent.payment_failed": "requires_payment_method"}
        state = said.get("status") or words.get(type_, type_.partition(".")[2])
        received = amount("amount_received")
        whole = amount("amount") or received
        failure = error.get("decline_code") or error.get("code")
        return (
            Payment(object_id, state, whole, None, None, None, metadata.get("payment"), received, failure)
            if whole
            else None
        )
    if about is About.TRANSFER:
        whole, back = amount("amount"), amount("amount_reversed")
        if whole is None:
            return None
        return Transfer(
            object_id, whole, back or Money.zero(currency), _id(said.get("destination")) or "", metadata.get("payout")
        )
    if about is About.SESSION:
        whole = amount("amount_total")
        state, url = str(said.get("status") or ""), said.get("url")
        return Session(object_id, state, whole, url, metadata.get("payment")) if whole else None
    if about is About.BANK_PAYOUT:
        whole = amount("amount")
        state = str(said.get("status") or type_.partition(".")[2])
        return BankPayout(object_id, state, whole, metadata.get("payout"), said.get("failure_code")) if whole else None
    if about is About.ACCOUNT:
        active = (said.get("capabilities") or {}).get("transfers") == "active"
        enabled, submitted = bool(said.get("payouts_enabled")), bool(said.get("details_submitted"))
        return Account(object_id, active, enabled, submitted, metadata.get("organisation"), said.get("country"))
    return None


def item_of(place: Place, type_: str, object_id: str, said: Mapping[str, Any]) -> tuple[ItemKind, str, dict[str, str]]:
    """What a person is shown of an event that no rule books: its kind, what it is about, and the facts of it."""
    kind = place.item or ItemKind.EVENT_UNKNOWN
    if kind is ItemKind.EVENT_UNKNOWN:
        return kind, type_, {"type": type_, "object": object_id}
    subject = object_id
    facts = {"type": type_, "object": object_id}
    for name in _FACTS:
        value = said.get(name)
        if isinstance(value, str | int) and not isinstance(value, bool):
            facts[name] = str(value)[:200]
    return kind, subject, facts


# Ids, states and numbers; never words about a person.
_FACTS = (
    "status", "reason", "amount", "amount_refunded", "amount_reversed", "currency", "charge", "payment_intent", "failure_code",
    "failure_reason", "destination",
)  # fmt: skip


def _id(reference: Any) -> str | None:
    if isinstance(reference, Mapping):
        reference = reference.get("id")
    return reference if isinstance(reference, str) and reference else None
