"""A supplier publishes a listing, if the publication rules are met; or asks beforehand what is missing."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import msgspec

from compliance import rules
from compliance import store as audit
from compliance.entries import Entry
from compliance.problems import NOT_PUBLISHABLE
from compliance.rules import PUBLICATION, PublicationFacts, RuleResult
from contracts import chain_store, spdx, terms
from contracts.terms import Terms
from exchange.catalog import paths
from exchange.catalog.datasets import Dataset, is_own_licence
from exchange.catalog.listings import Listing, ListingState, publish
from exchange.catalog.offers import Offer
from exchange.catalog.store import datasets, listings
from exchange.catalog.store.exclusive import hold_dataset_of
from exchange.flows import chain_of_rights, upstreams
from exchange.flows.check_data_contract import refuse_broken
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import NOT_FOUND, Problem
from exchange.kernel.text import Text
from exchange.parties import store as parties
from exchange.quality import store as quality
from pricing import plans
from pricing.plans import Plan

# The rule about the revision alone: a new offer changes nothing about it.
KEPT = "data-contract-kept"
# Orders of a regulator that keep a listing from being published.
_STOPPED_BY = ("freeze", "delist")


class RuleReceipt(msgspec.Struct, frozen=True):
    """One rule, whether it is met, and why it exists, in both languages."""

    rule: str
    passed: bool
    why: dict[str, str]


class PublicationReceipt(msgspec.Struct, frozen=True):
    """How a listing stands by a version of the rules; `published_at` is empty while it is not published.

    `notes` say what is missing of its chain of rights, and what of it would refuse the publication.
    """

    listing: str
    state: str
    published_at: str
    rule_set: str
    rules: list[RuleReceipt]
    notes: list[dict[str, str]] = []


async def publish_listing(tx: Tx, actor: Actor, listing_id: UUID) -> PublicationReceipt | Problem:
    """Put a draft on sale when every rule is met.

    errors   answers not-found, listing-state, rights-block-revision, rights-search-running, terms-wider-than-rights,
             upstream-terms-conflict, and publication-rules-not-met with each rule that is not met
    """
    # What the rights allow stays as it is until this commits: who narrows them finds either a draft or an offer on sale.
    await hold_dataset_of(tx, listing_id)
    listing = await listings.lock_listing(tx, listing_id)
    if listing is None or listing.supplier_id != actor.organisation_id:
        return NOT_FOUND()
    changed = publish(listing, tx.now)
    if isinstance(changed, Problem):
        return changed
    results = await _judge(tx, listing)
    # What breaks a data contract is refused by a problem of its own, which names the broken rules.
    if unmet := [one for one in rules.unmet(results) if one.rule != KEPT]:
        return _refusal(unmet)
    problem, notes = await _rights(tx, listing)
    if problem is not None:
        return problem
    await listings.set_listing(tx, changed)
    await audit.append(tx, [_entry(actor, changed)])
    return _receipt(changed, results, notes)


async def review_listing(tx: Tx, actor: Actor, listing_id: UUID) -> PublicationReceipt | Problem:
    """Tell a supplier which rules its listing meets now; writes nothing.

    errors   answers not-found
    """
    listing = await listings.find_listing(tx, listing_id)
    if listing is None or listing.supplier_id != actor.organisation_id:
        return NOT_FOUND()
    problem, notes = await _rights(tx, listing)
    if problem is not None:
        notes = [Text(problem.detail("en"), problem.detail("zh")), *notes]
    return _receipt(listing, await _judge(tx, listing), notes)


async def refuse_offer(tx: Tx, listing: Listing, new: Offer) -> Problem | None:
    """Why a listing that is on sale would break a publication rule with a new version of an offer, or None."""
    if listing.state is not ListingState.PUBLISHED:
        return None
    unmet = [one for one in rules.unmet(await _judge(tx, listing, new)) if one.rule != KEPT]
    return _refusal(unmet) if unmet else None


async def judge_listing(tx: Tx, listing_id: UUID) -> PublicationReceipt | None:
    """Tell the operator or a regulator which rules a listing meets now; a draft is its supplier's own."""
    listing = await listings.find_listing(tx, listing_id)
    return (
        None if listing is None or listing.state is ListingState.DRAFT else _receipt(listing, await _judge(tx, listing))
    )


async def _judge(tx: Tx, listing: Listing, new: Offer | None = None) -> list[RuleResult]:
    """Load what the rules ask about, one store call per package, and have it judged, as if `new` were on offer."""
    dataset = await datasets.find_dataset(tx, listing.dataset_id)
    if dataset is None:
        raise LookupError("a listing has no dataset")
    assets = await datasets.assets_of(tx, listing.revision_id)
    offers = await listings.current_offers(tx, listing.id)
    if new is not None:
        offers = [*(one for one in offers if one.code != new.code), new]
    standing = (await parties.standing(tx, [listing.supplier_id])).get(listing.supplier_id)
    scorecard = await quality.latest_scorecard(tx, listing.revision_id)
    certificates = await quality.certificates_of(tx, [listing.revision_id])
    about = [listing.id, listing.dataset_id, listing.revision_id, listing.supplier_id]
    stopped = await audit.directed(tx, about, _STOPPED_BY)
    valid_until = max((one.valid_until for one in certificates), default=None)
    facts = PublicationFacts(
        now=tx.now,
        supplier_verified=standing is not None and standing.verified,
        certificate_valid_until=valid_until,
        certificate_revoked=False,
        certificate_covers_revision=valid_until is not None,
        licence_known=_licence_known(dataset, [stored.asset.path for stored in assets]),
        synthetic_share=dataset.synthetic_share,
        # The share stands on every page and in every export of a listing: there is no unmarked form of it.
        synthetic_marked=True,
        personal_data=dataset.personal_data.value,
        legal_basis=dataset.legal_basis is not None,
        cross_border=_crosses_borders(offers, standing.country if standing else ""),
        cross_border_basis=dataset.cross_border_basis,
        scores={"overall": scorecard.score if scorecard else None},
        title=listing.title,
        summary=listing.summary,
        offer_count=len(offers),
        price_plans_valid=all(_plan_valid(offer) for offer in offers),
        frozen=bool(stopped),
        contract_kept=await refuse_broken(tx, listing.revision_id) is None,
    )
    return rules.publication(facts)


async def _rights(tx: Tx, listing: Listing) -> tuple[Problem | None, list[Text]]:
    """What the dataset's chain of rights and what it was made of refuse, and what of it is missing or doubtful."""
    dataset = await datasets.find_dataset(tx, listing.dataset_id)
    if dataset is None:
        raise LookupError("a listing has no dataset")
    files = [stored.asset for stored in await datasets.assets_of(tx, listing.revision_id)]
    written = [msgspec.json.decode(one.document)["terms"] for one in await listings.current_offers(tx, listing.id)]
    problem = await chain_of_rights.refuse_blocked(tx, dataset, files, searched=True)
    declared = await chain_store.declared(tx, dataset.id, [one.path for one in files])
    if declared is not None:
        problem = problem or chain_of_rights.too_wide(declared, written)
    problem = problem or await upstreams.refuse_conflict(tx, dataset.id, written)
    problem = problem or await refuse_broken(tx, listing.revision_id)
    return problem, [*chain_of_rights.notes_of(declared), *await upstreams.doubts(tx, dataset.id, written)]


def _licence_known(dataset: Dataset, files: Sequence[str]) -> bool:
    """Hold a licence as known when it is listed, or when the revision carries the text of the supplier's own."""
    if is_own_licence(dataset.licence):
        return any(paths.fold(file).rsplit("/", 1)[-1].startswith(("license", "licence")) for file in files)
    try:
        spdx.alternatives(dataset.licence)
    except spdx.BadExpression:
        return False
    return True


def _crosses_borders(offers: Sequence[Offer], country: str) -> bool:
    """Say whether an offer allows use outside the supplier's country."""
    for offer in offers:
        understood = terms.parse(msgspec.json.decode(offer.document)["terms"])
        if not isinstance(understood, Terms):
            return True
        for alternative in understood.alternatives:
            if any(rights.territory is None or rights.territory - {country} for rights in alternative):
                return True
    return False


def _plan_valid(offer: Offer) -> bool:
    return isinstance(plans.parse(msgspec.json.decode(offer.document)["plan"]), Plan)


def _refusal(unmet: Sequence[RuleResult]) -> Problem:
    said = Text(
        " ".join(f"{one.rule}: {one.why.en}" for one in unmet), " ".join(f"{one.rule}：{one.why.zh}" for one in unmet)
    )
    return NOT_PUBLISHABLE(rule_set=PUBLICATION, rules=said, unmet=[one.rule for one in unmet])


def _entry(actor: Actor, listing: Listing) -> Entry:
    return Entry(
        action="listing.publish",
        organisation_id=actor.organisation_id,
        client_id=actor.client_id,
        object_id=ids.text("lst", listing.id),
        rule_set=PUBLICATION,
    )


def _receipt(listing: Listing, results: Sequence[RuleResult], notes: Sequence[Text] = ()) -> PublicationReceipt:
    return PublicationReceipt(
        listing=ids.text("lst", listing.id),
        state=listing.state.value,
        published_at=listing.published_at.isoformat() if listing.published_at else "",
        rule_set=PUBLICATION,
        rules=[RuleReceipt(one.rule, one.passed, one.why.map()) for one in results],
        notes=[one.map() for one in notes],
    )
