"""A supplier puts terms on the table: a private offer to a named organisation, or an answer to a buyer's request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from contracts import negotiation as rules
from contracts.negotiation import Proposal, Said, Side, Verb
from exchange.catalog.offers import OfferRequest
from exchange.catalog.settings import CatalogSettings
from exchange.catalog.store import listings
from exchange.flows.negotiating import (
    QUIET,
    NegotiationReceipt,
    Terms,
    Words,
    held,
    look,
    on_table,
    open_table,
    receipt,
    say,
    tabled,
)
from exchange.flows.version_offer import check_document
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import NOT_FOUND, Problem


@dataclass(frozen=True, slots=True)
class PrivateOffer:
    """A whole offer document for one buyer; terms: its agreed amounts and purposes (none named: all that it allows)."""

    listing_id: UUID
    buyer_id: UUID
    document: Mapping[str, Any]
    terms: Terms
    words: Words = QUIET


async def offer_privately(
    tx: Tx, actor: Actor, wish: PrivateOffer, settings: CatalogSettings
) -> NegotiationReceipt | Problem:
    """Begin a negotiation with terms that only the named organisation sees.

    errors   answers not-found, negotiation-invalid, negotiations-too-many, and what `look` and `tabled` refuse
    """
    words = wish.words
    if problem := rules.refuse_said(Said(Verb.OFFER, None, words.note, words.expires_at), tx.now):
        return problem
    listing = await listings.find_listing(tx, wish.listing_id)
    if listing is None or listing.supplier_id != actor.organisation_id:
        return NOT_FOUND()
    scene = await look(tx, listing.id, wish.buyer_id, Side.PROVIDER)
    if isinstance(scene, Problem):
        return scene
    # Its form first, so that a plan that is named by its id is put in.
    request = OfferRequest(listing.id, "proposal", wish.document)
    checked = await check_document(tx, listing, request, settings, by=actor.organisation_id)
    if isinstance(checked, Problem):
        return checked
    nothing = Proposal(checked[0].document, {}, ())
    proposal = await tabled(tx, scene, nothing, wish.terms, settings, by=Side.PROVIDER)
    if isinstance(proposal, Problem):
        return proposal
    said = Said(Verb.OFFER, proposal, words.note, words.expires_at)
    begun = await open_table(tx, actor, scene, said, based_on=None, renews=None)
    return begun if isinstance(begun, Problem) else receipt(begun[0])


async def offer_terms(
    tx: Tx, actor: Actor, negotiation_id: UUID, terms: Terms, words: Words, settings: CatalogSettings
) -> NegotiationReceipt | Problem:
    """Answer a buyer's request with terms of the supplier's own.

    errors   answers not-found, negotiation-state, negotiation-expired, negotiation-rounds, negotiation-invalid, and what
             `look` and `tabled` refuse
    """
    return await table_terms(tx, actor, negotiation_id, terms, words, settings, side=Side.PROVIDER)


async def table_terms(
    tx: Tx,
    actor: Actor,
    negotiation_id: UUID,
    terms: Terms,
    words: Words,
    settings: CatalogSettings,
    *,
    side: Side,
) -> NegotiationReceipt | Problem:
    """Put a side's terms in the place of those on the table."""
    verb = Verb.REQUEST if side is Side.CONSUMER else Verb.OFFER
    one = await held(tx, actor, side, negotiation_id, Said(verb, None, words.note, words.expires_at))
    if isinstance(one, Problem):
        return one
    scene = await look(tx, one.listing_id, one.buyer_id, side)
    if isinstance(scene, Problem):
        return scene
    proposal = await tabled(tx, scene, await on_table(tx, one), terms, settings, by=side)
    if isinstance(proposal, Problem):
        return proposal
    said = await say(tx, actor, side, one, Said(verb, proposal, words.note, words.expires_at))
    return said if isinstance(said, Problem) else receipt(said)
