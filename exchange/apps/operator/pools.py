"""The supplier incentive pool: by which policy it is given away, and each month that was; guarantees of the exchange."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import Response
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from exchange.apps.http.answers import Asked, write
from exchange.apps.http.context import actor_of, services_of
from exchange.apps.http.documented import command, listing
from exchange.apps.http.lists import Cursor, Limit
from exchange.apps.http.pool_views import (
    Month,
    PolicyView,
    PoolBy,
    PromiseView,
    VectorId,
    Zone,
    policy_view,
    promise_view,
)
from exchange.apps.http.split_views import Percent
from exchange.apps.http.wire import Id, MoneyWire, Time, body_id, money_wire, object_id, stamp
from exchange.apps.operator.seeing import see_page
from exchange.flows.accept_guarantee import GuaranteeAccepted, accept_guarantee
from exchange.flows.give_pool import PoolGiven, give_pool
from exchange.flows.set_pool_policy import PoolPolicyReceipt, set_pool_policy
from exchange.kernel import ids
from settlement.pools import By, PoolWish
from settlement.store import guarantees, pools
from settlement.store.pools import Distribution

_Currency = Annotated[str, Meta(min_length=3, max_length=3, examples=["CNY"])]


class PolicyForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From which month on, how much of the pool, and by which weights."""

    currency: _Currency
    from_month: Month
    by: PoolBy
    percent: Percent = "100"
    time_zone: Zone = "UTC"
    vector: VectorId | None = None


class GiveForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which month of which currency."""

    currency: _Currency
    month: Month


class DistributionView(msgspec.Struct, frozen=True):
    """A month that was given away."""

    id: Annotated[str, Meta(examples=["pds_01m80jwmabesg81hwe4cc73nw9"])]
    policy: Annotated[str, Meta(examples=["ppl_01m80jwmabesg81hwe4cc73nw9"])]
    month: Month
    available: MoneyWire
    total: MoneyWire
    given: MoneyWire
    weights: Annotated[str, Meta(description="The sum of all weights. 权重合计。", examples=["1000000000"])]
    journal: Annotated[str, Meta(examples=["jnl_01m80jwmabesg81hwe4cc73nw9"])]
    made_by: Id
    created_at: Time


@command("/operator/v1/pool-policies", PoolPolicyReceipt, 400, 401, 403, 422)
async def set_policy(request: Asked, data: JSONBody[PolicyForm]) -> Response[bytes]:
    """Say how the supplier incentive pool is given away from a month on. 设定供应方激励池的分配规则。

    `sales`: by what each supplier sold without tax in the month; `quality`: that times the disclosed quality score of
    what each listing sells; `vector`: by a measured weight vector. The exchange signs it, and everybody may read it.
    """
    services, actor = services_of(request), actor_of(request)
    vector = None if data.vector is None else body_id("wgt", data.vector)
    wish = PoolWish(data.currency, data.from_month, By(data.by), data.percent, data.time_zone, vector)
    return await write(request, "pool_policy.set", lambda tx: set_pool_policy(tx, actor, services.keyring, wish))


@listing("/operator/v1/pool-policies", PolicyView)
async def list_policies(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Response[bytes]:
    """Every policy of the pool that was ever set, newest first. 激励池分配规则（全部版本）。"""
    return await see_page(request, pools.list_policies, policy_view, limit, cursor)


@command("/operator/v1/pool-distributions", PoolGiven, 400, 401, 403, 409)
async def give(request: Asked, data: JSONBody[GiveForm]) -> Response[bytes]:
    """Give a month's pool to suppliers: payable at once, and once for a month. 分配某月的激励池。

    Asked again, it answers what was given then. What no weight takes stays in the pool.
    """
    actor = actor_of(request)
    return await write(request, "pool.give", lambda tx: give_pool(tx, actor, data.currency, data.month))


@listing("/operator/v1/pool-distributions", DistributionView)
async def list_distributions(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Response[bytes]:
    """Every month of the pool that was given away, newest first. 激励池分配记录。"""
    return await see_page(request, pools.list_distributions, _view, limit, cursor)


@listing("/operator/v1/guarantees-asked", PromiseView)
async def list_asked(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Response[bytes]:
    """What suppliers' rules guarantee in the exchange's name and you have not accepted. 待接受的平台保底。"""
    return await see_page(request, guarantees.waiting, promise_view, limit, cursor)


@command("/operator/v1/split-rules/{rule:str}/guarantee", GuaranteeAccepted)
async def accept(request: Asked, rule: FromPath[str]) -> Response[bytes]:
    """Let the exchange stand for what a rule guarantees in its name. 接受规则中由平台承担的保底。

    From then on each settlement run pays, of the exchange's revenue, what the months that are over were short of.
    """
    actor, rule_id = actor_of(request), object_id("rul", rule)
    return await write(request, "guarantee.accept", lambda tx: accept_guarantee(tx, actor, rule_id), object_id=rule)


def _view(one: Distribution) -> DistributionView:
    return DistributionView(
        id=ids.text("pds", one.id),
        policy=ids.text("ppl", one.policy_id),
        month=one.month,
        available=money_wire(one.available, one.currency),
        total=money_wire(one.total, one.currency),
        given=money_wire(one.given, one.currency),
        weights=str(one.whole),
        journal=ids.text("jnl", one.journal_id),
        made_by=ids.text("org", one.made_by),
        created_at=stamp(one.created_at),
    )


ROUTES = (set_policy, list_policies, give, list_distributions, list_asked, accept)
