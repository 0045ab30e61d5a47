"""Whether public data is sold at cost: the stated costs beside what was charged for them so far. Reads only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec

from exchange.catalog.listings import ListingState
from exchange.catalog.store.listings import load_offers, versions_of
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.money import Money
from exchange.kernel.text import Text
from settlement.store.recovered import recovered

_STANDS = {
    "outstanding": Text(
        "The costs are not recovered yet: {left} are left. There is no margin.",
        "成本尚未收回，还差 {left}。没有利润。",
    ),
    "recovered": Text("The costs are recovered exactly. There is no margin.", "成本恰好收回。没有利润。"),
    "surplus": Text(
        "More was charged than the stated costs: a surplus of {left}. The zero margin no longer holds.",
        "已收费用超过所列成本，超出 {left}。零利润不再成立。",
    ),
}


class StatedCost(msgspec.Struct, frozen=True):
    """One cost, and what it is for."""

    title: dict[str, str]
    amount: dict[str, str]


class Recovery(msgspec.Struct, frozen=True):
    """One component in one currency: `margin` is what was recovered minus the costs; below zero, costs are open.

    `recovered` counts what was charged before discounts and caps: buyers paid this, or less.
    """

    component: str
    title: dict[str, str]
    currency: str
    costs: list[StatedCost]
    total: dict[str, str]
    quantity: int
    recovered: dict[str, str]
    margin: dict[str, str]
    state: str
    zero_margin: bool
    summary: dict[str, str]


class CostRecoveryProof(msgspec.Struct, frozen=True):
    """Every component of an offer that recovers costs, over all versions of the offer; empty where none does."""

    offer: str
    code: str
    version: int
    components: list[Recovery]


async def show_cost_recovery(tx: Tx, offer_id: UUID, actor: Actor | None = None) -> CostRecoveryProof | None:
    """The proof for an offer on a published listing, or for one of the actor's own; None for any other.

    Charges of earlier versions count along: a new version of an offer does not start its costs afresh.
    """
    offer = (await load_offers(tx, [offer_id])).get(offer_id)
    if offer is None or (actor is None and offer.listing_state is not ListingState.PUBLISHED):
        return None
    if not offer.shown_to(None if actor is None else actor.organisation_id):
        return None
    if actor is not None and offer.supplier_id != actor.organisation_id:
        return None
    stated = _stated(msgspec.json.decode(offer.document)["plan"])
    charged: Mapping[tuple[str, str], int] = {}
    if stated:
        versions = await versions_of(tx, offer.listing_id, offer.code)
        charged = await recovered(tx, versions, sorted({one["id"] for one, _, _ in stated}))
    items = [_recovery(one, model, currency, charged.get((one["id"], currency), 0)) for one, currency, model in stated]
    return CostRecoveryProof(ids.text("ofr", offer_id), offer.code, offer.version, items)


def _stated(plan: Mapping[str, Any]) -> list[tuple[Mapping[str, Any], str, Mapping[str, Any]]]:
    """Component, currency and model of everything that recovers costs; another currency states its costs for itself."""
    found = []
    for one in plan["components"]:
        if one["model"]["type"] == "cost_recovery":
            found.append((one, plan["currency"], one["model"]))
        for prices in plan.get("price_lists", ()):
            model = prices.get("models", {}).get(one["id"])
            # A list for a class of buyers shares in the same costs; only the one for everybody states them.
            if model and model["type"] == "cost_recovery" and "buyer_class" not in prices and "currency" in prices:
                found.append((one, prices["currency"], model))
    return found


def _recovery(one: Mapping[str, Any], model: Mapping[str, Any], currency: str, units: int) -> Recovery:
    costs = [
        (cost["title"], Money.from_wire({"amount": cost["amount"], "currency": currency})) for cost in model["costs"]
    ]
    total = sum((amount.units for _, amount in costs), 0)
    margin = units - total
    state = "surplus" if margin > 0 else "recovered" if margin == 0 else "outstanding"
    left = Money(abs(margin), currency).to_wire()
    return Recovery(
        component=one["id"],
        title=one.get("title", {}),
        currency=currency,
        costs=[StatedCost(title, amount.to_wire()) for title, amount in costs],
        total=Money(total, currency).to_wire(),
        quantity=model["quantity"],
        recovered=Money(units, currency).to_wire(),
        margin=Money(margin, currency).to_wire(),
        state=state,
        zero_margin=margin <= 0,
        summary={
            language: _STANDS[state].in_(language).format(left=f"{left['amount']} {currency}")
            for language in ("en", "zh")
        },
    )
