"""The operator's record of processing (GDPR, article 30): what it processes about people, why, for whom, how long. Pure.

The document is the operator's own and versioned; whoever writes it names offices and mailboxes, never persons.
"""

from __future__ import annotations

import re
from typing import Annotated

import msgspec
from msgspec import Meta

from compliance.report_problems import PROCESSING_INVALID
from exchange.kernel.canonical import canonical
from exchange.kernel.errors import Problem
from exchange.kernel.text import LANGUAGES, LocaleMap, Text, readable

TEXT_MAX = 2_000
_CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,39}\Z")
_COUNTRY = re.compile(r"[A-Z]{2}\Z")
_Words = Annotated[dict[str, str], Meta(description="In English and Chinese. 中英文。", max_length=2)]


class Office(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who answers, and where an office, not a person, is reached."""

    name: _Words
    contact: Annotated[str, Meta(min_length=3, max_length=200, examples=["privacy@exchange.example"])]


class Transfer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A country that data goes to, and the safeguard (articles 44 to 49)."""

    country: Annotated[str, Meta(min_length=2, max_length=2, examples=["SG"])]
    safeguard: _Words


class Activity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One processing activity, with what article 30(1)(b) to (g) asks for."""

    id: Annotated[str, Meta(min_length=1, max_length=40, examples=["onboarding"])]
    role: Annotated[str, Meta(pattern="^(controller|processor)$", examples=["controller"])]
    purpose: _Words
    subjects: _Words
    data: _Words
    recipients: _Words
    erasure: _Words
    security: _Words
    transfers: Annotated[tuple[Transfer, ...], Meta(max_length=50)] = ()


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole record."""

    controller: Office
    activities: Annotated[tuple[Activity, ...], Meta(min_length=1, max_length=200)]
    joint_controller: Office | None = None
    representative: Office | None = None
    protection_officer: Office | None = None


def document(record: Record) -> bytes | Problem:
    """The canonical bytes of a record, or what is wrong with it.

    errors   answers PROCESSING_INVALID
    """
    offices = {
        "controller": record.controller,
        "joint_controller": record.joint_controller,
        "representative": record.representative,
        "protection_officer": record.protection_officer,
    }
    for field, office in offices.items():
        if office is not None and (not _words(office.name) or not _plain(office.contact)):
            return _wrong(field)
    seen: set[str] = set()
    for activity in record.activities:
        if not _CODE.match(activity.id) or activity.id in seen:
            return _wrong("activities.id")
        seen.add(activity.id)
        for field in ("purpose", "subjects", "data", "recipients", "erasure", "security"):
            if not _words(getattr(activity, field)):
                return _wrong(f"activities.{field}")
        if not all(_COUNTRY.match(one.country) and _words(one.safeguard) for one in activity.transfers):
            return _wrong("activities.transfers")
    return canonical(msgspec.to_builtins(record))


def _wrong(field: str) -> Problem:
    return PROCESSING_INVALID(
        field=field,
        reason=Text(
            f"texts in en and zh, of 1 to {TEXT_MAX} characters; ids of a-z, 0-9 and -, each once; ISO 3166 countries",
            f"文本须同时有 en 与 zh，1 至 {TEXT_MAX} 个字符；id 由 a-z、0-9 和 - 组成且不重复；国家或地区用 ISO 3166 代码",
        ),
    )


def _words(texts: LocaleMap) -> bool:
    return set(texts) == set(LANGUAGES) and all(
        len(one.strip()) > 0 and len(one) <= TEXT_MAX and readable(one) for one in texts.values()
    )


def _plain(text: str) -> bool:
    return bool(text.strip()) and text.isprintable()
