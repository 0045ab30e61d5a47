"""An offer's price as JSON: words, a table, price lists, and worked examples."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from exchange.apps.http.wire import Id, MoneyWire, Sha256, Texts, money_wire
from exchange.flows.show_price import Priced, PricePage, bases, examples
from exchange.kernel import ids
from exchange.kernel.text import Text
from pricing import words
from pricing.basis import EMPTY, Basis
from pricing.components import Plan
from pricing.price_rows import Row, rows
from pricing.rating import Due
from pricing.understanding import understand


class PriceRow(msgspec.Struct, frozen=True):
    """A row of the price table: for which units, how much, per what. `amount` is exact; the rest is for people."""

    component: str
    title: Texts
    range: Texts
    price: Texts
    per: Texts
    first: Annotated[str | None, Meta(examples=["1"])]
    last: Annotated[str | None, Meta(examples=["100000"])]
    amount: Annotated[str | None, Meta(examples=["0.004"])]


class PriceList(msgspec.Struct, frozen=True):
    """The price in one currency, for everybody or for one class of buyers that the exchange has verified."""

    currency: Annotated[str, Meta(examples=["CNY"])]
    buyer_class: Annotated[str | None, Meta(examples=["academic"])]
    entry_price: Annotated[MoneyWire, Meta(description="What one pays to start.")]
    words: list[Texts]
    rows: list[PriceRow]


class PriceLine(msgspec.Struct, frozen=True):
    """A line of an example with its arithmetic."""

    id: str
    title: Texts | None
    amount: MoneyWire
    explanation: Texts


class PriceExample(msgspec.Struct, frozen=True):
    """What the first month that is charged costs with this use, before tax."""

    usage: Annotated[dict[str, int], Meta(examples=[{"records": 50_000}])]
    total: MoneyWire
    lines: list[PriceLine]


class PriceDocument(msgspec.Struct, frozen=True):
    """All that stands about an offer's price. `plan` is what `plan_sha256` is over, in canonical form."""

    offer: Id
    listing: Id
    code: str
    version: int
    kind: Annotated[str, Meta(examples=["subscription"])]
    standing: Annotated[str, Meta(description="Only a current version can be bought.", examples=["current"])]
    currency: Annotated[str, Meta(examples=["CNY"])]
    entry_price: MoneyWire
    words: list[Texts]
    conditions: Annotated[list[Texts], Meta(description="Trial, limits, discounts, tax, other price lists.")]
    tax: Texts
    rows: list[PriceRow]
    price_lists: list[PriceList]
    examples: list[PriceExample]
    plan: dict[str, Any]
    plan_sha256: Sha256
    sha256: Sha256


def price_document(page: PricePage, at: datetime) -> PriceDocument:
    """An offer's price as everybody sees it; examples begin at `at`."""
    offer, plan = page.offer, understand(page.plan, EMPTY)
    return PriceDocument(
        offer=ids.text("ofr", offer.id),
        listing=ids.text("lst", offer.listing_id),
        code=offer.code,
        version=offer.version,
        kind=offer.kind.value,
        standing=page.standing.value,
        currency=plan.currency,
        entry_price=_entry(plan),
        words=_said(words.components(plan)),
        conditions=_said(words.conditions(plan)),
        tax=words.tax(plan).map(),
        rows=[price_row(row) for row in rows(plan)],
        price_lists=[price_list(page, basis) for basis in bases(page.plan)],
        examples=[price_example(one) for one in examples(page.plan, at)],
        plan=dict(page.plan),
        plan_sha256=plan.sha256,
        sha256=offer.sha256.hex(),
    )


def price_list(page: PricePage, basis: Basis) -> PriceList:
    """The price for one currency and buyer class."""
    plan = understand(page.plan, basis)
    return PriceList(
        currency=plan.currency,
        buyer_class=basis.buyer_class,
        entry_price=_entry(plan),
        words=_said(words.components(plan)),
        rows=[price_row(row) for row in rows(plan)],
    )


def price_row(row: Row) -> PriceRow:
    """A row as JSON."""
    return PriceRow(
        component=row.component,
        title=row.title.map(),
        range=row.range.map(),
        price=row.price.map(),
        per=row.per.map(),
        first=row.first,
        last=row.last,
        amount=row.amount,
    )


def price_example(one: Priced) -> PriceExample:
    """A worked example as JSON."""
    total = one.total
    return PriceExample(
        dict(one.usage), money_wire(total.units, total.currency), [price_line(due) for due in one.lines]
    )


def price_line(due: Due) -> PriceLine:
    """A line with its arithmetic as JSON."""
    line, amount = due.line, due.amount
    text = line.explain()["text"]
    return PriceLine(line.id, dict(line.title) or None, money_wire(amount.units, amount.currency), text)


def _entry(plan: Plan) -> MoneyWire:
    return money_wire(plan.due_now_total.units, plan.currency)


def _said(texts: list[Text]) -> list[dict[str, str]]:
    return [text.map() for text in texts]
