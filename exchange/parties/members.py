"""Members: people of an organisation. Facts name them by id; who they are lies sealed under a key of each, and can be erased."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import msgspec

from exchange.kernel.canonical import canonical
from exchange.kernel.errors import Problem
from exchange.kernel.subjects import SubjectKey, lock, unlock
from exchange.parties.problems import PERSON_INVALID
from exchange.parties.settings import PartiesSettings

_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+\Z")
_EMAIL_MAX = 254


@dataclass(frozen=True, slots=True)
class Person:
    """Personal data: kept apart, erasable, and never in a log or a fact."""

    name: str
    email: str

    def __repr__(self) -> str:
        """Say nothing: a representation ends up in logs."""
        return "Person(...)"

    def fields(self) -> dict[str, str]:
        """What is sealed of a person."""
        return {"email": self.email, "name": self.name}


@dataclass(frozen=True, slots=True)
class Member:
    """A person's place in an organisation; `sealed` says who that is, to whoever has the key, and is None once erased."""

    id: UUID
    organisation_id: UUID
    state: str
    created_at: datetime
    sealed: bytes | None


def person(name: str, email: str, settings: PartiesSettings) -> Person | Problem:
    """Check how a person may be reached.

    errors   answers PERSON_INVALID
    """
    if not 0 < len(name.strip()) <= settings.name_max_chars or not name.isprintable():
        return PERSON_INVALID(field="name")
    if len(email) > _EMAIL_MAX or not email.isprintable() or not _EMAIL.match(email):
        return PERSON_INVALID(field="email")
    return Person(name.strip(), email)


def sealed(who: SubjectKey, person: Person) -> bytes:
    """A person as it is kept: sealed under the member's own key."""
    return lock(who.key, _about(who.subject), canonical(person.fields()))


def opened(member: Member, key: bytes | None) -> Person | None:
    """Who a member is; None once the person or the key is erased.

    errors   Unreadable for another member's key or text
    """
    if member.sealed is None or key is None:
        return None
    fields = msgspec.json.decode(unlock(key, _about(member.id), member.sealed), type=dict[str, str])
    return Person(fields["name"], fields["email"])


def _about(member_id: UUID) -> bytes:
    return f"parties.person {member_id}".encode()
