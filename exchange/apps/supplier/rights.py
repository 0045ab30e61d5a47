"""The chain of rights of a dataset: declared one by one or by file, withdrawn, and what it lets you pass on."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal

import msgspec
from litestar import Response, post
from litestar.openapi.spec import OpenAPIMediaType, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIType
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta

from contracts import chain_store as store
from contracts.chain import Asks, Right, RightState
from contracts.chain_import import COLUMNS, OnixWish
from exchange.apps.http.answers import Asked, accepted_value, found, write
from exchange.apps.http.context import actor_of, services_of
from exchange.apps.http.documented import Command, answers, command, listing, show
from exchange.apps.http.lists import Cursor, Limit, show_page
from exchange.apps.http.wire import Id, Sha256, Texts, Time, json_of, object_id, stamp
from exchange.catalog.store import portal
from exchange.flows.declare_rights import (
    AT_ONCE_MAX,
    ImportReceipt,
    RightsReceipt,
    declare_rights,
    import_rights,
    read_file,
    understand,
)
from exchange.flows.show_rights import RightsPage, show_rights
from exchange.flows.withdraw_right import RightReceipt, withdraw_right
from exchange.kernel import ids
from exchange.kernel.db import Tx
from exchange.kernel.errors import INVALID_REQUEST, Refused
from exchange.kernel.pages import Page, PageRequest
from exchange.kernel.text import LANGUAGES

_PATH = "/supplier/v1/datasets/{dataset:str}/rights"
_XML = frozenset({"application/xml", "text/xml"})
_DIGEST = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
RIGHT: dict[str, Any] = {
    "subject": "work",
    "id": "isbn:9787020002207",
    "kind": "licence_in",
    "holder": "Example Press",
    "from": "2026-01-01",
    "until": "2030-12-31",
    "territory": ["CN", "SG"],
    "purposes": ["pretrain", "evaluate"],
    "training": True,
    "commercial": True,
    "sublicensable": True,
    "evidence_sha256": _DIGEST,
    "covers": {"source": {"field": "isbn", "value": "9787020002207"}},
}
_CSV = f"""{",".join(COLUMNS)}
speaker,sp-001,performer,Li Hua,2026-01-01,2030-12-31,*,pretrain;evaluate,yes,yes,yes,{_DIGEST},source,speaker,sp-001
"""
_ONIX = '<?xml version="1.0" encoding="UTF-8"?>\n<ONIXMessage release="3.0">...</ONIXMessage>\n'
State = Annotated[
    Literal["declared", "withdrawn", "expired"] | None,
    QueryParameter(name="state", description="Only those in this state. 按状态筛选。"),
]
YesNo = Annotated[Literal["yes", "no"] | None, QueryParameter(description="Not stated if left out. 不填表示未说明。")]


class FileCall(Command):
    """A command whose body is a file of rights."""

    def __post_init__(self) -> None:
        """Say what the files look like."""
        super().__post_init__()
        forms = {"text/csv": _CSV, "application/xml": _ONIX}
        content = {
            kind: OpenAPIMediaType(schema=Schema(type=OpenAPIType.STRING, examples=[example]))
            for kind, example in forms.items()
        }
        self.request_body = RequestBody(content=content, required=True)


class RightsWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Rights to declare; one that is there already, byte for byte, changes nothing."""

    rights: Annotated[list[dict[str, Any]], Meta(min_length=1, max_length=AT_ONCE_MAX, examples=[[RIGHT]])]


class WithdrawalWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why a right ended, and what that asks of those who have the data: `delete` it, or `stop` new use."""

    reason: Annotated[Texts, Meta(description="In English and Chinese. 中英文。")]
    asks: Annotated[Literal["delete", "stop"], Meta(examples=["delete"])] = "stop"


class RightView(msgspec.Struct, frozen=True):
    """A right and how it stands."""

    id: Annotated[str, Meta(examples=["rgt_01m80jwmabesg81hwe4cc73nw9"])]
    dataset: Id
    state: Annotated[str, Meta(examples=["declared"])]
    document: Annotated[dict[str, Any], Meta(examples=[{"type": "right", "v": 1, **RIGHT}])]
    sha256: Sha256
    created_at: Time
    ended_at: Time | None
    reason: Texts | None
    asks: str | None


@command(_PATH, RightsReceipt, 400, 401, 403, 404, 409, 422)
async def add_rights(request: Asked, dataset: FromPath[str], data: JSONBody[RightsWish]) -> Response[bytes]:
    """Declare rights of a dataset. 声明数据集的权利。

    With the first one, terms wider than what all of them together let you pass on are refused.
    """
    actor, dataset_id = actor_of(request), object_id("ds", dataset)
    found(await _own(request, dataset))
    drafts = accepted_value(await asyncio.to_thread(understand, data.rights))
    return await write(
        request, "rights.declare", lambda tx: declare_rights(tx, actor, dataset_id, drafts), object_id=dataset
    )


@post(
    f"{_PATH}/imports",
    status_code=201,
    operation_class=FileCall,
    responses=answers(ImportReceipt, 201, 400, 401, 403, 404, 409, 413, 422),
)
async def import_file(
    request: Asked,
    dataset: FromPath[str],
    purposes: Annotated[
        str, QueryParameter(max_length=200, description="ONIX: purposes, with commas. 用途（逗号分隔）。")
    ] = "",
    training: YesNo = None,
    commercial: YesNo = None,
    sublicensable: YesNo = None,
    evidence: Annotated[
        str | None, QueryParameter(pattern="^[0-9a-f]{64}$", description="ONIX: SHA-256. 证据摘要。")
    ] = None,
    until: Annotated[str | None, QueryParameter(max_length=10, description="ONIX: last day. 截止日。")] = None,
    field: Annotated[
        str, QueryParameter(max_length=100, description="ONIX: field with the product's number. 产品编号字段。")
    ] = "isbn",
    path: Annotated[
        str, QueryParameter(max_length=500, description="ONIX: instead of field, a path with {id}. 文件路径模板。")
    ] = "",
) -> Response[bytes]:
    """Declare the rights in a CSV or ONIX 3.0 file. 从 CSV 或 ONIX 3.0 文件导入权利。

    All of it or, where a line is wrong, nothing: each mistake is named by its line. More than 1,000 rights are written by a
    job, whose progress is at GET /supplier/v1/jobs/{job}. What ONIX does not say is taken from the query; what that does not
    say either is missing.
    """
    services, actor, dataset_id = services_of(request), actor_of(request), object_id("ds", dataset)
    found(await _own(request, dataset))
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in _XML | {"text/csv"}:
        raise Refused(INVALID_REQUEST(reason="Content-Type is neither text/csv nor application/xml"))
    flags = {"yes": True, "no": False, None: None}
    wish = OnixWish(
        purposes=tuple(one.strip() for one in purposes.split(",") if one.strip()),
        training=flags[training],
        commercial=flags[commercial],
        sublicensable=sublicensable == "yes",
        evidence=evidence,
        until=until,
        field=field,
        path=path,
    )
    form = "onix" if kind in _XML else "csv"
    file = accepted_value(await asyncio.to_thread(read_file, form, await request.body(), wish))
    if file.large:
        await services.files.put(file.content)
    return await write(
        request, "rights.import", lambda tx: import_rights(tx, actor, dataset_id, file), object_id=dataset
    )


@listing(_PATH, RightView, 400, 401, 403, 404)
async def list_rights(
    request: Asked, dataset: FromPath[str], in_state: State = None, limit: Limit = None, cursor: Cursor = None
) -> Response[bytes]:
    """The rights of a dataset, oldest first. 数据集的权利列表。"""
    actor, dataset_id = actor_of(request), object_id("ds", dataset)
    now = services_of(request).db.clock.now()
    wanted = RightState(in_state) if in_state else None

    async def read(tx: Tx, page: PageRequest) -> Page[Right]:
        found(await portal.own_dataset(tx, actor, dataset_id))
        return await store.own_rights(tx, actor, dataset_id, page, wanted)

    return await show_page(request, actor, read, lambda one: right_view(one, one.state_at(now)), limit, cursor)


@show(f"{_PATH}/summary", RightsPage)
async def show_summary(request: Asked, dataset: FromPath[str]) -> RightsPage:
    """What you may pass on of a dataset now, which right narrows it, and what is missing. 可转授范围与缺失项。"""
    actor, dataset_id = actor_of(request), object_id("ds", dataset)
    async with services_of(request).db.read(actor) as tx:
        return found(await show_rights(tx, actor, dataset_id))


@show(f"{_PATH}/{{right:str}}", RightView)
async def show_right(request: Asked, dataset: FromPath[str], right: FromPath[str]) -> RightView:
    """One right. 权利详情。"""
    actor, now = actor_of(request), services_of(request).db.clock.now()
    async with services_of(request).db.read(actor) as tx:
        one = found(await store.own_right(tx, actor, object_id("ds", dataset), object_id("rgt", right)))
    return right_view(one, one.state_at(now))


@command(f"{_PATH}/{{right:str}}/withdrawal", RightReceipt, status=200)
async def withdraw(
    request: Asked, dataset: FromPath[str], right: FromPath[str], data: JSONBody[WithdrawalWish]
) -> Response[bytes]:
    """Say that a right was withdrawn: its data stays out of new revisions, and holders of grants are told. 撤回权利。

    It is for good. A right that is given again is declared anew, with its new evidence.
    """
    actor, dataset_id, right_id = actor_of(request), object_id("ds", dataset), object_id("rgt", right)
    if set(data.reason) != set(LANGUAGES) or not all(1 <= len(one.strip()) <= 2000 for one in data.reason.values()):
        raise Refused(INVALID_REQUEST(reason="reason needs the two languages en and zh, up to 2000 characters each"))
    asks = Asks(data.asks)
    return await write(
        request,
        "right.withdraw",
        lambda tx: withdraw_right(tx, actor, dataset_id, right_id, asks, data.reason),
        status=200,
        object_id=right,
    )


def right_view(one: Right, state: RightState) -> RightView:
    """A right as the API shows it."""
    return RightView(
        id=ids.text("rgt", one.id),
        dataset=ids.text("ds", one.dataset_id),
        state=state.value,
        document=json_of(one.draft.document),
        sha256=one.draft.sha256.hex(),
        created_at=stamp(one.created_at),
        ended_at=stamp(one.ended_at) if one.ended_at else None,
        reason=dict(one.reason) if one.reason else None,
        asks=one.asks.value if one.asks else None,
    )


async def _own(request: Asked, dataset: str) -> Any:
    """One's own dataset, looked for before a large body is read."""
    actor = actor_of(request)
    async with services_of(request).db.read(actor) as tx:
        return await portal.own_dataset(tx, actor, object_id("ds", dataset))


ROUTES = (add_rights, import_file, list_rights, show_summary, show_right, withdraw)
