"""What every sale of one offer shares: worked out once, because an offer never changes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from contracts import terms as licence
from contracts.agreements import Deal, Frame, Template
from contracts.evaluation import permits
from contracts.terms import Terms
from exchange.access.grants import NewGrant
from exchange.access.meters import Meter, meter_of
from exchange.catalog.offers import OfferForSale
from exchange.kernel.canonical import digest
from exchange.kernel.errors import Problem
from exchange.kernel.money import Money
from pricing import plans
from pricing.plans import Plan
from settlement.postings import Credits, credits_of
from settlement.splits import Part, Share, parse_shares, split

RULE_SET = "trade/1"
_CACHED_MAX = 4_096
_VERDICTS_MAX = 1_024
# What can be counted without looking into the files.
_UNPRICED = (Meter.BYTES, Meter.REQUESTS, Meter.FILES)


@dataclass(frozen=True, slots=True)
class Sale:
    """An offer, understood: its price now, who gets which part, and the agreement with gaps.

    units    `price` is what is due when the order is placed
    """

    offer: OfferForSale
    plan: Plan
    terms: Terms
    shares: tuple[Share, ...]
    price: Money
    parts: tuple[Part, ...]
    credits: Credits
    template: Template
    meters: tuple[Meter, ...]
    quota: Mapping[str, Any]
    delivery: Mapping[str, bool]
    verdicts: dict[tuple[tuple[str, ...], str], Problem | None] = field(default_factory=dict, compare=False)

    def refuses(self, purposes: tuple[str, ...], country: str, at: datetime) -> Problem | None:
        """Why the terms do not allow one of these purposes in that country to an agreement that begins now, or None."""
        key = (purposes, country)
        if key not in self.verdicts and len(self.verdicts) < _VERDICTS_MAX:
            # The time of day plays no part: the agreement begins at the moment it is asked for.
            self.verdicts[key] = self._refuses(purposes, country, at)
        return self.verdicts[key] if key in self.verdicts else self._refuses(purposes, country, at)

    def _refuses(self, purposes: tuple[str, ...], country: str, at: datetime) -> Problem | None:
        for purpose in purposes:
            decision = permits(self.terms, purpose, country, at, starts_at=at, zone=self.plan.time_zone)
            if problem := decision.problem():
                return problem
        return None

    def ends_at(self, starts_at: datetime) -> datetime | None:
        """When a grant that begins then ends: with the licence, or never."""
        return self.terms.ends_at(starts_at, self.plan.time_zone)

    def grant(self, deal: Deal, grant_id: UUID) -> NewGrant:
        """The grant that a paid order gives."""
        o = self.offer
        return NewGrant(
            id=grant_id,
            order_id=deal.order_id,
            agreement_id=deal.agreement_id,
            offer_id=o.offer_id,
            listing_id=o.listing_id,
            dataset_id=o.dataset_id,
            revision_id=o.revision_id,
            buyer_id=deal.buyer_id,
            seller_id=o.supplier_id,
            purposes=deal.purposes,
            meters=self.meters,
            quota=self.quota,
            starts_at=deal.starts_at,
            ends_at=deal.ends_at,
        )


class Sales:
    """The sales used last, by offer version."""

    def __init__(self) -> None:
        """Start empty."""
        self._known: OrderedDict[bytes, Sale] = OrderedDict()

    def of(self, offer: OfferForSale) -> Sale:
        """The sale of an offer version; its mutable surroundings (listing state, standing) are not part of it.

        errors   BadPlan, BadTerms, BadShares for a stored offer that no longer parses: a defect
        """
        sale = self._known.get(offer.sha256)
        if sale is None or sale.offer.offer_id != offer.offer_id:
            while len(self._known) >= _CACHED_MAX:
                self._known.popitem(last=False)
            sale = self._known[offer.sha256] = understand(offer)
        return sale


def understand(offer: OfferForSale) -> Sale:
    """Work out what every sale of `offer` shares.

    errors   BadPlan, BadTerms, BadShares
    """
    document = msgspec.json.decode(offer.document)
    plan = plans.load(document["plan"])
    terms = licence.load(document["terms"])
    shares = parse_shares(document["shares"], offer.supplier_id)
    price = plan.due_now_total
    frame = Frame(
        offer_id=offer.offer_id,
        offer_sha256=offer.sha256,
        plan_sha256=bytes.fromhex(plan.sha256),
        terms_sha256=digest(document["terms"]),
        seller_id=offer.supplier_id,
        currency=offer.currency,
        prevailing_language=terms.prevailing_language,
        rule_set=RULE_SET,
        time_zone=plan.time_zone.key,
    )
    quota = {
        a.meter: {"limit": a.quantity, "period": "month" if a.period == "month" else "grant"}
        for a in plan.allowances()
        if a.stops
    }
    parts = tuple(split(price, shares))
    # Use is measured even where the plan charges nothing for it: a supplier sees what was used, a buyer can prove it.
    meters = tuple(meter_of(name) for name in plan.meters) or _UNPRICED
    return Sale(
        offer,
        plan,
        terms,
        shares,
        price,
        parts,
        credits_of(parts),
        Template(frame),
        meters,
        quota,
        document["delivery"],
    )
