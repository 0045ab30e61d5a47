"""Split rules of a dataset: written, checked, tried on past months; and mandates of brokers."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

import msgspec
from litestar import Response, post
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from exchange.apps.http.answers import Asked, accepted_value, found, write
from exchange.apps.http.aside import aside
from exchange.apps.http.context import actor_of, services_of
from exchange.apps.http.documented import answers, command, listing, show
from exchange.apps.http.lists import Cursor, Limit, show_page
from exchange.apps.http.split_views import WATERFALL, Moment, Percent, RuleId, RuleView, rule_view, split_routes
from exchange.apps.http.wire import Id, body_id, json_of, object_id
from exchange.apps.http.written import body_of, command_with, question_with, written_body
from exchange.catalog.store import portal
from exchange.flows.put_mandate import MandateReceipt, put_mandate
from exchange.flows.put_split_rule import RuleCheck, RuleReceipt, check_split_rule, put_split_rule
from exchange.flows.simulate_split import SplitSimulation, SplitWish, past_sales, simulate_split
from exchange.kernel import ids
from exchange.kernel.db import Tx
from exchange.kernel.errors import NOT_FOUND, Refused
from exchange.kernel.pages import Page, PageRequest
from settlement.mandates import TAIL_MONTHS_MAX, MandateWish
from settlement.store import split_rules as store
from settlement.waterfall_document import SplitRule

_PATH = "/supplier/v1/datasets/{dataset:str}/split-rules"
_YAML = """\
document:
  type: waterfall
  v: 1
  currency: CNY
  time_zone: Asia/Shanghai
  steps:
    - {id: fee, op: share_of_gross, per: month, percent: 12, at_most: 50000.00, payees: [{role: platform}]}
    - {id: rest, op: residual, per: month, payees: [{role: supplier}]}
"""
_PUT = body_of(
    {"code": "main", "document": WATERFALL},
    "code: main\n" + _YAML,
    "A rule for the dataset: its name there, and the waterfall. 规则代码与瀑布式分成规则。",
)
_CHECK = body_of({"document": WATERFALL}, _YAML, "A waterfall. 瀑布式分成规则。")
_SIMULATE = body_of(
    {"rule": WATERFALL, "first": "2026-01", "last": "2026-03"},
    _YAML.replace("document:", "rule:", 1) + "first: 2026-01\nlast: 2026-03\n",
    "A waterfall (or the id of a rule), and the first and the last month. 规则（或其编号）及起止月份。",
)
_Month = Annotated[str, Meta(max_length=7, examples=["2026-01"])]


class SplitRuleWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A rule for a dataset, or the next version of one."""

    code: Annotated[str, Meta(max_length=40, examples=["main"])]
    document: dict[str, Any]


class SplitCheckBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A rule that is not kept."""

    document: dict[str, Any]


class SplitSimulationBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A rule or its id, and the months to try it on."""

    rule: dict[str, Any] | str
    first: _Month
    last: _Month


class MandateForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A broker, its percentage of the gross of sales to buyers whom it introduces, the term, and the tail in months."""

    broker: Id
    percent: Percent
    starts_at: Moment
    ends_at: Moment
    tail_months: Annotated[int, Meta(ge=0, le=TAIL_MONTHS_MAX, examples=[6])] = 0


class OfferSplit(msgspec.Struct, frozen=True):
    """How an offer's money is split: the shares that it is sold with, and the rule that it names."""

    offer: Id
    rule: RuleId | None
    rule_sha256: str | None
    shares: list[dict[str, Any]]


@command(_PATH, RuleReceipt, operation_class=command_with(_PUT))
async def add_rule(request: Asked, dataset: FromPath[str]) -> Response[bytes]:
    """Write a split rule of a dataset, or the next version of one; the exchange signs it. 登记数据集的分成规则。

    An offer names it as `"split_rule": {"id": "rul_...", "sha256": "..."}` in place of `shares`. Offers that name an older
    version keep it.
    """
    services, actor, dataset_id = services_of(request), actor_of(request), object_id("ds", dataset)
    wish = await written_body(request, SplitRuleWish)
    return await write(
        request,
        "split_rule.put",
        lambda tx: put_split_rule(tx, actor, services.keyring, dataset_id, wish.code, wish.document),
        object_id=dataset,
    )


@listing(_PATH, RuleView, 400, 401, 403, 404)
async def list_rules(
    request: Asked, dataset: FromPath[str], limit: Limit = None, cursor: Cursor = None
) -> Response[bytes]:
    """Every version of a dataset's split rules, newest first. 数据集的分成规则（全部版本）。"""
    actor, dataset_id = actor_of(request), object_id("ds", dataset)

    async def read(tx: Tx, page: PageRequest) -> Page[SplitRule]:
        found(await portal.own_dataset(tx, actor, dataset_id))
        return await store.own_rules(tx, actor, dataset_id, page)

    return await show_page(request, actor, read, rule_view, limit, cursor)


@post(
    f"{_PATH}/check",
    status_code=200,
    operation_class=question_with(_CHECK),
    responses=answers(RuleCheck, 200, 400, 401, 403, 404),
)
async def check_rule(request: Asked, dataset: FromPath[str]) -> RuleCheck:
    """Check a split rule before you keep it: every finding names its step. 检查分成规则，逐步骤给出问题。

    Nothing is kept. Upstream right holders are looked up to any depth and shown with their weights.
    """
    services, actor, dataset_id = services_of(request), actor_of(request), object_id("ds", dataset)
    body = await written_body(request, SplitCheckBody, bare="document")
    return accepted_value(await services.db.run(lambda tx: check_split_rule(tx, actor, dataset_id, body.document)))


@post(
    f"{_PATH}/simulation",
    status_code=200,
    operation_class=question_with(_SIMULATE),
    responses=answers(SplitSimulation, 200, 400, 401, 403, 404, 422),
)
async def simulate(request: Asked, dataset: FromPath[str]) -> SplitSimulation:
    """Who would have got what of past months under a rule, against what everybody got. 以历史月份销售试算分成规则。

    Nothing is kept. Up to 24 months and 5,000 sales at once; lifetime counters begin with the first month.
    """
    services, actor, dataset_id = services_of(request), actor_of(request), object_id("ds", dataset)
    body = await written_body(request, SplitSimulationBody)
    rule = body_id("rul", body.rule) if isinstance(body.rule, str) else body.rule
    wish = SplitWish(rule, body.first, body.last)
    past = accepted_value(await services.db.run(lambda tx: past_sales(tx, actor, dataset_id, wish)))
    return await aside(partial(simulate_split, past, wish))


@show("/supplier/v1/offers/{offer:str}/split", OfferSplit)
async def show_offer_split(request: Asked, offer: FromPath[str]) -> OfferSplit:
    """How the money of an offer of yours is split. 报价方案的分成方式。"""
    actor, offer_id = actor_of(request), object_id("ofr", offer)
    async with services_of(request).db.read(actor) as tx:
        one = await portal.own_offer(tx, actor, offer_id)
    if one is None:
        raise Refused(NOT_FOUND())
    document = json_of(one.document)
    rule = document.get("split_rule", {})
    return OfferSplit(ids.text("ofr", one.id), rule.get("id"), rule.get("sha256"), document["shares"])


@command("/supplier/v1/mandates", MandateReceipt, 400, 401, 403, 422)
async def add_mandate(request: Asked, data: JSONBody[MandateForm]) -> Response[bytes]:
    """Give a broker a mandate to introduce buyers to you; the exchange signs it. 签发经纪委托。

    It counts for sales by a split rule with a step `mandate`, to buyers that the broker claimed while it ran.
    """
    services, actor = services_of(request), actor_of(request)
    wish = MandateWish(body_id("org", data.broker), data.percent, data.starts_at, data.ends_at, data.tail_months)
    return await write(request, "mandate.put", lambda tx: put_mandate(tx, actor, services.keyring, wish))


ROUTES = (
    add_rule,
    list_rules,
    check_rule,
    simulate,
    show_offer_split,
    add_mandate,
    *split_routes("/supplier/v1"),
)
