"""The pages: front page, catalogue, listing, certificate, log, documents."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC
from decimal import Decimal
from functools import lru_cache
from importlib.resources import files
from typing import Annotated, Any

from litestar import MediaType, Response, get
from litestar.params import FromPath, QueryParameter

from compliance import notes, tree_store
from compliance.directives import LAWS
from contracts import chain_store
from exchange.apps.http.answers import Asked, asked_page, found
from exchange.apps.http.context import services_of
from exchange.apps.http.offer_views import public_offer
from exchange.apps.http.pages import render
from exchange.apps.http.wire import MoneyWire, json_of, object_id
from exchange.apps.web import register
from exchange.catalog.browsing import SearchFilter, refuse_filter
from exchange.catalog.datasets import Modality
from exchange.catalog.offers import Offer, OfferKind
from exchange.catalog.store import public
from exchange.flows.show_listing import search_listings, show_listing
from exchange.kernel import ids
from exchange.kernel.canonical import sha256_hex
from exchange.kernel.db import Tx
from exchange.kernel.errors import INVALID_REQUEST, Refused
from exchange.kernel.pages import BadCursor, PageRequest
from exchange.kernel.text import Text
from exchange.parties import store as parties
from exchange.quality import certificates
from exchange.quality import store as quality
from pricing.exact import from_units
from pricing.word_parts import money

_NEWEST = 6
_SHOWN = 20
_FILES_SHOWN = 12
MODALITIES = {
    Modality.TEXT: Text("Text", "文本"),
    Modality.TABLE: Text("Tables", "表格"),
    Modality.IMAGE: Text("Images", "图像"),
    Modality.AUDIO: Text("Audio", "音频"),
    Modality.VIDEO: Text("Video", "视频"),
    Modality.IMAGE_TEXT: Text("Image and text", "图文"),
}
KINDS = {
    OfferKind.ONE_OFF: Text("One-off", "一次性购买"),
    OfferKind.SUBSCRIPTION: Text("Subscription", "订阅"),
    OfferKind.PAY_PER_USE: Text("Pay per use", "按量付费"),
}
PERSONAL = {
    "none": Text("no personal data", "不含个人信息"),
    "pseudonymised": Text("pseudonymised personal data", "含去标识化个人信息"),
    "contains": Text("contains personal data", "含个人信息"),
}
FAULTS = {
    "bad-signature": Text("the signature does not fit", "签名不符"),
    "not-yet-valid": Text("it is not valid yet", "尚未生效"),
    "expired": Text("it has expired", "已过期"),
}
PORTALS = (
    (
        "/catalog/v1/docs",
        Text("Public catalogue", "公开目录"),
        Text("search, sign-up, certificates, log", "检索、入驻、证书、日志"),
    ),
    ("/oauth2/docs", Text("OAuth", "身份认证"), Text("tokens for machines", "应用令牌")),
    (
        "/supplier/v1/docs",
        Text("Suppliers", "供应方"),
        Text("upload, certify, list, be paid", "上传、认证、上架、结算"),
    ),
    ("/buyer/v1/docs", Text("Buyers", "买方"), Text("quote, order, pay, grants", "询价、下单、支付、使用权")),
    ("/data/v1/docs", Text("Data plane", "数据交付"), Text("read granted data", "读取已授权数据")),
    (
        "/assessor/v1/docs",
        Text("Assessors and services", "评估与服务机构"),
        Text("assess, sign, shares", "评估、签发、分成"),
    ),
    ("/operator/v1/docs", Text("Operator", "运营方"), Text("onboarding, settlement", "核验、结算")),
    ("/regulator/v1/docs", Text("Regulators", "监管机构"), Text("audit, exports, directives", "审计、导出、指令")),
)


@dataclass(frozen=True, slots=True)
class LogHead:
    """The newest checkpoint as a page shows it."""

    origin: str
    size: int
    root: str
    note: str


@get("/")
async def front(request: Asked) -> Response[bytes]:
    """What the exchange is, a search box, the newest listings, the head of the log."""
    async with services_of(request).db.read(None) as tx:
        newest = await search_listings(tx, SearchFilter(), PageRequest(limit=_NEWEST))
        head = await _head(tx)
    return render(request, "front.html", cards=newest.items, head=head, **_words())


@get("/listings")
async def catalogue(
    request: Asked,
    q: Annotated[str, QueryParameter(max_length=500)] = "",
    modality: Annotated[str, QueryParameter(max_length=20)] = "",
    kind: Annotated[str, QueryParameter(max_length=20)] = "",
    cursor: Annotated[str | None, QueryParameter(max_length=1024)] = None,
) -> Response[bytes]:
    """Search the catalogue."""
    wanted = SearchFilter(words=q.strip(), modality=modality or None, kind=kind or None)
    refused = refuse_filter(wanted)
    if refused is not None:
        raise Refused(refused)
    asked = asked_page(_SHOWN, cursor)
    async with services_of(request).db.read(None) as tx:
        try:
            page = await search_listings(tx, wanted, asked)
        except BadCursor as error:
            raise Refused(INVALID_REQUEST(reason=str(error))) from error
    asked_for = {"q": wanted.words, "modality": modality, "kind": kind}
    return render(request, "catalogue.html", cards=page.items, more=page.next_cursor, asked=asked_for, **_words())


@get("/listings/{listing:str}")
async def one_listing(request: Asked, listing: FromPath[str]) -> Response[bytes]:
    """One listing: its quality, its offers, its terms in plain words, its certificates."""
    listing_id = object_id("lst", listing)
    async with services_of(request).db.read(None) as tx:
        page = found(await show_listing(tx, listing_id))
        assets = await public.assets(tx, listing_id, PageRequest(limit=_FILES_SHOWN))
        chain = await chain_store.summary(tx, page.shelf.dataset.id)
    card = json_of(page.scorecard.document) if page.scorecard else None
    return render(
        request,
        "listing.html",
        page=page,
        one=page.shelf.listing,
        dataset=page.shelf.dataset,
        revision=page.shelf.revision,
        scorecard=card,
        score=page.scorecard,
        offers=[public_offer(offer) for offer in page.shelf.offers],
        certificates=page.certificates,
        chain=chain[0] if chain else None,
        assets=[stored.asset for stored in assets.items],
        more_assets=assets.next_cursor is not None,
        stopped={ids.text("ofr", one.id): page.stops[one.id] for one in page.shelf.offers if one.id in page.stops},
        laws=LAWS,
        **_words(),
    )


@get("/certificate/{certificate:str}")
async def one_certificate(request: Asked, certificate: FromPath[str]) -> Response[bytes]:
    """One certificate, whether it holds, and how to check that without us."""
    services = services_of(request)
    async with services.db.read(None) as tx:
        one = found(await quality.find_certificate(tx, object_id("crt", certificate)))
        names = await parties.public_names(tx, [one.supplier_id, one.assessor_id])
    now = services.db.clock.now().astimezone(UTC)
    faults = certificates.verify(one.document, one.kid, one.signature, keys=services.keyring.verify, now=now)
    return render(
        request,
        "certificate.html",
        one=one,
        said=json_of(one.document),
        digest=sha256_hex(one.document),
        faults=[FAULTS.get(fault.value, Text(fault.value, fault.value)) for fault in faults],
        supplier=names.get(one.supplier_id, {}),
        assessor=names.get(one.assessor_id, {}),
        text=ids.text,
    )


@get("/transparency")
async def log(request: Asked, page: Annotated[int, QueryParameter(ge=1, le=register.PAGES_MAX)] = 1) -> Response[bytes]:
    """The head of the audit log, how to verify it, and what regulators have ordered."""
    services = services_of(request)
    async with services.db.read(None) as tx:
        head = await _head(tx)
        ordered = await register.directives(tx, page)
    keys = [one.vkey for one in notes.log_verifiers(services.keyring, services.settings.process.log_origin)]
    return render(request, "log.html", head=head, keys=keys, origin=services.settings.origin, laws=LAWS, **ordered)


@get("/docs")
async def documents(request: Asked) -> Response[bytes]:
    """Where each portal's API document is."""
    return render(request, "docs.html", portals=PORTALS, origin=services_of(request).settings.origin)


@get("/assets/site.css")
async def style(request: Asked) -> Response[bytes]:
    """How the pages look."""
    body, tag = _style()
    headers = {"etag": tag, "cache-control": "public, max-age=3600"}
    if request.headers.get("if-none-match") == tag:
        return Response(b"", status_code=304, headers=headers, media_type=MediaType.CSS)
    return Response(body, media_type="text/css", headers=headers)


@lru_cache(maxsize=1)
def _style() -> tuple[bytes, str]:
    body = (files("exchange.apps.web") / "static" / "site.css").read_bytes()
    return body, f'"{hashlib.sha256(body).hexdigest()[:16]}"'


async def _head(tx: Tx) -> LogHead | None:
    note = await tree_store.checkpoint(tx)
    if note is None:
        return None
    checkpoint = notes.parse_checkpoint(notes.parse_note(note).text)
    return LogHead(checkpoint.origin, checkpoint.size, checkpoint.root.hex(), note.decode())


def _words() -> dict[str, Any]:
    return {
        "modalities": MODALITIES,
        "kinds": KINDS,
        "personal": PERSONAL,
        "text": ids.text,
        "price": _price,
        "wire": _wire,
    }


def _price(offer: Offer) -> str:
    return money(from_units(offer.entry_units), offer.currency)


def _wire(amount: MoneyWire) -> str:
    return money(Decimal(amount.amount), amount.currency)


ROUTES: tuple[Any, ...] = (front, catalogue, one_listing, one_certificate, log, documents, style)
