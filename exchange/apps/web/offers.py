"""An offer's price as a page, with a calculator that is a plain form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from litestar import Response, get
from litestar.params import FromPath

from exchange.apps.http.answers import Asked, found
from exchange.apps.http.context import services_of
from exchange.apps.http.pages import render
from exchange.apps.http.price_views import price_document
from exchange.apps.http.wire import object_id
from exchange.flows.show_price import MONTHS_MAX, Priced, PricePage, show_price, work_out
from exchange.kernel import ids
from exchange.kernel.errors import Problem
from exchange.kernel.meant import rewrites
from exchange.kernel.text import Text
from pricing import words
from pricing.basis import Basis
from pricing.components import Plan
from pricing.exact import from_units, grouped
from pricing.price_rows import buyer_classes, currencies, rows, typical
from pricing.quotes import Month
from pricing.understanding import understand
from pricing.word_parts import BUYER_CLASSES, money, unit

_USE = "use_"
_CHART_WIDTH, _CHART_HEIGHT = 600, 120
_NOT_A_NUMBER = Text(
    "{value} is no whole number; write digits, such as 50000", "{value} 不是整数；请填写数字，例如 50000"
)


@dataclass(frozen=True, slots=True)
class Form:
    """What the form holds: as it was typed, and as it was understood."""

    typed: Mapping[str, str]
    usage: Mapping[str, int]
    months: int
    basis: Basis
    wrong: Text | None


@get("/offers/{offer:str}")
async def one_offer(request: Asked, offer: FromPath[str]) -> Response[bytes]:
    """One offer: its price in words and as a table, and what a use of one's own would cost."""
    services, now = services_of(request), services_of(request).db.clock.now()
    async with services.db.read(None) as tx:
        page = found(await show_price(tx, object_id("ofr", offer)))
    plain = understand(page.plan, Basis())
    form = _form(request.query_params, page, plain)
    plan = understand(page.plan, form.basis)
    worked = None if form.wrong else work_out(page.plan, form.basis, form.usage, form.months, now)
    return render(
        request,
        "offer.html",
        page=page,
        offer=page.offer,
        price=price_document(page, now),
        plan=plan,
        said=words.components(plan),
        conditions=words.conditions(plan),
        tax=words.tax(plan),
        rows=rows(plan),
        form=form,
        meters=[(meter, _USE + meter, unit(meter)) for meter in plain.meters],
        currencies=currencies(page.plan),
        classes=[(name, BUYER_CLASSES[name]) for name in buyer_classes(page.plan)],
        months_max=MONTHS_MAX,
        worked=worked if isinstance(worked, Priced) else None,
        refused=worked if isinstance(worked, Problem) else None,
        chart=_chart(worked.months) if isinstance(worked, Priced) and form.months > 1 else None,
        text=ids.text,
        wire=lambda amount: money(Decimal(amount.amount), amount.currency),
        money=lambda amount: money(from_units(amount.units), amount.currency),
        number=lambda count: grouped(Decimal(count)),
    )


def _form(query: Mapping[str, str], page: PricePage, plan: Plan) -> Form:
    """The form from the query; without one, a typical use."""
    uses = typical(plan)
    usual = uses[len(uses) // 2]
    asked = any(_USE + meter in query for meter in plan.meters)
    typed: dict[str, str] = {}
    usage: dict[str, int] = {}
    wrong = None
    for meter in plan.meters:
        typed[meter] = query.get(_USE + meter, "0" if asked else grouped(Decimal(usual[meter])))[:40]
        quantity = _whole(typed[meter] or "0")
        if quantity is None:
            wrong = Text(_NOT_A_NUMBER.en.format(value=typed[meter]), _NOT_A_NUMBER.zh.format(value=typed[meter]))
        usage[meter] = quantity or 0
    months = _whole(query.get("months", "1")) or 1
    currency, buyer_class = query.get("currency", ""), query.get("class", "")
    return Form(
        typed=typed,
        usage=usage,
        months=max(1, min(months, MONTHS_MAX)),
        basis=Basis(
            currency=currency if currency in currencies(page.plan)[1:] else None,
            buyer_class=buyer_class if buyer_class in buyer_classes(page.plan) else None,
        ),
        wrong=wrong,
    )


def _whole(text: str) -> int | None:
    """A quantity however people write it: 50000, 50,000, 5万."""
    for value in rewrites(text):
        if type(value) is int and value >= 0:
            return value
    return None


def _chart(months: tuple[Month, ...] | Any) -> str:
    """The points of the running sum, for a line of SVG."""
    top = max(1, *(month.running.units for month in months))
    step = _CHART_WIDTH / len(months)
    points = [(0.0, float(_CHART_HEIGHT))]
    for number, month in enumerate(months, 1):
        points.append((number * step, _CHART_HEIGHT * (1 - month.running.units / top)))
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


ROUTES: tuple[Any, ...] = (one_offer,)
