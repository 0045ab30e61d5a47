"""What anybody can check without trusting us: certificates, keys, and the audit log's tree."""

from __future__ import annotations

import re
from collections import OrderedDict
from datetime import UTC
from hashlib import sha256
from typing import Annotated, Any

import msgspec
from litestar import Response, get
from litestar.params import FromPath
from litestar.response import Redirect
from msgspec import Meta

from compliance import notes, tiles, tree_store, witness_store
from compliance.problems import NO_CHECKPOINT
from exchange.apps.http.answers import Asked, found
from exchange.apps.http.context import services_of
from exchange.apps.http.documented import answers, show
from exchange.apps.http.plain import Plain
from exchange.apps.http.quality_views import CertificateView, certificate_view
from exchange.apps.http.shortcut import Caller
from exchange.apps.http.wire import object_id
from exchange.kernel.errors import NOT_FOUND, Refused
from exchange.quality import certificates
from exchange.quality import store as quality

_FOREVER = "public, max-age=31536000, immutable"
_TILE, _ENTRIES = "/log/tile/", "/log/tile/entries"
_INDEX = re.compile(r"0|[1-9][0-9]{0,17}")
# At most 8 KiB each.
TILES_KEPT = 2_000
_TEXT = "text/plain"
_OCTETS = "application/octet-stream"


class CertificateCheck(msgspec.Struct, frozen=True):
    """A certificate, and whether it holds now. Check it yourself: the signature is over the exact text of `document`."""

    certificate: CertificateView
    holds: bool
    faults: Annotated[list[str], Meta(description="Why it does not hold.", examples=[["expired"]])]


class KeySet(msgspec.Struct, frozen=True):
    """A JSON Web Key Set (RFC 7517)."""

    keys: list[dict[str, str]]


@show("/certificates/v1/{certificate:str}", CertificateCheck, 404)
async def read_certificate(request: Asked, certificate: FromPath[str]) -> CertificateCheck:
    """A certificate with its signature. 证书及签名。"""
    services = services_of(request)
    async with services.db.read(None) as tx:
        one = found(await quality.find_certificate(tx, object_id("crt", certificate)))
    now = services.db.clock.now().astimezone(UTC)
    faults = certificates.verify(one.document, one.kid, one.signature, keys=services.keyring.verify, now=now)
    return CertificateCheck(certificate_view(one), not faults, [fault.value for fault in faults])


# The page for people lies in the web app; this prefix belongs to the API.
@get("/certificates/{certificate:str}", include_in_schema=False)
async def certificate_page(request: Asked, certificate: FromPath[str]) -> Redirect:
    """Send a person to the certificate's page. 证书页面。"""
    return _page(request, f"/certificate/{certificate}")


@show("/.well-known/jwks.json", KeySet, 404)
async def read_keys(request: Asked) -> Response[KeySet]:
    """The public keys of the exchange, old ones included. 公钥集。"""
    keys = KeySet(services_of(request).keyring.jwks()["keys"])
    return Response(keys, media_type="application/jwk-set+json", headers={"cache-control": "public, max-age=300"})


@get("/log/checkpoint", responses=answers(str, 200, 503, media_type=_TEXT))
async def read_checkpoint(request: Asked) -> Response[bytes]:
    """The newest signed checkpoint of the audit log (C2SP tlog-checkpoint). 审计日志最新检查点。"""
    async with services_of(request).db.read(None) as tx:
        note = await witness_store.cosigned(tx)
    if note is None:
        raise Refused(NO_CHECKPOINT())
    # Kept by anybody, asked about each time: it changes every second, and one that is older is never wrong.
    tag = f'"{sha256(note).hexdigest()[:32]}"'
    headers = {"cache-control": "no-cache", "etag": tag}
    if request.headers.get("if-none-match") == tag:
        return Response(b"", status_code=304, media_type=_TEXT, headers=headers)
    return Response(note, media_type=_TEXT, headers=headers)


@get("/log/proof/{index:str}", responses=answers(str, 200, 404, 503, media_type=_TEXT))
async def read_proof(request: Asked, index: FromPath[str]) -> Response[bytes]:
    """The stand-alone proof of an entry under the newest checkpoint (C2SP tlog-proof). 条目独立证明。"""
    if not _INDEX.fullmatch(index):
        raise Refused(NOT_FOUND())
    async with services_of(request).db.read(None) as tx:
        note = await witness_store.cosigned(tx)
        if note is None:
            raise Refused(NO_CHECKPOINT())
        newest = notes.parse_checkpoint(notes.parse_note(note).text)
        proof = found(await tree_store.tlog_proof(tx, int(index), newest, note))
    return Response(proof, media_type=_TEXT, headers={"cache-control": "no-cache"})


@get("/log/vkey", responses=answers(str, 200, media_type=_TEXT))
async def read_vkey(request: Asked) -> Response[str]:
    """The log's verifier keys, newest first (C2SP signed-note vkey). 日志验证公钥。"""
    services = services_of(request)
    lines = [one.vkey for one in notes.log_verifiers(services.keyring, services.settings.process.log_origin)]
    return Response("".join(f"{line}\n" for line in lines), media_type=_TEXT)


@get("/log/tile/entries/{rest:path}", opt={"portal": "regulator"}, responses=answers(bytes, 200, 401, 403, 404))
async def read_entries(request: Asked, rest: FromPath[str]) -> Response[bytes]:
    """A bundle of entries, for regulators: they name organisations and what these did. 条目包（仅限监管机构）。"""
    address = _address(f"entries{rest}")
    async with services_of(request).db.inspect() as tx:
        data = found(await tree_store.entry_bundle(tx, address.number, address.width))
    return Response(data, media_type=_OCTETS, headers={"cache-control": "private, max-age=31536000, immutable"})


@get("/log/tile/{rest:path}", responses=answers(bytes, 200, 404, media_type=_OCTETS))
async def read_tile(request: Asked, rest: FromPath[str]) -> Plain:
    """A tile of the log's Merkle tree (C2SP tlog-tiles). 默克尔树分块。"""
    return await _tile(request, rest.removeprefix("/"))


def at_once(method: str, path: str) -> dict[str, str] | None:
    """Which requests for tiles go past the framework: those that anybody may make."""
    if method != "GET" or not path.startswith(_TILE) or path.startswith(_ENTRIES):
        return None
    return {"rest": path[len(_TILE) :]}


async def tile_at_once(caller: Caller) -> Plain:
    """The same tile for the short way."""
    return await _tile(caller, caller.path_params["rest"])


async def _tile(request: Any, rest: str) -> Plain:
    """A tile by its path: what it holds never changes, so that a process keeps the answers that were asked for last."""
    kept: OrderedDict[str, Plain] = request.app.state.tiles
    answer = kept.get(rest)
    if answer is not None:
        kept.move_to_end(rest)
        return answer
    address = _address(rest)
    if address.level is None:
        raise Refused(NOT_FOUND())
    async with services_of(request).db.read(None) as tx:
        data = found(await tree_store.tile(tx, address.level, address.number, address.width))
    answer = kept[rest] = Plain(200, data, _OCTETS.encode(), (b"cache-control", _FOREVER.encode()))
    if len(kept) > TILES_KEPT:
        kept.popitem(last=False)
    return answer


@get("/log", include_in_schema=False)
async def log_page(request: Asked) -> Redirect:
    """Send a person to the log's page. 审计日志页面。"""
    return _page(request, "/transparency")


def _address(rest: str) -> tiles.Address:
    address = tiles.parse_path(f"tile/{rest}")
    if address is None:
        raise Refused(NOT_FOUND())
    return address


def _page(request: Asked, path: str) -> Redirect:
    query: str = request.url.query
    return Redirect(f"{path}?{query}" if query else path, status_code=308)


ROUTES: tuple[Any, ...] = (
    read_certificate,
    certificate_page,
    read_keys,
    read_checkpoint,
    read_proof,
    read_vkey,
    read_entries,
    read_tile,
    log_page,
)
