"""What similar data costs on the exchange, carried over to a supplier's own dataset. Reads only; changes no price."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Inexact
from typing import Any
from uuid import UUID

import msgspec

from exchange.catalog.datasets import Dataset, Modality
from exchange.catalog.offers import Offer, OfferKind
from exchange.catalog.store import comparables as catalog
from exchange.catalog.store import portal, public
from exchange.catalog.store.comparables import NO_LANGUAGE, Neighbour
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.money import BadMoney, Money, allocate
from exchange.kernel.pages import PageRequest
from exchange.kernel.text import LocaleMap, Text
from exchange.quality import store as quality
from pricing import guidance, quotes
from pricing.basis import EMPTY
from pricing.compare import Mix, unmeasured
from pricing.components import Plan
from pricing.fixed import Agreed
from pricing.guidance import Comparable, Features
from pricing.understanding import understand
from settlement.store import traded
from settlement.store.traded import BUYERS_MIN, ORDERS_MIN, Traded

NEIGHBOURS_MAX = 100
TRADED_DAYS = 730
MONTHS = 12
# How many orders there were is told roughly: a competitor's sales are its own affair.
_ROUGHLY = (1_000, 300, 100, 30, 10, ORDERS_MIN)
_SIZES = {
    Modality.TEXT: ("tokens", "records", "bytes"),
    Modality.TABLE: ("records", "bytes"),
    Modality.IMAGE_TEXT: ("records", "files", "bytes"),
}
_OTHER_SIZES = ("files", "bytes")
BASES = {
    OfferKind.ONE_OFF: Text("what is due at the order", "下单时应付金额"),
    OfferKind.SUBSCRIPTION: Text(
        "the fixed part of twelve months, divided by twelve", "十二个月固定费用的月均值（不含按量部分）"
    ),
    OfferKind.PAY_PER_USE: Text("reading the whole dataset once in a month", "一个月内完整读取一遍数据集的费用"),
}
TRADED_RULE = Text(
    f"A traded price is the median of an offer's paid orders in two years, without tax, rounded to four digits; shown from "
    f"{ORDERS_MIN} orders by {BUYERS_MIN} buyers on, your own not counted. Otherwise the list price is used.",
    f"成交价为近两年已付款订单的中位数（不含税，保留四位有效数字）；至少 {BUYERS_MIN} 家买方的 {ORDERS_MIN} 笔订单方可显示，"
    "本机构的订单不计。否则采用挂牌价。",
)


@dataclass(frozen=True, slots=True)
class Beside:
    """A dataset and what stands beside it: neighbours with their offers, scores and sizes, and counts per language."""

    dataset: Dataset
    sizes: Mapping[str, int]
    score: int | None
    revised_at: datetime
    neighbours: Sequence[Neighbour]
    offers: Mapping[UUID, Sequence[Offer]]
    measured: Mapping[UUID, tuple[int | None, int, int]]
    sharing: Mapping[str, int]

    def sold(self) -> list[tuple[UUID, UUID]]:
        """Every offer and its seller."""
        return [(offer.id, offer.supplier_id) for found in self.offers.values() for offer in found]


class KindGuidance(msgspec.Struct, frozen=True):
    """The guidance for one way of paying in one currency."""

    kind: str
    currency: str
    price_is: LocaleMap
    estimate: dict[str, str] | None
    low: dict[str, str] | None
    high: dict[str, str] | None
    explanation: LocaleMap
    comparables: list[dict[str, Any]]


class PriceGuidance(msgspec.Struct, frozen=True):
    """What similar data costs. Nothing here is applied to any offer."""

    dataset: str
    never_applied: LocaleMap
    features: dict[str, Any]
    rules: list[dict[str, Any]]
    traded_prices: LocaleMap
    guidance: list[KindGuidance]


async def look_beside(tx: Tx, actor: Actor, dataset_id: UUID) -> Beside | None:
    """Load the supplier's dataset and what is published beside it; None for a dataset that is not its own."""
    dataset = await portal.own_dataset(tx, actor, dataset_id)
    if dataset is None:
        return None
    newest = await portal.own_revisions(tx, actor, dataset_id, PageRequest(limit=1))
    revision = newest.items[0] if newest.items else None
    card = await quality.visible_scorecard(tx, actor, revision.id) if revision else None
    sizes = {"files": revision.assets_count, "bytes": revision.size_bytes} if revision else {}
    if card is not None:
        signals = msgspec.json.decode(card.document)["signals"]
        sizes |= {"records": signals["records"], "tokens": signals["tokens"]}
    neighbours = await catalog.neighbours(tx, dataset.modality, dataset_id, NEIGHBOURS_MAX)
    return Beside(
        dataset=dataset,
        sizes=sizes,
        score=card.score if card else None,
        revised_at=revision.created_at if revision else tx.now,
        neighbours=neighbours,
        offers=await public.offers(tx, [one.listing_id for one in neighbours]),
        measured=await quality.disclosed_sizes(tx, [one.revision_id for one in neighbours]),
        sharing=await catalog.sharing(tx, dataset.modality, dataset_id),
    )


async def traded_beside(tx: Tx, actor: Actor, beside: Beside) -> Mapping[tuple[UUID, str], Traded]:
    """The traded prices of those offers, as far as they may be shown. Everybody's orders are looked at, so not a portal's read."""
    since = tx.now - timedelta(days=TRADED_DAYS)
    return await traded.traded_prices(tx, beside.sold(), since, actor.organisation_id)


def show_guidance(
    beside: Beside, sold: Mapping[tuple[UUID, str], Traded], at: datetime, *, exclusive: bool
) -> PriceGuidance:
    """Work the guidance out, per way of paying and currency; `exclusive` says what licence one thinks of. Pure."""
    own = _features(beside, beside.dataset.languages, beside.sizes, beside.score, beside.revised_at, exclusive, at)
    found: dict[tuple[OfferKind, str], list[Comparable]] = {}
    for neighbour in beside.neighbours:
        for offer in beside.offers[neighbour.listing_id]:
            if (one := _comparable(beside, neighbour, offer, sold, at)) is not None:
                found.setdefault((offer.kind, offer.currency), []).append(one)
    return PriceGuidance(
        dataset=ids.text("ds", beside.dataset.id),
        never_applied=guidance.NEVER_APPLIED.map(),
        features=own.document(),
        rules=[rule.document() for rule in guidance.RULES],
        traded_prices=TRADED_RULE.map(),
        guidance=[_told(kind, currency, own, found[kind, currency]) for kind, currency in sorted(found)],
    )


def _told(kind: OfferKind, currency: str, own: Features, comparables: Sequence[Comparable]) -> KindGuidance:
    document = guidance.guide(own, comparables).document()
    return KindGuidance(kind=kind.value, currency=currency, price_is=BASES[kind].map(), **document)


def _comparable(
    beside: Beside, neighbour: Neighbour, offer: Offer, sold: Mapping[tuple[UUID, str], Traded], at: datetime
) -> Comparable | None:
    score, records, tokens = beside.measured.get(neighbour.revision_id, (None, 0, 0))
    sizes = {"tokens": tokens, "records": records, "bytes": neighbour.size_bytes}
    plan = understand(msgspec.json.decode(offer.document)["plan"], EMPTY)
    listed = _list_price(plan, offer.kind, sizes, at)
    if listed is None:
        return None
    paid = _traded_price(plan, offer, listed, sold.get((offer.id, offer.currency)))
    exclusive = any(isinstance(one.model, Agreed) and one.model.how == "auction" for one in plan.components)
    features = _features(beside, neighbour.languages, sizes, score, neighbour.revised_at, exclusive, at)
    orders = sold[offer.id, offer.currency].orders if paid else 0
    name = ids.text("ofr", offer.id)
    facts = {
        "listing": ids.text("lst", neighbour.listing_id),
        "offer": name,
        "title": dict(neighbour.title),
        "listed": listed.to_wire(),
        "orders_at_least": next((least for least in _ROUGHLY if orders >= least), 0),
    }
    seller = ids.text("org", neighbour.supplier_id)
    return Comparable(name, seller, paid or listed, paid is not None, features, facts)


def _features(
    beside: Beside,
    languages: Sequence[str],
    sizes: Mapping[str, int],
    score: int | None,
    revised_at: datetime,
    exclusive: bool,
    at: datetime,
) -> Features:
    families = frozenset(tag.partition("-")[0] for tag in languages)
    # One's own dataset is counted beside the others, whether it is published or not.
    shared = {name: beside.sharing.get(name, 0) for name in families or {NO_LANGUAGE}}
    own = frozenset(tag.partition("-")[0] for tag in beside.dataset.languages) or {NO_LANGUAGE}
    order = _SIZES.get(beside.dataset.modality, _OTHER_SIZES)
    return Features(
        languages=families,
        sizes={unit: sizes[unit] for unit in order if sizes.get(unit)},
        score=score,
        sharing=max(1, min(count + (name in own) for name, count in shared.items())),
        exclusive=exclusive,
        age_days=max(0, (at - revised_at).days),
    )


def _list_price(plan: Plan, kind: OfferKind, sizes: Mapping[str, int], at: datetime) -> Money | None:
    """What an offer asks, as `BASES` says; None where that cannot be told."""
    if plan.unpriced:
        return None
    if kind is OfferKind.ONE_OFF:
        return plan.due_now_total
    use = {} if kind is OfferKind.SUBSCRIPTION else {key: size for key, size in sizes.items() if key in plan.meters}
    if kind is OfferKind.PAY_PER_USE and (not use or unmeasured(plan, Mix(next(iter(use)), use))):
        return None
    months = MONTHS if kind is OfferKind.SUBSCRIPTION else 1
    try:
        whole = quotes.simulate(plan, [use] * months, at)[-1].running
    except (BadMoney, Inexact):
        return None
    return allocate(whole, [1] * months)[0]


def _traded_price(plan: Plan, offer: Offer, listed: Money, sold: Traded | None) -> Money | None:
    """The list price times what buyers paid at the order over what the list asks there; None where nobody may see it."""
    asked = plan.due_now_total.units
    if sold is None or not asked or offer.kind is OfferKind.PAY_PER_USE:
        return None
    return guidance.rounded(Money(listed.units * sold.median.units // asked, listed.currency))
