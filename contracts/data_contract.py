"""Data contracts: what a supplier promises of each revision, in the words of the Open Data Contract Standard 3.1.0."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from contracts.data_contract_problems import DATA_CONTRACT_FIELD
from exchange.kernel.canonical import canonical, sha256
from exchange.kernel.errors import Problem
from exchange.kernel.money import BadMoney, Money
from exchange.kernel.schemas import Shape, pointer
from exchange.kernel.text import Text

SHAPE = Shape.load("contracts", "odcs.schema.json")
METRICS_OF_A_PROPERTY = frozenset({"nullValues", "missingValues", "duplicateValues", "invalidValues"})
METRICS_OF_A_SCHEMA = frozenset({"rowCount", "duplicateValues"})
OPERATORS = (
    "mustBe",
    "mustNotBe",
    "mustBeGreaterThan",
    "mustBeGreaterOrEqualTo",
    "mustBeLessThan",
    "mustBeLessOrEqualTo",
    "mustBeBetween",
    "mustNotBeBetween",
)
SERVICE_LEVELS = ("frequency", "latency", "retention", "availability")
_PERCENT = re.compile(r"(?:100|[1-9]?[0-9])(?:\.[0-9]{1,6})?\Z")
_NUMBERS = frozenset({*OPERATORS, "priceAmount", "value", "valueExt"})
_DECIMAL = re.compile(r"-?[0-9]+\.[0-9]+\Z")

_ID = re.compile(r"[A-Za-z0-9_-]+\Z")
# Which fields a quality rule needs, and may have besides, by its type.
_NEEDS: dict[str, frozenset[str]] = {
    "library": frozenset({"metric"}),
    "sql": frozenset({"query"}),
    "custom": frozenset({"engine", "implementation"}),
    "text": frozenset(),
}
_MAY: dict[str, frozenset[str]] = {
    "library": frozenset({*OPERATORS, "rule", "arguments"}),
    "sql": frozenset(OPERATORS),
    "custom": frozenset(),
    "text": frozenset(),
}
_SOME_KINDS = frozenset().union(*_NEEDS.values(), *_MAY.values())

_NO_ID = Text("is made of letters, digits, _ and - (ASCII)", "只能由 ASCII 字母、数字、_ 和 - 组成")
_MISSING = Text("is missing, and a rule of this type needs it", "缺失，该类规则必须包含")
_OTHER_KIND = Text("belongs to rules of another type", "属于其他类型的规则")
_NO_METRIC = Text(
    'needs metric, one of rowCount, nullValues, missingValues, duplicateValues, invalidValues; or type "text"',
    '须写明 metric（rowCount、nullValues、missingValues、duplicateValues 或 invalidValues），或将 type 写为 "text"',
)
_NO_OPERATOR = Text(
    "needs exactly one of mustBe, mustNotBe, mustBeGreaterThan, mustBeGreaterOrEqualTo, mustBeLessThan, "
    "mustBeLessOrEqualTo, mustBeBetween, mustNotBeBetween",
    "须且只能包含以下之一：mustBe、mustNotBe、mustBeGreaterThan、mustBeGreaterOrEqualTo、mustBeLessThan、"
    "mustBeLessOrEqualTo、mustBeBetween、mustNotBeBetween",
)
_NOT_HERE = Text("does not fit here; allowed are {names}", "不适用于此处；可用的有 {names}")
_NO_VALUES = Text(
    "needs validValues or pattern in arguments, else nothing is invalid",
    "须在 arguments 中给出 validValues 或 pattern，否则无从判断无效值",
)
_BACKWARDS = Text("must have the smaller number first", "须将较小的数字写在前面")
_BAD_PATTERN = Text("is no regular expression", "不是有效的正则表达式")
_TWICE = Text("is there twice", "重复出现")
_ON_BREACH = Text('must be "stop" or "flag"', '应为 "stop" 或 "flag"')
_CREDIT = Text(
    'must be {"percent": "10"} (0 to 100, of what the current period costs) or {"amount": "5.00", "currency": "CNY"}',
    '应为 {"percent": "10"}（当期费用的 0 至 100 %）或 {"amount": "5.00", "currency": "CNY"}',
)


class OnBreach(StrEnum):
    """What follows when a revision breaks the contract: it is not put on sale, or it is marked."""

    STOP = "stop"
    FLAG = "flag"


@dataclass(frozen=True, slots=True)
class Credit:
    """What the holder of a live subscription gets for a breach: a share of the current period, or a sum."""

    percent: Decimal | None = None
    amount: Money | None = None

    def to_wire(self) -> dict[str, str]:
        """As the contract writes it."""
        return {"percent": str(self.percent)} if self.amount is None else self.amount.to_wire()


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that can be kept or broken.

    shapes   at: JSON pointer into the document; field: the property it speaks of, None for all of the data
             metric: one of the contract's metrics, or logicalType, required, unique, frequency, latency, ...
             bound: (operator, numbers), None where the metric says it all
    """

    at: str
    metric: str
    field: str | None = None
    operator: str | None = None
    numbers: tuple[Decimal, ...] = ()
    percent: bool = False
    said: str = ""
    arguments: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class DataContract:
    """A data contract that was read and makes sense; `document` is canonical JSON."""

    document: bytes
    sha256: bytes
    rules: tuple[Rule, ...]
    on_breach: OnBreach
    credit: Credit | None
    active: bool


def parse(document: object) -> DataContract | list[Problem]:
    """Read a data contract, or say which fields are wrong and what would be right.

    shapes   numbers with a point as text (kernel.written reads them so); a non-empty list of problems
    """
    read = _understood(document)
    if isinstance(read, list) or not isinstance(document, dict):
        return read
    # Only of what is new: an agreement may rest on a document that was taken before.
    return list(_unofficial(document, ())) or read


def _understood(document: object) -> DataContract | list[Problem]:
    wrongs = [DATA_CONTRACT_FIELD(field=one.field, why=one.why) for one in SHAPE.wrongs(document)]
    if wrongs or not isinstance(document, dict):
        return wrongs
    if problems := list(_meaning(document)):
        return problems
    data = canonical(document)
    said = _custom(document)
    return DataContract(
        document=data,
        sha256=sha256(data),
        rules=tuple(_rules(document)),
        on_breach=OnBreach(said.get("onBreach", OnBreach.FLAG)),
        credit=_credit(said["serviceCredit"]) if "serviceCredit" in said else None,
        active=document["status"] == "active",
    )


def load(document: Mapping[str, Any]) -> DataContract:
    """Understand a contract that was checked when it was stored.

    errors   ValueError for one that was not
    """
    read = _understood(dict(document))
    if isinstance(read, DataContract):
        return read
    raise ValueError("; ".join(problem.detail("en") for problem in read))


def official(value: Any, name: str = "") -> Any:
    """The document as the standard's own JSON Schema wants it: numbers with a point are numbers again."""
    if isinstance(value, dict):
        # What a custom property means is the supplier's: it stays as it was written.
        return {key: one if key == "customProperties" else official(one, key) for key, one in value.items()}
    if isinstance(value, list):
        return [official(one, name) for one in value]
    if name in _NUMBERS and isinstance(value, str) and _DECIMAL.match(value):
        return float(value)
    return value


def _meaning(document: Mapping[str, Any]) -> Iterator[Problem]:
    names: set[str] = set()
    for number, table in enumerate(document.get("schema", ())):
        at: tuple[object, ...] = ("schema", number)
        if table["name"] in names:
            yield _wrong((*at, "name"), _TWICE)
        names.add(table["name"])
        yield from _qualities(table, at, METRICS_OF_A_SCHEMA)
        fields: set[str] = set()
        for position, field in enumerate(table.get("properties", ())):
            place = (*at, "properties", position)
            if field["name"] in fields:
                yield _wrong((*place, "name"), _TWICE)
            fields.add(field["name"])
            yield from _qualities(field, place, METRICS_OF_A_PROPERTY)
    seen: set[str] = set()
    for number, entry in enumerate(document.get("customProperties", ())):
        name, value, spot = entry["property"], entry["value"], ("customProperties", number, "value")
        if name in seen and name in ("onBreach", "serviceCredit"):
            yield _wrong(("customProperties", number, "property"), _TWICE)
        seen.add(name)
        if name == "onBreach" and value not in tuple(OnBreach):
            yield _wrong(spot, _ON_BREACH)
        if name == "serviceCredit" and _credit(value) is None:
            yield _wrong(spot, _CREDIT)


def _unofficial(value: Any, at: tuple[object, ...]) -> Iterator[Problem]:
    """Where a document that we understand is none by the standard's own JSON Schema."""
    if isinstance(value, list):
        for number, one in enumerate(value):
            yield from _unofficial(one, (*at, number))
    if not isinstance(value, dict):
        return
    if at and isinstance(name := value.get("id"), str) and not _ID.match(name):
        yield _wrong((*at, "id"), _NO_ID)
    if at[-2:-1] == ("quality",):
        kind = value.get("type", "library")
        yield from (_wrong((*at, name), _MISSING) for name in sorted(_NEEDS[kind] - set(value)))
        # Of the fields that only some kinds have, those that this one has not.
        others = _SOME_KINDS - _NEEDS[kind] - _MAY[kind]
        yield from (_wrong((*at, name), _OTHER_KIND) for name in sorted(others & set(value)))
        if kind == "sql" and len(set(OPERATORS) & set(value)) != 1:
            yield _wrong((*at, "mustBe"), _NO_OPERATOR)
    for name, one in value.items():
        # What these hold is anybody's.
        if name not in ("value", "arguments", "implementation"):
            yield from _unofficial(one, (*at, name))


def _qualities(owner: Mapping[str, Any], at: tuple[object, ...], allowed: frozenset[str]) -> Iterator[Problem]:
    for number, one in enumerate(owner.get("quality", ())):
        place = (*at, "quality", number)
        if one.get("type", "library") != "library":
            continue
        metric = one.get("metric", one.get("rule"))
        if metric is None:
            yield _wrong((*place, "metric"), _NO_METRIC)
            continue
        if metric not in allowed:
            names = ", ".join(sorted(allowed))
            yield _wrong((*place, "metric"), Text(_NOT_HERE.en.format(names=names), _NOT_HERE.zh.format(names=names)))
        bounds = [name for name in OPERATORS if name in one]
        if len(bounds) != 1:
            yield _wrong((*place, "mustBe"), _NO_OPERATOR)
        elif bounds[0].endswith("Between") and Decimal(one[bounds[0]][0]) > Decimal(one[bounds[0]][1]):
            yield _wrong((*place, bounds[0]), _BACKWARDS)
        said = one.get("arguments", {})
        if metric == "invalidValues" and not {"validValues", "pattern"} & set(said):
            yield _wrong((*place, "arguments"), _NO_VALUES)
        if "pattern" in said:
            try:
                re.compile(said["pattern"])
            except (re.error, RecursionError, OverflowError):
                yield _wrong((*place, "arguments", "pattern"), _BAD_PATTERN)


def _rules(document: Mapping[str, Any]) -> Iterator[Rule]:
    for number, table in enumerate(document.get("schema", ())):
        at = ("schema", number)
        yield from _quality_rules(table, at, None)
        for position, field in enumerate(table.get("properties", ())):
            place, name = (*at, "properties", position), field["name"]
            if "logicalType" in field:
                yield Rule(pointer(*place, "logicalType"), "logicalType", name, said=field["logicalType"])
            if field.get("required") or field.get("primaryKey"):
                yield Rule(pointer(*place, "required"), "required", name)
            if field.get("unique") or field.get("primaryKey"):
                yield Rule(pointer(*place, "unique"), "unique", name)
            yield from _quality_rules(field, place, name)
    for number, one in enumerate(document.get("slaProperties", ())):
        said = f"{one['value']} {one.get('unit', '')}".strip()
        yield Rule(pointer("slaProperties", number), one["property"], said=said)


def _quality_rules(owner: Mapping[str, Any], at: tuple[object, ...], field: str | None) -> Iterator[Rule]:
    for number, one in enumerate(owner.get("quality", ())):
        place = pointer(*at, "quality", number)
        if one.get("type", "library") != "library":
            yield Rule(place, one["type"], field, said=one.get("description", ""))
            continue
        operator = next(name for name in OPERATORS if name in one)
        value = one[operator]
        numbers = tuple(Decimal(n) for n in (value if isinstance(value, list) else [value]))
        metric = one.get("metric", one.get("rule"))
        yield Rule(
            place, metric, field, operator, numbers, one.get("unit") == "percent", arguments=one.get("arguments")
        )


def _custom(document: Mapping[str, Any]) -> dict[str, Any]:
    return {entry["property"]: entry["value"] for entry in document.get("customProperties", ())}


def _credit(said: Any) -> Credit | None:
    if not isinstance(said, dict):
        return None
    if set(said) == {"percent"} and _PERCENT.match(str(said["percent"])):
        percent = Decimal(str(said["percent"]))
        return Credit(percent=percent) if percent <= 100 else None
    if set(said) != {"amount", "currency"}:
        return None
    try:
        amount = Money.from_wire({name: str(value) for name, value in said.items()})
    except BadMoney:
        return None
    return Credit(amount=amount) if amount.units > 0 else None


def _wrong(at: tuple[object, ...], why: Text) -> Problem:
    return DATA_CONTRACT_FIELD(field=pointer(*at), why=why)
