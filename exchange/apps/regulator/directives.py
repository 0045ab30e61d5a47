"""Directives: freeze, delist, preserve, disclose, inform; who was told, what was answered; and taking one back."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import quote
from uuid import UUID

import msgspec
from litestar import Response, get
from litestar.params import FromPath, FromQuery, JSONBody
from litestar.response import Stream
from msgspec import Meta

from compliance import answer_store, directive_store
from compliance.answer_store import Answer
from compliance.directive_rules import Rule
from compliance.directive_store import Notice
from compliance.directives import TARGETS, Basis, Directive, Order, Target
from exchange.apps.http.answers import Asked, found, write
from exchange.apps.http.context import actor_of, services_of
from exchange.apps.http.directive_notices import AnswerView, answer_view
from exchange.apps.http.directive_views import DirectiveView, directive_view
from exchange.apps.http.documented import answers, command, listing, show
from exchange.apps.http.lists import Cursor, Limit
from exchange.apps.http.wire import Id, Time, body_id, moment_of, object_id, stamp
from exchange.apps.regulator.seeing import inspect, inspect_page
from exchange.apps.regulator.wire import Moment
from exchange.catalog.datasets import Modality, PersonalData
from exchange.flows.issue_directive import DirectiveReceipt, issue, lift
from exchange.kernel import ids
from exchange.kernel.db import Tx
from exchange.kernel.errors import INVALID_REQUEST, Refused
from exchange.kernel.pages import Page, PageRequest, page_of
from exchange.kernel.text import Text

_KINDS = {prefix: kind for kind, prefix in TARGETS.items()}
_PATH = "/regulator/v1/directives/{directive:str}"
_NO_TARGET = Text(
    "a directive is about " + ", ".join(f"{prefix}_..." for prefix in TARGETS.values()),
    "指令对象须为 " + "、".join(f"{prefix}_..." for prefix in TARGETS.values()),
)
_TargetId = Annotated[str, Meta(max_length=40, examples=["lst_01m80jwmabesg81hwe4cc73nw9"])]


class BasisWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The law that a directive rests on. It is shown to everybody where a listing is off sale because of it."""

    law: Annotated[
        Literal["cn-dsl", "cn-pipl", "cn-csl", "cn-ndsr", "eu-gdpr", "eu-dga", "eu-da", "court", "other"],
        Meta(examples=["cn-dsl"]),
    ]
    text: Annotated[
        dict[str, str],
        Meta(
            description="In both languages, for everybody. 中英文公开说明。",
            examples=[{"en": "Supervision of data trading", "zh": "数据交易监督管理"}],
        ),
    ]
    article: Annotated[str, Meta(max_length=80, examples=["33"])] = ""


class RuleWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Every dataset that was declared to have all of these properties; what is left out is not asked for."""

    licence: Annotated[
        Annotated[str, Meta(max_length=100, examples=["CC-BY-4.0"])] | None,
        Meta(description="A name in its SPDX expression. 许可证名称。"),
    ] = None
    modality: Annotated[Modality | None, Meta(examples=["text"])] = None
    language: Annotated[
        Annotated[str, Meta(max_length=100, examples=["zh"])] | None,
        Meta(description="BCP 47; a language meets its regions and scripts. 语言标签。"),
    ] = None
    personal_data: Annotated[PersonalData | None, Meta(examples=["contains"])] = None
    cross_border: Annotated[
        bool | None, Meta(description="Whether a basis for leaving its country was declared. 是否申报出境依据。")
    ] = None


class DirectiveWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An order about up to a hundred organisations, datasets, revisions, listings, offers, agreements, grants or orders,
    and about every dataset that meets a rule.
    """

    kind: Literal["freeze", "delist", "preserve", "disclose", "inform"]
    basis: BasisWish
    reason: Annotated[
        dict[str, str],
        Meta(
            description="Why, or what is asked, in English or Chinese; told to those whom the directive means. 理由或要求。",
            examples=[{"en": "Case 2026-17", "zh": "2026-17 号案件"}],
        ),
    ]
    deadline: (
        Annotated[
            Moment,
            Meta(description="By when to confirm or to answer; needed for disclose and inform. 确认或答复的期限。"),
        ]
        | None
    ) = None
    targets: Annotated[tuple[_TargetId, ...], Meta(max_length=100)] = ()
    rules: Annotated[
        tuple[RuleWish, ...],
        Meta(
            max_length=10,
            description="Datasets that meet one of them: now, and for freeze, delist and preserve also those that are registered "
            "while it stands. 符合任一规则的数据集；冻结、下架、保全指令亦及于此后登记者。",
            examples=[[{"personal_data": "contains", "cross_border": True}]],
        ),
    ] = ()


class ToldView(msgspec.Struct, frozen=True):
    """An organisation that was told of a directive, and what it did."""

    organisation: Id
    duty: Annotated[str, Meta(examples=["confirm"])]
    told_at: Time
    acknowledged_at: Time | None
    answered_at: Time | None


class DirectiveDocument(DirectiveView, frozen=True):
    """A directive, how many were told, confirmed and answered, and what it has kept from being erased."""

    told: int
    confirmed: int
    answered: int
    kept: Annotated[list[str], Meta(description="Places that hold back an erasure. 因保全而暂缓删除之处。")]


@command("/regulator/v1/directives", DirectiveReceipt, 400, 401, 403, 422)
async def issue_directive(request: Asked, data: JSONBody[DirectiveWish]) -> Response[bytes]:
    """Issue a directive; it binds every purchase and access that begins after this answers. 发出监管指令。

    freeze: no sale, no token, no data, and downloads that run are cut; delist: no new sale; preserve: nothing is erased;
    disclose: what is known is handed over; inform: questions are answered. Everybody it reaches is told.
    """
    actor = actor_of(request)
    basis = Basis(data.basis.law, data.basis.article, data.basis.text)
    deadline = None if data.deadline is None else moment_of(data.deadline)
    targets, rules = tuple(map(_target, data.targets)), tuple(map(_rule, data.rules))
    order = Order(data.kind, targets, basis, data.reason, deadline, rules)
    return await write(request, f"directive.{data.kind}", lambda tx: issue(tx, actor, order))


@command(f"{_PATH}/lifting", DirectiveReceipt, 400, 401, 403, 404, 409, status=200)
async def lift_directive(request: Asked, directive: FromPath[str]) -> Response[bytes]:
    """Take a directive of yours back; what it forbade is possible again. 解除监管指令。"""
    actor, directive_id = actor_of(request), object_id("dir", directive)
    return await write(
        request, "directive.lift", lambda tx: lift(tx, actor, directive_id), status=200, object_id=directive
    )


@listing("/regulator/v1/directives", DirectiveView)
async def list_directives(
    request: Asked, active: FromQuery[bool] = False, limit: Limit = None, cursor: Cursor = None
) -> Response[bytes]:
    """Directives of every regulator, newest first; `active=true` shows those in force. 监管指令列表。"""

    async def read(tx: Tx, page: PageRequest) -> Page[Directive]:
        before = UUID(page.after[0]) if page.after else None
        rows = await directive_store.directives(tx, active_only=active, before=before, limit=page.limit + 1)
        return page_of(rows, page, lambda one: (str(one.id),))

    return await inspect_page(request, read, directive_view, limit, cursor)


@show(_PATH, DirectiveDocument)
async def show_directive(request: Asked, directive: FromPath[str]) -> DirectiveDocument:
    """One directive and how far it has come. 监管指令详情。"""
    directive_id = object_id("dir", directive)

    async def read(tx: Tx) -> DirectiveDocument:
        one = found(await directive_store.find_directive(tx, directive_id))
        owed = await directive_store.owed(tx, directive_id)
        kept = await directive_store.deferred_by(tx, directive_id)
        shown = msgspec.structs.asdict(directive_view(one))
        return DirectiveDocument(**shown, told=owed.told, confirmed=owed.confirmed, answered=owed.answered, kept=kept)

    return await inspect(request, read)


@listing(f"{_PATH}/notices", ToldView, 400, 401, 403, 404)
async def list_told(
    request: Asked, directive: FromPath[str], limit: Limit = None, cursor: Cursor = None
) -> Response[bytes]:
    """Whom a directive of yours was told to, and who has confirmed. 已通知的机构及其确认情况。"""
    directive_id = await _own(request, directive)
    return await inspect_page(
        request, lambda tx, page: directive_store.told_of(tx, directive_id, page), _told, limit, cursor
    )


@listing(f"{_PATH}/answers", AnswerView, 400, 401, 403, 404)
async def list_answers(
    request: Asked, directive: FromPath[str], limit: Limit = None, cursor: Cursor = None
) -> Response[bytes]:
    """What was answered to a directive of yours; no other regulator reads it. 收到的答复。"""
    directive_id = await _own(request, directive)

    async def read(tx: Tx, page: PageRequest) -> Page[Answer]:
        return await answer_store.answers_to(tx, directive_id, page)

    return await inspect_page(request, read, answer_view, limit, cursor)


@get(
    f"{_PATH}/files/{{directive_file:str}}",
    responses=answers(bytes, 200, 401, 403, 404, media_type="application/octet-stream"),
)
async def download_answer(request: Asked, directive: FromPath[str], directive_file: FromPath[str]) -> Stream:
    """A file of an answer to a directive of yours. 下载答复所附文件。"""
    directive_id, file_id = await _own(request, directive), object_id("rsc", directive_file)
    one = found(await inspect(request, lambda tx: answer_store.file_of(tx, directive_id, file_id)))
    files = services_of(request).files
    found(await files.stat(one.sha256))
    headers = {
        "content-length": str(one.size_bytes),
        # Never shown in place: whatever the organisation sent, the regulator's browser only stores it.
        "content-disposition": f"attachment; filename*=UTF-8''{quote(one.name, safe='')}",
        "x-content-type-options": "nosniff",
        "x-sha256": one.sha256.hex(),
        "cache-control": "private, no-store",
    }
    return Stream(files.open_range(one.sha256), media_type="application/octet-stream", headers=headers)


async def _own(request: Asked, directive: str) -> UUID:
    """A directive that the asking regulator issued; what was answered to another's is none of its business."""
    actor, directive_id = actor_of(request), object_id("dir", directive)
    one = found(await inspect(request, lambda tx: directive_store.find_directive(tx, directive_id)))
    return found(one.id if one.issued_by == actor.organisation_id else None)


def _target(name: str) -> Target:
    prefix = name.partition("_")[0]
    kind = _KINDS.get(prefix)
    if kind is None:
        raise Refused(INVALID_REQUEST(reason=_NO_TARGET))
    return Target(kind, body_id(prefix, name))


def _rule(one: RuleWish) -> Rule:
    modality = None if one.modality is None else one.modality.value
    personal = None if one.personal_data is None else one.personal_data.value
    return Rule(one.licence, modality, one.language, personal, one.cross_border)


def _told(one: Notice) -> ToldView:
    return ToldView(
        organisation=ids.text("org", one.organisation_id),
        duty=one.duty,
        told_at=stamp(one.created_at),
        acknowledged_at=stamp(one.acknowledged_at) if one.acknowledged_at else None,
        answered_at=stamp(one.answered_at) if one.answered_at else None,
    )


ROUTES = (
    issue_directive,
    lift_directive,
    list_directives,
    show_directive,
    list_told,
    list_answers,
    download_answer,
)
