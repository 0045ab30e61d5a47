"""What every step of a negotiation shares: who may speak, which terms may stand on the table, how a message is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from compliance import store as audit
from contracts import negotiation as rules
from contracts import negotiation_store as store
from contracts import terms as licence
from contracts.evaluation import permits
from contracts.negotiation import Message, Negotiation, Proposal, Said, Side, Speaker, Verb
from contracts.negotiation_problems import NEGOTIATION_BUYER, NEGOTIATION_INVALID, NEGOTIATIONS_TOO_MANY
from contracts.rights import PURPOSES
from exchange.catalog.listings import Listing, ListingState
from exchange.catalog.offers import OfferRequest
from exchange.catalog.settings import CatalogSettings
from exchange.catalog.store import listings
from exchange.flows import problems
from exchange.flows.once import done
from exchange.flows.version_offer import check_document
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import NOT_FOUND, Problem
from exchange.kernel.meant import nearest
from exchange.kernel.text import Text
from exchange.parties import store as parties
from exchange.parties.organisations import Standing
from exchange.parties.roles import Role
from pricing.basis import Basis
from pricing.binding import bind
from pricing.exact import plain
from pricing.fixed import Agreed
from pricing.plans import Plan
from pricing.problems import PRICE_NOT_AGREED

FIELDS = ("kind", "currency", "plan", "terms", "frame", "delivery")
# Who shares in the supplier's money is the supplier's own business.
SUPPLIER_FIELDS = (*FIELDS, "shares")


@dataclass(frozen=True, slots=True)
class Terms:
    """What a side proposes: only what differs from what is on the table.

    shapes   changes: fields of the offer document, each whole; null takes the optional field `frame` away; purposes None
             and amounts None: as on the table
    """

    changes: Mapping[str, Any] = field(default_factory=dict)
    amounts: Mapping[str, Decimal] | None = None
    purposes: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Words:
    """What goes with a message: free text, and until when the other side may answer."""

    note: Mapping[str, str] | None = None
    expires_at: datetime | None = None


QUIET = Words()


@dataclass(frozen=True, slots=True)
class Scene:
    """The listing under negotiation and both sides, as one moment saw them."""

    listing: Listing
    buyer_id: UUID
    buyer: Standing


class NegotiationReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """Where a negotiation stands after a message; `sha256` is over that message."""

    id: str
    state: str
    number: int
    sha256: str
    expires_at: str
    offer: str | None = None
    quote: str | None = None
    total: dict[str, str] | None = None
    order: str | None = None
    agreement: str | None = None
    grant: str | None = None


def receipt(one: Negotiation, **more: Any) -> NegotiationReceipt:
    """What the speaker is told."""
    return NegotiationReceipt(
        id=ids.text("neg", one.id),
        state=one.state.value,
        number=one.messages,
        sha256=one.tip.hex(),
        expires_at=one.expires_at.isoformat().replace("+00:00", "Z"),
        offer=None if one.offer_id is None else ids.text("ofr", one.offer_id),
        quote=None if one.quote_id is None else ids.text("qte", one.quote_id),
        order=None if one.order_id is None else ids.text("ord", one.order_id),
        agreement=None if one.agreement_id is None else ids.text("agr", one.agreement_id),
        **more,
    )


async def held(tx: Tx, actor: Actor, side: Side, negotiation_id: UUID, said: Said) -> Negotiation | Problem:
    """A negotiation locked for a message that this side may send now.

    errors   answers not-found, negotiation-invalid, negotiation-state, negotiation-expired, negotiation-rounds
    """
    one = await store.lock(tx, negotiation_id)
    mine = None if one is None else one.buyer_id if side is Side.CONSUMER else one.seller_id
    if one is None or mine != actor.organisation_id:
        return NOT_FOUND()
    return rules.refuse_said(said, tx.now) or rules.refuse(one, side, said.verb, tx.now) or one


def unfit(buyer_id: UUID, buyer: Standing | None, by: Side) -> Problem | None:
    """Why an organisation cannot buy, said to itself or to the supplier that names it; None if it can.

    errors   answers buyer-not-verified, negotiation-buyer-unfit
    """
    if by is Side.CONSUMER and (buyer is None or not buyer.verified):
        return problems.BUYER_NOT_VERIFIED(state=buyer.state.value if buyer else "unknown")
    name = ids.text("org", buyer_id)
    if buyer is None:
        return NEGOTIATION_BUYER(organisation=name, why=_UNKNOWN)
    if Role.BUYER not in buyer.roles:
        return NEGOTIATION_BUYER(organisation=name, why=_NO_BUYER)
    return None if buyer.verified else NEGOTIATION_BUYER(organisation=name, why=_UNVERIFIED)


async def look(tx: Tx, listing_id: UUID, buyer_id: UUID, by: Side) -> Scene | Problem:
    """The scene of a deal over a listing, or why that buyer could not have it now, for the side that asks.

    errors   answers not-found, own-offer, buyer-not-verified, negotiation-buyer-unfit, not-for-sale, trade-frozen
    """
    listing = await listings.find_listing(tx, listing_id)
    if listing is None:
        return NOT_FOUND()
    seller_id = listing.supplier_id
    if seller_id == buyer_id:
        return problems.OWN_OFFER()
    standings = await parties.standing(tx, [buyer_id, seller_id])
    buyer, seller = standings.get(buyer_id), standings.get(seller_id)
    if problem := unfit(buyer_id, buyer, by):
        return problem
    assert buyer is not None, "who is fit has a standing"
    concerned = (
        ("org", buyer_id),
        ("org", seller_id),
        ("lst", listing.id),
        ("ds", listing.dataset_id),
        ("rev", listing.revision_id),
    )
    frozen = await audit.off_sale(tx, [one for _, one in concerned])
    for prefix, one in concerned:
        if one in frozen:
            return problems.FROZEN(object=ids.text(prefix, one))
    if seller is None or not seller.verified:
        return problems.NOT_FOR_SALE(reason=Text("its supplier is not verified", "供应方未通过核验"))
    if listing.state is not ListingState.PUBLISHED:
        state = listing.state.value
        return problems.NOT_FOR_SALE(reason=Text(f"its listing is {state}", f"上架产品状态为 {state}"))
    return Scene(listing, buyer_id, buyer)


async def tabled(
    tx: Tx,
    scene: Scene,
    before: Proposal,
    wish: Terms,
    settings: CatalogSettings,
    *,
    by: Side,
) -> Proposal | Problem:
    """The terms after a side's changes, checked like those of a public offer; a supplier's leave no price open.

    errors   answers negotiation-invalid, not-negotiable, price-not-agreed, terms-forbid, and what `check_document` refuses
    """
    allowed = SUPPLIER_FIELDS if by is Side.PROVIDER else FIELDS
    for name, value in wish.changes.items():
        if name not in allowed or (value is None and name != "frame"):
            return NEGOTIATION_INVALID(field=name[:40], reason=_FIELDS[by])
    merged = {**before.document, **wish.changes}
    document = {name: value for name, value in merged.items() if value is not None}
    speaker = scene.buyer_id if by is Side.CONSUMER else scene.listing.supplier_id
    request = OfferRequest(scene.listing.id, "proposal", document)
    checked = await check_document(tx, scene.listing, request, settings, by=speaker)
    if isinstance(checked, Problem):
        return checked
    document = dict(checked[0].document)
    amounts = _amounts(before, wish, checked[1])
    basis = Basis(amounts={name: Decimal(amount) for name, amount in amounts.items()})
    bound = bind(document["plan"], basis, at=tx.now)
    if isinstance(bound, Problem):
        return bound
    if by is Side.PROVIDER and bound.unpriced:
        return PRICE_NOT_AGREED(components=", ".join(bound.unpriced))
    wanted = before.purposes if wish.purposes is None else wish.purposes
    purposes = _purposes(tx, scene, licence.load(document["terms"]), checked[1], wanted)
    if isinstance(purposes, Problem):
        return purposes
    made = Proposal(document, amounts, purposes)
    return replace(made, changed=_changed(before, made))


def _amounts(before: Proposal, wish: Terms, plan: Plan) -> dict[str, str]:
    """The agreed amounts: those of the message, else those on the table as far as the plan still asks for them."""
    if wish.amounts is not None:
        return {name: plain(amount) for name, amount in sorted(wish.amounts.items())}
    asked = {one.id for one in plan.components if isinstance(one.model, Agreed)}
    return {name: amount for name, amount in before.amounts.items() if name in asked}


def _purposes(
    tx: Tx, scene: Scene, terms: licence.Terms, plan: Plan, wanted: Sequence[str]
) -> tuple[str, ...] | Problem:
    """The purposes, each allowed to this buyer by the terms; where none was named, all that they allow."""
    found = []
    if unknown := next((one for one in wanted if one not in PURPOSES), None):
        return NEGOTIATION_INVALID(field="purposes", reason=_unknown(unknown))
    for purpose in wanted or PURPOSES:
        decision = permits(terms, purpose, scene.buyer.country, tx.now, starts_at=tx.now, zone=plan.time_zone)
        problem = decision.problem()
        if problem is not None and wanted:
            return problem
        if problem is None:
            found.append(str(purpose))
    if not found:
        return NEGOTIATION_INVALID(field="purposes", reason=_NO_PURPOSE)
    return tuple(dict.fromkeys(found))


def _unknown(purpose: str) -> Text:
    words, near = ", ".join(PURPOSES), nearest(purpose, PURPOSES, {})
    en, zh = f"must be of {words}, not {purpose!r}", f"须为 {words} 之一，不能为 {purpose!r}"
    return Text(en + (f" (did you mean {near}?)" if near else ""), zh + (f"（是否想写 {near}？）" if near else ""))


def _changed(before: Proposal, made: Proposal) -> tuple[str, ...]:
    names = [name for name in SUPPLIER_FIELDS if before.document.get(name) != made.document.get(name)]
    names += ["amounts"] if dict(before.amounts) != dict(made.amounts) else []
    names += ["purposes"] if before.purposes != made.purposes else []
    return tuple(names)


async def open_table(
    tx: Tx, actor: Actor, scene: Scene, said: Said, *, based_on: UUID | None, renews: UUID | None
) -> tuple[Negotiation, Message] | Problem:
    """Begin a negotiation with its first message, and write it.

    errors   answers negotiations-too-many
    """
    listing = scene.listing
    if await store.count_open(tx, scene.buyer_id, listing.supplier_id) >= rules.OPEN_PER_PAIR_MAX:
        return NEGOTIATIONS_TOO_MANY(limit=rules.OPEN_PER_PAIR_MAX)
    side = Side.CONSUMER if said.verb is Verb.REQUEST else Side.PROVIDER
    blank = Negotiation(
        id=tx.new_id(),
        buyer_id=scene.buyer_id,
        seller_id=listing.supplier_id,
        listing_id=listing.id,
        based_on=based_on,
        renews=renews,
        state=rules.NegotiationState.REQUESTED,
        rounds=1,
        messages=1,
        tip=b"",
        expires_at=tx.now,
        created_at=tx.now,
        changed_at=tx.now,
    )
    begun = rules.begin(blank, tx.new_id(), _speaker(actor, side), said)
    if isinstance(begun, Problem):
        return begun
    await store.insert(tx, *begun)
    await _log(tx, actor, *begun)
    return begun


async def say(tx: Tx, actor: Actor, side: Side, one: Negotiation, said: Said, **more: Any) -> Negotiation | Problem:
    """Write one more message of a locked negotiation.

    shapes   more: what the negotiation has from now on, such as offer_id
    """
    spoken = rules.speak(replace(one, **more), tx.new_id(), _speaker(actor, side), said, tx.now)
    if isinstance(spoken, Problem):
        return spoken
    await store.move(tx, *spoken)
    await _log(tx, actor, *spoken)
    return spoken[0]


async def on_table(tx: Tx, one: Negotiation) -> Proposal:
    """The terms that were proposed last."""
    message = await store.last(tx, one.id, Verb.REQUEST, Verb.OFFER)
    proposal = None if message is None else message.proposal
    assert proposal is not None, "a negotiation begins with a proposal"
    return proposal


def _speaker(actor: Actor, side: Side) -> Speaker:
    return Speaker(side, actor.organisation_id, actor.client_id)


async def _log(tx: Tx, actor: Actor, one: Negotiation, message: Message) -> None:
    name = ids.text("neg", one.id)
    other = one.other(actor.organisation_id)
    await audit.append(tx, [done(actor, f"negotiation.{message.verb.value}", name, other, message=message.sha256)])


_UNKNOWN = Text("is not registered here", "未在本平台登记")
_NO_BUYER = Text("is not registered as a buyer", "未登记为买方")
_UNVERIFIED = Text("is not verified", "尚未通过核验")
_NO_PURPOSE = Text("these terms allow this buyer no purpose", "该条款不允许该买方的任何用途")
_FIELDS = {
    Side.CONSUMER: Text(
        "a buyer may change kind, currency, plan, terms, frame and delivery",
        "买方可更改 kind、currency、plan、terms、frame 和 delivery",
    ),
    Side.PROVIDER: Text(
        "a supplier may change kind, currency, plan, terms, frame, delivery and shares",
        "供应方可更改 kind、currency、plan、terms、frame、delivery 和 shares",
    ),
}
