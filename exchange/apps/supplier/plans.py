"""The library of price plans: kept, checked, tried on last month's use, retired. Plans come as JSON or as YAML."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Annotated, Any

import msgspec
from litestar import Response, post
from litestar.params import FromPath
from msgspec import Meta

from exchange.apps.http.answers import Asked, accepted_value, found, write
from exchange.apps.http.aside import aside
from exchange.apps.http.context import actor_of, services_of
from exchange.apps.http.documented import answers, command, listing, show
from exchange.apps.http.lists import Cursor, Limit, show_page
from exchange.apps.http.wire import Sha256, Texts, Time, body_id, json_of, object_id, stamp
from exchange.apps.http.written import body_of, command_with, question_with, written_body
from exchange.catalog.plans import PlanRequest, PlanVersion
from exchange.catalog.store import plans as store
from exchange.flows.check_arbitrage import ArbitrageReceipt, check_arbitrage
from exchange.flows.check_plan import CheckWish, PlanCheck, check_plan
from exchange.flows.preview_plan import Preview, PreviewWish, preview_plan
from exchange.flows.retire_plan import RetiredReceipt, retire_plan
from exchange.flows.store_plan import PlanReceipt, store_plan
from exchange.kernel import ids
from exchange.kernel.errors import INVALID_REQUEST, Refused

PlanId = Annotated[str, Meta(examples=["pln_01m80jwmabesg81hwe4cc73nw9"])]
Number = Annotated[str, Meta(max_length=40, examples=["0.002"])]
_PATH = "/supplier/v1/plans/{plan:str}"
DOCUMENT: dict[str, Any] = {
    "type": "plan",
    "v": 1,
    "currency": "CNY",
    "components": [
        {"id": "base", "meter": None, "period": "month", "model": {"type": "flat", "amount": "300"}},
        {
            "id": "use",
            "meter": "records",
            "period": "month",
            "model": {
                "type": "graduated",
                "tiers": [{"up_to": 100_000, "unit_price": "0.004"}, {"unit_price": "0.003"}],
            },
        },
    ],
}
_YAML = """\
plan:
  type: plan
  v: 1
  currency: CNY
  components:
    - {id: base, meter: null, period: month, model: {type: flat, amount: 300}}
    - id: use
      meter: records
      period: month
      model:
        type: graduated
        tiers:
          - {up_to: 100000, unit_price: 0.004}
          - {unit_price: 0.003}
"""
_TITLE = {"en": "Records by the month", "zh": "按月计费"}
_STORE = body_of(
    {"code": "monthly", "title": _TITLE, "document": DOCUMENT},
    "code: monthly\ntitle: {en: Records by the month, zh: 按月计费}\n" + _YAML.replace("plan:\n", "document:\n", 1),
    "A plan for the library: its name there, its title, and the plan itself. 方案代码、标题与方案内容。",
)
_CHECK = body_of(
    {"plan": DOCUMENT, "costs": {"fixed": "100", "per_unit": {"records": "0.002"}}, "rates": {"USD": "7.2"}},
    _YAML + "costs: {fixed: 100, per_unit: {records: 0.002}}\nrates: {USD: 7.2}\n",
    "A plan, and what to hold it against. 方案及核对依据。",
)
_PREVIEW = body_of(
    {"plan": DOCUMENT, "listing": "lst_01m80jwmabesg81hwe4cc73nw9", "month": "2026-01"},
    _YAML + "listing: lst_01m80jwmabesg81hwe4cc73nw9\nmonth: 2026-01\n",
    "A plan (or its id), a listing or an offer, and a month. 方案（或其编号）、产品或报价方案及月份。",
)


class PlanWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A plan for the library, or the next version of one. A title needs English and Chinese."""

    code: Annotated[str, Meta(max_length=40, examples=["monthly"])]
    title: Texts
    document: dict[str, Any]


class CostsWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What it costs the supplier to serve one order for one period, in the plan's currency."""

    fixed: Number | int = "0"
    per_unit: Annotated[dict[str, Number | int], Meta(max_length=64)] = {}


class CheckBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A plan; what it is held against; with a listing, also what that listing's other revisions and offers cost."""

    plan: dict[str, Any]
    costs: CostsWish | None = None
    rates: Annotated[dict[str, Number | int], Meta(max_length=64)] | None = None
    listing: Annotated[str, Meta(max_length=40)] | None = None


class PreviewBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A plan or its id; a listing or an offer; the last month if none is named."""

    plan: dict[str, Any] | str
    listing: Annotated[str, Meta(max_length=40)] | None = None
    offer: Annotated[str, Meta(max_length=40)] | None = None
    month: Annotated[str, Meta(max_length=7, examples=["2026-01"])] | None = None


class PlanView(msgspec.Struct, frozen=True):
    """A version of a plan; offers may use it until it is retired."""

    id: PlanId
    code: str
    version: int
    title: Texts
    standing: Annotated[str, Meta(examples=["current"])]
    document: Annotated[dict[str, Any], Meta(examples=[DOCUMENT])]
    sha256: Sha256
    created_at: Time


@command("/supplier/v1/plans", PlanReceipt, operation_class=command_with(_STORE))
async def add_plan(request: Asked) -> Response[bytes]:
    """Keep a plan in your library, or the next version of one. 保存价格方案或其新版本。

    An offer names it as `"plan": {"type": "plan_ref", "id": "pln_..."}`; the stored offer holds the whole plan.
    """
    services, actor = services_of(request), actor_of(request)
    wish = await written_body(request, PlanWish)
    new = PlanRequest(wish.code, wish.title, wish.document)
    return await write(request, "plan.store", lambda tx: store_plan(tx, actor, new, services.settings.catalog))


@listing("/supplier/v1/plans", PlanView)
async def list_plans(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Response[bytes]:
    """Every version of your plans, newest first. 我的价格方案（全部版本）。"""
    actor = actor_of(request)
    return await show_page(request, actor, lambda tx, page: store.own_plans(tx, actor, page), plan_view, limit, cursor)


@show(_PATH, PlanView)
async def show_plan(request: Asked, plan: FromPath[str]) -> PlanView:
    """One version of a plan. 价格方案详情。"""
    actor = actor_of(request)
    async with services_of(request).db.read(actor) as tx:
        return plan_view(found(await store.own_plan(tx, actor, object_id("pln", plan))))


@command(f"{_PATH}/retire", RetiredReceipt, 401, 403, 404, 409, status=200)
async def retire(request: Asked, plan: FromPath[str]) -> Response[bytes]:
    """Retire a version of a plan: no new offer may use it, offers that hold it keep it. 停用价格方案版本。"""
    actor, plan_id = actor_of(request), object_id("pln", plan)
    return await write(request, "plan.retire", lambda tx: retire_plan(tx, actor, plan_id), status=200, object_id=plan)


@post(
    "/supplier/v1/plans/check",
    status_code=200,
    operation_class=question_with(_CHECK),
    responses=answers(PlanCheck, 200, 400, 401, 403, 404),
)
async def check(request: Asked) -> PlanCheck:
    """Check a plan before you use it; every finding has a counter-example in numbers. 检查价格方案并给出反例。

    Nothing is kept. `errors` say what is wrong and what would be right; `findings` may be kept if they are meant.
    The plan may come alone, as the file is. 也可直接提交方案文件本身。
    """
    services, actor = services_of(request), actor_of(request)
    body = await written_body(request, CheckBody, bare="plan")
    wish = CheckWish(
        plan=body.plan,
        fixed_cost=None if body.costs is None else _number(body.costs.fixed),
        unit_costs={} if body.costs is None else {name: _number(one) for name, one in body.costs.per_unit.items()},
        rates=None if body.rates is None else {name: _number(one) for name, one in body.rates.items()},
    )
    arbitrage = None
    if body.listing is not None:
        listing_id = body_id("lst", body.listing)
        async with services.db.read(actor) as tx:
            arbitrage = accepted_value(await check_arbitrage(tx, actor, listing_id))
    return accepted_value(await aside(partial(check_plan, wish, services.db.clock.now(), arbitrage)))


@post(
    "/supplier/v1/plans/preview",
    status_code=200,
    operation_class=question_with(_PREVIEW),
    responses=answers(Preview, 200, 400, 401, 403, 404, 409, 422),
)
async def preview(request: Asked) -> Preview:
    """What last month's real use would have cost under a plan, against what it did cost. 以上月实际用量试算方案。

    Nothing is kept. Buyers stay unnamed; the sums are those of a settlement, without tax.
    """
    services, actor = services_of(request), actor_of(request)
    body = await written_body(request, PreviewBody)
    wish = PreviewWish(
        plan=body_id("pln", body.plan) if isinstance(body.plan, str) else body.plan,
        listing_id=None if body.listing is None else body_id("lst", body.listing),
        offer_id=None if body.offer is None else body_id("ofr", body.offer),
        month=body.month,
    )
    return accepted_value(await services.db.run(lambda tx: preview_plan(tx, actor, services.sales, wish)))


@show("/supplier/v1/listings/{listing:str}/arbitrage", ArbitrageReceipt)
async def show_arbitrage(request: Asked, listing: FromPath[str]) -> ArbitrageReceipt:
    """Whether smaller purchases of yours give the same files for less than this listing's offers. 套利检查。"""
    actor, listing_id = actor_of(request), object_id("lst", listing)
    async with services_of(request).db.read(actor) as tx:
        return accepted_value(await check_arbitrage(tx, actor, listing_id))


def plan_view(one: PlanVersion) -> PlanView:
    """A version of a plan as the API shows it."""
    plan = one.plan
    return PlanView(
        id=ids.text("pln", plan.id),
        code=plan.code,
        version=plan.version,
        title=dict(plan.title),
        standing=one.standing.value,
        document=json_of(plan.document),
        sha256=plan.sha256.hex(),
        created_at=stamp(plan.created_at),
    )


def _number(written: str | int) -> Decimal:
    try:
        value = Decimal(written)
    except InvalidOperation as error:
        raise Refused(INVALID_REQUEST(reason=f"{str(written)[:40]!r} is no number")) from error
    if not value.is_finite() or value < 0 or abs(value.adjusted()) > 15:
        raise Refused(INVALID_REQUEST(reason=f"{str(written)[:40]!r} is no price or rate"))
    return value


ROUTES = (add_plan, list_plans, show_plan, retire, check, preview, show_arbitrage)
