"""What every sale of one offer shares: worked out once, because an offer never changes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
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
from exchange.flows.problems import NOT_FOR_SALE
from exchange.flows.taxing import NO_TAX, Taxing, taxing
from exchange.kernel.canonical import canonical, digest
from exchange.kernel.errors import Problem
from exchange.kernel.money import Money
from exchange.kernel.text import Text
from exchange.parties.organisations import Standing
from pricing import binding
from pricing.basis import EMPTY, Basis
from pricing.plans import Plan, load
from pricing.problems import CHOICE_INVALID
from pricing.rating import price_now, total
from pricing.understanding import understand as understand_plan
from settlement.orders import Order
from settlement.postings import Credits, credits_of
from settlement.splits import Part, Share, parse_shares, split, with_tax

RULE_SET = "trade/1"
_CACHED_MAX = 4_096
_BOUND_MAX = 2_048
_TAXED_MAX = 64
_VERDICTS_MAX = 1_024
# What can be counted without looking into the files.
_UNPRICED = (Meter.BYTES, Meter.REQUESTS, Meter.FILES)
_ANY_DAY = datetime(2026, 1, 1, tzinfo=UTC)
_RULE_ENDED = Text("the rule by which its money is split has ended", "其分成规则已失效")
_NOT_YOURS = Text("the buyer does not name this amount", "该金额不由买方指定")


@dataclass(frozen=True, slots=True)
class Sale:
    """An offer, understood for one basis: its price now, who gets which part, and the agreement with gaps.

    shapes   basis: canonical JSON of what fixed the price beside the offer, None where nothing did
             varies: whether the price at the order depends on the day, because a first period may not be whole
             sold_until: when the split rule ends by which it is sold, None where none does
    units    `price` is what the buyer pays when the order is placed, `tax` the part of it that is tax
    """

    offer: OfferForSale
    plan: Plan
    terms: Terms
    shares: tuple[Share, ...]
    price: Money
    parts: tuple[Part, ...]
    credits: Credits
    template: Template
    meters: tuple[str, ...]
    quota: Mapping[str, Any]
    delivery: Mapping[str, bool]
    classes: frozenset[str]
    open_amounts: frozenset[str]
    varies: bool
    basis: bytes | None = None
    tax: Money | None = None
    taxing: Taxing | None = NO_TAX
    sold_until: datetime | None = None
    verdicts: dict[tuple[tuple[str, ...], str], Problem | None] = field(default_factory=dict, compare=False)
    taxed: dict[Taxing, Sale] = field(default_factory=dict, compare=False)

    def refuses(self, purposes: tuple[str, ...], country: str, at: datetime) -> Problem | None:
        """Why the terms do not allow one of these purposes in that country to an agreement that begins now, or None.

        Nor is anything sold by a split rule that has ended.
        """
        if self.sold_until is not None and at >= self.sold_until:
            return NOT_FOR_SALE(reason=_RULE_ENDED)
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

    def at(self, starts_at: datetime, taxing: Taxing | None = NO_TAX) -> Sale:
        """The same with the price of an agreement that begins then and is taxed so."""
        if not self.varies:
            if taxing is NO_TAX:
                return self
            if taxing not in self.taxed:
                while len(self.taxed) >= _TAXED_MAX:
                    self.taxed.pop(next(iter(self.taxed)))
                self.taxed[taxing] = self._priced(self.price, taxing)
            return self.taxed[taxing]
        amount = total(self.plan, price_now(self.plan, starts_at, self.ends_at(starts_at)))
        return self._priced(amount, taxing)

    def _priced(self, amount: Money, taxing: Taxing | None) -> Sale:
        line = None if taxing is NO_TAX else taxing.on(amount)
        net, tax = (amount, None) if line is None else (line.net, line.tax)
        parts = self.parts_of(net, tax)
        price = amount if line is None else line.gross
        return replace(self, price=price, parts=parts, credits=credits_of(parts), tax=tax, taxing=taxing)

    def parts_of(self, net: Money, tax: Money | None) -> tuple[Part, ...]:
        """Who gets which part of a net amount, and the tax on it."""
        parts = split(net, self.shares)
        return tuple(parts if tax is None else with_tax(parts, tax))

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
    """The sales used last, by offer version; those with a basis of their own apart, so that they push nothing out."""

    def __init__(self) -> None:
        """Start empty."""
        self._known: OrderedDict[tuple[bytes, UUID], Sale] = OrderedDict()
        self._bound: OrderedDict[tuple[bytes, UUID, bytes], Sale] = OrderedDict()
        self._shares: OrderedDict[tuple[bytes, UUID], tuple[Share, ...]] = OrderedDict()

    def of(
        self,
        offer: OfferForSale,
        basis: Basis = EMPTY,
        *,
        sides: tuple[Standing, Standing] | None = None,
        at: datetime | None = None,
        accepted: bool = False,
    ) -> Sale | Problem:
        """The sale of an offer version to a buyer with these choices, at the price of an agreement that begins at `at`.

        The listing's state and the parties' standing are not part of what is kept.

        shapes   sides = (seller, buyer), for the tax; without them there is none
                 at None: with no price of a moment; accepted: by a quote, so that a coupon is not judged again
        errors   answers what pricing and the tax rules refuse; BadPlan, BadTerms, BadShares for a stored offer that no
                 longer parses: a defect
        """
        sale: Sale | Problem = self._plain(offer)
        if basis is not EMPTY and basis != EMPTY:
            sale = self._judged(self._plain(offer), basis, None if accepted else at)
        if at is None or isinstance(sale, Problem):
            return sale
        taxed = NO_TAX if sides is None else taxing(sides, sale.plan, at)
        return taxed if isinstance(taxed, Problem) else sale.at(at, taxed)

    def sold(self, offer: OfferForSale, order: Order) -> Sale:
        """What was sold with an order: the plan by which it is rated, and the shares. Its price stands on the order."""
        if order.price_basis is None:
            return self._plain(offer)
        known = self._bound.get((offer.sha256, offer.offer_id, order.price_basis))
        if known is not None:
            return known
        basis = Basis.from_document(msgspec.json.decode(order.price_basis))
        return self._bind(self._plain(offer), basis, order.price_basis)

    def shares_of(self, offer: OfferForSale) -> tuple[Share, ...]:
        """Who shares in every sale of an offer version, whatever its price."""
        # Whoever only writes statements has no need to understand plans.
        key = offer.sha256, offer.offer_id
        shares = self._known[key].shares if key in self._known else self._shares.get(key)
        if shares is None:
            while len(self._shares) >= _CACHED_MAX:
                self._shares.popitem(last=False)
            document = msgspec.json.decode(offer.document)
            shares = self._shares[key] = parse_shares(document["shares"], offer.supplier_id)
        return shares

    def open_to(
        self, offer: OfferForSale, choices: Basis, buyer_class: str | None, *, tried: bool = False
    ) -> Basis | Problem:
        """The basis of a buyer who chose this: with its verified class where the plan asks for one.

        shapes   tried: whether the buyer had the offer's trial before
        errors   answers choice-invalid for an amount that is not the buyer's to name
        """
        if choices is not EMPTY:
            for name in choices.amounts:
                if name not in self._plain(offer).open_amounts:
                    return CHOICE_INVALID(field=f"amounts/{name}", why=_NOT_YOURS)
        basis = self.classed(offer, choices, buyer_class)
        return self.untried(offer, basis) if tried else basis

    def classed(self, offer: OfferForSale, basis: Basis, buyer_class: str | None) -> Basis:
        """`basis` with the verified class where the plan tells it apart, and nothing that the offer says by itself."""
        named = buyer_class if buyer_class is not None and buyer_class in self._plain(offer).classes else None
        currency = None if basis.currency == offer.currency else basis.currency
        if named == basis.buyer_class and currency == basis.currency:
            return basis
        return replace(basis, buyer_class=named, currency=currency)

    def untried(self, offer: OfferForSale, basis: Basis) -> Basis:
        """`basis` without the trial, where the plan has one."""
        return replace(basis, trial_used=True) if self._plain(offer).plan.trial_days else basis

    def _plain(self, offer: OfferForSale) -> Sale:
        # Two listings may offer the same words; each keeps its own.
        sale = self._known.get((offer.sha256, offer.offer_id))
        if sale is None:
            while len(self._known) >= _CACHED_MAX:
                self._known.popitem(last=False)
            sale = self._known[offer.sha256, offer.offer_id] = understand(offer)
        return sale

    def _judged(self, plain: Sale, basis: Basis, at: datetime | None) -> Sale | Problem:
        """The sale on a basis, judged anew if it is a new order's: a coupon holds for a while only."""
        said = canonical(basis.document())
        known = self._bound.get((plain.offer.sha256, plain.offer.offer_id, said))
        if known is not None and (basis.coupon is None or at is None):
            return known
        problem = None if at is None else binding.refused(plain.plan.offered, basis, at)
        return problem or self._bind(plain, basis, said)

    def _bind(self, plain: Sale, basis: Basis, said: bytes) -> Sale:
        offer, plan = plain.offer, understand_plan(plain.plan.offered, basis)
        frame = _frame(offer, plan, plain.terms, digest(msgspec.json.decode(offer.document)["terms"]), said)
        parts = plain.parts_of(plan.due_now_total, None)
        sale = replace(
            plain,
            basis=said,
            price=plan.due_now_total,
            parts=parts,
            credits=credits_of(parts),
            template=Template(frame),
            taxed={},
            **_facts(plan, plain.terms),
        )
        while len(self._bound) >= _BOUND_MAX:
            self._bound.popitem(last=False)
        self._bound[offer.sha256, offer.offer_id, said] = sale
        return sale


def understand(offer: OfferForSale) -> Sale:
    """Work out what every sale of `offer` shares.

    errors   BadPlan, BadTerms, BadShares
    """
    document = msgspec.json.decode(offer.document)
    plan = load(document["plan"])
    terms = licence.load(document["terms"])
    shares = parse_shares(document["shares"], offer.supplier_id)
    price = plan.due_now_total
    parts = tuple(split(price, shares))
    frame = _frame(offer, plan, terms, digest(document["terms"]))
    classes, open_amounts = _choices(document["plan"])
    until = document.get("split_rule", {}).get("effective_until")
    return Sale(
        offer=offer,
        terms=terms,
        shares=shares,
        price=price,
        parts=parts,
        credits=credits_of(parts),
        template=Template(frame),
        sold_until=datetime.fromisoformat(until) if until else None,
        delivery=document["delivery"],
        classes=classes,
        open_amounts=open_amounts,
        **_facts(plan, terms),
    )


def _facts(plan: Plan, terms: Terms) -> dict[str, Any]:
    """What a sale and its grants need to know of a plan."""
    quota = {
        a.meter: {"limit": a.quantity, "period": "month" if a.period == "month" else "grant"}
        for a in plan.allowances()
        if a.stops
    }
    # A licence that ends may cut the first period, as a calendar's edge may.
    cut = any(unit is not None for unit in plan.cadences) and terms.ends_at(_ANY_DAY, plan.time_zone) is not None
    return {
        "plan": plan,
        "quota": quota,
        # Use is measured even where the plan charges nothing for it: a supplier sees what was used, a buyer can prove it.
        "meters": tuple(meter_of(name) for name in plan.meters) or _UNPRICED,
        "varies": plan.starts_partial or cut,
    }


def _frame(offer: OfferForSale, plan: Plan, terms: Terms, terms_sha256: bytes, basis: bytes = b"") -> Frame:
    return Frame(
        offer_id=offer.offer_id,
        offer_sha256=offer.sha256,
        plan_sha256=bytes.fromhex(plan.sha256),
        terms_sha256=terms_sha256,
        seller_id=offer.supplier_id,
        currency=plan.currency,
        prevailing_language=terms.prevailing_language,
        rule_set=RULE_SET,
        time_zone=plan.time_zone.key,
        basis=basis,
    )


def _choices(plan: Mapping[str, Any]) -> tuple[frozenset[str], frozenset[str]]:
    """The buyer classes that a plan tells apart, and the components whose amount the buyer names."""
    classes = {name for one in plan.get("discounts", ()) for name in one.get("classes", ())}
    classes |= {one["buyer_class"] for one in plan.get("price_lists", ()) if one.get("buyer_class")}
    chosen = {one["id"] for one in plan["components"] if one["model"]["type"] == "pay_what_you_want"}
    return frozenset(classes), frozenset(chosen)
