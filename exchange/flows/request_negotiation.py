"""A negotiation begins: a buyer asks for other terms, or either side wants an agreement to be followed by another."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import msgspec

from contracts import lifecycle, lifecycle_store
from contracts import negotiation as rules
from contracts import store as contracts
from contracts.negotiation import Proposal, Said, Side, Verb
from contracts.negotiation_problems import NEGOTIATION_INVALID
from contracts.rights import PURPOSES
from exchange.catalog.listings import ListingState
from exchange.catalog.offers import OfferForSale
from exchange.catalog.settings import CatalogSettings
from exchange.catalog.store.listings import load_offers
from exchange.flows.negotiating import QUIET, NegotiationReceipt, Terms, Words, look, open_table, receipt, tabled
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import INVALID_REQUEST, NOT_FOUND, Problem
from exchange.kernel.text import Text

_NO_PURPOSES = Text(
    f"must name what you would use the data for, as a quote does: at least one of {', '.join(PURPOSES)}",
    f"须与询价相同，写明数据用途，至少一项：{', '.join(PURPOSES)}",
)


@dataclass(frozen=True, slots=True)
class Opening:
    """What a negotiation begins from: an offer, or an agreement that it would follow; and what should be different."""

    terms: Terms
    words: Words = QUIET
    offer_id: UUID | None = None
    agreement_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class _Start:
    offer: OfferForSale
    buyer_id: UUID
    before: Proposal
    renews: UUID | None = None


async def request_negotiation(
    tx: Tx, actor: Actor, opening: Opening, settings: CatalogSettings
) -> NegotiationReceipt | Problem:
    """Ask the supplier of an offer, or of an agreement, for terms of the buyer's own; nobody is bound by it.

    errors   answers not-found, negotiation-invalid, negotiations-too-many, and what `look` and `tabled` refuse
    """
    return await _begin(tx, actor, opening, settings, Side.CONSUMER)


async def propose_renewal(
    tx: Tx, actor: Actor, opening: Opening, settings: CatalogSettings
) -> NegotiationReceipt | Problem:
    """Offer the buyer of one of the actor's agreements the next one.

    errors   answers not-found, negotiation-invalid, negotiations-too-many, and what `look` and `tabled` refuse
    """
    if opening.agreement_id is None:
        return INVALID_REQUEST(reason="a supplier begins with an agreement, or with a private offer of a listing")
    return await _begin(tx, actor, opening, settings, Side.PROVIDER)


async def _begin(
    tx: Tx, actor: Actor, opening: Opening, settings: CatalogSettings, side: Side
) -> NegotiationReceipt | Problem:
    words, verb = opening.words, Verb.REQUEST if side is Side.CONSUMER else Verb.OFFER
    if problem := rules.refuse_said(Said(verb, None, words.note, words.expires_at), tx.now):
        return problem
    start = await _start(tx, actor, opening, side)
    if isinstance(start, Problem):
        return start
    if opening.offer_id is not None and not opening.terms.purposes:
        return NEGOTIATION_INVALID(field="purposes", reason=_NO_PURPOSES)
    scene = await look(tx, start.offer.listing_id, start.buyer_id, side)
    if isinstance(scene, Problem):
        return scene
    proposal = await tabled(tx, scene, start.before, opening.terms, settings, by=side)
    if isinstance(proposal, Problem):
        return proposal
    said = Said(verb, proposal, words.note, words.expires_at)
    begun = await open_table(tx, actor, scene, said, based_on=start.offer.offer_id, renews=start.renews)
    return begun if isinstance(begun, Problem) else receipt(begun[0])


async def _start(tx: Tx, actor: Actor, opening: Opening, side: Side) -> _Start | Problem:
    if (opening.offer_id is None) == (opening.agreement_id is None):
        return INVALID_REQUEST(reason="name either an offer or an agreement")
    if opening.offer_id is not None:
        offer = (await load_offers(tx, [opening.offer_id])).get(opening.offer_id)
        if offer is None or not offer.shown_to(actor.organisation_id) or offer.listing_state is ListingState.DRAFT:
            return NOT_FOUND()
        return _Start(offer, actor.organisation_id, Proposal(msgspec.json.decode(offer.document), {}, ()))
    assert opening.agreement_id is not None
    row = (await contracts.find_agreements(tx, [opening.agreement_id])).get(opening.agreement_id)
    if row is None:
        return NOT_FOUND()
    # As its events have left it: who holds it now, for what, under which terms.
    events = await lifecycle_store.events_of(tx, None, row.id)
    life = lifecycle.lived(lifecycle.born(row.id, row.document, row.sha256), events)
    if actor.organisation_id != (life.holder_id if side is Side.CONSUMER else life.seller_id):
        return NOT_FOUND()
    # An agreement is never without its offer.
    offer = (await load_offers(tx, [row.offer_id]))[row.offer_id]
    document = msgspec.json.decode(offer.document)
    if life.terms is not None:
        document["terms"] = life.terms
    amounts = msgspec.json.decode(row.document).get("basis", {}).get("amounts", {})
    return _Start(offer, life.holder_id, Proposal(document, amounts, life.purposes), row.id)
