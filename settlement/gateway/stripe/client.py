"""The gateway to Stripe: called by worker steps and by the hook, with no transaction open.

Every call that moves money carries an idempotency key made from our id. Its answer says what is
known: done, refused, try again, or unknown. Unknown is never guessed: `settlement.provider_calls` says what follows.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

import stripe

from exchange.kernel.money import Money
from settlement.gateway.stripe import reading
from settlement.gateway.stripe.amounts import minor
from settlement.gateway.stripe.answers import (
    AccountAnswer,
    BankPayoutAnswer,
    Missing,
    PaymentAnswer,
    Refused,
    Retry,
    TransferAnswer,
    Unknown,
)
from settlement.gateway.stripe.back import Back
from settlement.gateway.stripe.keeping import Keeping
from settlement.gateway.stripe.pages import Pages
from settlement.gateway.stripe.reading import CLOCKS_DIFFER_S, outcome
from settlement.gateway.stripe.webhooks import verify
from settlement.provider_events import ProviderEvent
from settlement.settings import StripeSettings

if TYPE_CHECKING:
    from stripe import RequestOptions
    from stripe.params import (
        AccountListParams,
        EventListParams,
        PaymentIntentCreateParams,
        PayoutListParams,
        TransferCreateParams,
        TransferListParams,
    )

# What a charge did to our balance is asked for with the payment.
_BOOKED = ["latest_charge.balance_transaction"]


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
            base_addresses={"api": settings.api_base, "files": settings.api_base} if settings.api_base else None,
            # Jobs own the back-off, so that one try is one try.
            max_network_retries=0,
            http_client=self._http,
        )
        self.back = Back(self._client)
        self.pages = Pages(self._client)
        self.keeping = Keeping(self._client)

    async def aclose(self) -> None:
        """Close the connection pool."""
        await self._http.close_async()  # type: ignore[no-untyped-call]

    @property
    def settings(self) -> StripeSettings:
        """How this Stripe is reached."""
        return self._settings

    @property
    def sdk(self) -> stripe.StripeClient:
        """Stripe's own client, for the neighbours in this folder."""
        return self._client

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
        mandate: Mapping[str, str] | None = None,
    ) -> PaymentAnswer:
        """Charge `payment_method` at once; without one, prepare a payment for the browser to confirm.

        shapes   payment_method "pm_...", "alipay", "wechat_pay" (these two need return_url) or None
                 mandate: the address and the browser from which a payer agreed to a debit of its bank account
        errors   NotPayable; a declined card is Refused with its decline code and the intent's id
        """
        params: PaymentIntentCreateParams = {
            "amount": minor(amount),
            "currency": amount.currency.lower(),
            "transfer_group": transfer_group,
            "metadata": {"payment": payment_id_text},
            "expand": _BOOKED,
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
        elif payment_method is not None and mandate is not None:
            params["payment_method"] = payment_method
            params["allowed_payment_method_types"] = ["sepa_debit"]
            online = {"ip_address": mandate["ip_address"], "user_agent": mandate["user_agent"]}
            params["mandate_data"] = {"customer_acceptance": {"type": "online", "online": online}}  # type: ignore[typeddict-item]
            params["confirm"] = True
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
        made = await outcome(self._client.v1.payment_intents.create_async(params, {"idempotency_key": idempotency_key}))
        return reading.payment(made) if isinstance(made, stripe.PaymentIntent) else made

    async def fetch_payment(self, intent_id: str) -> PaymentAnswer:
        """The payment intent as it is now."""
        made = await outcome(self._client.v1.payment_intents.retrieve_async(intent_id, {"expand": _BOOKED}))
        return reading.payment(made) if isinstance(made, stripe.PaymentIntent) else made

    async def find_payment(self, payment_id_text: str, transfer_group: str) -> PaymentAnswer | Missing:
        """Look for what an unknown call made: by the group's charges (exact), then by metadata (up to a minute late)."""
        charges = await outcome(self._client.v1.charges.list_async({"transfer_group": transfer_group, "limit": 100}))
        if not isinstance(charges, stripe.ListObject):
            return charges
        ours = [c for c in charges.data if c.payment_intent and c.metadata.to_dict().get("payment") == payment_id_text]
        if ours:
            # Newest first; one that took the money wins over a declined try.
            chosen = next((c for c in ours if c.status == "succeeded"), ours[0])
            return await self.fetch_payment(reading.name_of(chosen.payment_intent))
        query = f"metadata['payment']:'{payment_id_text}'"
        found = await outcome(self._client.v1.payment_intents.search_async({"query": query, "limit": 100}))
        if not isinstance(found, stripe.SearchResultObject):
            return found
        # The index may be wrong in either direction; only what names our payment is ours.
        named = [intent for intent in found.data if reading.named(intent, "payment") == payment_id_text]
        intents = sorted(named, key=lambda intent: intent.status != "succeeded")
        return await self.fetch_payment(intents[0].id) if intents else Missing()

    async def create_account(
        self,
        organisation_text: str,
        country: str,
        email: str | None = None,
        *,
        idempotency_key: str,
        agreement: str = "recipient",
    ) -> AccountAnswer:
        """Open a connected account that can receive transfers; the platform carries losses and fees.

        shapes   agreement "recipient" or "full"; Stripe grants transfers without card payments under the first alone
        """
        wanted: dict[str, Any] = {"transfers": {"requested": True}}
        if agreement == "full":
            wanted["card_payments"] = {"requested": True}
        params: Any = {
            "country": country,
            "controller": {
                "fees": {"payer": "application"},
                "losses": {"payments": "application"},
                "requirement_collection": "stripe",
                "stripe_dashboard": {"type": "express"},
            },
            "capabilities": wanted,
            "tos_acceptance": {"service_agreement": agreement},
            # We pay each payout to the bank ourselves, one for one, so that a bank's refusal names its payout.
            "settings": {"payouts": {"schedule": {"interval": "manual"}}},
            "metadata": {"organisation": organisation_text},
            **({"email": email} if email is not None else {}),
        }
        made = await outcome(self._client.v1.accounts.create_async(params, {"idempotency_key": idempotency_key}))
        return reading.account(made) if isinstance(made, stripe.Account) else made

    async def fetch_account(self, account_id: str) -> AccountAnswer:
        """The connected account as it is now."""
        made = await outcome(self._client.v1.accounts.retrieve_async(account_id))
        return reading.account(made) if isinstance(made, stripe.Account) else made

    async def account_link(self, account_id: str, refresh_url: str, return_url: str) -> str | Refused | Retry | Unknown:
        """The address of Stripe's onboarding page; it lives a few minutes, so it is made per visit."""
        made = await outcome(
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
        self,
        payout_text: str,
        amount: Money,
        destination: str,
        transfer_group: str,
        idempotency_key: str,
        source: str | None = None,
    ) -> TransferAnswer:
        """Move money from the platform's balance to a payee's account, or the money of one charge: no earlier than it.

        shapes   source "ch_...", with the charge's own transfer_group
        errors   Refused balance_insufficient, insufficient_capabilities_for_transfer, resource_missing; NotPayable
        """
        params: TransferCreateParams = {
            "amount": minor(amount),
            "currency": amount.currency.lower(),
            "destination": destination,
            "transfer_group": transfer_group,
            "metadata": {"payout": payout_text},
        }
        if source is not None:
            params["source_transaction"] = source
        made = await outcome(self._client.v1.transfers.create_async(params, {"idempotency_key": idempotency_key}))
        return reading.transfer(made) if isinstance(made, stripe.Transfer) else made

    async def find_transfer(self, payout_text: str, transfer_group: str) -> TransferAnswer | Missing:
        """Look for what an unknown transfer call made, in its group."""
        params: TransferListParams = {"transfer_group": transfer_group, "limit": 100}
        while True:
            page = await outcome(self._client.v1.transfers.list_async(params))
            if not isinstance(page, stripe.ListObject):
                return page
            for made in page.data:
                if made.metadata.to_dict().get("payout") == payout_text:
                    return reading.transfer(made)
            if not page.has_more:
                return Missing()
            params["starting_after"] = page.data[-1].id

    async def fetch_transfer(self, transfer_id: str) -> TransferAnswer:
        """The transfer as it is now."""
        made = await outcome(self._client.v1.transfers.retrieve_async(transfer_id))
        return reading.transfer(made) if isinstance(made, stripe.Transfer) else made

    async def pay_to_bank(
        self, payout_text: str, amount: Money, account_id: str, idempotency_key: str
    ) -> BankPayoutAnswer:
        """Send money from a connected account to its bank.

        errors   Refused balance_insufficient until the money is available there; payouts_not_allowed; NotPayable
        """
        made = await outcome(
            self._client.v1.payouts.create_async(
                {
                    "amount": minor(amount),
                    "currency": amount.currency.lower(),
                    "metadata": {"payout": payout_text},
                },
                {"idempotency_key": idempotency_key, "stripe_account": account_id},
            )
        )
        return reading.bank_payout(made) if isinstance(made, stripe.Payout) else made

    async def fetch_bank_payout(self, bank_payout_id: str, account_id: str) -> BankPayoutAnswer:
        """The payout of a connected account as it is now."""
        made = await outcome(self._client.v1.payouts.retrieve_async(bank_payout_id, {}, {"stripe_account": account_id}))
        return reading.bank_payout(made) if isinstance(made, stripe.Payout) else made

    async def find_bank_payout(self, payout_text: str, account_id: str, since: datetime) -> BankPayoutAnswer | Missing:
        """Look for what an unknown call made at a connected account."""
        params: PayoutListParams = {"created": {"gte": int(since.timestamp()) - CLOCKS_DIFFER_S}, "limit": 100}
        while True:
            page = await outcome(self._client.v1.payouts.list_async(params, {"stripe_account": account_id}))
            if not isinstance(page, stripe.ListObject):
                return page
            for made in page.data:
                if reading.named(made, "payout") == payout_text:
                    return reading.bank_payout(made)
            if not page.has_more:
                return Missing()
            params["starting_after"] = page.data[-1].id

    async def find_account(self, organisation_text: str, since: datetime) -> AccountAnswer | Missing:
        """Look for the account that an unknown call opened."""
        params: AccountListParams = {"created": {"gte": int(since.timestamp()) - CLOCKS_DIFFER_S}, "limit": 100}
        while True:
            page = await outcome(self._client.v1.accounts.list_async(params))
            if not isinstance(page, stripe.ListObject):
                return page
            for made in page.data:
                if reading.named(made, "organisation") == organisation_text:
                    return reading.account(made)
            if not page.has_more:
                return Missing()
            params["starting_after"] = page.data[-1].id

    async def list_events(self, since: datetime, account_id: str | None) -> list[bytes] | Refused | Retry | Unknown:
        """What happened since a moment, of the platform or of one connected account, each event as JSON, oldest first."""
        params: EventListParams = {"created": {"gte": int(since.timestamp())}, "limit": 100}
        at: RequestOptions = {"stripe_account": account_id} if account_id else {}
        found: list[bytes] = []
        while True:
            page = await outcome(self._client.v1.events.list_async(params, at))
            if not isinstance(page, stripe.ListObject):
                return page
            found += [json.dumps(event.to_dict(for_json=True)).encode() for event in page.data]
            if not page.has_more:
                return found[::-1]
            params["starting_after"] = page.data[-1].id

    def verify_webhook(self, payload: bytes, signature: str, now: datetime, *, connect: bool = False) -> ProviderEvent:
        """Read a webhook of the platform's endpoint, or of the Connect endpoint; each has its own secrets.

        errors   BadWebhook
        """
        said = self._settings.connect_webhook_secret if connect else self._settings.webhook_secret
        return verify(payload, signature, [one.strip() for one in said.split(",")], now)
