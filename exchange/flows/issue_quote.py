"""A signed quote for one buyer: what an offer costs it, on the basis that both sides settled. It binds the seller."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from contracts import store as contracts
from exchange.catalog.offers import OfferForSale
from exchange.flows.problems import BUYER_NOT_VERIFIED, NOT_FOR_SALE
from exchange.flows.sale import RULE_SET, Sale, Sales
from exchange.flows.taxing import tax_line
from exchange.flows.trials import trial_of, tried
from exchange.kernel import ids
from exchange.kernel.canonical import canonical, digest, sha256
from exchange.kernel.db import Tx
from exchange.kernel.errors import Problem
from exchange.kernel.keys import Keyring
from exchange.kernel.text import LocaleMap, Text
from exchange.parties import store as parties
from pricing import quotes
from pricing.basis import Basis
from pricing.problems import PRICE_NOT_AGREED
from pricing.quotes import Month, Subject
from pricing.rating import price_now, total


class QuoteReceipt(msgspec.Struct, frozen=True):
    """A quote just signed; the whole document is read by its id."""

    id: str
    offer: str
    total: dict[str, str]
    expires_at: str
    sha256: str


async def issue_quote(
    tx: Tx,
    sales: Sales,
    keyring: Keyring,
    offer: OfferForSale,
    buyer_id: UUID,
    basis: Basis,
    *,
    purposes: Sequence[str],
    expires_at: datetime,
    concerning: str | None = None,
    note: LocaleMap | None = None,
) -> QuoteReceipt | Problem:
    """Sign a quote for one buyer: an order that names it takes this basis and price, until the quote expires.

    The seller speaks: who may do that, and the audit entry, are the caller's (an auction's award, a negotiated price). The
    buyer's class is always the one that was verified, whatever `basis` says of it.

    shapes   basis.amounts: the price of each negotiated or auctioned component; concerning: the id of what led to it;
             note: what the seller tells the buyer with it
    errors   answers buyer-not-verified, not-for-sale, price-not-agreed, what the terms do not allow, what `bind` refuses
    """
    sale = await quotable(tx, sales, offer, buyer_id, basis, purposes)
    if isinstance(sale, Problem):
        return sale
    document = quote_document(
        tx, sale, buyer_id, keyring.node_id, purposes=tuple(purposes), expires_at=expires_at, concerning=concerning
    )
    if note is not None:
        document["note"] = dict(note)
    row, receipt = sign_quote(tx, keyring, sale, buyer_id, document, expires_at)
    await contracts.insert_quotes(tx, [row])
    return receipt


async def quotable(
    tx: Tx, sales: Sales, offer: OfferForSale, buyer_id: UUID, basis: Basis, purposes: Sequence[str]
) -> Sale | Problem:
    """The sale that `issue_quote` would sign, or why it would refuse; writes nothing.

    errors   as `issue_quote`
    """
    standings = await parties.standing(tx, [offer.supplier_id, buyer_id])
    buyer, seller = standings.get(buyer_id), standings.get(offer.supplier_id)
    if buyer is None or not buyer.verified:
        return BUYER_NOT_VERIFIED(state=buyer.state.value if buyer else "unknown")
    if seller is None or not seller.verified:
        return NOT_FOR_SALE(reason=Text("its supplier is not verified", "供应方未通过核验"))
    basis = sales.classed(offer, basis, buyer.buyer_class)
    if trial_of(buyer_id, offer) in await tried(tx, [(buyer_id, offer)]):
        basis = sales.untried(offer, basis)
    sale = sales.of(offer, basis, sides=(seller, buyer), at=tx.now)
    if isinstance(sale, Problem):
        return sale
    return refuse_price(sale) or sale.refuses(tuple(purposes), buyer.country, tx.now) or sale


def refuse_price(sale: Sale) -> Problem | None:
    """The refusal of a sale of which some component has no price yet, or None."""
    return PRICE_NOT_AGREED(components=", ".join(sale.plan.unpriced)) if sale.plan.unpriced else None


def quote_document(
    tx: Tx,
    sale: Sale,
    buyer_id: UUID,
    node_id: str,
    *,
    purposes: Sequence[str],
    expires_at: datetime,
    concerning: str | None = None,
    months: Sequence[Month] = (),
) -> dict[str, Any]:
    """The quote: lines and discounts as they are due at an order now, their tax, and the basis that fixed them."""
    offer, plan = sale.offer, sale.plan
    terms_sha256 = digest(msgspec.json.decode(offer.document)["terms"])
    subject = Subject(tx.new_id(), offer.offer_id, offer.sha256, terms_sha256, buyer_id, offer.supplier_id)
    document = quotes.build(
        plan,
        subject,
        issued_at=tx.now,
        expires_at=expires_at,
        node_id=node_id,
        rule_set=RULE_SET,
        forecast=months,
    )
    lines = price_now(plan, tx.now, sale.ends_at(tx.now))
    amount = total(plan, lines)
    taxed = None if sale.taxing is None else sale.taxing.on(amount)
    document |= {
        "lines": [line.document() for line in lines],
        "net": (amount if taxed is None else taxed.net).to_wire(),
        "tax": [] if taxed is None else [tax_line(taxed)],
        "total": sale.price.to_wire(),
        "basis": {} if sale.basis is None else msgspec.json.decode(sale.basis),
        "purposes": list(purposes),
    }
    if plan.starts_partial:
        # What is left of the calendar's period when the order comes decides; see docs/decisions/0024.
        document["price_follows_start"] = True
    return document if concerning is None else document | {"concerning": concerning}


def sign_quote(
    tx: Tx, keyring: Keyring, sale: Sale, buyer_id: UUID, document: dict[str, Any], expires_at: datetime
) -> tuple[contracts.QuoteRow, QuoteReceipt]:
    """Sign a quote's document: the row to keep, and what its asker is told."""
    data = canonical(document)
    signature, hashed, offer = keyring.sign("quote", data), sha256(data), sale.offer
    row = contracts.QuoteRow(
        id=ids.parse("qte", document["id"]),
        buyer_id=buyer_id,
        seller_id=offer.supplier_id,
        offer_id=offer.offer_id,
        document=data,
        sha256=hashed,
        kid=signature.kid,
        signature=signature.value,
        created_at=tx.now,
        expires_at=expires_at,
    )
    receipt = QuoteReceipt(
        id=document["id"],
        offer=document["offer"]["id"],
        total=document["total"],
        expires_at=document["expires_at"],
        sha256=hashed.hex(),
    )
    return row, receipt
