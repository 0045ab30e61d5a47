"""An outcome-based deal, made over HTTP by the parties that would make it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from exchange.kernel.money import Money
from settlement import postings
from settlement.store import ledger
from tests.support.api import Market, Party
from tests.support.trade import OnSale, offer_document, on_sale

METHOD = {"en": "F1 on 5,000 held-out questions, before and after.", "zh": "使用前后在 5000 题留出集上的 F1 值。"}
REASON = {"en": "The held-out set was in the training data.", "zh": "留出集混入了训练数据。"}


def outcome(evaluator: str, **changes: Any) -> dict[str, Any]:
    """A component that costs 100 per point of F1 above 71, at least 200 and at most 1,000."""
    model = {
        "type": "outcome",
        "metric": {"en": "F1", "zh": "F1 值"},
        "unit": "point",
        "baseline": "71",
        "direction": "up",
        "unit_price": "100",
        "floor": "200",
        "cap": "1000",
        "evaluator": evaluator,
        **changes,
    }
    title = {"en": "By result", "zh": "按效果付费"}
    return {"id": "uplift", "title": title, "meter": None, "period": None, "model": model}


@dataclass(frozen=True, slots=True)
class OutcomeDeal:
    """A grant whose price is an outcome, and who stands around it."""

    sale: OnSale
    supplier: Party
    buyer: Party
    evaluator: Party
    offer: str
    order: dict[str, Any]
    grant: str


async def outcome_deal(
    m: Market, sale: OnSale | None = None, *, buyer: Party | None = None, **changes: Any
) -> OutcomeDeal:
    """An offer with an outcome, ordered by a buyer with money in its wallet."""
    sale = sale or await on_sale(m)
    evaluator = await m.join("assessor")
    buyer = buyer or await funded(m)
    body = {"code": "by-result", "document": offer_document("one_off", outcome(evaluator.organisation, **changes))}
    offer = (await m.done(sale.supplier, f"/supplier/v1/listings/{sale.listing}/offers", body))["id"]
    wish = {"offer": offer, "purposes": ["pretrain"], "payment": "wallet"}
    order = await m.done(buyer, "/buyer/v1/orders", wish)
    return OutcomeDeal(sale, sale.supplier, buyer, evaluator, offer, order, order["grant"])


async def funded(m: Market, units: int = 5_000_000_000) -> Party:
    """A buyer with money in its wallet."""
    buyer = await m.join("buyer")
    money = postings.top_up(m.services.db.ids.new(m.services.db.clock.now()), buyer.id, Money(units, "CNY"))
    await m.services.db.run(lambda tx: ledger.post(tx, [money]))
    return buyer


def measurement(deal: OutcomeDeal, measured: str, at: datetime) -> dict[str, Any]:
    """What the evaluator sends."""
    return _said(deal.grant, measured, at)


def measured_now(m: Market, grant: str) -> dict[str, Any]:
    """The same for a grant that was made otherwise."""
    return _said(grant, "75", m.services.db.clock.now())


def _said(grant: str, measured: str, at: datetime) -> dict[str, Any]:
    return {
        "grant": grant,
        "component": "uplift",
        "measured": measured,
        "measured_at": at.isoformat(),
        "evidence_sha256": "ab" * 32,
        "method": METHOD,
    }


async def propose(m: Market, deal: OutcomeDeal, measured: str) -> dict[str, Any]:
    """A proposed measurement."""
    wish = measurement(deal, measured, m.services.db.clock.now())
    return await m.done(deal.evaluator, "/assessor/v1/measurements", wish)


async def agree(m: Market, deal: OutcomeDeal, one: dict[str, Any]) -> dict[str, Any]:
    """Both sides accept; the answer to the second."""
    wish = {"sha256": one["sha256"]}
    await m.done(deal.buyer, f"/buyer/v1/measurements/{one['id']}/acceptance", wish)
    return await m.done(deal.supplier, f"/supplier/v1/measurements/{one['id']}/acceptance", wish)
