"""Subjects: people whose data is sealed, each under a key of its own. Pure; where the keys lie is `exchange.kernel.vault`.

A subject's key never stands in the database. Destroying it makes everything that was sealed under it unreadable, wherever
copies of it are, and changes no byte of the log.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from typing import NamedTuple, Protocol
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

KEY_BYTES = 32
_NONCE_BYTES = 12
_SEALING, _NONCES = b"corpus-exchange/sealing/v1", b"corpus-exchange/nonces/v1"


class Unreadable(ValueError):
    """A sealed text that this key does not open: another subject's, moved from elsewhere, or changed."""


class SubjectErased(Exception):
    """The subject's key was destroyed; it is never made again."""


class SubjectKey(NamedTuple):
    """A subject and its key; its representation says nothing of the key."""

    subject: UUID
    key: bytes

    def __repr__(self) -> str:
        """Name the subject alone: a representation ends up in logs."""
        return f"SubjectKey({self.subject})"


class Vault(Protocol):
    """Where subjects' keys are kept."""

    async def key(self, subject: UUID) -> bytes | None:
        """The subject's key; None where it was destroyed or never made."""

    async def make(self, subject: UUID) -> SubjectKey:
        """Make the subject's key, or answer the one there is.

        errors   SubjectErased
        """

    async def destroy(self, subject: UUID) -> None:
        """Destroy the subject's key for good; a second time changes nothing."""

    async def undone(self, subjects: Iterable[UUID]) -> list[UUID]:
        """Those of these whose key is not gone from every place, or of which not every place remembers that it may not be."""

    async def destroyed(self) -> list[UUID]:
        """Every subject of which a place remembers that its key was destroyed."""


def derived(key: bytes, purpose: bytes) -> bytes:
    """A key for one purpose from a subject's key.

    source   RFC 5869
    """
    return HKDFExpand(SHA256(), length=KEY_BYTES, info=purpose).derive(key)


def lock(key: bytes, about: bytes, data: bytes) -> bytes:
    """Seal `data`, bound to what it is `about`: nonce, ciphertext and tag.

    The nonce follows from the data, so that one key never meets one nonce with two texts, whatever the randomness is worth.

    source   NIST SP 800-38D; RFC 8452 for the idea of such a nonce
    """
    nonce = hmac.digest(derived(key, _NONCES), len(about).to_bytes(4, "big") + about + data, hashlib.sha256)
    nonce = nonce[:_NONCE_BYTES]
    return nonce + AESGCM(derived(key, _SEALING)).encrypt(nonce, data, about)


def unlock(key: bytes, about: bytes, sealed: bytes) -> bytes:
    """What was sealed.

    errors   Unreadable
    """
    try:
        return AESGCM(derived(key, _SEALING)).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], about)
    except (InvalidTag, ValueError) as error:
        raise Unreadable("a sealed text does not open under this key") from error
