"""Obligations of agreements: what is owed until when, what was shown for it, reminders. Both portals read the same."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated, Any

import msgspec
from litestar import Response
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta

from contracts import obligations_store as store
from contracts.obligations import Obligation, State, document, duty_of
from contracts.obligations_store import Evidence, Notice, Step
from exchange.apps.http.answers import Asked, found, write
from exchange.apps.http.context import actor_of, services_of
from exchange.apps.http.documented import command, listing, show
from exchange.apps.http.lists import Cursor, Limit, show_page
from exchange.apps.http.wire import Id, Sha256, Texts, Time, body_id, moment_of, object_id, stamp
from exchange.flows.answer_obligation import (
    ObligationReceipt,
    demand_obligation,
    submit_evidence,
    waive_obligation,
)
from exchange.kernel import ids
from exchange.kernel.errors import INVALID_REQUEST, Refused

_Moment = Annotated[datetime, Meta(tz=True, examples=["2026-04-01T00:00:00Z"])]
_Text = Annotated[str, Meta(min_length=1, max_length=1000)]
Note = Annotated[
    dict[Annotated[str, Meta(max_length=35)], _Text],
    Meta(min_length=1, max_length=4, examples=[{"en": "Report of January", "zh": "一月使用报告"}]),
]
StateFilter = Annotated[State | None, QueryParameter(name="state", description="Only in this state. 按状态筛选。")]
AgreementFilter = Annotated[
    str | None, QueryParameter(max_length=40, description="Only of this agreement. 按合约筛选。")
]
DueFilter = Annotated[
    datetime | None,
    QueryParameter(
        description="Only what is still owed and due before this time (RFC 3339). 在此时间前到期的未了结义务。"
    ),
]


class ObligationView(msgspec.Struct, frozen=True):
    """One obligation. `rhythm` is standing (holds all the time), dated, periodic or on_request.

    `state` is open, due (within seven days), overdue, fulfilled or waived; `due_at` is null where there is no date, or
    nobody has asked yet. What follows where it is not done stands in `duty` under `else`.
    """

    id: Annotated[str, Meta(examples=["obl_01m80jwmabesg81hwe4cc73nw9"])]
    agreement: Id
    buyer: Id
    seller: Id
    path: Annotated[str, Meta(examples=["report_use"])]
    number: Annotated[int, Meta(description="Which period or request, from 1. 第几期或第几次要求。")]
    text: Texts
    duty: dict[str, Any]
    rhythm: Annotated[str, Meta(examples=["periodic"])]
    state: Annotated[str, Meta(examples=["open"])]
    due_at: Time | None
    consequence_of: Id | None
    created_at: Time
    changed_at: Time


class EvidenceView(msgspec.Struct, frozen=True):
    """What was shown: the digest of a file that stays with whoever showed it, and a note."""

    id: Annotated[str, Meta(examples=["obe_01m80jwmabesg81hwe4cc73nw9"])]
    sha256: Sha256
    note: Texts | None
    created_at: Time


class StepView(msgspec.Struct, frozen=True):
    """A move of the obligation; `by` is null where the clock made it."""

    state: str
    by: Id | None
    reason: Texts | None
    due_at: Time | None
    at: Time


class ObligationDetail(msgspec.Struct, frozen=True):
    """An obligation with what was shown for it and how it moved."""

    obligation: ObligationView
    evidence: list[EvidenceView]
    steps: list[StepView]


class NoticeView(msgspec.Struct, frozen=True):
    """A reminder: `asked` for by the supplier, `due` within seven days, or `overdue`."""

    id: Annotated[str, Meta(examples=["obn_01m80jwmabesg81hwe4cc73nw9"])]
    obligation: Id
    agreement: Id
    kind: Annotated[str, Meta(examples=["due"])]
    text: Texts
    due_at: Time
    created_at: Time


class EvidenceWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The SHA-256 of what you keep as proof, and a note for the supplier."""

    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$", examples=["9f" * 32])]
    note: Note | None = None


class WaiverWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why you do without it, for this time."""

    reason: Note


class DemandWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What you ask for, and until when where the terms count no days."""

    reason: Note
    due_at: _Moment | None = None


def obligation_routes(prefix: str, side: str) -> tuple[Any, ...]:
    """The reads of one portal; side is buyer (what one owes) or seller (what one is owed)."""
    at = f"{prefix}/obligations"

    @listing(at, ObligationView)
    async def list_obligations(
        request: Asked,
        standing: StateFilter = None,
        agreement: AgreementFilter = None,
        due_before: DueFilter = None,
        limit: Limit = None,
        cursor: Cursor = None,
    ) -> Response[bytes]:
        """Obligations of your agreements, newest first. 合约义务。"""
        actor = actor_of(request)
        if due_before is not None and due_before.tzinfo is None:
            raise Refused(INVALID_REQUEST(reason="due_before needs an offset, such as 2026-01-31T08:00:00Z"))
        read = partial(
            store.visible,
            actor=actor,
            side=side,
            state=standing,
            agreement_id=None if agreement is None else body_id("agr", agreement),
            due_before=due_before,
        )
        return await show_page(request, actor, lambda tx, page: read(tx, page=page), obligation_view, limit, cursor)

    @show(f"{at}/{{obligation:str}}", ObligationDetail)
    async def show_obligation(request: Asked, obligation: FromPath[str]) -> ObligationDetail:
        """One obligation with its evidence and its course. 义务详情、证明与经过。"""
        actor, obligation_id = actor_of(request), object_id("obl", obligation)
        async with services_of(request).db.read(actor) as tx:
            one, shown, steps = found(await store.visible_one(tx, actor, side, obligation_id))
        return ObligationDetail(obligation_view(one), [_shown(item) for item in shown], [_step(step) for step in steps])

    @listing(f"{prefix}/obligation-notices", NoticeView)
    async def list_obligation_notices(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Response[bytes]:
        """Reminders of obligations, newest first. 义务提醒。"""
        actor = actor_of(request)
        return await show_page(request, actor, lambda tx, page: store.notices(tx, actor, page), _notice, limit, cursor)

    return list_obligations, show_obligation, list_obligation_notices


@command("/buyer/v1/obligations/{obligation:str}/evidence", ObligationReceipt)
async def show_evidence(request: Asked, obligation: FromPath[str], data: JSONBody[EvidenceWish]) -> Response[bytes]:
    """Show that an obligation was met: the digest of a file that stays with you. 提交履行义务的证明（文件摘要）。"""
    flow = partial(
        submit_evidence,
        actor=actor_of(request),
        obligation_id=object_id("obl", obligation),
        sha256=bytes.fromhex(data.sha256),
        note=data.note,
    )
    return await write(request, "obligation.evidence", flow, object_id=obligation)


@command("/supplier/v1/obligations/{obligation:str}/waiver", ObligationReceipt, status=200)
async def waive(request: Asked, obligation: FromPath[str], data: JSONBody[WaiverWish]) -> Response[bytes]:
    """Do without an obligation, for this time. 豁免该项义务（仅此一次）。"""
    obligation_id = object_id("obl", obligation)
    flow = partial(waive_obligation, actor=actor_of(request), obligation_id=obligation_id, reason=data.reason)
    return await write(request, "obligation.waive", flow, status=200, object_id=obligation)


@command("/supplier/v1/obligations/{obligation:str}/demand", ObligationReceipt, status=200)
async def demand(request: Asked, obligation: FromPath[str], data: JSONBody[DemandWish]) -> Response[bytes]:
    """Ask for what falls due on request, such as an audit. 要求履行按要求到期的义务（如审计）。"""
    flow = partial(
        demand_obligation,
        actor=actor_of(request),
        obligation_id=object_id("obl", obligation),
        due_at=None if data.due_at is None else moment_of(data.due_at),
        reason=data.reason,
    )
    return await write(request, "obligation.demand", flow, status=200, object_id=obligation)


def obligation_view(one: Obligation) -> ObligationView:
    """An obligation as the API shows it."""
    return ObligationView(
        id=ids.text("obl", one.id),
        agreement=ids.text("agr", one.agreement_id),
        buyer=ids.text("org", one.buyer_id),
        seller=ids.text("org", one.seller_id),
        path=one.path,
        number=one.number,
        text=one.duty.text().map(),
        duty=document(one.duty),
        rhythm=one.rhythm.value,
        state=one.state.value,
        due_at=None if one.due_at is None else stamp(one.due_at),
        consequence_of=None if one.parent_id is None else ids.text("obl", one.parent_id),
        created_at=stamp(one.created_at),
        changed_at=stamp(one.changed_at),
    )


def _shown(one: Evidence) -> EvidenceView:
    note = None if one.note is None else dict(one.note)
    return EvidenceView(ids.text("obe", one.id), one.sha256.hex(), note, stamp(one.created_at))


def _step(one: Step) -> StepView:
    return StepView(
        state=one.state.value,
        by=None if one.organisation_id is None else ids.text("org", one.organisation_id),
        reason=None if one.reason is None else dict(one.reason),
        due_at=None if one.due_at is None else stamp(one.due_at),
        at=stamp(one.created_at),
    )


def _notice(one: Notice) -> NoticeView:
    return NoticeView(
        id=ids.text("obn", one.id),
        obligation=ids.text("obl", one.obligation_id),
        agreement=ids.text("agr", one.agreement_id),
        kind=one.kind,
        text=duty_of(one.duty).text().map(),
        due_at=stamp(one.due_at),
        created_at=stamp(one.created_at),
    )
