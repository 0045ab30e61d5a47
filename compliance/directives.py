"""Directives: what a regulator orders about one object. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from compliance.problems import DIRECTIVE_INVALID, NOT_A_REGULATOR
from exchange.kernel.actor import Actor
from exchange.kernel.errors import Problem
from exchange.kernel.text import LANGUAGES

Kind = Literal["freeze", "delist", "preserve", "disclose"]
# freeze: no sale and no access; delist: no new sale; preserve: nothing is erased; disclose: hand over what is known.
KINDS: tuple[Kind, ...] = ("freeze", "delist", "preserve", "disclose")
# What a directive may be about, with the prefix of its ids.
TARGETS: Mapping[str, str] = {
    "organisation": "org",
    "dataset": "ds",
    "revision": "rev",
    "listing": "lst",
    "offer": "ofr",
    "agreement": "agr",
    "grant": "grt",
    "order": "ord",
}
REGULATOR = "regulator"
_REASON_MAX = 4_000


@dataclass(frozen=True, slots=True)
class Directive:
    """One order; it stands until it is lifted, and stays on record after."""

    id: UUID
    kind: Kind
    target_kind: str
    target_id: UUID
    issued_by: UUID
    reason: Mapping[str, str]
    state: Literal["active", "lifted"]
    issued_at: datetime
    lifted_by: UUID | None = None
    lifted_at: datetime | None = None


def may_issue(actor: Actor, kind: str, target_kind: str, reason: Mapping[str, str]) -> Problem | None:
    """Why this directive cannot be issued, or None.

    errors   answers NOT_A_REGULATOR, DIRECTIVE_INVALID
    """
    if REGULATOR not in actor.roles:
        return NOT_A_REGULATOR()
    if kind not in KINDS:
        return DIRECTIVE_INVALID(needs=", ".join(KINDS))
    if target_kind not in TARGETS:
        return DIRECTIVE_INVALID(needs=", ".join(TARGETS))
    words = [reason.get(language, "") for language in LANGUAGES]
    if (
        not any(one.strip() for one in words)
        or set(reason) - set(LANGUAGES)
        or any(len(one) > _REASON_MAX for one in words)
    ):
        return DIRECTIVE_INVALID(needs=f"a reason in en or zh of at most {_REASON_MAX} characters")
    return None
