"""Organisations: who they say they are, and how far that has been checked."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from exchange.kernel.errors import CONFLICT, Problem
from exchange.kernel.text import LANGUAGES, LocaleMap, Text
from exchange.parties.identifiers import Identifier, identifier
from exchange.parties.members import Person, person
from exchange.parties.problems import EVIDENCE_MISSING, ORGANISATION_INVALID
from exchange.parties.roles import RESERVED, Role
from exchange.parties.settings import PartiesSettings

_COUNTRY = re.compile(r"[A-Z]{2}\Z")
_ROLES = Text(f"a role is one of {', '.join(Role)}", f"角色须为 {'、'.join(Role)} 之一")
_SOME_ROLE = Text("ask for at least one role, and not for operator", "请至少申请一个角色，且不能申请 operator")
_COUNTRY_FORM = Text("two capital letters as in ISO 3166-1, such as CN", "请使用 ISO 3166-1 的两位大写字母，例如 CN")
_CLASSES = Text(
    "academic, small_company, large_company or public_body, or nothing",
    "可填 academic、small_company、large_company、public_body 之一，或留空",
)
_SOME_NUMBER = Text("give at least one of uscc, lei and eu_vat", "请至少填写 uscc、lei、eu_vat 之一")


class State(StrEnum):
    """How far we know this business."""

    UNVERIFIED = "unverified"
    SUBMITTED = "submitted"
    VERIFIED = "verified"
    REJECTED = "rejected"
    SUSPENDED = "suspended"


class BuyerClass(StrEnum):
    """What kind of buyer this is; suppliers may price by it."""

    ACADEMIC = "academic"
    SMALL_COMPANY = "small_company"
    LARGE_COMPANY = "large_company"
    PUBLIC_BODY = "public_body"


class Party(StrEnum):
    """Who moves a state."""

    ITSELF = "itself"
    OPERATOR = "operator"


# The whole life of an organisation: what is not written here does not happen.
TRANSITIONS: Mapping[tuple[State, State], Party] = {
    (State.UNVERIFIED, State.SUBMITTED): Party.ITSELF,
    (State.REJECTED, State.SUBMITTED): Party.ITSELF,
    (State.SUBMITTED, State.VERIFIED): Party.OPERATOR,
    (State.SUBMITTED, State.REJECTED): Party.OPERATOR,
    (State.VERIFIED, State.SUSPENDED): Party.OPERATOR,
    (State.SUSPENDED, State.VERIFIED): Party.OPERATOR,
    (State.SUSPENDED, State.REJECTED): Party.OPERATOR,
}


@dataclass(frozen=True, slots=True)
class Organisation:
    """One party of the exchange; `buyer_class` is what the operator confirmed, whatever it claimed."""

    id: UUID
    name: LocaleMap
    roles: frozenset[Role]
    country: str
    state: State
    node_id: str
    created_at: datetime
    buyer_class_claimed: BuyerClass | None = None
    buyer_class: BuyerClass | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """What other rooms need to know of a party before they deal with it.

    shapes   `buyer_class` as the operator confirmed it, one of BuyerClass; `tax_registered`: verified, with a tax number
             of its own country; both are empty for whoever is not verified
    """

    state: State
    roles: frozenset[Role]
    country: str
    buyer_class: str | None = None
    tax_registered: bool = False

    @property
    def verified(self) -> bool:
        """Whether it may trade now."""
        return self.state is State.VERIFIED


@dataclass(frozen=True, slots=True)
class Decision:
    """One move of a state: from where to where, by whom, when and why. Never a person's data in the reason.

    shapes   `buyer_class` is what this decision confirmed; only one that verifies confirms any
    """

    id: UUID
    organisation_id: UUID
    from_state: State
    to_state: State
    decided_by: UUID
    client_id: UUID
    reason: str
    created_at: datetime
    buyer_class: BuyerClass | None = None


@dataclass(frozen=True, slots=True)
class Wish:
    """An application to join, already checked."""

    name: LocaleMap
    roles: frozenset[Role]
    country: str
    identifiers: tuple[Identifier, ...]
    contact: Person
    buyer_class: BuyerClass | None = None


def wish(
    *,
    name: Mapping[str, str],
    roles: Sequence[str],
    country: str,
    identifiers: Mapping[str, str],
    contact_name: str,
    contact_email: str,
    settings: PartiesSettings,
    buyer_class: str | None = None,
    reserved: frozenset[Role] = RESERVED,
) -> Wish | Problem:
    """Check an application to join.

    errors   answers ORGANISATION_INVALID, IDENTIFIER_INVALID, PERSON_INVALID
    """
    try:
        known = frozenset(Role(role) for role in roles)
    except ValueError:
        return ORGANISATION_INVALID(field="roles", reason=_ROLES)
    if not known or known & reserved:
        return ORGANISATION_INVALID(field="roles", reason=_SOME_ROLE)
    if buyer_class is not None and buyer_class not in set(BuyerClass):
        return ORGANISATION_INVALID(field="buyer_class", reason=_CLASSES)
    if not _COUNTRY.match(country):
        return ORGANISATION_INVALID(field="country", reason=_COUNTRY_FORM)
    if not name or not set(name) <= set(LANGUAGES) or not all(_is_name(text, settings) for text in name.values()):
        limit = settings.name_max_chars
        reason = Text(
            f"a name in en, zh or both, of 1 to {limit} characters without line breaks",
            f"请以 en、zh 或两者填写名称，1 至 {limit} 个字符，不含换行",
        )
        return ORGANISATION_INVALID(field="name", reason=reason)
    found: list[Identifier] = []
    for scheme, value in sorted(identifiers.items()):
        one = identifier(scheme, value)
        if isinstance(one, Problem):
            return one
        found.append(one)
    if not found:
        return ORGANISATION_INVALID(field="identifiers", reason=_SOME_NUMBER)
    contact = person(contact_name, contact_email, settings)
    if isinstance(contact, Problem):
        return contact
    claimed = BuyerClass(buyer_class) if buyer_class is not None else None
    return Wish(dict(name), known, country, tuple(found), contact, claimed)


def _is_name(text: str, settings: PartiesSettings) -> bool:
    return 0 < len(text.strip()) == len(text) <= settings.name_max_chars and text.isprintable()


def move(old: State, new: State, by: Party, *, evidence_count: int) -> Problem | None:
    """Whether `by` may move a state; None says yes.

    errors   answers CONFLICT, EVIDENCE_MISSING
    """
    if TRANSITIONS.get((old, new)) is not by:
        needs = " | ".join(sorted(frm for (frm, to), who in TRANSITIONS.items() if to is new and who is by))
        return CONFLICT(state=old.value, needs=needs or "another party")
    if new in (State.SUBMITTED, State.VERIFIED) and evidence_count == 0:
        return EVIDENCE_MISSING()
    return None
