"""A supplier's library of price plans, as immutable versions. What a plan means belongs to pricing; here it is kept."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from exchange.catalog.problems import PLAN_INVALID, PLAN_RETIRED, PLAN_UNCHANGED, PLANS_TOO_MANY
from exchange.catalog.settings import CatalogSettings
from exchange.kernel import ids
from exchange.kernel.canonical import NotCanonical, canonical, sha256
from exchange.kernel.errors import Problem
from exchange.kernel.text import LocaleMap, Text

_CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,39}\Z")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{1,8})*\Z")
_LANGUAGES_MAX = 16


class PlanStanding(StrEnum):
    """Whether a version of a plan may be used in new offers. Superseded ones may, by their id."""

    CURRENT = "current"
    SUPERSEDED = "superseded"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class StoredPlan:
    """One version of a plan. `code` names the plan in its supplier's library; `document` is canonical JSON."""

    id: UUID
    supplier_id: UUID
    code: str
    version: int
    title: LocaleMap
    document: bytes
    sha256: bytes
    created_at: datetime


@dataclass(frozen=True, slots=True)
class PlanVersion:
    """A version of a plan and how it stands."""

    plan: StoredPlan
    standing: PlanStanding


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """What a supplier hands in: the plan's name in the library, its title, and the document."""

    code: str
    title: LocaleMap
    document: Mapping[str, Any]


def version(
    request: PlanRequest,
    supplier_id: UUID,
    latest: PlanVersion | None,
    *,
    plans: int,
    new_id: UUID,
    now: datetime,
    settings: CatalogSettings,
) -> StoredPlan | Problem:
    """Make the next version of a plan; `latest` is its newest one, `plans` how many other plans there are.

    The same document and title again are refused, so that a repeated request makes no second version; a plan that was
    retired comes back by being stored again.
    """
    if problem := _refuse_words(request, settings):
        return problem
    try:
        body = canonical(dict(request.document))
    except NotCanonical:
        return _wrong("document", "a number has a point; write it as text", "含有小数，请以文本书写")
    if len(body) > settings.offer_document_max_bytes:
        limit = settings.offer_document_max_bytes
        return _wrong("document", f"it is larger than {limit} bytes", f"超过 {limit} 字节")
    if latest is None and plans >= settings.plans_max:
        return PLANS_TOO_MANY(limit=settings.plans_max)
    if latest is not None and latest.standing is PlanStanding.CURRENT:
        before = latest.plan
        if (before.document, dict(before.title)) == (body, dict(request.title)):
            return PLAN_UNCHANGED(version=before.version, plan=ids.text("pln", before.id))
    number = 1 if latest is None else latest.plan.version + 1
    return StoredPlan(new_id, supplier_id, request.code, number, dict(request.title), body, sha256(body), now)


def usable(found: PlanVersion) -> Problem | None:
    """Why no new offer may use this version, or None."""
    if found.standing is PlanStanding.RETIRED:
        return PLAN_RETIRED(plan=ids.text("pln", found.plan.id))
    return None


def _refuse_words(request: PlanRequest, settings: CatalogSettings) -> Problem | None:
    if not _CODE.match(request.code):
        return _wrong("code", "it has other signs than a-z, 0-9 and '-'", "只能使用 a-z、0-9 和 “-”")
    title = request.title
    if not {"en", "zh"} <= set(title) or len(title) > _LANGUAGES_MAX:
        return _wrong("title", "it needs English (en) and Chinese (zh)", "需要英文（en）和中文（zh）")
    if not all(_LANGUAGE.match(tag) and text.strip() for tag, text in title.items()):
        return _wrong("title", "each language has its tag and a text", "每种语言须有语言标签和文本")
    if any(len(text) > settings.title_max_chars for text in title.values()):
        limit = settings.title_max_chars
        return _wrong("title", f"it is longer than {limit} letters", f"超过 {limit} 个字符")
    return None


def _wrong(field: str, english: str, chinese: str) -> Problem:
    return PLAN_INVALID(field=field, reason=Text(english, chinese))
