"""A supplier adds an offer to a listing, or the next version of one."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec

from compliance import store as audit
from contracts import frame, terms
from contracts.terms import Terms
from exchange.access.store import meters
from exchange.catalog import offers
from exchange.catalog.listings import Listing
from exchange.catalog.offers import OfferKind, OfferRequest
from exchange.catalog.plans import usable
from exchange.catalog.problems import OFFER_INVALID
from exchange.catalog.settings import CatalogSettings
from exchange.catalog.store import listings as store
from exchange.catalog.store import plans as library
from exchange.catalog.store.exclusive import hold_dataset_of
from exchange.flows.auctioned import sold_exclusively
from exchange.flows.chain_of_rights import refuse_wider
from exchange.flows.once import done
from exchange.flows.publish_listing import refuse_offer
from exchange.flows.resolve_split import refuse_split, with_split_rule
from exchange.flows.upstreams import doubts, refuse_conflict
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import NOT_FOUND, Problem
from exchange.kernel.money import Money
from exchange.kernel.text import Text
from exchange.parties import store as parties
from pricing import checks, plans
from pricing.effort import WORK_BRIEF
from pricing.plans import Plan
from settlement.splits import BadShares, parse_shares

PLAN_REF = "plan_ref"
_NO_PLAN = Text(
    'a plan_ref has type and id, and the id is that of a plan of yours, such as {"type": "plan_ref", "id": "pln_..."}',
    'plan_ref 须仅含 type 与 id，且 id 为您方案库中的方案，例如 {"type": "plan_ref", "id": "pln_..."}',
)


class OfferReceipt(msgspec.Struct, frozen=True):
    """A new version of an offer; `notes` say what may surprise its author, in both languages."""

    id: str
    listing: str
    code: str
    version: int
    sha256: str
    entry_price: dict[str, str]
    notes: list[dict[str, str]]


async def version_offer(
    tx: Tx, actor: Actor, request: OfferRequest, settings: CatalogSettings
) -> OfferReceipt | Problem:
    """Check an offer document by everybody it concerns, and write it as an immutable version.

    shapes   the plan may be written as {"type": "plan_ref", "id": "pln_..."}; what is stored holds it whole
    errors   answers not-found, sold-exclusively, listing-state, offer-invalid, offer-unchanged, offers-too-many,
             plan-retired, and what pricing and contracts refuse
    """
    await hold_dataset_of(tx, request.listing_id)
    listing = await store.lock_listing(tx, request.listing_id)
    if listing is None or listing.supplier_id != actor.organisation_id:
        return NOT_FOUND()
    checked = await check_document(tx, listing, request, settings, by=actor.organisation_id)
    if isinstance(checked, Problem):
        return checked
    request, plan = checked
    offer = offers.version(
        request,
        listing,
        await store.current_offers(tx, listing.id),
        entry_units=plan.due_now_total.units,
        latest=await store.latest_version(tx, listing.id, request.code),
        new_id=tx.new_id(),
        now=tx.now,
        settings=settings,
    )
    if isinstance(offer, Problem):
        return offer
    if problem := await refuse_offer(tx, listing, offer):
        return problem
    if problem := await meters.register(tx, plan.meters, actor.organisation_id):
        return problem
    await store.insert_offer(tx, offer)
    name = ids.text("ofr", offer.id)
    await audit.append(tx, [done(actor, "offer.version", name, document=offer.sha256)])
    notes = checks.check(plan, work=WORK_BRIEF)
    return OfferReceipt(
        id=name,
        listing=ids.text("lst", listing.id),
        code=offer.code,
        version=offer.version,
        sha256=offer.sha256.hex(),
        entry_price=Money(offer.entry_units, offer.currency).to_wire(),
        notes=[
            *({"en": note.detail("en"), "zh": note.detail("zh")} for note in notes),
            *(note.map() for note in await doubts(tx, listing.dataset_id, [request.document["terms"]])),
        ],
    )


async def check_document(
    tx: Tx, listing: Listing, request: OfferRequest, settings: CatalogSettings, *, by: UUID
) -> tuple[OfferRequest, Plan] | Problem:
    """Have an offer document of a listing checked by everybody it concerns, public or private; writes nothing.

    shapes   by: the organisation that proposes it, whose library a plan_ref names; -> the document with its plan in it
    errors   answers offer-invalid, sold-exclusively, plan-retired, split-rule-unfit, split-rule-refused, share-below-minimum,
             terms-wider-than-rights, upstream-terms-conflict, and what pricing and contracts refuse
    """
    if problem := await sold_exclusively(tx, listing.dataset_id):
        return problem
    resolved = await _with_plan(tx, by, request)
    if isinstance(resolved, Problem):
        return resolved
    resolved = await with_split_rule(tx, listing, resolved)
    if isinstance(resolved, Problem):
        return resolved
    # The outer form first: the others then find their fields.
    outer = offers.encode(resolved, settings)
    plan = outer if isinstance(outer, Problem) else _understand(resolved, listing.supplier_id)
    if isinstance(plan, Problem):
        return plan
    if problem := await _refuse_payees(tx, resolved) or await _refuse_evaluators(tx, resolved):
        return problem
    if problem := await refuse_split(tx, resolved.document, plan):
        return problem
    if problem := await refuse_wider(tx, listing.dataset_id, [resolved.document["terms"]]):
        return problem
    if problem := await refuse_conflict(tx, listing.dataset_id, [resolved.document["terms"]]):
        return problem
    return resolved, plan


async def _with_plan(tx: Tx, owner_id: UUID, request: OfferRequest) -> OfferRequest | Problem:
    """Put the plan itself where the document names one of the supplier's library."""
    plan = request.document.get("plan")
    if not isinstance(plan, dict) or plan.get("type") != PLAN_REF:
        return request
    try:
        found = await library.find(tx, ids.parse("pln", str(plan.get("id", ""))))
    except ids.BadId:
        found = None
    if set(plan) != {"type", "id"} or found is None or found.plan.supplier_id != owner_id:
        return OFFER_INVALID(field="plan", reason=_NO_PLAN)
    if problem := usable(found):
        return problem
    whole = {**request.document, "plan": msgspec.json.decode(found.plan.document)}
    return dataclasses.replace(request, document=whole)


async def _refuse_payees(tx: Tx, request: OfferRequest) -> Problem | None:
    """Refuse a share of somebody who could never be paid: no organisation of ours, or not a verified one."""
    named = [ids.parse("org", one["organisation"]) for one in request.document["shares"] if one.get("organisation")]
    standing = await parties.standing(tx, named) if named else {}
    if all(one in standing and standing[one].verified for one in named):
        return None
    reason = Text("a share names an organisation that is not verified here", "分成所列机构不存在或未通过核验")
    return OFFER_INVALID(field="shares", reason=reason)


async def _refuse_evaluators(tx: Tx, request: OfferRequest) -> Problem | None:
    """Refuse an outcome that nobody could ever measure: its evaluator is no organisation of ours, or not a verified one."""
    plan = request.document["plan"]
    models = [one["model"] for one in plan["components"]]
    models += [model for one in plan.get("price_lists", ()) for model in one.get("models", {}).values()]
    named = sorted({ids.parse("org", model["evaluator"]) for model in models if model["type"] == "outcome"})
    standing = await parties.standing(tx, named) if named else {}
    if all(one in standing and standing[one].verified for one in named):
        return None
    reason = Text("an outcome's evaluator is not verified here", "按效果付费的评估机构不存在或未通过核验")
    return OFFER_INVALID(field="plan", reason=reason)


def _understand(request: OfferRequest, supplier_id: UUID) -> Plan | Problem:
    """Have plan, terms and shares read by the packages that will live by them."""
    document = request.document
    plan = plans.parse(document["plan"])
    if not isinstance(plan, Plan):
        return plan[0]
    licence = terms.parse(document["terms"])
    if isinstance(licence, list):
        return licence[0]
    if problem := _refuse_frame(document, licence):
        return problem
    try:
        parse_shares(document["shares"], supplier_id)
    except BadShares as error:
        return OFFER_INVALID(field="shares", reason=Text(str(error), f"分成设置有误：{error}"))
    return _refuse_kind(OfferKind(document["kind"]), document["currency"], plan) or plan


def _refuse_frame(document: Mapping[str, Any], licence: Terms) -> Problem | None:
    """Have the legal frame read, where there is one: what it leaves out is missing, what it says must be understood."""
    if "frame" not in document:
        return None
    legal = frame.parse(document["frame"])
    return legal[0] if isinstance(legal, list) else frame.fits(legal, licence.prevailing_language)


def _refuse_kind(kind: OfferKind, currency: str, plan: Plan) -> Problem | None:
    """Hold the kind against the plan, so that the search filter tells the truth."""
    if plan.currency != currency:
        return OFFER_INVALID(field="currency", reason=Text("the plan has another currency", "与价格方案的货币不一致"))
    periodic = any(component.period is not None and component.meter is None for component in plan.components)
    if kind is OfferKind.ONE_OFF and (periodic or plan.meters):
        reason = Text("a one-off plan neither repeats nor measures use", "一次性方案不得包含周期费用或计量收费")
    elif kind is OfferKind.SUBSCRIPTION and not periodic:
        reason = Text("a subscription plan needs an amount that repeats", "订阅方案需要包含周期费用")
    elif kind is OfferKind.PAY_PER_USE and (periodic or not plan.meters):
        reason = Text(
            "a pay-per-use plan measures use and does not repeat", "按量付费方案需要计量收费，且不得包含周期费用"
        )
    else:
        return None
    return OFFER_INVALID(field="kind", reason=reason)
