"""A supplier agrees: the terms on the table become a private offer and a signed quote for this buyer alone."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from uuid import UUID

from contracts.negotiation import VALID_FOR, Negotiation, Proposal, Said, Side, Verb
from exchange.access.store import meters
from exchange.catalog import offers
from exchange.catalog.offers import Offer, OfferForSale, OfferRequest, OfferStanding
from exchange.catalog.settings import CatalogSettings
from exchange.catalog.store.datasets import find_revision
from exchange.catalog.store.private import insert_private_offer
from exchange.flows.issue_quote import issue_quote, quotable
from exchange.flows.negotiating import NegotiationReceipt, Scene, Words, held, look, on_table, receipt, say
from exchange.flows.publish_listing import refuse_offer
from exchange.flows.sale import Sales
from exchange.flows.version_offer import check_document
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import Problem
from exchange.kernel.keys import Keyring
from pricing.basis import Basis
from pricing.plans import Plan


async def agree_terms(
    tx: Tx,
    sales: Sales,
    keyring: Keyring,
    actor: Actor,
    negotiation_id: UUID,
    words: Words,
    settings: CatalogSettings,
) -> NegotiationReceipt | Problem:
    """Agree to what the buyer requested or accepted; from then on the signed quote binds the supplier until it expires.

    errors   answers not-found, negotiation-state, negotiation-expired, and whatever an offer, a publication or a quote
             would be refused for
    """
    one = await held(tx, actor, Side.PROVIDER, negotiation_id, Said(Verb.AGREE, None, words.note, words.expires_at))
    if isinstance(one, Problem):
        return one
    scene = await look(tx, one.listing_id, one.buyer_id, Side.PROVIDER)
    if isinstance(scene, Problem):
        return scene
    proposal = await on_table(tx, one)
    request = OfferRequest(one.listing_id, f"n-{ids.text('neg', one.id)[4:]}", proposal.document)
    checked = await check_document(tx, scene.listing, request, settings, by=one.seller_id)
    if isinstance(checked, Problem):
        return checked
    made = _version(tx, scene, request, checked[1], settings)
    if isinstance(made, Problem):
        return made
    return await _bind(tx, sales, keyring, actor, one, scene, proposal, made, checked[1].meters, words)


def _version(tx: Tx, scene: Scene, request: OfferRequest, plan: Plan, settings: CatalogSettings) -> Offer | Problem:
    """The only version of an offer that is named after its negotiation."""
    return offers.version(
        request,
        scene.listing,
        (),
        entry_units=plan.due_now_total.units,
        latest=0,
        new_id=tx.new_id(),
        now=tx.now,
        settings=settings,
    )


async def _bind(
    tx: Tx,
    sales: Sales,
    keyring: Keyring,
    actor: Actor,
    one: Negotiation,
    scene: Scene,
    proposal: Proposal,
    made: Offer,
    metered: Iterable[str],
    words: Words,
) -> NegotiationReceipt | Problem:
    if problem := await refuse_offer(tx, scene.listing, made):
        return problem
    revision = await find_revision(tx, scene.listing.revision_id)
    assert revision is not None, "a listing has a revision"
    expires_at = words.expires_at or tx.now + VALID_FOR
    offer = _reserved(scene, made, revision.sha256)
    basis = Basis(amounts={name: Decimal(amount) for name, amount in proposal.amounts.items()})
    # Everything that can be refused comes before the first thing that is written: the names of the plan's meters.
    sale = await quotable(tx, sales, offer, one.buyer_id, basis, proposal.purposes)
    if isinstance(sale, Problem):
        return sale
    if problem := await meters.register(tx, metered, one.seller_id):
        return problem
    quote = await issue_quote(
        tx,
        sales,
        keyring,
        offer,
        one.buyer_id,
        basis,
        purposes=proposal.purposes,
        expires_at=expires_at,
        concerning=ids.text("neg", one.id),
    )
    if isinstance(quote, Problem):
        return quote
    await insert_private_offer(tx, made, [one.buyer_id])
    binding = {
        "offer": {"id": quote.offer, "sha256": made.sha256.hex()},
        "quote": {"id": quote.id, "sha256": quote.sha256},
        "total": quote.total,
        "purposes": list(proposal.purposes),
    }
    said = Said(Verb.AGREE, None, words.note, expires_at, {"binding": binding})
    quote_id = ids.parse("qte", quote.id)
    moved = await say(tx, actor, Side.PROVIDER, one, said, offer_id=made.id, quote_id=quote_id)
    return moved if isinstance(moved, Problem) else receipt(moved, total=quote.total)


def _reserved(scene: Scene, made: Offer, revision_sha256: bytes) -> OfferForSale:
    """The offer as a purchase will find it."""
    return OfferForSale(
        offer_id=made.id,
        listing_id=made.listing_id,
        dataset_id=scene.listing.dataset_id,
        revision_id=scene.listing.revision_id,
        supplier_id=made.supplier_id,
        code=made.code,
        version=made.version,
        kind=made.kind,
        currency=made.currency,
        document=made.document,
        sha256=made.sha256,
        standing=OfferStanding.RESERVED,
        listing_state=scene.listing.state,
        revision_sha256=revision_sha256,
        audience=frozenset({scene.buyer_id}),
    )
