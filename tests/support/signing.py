"""Organisations that sign with keys of their own, and a check of signatures that imports nothing of ours."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from exchange import main
from tests.support.api import Market, Party

WHY = {"en": "The report of May is missing.", "zh": "未提交五月报告。"}


def b64(data: bytes) -> str:
    """Base64 as people write it."""
    return base64.b64encode(data).decode()


@dataclass(frozen=True, slots=True)
class OwnKey:
    """A private key in an organisation's own hands."""

    private: Ed25519PrivateKey
    kid: str
    id: str

    def sign(self, document: bytes) -> dict[str, str]:
        """What the organisation sends for a document."""
        return {"kid": self.kid, "signature": b64(self.private.sign(document))}


async def own_key(m: Market, party: Party, portal: str, **more: Any) -> OwnKey:
    """Make a key, and register it with the proof that it is there."""
    private = Ed25519PrivateKey.generate()
    public = b64(private.public_key().public_bytes_raw())
    draft = await m.done(party, f"/{portal}/v1/signing-keys/draft", {"public_key": public})
    document = base64.b64decode(draft["document_base64"])
    assert document.decode() == draft["document"]
    assert json.loads(document)["organisation"] == party.organisation
    wish = {"public_key": public, "proof": b64(private.sign(document)), **more}
    made = await m.done(party, f"/{portal}/v1/signing-keys", wish)
    assert made["kid"] == draft["kid"]
    return OwnKey(private, made["kid"], made["id"])


async def sign_kept(m: Market) -> None:
    """What the worker does every two seconds."""
    await main.schedule(m.services).signatures()


async def public_keys(m: Market, *organisations: str) -> dict[str, tuple[Ed25519PublicKey, dict[str, Any]]]:
    """Every published key by its id: those of the exchange, and those of some organisations."""
    sets = [(await m.http.get("/.well-known/jwks.json")).json()["keys"]]
    for organisation in organisations:
        sets.append((await m.http.get(f"/.well-known/organisations/{organisation}/keys")).json()["keys"])
    found = {}
    for key in (one for keys in sets for one in keys):
        raw = base64.urlsafe_b64decode(key["x"] + "=" * (-len(key["x"]) % 4))
        found[key["kid"]] = (Ed25519PublicKey.from_public_bytes(raw), key)
    return found


async def verify_everything(m: Market, shown: dict[str, Any], *organisations: str) -> dict[str, bool]:
    """Check each signature of a paper by `cryptography` alone; which role signed with a kept key."""
    keys = await public_keys(m, *organisations)
    document = base64.b64decode(shown["document_base64"])
    assert sha256(document).hexdigest() == shown["sha256"]
    kept = {}
    for one in shown["signatures"]:
        key, entry = keys[one["kid"]]
        key.verify(base64.b64decode(one["signature"]), document)
        assert entry.get("kept", False) is one["kept"]
        kept[one["role"]] = one["kept"]
    return kept
