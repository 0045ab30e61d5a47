"""Erasing a subject: who may ask, what holds it up, and the states in between. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from compliance.problems import HELD as PRESERVED
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.errors import NOT_FOUND, Problem

Kind = Literal["member", "organisation"]
# kept -> asked -> erased, and never back; the database says so too.
State = Literal["kept", "asked", "erased"]
# The log's names of the three steps, in this order; the last comes only after the key is gone from everywhere.
REQUESTED, HELD, COMPLETED, REPLAYED = (
    "erasure.requested",
    "erasure.held",
    "erasure.completed",
    "erasure.replayed",
)
_ASK_FOR_ALL = frozenset({"operator", "regulator"})


@dataclass(frozen=True, slots=True)
class Subject:
    """Somebody of whom something is sealed, and how far its erasure has come."""

    id: UUID
    organisation_id: UUID
    kind: Kind
    state: State
    asked_at: datetime | None = None
    asked_by: UUID | None = None
    erased_at: datetime | None = None

    @property
    def name(self) -> str:
        """The subject's id as people read it."""
        return ids.text("mem" if self.kind == "member" else "org", self.id)


def may_ask(actor: Actor | None, subject: Subject | None, *, of_all: bool) -> Problem | None:
    """Why this actor cannot have the subject erased, or None: the person's organisation may; operator and regulator, `of_all`.
    No actor is the machine's owner, on its command line.

    errors   answers NOT_FOUND, also where it is somebody else's
    """
    # An organisation's numbers are in the public register and in records that the law has kept: people are erased.
    if subject is None or subject.kind != "member":
        return NOT_FOUND()
    if actor is None:
        return None
    if not ((of_all and actor.roles & _ASK_FOR_ALL) or actor.organisation_id == subject.organisation_id):
        return NOT_FOUND()
    return None


def held(subject: Subject, holding: Mapping[UUID, UUID]) -> Problem | None:
    """Why a legal hold defers this erasure, or None; `holding` gives the directive that preserves an object.

    errors   answers held-by-directive, which names the directive
    """
    for target in (subject.id, subject.organisation_id):
        if target in holding:
            return PRESERVED(directive=ids.text("dir", holding[target]))
    return None
