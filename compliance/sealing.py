"""Personal data beside the log: sealed per entry and subject, with a commitment in the entry itself. Pure.

The entry says `commitment = SHA256(salt || fields)`, and nothing else of the data. Salt and fields lie beside the log, sealed
under the subject's key. Who is shown both can check them against the log; once the key is destroyed, nobody can say what they
were, nor try guesses, and every proof stays as it was.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

import msgspec

from exchange.kernel.canonical import canonical, sha256
from exchange.kernel.subjects import SubjectKey, Unreadable, derived, lock, unlock

SALT_BYTES = 32
_SALTS, _REFERENCES = b"corpus-exchange/salts/v1", b"corpus-exchange/subject-references/v1"
_ABOUT = b"corpus-exchange/sealed/v1"


@dataclass(frozen=True, slots=True)
class Secret:
    """What an entry is to hold of a subject: its key, and the fields. Says nothing of either when it is printed."""

    of: SubjectKey
    fields: Mapping[str, str]

    def __repr__(self) -> str:
        """Name the subject alone: a representation ends up in logs."""
        return f"Secret({self.of.subject})"


class Sealed(NamedTuple):
    """A secret as it lies beside the log.

    shapes   `commitment` is what the entry says; `reference` tells records of one subject apart from another's without
             naming it, to whoever is shown them
    """

    subject: UUID
    reference: bytes
    commitment: bytes
    sealed: bytes


class Opened(msgspec.Struct, frozen=True):
    """A sealed record that is disclosed: whoever holds it can check it against the log without us.

    shapes   `salt` 32 bytes; SHA256(salt || RFC 8785 of `fields`) is one of the entry's `sealed`
    """

    fields: dict[str, str]
    salt: bytes
    subject: bytes

    def commitment(self) -> bytes:
        """What the entry has to say of this."""
        return commitment(self.salt, self.fields)

    def to_wire(self) -> dict[str, object]:
        """As it stands in a disclosure: hexadecimal, canonical."""
        return {"fields": dict(self.fields), "salt": self.salt.hex(), "subject": self.subject.hex()}

    def __repr__(self) -> str:
        """Name no field."""
        return f"Opened({self.subject.hex()[:8]})"


def commitment(salt: bytes, fields: Mapping[str, str]) -> bytes:
    """What an entry says of fields: their digest under a salt that only those know who may know the fields."""
    return sha256(salt + canonical(dict(fields)))


def seal(secret: Secret, entry_id: UUID) -> Sealed:
    """Seal a secret for one entry; the same again gives the same bytes.

    The salt follows from the subject's key and the entry, so that it is as unknown as the key is, and gone with it.
    """
    subject, key = secret.of
    salt = hmac.digest(derived(key, _SALTS), entry_id.bytes, hashlib.sha256)
    fields = canonical(dict(secret.fields))
    said = sha256(salt + fields)
    reference = _reference(key, subject)
    return Sealed(subject, reference, said, lock(key, _about(subject, entry_id, said), salt + fields))


def unseal(key: bytes, entry_id: UUID, one: Sealed) -> Opened:
    """Open a record with its subject's key, and hold it against its commitment.

    errors   Unreadable for another key, another subject's or entry's record, or one that was changed
    """
    data = unlock(key, _about(one.subject, entry_id, one.commitment), one.sealed)
    salt, fields = data[:SALT_BYTES], data[SALT_BYTES:]
    if sha256(data) != one.commitment or not hmac.compare_digest(one.reference, _reference(key, one.subject)):
        raise Unreadable("a sealed record is not what its entry committed to")
    return Opened(msgspec.json.decode(fields, type=dict[str, str]), salt, one.reference)


def _reference(key: bytes, subject: UUID) -> bytes:
    return hmac.digest(derived(key, _REFERENCES), subject.bytes, hashlib.sha256)


def _about(subject: UUID, entry_id: UUID, said: bytes) -> bytes:
    return _ABOUT + subject.bytes + entry_id.bytes + said
