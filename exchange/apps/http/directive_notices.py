"""What your organisation was told of regulators' directives: read it, confirm it, answer it. The same in every portal."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Response
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from compliance import answer_store, directive_store
from compliance.answer_store import Answer, Evidence
from compliance.directive_store import Notice
from compliance.directives import fault_of_file
from compliance.problems import DIRECTIVE_ANSWER_INVALID
from exchange.apps.http.answers import Asked, found, write
from exchange.apps.http.context import actor_of, services_of
from exchange.apps.http.documented import command, listing, show
from exchange.apps.http.lists import Cursor, Limit, show_page
from exchange.apps.http.wire import Id, Sha256, Texts, Time, json_of, object_id, stamp
from exchange.flows.answer_directive import NoticeReceipt, acknowledge, answer
from exchange.kernel import ids
from exchange.kernel.errors import TOO_LARGE, Refused

FILE_MAX_BYTES = 4 * 1024 * 1024
_NoticeId = Annotated[str, Meta(examples=["dno_01m80jwmabesg81hwe4cc73nw9"])]


class BasisView(msgspec.Struct, frozen=True):
    """The law that a directive rests on."""

    law: Annotated[str, Meta(description="Which law, by its short name. 法律简称。", examples=["cn-dsl"])]
    article: Annotated[str, Meta(examples=["35"])]
    text: Texts


class ReachedView(msgspec.Struct, frozen=True):
    """What a directive is about, as far as it reaches you, and on which side of it you stand."""

    target: Annotated[str, Meta(examples=["lst_01m80jwmabesg81hwe4cc73nw9"])]
    side: Annotated[str, Meta(description="itself, supplier or buyer. 本机构、供应方或买方。", examples=["buyer"])]


class DirectiveNotice(msgspec.Struct, frozen=True):
    """A directive that reaches you; `duty` says whether you are asked to confirm it or to answer it.

    The reason is told to those whom the directive means; who only trades with them learns what is stopped and by what law.
    """

    id: _NoticeId
    directive: Annotated[str, Meta(examples=["dir_01m80jwmabesg81hwe4cc73nw9"])]
    kind: Annotated[
        str, Meta(description="freeze, delist, preserve, disclose or inform. 指令类型。", examples=["freeze"])
    ]
    duty: Annotated[str, Meta(description="confirm or answer. 确认或答复。", examples=["confirm"])]
    targets: list[ReachedView]
    basis: BasisView | None
    reason: Texts | None
    deadline: Time | None
    issued_by: Id
    issued_at: Time
    what_to_do: Texts
    told_at: Time
    acknowledged_at: Time | None
    answered_at: Time | None
    lifted_at: Time | None
    rules: Annotated[
        list[dict[str, str]],
        Meta(
            description="What you register later and meets one of these stands under it too. 此后登记且符合任一规则的数据集同样适用。",
            examples=[[{"personal_data": "contains"}]],
        ),
    ] = []


class FileView(msgspec.Struct, frozen=True):
    """A file that came with an answer."""

    id: Annotated[str, Meta(examples=["rsc_01m80jwmabesg81hwe4cc73nw9"])]
    name: Annotated[str, Meta(examples=["ledger.pdf"])]
    media_type: str
    sha256: Sha256
    size_bytes: int


class AnswerView(msgspec.Struct, frozen=True):
    """What was answered; `late` is after the deadline."""

    id: Annotated[str, Meta(examples=["dan_01m80jwmabesg81hwe4cc73nw9"])]
    organisation: Id
    text: Texts
    files: list[FileView]
    late: bool
    created_at: Time


class NoticeDocument(msgspec.Struct, frozen=True):
    """A notice with what you answered so far."""

    notice: DirectiveNotice
    answers: list[AnswerView]


class FileWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file: its name, what it is, and its bytes in base64 (at most 4 MiB before encoding)."""

    name: Annotated[str, Meta(min_length=1, max_length=200, examples=["ledger.pdf"])]
    media_type: Annotated[str, Meta(max_length=120, examples=["application/pdf"])]
    content: Annotated[bytes, Meta(description="Base64.", examples=["JVBERi0xLjcK"], min_length=1)]


class AnswerWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An answer in words, with files where they help."""

    text: Annotated[
        dict[str, str],
        Meta(description="In English or Chinese. 中文或英文。", examples=[{"en": "See the ledger.", "zh": "见台账。"}]),
    ]
    files: Annotated[tuple[FileWish, ...], Meta(max_length=10)] = ()


def notice_routes(prefix: str) -> list[Any]:
    """The routes of directives' notices below a portal's prefix."""
    all_of = f"{prefix}/directive-notices"
    one = f"{all_of}/{{directive_notice:str}}"
    return [
        listing(all_of, DirectiveNotice)(list_directive_notices),
        show(one, NoticeDocument)(show_directive_notice),
        command(f"{one}/acknowledgement", NoticeReceipt, 401, 403, 404, 409, status=200)(acknowledge_directive),
        command(f"{one}/answers", NoticeReceipt, 400, 401, 403, 404, 409, 413)(answer_directive),
    ]


async def list_directive_notices(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Response[bytes]:
    """Regulators' directives that reach you, the newest first. 涉及本机构的监管指令通知。"""
    actor = actor_of(request)
    return await show_page(
        request, actor, lambda tx, page: directive_store.my_notices(tx, actor, page), notice_view, limit, cursor
    )


async def show_directive_notice(request: Asked, directive_notice: FromPath[str]) -> NoticeDocument:
    """One notice, and what you answered. 通知详情及已提交的答复。"""
    actor, notice_id = actor_of(request), object_id("dno", directive_notice)
    async with services_of(request).db.read(actor) as tx:
        one = found(await directive_store.my_notice(tx, actor, notice_id))
        given = await answer_store.my_answers(tx, actor, notice_id)
    return NoticeDocument(notice_view(one), [answer_view(each) for each in given])


async def acknowledge_directive(request: Asked, directive_notice: FromPath[str]) -> Response[bytes]:
    """Confirm that your organisation knows of a directive. 确认收悉监管指令。"""
    actor, notice_id = actor_of(request), object_id("dno", directive_notice)
    return await write(
        request,
        "directive.acknowledge",
        lambda tx: acknowledge(tx, actor, notice_id),
        status=200,
        object_id=directive_notice,
    )


async def answer_directive(
    request: Asked, directive_notice: FromPath[str], data: JSONBody[AnswerWish]
) -> Response[bytes]:
    """Answer a directive that asks for something, with files; only the regulator that asks reads it. 答复监管指令并提交材料。"""
    services, actor = services_of(request), actor_of(request)
    notice_id = object_id("dno", directive_notice)
    if any(len(one.content) > FILE_MAX_BYTES for one in data.files):
        raise Refused(TOO_LARGE(limit_bytes=FILE_MAX_BYTES))
    for one in data.files:
        needs = fault_of_file(one.name, one.media_type, len(one.content))
        if needs is not None:
            raise Refused(DIRECTIVE_ANSWER_INVALID(needs=needs))
    async with services.db.read(actor) as tx:
        # Whoever has no such notice has nothing stored here.
        found(await directive_store.my_notice(tx, actor, notice_id))
    files = []
    for one in data.files:
        blob = await services.files.put(one.content)
        file_id = services.db.ids.new(services.db.clock.now())
        files.append(Evidence(file_id, one.name, one.media_type, blob.sha256, blob.size_bytes))
    return await write(
        request,
        "directive.answer",
        lambda tx: answer(tx, actor, notice_id, data.text, files),
        object_id=directive_notice,
    )


def notice_view(one: Notice) -> DirectiveNotice:
    """A notice as the API shows it."""
    said = {name: value for name, value in json_of(one.document).items() if name not in ("type", "v")}
    basis = said.pop("basis")
    return DirectiveNotice(
        id=ids.text("dno", one.id),
        duty=one.duty,
        targets=[ReachedView(**each) for each in said.pop("targets")],
        basis=None if basis is None else BasisView(**basis),
        told_at=stamp(one.created_at),
        acknowledged_at=stamp(one.acknowledged_at) if one.acknowledged_at else None,
        answered_at=stamp(one.answered_at) if one.answered_at else None,
        lifted_at=stamp(one.lifted_at) if one.lifted_at else None,
        **said,
    )


def answer_view(one: Answer) -> AnswerView:
    """An answer as the API shows it."""
    return AnswerView(
        id=ids.text("dan", one.id),
        organisation=ids.text("org", one.organisation_id),
        text=dict(one.text),
        files=[
            FileView(ids.text("rsc", each.id), each.name, each.media_type, each.sha256.hex(), each.size_bytes)
            for each in one.files
        ],
        late=one.late,
        created_at=stamp(one.created_at),
    )
