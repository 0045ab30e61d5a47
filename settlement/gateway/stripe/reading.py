"""Stripe's objects and errors as our answers."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import UTC, datetime
from typing import Any, TypeVar

import httpx
import stripe

from exchange.kernel.money import Money, from_minor
from settlement.gateway.stripe.answers import (
    Account,
    BankPayout,
    Dispute,
    File,
    Payment,
    Refund,
    Refused,
    Retry,
    Reversal,
    Session,
    Transfer,
    Unknown,
)
from settlement.provider_calls import KEPT_FAULT, KEY_USED
from settlement.provider_objects import Booked

# How far Stripe's clock and ours may be apart where a look-up is cut by time.
CLOCKS_DIFFER_S = 600
_Made = TypeVar("_Made")


async def outcome(call: Awaitable[_Made]) -> _Made | Refused | Retry | Unknown:
    """The answer, or what is known after an error."""
    try:
        return await call
    except stripe.CardError as error:
        return _refused(error, error.param)
    except stripe.InvalidRequestError as error:
        return _refused(error, error.param)
    except stripe.IdempotencyError as error:
        # The key was used with other parameters: what it did then must be looked up.
        return Unknown(KEY_USED, str(error.user_message), kept=True)
    except stripe.RateLimitError as error:
        return Retry("rate_limit", str(error.user_message))
    except (stripe.AuthenticationError, stripe.PermissionError) as error:
        return Retry(type(error).__name__, str(error.user_message))
    except stripe.APIConnectionError as error:
        cause = error.__cause__
        unsent = isinstance(cause, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)
        kind = Retry if unsent else Unknown
        return kind(type(cause).__name__, str(error.user_message))
    except stripe.StripeError as error:
        # "Saves the resulting status code and body ... regardless of whether it succeeds or fails", 500 included.
        # source: https://docs.stripe.com/api/idempotent_requests
        headers = {str(name).lower(): str(value) for name, value in (error.headers or {}).items()}
        kept = headers.get("idempotent-replayed", "").lower() == "true"
        return Unknown(KEPT_FAULT if kept else f"http_{error.http_status}", str(error.user_message), kept=kept)


def _refused(error: stripe.StripeError, param: str | None) -> Refused | Unknown:
    body: Any = error.json_body
    said: dict[str, Any] = dict(body.get("error") or {}) if isinstance(body, dict) else {}
    if error.http_status == 409 or error.code == "idempotency_key_in_use":
        # Our own earlier attempt is still under way there.
        return Unknown("idempotency_key_in_use", str(error.user_message))
    intent = said.get("payment_intent") or {}
    return Refused(
        code=str(error.code or said.get("type") or "invalid_request_error"),
        message=str(error.user_message or said.get("message") or ""),
        decline_code=said.get("decline_code"),
        object_id=intent.get("id"),
        param=param,
    )


def money(minor: int, currency: str) -> Money:
    """An amount as Stripe counts it, as ours."""
    return from_minor(minor, currency.upper())


def name_of(reference: Any) -> str:
    """The id of what a field refers to, expanded or not."""
    return reference if isinstance(reference, str) else str(reference.id)


def named(owner: Any, name: str) -> str | None:
    """One of our names in an object's metadata."""
    metadata = owner.metadata.to_dict() if owner.metadata is not None else {}
    said = metadata.get(name)
    return said if isinstance(said, str) else None


def _said(owner: stripe.StripeObject, name: str) -> str | None:
    """A field that Stripe leaves out where it has nothing to say; the library raises for one that is not there."""
    value = owner.to_dict().get(name)
    return value if isinstance(value, str) else None


def payment(intent: stripe.PaymentIntent) -> Payment:
    """A payment intent."""
    step = intent.next_action
    target: str | None = None
    if step is not None and step.type == "redirect_to_url" and step.redirect_to_url is not None:
        target = step.redirect_to_url.url
    elif step is not None and step.type == "alipay_handle_redirect" and step.alipay_handle_redirect is not None:
        target = step.alipay_handle_redirect.url
    code = step.wechat_pay_display_qr_code if step is not None and step.type == "wechat_pay_display_qr_code" else None
    if code is not None:
        target = code.hosted_instructions_url
    error = intent.last_payment_error
    return Payment(
        id=intent.id,
        state=intent.status,
        amount=money(intent.amount, intent.currency),
        charge_id=name_of(intent.latest_charge) if intent.latest_charge else None,
        client_secret=intent.client_secret,
        redirect_url=target,
        payment=named(intent, "payment"),
        received=money(intent.amount_received, intent.currency),
        failure=(_said(error, "decline_code") or _said(error, "code") or "failed") if error is not None else None,
        qr_code=code.data if code is not None else None,
        booked=booked(intent.latest_charge.balance_transaction)
        if isinstance(intent.latest_charge, stripe.Charge)
        else None,
    )


def booked(entry: Any) -> Booked | None:
    """What a movement did to our balance; None where it is not there yet, or only named."""
    if not isinstance(entry, stripe.BalanceTransaction):
        return None
    rate = entry.to_dict().get("exchange_rate")
    return Booked(
        entry.id,
        money(entry.amount, entry.currency),
        money(entry.fee, entry.currency),
        None if rate is None else str(rate),
    )


def session(found: stripe.checkout.Session) -> Session:
    """A Checkout page."""
    amount = money(found.amount_total or 0, found.currency or "xxx")
    return Session(found.id, found.status or "open", amount, found.url, named(found, "payment"))


def refund(found: stripe.Refund) -> Refund:
    """A refund to whoever paid."""
    back = found.to_dict().get("failure_balance_transaction") is not None
    return Refund(
        id=found.id,
        state=found.status or "pending",
        amount=money(found.amount, found.currency),
        payment_id=name_of(found.payment_intent) if found.payment_intent else None,
        refund=named(found, "refund"),
        failure=_said(found, "failure_reason"),
        booked=booked(found.balance_transaction),
        returned=booked(found.failure_balance_transaction) if back else None,
    )


def dispute(found: stripe.Dispute) -> Dispute:
    """A dispute, with what it did to our balance."""
    moves = [one for one in map(booked, found.balance_transactions) if one is not None]
    due = found.evidence_details.due_by
    return Dispute(
        id=found.id,
        state=found.status,
        amount=money(found.amount, found.currency),
        reason=found.reason,
        payment_id=name_of(found.payment_intent) if found.payment_intent else None,
        made_at=datetime.fromtimestamp(found.created, UTC),
        due_at=datetime.fromtimestamp(due, UTC) if due else None,
        taken=tuple(one for one in moves if one.amount.units < 0),
        given=tuple(one for one in moves if one.amount.units > 0),
        answer=named(found, "answer"),
    )


def file(found: stripe.File) -> File:
    """An uploaded file."""
    return File(found.id, found.filename or "", found.size)


def reversal(found: stripe.TransferReversal) -> Reversal:
    """A part of a transfer that was taken back."""
    return Reversal(found.id, money(found.amount, found.currency), name_of(found.transfer), named(found, "recovery"))


def account(found: stripe.Account) -> Account:
    """A connected account."""
    needs = found.requirements
    active = found.capabilities is not None and found.capabilities.to_dict().get("transfers") == "active"
    return Account(
        found.id,
        active,
        bool(found.payouts_enabled),
        bool(found.details_submitted),
        named(found, "organisation"),
        _said(found, "country"),
        tuple(needs.currently_due or ()) if needs is not None else (),
        needs.disabled_reason if needs is not None else None,
    )


def transfer(found: stripe.Transfer) -> Transfer:
    """A transfer to a connected account."""
    return Transfer(
        id=found.id,
        amount=money(found.amount, found.currency),
        amount_reversed=money(found.amount_reversed, found.currency),
        destination=name_of(found.destination),
        payout=named(found, "payout"),
        reversals=tuple(map(reversal, found.reversals.data)),
        source=name_of(found.source_transaction) if found.source_transaction else None,
    )


def bank_payout(found: stripe.Payout) -> BankPayout:
    """A payout of a connected account to its bank."""
    return BankPayout(
        found.id,
        found.status,
        money(found.amount, found.currency),
        named(found, "payout"),
        _said(found, "failure_code"),
    )
