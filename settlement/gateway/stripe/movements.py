"""What lies on our balance at Stripe, and every movement on it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import stripe

from exchange.kernel.money import Money
from settlement.gateway.stripe import reading
from settlement.gateway.stripe.answers import Refused, Retry, Unknown
from settlement.gateway.stripe.client import StripeGateway
from settlement.gateway.stripe.reading import outcome
from settlement.recon import Item

if TYPE_CHECKING:
    from stripe.params import BalanceTransactionListParams

# Ids and states of what a movement comes from, and our own names in its metadata; never a word about a person.
_FIELDS = ("charge", "payment_intent", "transfer", "dispute", "status", "destination", "source_transfer")
_NAMES = ("payment", "payout", "refund", "recovery", "reversal", "organisation")


async def balance(gateway: StripeGateway) -> dict[str, Money] | Refused | Retry | Unknown:
    """What we have at Stripe in each currency: what can be sent and what is pending, together."""
    made = await outcome(gateway.sdk.v1.balance.retrieve_async())
    if not isinstance(made, stripe.Balance):
        return made
    found: dict[str, Money] = {}
    parts = [(one.amount, one.currency) for one in made.available]
    for amount, currency in [*parts, *((one.amount, one.currency) for one in made.pending)]:
        money = reading.money(amount, currency)
        found[money.currency] = found.get(money.currency, Money.zero(money.currency)) + money
    return found


async def movements(
    gateway: StripeGateway, currency: str, since: datetime | None
) -> AsyncIterator[list[Item] | Refused | Retry | Unknown]:
    """The movements of a currency since a moment of Stripe's clock, page by page, newest first; an error is the last page."""
    params: BalanceTransactionListParams = {"currency": currency.lower(), "limit": 100, "expand": ["data.source"]}
    if since is not None:
        params["created"] = {"gte": int(since.timestamp())}
    while True:
        page = await outcome(gateway.sdk.v1.balance_transactions.list_async(params))
        if not isinstance(page, stripe.ListObject):
            yield page
            return
        yield [_item(one) for one in page.data]
        if not page.has_more:
            return
        params["starting_after"] = page.data[-1].id


def _item(one: stripe.BalanceTransaction) -> Item:
    said: Mapping[str, Any] = one.to_dict(for_json=True)
    source = said.get("source")
    about: dict[str, str] = {}
    if isinstance(source, dict):
        about = _about(source)
    if said.get("exchange_rate") is not None:
        about["exchange_rate"] = str(said["exchange_rate"])
    return Item(
        id=one.id,
        type=one.type,
        category=one.reporting_category,
        amount=reading.money(one.amount, one.currency),
        fee=reading.money(one.fee, one.currency),
        net=reading.money(one.net, one.currency),
        source=str(source.get("id") or "") if isinstance(source, dict) else str(source or ""),
        created_at=datetime.fromtimestamp(one.created, UTC),
        available_on=datetime.fromtimestamp(one.available_on, UTC),
        about=about,
    )


def _about(source: Mapping[str, Any]) -> dict[str, str]:
    about = {name: named for name in _FIELDS if (named := _id(source.get(name)))}
    metadata = source.get("metadata")
    if isinstance(metadata, dict):
        about |= {name: metadata[name] for name in _NAMES if isinstance(metadata.get(name), str)}
    if source.get("object") == "connect_collection_transfer" and "destination" in about:
        about["account"] = about["destination"]
    # A movement's source may be what has to be looked at itself.
    if source.get("object") in ("transfer", "refund", "dispute"):
        about[str(source["object"])] = str(source["id"])
    return about


def _id(reference: Any) -> str | None:
    if isinstance(reference, dict):
        reference = reference.get("id")
    return reference if isinstance(reference, str) and reference else None
