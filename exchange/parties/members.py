"""Members: people of an organisation. Facts name them by id; who they are can be erased."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from exchange.kernel.errors import Problem
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


@dataclass(frozen=True, slots=True)
class Member:
    """A person's place in an organisation; `person` is None once erased."""

    id: UUID
    organisation_id: UUID
    state: str
    created_at: datetime
    person: Person | None


def person(name: str, email: str, settings: PartiesSettings) -> Person | Problem:
    """Check how a person may be reached.

    errors   answers PERSON_INVALID
    """
    if not 0 < len(name.strip()) <= settings.name_max_chars or not name.isprintable():
        return PERSON_INVALID(field="name")
    if len(email) > _EMAIL_MAX or not email.isprintable() or not _EMAIL.match(email):
        return PERSON_INVALID(field="email")
    return Person(name.strip(), email)
