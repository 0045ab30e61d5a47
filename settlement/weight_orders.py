"""What is asked when somebody has contributions measured: read, checked, and turned into stated inputs. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from exchange.kernel import ids
from exchange.kernel.canonical import canonical
from exchange.kernel.errors import Problem
from exchange.kernel.text import Text
from settlement.knn_shapley import FEATURES_MAX, POINTS_MAX, TESTS_MAX, WORK_MAX
from settlement.problems import WEIGHTS_INVALID
from settlement.shapley import PLAYERS_MAX, BadGame, common_denominator
from settlement.tuples import EARLIEST, HALVED, SHARED, SOURCES_MAX
from settlement.weighing import ACCURACY, COVERAGE, KNN, SHAPLEY, TABLE, TUPLES, UNIQUE, UPLIFT, attribution, exact

K_MAX = 1_000
SIMILARITY = "9/10"
_VALUE = re.compile(r"-?[0-9]{1,30}(?:\.[0-9]{1,18}|/[1-9][0-9]{0,29})?\Z")
_FEATURE = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,15})?\Z")
_SIMILARITY = re.compile(r"[1-9][0-9]{0,5}/[1-9][0-9]{0,5}\Z")
_FEATURE_MAX = 2**53 - 1
_UTILITIES = {TUPLES: (COVERAGE,), SHAPLEY: (COVERAGE, UNIQUE, UPLIFT, TABLE), KNN: (ACCURACY,)}
_RULES = {TUPLES: (EARLIEST, SHARED, HALVED), SHAPLEY: (EARLIEST, SHARED)}
_TWICE = ("one is named twice", "有重复")
_EVIDENCE = (
    "uplift and table need `table`, accuracy needs `examples`, and the others take neither",
    "uplift 与 table 需要 table，accuracy 需要 examples，其余两者皆不接受",
)
_DIGEST = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_ORG, _REV = "org_01m80jwmabesg81hwe4cc73nw9", "rev_01m80jwmabesg81hwe4cc73nw9"
_Sha256 = Annotated[str, Meta(pattern="^[0-9a-f]{64}$", examples=[_DIGEST])]
_Label = Annotated[str, Meta(max_length=100, examples=["poem"])]
_Features = Annotated[list[int | str], Meta(min_length=1, max_length=4_096, examples=[[12, "0.25", -3]])]


class CoalitionWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What some of the organisations are worth together; `of` counts them from 0 in the order of `organisations`."""

    of: Annotated[list[int], Meta(min_length=1, max_length=PLAYERS_MAX, examples=[[0, 2]])]
    value: Annotated[str, Meta(max_length=64, description="Exact: a fraction or a decimal.", examples=["17/30"])]


class TableWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A stated game: one row for every coalition but the empty one, which is worth 0."""

    organisations: Annotated[list[str], Meta(min_length=1, max_length=PLAYERS_MAX, examples=[[_ORG]])]
    rows: Annotated[list[CoalitionWish], Meta(min_length=1, max_length=(1 << PLAYERS_MAX) - 1)]
    evidence_sha256: Annotated[_Sha256, Meta(description="Of the report of who measured it. 测量报告的摘要。")]
    attribution: Annotated[
        _Sha256 | None,
        Meta(
            description="`attribution` of a record measurement of the same revisions, if copies were left out of each part."
        ),
    ] = None


class PointWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A labelled example out of a revision, as whole numbers or decimal texts."""

    revision: Annotated[str, Meta(max_length=40, examples=[_REV])]
    label: _Label
    features: _Features


class HeldOutWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A labelled example that nobody contributed."""

    label: _Label
    features: _Features


class ExamplesWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Quality evidence: examples out of the revisions, and held-out examples to classify by their nearest neighbours."""

    k: Annotated[int, Meta(ge=1, le=K_MAX, examples=[5])]
    train: Annotated[list[PointWish], Meta(min_length=1, max_length=POINTS_MAX)]
    tests: Annotated[list[HeldOutWish], Meta(min_length=1, max_length=TESTS_MAX)]


class WeightWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose contributions are measured, in which revisions, and how."""

    subject: Annotated[
        str,
        Meta(
            pattern="^[a-z0-9][a-z0-9._-]{0,63}$",
            description="Your name for the product; its vectors are numbered.",
            examples=["joint-corpus"],
        ),
    ]
    revisions: Annotated[list[str], Meta(min_length=1, max_length=SOURCES_MAX, examples=[[_REV]])]
    method: Annotated[Literal["tuples", "shapley", "knn_shapley"], Meta(examples=["tuples"])] = "tuples"
    utility: Annotated[
        Literal["coverage", "unique", "uplift", "table", "accuracy"] | None,
        Meta(description="Coverage if not given, accuracy with knn_shapley.", examples=["coverage"]),
    ] = None
    duplicates: Annotated[
        Literal["earliest", "shared", "halved"] | None,
        Meta(
            description="Who gets the value of a record that several hold: earliest if not given.",
            examples=["earliest"],
        ),
    ] = None
    similarity: Annotated[
        Annotated[str, Meta(max_length=16)] | None,
        Meta(
            description="From this part of copied records on, a revision counts as a copy; 9/10 if not given, 1/1 for whole copies.",
            examples=["9/10"],
        ),
    ] = None
    same_owner: Annotated[
        list[list[str]],
        Meta(max_length=31, description="Organisations that one owner stands behind; only the operator says so."),
    ] = []  # msgspec copies an empty list
    table: TableWish | None = None
    examples: ExamplesWish | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """A sealed revision that takes part; `owner_id` is its organisation or whom the operator joined it with."""

    organisation_id: UUID
    owner_id: UUID
    revision_id: UUID
    revision_sha256: bytes
    sealed_at: datetime
    certified: bool


@dataclass(frozen=True, slots=True)
class RecordSet:
    """The different records of a revision: how many, and the SHA-256 of their sorted digests."""

    records: int
    sha256: bytes


def read_order(wish: WeightWish) -> dict[str, Any] | Problem:
    """The order's document: everything that is asked, with what was left out filled in; ids as they were written.

    errors   answers weights-invalid
    """
    utility = wish.utility or (ACCURACY if wish.method == KNN else COVERAGE)
    if utility not in _UTILITIES[wish.method]:
        allowed = ", ".join(_UTILITIES[wish.method])
        return _bad("utility", f"with {wish.method} it is one of {allowed}", f"{wish.method} 方法可用：{allowed}")
    of_records = utility in {COVERAGE, UNIQUE}
    if (wish.table is None) != (utility not in {UPLIFT, TABLE}) or (wish.examples is None) != (utility != ACCURACY):
        return _bad("utility", *_EVIDENCE)
    if not of_records and (wish.duplicates or wish.similarity):
        return _bad(
            "duplicates",
            "it and similarity are for coverage and unique only",
            "仅适用于 coverage 与 unique（similarity 亦然）",
        )
    duplicates = (wish.duplicates or EARLIEST) if of_records else None
    if duplicates is not None and duplicates not in _RULES[wish.method]:
        allowed = ", ".join(_RULES[wish.method])
        return _bad("duplicates", f"with {wish.method} it is one of {allowed}", f"{wish.method} 方法可用：{allowed}")
    if wish.similarity is not None and duplicates != EARLIEST:
        return _bad("similarity", "it is for the rule earliest only", "仅适用于 earliest 规则")
    similarity = (wish.similarity or SIMILARITY) if duplicates == EARLIEST else None
    if similarity is not None and not (_SIMILARITY.match(similarity) and 0 < Fraction(similarity) <= 1):
        return _bad(
            "similarity", "it is a fraction above 0 and up to 1, such as 9/10", "应为大于 0、不超过 1 的分数，例如 9/10"
        )
    if len(set(wish.revisions)) != len(wish.revisions):
        return _bad("revisions", *_TWICE)
    document: dict[str, Any] = {
        "type": "weight-order",
        "v": 1,
        "subject": wish.subject,
        "method": wish.method,
        "utility": utility,
        "parameters": {
            "duplicates": duplicates,
            "similarity": similarity,
            "k": None if wish.examples is None else wish.examples.k,
        },
        "revisions": list(wish.revisions),
        "same_owner": [list(group) for group in wish.same_owner],
    }
    found = _table(wish.table) if wish.table else _examples(wish) if wish.examples else {}
    return found if isinstance(found, Problem) else document | found


def in_order(sources: Iterable[Source]) -> list[Source]:
    """Sources by when the exchange sealed them: who had its records first comes first."""
    return sorted(sources, key=lambda one: (one.sealed_at, one.revision_id.int))


def refuse_sources(order: Mapping[str, Any], sources: Sequence[Source]) -> Problem | None:
    """Say why these sources cannot be measured as ordered, or None.

    errors   answers weights-invalid
    """
    owners = {one.owner_id for one in sources}
    if order["method"] == SHAPLEY and len(owners) > PLAYERS_MAX:
        return _bad(
            "revisions",
            f"exact Shapley values are for up to {PLAYERS_MAX} owners; tuples takes more",
            f"精确 Shapley 值最多支持 {PLAYERS_MAX} 个权益方；更多时请用 tuples",
        )
    if order["method"] == SHAPLEY and order["utility"] in {UPLIFT, TABLE}:
        if set(order["organisations"]) != {ids.text("org", one.organisation_id) for one in sources}:
            return _bad(
                "table/organisations", "they are not the organisations of the revisions", "与各版本所属机构不一致"
            )
        named = order["table"]["attribution"]
        if named is not None and named != attribution([source_document(one, None) for one in sources]):
            return _bad("table/attribution", "the values were measured on other revisions", "测量所用的版本与此不符")
    return None


def inputs_of(
    order: Mapping[str, Any],
    sources: Sequence[Source],
    sets: Mapping[UUID, RecordSet],
    patterns: Mapping[int, int],
) -> bytes:
    """Everything from which the weights follow, as canonical bytes.

    shapes   sources in order; patterns: set of sources -> records that exactly these hold
    """
    place = {ids.text("rev", one.revision_id): at for at, one in enumerate(sources)}
    document: dict[str, Any] = {
        "type": "weight-inputs",
        "v": 1,
        "method": order["method"],
        "utility": order["utility"],
        "parameters": order["parameters"],
        "sources": [source_document(one, sets.get(one.revision_id)) for one in sources],
        "patterns": [[f"{mask:x}", count] for mask, count in sorted(patterns.items())],
    }
    document |= {name: order[name] for name in ("table", "organisations") if name in order}
    if "examples" in order:
        train = [[place[revision], *rest] for revision, *rest in order["examples"]["train"]]
        document["examples"] = {**order["examples"], "train": sorted(train, key=lambda point: int(point[0]))}
    return canonical(document)


def source_document(one: Source, found: RecordSet | None) -> dict[str, Any]:
    """A source as the inputs state it."""
    return {
        "organisation": ids.text("org", one.organisation_id),
        "owner": ids.text("org", one.owner_id),
        "revision": ids.text("rev", one.revision_id),
        "revision_sha256": one.revision_sha256.hex(),
        "since": one.sealed_at.isoformat().replace("+00:00", "Z"),
        "certified": one.certified,
        "records": found.records if found else None,
        "records_sha256": found.sha256.hex() if found else None,
    }


def _table(table: TableWish) -> dict[str, Any] | Problem:
    n = len(table.organisations)
    if len(set(table.organisations)) != n:
        return _bad("table/organisations", *_TWICE)
    values: list[Fraction | None] = [Fraction(0), *([None] * ((1 << n) - 1))]
    for at, row in enumerate(table.rows):
        if len(set(row.of)) != len(row.of) or not all(0 <= one < n for one in row.of):
            return _bad(
                f"table/rows/{at}/of",
                f"it names each organisation once, by numbers from 0 to {n - 1}",
                f"每个机构只能出现一次，编号为 0 至 {n - 1}",
            )
        coalition = sum(1 << one for one in row.of)
        if not _VALUE.match(row.value):
            return _bad(f"table/rows/{at}/value", "it is a number such as 0.25 or 17/30", "应为 0.25 或 17/30 形式的数")
        if values[coalition] is not None:
            return _bad(f"table/rows/{at}/of", "this coalition stands there twice", "该组合重复出现")
        values[coalition] = Fraction(row.value)
    stated = [value for value in values if value is not None]
    if len(stated) != len(values):
        missing = values.index(None)
        names = [one for one in range(n) if missing >> one & 1]
        return _bad("table/rows", f"the coalition {names} is missing", f"缺少组合 {names}")
    try:
        common_denominator(stated)
    except BadGame as error:
        return _bad("table/rows", str(error), "各值的公分母过大")
    values_written = [str(value) for value in stated]
    return {
        "organisations": list(table.organisations),
        "table": {
            "values": values_written,
            "attribution": table.attribution,
            "evidence_sha256": table.evidence_sha256,
        },
    }


def _examples(wish: WeightWish) -> dict[str, Any] | Problem:
    assert wish.examples is not None
    train, tests = wish.examples.train, wish.examples.tests
    vectors = [*(point.features for point in train), *(point.features for point in tests)]
    width = len(vectors[0])
    if any(len(features) != width for features in vectors):
        return _bad("examples", "all examples have as many features", "所有样例的特征数应相同")
    if len(train) * len(tests) * (width + len(wish.revisions)) > WORK_MAX:
        return _bad(
            "examples",
            f"train x tests x (features + revisions) is at most {WORK_MAX}; take a sample",
            f"训练样例数 × 测试样例数 ×（特征数 + 版本数）不得超过 {WORK_MAX}，请抽样",
        )
    if len(vectors) * width > FEATURES_MAX:
        return _bad(
            "examples",
            f"all examples together have at most {FEATURES_MAX} features; take a sample",
            f"全部样例的特征总数不得超过 {FEATURES_MAX}，请抽样",
        )
    if not {point.revision for point in train} <= set(wish.revisions):
        return _bad("examples/train", "an example names a revision that takes no part", "样例所属版本不在参与之列")
    texts = [str(value) for features in vectors for value in features]
    if not all(map(_FEATURE.match, texts)):
        return _bad(
            "examples",
            "a feature is a whole number or a decimal text with up to 15 digits on each side",
            "特征应为整数或十进制文本，小数点前后各不超过 15 位",
        )
    decimals = max((len(text.partition(".")[2]) for text in texts), default=0)

    def whole(features: Sequence[int | str]) -> list[int]:
        return [int(Decimal(value).scaleb(decimals)) for value in features]

    found = {
        "decimals": decimals,
        "train": [[point.revision, point.label, whole(point.features)] for point in train],
        "tests": [[point.label, whole(point.features)] for point in tests],
    }
    if any(abs(value) > _FEATURE_MAX for *_, features in (*found["train"], *found["tests"]) for value in features):  # type: ignore[misc]
        return _bad(
            "examples",
            "a feature has more digits than fit with those of the others; round them",
            "某个特征的位数过多，无法与其他特征统一，请舍入",
        )
    return {"examples": found}


def _bad(field: str, en: str, zh: str) -> Problem:
    return WEIGHTS_INVALID(field=field, reason=Text(en, zh))


def similarity_of(order: Mapping[str, Any]) -> Fraction | None:
    """The part of copied records from which on a revision counts as a copy; None for never."""
    said = order["parameters"]["similarity"]
    return None if said is None else exact(said)
