"""A supplier offers one buyer a price that the two negotiated, as a signed quote."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from compliance import store as audit
from contracts.measurements import fault_of_words
from exchange.catalog.offers import OfferForSale
from exchange.catalog.store.listings import load_offers
from exchange.flows.issue_quote import QuoteReceipt, issue_quote
from exchange.flows.once import Command, done
from exchange.flows.problems import NOT_NEGOTIABLE, PRIVATE_QUOTE_INVALID
from exchange.flows.purchase import Facts, Purchase, refused
from exchange.flows.sale import Sale, Sales
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import NOT_FOUND, Problem
from exchange.kernel.keys import Keyring
from exchange.kernel.text import Text
from exchange.parties import store as parties
from pricing.basis import Basis
from pricing.fixed import Agreed

ACTION = "quote.offer"
DAYS_MAX = 90
NOTE_CHARS_MAX = 1_000
_NO_BUYER = Text("it is not a verified organisation other than yours", "须为已通过核验且非本机构的机构")
_TOO_LONG = Text(f"it lies ahead, at most {DAYS_MAX} days", f"须晚于当前时间，且不超过 {DAYS_MAX} 天")


@dataclass(frozen=True, slots=True)
class PrivatePrice:
    """What one buyer is offered: the amount of each negotiated component, for which purposes, until when."""

    offer_id: UUID
    buyer_id: UUID
    amounts: Mapping[str, Decimal]
    purposes: tuple[str, ...]
    expires_at: datetime
    note: Mapping[str, str] | None = None


async def quote_buyer(
    tx: Tx, sales: Sales, keyring: Keyring, actor: Actor, price: PrivatePrice
) -> QuoteReceipt | Problem:
    """Sign a quote of the actor's own offer for one buyer; it binds until it expires.

    errors   answers not-found, not-negotiable, private-quote-invalid, what a purchase would refuse, and what `issue_quote` refuses
    """
    offer = (await load_offers(tx, [price.offer_id])).get(price.offer_id)
    if offer is None or offer.supplier_id != actor.organisation_id:
        return NOT_FOUND()
    problem = await _refused(tx, offer, actor, price) or _refused_price(sales, offer, price, tx.now)
    if problem is not None:
        return problem
    receipt = await issue_quote(
        tx,
        sales,
        keyring,
        offer,
        price.buyer_id,
        Basis(amounts=price.amounts),
        purposes=price.purposes,
        expires_at=price.expires_at,
        note=None if price.note is None else dict(price.note),
    )
    if isinstance(receipt, Problem):
        return receipt
    digests = {"quote": bytes.fromhex(receipt.sha256), "offer": offer.sha256}
    await audit.append(tx, [done(actor, ACTION, receipt.id, price.buyer_id, **digests)])
    return receipt


async def _refused(tx: Tx, offer: OfferForSale, actor: Actor, price: PrivatePrice) -> Problem | None:
    """Why that buyer could not order the offer now, whatever its price."""
    standings = await parties.standing(tx, [price.buyer_id, offer.supplier_id])
    if price.buyer_id == offer.supplier_id or price.buyer_id not in standings or not standings[price.buyer_id].verified:
        return PRIVATE_QUOTE_INVALID(field="buyer", reason=_NO_BUYER)
    concerned = [offer.offer_id, offer.listing_id, offer.dataset_id, offer.revision_id, *standings]
    facts = Facts({}, standings, frozenset(), frozenset(await audit.off_sale(tx, concerned)), {}, set())
    buyer = Actor(price.buyer_id, actor.client_id, actor.roles, actor.scopes, actor.jti)
    return refused(Purchase(Command(buyer, ACTION, "", b""), offer.offer_id, price.purposes, "wallet"), offer, facts)


def _refused_price(sales: Sales, offer: OfferForSale, price: PrivatePrice, now: datetime) -> Problem | None:
    """Only what the plan leaves open is negotiated: everything else has one price for everybody."""
    sale = sales.of(offer)
    assert isinstance(sale, Sale)
    open_to = {one.id for one in sale.plan.components if isinstance(one.model, Agreed) and one.model.how != "auction"}
    for name in price.amounts:
        if name not in open_to:
            return NOT_NEGOTIABLE(component=name)
    if not now < price.expires_at <= now + timedelta(days=DAYS_MAX):
        return PRIVATE_QUOTE_INVALID(field="expires_at", reason=_TOO_LONG)
    reason = None if price.note is None else fault_of_words(price.note, NOTE_CHARS_MAX)
    return None if reason is None else PRIVATE_QUOTE_INVALID(field="note", reason=reason)
