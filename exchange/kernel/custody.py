"""Keys that the exchange keeps for others: made here, and stored only sealed by a key of this deployment.

The sealing key is derived from the newest key of purpose custody, which lies where the exchange's own keys lie and never in
the database: who has the database alone can sign for nobody.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from exchange.kernel.keys import CUSTODY, Keyring, SigningKey, thumbprint

_NONCE_BYTES = 12
_INFO = b"corpus-exchange/kept-key/v1"
_SECRET_INFO = b"corpus-exchange/kept-secret/v1"


class SealBroken(ValueError):
    """A sealed key that this deployment cannot open: another one's, somebody else's, or changed."""


@dataclass(frozen=True, slots=True)
class NewKept:
    """A key just made for somebody: its public part, and its private part sealed.

    units    public 32 raw bytes; sealed: nonce, ciphertext and tag
    """

    kid: str
    public: bytes
    sealed_by: str
    sealed: bytes


def make(keyring: Keyring, owner: str) -> NewKept:
    """Make an Ed25519 key for `owner`, whose name is bound into the seal.

    errors   UnknownKey without a key of purpose custody
    source   RFC 5869, NIST SP 800-38D
    """
    private = Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    kid, by = thumbprint(public), keyring.signer(CUSTODY)
    nonce = os.urandom(_NONCE_BYTES)
    sealed = nonce + AESGCM(_sealing(by)).encrypt(nonce, private.private_bytes_raw(), _about(owner, kid))
    return NewKept(kid, public, by.kid, sealed)


def unsealed(keyring: Keyring, owner: str, kid: str, sealed_by: str, sealed: bytes) -> Ed25519PrivateKey:
    """The private key that was sealed for `owner`.

    errors   SealBroken
    """
    by = _custodian(keyring, sealed_by)
    try:
        raw = AESGCM(_sealing(by)).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _about(owner, kid))
    except InvalidTag as error:
        raise SealBroken("a kept key does not open") from error
    return Ed25519PrivateKey.from_private_bytes(raw)


def make_secret(size: int) -> bytes:
    """A secret of so many random bytes."""
    return os.urandom(size)


def seal_secret(keyring: Keyring, owner: str, secret: bytes) -> tuple[str, bytes]:
    """A secret shared with somebody, sealed for `owner`, and the id of the key that sealed it.

    errors   UnknownKey without a key of purpose custody
    source   RFC 5869, NIST SP 800-38D
    """
    by, nonce = keyring.signer(CUSTODY), os.urandom(_NONCE_BYTES)
    return by.kid, nonce + AESGCM(_sealing(by, _SECRET_INFO)).encrypt(nonce, secret, owner.encode())


def open_secret(keyring: Keyring, owner: str, sealed_by: str, sealed: bytes) -> bytes:
    """The secret that was sealed for `owner`.

    errors   SealBroken
    """
    by = _custodian(keyring, sealed_by)
    try:
        return AESGCM(_sealing(by, _SECRET_INFO)).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], owner.encode())
    except InvalidTag as error:
        raise SealBroken("a kept secret does not open") from error


def _custodian(keyring: Keyring, sealed_by: str) -> SigningKey:
    by = next((key for key in keyring.keys() if key.kid == sealed_by and key.purpose == CUSTODY), None)
    if by is None:
        raise SealBroken(f"the custody key {sealed_by} is not in this deployment's key folder")
    return by


def _sealing(by: SigningKey, info: bytes = _INFO) -> bytes:
    return HKDF(SHA256(), length=32, salt=None, info=info).derive(by.private.private_bytes_raw())


def _about(owner: str, kid: str) -> bytes:
    return f"{owner} {kid}".encode()
