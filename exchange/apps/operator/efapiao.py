"""E-fapiao: the table of codes, drafts with what they lack, files for the tax office's platform, numbers that come back."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from litestar import Response, get, post
from litestar.openapi.spec import OpenAPIMediaType, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIType
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta

from exchange.apps.http.answers import Asked, found, write
from exchange.apps.http.context import actor_of
from exchange.apps.http.documented import Command, answers, command, listing, show
from exchange.apps.http.lists import Cursor, Limit
from exchange.apps.http.wire import Id, Sha256, Time, object_id, stamp
from exchange.apps.operator.problems import UNSUPPORTED_MEDIA
from exchange.apps.operator.seeing import see, see_page
from exchange.flows.efapiao import (
    CodesKept,
    Draft,
    Exported,
    NumbersKept,
    RedConfirmed,
    confirm_red,
    export_efapiao,
    list_efapiao,
    put_codes,
    record_numbers,
)
from exchange.kernel import ids
from exchange.kernel.canonical import sha256_hex
from exchange.kernel.errors import Refused
from settlement.efapiao import codes, numbers
from settlement.efapiao.filling import Confirmed, Reason, export_bytes
from settlement.efapiao.numbers import BadNumbers, State
from settlement.efapiao_problems import BAD_EFAPIAO_NUMBER
from settlement.store import efapiao as store

_PATH = "/operator/v1/efapiao"
BODY_MAX_BYTES = 512 * 1024
_DOC = "doc_01m80jwmabesg81hwe4cc73nw9"
_NUMBER = "26312000000123456789"
_CODES = f"{','.join(codes.COLUMNS)}\ntext,3040201990000000000,信息技术服务,项,\n"
_NUMBERS = f"{','.join(numbers.COLUMNS)}\n{_DOC},{_NUMBER},2026-11-05\n"


class CodesCall(Command):
    """A command whose body is a table of codes."""

    example = _CODES

    def __post_init__(self) -> None:
        """Say what the file looks like."""
        super().__post_init__()
        file = OpenAPIMediaType(schema=Schema(type=OpenAPIType.STRING, examples=[self.example]))
        self.request_body = RequestBody(content={"text/csv": file}, required=True)


class NumbersCall(CodesCall):
    """A command whose body is a file of numbers."""

    example = _NUMBERS


class CodesView(msgspec.Struct, frozen=True):
    """The table of codes that counts now, as it was handed in."""

    version: int
    sha256: Sha256
    created_at: Time
    content: str


class EfapiaoView(msgspec.Struct, frozen=True):
    """A paper of a Chinese seller, and how far its e-fapiao is."""

    document: Annotated[str, Meta(examples=[_DOC])]
    paper: Annotated[str, Meta(examples=["INV-K7Q2M4XZ-2026-000001"])]
    colour: Annotated[str, Meta(description="blue or red", examples=["blue"])]
    seller: Id
    buyer: Id
    state: Annotated[str, Meta(description="draft, exported or issued", examples=["draft"])]
    missing: Annotated[
        list[str],
        Meta(
            description="What a draft lacks: code: and a category without a code in the table, category (what was sold is "
            "unknown), currency, seller_number, buyer_number, tax_treatment, discount, amount, several_originals, "
            "original_not_issued, confirmation.",
            examples=[["code:image"]],
        ),
    ]
    export: Annotated[str | None, Meta(examples=["efx_01m80jwmabesg81hwe4cc73nw9"])]
    number: Annotated[str | None, Meta(examples=[_NUMBER])]
    issued_on: Annotated[str | None, Meta(examples=["2026-11-05"])]


class ExportWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Export what lacks nothing; `after` is `last` of the call before."""

    after: Annotated[str | None, Meta(examples=[_DOC])] = None


class NumberWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The number and day of the issued invoice."""

    number: Annotated[str, Meta(examples=[_NUMBER], max_length=40)]
    issued_on: Annotated[str, Meta(examples=["2026-11-05"], max_length=10)]


class ConfirmationWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the tax office's platform confirmed (红字发票信息确认单)."""

    number: Annotated[str, Meta(examples=["31000026110000000042"], max_length=40)]
    reason: Annotated[
        Literal["01", "02", "03", "04"],
        Meta(description="01 开票有误 mistake, 02 销货退回 returned, 03 服务中止 ended, 04 销售折让 allowance."),
    ]


Wanted = Annotated[
    Literal["draft", "exported", "issued"],
    QueryParameter(name="state", description="Papers in this state; drafts unless it is given. 状态，默认为草稿。"),
]


@post(
    f"{_PATH}/codes",
    status_code=201,
    operation_class=CodesCall,
    request_max_body_size=BODY_MAX_BYTES,
    responses=answers(CodesKept, 201, 400, 401, 403, 413, 422),
)
async def hand_in_codes(request: Asked) -> Response[bytes]:
    """Hand in which tax classification code each category of data has, as CSV. 提交税收分类编码表。

    Categories are the kinds of data (text, table, image, audio, video, image_text) and platform_fee. A category without a
    line has no code: papers with it wait, and are listed with what they lack. Codes are never guessed.
    """
    _only_csv(request)
    content, actor = await request.body(), actor_of(request)
    return await write(request, "efapiao.codes", lambda tx: put_codes(tx, actor, content))


@show(f"{_PATH}/codes/newest", CodesView)
async def get_codes(request: Asked) -> CodesView:
    """The table of codes that counts now. 现行税收分类编码表。"""
    row = found(await see(request, store.codes))
    return CodesView(row.version, row.sha256.hex(), stamp(row.created_at), row.document.decode("utf-8-sig"))


@listing(_PATH, EfapiaoView)
async def list_all(
    request: Asked, wanted: Wanted = "draft", limit: Limit = None, cursor: Cursor = None
) -> Response[bytes]:
    """Papers of Chinese sellers by the state of their e-fapiao, oldest first. 数电发票列表。"""
    return await see_page(request, lambda tx, page: list_efapiao(tx, page, State(wanted)), _view, limit, cursor)


@command(f"{_PATH}/exports", Exported, 400, 401, 403, 409)
async def export(request: Asked, data: JSONBody[ExportWish]) -> Response[bytes]:
    """Let the data of all drafts that lack nothing leave in one file. 导出数电发票数据。

    What left is never changed. Five hundred papers are looked at a time; `last` is where the next call goes on.
    """
    actor, after = actor_of(request), object_id("doc", data.after) if data.after else None
    return await write(request, "efapiao.export", lambda tx: export_efapiao(tx, actor, after))


@get(
    f"{_PATH}/exports/{{fapiao_export:str}}/file",
    responses=answers(bytes, 200, 401, 403, 404, description="The file. 导出文件。"),
)
async def show_file(request: Asked, fapiao_export: FromPath[str]) -> Response[bytes]:
    """The file of an export, the same bytes each time. 导出文件。"""
    name = object_id("efx", fapiao_export)
    documents = await see(request, lambda tx: store.of_export(tx, name))
    body = export_bytes(name, found(documents or None))
    headers = {
        "content-disposition": f'attachment; filename="{fapiao_export}.json"',
        "etag": f'"{sha256_hex(body)}"',
        "cache-control": "private, no-cache",
        "x-content-type-options": "nosniff",
    }
    return Response(body, media_type="application/json", headers=headers)


@post(
    f"{_PATH}/numbers",
    status_code=201,
    operation_class=NumbersCall,
    request_max_body_size=BODY_MAX_BYTES,
    responses=answers(NumbersKept, 201, 400, 401, 403, 413, 422),
)
async def read_back(request: Asked) -> Response[bytes]:
    """Read the numbers of issued invoices back from a file, as CSV; all of them or none. 回填发票号码（文件）。"""
    _only_csv(request)
    content, actor = await request.body(), actor_of(request)
    try:
        said = numbers.read_numbers(content)
    except BadNumbers as error:
        raise Refused(BAD_EFAPIAO_NUMBER(why=str(error))) from error
    return await write(request, "efapiao.issue", lambda tx: record_numbers(tx, actor, said))


@command(f"{_PATH}/{{document:str}}/number", NumbersKept)
async def enter_number(request: Asked, document: FromPath[str], data: JSONBody[NumberWish]) -> Response[bytes]:
    """Enter the number of one issued invoice: 20 digits, and the day that stands on it. 回填单张发票号码。"""
    actor, name = actor_of(request), ids.text("doc", object_id("doc", document))
    try:
        said = numbers.numbered(name, data.number, data.issued_on)
    except BadNumbers as error:
        raise Refused(BAD_EFAPIAO_NUMBER(why=str(error))) from error
    return await write(request, "efapiao.issue", lambda tx: record_numbers(tx, actor, [said]), object_id=name)


@command(f"{_PATH}/{{document:str}}/confirmation", RedConfirmed)
async def confirm(request: Asked, document: FromPath[str], data: JSONBody[ConfirmationWish]) -> Response[bytes]:
    """Enter what the tax office's platform confirmed for a credit note. 登记红字发票信息确认单。

    The blue invoice must be issued first; then the red-letter one is a draft that can be exported.
    """
    actor, name = actor_of(request), object_id("doc", document)
    said = Confirmed(data.number, Reason(data.reason))
    return await write(
        request, "efapiao.confirm", lambda tx: confirm_red(tx, actor, name, said), object_id=ids.text("doc", name)
    )


def _only_csv(request: Asked) -> None:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in ("text/csv", "text/plain"):
        raise Refused(UNSUPPORTED_MEDIA(wanted="text/csv"))


def _view(one: Draft) -> EfapiaoView:
    row, doc = one.row, one.row.doc
    return EfapiaoView(
        document=ids.text("doc", doc.id),
        paper=doc.name,
        colour="red" if doc.kind.is_credit else "blue",
        seller=ids.text("org", doc.seller.organisation_id),
        buyer=ids.text("org", doc.buyer.organisation_id),
        state=row.state.value,
        missing=list(one.missing),
        export=ids.text("efx", row.export_id) if row.export_id else None,
        number=row.number,
        issued_on=row.issued_on.isoformat() if row.issued_on else None,
    )


ROUTES = (hand_in_codes, get_codes, list_all, export, show_file, read_back, enter_number, confirm)
