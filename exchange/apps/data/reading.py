"""Reads of granted data: what a token opens, files with Range, rows. Every byte that leaves is metered."""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from litestar import Request, Response, get
from litestar.params import FromPath
from litestar.response import Stream

from exchange.access.meters import Meter, classed, data_class_of, is_counted
from exchange.access.reads import Admitted, Amounts, Hold, Read, Sent
from exchange.access.tokens import BadToken, GrantClaims
from exchange.apps.data import problems
from exchange.apps.data.ranges import RowsCall, row_range
from exchange.apps.data.shelf import Shelf
from exchange.apps.data.watch import Watch, Watched
from exchange.apps.http.answers import accepted_value
from exchange.apps.http.context import Services, services_of
from exchange.apps.http.documented import answers, show
from exchange.apps.http.plain import Plain, header
from exchange.apps.http.ranges import asked_range
from exchange.apps.http.wire import Id, Sha256, object_id
from exchange.catalog.revisions import StoredAsset
from exchange.flows.open_delivery import Delivery
from exchange.kernel import ids
from exchange.kernel.errors import NOT_FOUND, UNAUTHENTICATED, Problem, Refused
from exchange.kernel.files import NotStored
from exchange.kernel.records import Form, RowIndex, count_tokens, cut_span, fields_of, text_of

# A running download says what it has sent at least this often, so that a crash loses no more.
WINDOW_BYTES = 16 * 1024 * 1024
# What is on its way to a slow reader cannot be called back, so that little is handed over at a time, and more to a fast one.
PIECE_MIN_BYTES, PIECE_MAX_BYTES = 32 * 1024, 1024 * 1024
_PIECE_S, _MEASURED_BYTES, _MEASURED_S = 0.1, 768 * 1024, 1.0
Asked = Request[Any, Any, Any]


class AssetView(msgspec.Struct, frozen=True):
    """A file that the token opens."""

    id: Id
    path: str
    size_bytes: int
    sha256: Sha256
    media_type: str


class GrantView(msgspec.Struct, frozen=True):
    """What the token opens."""

    grant: Id
    revision: Id
    purposes: list[str]
    meters: list[str]
    files: bool
    rows: bool
    expires_at: str
    assets: list[AssetView]


_REFUSALS = (400, 401, 403, 404, 409)
_DOWNLOADED = answers(
    bytes, 200, *_REFUSALS, description="The bytes. 文件内容。", media_type="application/octet-stream"
)
_ROWS = answers(
    str, 200, *_REFUSALS, description="The rows as they stand in the file. 原样返回的行。", media_type="text/plain"
)


@show("/data/v1/grant", GrantView, 401)
async def show_grant(request: Asked) -> GrantView:
    """What this token opens. 令牌可访问的内容。"""
    claims = _claims(request)
    delivery = await _delivery(request, claims)
    return GrantView(
        grant=ids.text("grt", claims.grant_id),
        revision=ids.text("rev", claims.revision_id),
        purposes=sorted(claims.purposes),
        meters=list(claims.meters),
        files=delivery.files,
        rows=delivery.rows,
        expires_at=claims.expires_at.isoformat(),
        assets=[_view(stored) for stored in delivery.assets],
    )


@get("/data/v1/assets/{asset:str}", responses=_DOWNLOADED)
async def download(request: Asked, asset: FromPath[str]) -> Response[Any]:
    """Download a file, whole or a Range of it. 下载文件（支持 Range）。

    Metered by what was really sent: bytes, one request, and one file where it was sent from its first byte to its last.
    """
    claims = _claims(request)
    delivery = await _delivery(request, claims)
    if not delivery.files:
        raise Refused(problems.NOT_DELIVERED_SO(way="files"))
    stored = _asset(delivery, asset)
    size = stored.asset.size_bytes
    wanted = asked_range(request, size, _etag(stored))
    start, end = wanted or (0, size)
    services = services_of(request)
    if await services.files.stat(stored.asset.sha256) is None:
        raise Refused(problems.DATA_GONE())
    if is_counted(claims.meters, Meter.TOKENS):
        raise Refused(problems.COUNTED_BY_TOKEN())
    # What is sold by the record is counted by the record in a file, too, or a quota of rows could be walked around.
    index = await _shelf(request).index(stored) if is_counted(claims.meters, Meter.RECORDS) else None
    sending = Sending(stored, start, end, index, claims.meters)
    read = Read(claims, _purpose(request, claims), sending.all(), known=False)
    asked_at = asyncio.get_running_loop().time()
    admitted = await _admit(services, read)
    headers = {
        "etag": _etag(stored),
        "accept-ranges": "bytes",
        "content-length": str(end - start),
        "x-usage-read": ids.text("use", admitted.read_id),
    }
    if wanted is not None:
        headers["content-range"] = f"bytes {start}-{end - 1}/{size}"
    watched = Watched(read, asked_at)
    watched.body = body = _metered(services, sending, _watch(request), watched, admitted.hold)
    status = 206 if wanted is not None else 200
    return Stream(body, status_code=status, media_type=stored.asset.media_type, headers=headers)


@get("/data/v1/assets/{asset:str}/rows", responses=_ROWS, operation_class=RowsCall)
async def rows(request: Asked) -> Plain:
    """Read rows of a file of records, as they stand in the file. 按行读取数据。

    Metered exactly: the rows, their bytes and one request are on record before this answers.
    """
    claims = _claims(request)
    first, limit = row_range(request.scope["query_string"])
    delivery = await _delivery(request, claims)
    if not delivery.rows:
        raise Refused(problems.NOT_DELIVERED_SO(way="rows"))
    stored = _asset(delivery, request.path_params["asset"])
    shelf = _shelf(request)
    try:
        index = await shelf.index(stored)
        if index.form is Form.OPAQUE:
            raise Refused(problems.NO_ROWS(path=stored.asset.path))
        start, end = index.span(first, first + limit)
        data = await shelf.span(stored, start, end)
    except NotStored as error:
        raise Refused(problems.DATA_GONE()) from error
    count = max(0, min(limit, len(index) - first))
    needs = [(Meter.BYTES, len(data)), (Meter.RECORDS, count), (Meter.REQUESTS, 1)]
    if is_counted(claims.meters, Meter.TOKENS):
        needs.append((Meter.TOKENS, _tokens(index.form, data)))
    wanted = Read(claims, _purpose(request, claims), _keyed(needs, stored, claims.meters), known=True)
    await _admit(services_of(request), wanted)
    counts = ((b"x-rows", str(count).encode()), (b"x-rows-total", str(len(index)).encode()))
    return Plain(200, data, stored.asset.media_type.encode(), *counts)


def _claims(request: Asked) -> GrantClaims:
    services = services_of(request)
    scheme, _, token = header(request, b"authorization").partition(" ")
    try:
        if scheme.lower() != "bearer":
            raise BadToken("no bearer token")
        return services.grants.verify(token, services.db.clock.now())
    except BadToken as error:
        raise Refused(UNAUTHENTICATED()) from error


def _shelf(request: Asked) -> Shelf:
    shelf: Shelf = request.app.state.shelf
    return shelf


def _watch(request: Asked) -> Watch:
    watch: Watch = request.app.state.watch
    return watch


async def _delivery(request: Asked, claims: GrantClaims) -> Delivery:
    delivery = await _shelf(request).delivery(claims.grant_id)
    if delivery is None:
        raise Refused(UNAUTHENTICATED())
    return delivery


def _asset(delivery: Delivery, asset: str) -> StoredAsset:
    wanted = object_id("ast", asset)
    for stored in delivery.assets:
        if stored.id == wanted:
            return stored
    raise Refused(NOT_FOUND())


def _purpose(request: Asked, claims: GrantClaims) -> str:
    said = header(request, b"x-purpose")
    if said:
        return said
    if len(claims.purposes) > 1:
        raise Refused(problems.PURPOSE_MISSING(purposes=", ".join(sorted(claims.purposes))))
    return next(iter(claims.purposes))


async def _admit(services: Services, read: Read) -> Admitted:
    answered: Admitted | Problem = await services.reads.put(read)
    return accepted_value(answered)


@dataclass(frozen=True, slots=True)
class Sending:
    """A range of a file on its way, and what any part of it counts for."""

    stored: StoredAsset
    start: int
    end: int
    index: RowIndex | None
    meters: tuple[str, ...]

    def all(self) -> Amounts:
        """What the whole range counts for."""
        return self.between(self.start, self.end, first=True)

    def between(self, low: int, high: int, *, first: bool) -> Amounts:
        """What the bytes [low, high) count for: with the request if they are the first, with the file if it ends there."""
        whole = (self.start, self.end) == (0, self.stored.asset.size_bytes)
        starts = self.index.starts if self.index is not None else ()
        records = bisect_left(starts, high) - bisect_left(starts, low)
        ended = 1 if whole and high == self.end else 0
        needs = [
            (Meter.BYTES, high - low),
            (Meter.REQUESTS, 1 if first else 0),
            (Meter.FILES, ended),
            (Meter.RECORDS, records),
        ]
        return _keyed(needs, self.stored, self.meters)


async def _metered(
    services: Services, sending: Sending, watch: Watch, watched: Watched, hold: Hold | None
) -> AsyncGenerator[bytes, None]:
    """Send the bytes, and have on record what was sent before the last of them leaves; stop once it may not go on."""
    assert hold is not None
    said = at = sending.start
    watch.begin(watched)
    try:
        async for piece in _pieces(services.files.open_range(sending.stored.asset.sha256, sending.start, sending.end)):
            # Whoever reads slowly is looked at anew once it reads on, so nothing but what was under way still leaves.
            if not watched.may_go_on():
                # Fewer bytes than were announced: the connection ends, and the reader knows that it has not all.
                return
            at += len(piece)
            if at >= sending.end or at - said >= WINDOW_BYTES:
                assert hold is not None
                final = at >= sending.end
                sent = sending.between(said, at, first=said == sending.start)
                answered = await services.records.put(Sent(hold, sent, final=final))
                said, hold = at, None if final else accepted_value(answered).hold
            yield piece
    finally:
        try:
            if hold is not None:
                # The reader went away, or the file ended early: what left is put on record all the same.
                left = sending.between(said, at, first=said == sending.start)
                await asyncio.shield(services.records.put(Sent(hold, left)))
        finally:
            # Only now: whoever ends the process waits for those that are watched.
            watch.end(watched)


async def _pieces(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same bytes in pieces as large as the reader is fast: what it takes in a tenth of a second, within bounds.

    The first ones only fill the buffers on the way, whatever the reader does: it is measured over more than those hold.
    """
    clock, size = asyncio.get_running_loop().time, PIECE_MIN_BYTES
    began, taken = clock(), 0
    async for chunk in chunks:
        at = 0
        while at < len(chunk):
            piece = chunk[at : at + size] if at or size < len(chunk) else chunk
            at, taken = at + len(piece), taken + len(piece)
            yield piece
            took = clock() - began
            if taken >= _MEASURED_BYTES or took >= _MEASURED_S:
                fits = int(taken / max(took, 1e-6) * _PIECE_S)
                size = min(max(fits, PIECE_MIN_BYTES), PIECE_MAX_BYTES)
                began, taken = clock(), 0


def _keyed(needs: Sequence[tuple[Meter, int]], stored: StoredAsset, meters: tuple[str, ...]) -> Amounts:
    """What a file's folder makes of `needs`: under `data_class=medical/`, a plan with `tokens/medical` counts that."""
    data_class = data_class_of(stored.asset.path)
    if data_class is None:
        return tuple(needs)
    return tuple([(classed(meters, meter, data_class), units) for meter, units in needs])


def _tokens(form: Form, data: bytes) -> int:
    return sum(count_tokens(text_of(form, fields_of(form, record))) for record in cut_span(form, data))


def _view(stored: StoredAsset) -> AssetView:
    asset = stored.asset
    return AssetView(ids.text("ast", stored.id), asset.path, asset.size_bytes, asset.sha256.hex(), asset.media_type)


def _etag(stored: StoredAsset) -> str:
    return f'"{stored.asset.sha256.hex()}"'
