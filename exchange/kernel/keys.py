"""Signing keys: Ed25519, one ring per node, rotated by adding; old keys stay for verification."""

from __future__ import annotations

import base64
import fcntl
import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

# Custody signs nothing: what it seals are the keys that the exchange keeps for others (kernel/custody.py).
CUSTODY = "custody"
# Nor does the vault's: it wraps the keys under which personal data is sealed (kernel/vault.py).
VAULT = "vault"
PURPOSES = ("token", "agreement", "certificate", "checkpoint", "quote", CUSTODY, "split", VAULT)
_SILENT = frozenset({CUSTODY, VAULT})


class UnknownKey(LookupError):
    """No key of that purpose or id."""


@dataclass(frozen=True, slots=True)
class Signature:
    """Who signed, and the 64 bytes."""

    kid: str
    value: bytes


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key, what it is for, and since when."""

    purpose: str
    kid: str
    created_at: datetime
    private: Ed25519PrivateKey

    @property
    def public(self) -> bytes:
        """The 32 raw bytes of the public key."""
        return self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


class Keyring:
    """Every key of this node; the newest of a purpose signs, all of them verify."""

    def __init__(self, keys: Iterable[SigningKey], *, node_id: str = "centre") -> None:
        """Hold `keys`; later ones of a purpose sign in place of earlier ones."""
        self.node_id = node_id
        self._all = sorted(keys, key=lambda key: key.created_at)
        self._newest = {key.purpose: key for key in self._all}
        self._public = {key.kid: key.private.public_key() for key in self._all}

    def keys(self) -> list[SigningKey]:
        """Every key, oldest first."""
        return list(self._all)

    def signer(self, purpose: str) -> SigningKey:
        """The key that signs for `purpose` now.

        errors   UnknownKey
        """
        try:
            return self._newest[purpose]
        except KeyError:
            raise UnknownKey(f"there is no key for {purpose}; run `exchange keys rotate {purpose}`") from None

    def sign(self, purpose: str, data: bytes) -> Signature:
        """Sign `data` with the newest key of `purpose`.

        errors   UnknownKey
        """
        key = self.signer(purpose)
        return Signature(key.kid, key.private.sign(data))

    def verify(self, kid: str, data: bytes, signature: bytes) -> bool:
        """Whether the key `kid` of this ring made `signature` over `data`."""
        public = self._public.get(kid)
        return public is not None and verifies(public, data, signature)

    def public_key(self, kid: str) -> Ed25519PublicKey | None:
        """The public key of that id, if the ring has it."""
        return self._public.get(kid)

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """All public keys as a JSON Web Key Set.

        source   RFC 7517, RFC 8037
        """
        signing = [key for key in self._all if key.purpose not in _SILENT]
        return {"keys": [{**_jwk(key.public), "kid": key.kid, "use": "sig", "alg": "EdDSA"} for key in signing]}


def verifies(public: Ed25519PublicKey, data: bytes, signature: bytes) -> bool:
    """Whether `signature` over `data` is by `public`."""
    try:
        public.verify(signature, data)
    except InvalidSignature:
        return False
    return True


def new_key(purpose: str, created_at: datetime, seed: bytes | None = None) -> SigningKey:
    """Make a key; `seed` (32 bytes) only for tests.

    errors   UnknownKey for an unknown purpose
    """
    if purpose not in PURPOSES:
        raise UnknownKey(f"a purpose is one of {', '.join(PURPOSES)}")
    private = Ed25519PrivateKey.from_private_bytes(seed) if seed else Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return SigningKey(purpose, thumbprint(public), created_at, private)


def thumbprint(public: bytes) -> str:
    """The key id of a public key.

    source   RFC 7638 over the OKP members of RFC 8037
    """
    canonical = json.dumps(_jwk(public), separators=(",", ":"), sort_keys=True).encode()
    return _base64url(hashlib.sha256(canonical).digest())


def save(folder: Path, key: SigningKey) -> Path:
    """Write a private key where only its owner reads it."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    stamp = key.created_at.astimezone(UTC).strftime("%Y%m%dT%H%M%S%fZ")
    path = folder / f"{key.purpose}.{stamp}.pem"
    pem = key.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    draft = path.with_suffix(f".{os.getpid()}.draft")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)
    return path


def complete(folder: Path, now: datetime) -> None:
    """Make the first key of each purpose that has none; two processes that start at once make them once."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        there = {key.purpose for key in load(folder).keys()}
        for purpose in PURPOSES:
            if purpose not in there:
                save(folder, new_key(purpose, now))


def load(folder: Path, *, node_id: str = "centre") -> Keyring:
    """Read every key in `folder`.

    errors   ValueError for a file that is no Ed25519 key
    """
    keys = []
    for path in sorted(folder.glob("*.pem")):
        purpose, stamp, _ = path.name.split(".")
        private = load_pem_private_key(path.read_bytes(), password=None)
        if not isinstance(private, Ed25519PrivateKey):
            raise ValueError(f"{path.name} is not an Ed25519 key")
        created_at = datetime.strptime(stamp, "%Y%m%dT%H%M%S%fZ").replace(tzinfo=UTC)
        public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        keys.append(SigningKey(purpose, thumbprint(public), created_at, private))
    return Keyring(keys, node_id=node_id)


def _jwk(public: bytes) -> dict[str, str]:
    return {"crv": "Ed25519", "kty": "OKP", "x": _base64url(public)}


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
