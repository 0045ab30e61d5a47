"""One file that holds an agreement and all that is needed to verify it: documents, signatures, events, public keys, a seal.

The seal is the exchange's signature over a digest of each part, so that a change is found even in what no party signed
(when somebody signed, whose key it is), and found at its place.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from contracts import verify_agreement
from contracts.life_events import Event, instant
from contracts.signatures import OrganisationKey, Signed
from contracts.verify_agreement import Report
from exchange.kernel import ids
from exchange.kernel.canonical import canonical, sha256_hex
from exchange.kernel.keys import Signature, verifies

_KEYS_MAX = 100


@dataclass(frozen=True, slots=True)
class SignedDocument:
    """A document with the exchange's own signature over its bytes."""

    document: bytes
    kid: str
    signature: bytes


@dataclass(frozen=True, slots=True)
class Contents:
    """What goes into a bundle.

    shapes   signed: those of the agreement and of its events, the exchange's included, in the order they were made
             events: those in force, in their order; exchange_keys: JWKs by kid, whichever were used
    """

    agreement: bytes
    offer: bytes
    quote: SignedDocument | None
    signed: Sequence[Signed]
    events: Sequence[Event]
    organisation_keys: Sequence[OrganisationKey]
    exchange_keys: Mapping[str, bytes]


def write(contents: Contents, sign: Callable[[bytes], Signature]) -> bytes:
    """The file: canonical bytes, sealed by `sign`.

    shapes   the same contents and key give the same bytes
    errors   NotCanonical for documents that are none
    """
    events = [one for one in contents.events if one.force is not None]
    names = {one.id: ids.text("evt", one.id) for one in events}
    found: dict[str, Any] = {
        "type": "agreement_bundle",
        "v": 1,
        "agreement": _document(contents.agreement),
        "offer": _document(contents.offer),
        "quote": None if contents.quote is None else _quote(contents.quote),
        "signatures": [
            _signature(one, names.get(one.object_id, ids.text("agr", one.agreement_id)))
            for one in contents.signed
            if one.object_id == one.agreement_id or one.object_id in names
        ],
        "events": [_event(one) for one in events],
        "keys": [*_exchange_keys(contents.exchange_keys), *map(_organisation_key, contents.organisation_keys)],
    }
    parts = verify_agreement.parts_of(found)
    seal = sign(verify_agreement.sealed(parts))
    found["seal"] = {"kid": seal.kid, "parts": parts, "signature": _base64(seal.value)}
    return canonical(found)


def verify(bundle: bytes, published: Mapping[str, str] | None = None) -> Report:
    """Check a bundle and name the place of every fault.

    shapes   published: key id -> public key in base64url, as the exchange publishes them; None: those in the file
    source   RFC 8032, RFC 8785, RFC 7638; the same code as the stand-alone script, with another Ed25519
    """
    return verify_agreement.check(bundle, _by, None if published is None else dict(published))


def kids(bundle: bytes) -> list[str]:
    """The ids of the keys that a file names, as far as it can be read at all; at most 100."""
    return [key.kid for key in _named(bundle)]


def organisations(bundle: bytes) -> list[str]:
    """The organisations whose keys a file names, each once."""
    return sorted({key.organisation for key in _named(bundle) if key.organisation is not None})


class _NamedKey(msgspec.Struct):
    kid: str
    organisation: str | None = None


class _Named(msgspec.Struct):
    keys: list[_NamedKey]


def _named(bundle: bytes) -> list[_NamedKey]:
    try:
        return msgspec.json.decode(bundle, type=_Named).keys[:_KEYS_MAX]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return []


def _by(public: bytes, message: bytes, signature: bytes) -> bool:
    return verifies(Ed25519PublicKey.from_public_bytes(public), message, signature)


def _document(data: bytes) -> dict[str, str]:
    return {"document": _base64(data), "sha256": sha256_hex(data)}


def _quote(quote: SignedDocument) -> dict[str, str]:
    return {**_document(quote.document), "kid": quote.kid, "signature": _base64(quote.signature)}


def _signature(one: Signed, name: str) -> dict[str, Any]:
    return {
        "object": name,
        "role": one.role.value,
        "organisation": None if one.organisation_id is None else ids.text("org", one.organisation_id),
        "kid": one.kid,
        "kept": one.kept,
        "at": instant(one.at),
        "signature": _base64(one.signature),
    }


def _event(one: Event) -> dict[str, Any]:
    assert one.force is not None
    return {**_document(one.document), "number": one.force.number, "effective_at": instant(one.force.effective_at)}


def _exchange_keys(keys: Mapping[str, bytes]) -> list[dict[str, Any]]:
    return [_key(kid, public, None, None, kept=False) for kid, public in sorted(keys.items())]


def _organisation_key(key: OrganisationKey) -> dict[str, Any]:
    return _key(key.kid, key.public, ids.text("org", key.organisation_id), key.proof, kept=key.kept)


def _key(kid: str, public: bytes, organisation: str | None, proof: bytes | None, *, kept: bool) -> dict[str, Any]:
    return {
        "kty": "OKP",
        "crv": "Ed25519",
        "x": base64.urlsafe_b64encode(public).rstrip(b"=").decode(),
        "kid": kid,
        "organisation": organisation,
        "kept": kept,
        "proof": None if proof is None else _base64(proof),
    }


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
