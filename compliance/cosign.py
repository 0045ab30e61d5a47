"""Cosignatures: a witness's timed statement that it saw a log grow to a checkpoint. Pure.

source   c2sp.org/tlog-cosignature, the Ed25519 form cosignature/v1
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from compliance.notes import SignatureLine, checked_name, key_id, read_vkey, vkey_text

COSIGNATURE = 0x04
TIME_MAX = 2**63 - 1
_TIME_BYTES = 8
_SIGNATURE_BYTES = 64


@dataclass(frozen=True, slots=True)
class CosignVerifier:
    """A witness's public key with its name."""

    name: str
    public: bytes

    @property
    def key_id(self) -> bytes:
        """The key id of signed-note, for keys of type 0x04."""
        return key_id(self.name, self.public, COSIGNATURE)

    @property
    def vkey(self) -> str:
        """The key as one line: name+id+key."""
        return vkey_text(self.name, self.public, COSIGNATURE)

    def verify(self, text: bytes, signature: bytes) -> bool:
        """Whether the cosignature is this witness's over the checkpoint's text, and carries a time."""
        at = time_of(signature)
        if at is None:
            return False
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature[_TIME_BYTES:], message(text, at))
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class Cosigner:
    """Cosigns with an Ed25519 key that somebody else holds, and that signs nothing else.

    `private` signs bytes and gives 64; the message does not name the signer, so no two witnesses may share a key.
    """

    name: str
    public: bytes
    private: Callable[[bytes], bytes]

    def __post_init__(self) -> None:
        """Refuse a name that no note can carry."""
        checked_name(self.name)

    @property
    def verifier(self) -> CosignVerifier:
        """The public half."""
        return CosignVerifier(self.name, self.public)

    def cosign(self, text: bytes, at: int) -> SignatureLine:
        """The line that states: at this time, this was the largest tree of the log that I had seen.

        units    `at` in seconds since 1970
        """
        signature = at.to_bytes(_TIME_BYTES, "big") + self.private(message(text, at))
        return SignatureLine(self.name, self.verifier.key_id, signature)


def message(text: bytes, at: int) -> bytes:
    """What is signed: a header, the time, and the whole checkpoint without its signatures."""
    return f"cosignature/v1\ntime {at}\n".encode() + text


def time_of(signature: bytes) -> int | None:
    """The time in a cosignature, None for bytes that are none or that leave the time out."""
    if len(signature) != _TIME_BYTES + _SIGNATURE_BYTES:
        return None
    at = int.from_bytes(signature[:_TIME_BYTES], "big")
    return at if 0 < at <= TIME_MAX else None


def parse_witness_vkey(vkey: str) -> CosignVerifier:
    """Read the line of a witness's key.

    errors   BadNote for a malformed line, another algorithm or an id that is not the key's
    """
    return CosignVerifier(*read_vkey(vkey, COSIGNATURE))
