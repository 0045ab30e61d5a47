"""Agreements: what was agreed, as the bytes that were signed, and where it stands. The same in both portals."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Response
from litestar.params import FromPath
from msgspec import Meta

from contracts import lifecycle_store, signatures_store
from contracts import store as contracts
from contracts.store import AgreementRow
from exchange.apps.http.agreement_life import SignatureView, life_view, signature_view
from exchange.apps.http.answers import Asked, found
from exchange.apps.http.context import actor_of, services_of
from exchange.apps.http.documented import listing, show
from exchange.apps.http.lists import Cursor, Limit, show_page
from exchange.apps.http.wire import Id, Sha256, Texts, Time, json_of, object_id, stamp
from exchange.kernel import ids

HOW_TO_VERIFY = {
    "en": "Decode document_base64. Its SHA-256 is sha256. For each of signatures take the key named kid (Ed25519), for the "
    "exchange from /.well-known/jwks.json, for an organisation from /.well-known/organisations/{organisation}/keys, and check "
    "the signature over exactly these bytes. The bytes are canonical JSON (RFC 8785): document is the same, parsed.",
    "zh": "解码 document_base64，其 SHA-256 即 sha256。对 signatures 中的每一项取得 kid 所指的 Ed25519 公钥（交易所的见 "
    "/.well-known/jwks.json，机构的见 /.well-known/organisations/{organisation}/keys），对上述原始字节验证签名。"
    "字节为规范 JSON（RFC 8785），document 为其解析结果。",
}


class AgreementView(msgspec.Struct, frozen=True):
    """An agreement and the parties that concluded it."""

    id: Annotated[str, Meta(examples=["agr_01m80jwmabesg81hwe4cc73nw9"])]
    order: Id
    offer: Id
    buyer: Id
    seller: Id
    sha256: Sha256
    created_at: Time


class AgreementDocument(msgspec.Struct, frozen=True):
    """An agreement with all that is needed to verify it without us.

    `signing` is waiting, partly or signed; `state` is active, suspended, held, ending, ended, terminated or retired.
    """

    agreement: AgreementView
    document: dict[str, Any]
    document_base64: Annotated[bytes, Meta(description="The exact bytes that were signed, in base64.")]
    kid: Annotated[str, Meta(description="The id of the exchange's key in /.well-known/jwks.json.")]
    signature: Annotated[bytes, Meta(description="The exchange's: Ed25519 over the exact bytes, in base64.")]
    how_to_verify: Texts
    state: Annotated[str, Meta(examples=["active"])]
    signing: Annotated[str, Meta(examples=["signed"])]
    signatures: list[SignatureView]


async def list_agreements(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Response[bytes]:
    """Your agreements, newest first. 我的合约。"""
    actor = actor_of(request)
    return await show_page(
        request, actor, lambda tx, page: contracts.agreements_of(tx, actor, page), agreement_view, limit, cursor
    )


async def show_agreement(request: Asked, agreement: FromPath[str]) -> AgreementDocument:
    """One agreement: document, exact bytes, signatures, and how to verify them. 合约详情与验签方法。"""
    services, actor, agreement_id = services_of(request), actor_of(request), object_id("agr", agreement)
    async with services.db.read(actor) as tx:
        row = found(await contracts.agreement(tx, actor, agreement_id))
        events = await lifecycle_store.events_of(tx, actor, agreement_id)
        signed = await signatures_store.signatures_of(tx, actor, agreement_id)
    life = life_view(row, events, signed, services.db.clock.now())
    return AgreementDocument(
        agreement=agreement_view(row),
        document=json_of(row.document),
        document_base64=row.document,
        kid=row.kid,
        signature=row.signature,
        how_to_verify=HOW_TO_VERIFY,
        state=life.state,
        signing=life.signing,
        signatures=[signature_view(one) for one in signed if one.object_id == agreement_id],
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


def agreement_routes(prefix: str) -> tuple[Any, ...]:
    """The routes under one portal."""
    return (
        listing(f"{prefix}/agreements", AgreementView)(list_agreements),
        show(f"{prefix}/agreements/{{agreement:str}}", AgreementDocument)(show_agreement),
    )
