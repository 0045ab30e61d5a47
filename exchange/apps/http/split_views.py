"""Split rules, mandates and claims as several portals show them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter
from msgspec import Meta

from exchange.apps.http.answers import Asked, found, write
from exchange.apps.http.context import actor_of, services_of
from exchange.apps.http.documented import command, listing, show
from exchange.apps.http.lists import Cursor, Limit, show_page
from exchange.apps.http.wire import Id, MoneyWire, Sha256, Time, json_of, money_wire, object_id, stamp
from exchange.flows.end_mandate import MandateEnd, end_mandate
from exchange.kernel import ids
from exchange.kernel.money import decimal_text
from settlement.mandates import Claim, SignedMandate
from settlement.splits import ROLE_NAMES
from settlement.store import mandates, split_bookings, split_rules
from settlement.store.mandates import IntroducedSale
from settlement.store.split_bookings import Booked
from settlement.waterfall_document import SplitRule

RuleId = Annotated[str, Meta(examples=["rul_01m80jwmabesg81hwe4cc73nw9"])]
MandateId = Annotated[str, Meta(examples=["mnd_01m80jwmabesg81hwe4cc73nw9"])]
Moment = Annotated[datetime, Meta(tz=True, examples=["2026-01-15T09:00:00Z"])]
Percent = Annotated[str, Meta(max_length=11, examples=["12.50"])]
Signature = Annotated[str, Meta(description="Ed25519 over the document's canonical bytes, hex.", examples=["ab" * 64])]
WATERFALL: dict[str, Any] = {
    "type": "waterfall",
    "v": 1,
    "currency": "CNY",
    "time_zone": "Asia/Shanghai",
    "steps": [
        {
            "id": "fee",
            "op": "share_of_gross",
            "per": "month",
            "percent": "12",
            "at_most": "50000.00",
            "payees": [{"role": "platform"}],
        },
        {"id": "rest", "op": "residual", "per": "month", "payees": [{"role": "supplier"}]},
    ],
}
_OfMine = Annotated[
    bool,
    QueryParameter(
        name="all_payees", description="What your own rules gave everybody. 本机构规则分给所有收款方的金额。"
    ),
]


class RuleView(msgspec.Struct, frozen=True):
    """A version of a rule with what the exchange signed; `written` in it is what its supplier wrote."""

    id: RuleId
    supplier: Id
    dataset: Id
    code: Annotated[str, Meta(examples=["main"])]
    version: int
    currency: Annotated[str, Meta(examples=["CNY"])]
    stateless: Annotated[bool, Meta(description="It is nothing but weights. 仅由权重构成。")]
    effective_from: Time
    effective_until: Time | None
    document: Annotated[dict[str, Any], Meta(examples=[WATERFALL])]
    sha256: Sha256
    kid: Annotated[str, Meta(examples=["4LNg6ClYw2fJb4PZ0Rp9c7e8Ofx3rvJ4vYRcjhEMzTg"])]
    signature: Signature
    created_at: Time


class MandateView(msgspec.Struct, frozen=True):
    """A broker's mandate with what the exchange signed."""

    id: MandateId
    supplier: Id
    broker: Id
    percent: Percent
    starts_at: Time
    ends_at: Time
    tail_until: Annotated[Time, Meta(description="Buyers claimed before `ends_at` count until then. 尾期截止时间。")]
    ended_early: Annotated[
        bool, Meta(description="One of the two ended it; the document says what was agreed at first. 已提前终止。")
    ]
    document: dict[str, Any]
    sha256: Sha256
    kid: str
    signature: Signature
    created_at: Time


class ClaimView(msgspec.Struct, frozen=True):
    """A buyer that a broker introduced."""

    id: Annotated[str, Meta(examples=["clm_01m80jwmabesg81hwe4cc73nw9"])]
    mandate: MandateId
    supplier: Id
    broker: Id
    buyer: Id
    evidence_sha256: Sha256
    stands_until: Time
    created_at: Time


class IntroducedView(msgspec.Struct, frozen=True):
    """An order, or a charge of it, with the mandate by which its broker is paid."""

    order: Id
    sale: Annotated[str, Meta(description="The order itself, or a charge of it. 订单或其费用。")]
    mandate: MandateId
    claim: Annotated[str, Meta(examples=["clm_01m80jwmabesg81hwe4cc73nw9"])]


class PartView(msgspec.Struct, frozen=True):
    """What a step of a rule gave one payee in one period: with this booking, and in all.

    `amount` is `cumulative` less what was booked before: the rule applied to `gross` and `came_in` gives it again.
    """

    id: Annotated[str, Meta(examples=["spl_01m80jwmabesg81hwe4cc73nw9"])]
    rule: RuleId
    step: Annotated[str, Meta(examples=["fee"])]
    per: Annotated[str, Meta(examples=["month"])]
    period: Annotated[str, Meta(description="A sale, a month, or all.", examples=["2026-01"])]
    role: Annotated[str, Meta(examples=["platform"])]
    role_name: dict[str, str]
    organisation: Id | None
    gross: MoneyWire
    came_in: MoneyWire
    cumulative: MoneyWire
    amount: MoneyWire
    journal: Annotated[str, Meta(examples=["jnl_01m80jwmabesg81hwe4cc73nw9"])]
    booked_at: Time


def rule_view(one: SplitRule) -> RuleView:
    """A rule as the API shows it."""
    return RuleView(
        id=ids.text("rul", one.id),
        supplier=ids.text("org", one.supplier_id),
        dataset=ids.text("ds", one.dataset_id),
        code=one.code,
        version=one.version,
        currency=one.currency,
        stateless=one.stateless,
        effective_from=stamp(one.effective_from),
        effective_until=stamp(one.effective_until) if one.effective_until else None,
        document=json_of(one.document),
        sha256=one.sha256.hex(),
        kid=one.kid,
        signature=one.signature.hex(),
        created_at=stamp(one.created_at),
    )


def mandate_view(one: SignedMandate) -> MandateView:
    """A mandate as the API shows it."""
    m = one.mandate
    return MandateView(
        id=ids.text("mnd", m.id),
        supplier=ids.text("org", m.supplier_id),
        broker=ids.text("org", m.broker_id),
        percent=decimal_text(m.share),
        starts_at=stamp(m.starts_at),
        ends_at=stamp(m.ends_at),
        tail_until=stamp(m.tail_until),
        ended_early=m.ended_early,
        document=json_of(one.document),
        sha256=one.sha256.hex(),
        kid=one.kid,
        signature=one.signature.hex(),
        created_at=stamp(m.created_at),
    )


def claim_view(one: Claim) -> ClaimView:
    """A claim as the API shows it."""
    return ClaimView(
        id=ids.text("clm", one.id),
        mandate=ids.text("mnd", one.mandate_id),
        supplier=ids.text("org", one.supplier_id),
        broker=ids.text("org", one.broker_id),
        buyer=ids.text("org", one.buyer_id),
        evidence_sha256=one.evidence_sha256.hex(),
        stands_until=stamp(one.stands_until),
        created_at=stamp(one.created_at),
    )


def introduced_view(one: IntroducedSale) -> IntroducedView:
    """An introduced sale as the API shows it."""
    sale = ids.text("ord" if one.sale_id == one.order_id else "chg", one.sale_id)
    mandate, claim = ids.text("mnd", one.mandate_id), ids.text("clm", one.claim_id)
    return IntroducedView(ids.text("ord", one.order_id), sale, mandate, claim)


def part_view(one: Booked) -> PartView:
    """What a step gave as the API shows it."""
    return PartView(
        id=ids.text("spl", one.id),
        rule=ids.text("rul", one.rule_id),
        step=one.step,
        per=one.per.value,
        period=one.period,
        role=one.role.value,
        role_name=dict(ROLE_NAMES[one.role]),
        organisation=None if one.organisation_id is None else ids.text("org", one.organisation_id),
        gross=money_wire(one.gross, one.currency),
        came_in=money_wire(one.came_in, one.currency),
        cumulative=money_wire(one.cumulative, one.currency),
        amount=money_wire(one.amount, one.currency),
        journal=ids.text("jnl", one.journal_id),
        booked_at=stamp(one.created_at),
    )


def split_routes(prefix: str) -> list[HTTPRouteHandler]:
    """The routes of whoever is paid by rules, as a supplier or as a service provider."""

    @show(f"{prefix}/split-rules/{{rule:str}}", RuleView)
    async def show_rule(request: Asked, rule: FromPath[str]) -> RuleView:
        """One version of a rule: of your dataset, or one that pays you. 分成规则详情。"""
        actor = actor_of(request)
        async with services_of(request).db.read(actor) as tx:
            return rule_view(found(await split_rules.visible_rule(tx, actor, object_id("rul", rule))))

    @listing(f"{prefix}/split-rules", RuleView)
    async def list_paying_rules(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Response[bytes]:
        """The rules by which you are paid, newest first. 向本机构分成的规则。"""
        actor = actor_of(request)
        return await show_page(
            request, actor, lambda tx, page: split_rules.paying_rules(tx, actor, page), rule_view, limit, cursor
        )

    @listing(f"{prefix}/split-parts", PartView)
    async def list_parts(
        request: Asked, all_payees: _OfMine = False, limit: Limit = None, cursor: Cursor = None
    ) -> Response[bytes]:
        """What each step of a rule gave you, with its arithmetic, newest first. 各步骤分成明细。"""
        actor = actor_of(request)
        return await show_page(
            request,
            actor,
            lambda tx, page: split_bookings.own_booked(tx, actor, page, of_mine=all_payees),
            part_view,
            limit,
            cursor,
        )

    return [show_rule, list_paying_rules, list_parts, *_mandate_routes(prefix)]


def _mandate_routes(prefix: str) -> list[HTTPRouteHandler]:
    @listing(f"{prefix}/mandates", MandateView)
    async def list_mandates(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Response[bytes]:
        """The mandates that you gave or hold, newest first. 经纪委托列表。"""
        actor = actor_of(request)
        return await show_page(
            request, actor, lambda tx, page: mandates.own_mandates(tx, actor, page), mandate_view, limit, cursor
        )

    @show(f"{prefix}/mandates/{{mandate:str}}", MandateView)
    async def show_mandate(request: Asked, mandate: FromPath[str]) -> MandateView:
        """One mandate. 经纪委托详情。"""
        actor = actor_of(request)
        async with services_of(request).db.read(actor) as tx:
            return mandate_view(found(await mandates.own_mandate(tx, actor, object_id("mnd", mandate))))

    @command(f"{prefix}/mandates/{{mandate:str}}/end", MandateEnd)
    async def end_one(request: Asked, mandate: FromPath[str]) -> Response[bytes]:
        """End a mandate before its term, as its supplier or its broker. 提前终止经纪委托。

        Nothing changes for orders placed before. Buyers claimed until now count for as many months as the tail was agreed
        to have, from now on; claims of other brokers are untouched.
        """
        services, actor, mandate_id = services_of(request), actor_of(request), object_id("mnd", mandate)
        return await write(
            request,
            "mandate.end",
            lambda tx: end_mandate(tx, actor, services.keyring, mandate_id),
            object_id=mandate,
        )

    @listing(f"{prefix}/buyer-claims", ClaimView)
    async def list_claims(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Response[bytes]:
        """The buyers that were introduced by you, or to you, newest first. 买方引荐登记列表。"""
        actor = actor_of(request)
        return await show_page(
            request, actor, lambda tx, page: mandates.own_claims(tx, actor, page), claim_view, limit, cursor
        )

    return [list_mandates, show_mandate, end_one, list_claims]
