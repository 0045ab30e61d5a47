"""What stands of an organisation on invoices and other papers: its legal name and its address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from exchange.kernel.errors import Problem
from exchange.kernel.text import LocaleMap, Text
from exchange.parties.problems import PROFILE_INVALID

LINES_MAX = 3
VERSIONS_MAX = 1_000


@dataclass(frozen=True, slots=True)
class ProfileDraft:
    """A profile as it is sent in. `address` are the lines above the city; `subdivision` is a state or province, or empty."""

    legal_name: LocaleMap
    address: tuple[str, ...]
    city: str
    postcode: str
    subdivision: str
    language: str


@dataclass(frozen=True, slots=True)
class Profile:
    """A version of a profile; a paper names the version that it was written with.

    shapes   tax_ids: official numbers by scheme (uscc, lei, eu_vat), as they stand now
    """

    organisation_id: UUID
    version: int
    legal_name: LocaleMap
    address: tuple[str, ...]
    city: str
    postcode: str
    subdivision: str
    country: str
    language: str
    created_at: datetime
    tax_ids: Mapping[str, str] = field(default_factory=dict)

    @property
    def draft(self) -> ProfileDraft:
        """What was sent in."""
        return ProfileDraft(self.legal_name, self.address, self.city, self.postcode, self.subdivision, self.language)


def refuse_profile(draft: ProfileDraft) -> Problem | None:
    """What is wrong with a profile, if anything.

    errors   answers profile-invalid
    """
    texts: Sequence[tuple[str, str]] = [
        *((f"legal_name.{language}", said) for language, said in draft.legal_name.items()),
        *((f"address[{n}]", line) for n, line in enumerate(draft.address)),
        ("city", draft.city),
    ]
    for name, said in texts:
        if not said.strip():
            return PROFILE_INVALID(field=name, reason=Text("it is empty", "内容为空"))
    for name, said in (*texts, ("postcode", draft.postcode), ("subdivision", draft.subdivision)):
        if said != said.strip() or not said.isprintable():
            return PROFILE_INVALID(
                field=name, reason=Text("it has spaces around it or control characters", "首尾有空格或含控制字符")
            )
    if draft.language not in draft.legal_name:
        return PROFILE_INVALID(
            field="legal_name",
            reason=Text(f"it has no name in {draft.language}, the language of your papers", "缺少票据语言的法定名称"),
        )
    return None
