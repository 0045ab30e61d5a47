"""Disputes, the same in every portal of a party: open one, answer, show evidence, propose, settle, have it decided, appeal."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Annotated, Any, Literal
from urllib.parse import quote
from uuid import UUID

import msgspec
from litestar import Response, get
from litestar.params import FromPath, JSONBody
from litestar.response import Stream
from msgspec import Meta

from compliance.directives import fault_of_file
from exchange.apps.http.answers import Asked, found, write
from exchange.apps.http.context import actor_of, services_of
from exchange.apps.http.dispute_views import (
    AwardForm,
    DisputeDocument,
    DisputeView,
    Words,
    dispute_view,
    document_of,
    read_case,
)
from exchange.apps.http.documented import answers, command, listing, show
from exchange.apps.http.lists import Cursor, Limit, show_page
from exchange.apps.http.wire import Id, MoneyWire, body_id, money, object_id
from exchange.flows import answer_dispute, appeal_decision
from exchange.flows.disputing import DisputeStands
from exchange.flows.open_dispute import OpenWish, open_dispute
from exchange.flows.prove_dispute import FileShown, KeptShown, LogShown, Shown, UseShown, prove_dispute
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import INVALID_REQUEST, TOO_LARGE, Problem, Refused
from settlement.dispute_problems import EVIDENCE_INVALID
from settlement.dispute_settings import DisputeSettings
from settlement.disputes import Dispute, Kind
from settlement.store import disputes

FILE_MAX_BYTES = 8 * 1024 * 1024
Flow = Callable[[Tx, Actor, UUID], Awaitable[DisputeStands | Problem]]
Find = Callable[[Tx, Actor, UUID], Awaitable[Dispute | None]]


class OpenForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is in dispute and why. Without an amount all that is left of it; of a split, `respondent` has the share you claim."""

    kind: Annotated[Literal["order", "delivery", "quality", "usage", "split"], Meta(examples=["quality"])]
    source: Annotated[
        str,
        Meta(
            description="An order; for use, a charge; for a split, either. 订单；用量争议为费用；分成争议两者皆可。",
            pattern="^(ord|chg)_[0-9a-z]{26}$",
            examples=["ord_01m80jwmabesg81hwe4cc73nw9"],
        ),
    ]
    words: Words
    amount: MoneyWire | None = None
    respondent: Id | None = None


class WordsForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What you have to say to it."""

    words: Words


class AcceptForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The proposal that you accept: the other side's last one, by the id of its fact."""

    proposal: Annotated[str, Meta(examples=["rsc_01m80jwmabesg81hwe4cc73nw9"])]


class FileForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file: its name, what it is, and its bytes in base64 (at most 8 MiB before encoding)."""

    name: Annotated[str, Meta(min_length=1, max_length=200, examples=["sample.csv"])]
    media_type: Annotated[str, Meta(max_length=120, examples=["text/csv"])]
    content: Annotated[bytes, Meta(description="Base64.", examples=["aWQsdGV4dAo="], min_length=1)]


class UseForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Is this event in this bill? The charge in dispute has to be on the invoice."""

    invoice: Annotated[str, Meta(examples=["inv_01m80jwmabesg81hwe4cc73nw9"])]
    event: Annotated[
        str, Meta(description="Its UUID. 事件的 UUID。", examples=["0198f1a2-7c3d-7e4f-8a5b-6c7d8e9fa0b1"])
    ]
    day: Annotated[str | None, Meta(description="A UTC day. UTC 日期。", examples=["2026-01-15"])] = None


class EvidenceForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One of these: a file of yours, or something that the exchange answers for."""

    title: Words
    file: FileForm | None = None
    usage: UseForm | None = None
    log: (
        Annotated[
            str,
            Meta(
                description="What the log says of the order, charge, grant, agreement or dispute. 查询其日志条目。",
                examples=["ord_01m80jwmabesg81hwe4cc73nw9"],
            ),
        ]
        | None
    ) = None
    scorecard: Annotated[str | None, Meta(examples=["scr_01m80jwmabesg81hwe4cc73nw9"])] = None
    agreement: Annotated[str | None, Meta(examples=["agr_01m80jwmabesg81hwe4cc73nw9"])] = None


def dispute_routes(prefix: str) -> list[Any]:
    """The routes of a party's disputes below a portal's prefix."""
    all_of = f"{prefix}/disputes"
    one = f"{all_of}/{{dispute:str}}"
    changed = (400, 401, 403, 404, 409, 422)
    return [
        command(all_of, DisputeStands)(open_a_dispute),
        listing(all_of, DisputeView)(list_disputes),
        show(one, DisputeDocument)(show_dispute),
        command(f"{one}/answers", DisputeStands, *changed, status=200)(answer_a_dispute),
        command(f"{one}/evidence", DisputeStands, *changed, 413)(add_evidence),
        get(
            f"{one}/evidence/{{dispute_evidence:str}}/file",
            responses=answers(bytes, 200, 401, 403, 404, media_type="application/octet-stream"),
        )(download_evidence),
        command(f"{one}/proposals", DisputeStands)(propose_settlement),
        command(f"{one}/acceptance", DisputeStands, *changed, status=200)(accept_settlement),
        command(f"{one}/withdrawal", DisputeStands, *changed, status=200)(withdraw_dispute),
        command(f"{one}/escalation", DisputeStands, 401, 403, 404, 409, status=200)(escalate_dispute),
        command(f"{one}/appeal", DisputeStands, *changed, status=200)(appeal_dispute),
        command(f"{one}/waiver", DisputeStands, 401, 403, 404, 409, status=200)(waive_an_appeal),
        command(f"{one}/redelivery", DisputeStands, *changed, status=200)(report_redelivery),
        command(f"{one}/redelivery/acceptance", DisputeStands, 401, 403, 404, 409, status=200)(accept_redelivery),
        command(f"{one}/redelivery/rejection", DisputeStands, *changed, status=200)(reject_redelivery),
    ]


async def open_a_dispute(request: Asked, data: JSONBody[OpenForm]) -> Response[bytes]:
    """Open a dispute: what is in dispute is held at once, payouts of it stop, the rest flows. 提起争议，争议款项立即冻结。

    The other side has seven days to answer; silence leads to an arbitrator, and so does a negotiation that comes to nothing.
    """
    actor = actor_of(request)
    kind = "order" if data.source.startswith("ord") else "charge"
    wish = OpenWish(
        Kind(data.kind),
        (kind, body_id(data.source[:3], data.source)),
        data.words,
        None if data.amount is None else money(data.amount),
        None if data.respondent is None else body_id("org", data.respondent),
    )
    settings = settings_of(request)
    return await write(
        request, "dispute.open", lambda tx: open_dispute(tx, actor, wish, settings), object_id=data.source
    )


async def list_disputes(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Response[bytes]:
    """Disputes in which you are a side, newest first. 本方参与的争议。"""
    actor = actor_of(request)
    return await show_page(
        request, actor, lambda tx, page: disputes.list_disputes(tx, actor, page), dispute_view, limit, cursor
    )


async def show_dispute(request: Asked, dispute: FromPath[str]) -> DisputeDocument:
    """One dispute: what was said and shown, what is held, and what you can do now. 争议详情。"""
    return await show_case(request, dispute, disputes.find_dispute)


async def answer_a_dispute(request: Asked, dispute: FromPath[str], data: JSONBody[WordsForm]) -> Response[bytes]:
    """Answer a dispute that the other side opened. 答辩。"""
    flow = partial(answer_dispute.answer_dispute, words=data.words, settings=settings_of(request))
    return await change(request, dispute, "dispute.answer", flow)


async def add_evidence(request: Asked, dispute: FromPath[str], data: JSONBody[EvidenceForm]) -> Response[bytes]:
    """Show evidence: a file, or what the exchange answers for (is this event in this bill?). 提交证据。

    Name exactly one of `file`, `usage`, `log`, `scorecard` and `agreement`. The exchange vouches for all but files.
    """
    actor, dispute_id = actor_of(request), object_id("dsp", dispute)
    async with services_of(request).db.read(actor) as tx:
        # Whoever has no such dispute has nothing stored here.
        found(await disputes.find_dispute(tx, actor, dispute_id))
    shown = await _shown(request, data)
    return await change(request, dispute, "dispute.prove", partial(prove_dispute, shown=shown, title=data.title), 201)


async def download_evidence(request: Asked, dispute: FromPath[str], dispute_evidence: FromPath[str]) -> Stream:
    """A file that was shown as evidence. 下载证据文件。"""
    return await stream_evidence(request, dispute, dispute_evidence, disputes.find_dispute)


async def propose_settlement(request: Asked, dispute: FromPath[str], data: JSONBody[AwardForm]) -> Response[bytes]:
    """Propose how to settle: refund, credit, delivery anew, a changed share; your last proposal counts. 提出和解方案。"""
    actor = actor_of(request)
    async with services_of(request).db.read(actor) as tx:
        one = found(await disputes.find_dispute(tx, actor, object_id("dsp", dispute)))
    award = data.award(one.amount.currency)
    flow = partial(answer_dispute.propose, award=award, words=data.words)
    return await change(request, dispute, "dispute.propose", flow, 201)


async def accept_settlement(request: Asked, dispute: FromPath[str], data: JSONBody[AcceptForm]) -> Response[bytes]:
    """Accept the other side's last proposal: the dispute is settled and the money moves at once. 接受和解方案。"""
    proposal_id = body_id("rsc", data.proposal)
    flow = partial(answer_dispute.accept_proposal, proposal_id=proposal_id, settings=settings_of(request))
    return await change(request, dispute, "dispute.accept", flow)


async def withdraw_dispute(request: Asked, dispute: FromPath[str], data: JSONBody[WordsForm]) -> Response[bytes]:
    """Give up a dispute that you opened: what was held is free. 撤回争议。"""
    flow = partial(answer_dispute.withdraw, words=data.words, settings=settings_of(request))
    return await change(request, dispute, "dispute.withdraw", flow)


async def escalate_dispute(request: Asked, dispute: FromPath[str]) -> Response[bytes]:
    """Ask for an arbitrator at once. 申请仲裁。"""
    return await change(request, dispute, "dispute.escalate", answer_dispute.escalate)


async def appeal_dispute(request: Asked, dispute: FromPath[str], data: JSONBody[WordsForm]) -> Response[bytes]:
    """Appeal against the first decision: another arbitrator decides for good. 上诉。"""
    return await change(request, dispute, "dispute.appeal", partial(appeal_decision.appeal, words=data.words))


async def waive_an_appeal(request: Asked, dispute: FromPath[str]) -> Response[bytes]:
    """Give up an appeal; once both sides have, the decision is carried out. 放弃上诉。"""
    flow = partial(appeal_decision.waive_appeal, settings=settings_of(request))
    return await change(request, dispute, "dispute.waive", flow)


async def report_redelivery(request: Asked, dispute: FromPath[str], data: JSONBody[WordsForm]) -> Response[bytes]:
    """Say that you have delivered anew, as ordered or agreed. 告知已重新交付。"""
    flow = partial(appeal_decision.redeliver, words=data.words, settings=settings_of(request))
    return await change(request, dispute, "dispute.redeliver", flow)


async def accept_redelivery(request: Asked, dispute: FromPath[str]) -> Response[bytes]:
    """Accept what was delivered anew: what was held is free for its payees. 接受重新交付。"""
    return await change(request, dispute, "dispute.confirm", appeal_decision.confirm_rework)


async def reject_redelivery(request: Asked, dispute: FromPath[str], data: JSONBody[WordsForm]) -> Response[bytes]:
    """Reject what was delivered anew and say why: an arbitrator decides. 拒绝重新交付。"""
    flow = partial(appeal_decision.object_to_rework, words=data.words, settings=settings_of(request))
    return await change(request, dispute, "dispute.object", flow)


# ---------------------------------------------------------------- shared with the arbitrator's portal


def settings_of(request: Asked) -> DisputeSettings:
    """Deadlines and fees of this exchange."""
    return services_of(request).settings.disputes


async def change(request: Asked, dispute: str, action: str, flow: Flow, status: int = 200) -> Response[bytes]:
    """Run a command on one dispute."""
    actor, dispute_id = actor_of(request), object_id("dsp", dispute)
    return await write(request, action, lambda tx: flow(tx, actor, dispute_id), status=status, object_id=dispute)


async def show_case(request: Asked, dispute: str, find: Find) -> DisputeDocument:
    """A case as one of its parties or its arbitrator reads it."""
    actor, dispute_id = actor_of(request), object_id("dsp", dispute)
    async with services_of(request).db.read(actor) as tx:
        read = await read_case(tx, found(await find(tx, actor, dispute_id)))
    return document_of(read, actor.organisation_id)


async def stream_evidence(request: Asked, dispute: str, named: str, find: Find) -> Stream:
    """A file of a case that the reader sees; never shown in place."""
    actor, services = actor_of(request), services_of(request)
    dispute_id, evidence_id = object_id("dsp", dispute), object_id("evd", named)
    async with services.db.read(actor) as tx:
        found(await find(tx, actor, dispute_id))
        one = found(await disputes.find_evidence(tx, dispute_id, evidence_id))
    found(one.name)
    found(await services.files.stat(one.sha256))
    headers = {
        "content-length": str(one.size_bytes),
        "content-disposition": f"attachment; filename*=UTF-8''{quote(one.name or '', safe='')}",
        "x-content-type-options": "nosniff",
        "x-sha256": one.sha256.hex(),
        "cache-control": "private, no-store",
    }
    return Stream(services.files.open_range(one.sha256), media_type="application/octet-stream", headers=headers)


async def _shown(request: Asked, data: EvidenceForm) -> Shown:
    given = [one for one in (data.file, data.usage, data.log, data.scorecard, data.agreement) if one is not None]
    if len(given) != 1:
        raise Refused(INVALID_REQUEST(reason="name one of file, usage, log, scorecard, agreement"))
    if data.file is not None:
        return await _stored(request, data.file)
    if data.usage is not None:
        try:
            event_id = UUID(data.usage.event)
        except ValueError:
            raise Refused(INVALID_REQUEST(reason="an event is named by its UUID")) from None
        return UseShown(body_id("inv", data.usage.invoice), event_id, data.usage.day)
    if data.log is not None:
        return LogShown(data.log)
    if data.scorecard is not None:
        return KeptShown("scorecard", body_id("scr", data.scorecard))
    return KeptShown("agreement", body_id("agr", data.agreement or ""))


async def _stored(request: Asked, file: FileForm) -> FileShown:
    if len(file.content) > FILE_MAX_BYTES:
        raise Refused(TOO_LARGE(limit_bytes=FILE_MAX_BYTES))
    needs = fault_of_file(file.name, file.media_type, len(file.content))
    if needs is not None:
        raise Refused(EVIDENCE_INVALID(reason=needs))
    blob = await services_of(request).files.put(file.content)
    return FileShown(file.name, file.media_type, blob.sha256, blob.size_bytes)
