"""Holds a revision against its data contract: each rule is kept, broken, or could not be measured."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from contracts.data_contract import SERVICE_LEVELS, DataContract, OnBreach, Rule
from exchange.kernel.text import Text

METHOD = "data-contract/1"
# What a measured cell may be, by the type that was promised; a list is absent where the profile cannot tell.
_TYPES: Mapping[str, frozenset[str]] = {
    "integer": frozenset({"integer"}),
    "number": frozenset({"integer", "decimal"}),
    "boolean": frozenset({"boolean"}),
    "date": frozenset({"date"}),
    "timestamp": frozenset({"date"}),
    "array": frozenset({"list"}),
    "object": frozenset({"object"}),
}
# In JSON a date is a text like any other, and nothing says how it is to be read.
_UNTYPED = frozenset({"date", "timestamp"})
_UNITS: Mapping[str, timedelta] = {
    "d": timedelta(days=1),
    "day": timedelta(days=1),
    "days": timedelta(days=1),
    "h": timedelta(hours=1),
    "hour": timedelta(hours=1),
    "hours": timedelta(hours=1),
    "w": timedelta(days=7),
    "week": timedelta(days=7),
    "weeks": timedelta(days=7),
    "m": timedelta(days=31),
    "month": timedelta(days=31),
    "months": timedelta(days=31),
    "y": timedelta(days=366),
    "year": timedelta(days=366),
    "years": timedelta(days=366),
}
_WORDS: Mapping[str, timedelta] = {
    "daily": timedelta(days=1),
    "weekly": timedelta(days=7),
    "monthly": timedelta(days=31),
    "quarterly": timedelta(days=92),
    "yearly": timedelta(days=366),
}
_SIGNS: Mapping[str, Text] = {
    "mustBe": Text("must be {0}", "应为 {0}"),
    "mustNotBe": Text("must not be {0}", "不得为 {0}"),
    "mustBeGreaterThan": Text("must be more than {0}", "应大于 {0}"),
    "mustBeGreaterOrEqualTo": Text("must be at least {0}", "不得小于 {0}"),
    "mustBeLessThan": Text("must be less than {0}", "应小于 {0}"),
    "mustBeLessOrEqualTo": Text("must be at most {0}", "不得大于 {0}"),
    "mustBeBetween": Text("must be from {0} to {1}", "应介于 {0} 至 {1} 之间"),
    "mustNotBeBetween": Text("must not be from {0} to {1}", "不得介于 {0} 至 {1} 之间"),
}
_FIELD_MISSING = Text("no record has the field {field}", "没有任何记录含有字段 {field}")


class Outcome(StrEnum):
    """How a revision stands to a rule."""

    KEPT = "kept"
    BROKEN = "broken"
    UNMEASURED = "unmeasured"


@dataclass(frozen=True, slots=True)
class FieldFacts:
    """What was counted of one field: values by their type, and records without a value."""

    types: Mapping[str, int]
    nulls: int


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a revision.

    shapes   fields: by name, None where not every field was counted; since: time since the revision before it, None for
             the first one
             plain: whether cells have types of their own (JSON), so that a text is told from a number
             read: whether its files could be read for records at all
    """

    records: int
    structured: int
    compared: int
    duplicates: int
    fields: Mapping[str, FieldFacts] | None
    plain: bool
    since: timedelta | None
    read: bool = True


@dataclass(frozen=True, slots=True)
class Breach:
    """A rule that does not hold, or that nobody could measure; `why` in both languages."""

    rule: Rule
    outcome: Outcome
    why: Text

    def document(self) -> dict[str, Any]:
        """As it is kept and shown."""
        return {
            "at": self.rule.at,
            "metric": self.rule.metric,
            "field": self.rule.field or "",
            "outcome": self.outcome.value,
            "why": self.why.map(),
        }


def facts_of(scorecard: Mapping[str, Any], made_at: datetime, before: datetime | None) -> Facts:
    """What a scorecard's document says of its revision, which came at `made_at` after another one at `before`."""
    said = scorecard["signals"]
    fields = {one["name"]: FieldFacts(one["types"], one["null_count"]) for one in said["fields"]}
    whole = None if said["fields_left_out"] else fields
    # Every record with fields counts once for each field, with a value or without.
    structured = max((sum(one.types.values()) + one.nulls for one in fields.values()), default=0)
    share = said["duplicate_basis_points"]
    bad = said["malformed_records"] + said["encoding_errors"] + said["oversized_records"] + said["empty_records"]
    return Facts(
        records=said["records"],
        structured=structured,
        compared=0 if share is None else said["records"] - bad,
        duplicates=said["duplicate_records"],
        fields=whole,
        plain=not said["files"].get("csv"),
        since=None if before is None else made_at - before,
        read=said["records"] > 0 or not said["files"].get("opaque"),
    )


def check(contract: DataContract, facts: Facts) -> list[Breach]:
    """The rules that a revision does not keep, and those that were not measured; what is left out is kept."""
    # One revision is measured as one whole: with several tables nobody knows which records are whose.
    whole = len({rule.at.split("/")[2] for rule in contract.rules if rule.at.startswith("/schema/")}) <= 1
    found = []
    for rule in contract.rules:
        answer = _judge(rule, facts) if whole or not rule.at.startswith("/schema/") else _unknown(_SEVERAL)
        if answer[0] is not Outcome.KEPT:
            found.append(Breach(rule, *answer))
    return found


def broken(found: Iterable[Breach]) -> list[Breach]:
    """Only those that were measured and do not hold."""
    return [one for one in found if one.outcome is Outcome.BROKEN]


def stops(contract: DataContract, found: Sequence[Breach]) -> list[Breach]:
    """The broken rules for which the contract says that the revision is not put on sale.

    A revision that comes late is never stopped for it: it would come later still.
    """
    if contract.on_breach is not OnBreach.STOP or not contract.active:
        return []
    return [one for one in broken(found) if one.rule.metric not in SERVICE_LEVELS]


_Answer = tuple[Outcome, Text]
_KEPT: _Answer = (Outcome.KEPT, Text("", ""))
_SEVERAL = Text(
    "the contract has several tables, and a revision is measured as a whole",
    "合同含有多个表，而版本按整体测量",
)
_NOT_COUNTED = Text("this is not counted in a revision", "该项未在版本测量中统计")
_NO_RECORDS = Text("no records of that kind were found", "未发现此类记录")


def _unknown(why: Text) -> _Answer:
    return Outcome.UNMEASURED, why


def _judge(rule: Rule, facts: Facts) -> _Answer:
    if rule.metric in ("logicalType", "required", "nullValues", "missingValues") and rule.field is not None:
        return _field(rule, facts)
    if rule.metric == "frequency":
        return _frequency(rule, facts)
    if rule.operator is None:
        # A service level may be called like a metric.
        return _unknown(_NOT_COUNTED)
    if rule.metric == "rowCount" and not rule.percent and facts.read:
        return _bound(rule, Decimal(facts.records))
    if rule.metric == "duplicateValues" and rule.field is None and not rule.arguments:
        return _share(rule, facts.duplicates, facts.compared)
    return _unknown(_NOT_COUNTED)


def _field(rule: Rule, facts: Facts) -> _Answer:
    if facts.fields is None or not facts.structured or rule.field is None:
        return _unknown(_NO_RECORDS)
    field = facts.fields.get(rule.field)
    if field is None:
        return Outcome.BROKEN, _filled(_FIELD_MISSING, field=rule.field)
    if rule.metric == "logicalType":
        return _type(rule, field, facts)
    if rule.metric == "missingValues" and rule.arguments:
        return _unknown(_NOT_COUNTED)
    if rule.metric == "required":
        if not field.nulls:
            return _KEPT
        why = Text("{n} records have no value for {field}", "{n} 条记录的 {field} 没有值")
        return Outcome.BROKEN, _filled(why, n=field.nulls, field=rule.field)
    return _share(rule, field.nulls, facts.structured)


def _type(rule: Rule, field: FieldFacts, facts: Facts) -> _Answer:
    promised = rule.said
    if promised == "string":
        # In a table every cell is a text, whatever it looks like.
        wrong = {kind: n for kind, n in field.types.items() if kind != "text" and facts.plain}
    elif promised not in _TYPES or (facts.plain and promised in _UNTYPED):
        return _unknown(_NOT_COUNTED)
    else:
        wrong = {kind: n for kind, n in field.types.items() if kind not in _TYPES[promised]}
    if not sum(wrong.values()):
        return _KEPT
    why = Text("{n} values of {field} are no {type}", "{field} 中有 {n} 个值不是 {type}")
    return Outcome.BROKEN, _filled(why, n=sum(wrong.values()), field=rule.field, type=promised)


def _frequency(rule: Rule, facts: Facts) -> _Answer:
    most = _stretch(rule.said)
    if most is None or facts.since is None:
        return _unknown(_NOT_COUNTED if most is None else Text("it is the first revision", "这是首个版本"))
    if facts.since <= most:
        return _KEPT
    days = facts.since // timedelta(days=1)
    why = Text("the revision before is {n} days old; promised is {said}", "距上一版本已有 {n} 天；约定为 {said}")
    return Outcome.BROKEN, _filled(why, n=days, said=rule.said)


def _stretch(said: str) -> timedelta | None:
    """How long `30 days` or `monthly` is at the most; None where it says nothing that is known."""
    number, _, unit = said.lower().partition(" ")
    if not unit:
        return _WORDS.get(number)
    try:
        return _UNITS[unit] * float(number)
    except (KeyError, ValueError, OverflowError):
        return None


def _share(rule: Rule, part: int, whole: int) -> _Answer:
    """Hold a number of records, or their share in per cent, against the rule."""
    if not rule.percent:
        return _bound(rule, Decimal(part))
    return _bound(rule, Decimal(part) * 100 / whole, " %") if whole else _unknown(_NO_RECORDS)


def _bound(rule: Rule, value: Decimal, unit: str = "") -> _Answer:
    first, last = rule.numbers[0], rule.numbers[-1]
    assert rule.operator is not None
    holds = {
        "mustBe": value == first,
        "mustNotBe": value != first,
        "mustBeGreaterThan": value > first,
        "mustBeGreaterOrEqualTo": value >= first,
        "mustBeLessThan": value < first,
        "mustBeLessOrEqualTo": value <= first,
        "mustBeBetween": first <= value <= last,
        "mustNotBeBetween": not first <= value <= last,
    }[rule.operator]
    if holds:
        return _KEPT
    sign, numbers = _SIGNS[rule.operator], [f"{one.normalize():f}{unit}" for one in rule.numbers]
    shown, of = f"{round(value, 4).normalize():f}{unit}", f" of {rule.field}" if rule.field else ""
    of_zh = f"{rule.field} 的" if rule.field else ""
    return Outcome.BROKEN, Text(
        f"{rule.metric}{of} is {shown}, {sign.en.format(*numbers)}",
        f"{of_zh} {rule.metric} 为 {shown}，{sign.zh.format(*numbers)}".strip(),
    )


def _filled(text: Text, **values: object) -> Text:
    return Text(text.en.format(**values), text.zh.format(**values))
