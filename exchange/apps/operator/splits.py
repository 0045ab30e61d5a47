"""What the exchange asks for of each sale, and advances that it pays."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from litestar import Response
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from exchange.apps.http.answers import Asked, found, write
from exchange.apps.http.context import actor_of
from exchange.apps.http.documented import command, listing, show
from exchange.apps.http.lists import Cursor, Limit
from exchange.apps.http.split_views import Moment, Percent, RuleView, rule_view
from exchange.apps.http.wire import Id, MoneyWire, Time, body_id, money, object_id, stamp
from exchange.apps.operator.seeing import see, see_page
from exchange.flows.pay_advance import AdvanceReceipt, pay_advance
from exchange.flows.set_split_minimum import MinimumReceipt, MinimumWish, set_split_minimum
from exchange.kernel import ids
from exchange.kernel.money import decimal_text
from settlement.splits import Role
from settlement.store import split_rules
from settlement.store.split_rules import Minimum

_Role = Annotated[
    Literal["platform", "pool"],
    Meta(description="The exchange's own share, or the supplier incentive pool's. 平台服务费或供应方激励池。"),
]


class MinimumForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """At least this percentage of each sale; without `valid_from` it holds from now on."""

    role: _Role
    percent: Percent
    valid_from: Moment | None = None


class MinimumView(msgspec.Struct, frozen=True):
    """A minimum; it holds until the next one of its role begins."""

    id: Annotated[str, Meta(examples=["mns_01m80jwmabesg81hwe4cc73nw9"])]
    role: _Role
    percent: Percent
    valid_from: Time
    set_by: Id
    created_at: Time


class AdvanceForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whom to pay ahead, and how much."""

    organisation: Id
    amount: MoneyWire


@command("/operator/v1/split-minimums", MinimumReceipt, 400, 401, 403, 422)
async def set_minimum(request: Asked, data: JSONBody[MinimumForm]) -> Response[bytes]:
    """Say how much of each sale the exchange or the pool gets at the least. 设定平台或激励池的最低分成。

    It is asked of offers that are written from then on; those that are there stay as they were agreed. 0 lifts it.
    """
    actor, wish = actor_of(request), MinimumWish(Role(data.role), data.percent, data.valid_from)
    return await write(request, "split_minimum.set", lambda tx: set_split_minimum(tx, actor, wish))


@listing("/operator/v1/split-minimums", MinimumView)
async def list_minimums(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Response[bytes]:
    """Every minimum that was ever set, newest first. 最低分成设定历史。"""
    return await see_page(request, split_rules.list_minimums, _view, limit, cursor)


@show("/operator/v1/split-rules/{rule:str}", RuleView)
async def show_rule(request: Asked, rule: FromPath[str]) -> RuleView:
    """One version of anybody's split rule. 分成规则详情。"""
    rule_id = object_id("rul", rule)
    return rule_view(found((await see(request, lambda tx: split_rules.find_rules(tx, [rule_id]))).get(rule_id)))


@command("/operator/v1/advances", AdvanceReceipt, 400, 401, 403, 404, 422)
async def add_advance(request: Asked, data: JSONBody[AdvanceForm]) -> Response[bytes]:
    """Pay a supplier ahead; the step `recoup` of a split rule earns it back. 向供应方预付款项，由分成规则逐步扣回。"""
    actor, holder, amount = actor_of(request), body_id("org", data.organisation), money(data.amount)
    return await write(
        request, "advance.pay", lambda tx: pay_advance(tx, actor, holder, amount), object_id=data.organisation
    )


def _view(one: Minimum) -> MinimumView:
    return MinimumView(
        id=ids.text("mns", one.id),
        role="platform" if one.role is Role.PLATFORM else "pool",
        percent=decimal_text(one.share),
        valid_from=stamp(one.valid_from),
        set_by=ids.text("org", one.set_by),
        created_at=stamp(one.created_at),
    )


ROUTES = (set_minimum, list_minimums, show_rule, add_advance)
