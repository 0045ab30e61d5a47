"""Samples of revisions, as every portal shows them: who draws them, and who may check what was drawn."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar

import msgspec
from litestar import Response, get
from litestar.params import FromPath, JSONBody, QueryParameter
from litestar.response import Stream
from msgspec import Meta

from compliance import sample_store, sampling
from compliance.report_problems import REPORT_NOT_READY
from compliance.sample_store import Sample
from exchange.apps.http.answers import Asked, asked_page, found, page_response, write
from exchange.apps.http.context import actor_of, services_of
from exchange.apps.http.documented import answers, command, listing, show
from exchange.apps.http.lists import Cursor, Limit
from exchange.apps.http.wire import Id, Sha256, Time, body_id, object_id, stamp
from exchange.flows.draw_sample import SampleJudged, SampleReceipt, ask_sample, judge_sample
from exchange.kernel import ids
from exchange.kernel.db import Tx
from exchange.kernel.errors import INVALID_REQUEST, Refused

T = TypeVar("T")
_Revision = Annotated[
    str | None, QueryParameter(max_length=40, description="Only samples of this revision. 仅限该版本的样本。")
]


class SampleWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many records; a seed of your own, or none: then it is made of the newest checkpoint, which nobody chose."""

    records: Annotated[int, Meta(ge=1, le=sampling.WANTED_MAX, examples=[4000])]
    seed: Annotated[str, Meta(pattern="^[0-9a-f]{64}$", description="32 bytes in hex. 32 字节十六进制。")] | None = None


class ResultWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many of the drawn records passed, by your own reading."""

    passed: Annotated[int, Meta(ge=0, le=sampling.WANTED_MAX, examples=[3960])]


class SampleView(msgspec.Struct, frozen=True):
    """A sample; what was drawn is there when it is done, the share that passed when it was judged.

    `frame_root` is the Merkle root over all different records of the revision, as ascending digests: the frame digest.
    """

    id: Annotated[str, Meta(examples=["smp_01m80jwmabesg81hwe4cc73nw9"])]
    revision: Id
    requested_by: Id
    state: Annotated[str, Meta(examples=["done"])]
    method: Annotated[str, Meta(examples=["cx-sample/1"])]
    wanted: int
    seed: Sha256
    seed_checkpoint: Annotated[int | None, Meta(description="Size of the checkpoint that the seed was made of.")]
    frame_size: int | None
    frame_root: Sha256 | None
    drawn: int | None
    evidence_sha256: Sha256 | None
    passed: int | None
    low_millionths: Annotated[int | None, Meta(description="95 % interval (Wilson) of the share that passes.")]
    high_millionths: int | None
    created_at: Time | None
    ended_at: Time | None
    judged_at: Time | None


Read = Callable[[Asked, Callable[[Tx], Awaitable[Any]]], Awaitable[Any]]


async def _as_reader(request: Asked, read: Callable[[Tx], Awaitable[T]]) -> T:
    """Read as the asking organisation: row security shows it the samples that it has to do with."""
    async with services_of(request).db.read(actor_of(request)) as tx:
        return await read(tx)


async def as_supervisor(request: Asked, read: Callable[[Tx], Awaitable[T]]) -> T:
    """Read as whoever sees the whole market."""
    actor_of(request)
    return await services_of(request).db.run(read)


def checking_routes(prefix: str, read: Read = _as_reader) -> list[Any]:
    """The routes below a portal's prefix that show samples and their evidence."""

    async def list_samples(
        request: Asked, revision: _Revision = None, limit: Limit = None, cursor: Cursor = None
    ) -> Response[bytes]:
        """Samples that you asked for, or that are of data you sell or may use, newest first. 抽样列表。"""
        wanted, page = body_id("rev", revision) if revision else None, asked_page(limit, cursor)
        try:
            rows = await read(request, lambda tx: sample_store.visible_samples(tx, wanted, page))
        except (ValueError, IndexError) as error:
            if page.after is None:
                raise
            raise Refused(INVALID_REQUEST(reason="the cursor is not one of this list")) from error
        return page_response(request, rows, sample_view)

    async def show_sample(request: Asked, sample: FromPath[str]) -> SampleView:
        """One sample: its seed, its frame, and what came of it. 抽样详情。"""
        return sample_view(await _found(request, sample))

    async def download_evidence(request: Asked, sample: FromPath[str]) -> Stream:
        """The evidence: the drawn places, digests and proofs; verify_sample.py redraws and checks it. 下载抽样证据。"""
        one = await _found(request, sample)
        if one.sha256 is None:
            raise Refused(REPORT_NOT_READY(state=one.state))
        files = services_of(request).files
        found(await files.stat(one.sha256))
        headers = {
            "content-length": str(one.size_bytes),
            "content-disposition": f'attachment; filename="{sample}.json"',
            "x-sha256": one.sha256.hex(),
            "cache-control": "private, no-store",
        }
        return Stream(files.open_range(one.sha256), media_type="application/json", headers=headers)

    async def _found(request: Asked, sample: str) -> Sample:
        sample_id = object_id("smp", sample)
        one: Sample | None = await read(request, lambda tx: sample_store.find_sample(tx, sample_id))
        return found(one)

    path = f"{prefix}/samples/{{sample:str}}"
    return [
        listing(f"{prefix}/samples", SampleView)(list_samples),
        show(path, SampleView)(show_sample),
        get(f"{path}/evidence", responses=answers(bytes, 200, 401, 403, 404, 409))(download_evidence),
    ]


def drawing_routes(prefix: str) -> list[Any]:
    """The routes below a portal's prefix that draw samples and judge them."""

    async def draw(request: Asked, revision: FromPath[str], data: JSONBody[SampleWish]) -> Response[bytes]:
        """Draw a sample of a revision's records that anybody can draw again. 抽取可重现的样本。

        Every different record of the revision has a place in the frame; a seed that is fixed now decides which are drawn. The
        answer is the seed; the evidence is made in the background.
        """
        actor, revision_id = actor_of(request), object_id("rev", revision)
        seed = bytes.fromhex(data.seed) if data.seed else None
        return await write(
            request,
            "sample.request",
            lambda tx: ask_sample(tx, actor, revision_id, data.records, seed),
            object_id=revision,
        )

    async def judge(request: Asked, sample: FromPath[str], data: JSONBody[ResultWish]) -> Response[bytes]:
        """Say once how many of the drawn records passed; the interval follows. 登记抽样结果。"""
        actor, sample_id = actor_of(request), object_id("smp", sample)
        return await write(
            request, "sample.judge", lambda tx: judge_sample(tx, actor, sample_id, data.passed), object_id=sample
        )

    return [
        command(f"{prefix}/revisions/{{revision:str}}/samples", SampleReceipt, 400, 401, 403, 404, 503)(draw),
        command(f"{prefix}/samples/{{sample:str}}/result", SampleJudged, 400, 401, 403, 404, 409)(judge),
    ]


def sample_view(one: Sample) -> SampleView:
    """A sample as the API shows it."""
    judged = one.passed is not None and one.drawn
    low, high = (
        sampling.wilson(one.passed, one.drawn) if judged and one.passed is not None and one.drawn else (None, None)
    )
    return SampleView(
        id=ids.text("smp", one.id),
        revision=ids.text("rev", one.revision_id),
        requested_by=ids.text("org", one.requested_by),
        state=one.state,
        method=sampling.METHOD,
        wanted=one.wanted,
        seed=one.seed.hex(),
        seed_checkpoint=one.seed_size,
        frame_size=one.frame_size,
        frame_root=one.frame_root.hex() if one.frame_root else None,
        drawn=one.drawn,
        evidence_sha256=one.sha256.hex() if one.sha256 else None,
        passed=one.passed,
        low_millionths=low,
        high_millionths=high,
        created_at=stamp(one.created_at) if one.created_at else None,
        ended_at=stamp(one.ended_at) if one.ended_at else None,
        judged_at=stamp(one.judged_at) if one.judged_at else None,
    )
