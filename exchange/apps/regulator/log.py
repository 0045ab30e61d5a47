"""The audit log: its entries, its checkpoint, and the proofs that an entry is in it and that it only grew."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Response
from litestar.params import QueryParameter
from msgspec import Meta

from compliance import notes, store, tree_store
from compliance.problems import LEAF_UNKNOWN, NO_CHECKPOINT
from compliance.store import EntryFilter, Logged
from exchange.apps.http.answers import Asked, found
from exchange.apps.http.documented import listing, show
from exchange.apps.http.lists import Cursor, Limit
from exchange.apps.http.wire import body_id, json_of
from exchange.apps.regulator.seeing import inspect, inspect_page
from exchange.kernel import merkle
from exchange.kernel.db import Tx
from exchange.kernel.errors import INVALID_REQUEST, Refused
from exchange.kernel.pages import Page, PageRequest, page_of
from exchange.kernel.text import Text

_Object = Annotated[str | None, QueryParameter(max_length=200, description="Id of an object. 对象标识符。")]
_Organisation = Annotated[str | None, QueryParameter(max_length=40, description="Whom it concerns. 相关机构。")]
_Action = Annotated[str | None, QueryParameter(max_length=64, description="What was done, e.g. purchase. 操作类型。")]
_Moment = Annotated[datetime | None, QueryParameter(description="RFC 3339 with a zone. 带时区的时间。")]
_Size = Annotated[int | None, QueryParameter(ge=0, description="A size of the log. 日志条数。")]
_Hash = Annotated[str, Meta(description="SHA-256, lower-case hex.")]


class EntryView(msgspec.Struct, frozen=True):
    """An audit entry and its place in the log; `leaf_index` is empty until the sequencer has seen it (about a second)."""

    seq: int
    leaf_index: int | None
    leaf_hash: _Hash
    entry: Annotated[dict[str, Any], Meta(description="The envelope whose canonical bytes are the leaf.")]


class CheckpointView(msgspec.Struct, frozen=True):
    """The newest checkpoint: a signed note over the log's size and root (C2SP tlog-checkpoint)."""

    origin: Annotated[str, Meta(examples=["corpus-exchange.example/log"])]
    size: int
    root: _Hash
    note: Annotated[str, Meta(description="The signed note as it stands.")]


class InclusionView(msgspec.Struct, frozen=True):
    """The path from a leaf to the root of the tree of that size (RFC 6962)."""

    leaf_index: int
    size: int
    hashes: list[_Hash]


class ConsistencyView(msgspec.Struct, frozen=True):
    """The proof that the tree of `new` leaves begins with the tree of `old` leaves (RFC 6962)."""

    old: int
    new: int
    hashes: list[_Hash]


@listing("/regulator/v1/audit-entries", EntryView)
async def search_entries(
    request: Asked,
    object_id: _Object = None,
    organisation: _Organisation = None,
    action: _Action = None,
    since: _Moment = None,
    until: _Moment = None,
    limit: Limit = None,
    cursor: Cursor = None,
) -> Response[bytes]:
    """Search the audit log by object, organisation, action and period, newest first. 检索审计日志。"""
    if any(one is not None and one.tzinfo is None for one in (since, until)):
        raise Refused(INVALID_REQUEST(reason=Text("a time needs its zone", "时间须带时区")))
    concerned = body_id("org", organisation) if organisation else None
    wanted = EntryFilter(object_id, concerned, action, since, until)

    async def read(tx: Tx, page: PageRequest) -> Page[Logged]:
        before = int(page.after[0]) if page.after else None
        rows = await store.search(tx, wanted, before, page.limit + 1)
        return page_of(rows, page, lambda one: (str(one.seq),))

    return await inspect_page(request, read, _entry, limit, cursor)


@show("/regulator/v1/checkpoint", CheckpointView, 401, 403, 404, 503)
async def show_checkpoint(request: Asked, size: _Size = None) -> CheckpointView:
    """The newest checkpoint, or the one of `size`. 检查点。"""
    note = await inspect(request, lambda tx: tree_store.checkpoint(tx, size=size))
    if note is None and size is None:
        raise Refused(NO_CHECKPOINT())
    said = found(note)
    signed = notes.parse_checkpoint(notes.parse_note(said).text)
    return CheckpointView(signed.origin, signed.size, signed.root.hex(), said.decode())


@show("/regulator/v1/proofs/inclusion", InclusionView, 400, 401, 403, 404)
async def show_inclusion(
    request: Asked,
    leaf_index: Annotated[int, QueryParameter(ge=0, description="Index in the log. 日志序号。")],
    size: _Size = None,
) -> InclusionView:
    """Prove that an entry is in the log of `size`, by default of the newest checkpoint. 包含性证明。"""

    async def read(tx: Tx) -> tuple[int, list[bytes] | None]:
        at = size if size is not None else await _newest(tx)
        return at, await tree_store.inclusion(tx, leaf_index, at)

    at, hashes = await inspect(request, read)
    if hashes is None:
        raise Refused(LEAF_UNKNOWN(size=at, index=leaf_index))
    return InclusionView(leaf_index, at, [one.hex() for one in hashes])


@show("/regulator/v1/proofs/consistency", ConsistencyView, 400, 401, 403, 404)
async def show_consistency(
    request: Asked,
    old: Annotated[int, QueryParameter(ge=0, description="Size of a checkpoint you kept. 旧检查点条数。")],
    new: _Size = None,
) -> ConsistencyView:
    """Prove that the log only grew between two sizes, by default up to the newest checkpoint. 一致性证明。"""

    async def read(tx: Tx) -> tuple[int, list[bytes] | None]:
        at = new if new is not None else await _newest(tx)
        return at, await tree_store.consistency(tx, old, at)

    at, hashes = await inspect(request, read)
    if hashes is None:
        raise Refused(LEAF_UNKNOWN(size=at, index=old))
    return ConsistencyView(old, at, [one.hex() for one in hashes])


async def _newest(tx: Tx) -> int:
    note = await tree_store.checkpoint(tx)
    if note is None:
        raise Refused(NO_CHECKPOINT())
    return notes.parse_checkpoint(notes.parse_note(note).text).size


def _entry(one: Logged) -> EntryView:
    return EntryView(one.seq, one.leaf_index, merkle.leaf_hash(one.envelope).hex(), json_of(one.envelope))


ROUTES = (search_entries, show_checkpoint, show_inclusion, show_consistency)
