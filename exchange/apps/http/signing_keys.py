"""An organisation's signing keys: the same in the buyer's and the supplier's portal."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Response
from litestar.openapi.spec import Operation
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from contracts import signatures
from contracts import signatures_store as store
from contracts.signatures import OrganisationKey
from exchange.apps.http.answers import Asked, accepted_value, write
from exchange.apps.http.context import actor_of, services_of
from exchange.apps.http.documented import command, show
from exchange.apps.http.wire import Time, body_id, object_id, stamp
from exchange.flows.register_signing_key import (
    KeyRegistered,
    KeyRetired,
    register_signing_key,
    retire_signing_key,
)
from exchange.kernel import ids

# Who may bind the organisation for good: a client that was given that scope, as for clients themselves.
_ADMIN = {"portal": "organisation"}
KeyId = Annotated[str, Meta(examples=["key_01m80jwmabesg81hwe4cc73nw9"])]
PublicKey = Annotated[
    str,
    Meta(
        max_length=64,
        description="32 raw bytes in base64. 32 字节原始公钥的 base64。",
        examples=["11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"],
    ),
]
SignatureText = Annotated[
    str,
    Meta(
        max_length=100,
        description="64 bytes of Ed25519 in base64. 64 字节 Ed25519 签名的 base64。",
        examples=["5VZDAMNgrHKQhuLMgG6CioSHfx645dl02HPgZSJJAVVfuIIVkKM7rMYeOXAc+bRr0lv18FlbviRlUUFDjnoQCw=="],
    ),
]


class KeyWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A public key, and the proof that you hold the private one: a signature over the registration document."""

    public_key: PublicKey
    proof: SignatureText
    replaces: Annotated[str, Meta(max_length=40, description="A key to retire with it. 同时停用的密钥。")] | None = None


class DraftWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A public key whose registration document you want to sign."""

    public_key: PublicKey


class RegistrationDraft(msgspec.Struct, frozen=True):
    """The exact bytes to sign, as text and in base64: it has no line break at its end."""

    kid: str
    document: Annotated[str, Meta(examples=['{"kid":"...","type":"signing_key","v":1}'])]
    document_base64: bytes


class KeyView(msgspec.Struct, frozen=True):
    """A key of yours. `kept`: the exchange keeps its private part for you, and every signature by it says so."""

    id: KeyId
    kid: str
    public_key: PublicKey
    kept: bool
    status: Annotated[str, Meta(examples=["in_use"])]
    valid_from: Time
    valid_to: Time | None


class KeysView(msgspec.Struct, frozen=True):
    """Your keys, oldest first. With a key of your own in use, only you sign; without one, a kept key signs for you."""

    items: list[KeyView]
    signs: Annotated[str, Meta(description="own or kept", examples=["kept"])]


async def list_keys(request: Asked) -> KeysView:
    """Your signing keys, retired ones too. 本机构的签名密钥。"""
    actor = actor_of(request)
    async with services_of(request).db.read(actor) as tx:
        keys = await store.my_keys(tx, actor)
    own = any(key.in_use and not key.kept for key in keys)
    return KeysView([key_view(key) for key in keys], "own" if own else "kept")


async def draft_registration(request: Asked, data: JSONBody[DraftWish]) -> RegistrationDraft:
    """The document that registers this key, for you to sign; it changes nothing. 待签名的密钥登记文件。"""
    public = accepted_value(signatures.public_of(data.public_key))
    document = signatures.registration(actor_of(request).organisation_id, public)
    return RegistrationDraft(msgspec.json.decode(document)["kid"], document.decode(), document)


async def register_key(request: Asked, data: JSONBody[KeyWish]) -> Response[bytes]:
    """Register your own Ed25519 key: from now on only it signs for you. 登记自有签名密钥。

    The proof is your signature over the registration document (`/signing-keys/draft` shows it). With `replaces` the other
    key is retired in the same moment, and a key that the exchange keeps for you always is; what they signed stays verifiable.
    """
    actor = actor_of(request)
    replaces = body_id("key", data.replaces) if data.replaces else None
    return await write(
        request,
        "signing-key.register",
        lambda tx: register_signing_key(tx, actor, data.public_key, data.proof, replaces),
    )


async def retire_key(request: Asked, key: FromPath[str]) -> Response[bytes]:
    """Retire a key: it signs no more, and what it signed stays verifiable. 停用签名密钥。

    Of a kept key the private part is destroyed; another one is made when it is needed.
    """
    actor, key_id = actor_of(request), object_id("key", key)
    return await write(
        request, "signing-key.retire", lambda tx: retire_signing_key(tx, actor, key_id), status=200, object_id=key
    )


def key_view(key: OrganisationKey) -> KeyView:
    """A key as its organisation sees it."""
    jwk = key.jwk()
    return KeyView(
        id=ids.text("key", key.id),
        kid=key.kid,
        public_key=str(jwk["x"]),
        kept=key.kept,
        status=str(jwk["status"]),
        valid_from=stamp(key.created_at),
        valid_to=None if key.retired_at is None else stamp(key.retired_at),
    )


def signing_key_routes(prefix: str) -> tuple[Any, ...]:
    """The routes under one portal."""
    path = f"{prefix}/signing-keys"
    return (
        show(path, KeysView, 401, 403)(list_keys),
        command(path, KeyRegistered, opt=_ADMIN)(register_key),
        command(f"{path}/draft", RegistrationDraft, 400, 401, 403, 422, status=200, operation_class=Operation)(
            draft_registration
        ),
        command(f"{path}/{{key:str}}/retirement", KeyRetired, status=200, opt=_ADMIN)(retire_key),
    )
