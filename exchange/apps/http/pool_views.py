"""The incentive pool and minimum guarantees as several portals show them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from litestar import Response
from litestar.handlers import HTTPRouteHandler
from msgspec import Meta

from exchange.apps.http.answers import Asked
from exchange.apps.http.context import actor_of
from exchange.apps.http.documented import listing
from exchange.apps.http.lists import Cursor, Limit, show_page
from exchange.apps.http.split_views import Percent, RuleId, Signature
from exchange.apps.http.wire import Id, MoneyWire, Sha256, Time, json_of, money_wire, stamp
from exchange.kernel import ids
from exchange.kernel.money import decimal_text
from settlement.guarantees import Promise
from settlement.pools import PoolPolicy
from settlement.store import guarantees, pools
from settlement.store.guarantees import Guaranteed
from settlement.store.pools import PoolShare

Month = Annotated[str, Meta(max_length=7, examples=["2026-01"])]
Zone = Annotated[str, Meta(max_length=64, examples=["Asia/Shanghai"])]
VectorId = Annotated[str, Meta(examples=["wgt_01m80jwmabesg81hwe4cc73nw9"])]
PolicyId = Annotated[str, Meta(examples=["ppl_01m80jwmabesg81hwe4cc73nw9"])]
PoolBy = Annotated[
    Literal["sales", "quality", "vector"],
    Meta(description="Sales; sales times quality score; a weight vector. 销售额；销售额乘质量分；权重向量。"),
]
_Guarantor = Annotated[Literal["supplier", "platform"], Meta(description="Who pays. 保底方。")]


class PolicyView(msgspec.Struct, frozen=True):
    """How the pool of a currency is given away, with what the exchange signed."""

    id: PolicyId
    currency: Annotated[str, Meta(examples=["CNY"])]
    version: int
    from_month: Month
    time_zone: Zone
    by: PoolBy
    percent: Percent
    vector: VectorId | None
    document: dict[str, Any]
    sha256: Sha256
    kid: str
    signature: Signature
    created_at: Time


class PoolShareView(msgspec.Struct, frozen=True):
    """What you got of a month's pool.

    `amount` is what the weights up to yours make of `shared`, less what those before yours made:
    floor(shared * (before + weight) / weights) - floor(shared * before / weights), in millionths.
    """

    distribution: Annotated[str, Meta(examples=["pds_01m80jwmabesg81hwe4cc73nw9"])]
    policy: PolicyId
    month: Month
    shared: MoneyWire
    weight: Annotated[str, Meta(examples=["250"])]
    before: Annotated[str, Meta(examples=["500"])]
    weights: Annotated[str, Meta(examples=["1000"])]
    amount: MoneyWire
    created_at: Time


class PromiseView(msgspec.Struct, frozen=True):
    """A step of a rule that guarantees a payee an amount of each month."""

    rule: RuleId
    step: Annotated[str, Meta(examples=["least"])]
    supplier: Id
    organisation: Id
    guaranteed_by: _Guarantor
    amount: MoneyWire
    recouped: bool


class GuaranteeView(msgspec.Struct, frozen=True):
    """What a guarantor paid a payee for a month, with its arithmetic; below zero the payee paid it back."""

    id: Annotated[str, Meta(examples=["gua_01m80jwmabesg81hwe4cc73nw9"])]
    rule: RuleId
    step: Annotated[str, Meta(examples=["least"])]
    month: Month
    supplier: Id
    organisation: Id
    guaranteed_by: _Guarantor
    recouped: bool
    promised: MoneyWire
    got: MoneyWire
    outstanding: Annotated[
        MoneyWire, Meta(description="Paid for months before and not earned back. 此前未抵回的补足额。")
    ]
    cumulative: MoneyWire
    amount: MoneyWire
    owed: MoneyWire
    journal: Annotated[str, Meta(examples=["jnl_01m80jwmabesg81hwe4cc73nw9"])]
    booked_at: Time


def policy_view(one: PoolPolicy) -> PolicyView:
    """A policy as the API shows it."""
    return PolicyView(
        id=ids.text("ppl", one.id),
        currency=one.currency,
        version=one.version,
        from_month=one.from_month,
        time_zone=one.time_zone,
        by=one.by.value,
        percent=decimal_text(one.share),
        vector=None if one.vector_id is None else ids.text("wgt", one.vector_id),
        document=json_of(one.document),
        sha256=one.sha256.hex(),
        kid=one.kid,
        signature=one.signature.hex(),
        created_at=stamp(one.created_at),
    )


def promise_view(one: Promise) -> PromiseView:
    """A promise as the API shows it."""
    return PromiseView(
        rule=ids.text("rul", one.rule_id),
        step=one.step,
        supplier=ids.text("org", one.supplier_id),
        organisation=ids.text("org", one.organisation_id),
        guaranteed_by=one.guarantor.value,
        amount=money_wire(one.amount, one.currency),
        recouped=one.recouped,
    )


def share_view(one: PoolShare) -> PoolShareView:
    """A part of the pool as the API shows it."""
    return PoolShareView(
        distribution=ids.text("pds", one.distribution_id),
        policy=ids.text("ppl", one.policy_id),
        month=one.month,
        shared=money_wire(one.total, one.currency),
        weight=str(one.part.weight),
        before=str(one.part.before),
        weights=str(one.whole),
        amount=money_wire(one.part.amount, one.currency),
        created_at=stamp(one.created_at),
    )


def guarantee_view(one: Guaranteed) -> GuaranteeView:
    """A booking of a guarantee as the API shows it."""
    return GuaranteeView(
        id=ids.text("gua", one.id),
        rule=ids.text("rul", one.rule_id),
        step=one.step,
        month=one.period,
        supplier=ids.text("org", one.supplier_id),
        organisation=ids.text("org", one.organisation_id),
        guaranteed_by=one.guarantor.value,
        recouped=one.recouped,
        promised=money_wire(one.promised, one.currency),
        got=money_wire(one.got, one.currency),
        outstanding=money_wire(one.outstanding, one.currency),
        cumulative=money_wire(one.cumulative, one.currency),
        amount=money_wire(one.amount, one.currency),
        owed=money_wire(one.owed, one.currency),
        journal=ids.text("jnl", one.journal_id),
        booked_at=stamp(one.created_at),
    )


def pool_routes(prefix: str) -> list[HTTPRouteHandler]:
    """The routes of whoever may be paid by the pool or by guarantees."""

    @listing(f"{prefix}/pool-policies", PolicyView)
    async def list_policies(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Response[bytes]:
        """How the supplier incentive pool is given away, every version, newest first. 供应方激励池的分配规则。"""
        return await show_page(request, actor_of(request), pools.list_policies, policy_view, limit, cursor)

    @listing(f"{prefix}/pool-shares", PoolShareView)
    async def list_shares(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Response[bytes]:
        """What you got of the incentive pool, with its arithmetic, newest first. 本机构所得激励池份额。"""
        actor = actor_of(request)
        return await show_page(
            request, actor, lambda tx, page: pools.own_shares(tx, actor, page), share_view, limit, cursor
        )

    @listing(f"{prefix}/guarantees", GuaranteeView)
    async def list_guarantees(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Response[bytes]:
        """What minimum guarantees paid you, or cost you, month by month, newest first. 保底补足明细。"""
        actor = actor_of(request)
        return await show_page(
            request, actor, lambda tx, page: guarantees.own(tx, actor, page), guarantee_view, limit, cursor
        )

    return [list_policies, list_shares, list_guarantees]
