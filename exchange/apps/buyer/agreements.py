"""Agreements: what was agreed, as the bytes that were signed."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Response
from litestar.params import FromPath
from msgspec import Meta

from contracts import store as contracts
from contracts.store import AgreementRow
from exchange.apps.http.answers import Asked, found
from exchange.apps.http.context import actor_of, services_of
from exchange.apps.http.documented import listing, show
from exchange.apps.http.lists import Cursor, Limit, show_page
from exchange.apps.http.wire import Id, Sha256, Texts, Time, json_of, object_id, stamp
from exchange.kernel import ids

HOW_TO_VERIFY = {
    "en": "Decode document_base64. Its SHA-256 is sha256. Take the key named kid from /.well-known/jwks.json (Ed25519) and "
    "check signature over exactly these bytes. The bytes are canonical JSON (RFC 8785): document is the same, parsed.",
    "zh": "解码 document_base64，其 SHA-256 即 sha256。从 /.well-known/jwks.json 取得 kid 所指的 Ed25519 公钥，"
    "对上述原始字节验证 signature。字节为规范 JSON（RFC 8785），document 为其解析结果。",
}


class AgreementView(msgspec.Struct, frozen=True):
    """An agreement and its parties."""

    id: Annotated[str, Meta(examples=["agr_01m80jwmabesg81hwe4cc73nw9"])]
    order: Id
    offer: Id
    buyer: Id
    seller: Id
    sha256: Sha256
    created_at: Time


class AgreementDocument(msgspec.Struct, frozen=True):
    """An agreement with all that is needed to verify it without us."""

    agreement: AgreementView
    document: dict[str, Any]
    document_base64: Annotated[bytes, Meta(description="The exact bytes that were signed, in base64.")]
    kid: Annotated[str, Meta(description="The key's id in /.well-known/jwks.json.")]
    signature: Annotated[bytes, Meta(description="Ed25519 over the exact bytes, in base64.")]
    how_to_verify: Texts


@listing("/buyer/v1/agreements", AgreementView)
async def list_agreements(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Response[bytes]:
    """Your agreements, newest first. 我的合约。"""
    actor = actor_of(request)
    return await show_page(
        request, actor, lambda tx, page: contracts.agreements_of(tx, actor, page), agreement_view, limit, cursor
    )


@show("/buyer/v1/agreements/{agreement:str}", AgreementDocument)
async def show_agreement(request: Asked, agreement: FromPath[str]) -> AgreementDocument:
    """One agreement: document, exact bytes, signature, and how to verify it. 合约详情与验签方法。"""
    actor = actor_of(request)
    async with services_of(request).db.read(actor) as tx:
        row = found(await contracts.agreement(tx, actor, object_id("agr", agreement)))
    return AgreementDocument(
        agreement=agreement_view(row),
        document=json_of(row.document),
        document_base64=row.document,
        kid=row.kid,
        signature=row.signature,
        how_to_verify=HOW_TO_VERIFY,
    )


def agreement_view(row: AgreementRow) -> AgreementView:
    """An agreement as the API lists it."""
    return AgreementView(
        id=ids.text("agr", row.id),
        order=ids.text("ord", row.order_id),
        offer=ids.text("ofr", row.offer_id),
        buyer=ids.text("org", row.buyer_id),
        seller=ids.text("org", row.seller_id),
        sha256=row.sha256.hex(),
        created_at=stamp(row.created_at),
    )


ROUTES = (list_agreements, show_agreement)
