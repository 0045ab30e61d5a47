"""The gateway to Stripe: called by worker steps and by the hook, with no transaction open.

Every call that moves money carries an idempotency key made from our id. Its answer says what is
known: done, refused, try again, or unknown. Unknown is never guessed: the same key is sent again,
and once the key may have expired (24 hours) `find_payment` / `find_transfer` look first.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import httpx
import stripe

from exchange.kernel.money import Money, Rounding, from_minor, to_minor
from settlement.payments import COUNTED_OTHERWISE, THREE_DECIMALS
from settlement.settings import StripeSettings

if TYPE_CHECKING:
    from stripe.params import PaymentIntentCreateParams, TransferListParams

WEBHOOK_TOLERANCE_S = 300
# Stripe counts these otherwise than ISO 4217; nobody here sells in them, so they are refused, not converted.
# source: https://docs.stripe.com/currencies#special-cases


# --- answers -------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Refused:
    """Definitely not done. `code` is Stripe's error code; a card also has its decline code.

    The refusal is kept under the idempotency key: a later attempt (`balance_insufficient`) needs a new key.
    """

    code: str
    message: str
    decline_code: str | None = None
    object_id: str | None = None
    param: str | None = None


@dataclass(frozen=True, slots=True)
class Retry:
    """Not done and nothing wrong with the request: send it again later with the same key."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """Perhaps done. Send it again with the same key, or look it up; never with a new key before that."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Missing:
    """A look-up found nothing: Stripe has no such object, so it may be made with a new key."""


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment intent as Stripe has it now.

    shapes   state succeeded | processing | requires_action | requires_payment_method | requires_confirmation | canceled
    """

    id: str
    state: str
    amount: Money
    charge_id: str | None
    client_secret: str | None
    redirect_url: str | None


@dataclass(frozen=True, slots=True)
class Account:
    """A connected account and what it may do."""

    id: str
    transfers_active: bool
    payouts_enabled: bool
    details_submitted: bool


@dataclass(frozen=True, slots=True)
class Transfer:
    """Money moved to a connected account, and how much of it came back."""

    id: str
    amount: Money
    amount_reversed: Money
    destination: str


@dataclass(frozen=True, slots=True)
class Moved:
    """A reversal or a refund: its id and its amount."""

    id: str
    state: str
    amount: Money


PaymentAnswer = Payment | Refused | Retry | Unknown
AccountAnswer = Account | Refused | Retry | Unknown
TransferAnswer = Transfer | Refused | Retry | Unknown
MovedAnswer = Moved | Refused | Retry | Unknown


@dataclass(frozen=True, slots=True)
class StripeEvent:
    """A verified webhook. `data` is the object as it was; fetch it again where order matters."""

    id: str
    type: str
    object_id: str
    created: datetime
    data: dict[str, Any]
    account: str | None


class BadWebhook(Exception):
    """The signature, its age or the body is not Stripe's."""


class NotPayable(ValueError):
    """An amount Stripe cannot take: not rounded to the smallest coin, not above zero, or an odd currency."""


# --- the gateway ---------------------------------------------------------------------------
class _Transport(stripe.HTTPXClient):
    """The SDK's httpx client with the body as `content`; its `data=<text>` is deprecated in httpx and warns."""

    def _get_request_args_kwargs(self, method: str, url: str, headers: Any, post_data: Any) -> Any:
        args, kwargs = super()._get_request_args_kwargs(method, url, headers, post_data)
        kwargs["content"] = kwargs.pop("data", None) or None
        return [args, kwargs]


class StripeGateway:
    """Stripe behind typed answers; holds one HTTP connection pool."""

    def __init__(self, settings: StripeSettings) -> None:
        """Make the client; nothing is sent."""
        self._settings = settings
        self._http = _Transport(timeout=settings.timeout_s)
        self._client = stripe.StripeClient(
            settings.api_key,
            base_addresses={"api": settings.api_base} if settings.api_base else None,
            # Jobs own the back-off, so that one try is one try.
            max_network_retries=0,
            http_client=self._http,
        )

    async def aclose(self) -> None:
        """Close the connection pool."""
        await self._http.close_async()  # type: ignore[no-untyped-call]

    async def create_payment_intent(
        self,
        payment_id_text: str,
        amount: Money,
        customer_ref: str | None,
        payment_method: str | None,
        transfer_group: str,
        idempotency_key: str,
        *,
        return_url: str | None = None,
    ) -> PaymentAnswer:
        """Charge `payment_method` at once; without one, prepare a payment for the browser to confirm.

        shapes   payment_method "pm_...", "alipay", "wechat_pay" (these two need return_url) or None
        errors   NotPayable; a declined card is Refused with its decline code and the intent's id
        """
        params: PaymentIntentCreateParams = {
            "amount": minor(amount),
            "currency": amount.currency.lower(),
            "transfer_group": transfer_group,
            "metadata": {"payment": payment_id_text},
        }
        if customer_ref is not None:
            params["customer"] = customer_ref
        if payment_method in ("alipay", "wechat_pay"):
            wallet: Literal["alipay", "wechat_pay"] = "alipay" if payment_method == "alipay" else "wechat_pay"
            params["allowed_payment_method_types"] = [wallet]
            params["payment_method_data"] = {"type": wallet}
            params["confirm"] = True
            if wallet == "wechat_pay":
                params["payment_method_options"] = {"wechat_pay": {"client": "web"}}
        elif payment_method is not None:
            params["payment_method"] = payment_method
            params["automatic_payment_methods"] = {
                "enabled": True,
                "allow_redirects": "always" if return_url else "never",
            }
            params["confirm"] = True
        else:
            params["automatic_payment_methods"] = {"enabled": True}
        if return_url is not None and payment_method is not None:
            params["return_url"] = return_url
        made = await _outcome(
            self._client.v1.payment_intents.create_async(params, {"idempotency_key": idempotency_key})
        )
        return _payment(made) if isinstance(made, stripe.PaymentIntent) else made

    async def fetch_payment(self, intent_id: str) -> PaymentAnswer:
        """The payment intent as it is now."""
        made = await _outcome(self._client.v1.payment_intents.retrieve_async(intent_id))
        return _payment(made) if isinstance(made, stripe.PaymentIntent) else made

    async def find_payment(self, payment_id_text: str, transfer_group: str) -> PaymentAnswer | Missing:
        """Look for what an unknown call made: by the group's charges (exact), then by metadata (up to a minute late)."""
        charges = await _outcome(self._client.v1.charges.list_async({"transfer_group": transfer_group, "limit": 100}))
        if not isinstance(charges, stripe.ListObject):
            return charges
        ours = [c for c in charges.data if c.payment_intent and c.metadata.to_dict().get("payment") == payment_id_text]
        if ours:
            # Newest first; one that took the money wins over a declined try.
            chosen = next((c for c in ours if c.status == "succeeded"), ours[0])
            return await self.fetch_payment(_id(chosen.payment_intent))
        query = f"metadata['payment']:'{payment_id_text}'"
        found = await _outcome(self._client.v1.payment_intents.search_async({"query": query, "limit": 100}))
        if not isinstance(found, stripe.SearchResultObject):
            return found
        intents = sorted(found.data, key=lambda intent: intent.status != "succeeded")
        return _payment(intents[0]) if intents else Missing()

    async def refund(self, refund_text: str, intent_id: str, amount: Money, idempotency_key: str) -> MovedAnswer:
        """Give a payer money back; transfers to payees stay and are reversed on their own."""
        made = await _outcome(
            self._client.v1.refunds.create_async(
                {"payment_intent": intent_id, "amount": minor(amount), "metadata": {"refund": refund_text}},
                {"idempotency_key": idempotency_key},
            )
        )
        if not isinstance(made, stripe.Refund):
            return made
        return Moved(made.id, made.status or "pending", from_minor(made.amount, made.currency.upper()))

    async def create_customer(
        self, organisation_text: str, name: str, idempotency_key: str
    ) -> str | Refused | Retry | Unknown:
        """A customer to keep a buyer's cards under; answers its id."""
        made = await _outcome(
            self._client.v1.customers.create_async(
                {"name": name, "metadata": {"organisation": organisation_text}}, {"idempotency_key": idempotency_key}
            )
        )
        return made.id if isinstance(made, stripe.Customer) else made

    async def create_account(
        self, organisation_text: str, country: str, email: str | None = None, *, idempotency_key: str
    ) -> AccountAnswer:
        """Open a connected account that can receive transfers; the platform carries losses and fees."""
        made = await _outcome(
            self._client.v1.accounts.create_async(
                {
                    "country": country,
                    "controller": {
                        "fees": {"payer": "application"},
                        "losses": {"payments": "application"},
                        "requirement_collection": "stripe",
                        "stripe_dashboard": {"type": "express"},
                    },
                    "capabilities": {"transfers": {"requested": True}},
                    "metadata": {"organisation": organisation_text},
                    **({"email": email} if email is not None else {}),
                },
                {"idempotency_key": idempotency_key},
            )
        )
        return _account(made) if isinstance(made, stripe.Account) else made

    async def fetch_account(self, account_id: str) -> AccountAnswer:
        """The connected account as it is now."""
        made = await _outcome(self._client.v1.accounts.retrieve_async(account_id))
        return _account(made) if isinstance(made, stripe.Account) else made

    async def account_link(self, account_id: str, refresh_url: str, return_url: str) -> str | Refused | Retry | Unknown:
        """The address of Stripe's onboarding page; it lives a few minutes, so it is made per visit."""
        made = await _outcome(
            self._client.v1.account_links.create_async(
                {
                    "account": account_id,
                    "refresh_url": refresh_url,
                    "return_url": return_url,
                    "type": "account_onboarding",
                }
            )
        )
        return made.url if isinstance(made, stripe.AccountLink) else made

    async def transfer(
        self, payout_text: str, amount: Money, destination: str, transfer_group: str, idempotency_key: str
    ) -> TransferAnswer:
        """Move money from the platform's balance to a payee's account.

        errors   Refused balance_insufficient, insufficient_capabilities_for_transfer, resource_missing; NotPayable
        """
        made = await _outcome(
            self._client.v1.transfers.create_async(
                {
                    "amount": minor(amount),
                    "currency": amount.currency.lower(),
                    "destination": destination,
                    "transfer_group": transfer_group,
                    "metadata": {"payout": payout_text},
                },
                {"idempotency_key": idempotency_key},
            )
        )
        return _transfer(made) if isinstance(made, stripe.Transfer) else made

    async def reverse_transfer(
        self, reversal_text: str, transfer_id: str, amount: Money, idempotency_key: str
    ) -> MovedAnswer:
        """Bring a transfer back, in whole or in part, as far as the payee still has it.

        errors   Refused balance_insufficient: the rest is the payee's debt, netted from the next payout
        """
        made = await _outcome(
            self._client.v1.transfers.reversals.create_async(
                transfer_id,
                {"amount": minor(amount), "metadata": {"reversal": reversal_text}},
                {"idempotency_key": idempotency_key},
            )
        )
        if not isinstance(made, stripe.TransferReversal):
            return made
        return Moved(made.id, "succeeded", from_minor(made.amount, made.currency.upper()))

    async def find_transfer(self, payout_text: str, transfer_group: str) -> TransferAnswer | Missing:
        """Look for what an unknown transfer call made, in its group."""
        params: TransferListParams = {"transfer_group": transfer_group, "limit": 100}
        while True:
            page = await _outcome(self._client.v1.transfers.list_async(params))
            if not isinstance(page, stripe.ListObject):
                return page
            for made in page.data:
                if made.metadata.to_dict().get("payout") == payout_text:
                    return _transfer(made)
            if not page.has_more:
                return Missing()
            params["starting_after"] = page.data[-1].id

    def verify_webhook(self, payload: bytes, signature: str, now: datetime) -> StripeEvent:
        """Read a webhook whose signature is Stripe's and not older than five minutes.

        errors   BadWebhook
        source   https://docs.stripe.com/webhooks#verify-manually
        """
        try:
            # The age is judged by the time handed in, so the SDK's own clock is left out (tolerance None).
            stripe.WebhookSignature.verify_header(payload, signature, self._settings.webhook_secret, None)
            sent_at = int(next(p for p in signature.split(",") if p.startswith("t="))[2:])
        except (stripe.SignatureVerificationError, UnicodeDecodeError, StopIteration, ValueError) as error:
            raise BadWebhook("the signature does not match") from error
        if abs(now.timestamp() - sent_at) > WEBHOOK_TOLERANCE_S:
            raise BadWebhook("the signature is too old")
        try:
            event = json.loads(payload)
            data = event["data"]["object"]
            return StripeEvent(
                id=_name(event["id"]),
                type=_name(event["type"]),
                # Some objects, such as a balance, have no id.
                object_id=_name(data["id"]) if data.get("id") is not None else "",
                created=datetime.fromtimestamp(event["created"], UTC),
                data=data,
                account=event.get("account"),
            )
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, OSError, RecursionError) as error:
            raise BadWebhook("the body is no event") from error


def _name(value: object) -> str:
    """An id or a type as Stripe writes them; what is none fits no column of ours, such as a zero byte or half a character.

    errors   ValueError
    """
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise ValueError("no name of Stripe's")
    return value


def minor(amount: Money) -> int:
    """The amount as Stripe counts it.

    errors   NotPayable unless it was already rounded to a coin: rounding belongs to the flow, which books the rest
    """
    if amount.currency in COUNTED_OTHERWISE:
        raise NotPayable(f"{amount.currency} is counted otherwise by Stripe")
    count = to_minor(amount, Rounding.DOWN)
    if count <= 0 or from_minor(count, amount.currency) != amount:
        raise NotPayable(f"{amount} is not a positive number of smallest coins")
    if amount.currency in THREE_DECIMALS and count % 10:
        raise NotPayable(f"{amount} needs a last digit of zero at Stripe")
    return count


# Stripe promises that no id is longer than 255 characters.
_NAME = re.compile(r"[\x21-\x7e]{1,255}")
_Made = TypeVar("_Made")


async def _outcome(call: Awaitable[_Made]) -> _Made | Refused | Retry | Unknown:
    """The answer, or what is known after an error."""
    try:
        return await call
    except stripe.CardError as error:
        return _refused(error, error.param)
    except stripe.InvalidRequestError as error:
        return _refused(error, error.param)
    except stripe.IdempotencyError as error:
        # The key was used with other parameters: what it did then must be looked up.
        return Unknown("idempotency_error", str(error.user_message))
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
        return Unknown(f"http_{error.http_status}", str(error.user_message))


def _refused(error: stripe.StripeError, param: str | None) -> Refused:
    body: Any = error.json_body
    said: dict[str, Any] = dict(body.get("error") or {}) if isinstance(body, dict) else {}
    intent = said.get("payment_intent") or {}
    return Refused(
        code=str(error.code or said.get("type") or "invalid_request_error"),
        message=str(error.user_message or said.get("message") or ""),
        decline_code=said.get("decline_code"),
        object_id=intent.get("id"),
        param=param,
    )


def _id(reference: Any) -> str:
    return reference if isinstance(reference, str) else str(reference.id)


def _payment(intent: stripe.PaymentIntent) -> Payment:
    step = intent.next_action
    target: str | None = None
    if step is not None and step.type == "redirect_to_url" and step.redirect_to_url is not None:
        target = step.redirect_to_url.url
    elif step is not None and step.type == "alipay_handle_redirect" and step.alipay_handle_redirect is not None:
        target = step.alipay_handle_redirect.url
    return Payment(
        id=intent.id,
        state=intent.status,
        amount=from_minor(intent.amount, intent.currency.upper()),
        charge_id=_id(intent.latest_charge) if intent.latest_charge else None,
        client_secret=intent.client_secret,
        redirect_url=target,
    )


def _account(account: stripe.Account) -> Account:
    active = account.capabilities is not None and account.capabilities.to_dict().get("transfers") == "active"
    return Account(account.id, active, bool(account.payouts_enabled), bool(account.details_submitted))


def _transfer(transfer: stripe.Transfer) -> Transfer:
    currency = transfer.currency.upper()
    return Transfer(
        id=transfer.id,
        amount=from_minor(transfer.amount, currency),
        amount_reversed=from_minor(transfer.amount_reversed, currency),
        destination=_id(transfer.destination),
    )
