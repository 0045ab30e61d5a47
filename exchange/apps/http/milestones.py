"""Milestones of a service: shown to both sides, reported by the supplier, answered and paid for by the buyer."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

import msgspec
from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from exchange.apps.http.answers import Asked, accepted_value, write
from exchange.apps.http.context import actor_of, services_of
from exchange.apps.http.documented import command, show
from exchange.apps.http.wire import object_id
from exchange.flows.fund_escrow import fund_escrow
from exchange.flows.milestones import Milestones, show_milestones
from exchange.flows.report_milestone import answer_milestone, drop_milestone, report_milestone

_Words = Annotated[
    dict[str, str],
    Meta(
        description="In English and Chinese. 中英文。",
        examples=[{"en": "2,000 pictures are labelled.", "zh": "已标注 2000 张图片。"}],
    ),
]


class ReportForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was done, and the SHA-256 of the evidence; keep the evidence itself for whoever asks."""

    note: _Words
    evidence_sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$", examples=["ab" * 32])]


class RefusalForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why it is not done."""

    reason: _Words


def _shown(prefix: str) -> HTTPRouteHandler:
    @show(f"{prefix}/orders/{{order:str}}/milestones", Milestones)
    async def list_milestones(request: Asked, order: FromPath[str]) -> Milestones:
        """The milestones of an order: what each costs, where it stands, and what was said of it. 订单的里程碑。

        `state` is open, reported, rejected, accepted or dropped; for those that fall due on a day, waiting or due. The
        settlement run after the acceptance, or the day, charges it.
        """
        services, actor, order_id = services_of(request), actor_of(request), object_id("ord", order)
        return accepted_value(await services.db.run(lambda tx: show_milestones(tx, services.sales, actor, order_id)))

    return list_milestones


def supplier_milestone_routes(prefix: str) -> list[HTTPRouteHandler]:
    """The routes of whoever does the work."""
    one = f"{prefix}/orders/{{order:str}}/milestones/{{milestone:str}}"

    @command(f"{one}/reports", Milestones, 400, 401, 403, 404, 409, 422)
    async def report(
        request: Asked, order: FromPath[str], milestone: FromPath[str], data: JSONBody[ReportForm]
    ) -> Response[bytes]:
        """Report a milestone as done; the buyer's inspection window begins. 报告里程碑已完成。

        Where the plan asks for escrow, the buyer has to reserve the money first. After a rejection you may report again.
        """
        services, actor, order_id = services_of(request), actor_of(request), object_id("ord", order)
        evidence = bytes.fromhex(data.evidence_sha256)
        flow: Any = partial(
            report_milestone,
            sales=services.sales,
            actor=actor,
            order_id=order_id,
            component=milestone,
            evidence_sha256=evidence,
            note=data.note,
        )
        return await write(request, "milestone.report", flow, object_id=order)

    @command(f"{one}/drop", Milestones, 400, 401, 403, 404, 409, 422, status=200)
    async def drop(request: Asked, order: FromPath[str], milestone: FromPath[str]) -> Response[bytes]:
        """Say that a milestone will not be done: it is never charged, and reserved money goes back. 放弃里程碑并退回冻结款项。"""
        services, actor, order_id = services_of(request), actor_of(request), object_id("ord", order)
        flow: Any = partial(drop_milestone, sales=services.sales, actor=actor, order_id=order_id, component=milestone)
        return await write(request, "milestone.drop", flow, status=200, object_id=order)

    return [_shown(prefix), report, drop]


def buyer_milestone_routes(prefix: str) -> list[HTTPRouteHandler]:
    """The routes of whoever pays."""
    one = f"{prefix}/orders/{{order:str}}/milestones/{{milestone:str}}"

    @command(f"{prefix}/orders/{{order:str}}/escrow", Milestones, 400, 401, 402, 403, 404, 409)
    async def fund(request: Asked, order: FromPath[str]) -> Response[bytes]:
        """Reserve the money of an order's milestones that ask for escrow: of all of them, from your wallet. 冻结里程碑款项。

        It stays yours. What is accepted is charged from it; what is not goes back by itself 45 days after the deadline and
        the inspection window, or at once when the supplier drops the milestone.
        """
        services, actor, order_id = services_of(request), actor_of(request), object_id("ord", order)
        return await write(
            request, "escrow.fund", lambda tx: fund_escrow(tx, services.sales, actor, order_id), object_id=order
        )

    @command(f"{one}/acceptance", Milestones, 400, 401, 403, 404, 409, 422, status=200)
    async def accept(request: Asked, order: FromPath[str], milestone: FromPath[str]) -> Response[bytes]:
        """Accept a milestone that was reported; the next settlement run charges it. 验收里程碑。

        Say nothing and the inspection window decides, as for deliveries.
        """
        services, actor, order_id = services_of(request), actor_of(request), object_id("ord", order)
        flow: Any = partial(
            answer_milestone, sales=services.sales, actor=actor, order_id=order_id, component=milestone, reason=None
        )
        return await write(request, "milestone.accept", flow, status=200, object_id=order)

    @command(f"{one}/rejection", Milestones, 400, 401, 403, 404, 409, 422, status=200)
    async def reject(
        request: Asked, order: FromPath[str], milestone: FromPath[str], data: JSONBody[RefusalForm]
    ) -> Response[bytes]:
        """Reject a milestone that was reported and say why; the supplier may report it again. 拒绝里程碑并说明理由。"""
        services, actor, order_id = services_of(request), actor_of(request), object_id("ord", order)
        flow: Any = partial(
            answer_milestone,
            sales=services.sales,
            actor=actor,
            order_id=order_id,
            component=milestone,
            reason=data.reason,
        )
        return await write(request, "milestone.reject", flow, status=200, object_id=order)

    return [_shown(prefix), fund, accept, reject]
