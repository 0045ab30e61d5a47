"""Signatures of organisations: their keys, what a key's owner signs to register it, and how far an agreement is signed.

An organisation signs with an Ed25519 key of its own, or with one that the exchange keeps for it and that says so.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from contracts.signatures_problems import (
    KEY_FORM,
    KEY_NOT_PROVEN,
    KEY_RETIRED,
    SIGNATURE_KEY,
    SIGNATURE_WRONG,
)
from exchange.kernel import ids
from exchange.kernel.canonical import canonical, sha256_hex
from exchange.kernel.errors import Problem
from exchange.kernel.keys import thumbprint, verifies
from exchange.kernel.text import Text

KEYS_MAX = 8
_KEY_BYTES, _SIGNATURE_BYTES = 32, 64
# Points of small order: whoever registers one could show a "signature" that fits many documents (RFC 8032, 5.1.7 leaves
# them to the verifier).
_WEAK = frozenset(
    bytes.fromhex(text)
    for text in (
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "0100000000000000000000000000000000000000000000000000000000000080",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    )
)


class Role(StrEnum):
    """In which part somebody signs."""

    BUYER = "buyer"
    SELLER = "seller"
    SUCCESSOR = "successor"
    EXCHANGE = "exchange"


@dataclass(frozen=True, slots=True)
class OrganisationKey:
    """A public key of an organisation: its own (with the proof that it has the private part), or kept by the exchange.

    shapes   document and proof: what the owner signed when it registered the key; None for a kept one
    units    public 32 raw bytes, proof 64
    """

    id: UUID
    organisation_id: UUID
    kid: str
    public: bytes
    kept: bool
    document: bytes | None
    proof: bytes | None
    created_at: datetime
    retired_at: datetime | None = None

    @property
    def in_use(self) -> bool:
        """Whether it may still sign."""
        return self.retired_at is None

    def jwk(self) -> dict[str, object]:
        """The key as the public directory shows it.

        source   RFC 7517, RFC 8037; status, kept, valid_from and valid_to are members of ours
        """
        return {
            "kty": "OKP",
            "crv": "Ed25519",
            "x": base64.urlsafe_b64encode(self.public).rstrip(b"=").decode(),
            "kid": self.kid,
            "use": "sig",
            "alg": "EdDSA",
            "status": "in_use" if self.in_use else "retired",
            "kept": self.kept,
            "valid_from": _instant(self.created_at),
            "valid_to": None if self.retired_at is None else _instant(self.retired_at),
        }


@dataclass(frozen=True, slots=True)
class Signed:
    """One signature over the exact bytes of an agreement or of one of its events (`object_id`).

    shapes   organisation_id None: the exchange; kept: by a key that the exchange keeps for the organisation
    units    signature 64 bytes
    """

    object_id: UUID
    agreement_id: UUID
    role: Role
    organisation_id: UUID | None
    kid: str
    kept: bool
    signature: bytes
    at: datetime


@dataclass(frozen=True, slots=True)
class Given:
    """A signature as an organisation hands it in."""

    kid: str
    signature: bytes


class Signing(StrEnum):
    """How far a document is signed by those who must."""

    WAITING = "waiting"
    PARTLY = "partly"
    SIGNED = "signed"


def signing(signed: Iterable[Signed], needs: Collection[Role] = (Role.BUYER, Role.SELLER)) -> Signing:
    """How far the parties have signed one document; the exchange's countersignature is not counted."""
    there = {one.role for one in signed} & set(needs)
    if there == set(needs):
        return Signing.SIGNED
    return Signing.PARTLY if there else Signing.WAITING


def missing(signed: Iterable[Signed], needs: Collection[Role]) -> tuple[Role, ...]:
    """Who has still to sign, in the order of `needs`."""
    there = {one.role for one in signed}
    return tuple(role for role in needs if role not in there)


def registration(organisation_id: UUID, public: bytes) -> bytes:
    """The bytes that the owner of a private key signs to register its public part for an organisation.

    They name the organisation, so that nobody registers another one's key with a proof that it has seen.
    """
    encoded = base64.urlsafe_b64encode(public).rstrip(b"=").decode()
    return canonical(
        {
            "type": "signing_key",
            "v": 1,
            "organisation": ids.text("org", organisation_id),
            "kid": thumbprint(public),
            "public_key": encoded,
        }
    )


def public_of(text: str) -> bytes | Problem:
    """Read a public key in base64.

    errors   answers signing-key-form
    """
    public = decoded(text)
    if public is None or len(public) != _KEY_BYTES:
        return KEY_FORM(why=_LENGTH)
    if public in _WEAK:
        return KEY_FORM(why=_WEAK_POINT)
    return public


def proven(organisation_id: UUID, public: bytes, proof: str) -> bytes | Problem:
    """The proof of possession if it holds.

    errors   answers signing-key-not-proven
    """
    document, signature = registration(organisation_id, public), decoded(proof)
    if signature is None or len(signature) != _SIGNATURE_BYTES or not _by(public, document, signature):
        return KEY_NOT_PROVEN(document=document.decode())
    return signature


def checked(document: bytes, given: Given, own: Iterable[OrganisationKey]) -> OrganisationKey | Problem:
    """The key that made a signature over exactly these bytes, if it is the organisation's own and in use.

    errors   answers signature-key-unknown, signing-key-retired, signature-wrong
    """
    key = next((one for one in own if one.kid == given.kid and not one.kept), None)
    if key is None:
        return SIGNATURE_KEY(kid=given.kid[:64])
    if key.retired_at is not None:
        return KEY_RETIRED(kid=key.kid, at=_instant(key.retired_at))
    if len(given.signature) != _SIGNATURE_BYTES or not _by(key.public, document, given.signature):
        return SIGNATURE_WRONG(kid=key.kid, sha256=sha256_hex(document))
    return key


def verified(document: bytes, signed: Signed, public: bytes) -> bool:
    """Whether a stored signature is by the key with these 32 bytes, over exactly this document."""
    return signed.kid == thumbprint(public) and _by(public, document, signed.signature)


def directory(keys: Iterable[OrganisationKey]) -> Mapping[str, list[dict[str, object]]]:
    """The keys of an organisation as a JSON Web Key Set, oldest first.

    source   RFC 7517
    """
    return {"keys": [key.jwk() for key in sorted(keys, key=lambda key: (key.created_at, key.id))]}


def decoded(text: str) -> bytes | None:
    """The bytes of base64 text of either alphabet, with or without padding; None for anything else."""
    plain = text.strip().rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def _by(public: bytes, document: bytes, signature: bytes) -> bool:
    try:
        key = Ed25519PublicKey.from_public_bytes(public)
    except ValueError:
        return False
    return verifies(key, document, signature)


def _instant(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


_LENGTH = Text("is not base64 of 32 bytes", "不是 32 字节的 base64")
_WEAK_POINT = Text("is a point of small order, under which anybody could sign", "为小阶点，任何人都可在其下签名")
