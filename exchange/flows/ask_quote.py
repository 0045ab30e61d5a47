"""A buyer asks what an offer costs, and gets a signed answer that binds until it expires."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec

from compliance import store as audit
from contracts import store as contracts
from exchange.catalog.store.listings import load_offers
from exchange.flows.once import Command, done
from exchange.flows.purchase import Facts, Purchase, refused
from exchange.flows.sale import RULE_SET, Sale, Sales
from exchange.flows.simulate_price import foresee
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.canonical import canonical, digest, sha256
from exchange.kernel.db import Tx
from exchange.kernel.errors import NOT_FOUND, Problem
from exchange.kernel.keys import Keyring
from exchange.parties import store as parties
from pricing import quotes
from pricing.quotes import Month, Subject

ACTION = "quote.ask"
VALID_FOR = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Question:
    """An offer, the purposes it would be used for, and perhaps the use foreseen per month."""

    offer_id: UUID
    purposes: tuple[str, ...]
    forecast: Sequence[Mapping[str, int]] = ()


class QuoteReceipt(msgspec.Struct, frozen=True):
    """A quote just signed; the whole document is read by its id."""

    id: str
    offer: str
    total: dict[str, str]
    expires_at: str
    sha256: str


async def ask_quote(tx: Tx, sales: Sales, keyring: Keyring, actor: Actor, question: Question) -> QuoteReceipt | Problem:
    """Sign a quote for an offer that the actor's organisation could order now.

    errors   answers what a purchase would refuse, forecast-invalid, and what the terms do not allow
    """
    offer = (await load_offers(tx, [question.offer_id])).get(question.offer_id)
    if offer is None:
        return NOT_FOUND()
    standings = await parties.standing(tx, [actor.organisation_id, offer.supplier_id])
    concerned = [offer.offer_id, offer.listing_id, offer.dataset_id, offer.revision_id, *standings]
    frozen = frozenset(await audit.off_sale(tx, concerned))
    wish = Purchase(Command(actor, ACTION, "", b""), offer.offer_id, question.purposes, "wallet")
    problem = refused(wish, offer, Facts({offer.offer_id: offer}, standings, frozenset(), frozen, {}))
    if problem is not None:
        return problem
    sale = sales.of(offer)
    problem = sale.refuses(question.purposes, standings[actor.organisation_id].country, tx.now)
    if problem is not None:
        return problem
    months = foresee(sale.plan, question.forecast, tx.now)
    if isinstance(months, Problem):
        return months
    document = _document(tx, sale, actor, keyring.node_id, months)
    return await _write(tx, keyring, actor, sale, document)


def _document(tx: Tx, sale: Sale, actor: Actor, node_id: str, months: Sequence[Month]) -> dict[str, Any]:
    offer = sale.offer
    terms_sha256 = digest(msgspec.json.decode(offer.document)["terms"])
    subject = Subject(tx.new_id(), offer.offer_id, offer.sha256, terms_sha256, actor.organisation_id, offer.supplier_id)
    return quotes.build(
        sale.plan,
        subject,
        issued_at=tx.now,
        expires_at=tx.now + VALID_FOR,
        node_id=node_id,
        rule_set=RULE_SET,
        forecast=months,
    )


async def _write(tx: Tx, keyring: Keyring, actor: Actor, sale: Sale, document: dict[str, Any]) -> QuoteReceipt:
    data = canonical(document)
    signature, hashed, offer = keyring.sign("quote", data), sha256(data), sale.offer
    row = contracts.QuoteRow(
        id=ids.parse("qte", document["id"]),
        buyer_id=actor.organisation_id,
        seller_id=offer.supplier_id,
        offer_id=offer.offer_id,
        document=data,
        sha256=hashed,
        kid=signature.kid,
        signature=signature.value,
        created_at=tx.now,
        expires_at=tx.now + VALID_FOR,
    )
    await contracts.insert_quote(tx, row)
    await audit.append(tx, [done(actor, ACTION, document["id"], offer.supplier_id, quote=hashed, offer=offer.sha256)])
    return QuoteReceipt(
        id=document["id"],
        offer=document["offer"]["id"],
        total=document["total"],
        expires_at=document["expires_at"],
        sha256=hashed.hex(),
    )
