"""A buyer asks what an offer costs, and gets a signed answer that binds until it expires."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from compliance import store as audit
from exchange.catalog.store.listings import load_offers
from exchange.flows.issue_quote import QuoteReceipt, quote_document, refuse_price, write_quote
from exchange.flows.once import Command, done
from exchange.flows.purchase import Facts, Purchase, refused
from exchange.flows.sale import Sale, Sales
from exchange.flows.simulate_price import foresee
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import NOT_FOUND, Problem
from exchange.kernel.keys import Keyring
from exchange.parties import store as parties
from pricing.basis import EMPTY, Basis

ACTION = "quote.ask"
VALID_FOR = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Question:
    """An offer, the purposes it would be used for, the buyer's choices, and perhaps the use foreseen per month."""

    offer_id: UUID
    purposes: tuple[str, ...]
    forecast: Sequence[Mapping[str, int]] = ()
    choices: Basis = EMPTY


async def ask_quote(tx: Tx, sales: Sales, keyring: Keyring, actor: Actor, question: Question) -> QuoteReceipt | Problem:
    """Sign a quote for an offer that the actor's organisation could order now.

    errors   answers what a purchase would refuse, forecast-invalid, and what the terms do not allow
    """
    sale = await _sale(tx, sales, actor, question)
    if isinstance(sale, Problem):
        return sale
    months = foresee(sale.plan, question.forecast, tx.now)
    if isinstance(months, Problem):
        return months
    expires_at, buyer_id = tx.now + VALID_FOR, actor.organisation_id
    document = quote_document(
        tx, sale, buyer_id, keyring.node_id, purposes=question.purposes, expires_at=expires_at, months=months
    )
    receipt = await write_quote(tx, keyring, sale, buyer_id, document, expires_at)
    offer, hashed = sale.offer, bytes.fromhex(receipt.sha256)
    await audit.append(tx, [done(actor, ACTION, receipt.id, offer.supplier_id, quote=hashed, offer=offer.sha256)])
    return receipt


async def _sale(tx: Tx, sales: Sales, actor: Actor, question: Question) -> Sale | Problem:
    """What the actor's organisation would buy now."""
    offer = (await load_offers(tx, [question.offer_id])).get(question.offer_id)
    if offer is None or not offer.shown_to(actor.organisation_id):
        return NOT_FOUND()
    standings = await parties.standing(tx, [actor.organisation_id, offer.supplier_id])
    concerned = [offer.offer_id, offer.listing_id, offer.dataset_id, offer.revision_id, *standings]
    frozen = frozenset(await audit.off_sale(tx, concerned))
    wish = Purchase(Command(actor, ACTION, "", b""), offer.offer_id, question.purposes, "wallet")
    problem = refused(wish, offer, Facts({offer.offer_id: offer}, standings, frozenset(), frozen, {}))
    if problem is not None:
        return problem
    buyer, seller = standings[actor.organisation_id], standings[offer.supplier_id]
    basis = sales.open_to(offer, question.choices, buyer.buyer_class)
    if isinstance(basis, Problem):
        return basis
    sale = sales.of(offer, basis, sides=(seller, buyer), at=tx.now)
    if isinstance(sale, Problem):
        return sale
    return refuse_price(sale) or sale.refuses(question.purposes, buyer.country, tx.now) or sale
