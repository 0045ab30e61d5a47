"""Who watches the log: witnesses are added, seen and removed."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from compliance import witness_store
from compliance.witness_store import FaultRow, WitnessRow
from exchange.apps.http.answers import Asked, found, write
from exchange.apps.http.context import actor_of
from exchange.apps.http.documented import command, listing, show
from exchange.apps.http.lists import Cursor, Limit
from exchange.apps.http.wire import Id, Sha256, Time, object_id, stamp
from exchange.apps.operator.seeing import see, see_page
from exchange.flows.manage_witnesses import WitnessReceipt, add_witness, remove_witness
from exchange.kernel import ids
from exchange.kernel.canonical import sha256_hex
from exchange.kernel.db import Tx
from exchange.kernel.pages import Page, PageRequest, page_of

_PATH = "/operator/v1/witnesses"
_ONE = f"{_PATH}/{{witness:str}}"
_Vkey = Annotated[
    str,
    Meta(
        max_length=600,
        description="The witness's key as it prints it: name+id+key, of type 0x04 (C2SP cosignature/v1). 见证方公钥。",
        examples=["witness.example/w1+6b8f4cdd+BFo1UkmqBrXBcbu6pZN4JwKDdp/eeQ0bA2RNuPIkSi1w"],
    ),
]
_Url = Annotated[
    str,
    Meta(
        max_length=500,
        description="Where it answers add-checkpoint (C2SP tlog-witness). 见证服务地址。",
        examples=["https://witness.example/w1"],
    ),
]
_Fault = Annotated[
    str,
    Meta(
        description="away, log-unknown, key-refused; or what it was caught at: answer-malformed, cosignature-wrong, "
        "cosignature-time-wrong, went-back, claims-more, proof-refused; or what it shows against this log: "
        "other-history, log-behind. 故障种类。",
        examples=["away"],
    ),
]


class WitnessWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A witness to ask from the next checkpoint on."""

    vkey: _Vkey
    url: _Url


class WitnessView(msgspec.Struct, frozen=True):
    """A witness, how far it has followed the log, and what was wrong the last time it was asked."""

    id: Annotated[str, Meta(examples=["wit_01m80jwmabesg81hwe4cc73nw9"])]
    name: Annotated[str, Meta(examples=["witness.example/w1"])]
    vkey: _Vkey
    url: _Url
    state: Annotated[str, Meta(examples=["active"])]
    cosigned_size: Annotated[int, Meta(description="The largest checkpoint it has cosigned. 已会签的最大条数。")]
    cosigned_at: Time | None
    fault: _Fault | None
    fault_since: Time | None
    added_by: Id
    added_at: Time
    removed_at: Time | None


class CaughtView(msgspec.Struct, frozen=True):
    """The first fault of its kind, with what the witness answered."""

    fault: _Fault
    size: Annotated[int, Meta(description="The checkpoint that it was asked to cosign. 所请求会签的条数。")]
    evidence: Annotated[str, Meta(description="What it answered, as text. 见证方答复原文。")]
    evidence_sha256: Annotated[Sha256, Meta(description="Also in the entry witness.fault of the log. 同时记入日志。")]
    at: Time


class WitnessDetail(WitnessView, frozen=True):
    """A witness with what it was caught at."""

    caught: list[CaughtView]


@command(_PATH, WitnessReceipt, 400, 401, 403, 409, 422)
async def add(request: Asked, data: JSONBody[WitnessWish]) -> Response[bytes]:
    """Have the log's checkpoints cosigned by a witness. 登记见证方。

    A witness that somebody else runs makes it impossible to show two people two different logs unnoticed. Tell it this
    log's key (`/log/vkey`) first.
    """
    actor = actor_of(request)
    return await write(request, "witness.add", lambda tx: add_witness(tx, actor, data.vkey, data.url))


@listing(_PATH, WitnessView)
async def list_witnesses(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Response[bytes]:
    """Witnesses and how they stand, newest first; removed ones too. 见证方列表。"""

    async def read(tx: Tx, page: PageRequest) -> Page[WitnessRow]:
        before = UUID(page.after[0]) if page.after else None
        rows = await witness_store.witnesses(tx, before, page.limit + 1)
        return page_of(rows, page, lambda one: (str(one.id),))

    return await see_page(request, read, _view, limit, cursor)


@show(_ONE, WitnessDetail)
async def show_witness(request: Asked, witness: FromPath[str]) -> WitnessDetail:
    """One witness, and what it was caught at. 见证方详情。"""
    witness_id = object_id("wit", witness)

    async def read(tx: Tx) -> WitnessDetail | None:
        one = await witness_store.find_witness(tx, witness_id)
        if one is None:
            return None
        caught = [_caught(row) for row in await witness_store.faults(tx, witness_id)]
        return WitnessDetail(**msgspec.structs.asdict(_view(one)), caught=caught)

    return found(await see(request, read))


@command(f"{_ONE}/removal", WitnessReceipt, 400, 401, 403, 404, 409, status=200)
async def remove(request: Asked, witness: FromPath[str]) -> Response[bytes]:
    """Stop asking a witness; what it cosigned stays on record and counts no longer. 移除见证方。"""
    actor, witness_id = actor_of(request), object_id("wit", witness)
    return await write(
        request, "witness.remove", lambda tx: remove_witness(tx, actor, witness_id), status=200, object_id=witness
    )


def _view(one: WitnessRow) -> WitnessView:
    return WitnessView(
        id=ids.text("wit", one.id),
        name=one.name,
        vkey=one.verifier.vkey,
        url=one.url,
        state=one.state,
        cosigned_size=one.seen_size,
        cosigned_at=stamp(one.seen_at) if one.seen_at else None,
        fault=one.fault,
        fault_since=stamp(one.fault_at) if one.fault_at else None,
        added_by=ids.text("org", one.added_by),
        added_at=stamp(one.added_at),
        removed_at=stamp(one.removed_at) if one.removed_at else None,
    )


def _caught(one: FaultRow) -> CaughtView:
    text = one.evidence.decode("utf-8", "replace")
    return CaughtView(one.kind, one.size, text, sha256_hex(one.evidence), stamp(one.created_at))


ROUTES = (add, list_witnesses, show_witness, remove)
