"""Scorecards: what the exchange measured of a revision, as six scores and a grade that anybody can recompute.

The document holds integers only (parts, wholes, basis points), so that it has one canonical form to hash.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from exchange.kernel import ids
from exchange.kernel.canonical import canonical, sha256
from exchange.kernel.records import TOKENISER
from exchange.kernel.text import Text
from exchange.quality import languages, personal, profile
from exchange.quality.profile import Signals

TYPE, VERSION = "scorecard", 1
METHOD = profile.METHOD
# Basis points, so that a share has a form without decimals.
WHOLE = 10_000
_GRADES = ((90, "A"), (80, "B"), (70, "C"), (60, "D"))
_LAST_GRADE = "E"


@dataclass(frozen=True, slots=True)
class Dimension:
    """One score: `part` of `whole` by `share`, mapped to 0..100 between the shares `floor` and `full`.

    units    floor and full in thousandths; weight in parts of the sum of all weights
    """

    name: str
    title: Text
    weight: int
    floor: int
    full: int
    share: Callable[[Signals], tuple[int, int]]
    formula: Text

    def score(self, part: int, whole: int) -> int | None:
        """The score of a share, rounded down; None where nothing could be measured."""
        if whole == 0:
            return None
        reached = (1_000 * part - self.floor * whole) * 100 // ((self.full - self.floor) * whole)
        return max(0, min(100, reached))


@dataclass(frozen=True, slots=True)
class Scorecard:
    """A measured revision: the canonical document, its hash, and what pages show first."""

    document: bytes
    sha256: bytes
    score: int | None
    grade: str | None


def _completeness(s: Signals) -> tuple[int, int]:
    filled = sum(sum(field.types.values()) for field in s.fields)
    cells = s.structured_records * len(s.fields)
    return filled + s.well_formed - s.empty_records, cells + s.well_formed


def _uniqueness(s: Signals) -> tuple[int, int]:
    return s.compared_records - s.duplicate_records, s.compared_records


def _validity(s: Signals) -> tuple[int, int]:
    return s.well_formed, s.records


def _consistency(s: Signals) -> tuple[int, int]:
    usual = filled = 0
    for field in s.fields:
        kinds = dict(field.types)
        if "decimal" in kinds:
            # 18 and 18.5 stand in one column of measurements without any fault.
            kinds["decimal"] += kinds.pop("integer", 0)
        usual += max(kinds.values(), default=0)
        filled += sum(kinds.values())
    return usual, filled


def _language_purity(s: Signals) -> tuple[int, int]:
    families: dict[str, int] = {}
    for tag, (records, _) in s.languages.items():
        name = languages.family(tag)
        families[name] = families.get(name, 0) + records
    known = [count for name, count in families.items() if name != languages.UNKNOWN]
    return max(known, default=0), sum(families.values())


def _privacy(s: Signals) -> tuple[int, int]:
    return s.compared_records - s.personal_records, s.compared_records


DIMENSIONS = (
    Dimension(
        "completeness",
        Text("Completeness", "完整性"),
        15,
        800,
        1000,
        _completeness,
        Text(
            "(cells with a value + records with text) / (all cells + well-formed records); 80 % -> 0, 100 % -> 100",
            "（有值的单元格 + 有文本的记录）/（全部单元格 + 格式正确的记录）；80 % 得 0 分，100 % 得 100 分",
        ),
    ),
    Dimension(
        "uniqueness",
        Text("Uniqueness", "唯一性"),
        20,
        700,
        995,
        _uniqueness,
        Text(
            "different texts (NFC, white space folded) / records with text; 70 % -> 0, 99.5 % -> 100",
            "不同文本数（NFC 规范化并合并空白）/ 有文本的记录数；70 % 得 0 分，99.5 % 得 100 分",
        ),
    ),
    Dimension(
        "validity",
        Text("Validity", "有效性"),
        25,
        950,
        1000,
        _validity,
        Text(
            "well-formed records in good UTF-8 / all records; 95 % -> 0, 100 % -> 100",
            "格式正确且 UTF-8 编码有效的记录数 / 全部记录数；95 % 得 0 分，100 % 得 100 分",
        ),
    ),
    Dimension(
        "consistency",
        Text("Consistency", "一致性"),
        15,
        950,
        1000,
        _consistency,
        Text(
            "cells of their field's usual type (whole numbers among decimals count) / cells with a value; 95 % -> 0, 100 % -> 100",
            "类型与字段常用类型一致的单元格（小数字段中的整数视为一致）/ 有值的单元格；95 % 得 0 分，100 % 得 100 分",
        ),
    ),
    Dimension(
        "language_purity",
        Text("Language purity", "语言纯度"),
        10,
        800,
        990,
        _language_purity,
        Text(
            "records in the main language, all scripts of Chinese counted as one / records with letters; tables are left out; 80 % -> 0, 99 % -> 100",
            "主要语言的记录数（简体与繁体中文合并计算）/ 含文字的记录数；表格不计；80 % 得 0 分，99 % 得 100 分",
        ),
    ),
    Dimension(
        "privacy",
        Text("Privacy", "隐私"),
        15,
        980,
        1000,
        _privacy,
        Text(
            "records without a hint of personal data / records with text; 98 % -> 0, 100 % -> 100",
            "未发现个人信息线索的记录数 / 有文本的记录数；98 % 得 0 分，100 % 得 100 分",
        ),
    ),
)


def basis_points(part: int, whole: int) -> int | None:
    """`part` of `whole` in ten-thousandths, rounded down; None of nothing."""
    return part * WHOLE // whole if whole else None


def grade_of(score: int) -> str:
    """A from 90, B from 80, C from 70, D from 60, else E."""
    return next((grade for least, grade in _GRADES if score >= least), _LAST_GRADE)


def make(revision_id: UUID, revision_sha256: bytes, signals: Signals) -> Scorecard:
    """The scorecard of a revision: the same bytes whenever the same revision is measured by the same method."""
    dimensions: list[dict[str, Any]] = []
    weighted = weights = 0
    for dimension in DIMENSIONS:
        part, whole = dimension.share(signals)
        score = dimension.score(part, whole)
        if score is not None:
            weighted, weights = weighted + dimension.weight * score, weights + dimension.weight
        dimensions.append(_dimension(dimension, part, whole, score))
    overall = weighted // weights if weights else None
    grade = grade_of(overall) if overall is not None else None
    document = canonical(
        {
            "type": TYPE,
            "v": VERSION,
            "method": {
                "profile": METHOD,
                "tokens": TOKENISER,
                "languages": languages.METHOD,
                "personal_data": personal.METHOD,
                # Which characters are letters is Unicode's decision, and it grows with each version.
                "unicode": unicodedata.unidata_version,
            },
            "revision": ids.text("rev", revision_id),
            "revision_sha256": revision_sha256.hex(),
            "scope": "full",
            "signals": _signals(signals),
            "dimensions": dimensions,
            "overall": {"score": overall, "grade": grade, "weight_measured": weights},
        }
    )
    return Scorecard(document, sha256(document), overall, grade)


def _dimension(dimension: Dimension, part: int, whole: int, score: int | None) -> dict[str, Any]:
    return {
        "name": dimension.name,
        "title": dimension.title.map(),
        "part": part,
        "whole": whole,
        "score": score,
        "weight": dimension.weight,
        "formula": dimension.formula.map(),
    }


def _signals(s: Signals) -> dict[str, Any]:
    return {
        "files": dict(s.files),
        "bytes": s.size_bytes,
        "records": s.records,
        "malformed_records": s.malformed_records,
        "encoding_errors": s.encoding_errors,
        "oversized_records": s.oversized_records,
        "empty_records": s.empty_records,
        "characters": s.characters,
        "tokens": s.tokens,
        "duplicate_records": s.duplicate_records,
        "duplicate_basis_points": basis_points(s.duplicate_records, s.compared_records),
        # Tags and field names are values and not keys: canonical keys are ASCII, and a field may be called 标题.
        "languages": [
            {"tag": tag, "records": records, "characters": characters}
            for tag, (records, characters) in s.languages.items()
        ],
        "fields": [
            {
                "name": field.name,
                "types": dict(field.types),
                "null_count": field.null_count,
                "null_basis_points": basis_points(field.null_count, s.structured_records),
            }
            for field in s.fields
        ],
        "fields_left_out": s.fields_left_out,
        "length_characters": dict(s.lengths),
        "personal_data": {"records": s.personal_records, "hints": dict(s.personal_hints)},
    }
