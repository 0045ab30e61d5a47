"""Datasets: what a supplier says about a body of data."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from exchange.catalog.problems import DATASET_INVALID, DATASET_NOT_ACTIVE
from exchange.catalog.settings import CatalogSettings
from exchange.catalog.upstreams import Upstream, check_upstreams
from exchange.kernel.errors import Problem
from exchange.kernel.text import LANGUAGES, LocaleMap, Text

SHARE_MAX = 10_000
BASIS_MAX_CHARS = 1_000
LANGUAGES_MAX = 50

# BCP 47 without extensions and private use: language, then script, region and variants.
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?(-([a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*\Z")
# The form of an SPDX licence expression; whether its names exist is asked of the package that knows licences.
_LICENCE = re.compile(r"[A-Za-z0-9(][A-Za-z0-9.+() -]{0,199}\Z")
_OWN_LICENCE = re.compile(r"LicenseRef-[A-Za-z0-9.-]+\Z")
_NO_LICENCE = Text(
    "it is no SPDX expression such as CC-BY-4.0, and no LicenseRef-... of your own",
    "应为 SPDX 表达式（如 CC-BY-4.0）或自定义的 LicenseRef-...",
)


class Modality(StrEnum):
    """What kind of thing one record is."""

    TEXT = "text"
    TABLE = "table"
    IMAGE = "image"
    AUDIO = "audio"
    VIDEO = "video"
    IMAGE_TEXT = "image_text"


class PersonalData(StrEnum):
    """Whether people can be recognised in the data, as the supplier declares it."""

    NONE = "none"
    PSEUDONYMISED = "pseudonymised"
    CONTAINS = "contains"


class DatasetState(StrEnum):
    """Where a dataset stands."""

    ACTIVE = "active"
    FROZEN = "frozen"
    RETIRED = "retired"


# active -> frozen by a directive and back; retired by the supplier, for good.
MOVES: Mapping[DatasetState, frozenset[DatasetState]] = {
    DatasetState.ACTIVE: frozenset({DatasetState.FROZEN, DatasetState.RETIRED}),
    DatasetState.FROZEN: frozenset({DatasetState.ACTIVE, DatasetState.RETIRED}),
    DatasetState.RETIRED: frozenset(),
}


@dataclass(frozen=True, slots=True)
class DatasetDraft:
    """What a supplier hands in.

    `synthetic_share` counts ten-thousandths of the records. `derived_from` names what it was made of. `legal_basis` says why data about people may be shared, and
    `cross_border_basis` why it may leave its country; both may be left out where no people are in the data.
    """

    title: LocaleMap
    description: LocaleMap
    modality: str
    languages: tuple[str, ...]
    personal_data: str
    licence: str
    provenance: LocaleMap
    synthetic_share: int = 0
    legal_basis: str | None = None
    cross_border_basis: str | None = None
    derived_from: tuple[Upstream, ...] = ()


@dataclass(frozen=True, slots=True)
class Dataset:
    """A registered dataset."""

    id: UUID
    supplier_id: UUID
    title: LocaleMap
    description: LocaleMap
    modality: Modality
    languages: tuple[str, ...]
    personal_data: PersonalData
    licence: str
    provenance: LocaleMap
    synthetic_share: int
    legal_basis: str | None
    cross_border_basis: str | None
    state: DatasetState
    created_at: datetime
    derived_from: tuple[Upstream, ...] = ()


def register(
    draft: DatasetDraft, *, new_id: UUID, supplier_id: UUID, now: datetime, settings: CatalogSettings
) -> Dataset | Problem:
    """Make a dataset of a draft, or say which field is wrong."""
    fields = (
        ("title", _check_text(draft.title, settings.title_max_chars)),
        ("description", _check_text(draft.description, settings.description_max_chars)),
        ("modality", _check_word(draft.modality, Modality)),
        ("languages", _check_languages(draft)),
        ("personal_data", _check_word(draft.personal_data, PersonalData)),
        ("licence", _check_licence(draft.licence)),
        ("provenance", _check_text(draft.provenance, settings.description_max_chars)),
        ("synthetic_share", _check_share(draft.synthetic_share)),
        ("legal_basis", _check_basis(draft.legal_basis)),
        ("cross_border_basis", _check_basis(draft.cross_border_basis)),
    )
    for field, reason in fields:
        if reason is not None:
            return DATASET_INVALID(field=field, reason=reason)
    if problem := check_upstreams(draft.derived_from):
        return problem
    return Dataset(
        id=new_id,
        supplier_id=supplier_id,
        title=dict(draft.title),
        description=dict(draft.description),
        modality=Modality(draft.modality),
        languages=tuple(dict.fromkeys(draft.languages)),
        personal_data=PersonalData(draft.personal_data),
        licence=draft.licence,
        provenance=dict(draft.provenance),
        synthetic_share=draft.synthetic_share,
        legal_basis=draft.legal_basis,
        cross_border_basis=draft.cross_border_basis,
        state=DatasetState.ACTIVE,
        created_at=now,
        derived_from=draft.derived_from,
    )


def described(dataset: Dataset) -> dict[str, object]:
    """What the log's entry of a dataset's registration holds the digest of: its title, licence, source and upstreams."""
    found: dict[str, object] = {
        "title": dict(dataset.title),
        "licence": dataset.licence,
        "provenance": dict(dataset.provenance),
    }
    if dataset.derived_from:
        found["derived_from"] = [one.document() for one in dataset.derived_from]
    return found


def refuse_inactive(dataset: Dataset) -> Problem | None:
    """Refuse work on a dataset that was frozen or retired."""
    if dataset.state is DatasetState.ACTIVE:
        return None
    return DATASET_NOT_ACTIVE(state=dataset.state.value)


def check_both_languages(texts: LocaleMap, max_chars: int) -> Text | None:
    """Say why a locale map cannot be shown to people, or None: it needs exactly English and Chinese text."""
    return _check_text(texts, max_chars)


def _check_text(texts: LocaleMap, max_chars: int) -> Text | None:
    if set(texts) != set(LANGUAGES):
        return Text("it needs the two languages en and zh", "需要同时提供 en 和 zh 两种语言")
    for value in texts.values():
        if not value.strip():
            return Text("it is empty in one language", "其中一种语言为空")
        if len(value) > max_chars:
            return Text(f"it is longer than {max_chars} characters", f"超过 {max_chars} 个字符")
        if any(unicodedata.category(letter) in ("Cc", "Cs") and letter not in "\n\t" for letter in value):
            return Text("it has control characters", "含有控制字符")
    return None


def _check_word(value: str, words: type[StrEnum]) -> Text | None:
    known = ", ".join(word.value for word in words)
    if value in [word.value for word in words]:
        return None
    return Text(f"it is not one of {known}", f"取值应为 {known} 之一")


def _check_languages(draft: DatasetDraft) -> Text | None:
    if len(draft.languages) > LANGUAGES_MAX:
        return Text(f"there are more than {LANGUAGES_MAX} languages", f"语言超过 {LANGUAGES_MAX} 种")
    if not draft.languages and draft.modality in (Modality.TEXT, Modality.IMAGE_TEXT):
        return Text("text needs at least one language", "文本数据至少需要一种语言")
    if not all(_LANGUAGE.match(language) for language in draft.languages):
        return Text("a language is not a BCP 47 tag such as zh-Hans or en", "语言应为 BCP 47 标签，例如 zh-Hans 或 en")
    return None


def is_own_licence(licence: str) -> bool:
    """Whether a licence is the supplier's own, which no list knows."""
    return _OWN_LICENCE.match(licence) is not None


def refuse_licence() -> Problem:
    """Refuse a licence that is well formed but that nobody knows."""
    return DATASET_INVALID(field="licence", reason=_NO_LICENCE)


def _check_licence(licence: str) -> Text | None:
    return None if _LICENCE.match(licence) else _NO_LICENCE


def _check_share(share: int) -> Text | None:
    if 0 <= share <= SHARE_MAX:
        return None
    return Text("it is not between 0 and 10000 ten-thousandths", "应在 0 到 10000（万分比）之间")


def _check_basis(basis: str | None) -> Text | None:
    if basis is None or (basis.strip() and len(basis) <= BASIS_MAX_CHARS and basis.isprintable()):
        return None
    return Text(
        f"it is empty, longer than {BASIS_MAX_CHARS} characters or has control characters",
        f"为空、超过 {BASIS_MAX_CHARS} 个字符或含有控制字符",
    )
