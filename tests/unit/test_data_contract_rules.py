"""Data contracts: what is read, what is refused with what would be right, and what a revision keeps or breaks."""

from __future__ import annotations

import json
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from contracts import data_contract
from contracts.data_contract import DataContract, OnBreach
from contracts.data_contract_check import Facts, FieldFacts, Outcome, broken, check, facts_of, stops
from exchange.kernel import written
from exchange.kernel.money import Money
from exchange.kernel.written import Written

BASE: dict[str, Any] = {
    "apiVersion": "v3.1.0",
    "kind": "DataContract",
    "id": "poems",
    "version": "1.0.0",
    "status": "active",
    "schema": [{"name": "poems", "properties": [{"name": "text"}]}],
}
FACTS = Facts(
    records=100,
    structured=100,
    compared=98,
    duplicates=4,
    fields={
        "text": FieldFacts({"text": 99}, 1),
        "year": FieldFacts({"integer": 90, "text": 10}, 0),
        "score": FieldFacts({"integer": 20, "decimal": 80}, 0),
        "born": FieldFacts({"date": 100}, 0),
    },
    plain=True,
    since=timedelta(days=40),
)


def with_quality(rule: dict[str, Any], field: str | None = None, **changes: Any) -> dict[str, Any]:
    document = deepcopy(BASE) | changes
    table = document["schema"][0]
    if field is None:
        table["quality"] = [rule]
    else:
        table["properties"] = [{"name": field, "quality": [rule]}]
    return document


def read(document: dict[str, Any]) -> DataContract:
    found = data_contract.parse(document)
    assert isinstance(found, DataContract), [one.detail("en") for one in found]
    return found


def wrong(document: Any) -> dict[str, tuple[str, str]]:
    found = data_contract.parse(document)
    assert isinstance(found, list)
    return {str(one.fields["field"]): (one.detail("en"), one.detail("zh")) for one in found}


def outcome(document: dict[str, Any], facts: Facts = FACTS) -> Outcome:
    found = check(read(document), facts)
    return found[0].outcome if found else Outcome.KEPT


@pytest.mark.parametrize("name", ["version", "apiVersion", "kind", "id", "status"])
def test_the_required_fields_of_the_standard_are_asked_for(name: str) -> None:
    document = {key: value for key, value in BASE.items() if key != name}
    en, zh = wrong(document)[f"/{name}"]
    assert "is missing" in en
    assert "缺失" in zh


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"apiVersion": "3.1.0"}, "/apiVersion", 'did you mean "v3.1.0"?'),
        ({"kind": "datacontract"}, "/kind", "DataContract"),
        ({"status": "live"}, "/status", "active"),
        ({"schem": []}, "/schem", "did you mean schema?"),
        ({"schema": [{"name": "a"}, {"name": "a"}]}, "/schema/1/name", "twice"),
        ({"schema": [{"properties": []}]}, "/schema/0/name", "is missing"),
        ({"price": {"priceCurrency": "yuan"}}, "/price/priceCurrency", "ISO 4217"),
        ({"slaProperties": [{"property": "frequency"}]}, "/slaProperties/0/value", "is missing"),
        ({"customProperties": [{"property": "onBreach", "value": "halt"}]}, "/customProperties/0/value", '"stop"'),
        (
            {"customProperties": [{"property": "serviceCredit", "value": {"percent": "101"}}]},
            "/customProperties/0/value",
            "0 to 100",
        ),
        (
            {"customProperties": [{"property": "serviceCredit", "value": {"amount": "-1", "currency": "CNY"}}]},
            "/customProperties/0/value",
            '"currency": "CNY"',
        ),
        (
            {"customProperties": [{"property": "onBreach", "value": "stop"}] * 2},
            "/customProperties/1/property",
            "twice",
        ),
    ],
)
def test_a_wrong_field_of_a_contract_is_named_with_what_would_be_right(
    changes: dict[str, Any], field: str, says: str
) -> None:
    found = wrong({**BASE, **changes})
    assert says in found[field][0]
    assert any("\u4e00" <= sign <= "\u9fff" for sign in found[field][1])


@pytest.mark.parametrize(
    ("rule", "field", "at", "says"),
    [
        ({"mustBe": 1}, None, "metric", "needs metric"),
        ({"metric": "rowCount"}, None, "mustBe", "exactly one of"),
        ({"metric": "rowCount", "mustBe": 1, "mustBeLessThan": 2}, None, "mustBe", "exactly one of"),
        ({"metric": "rowCount", "mustBe": 1}, "text", "metric", "nullValues"),
        ({"metric": "nullValues", "mustBe": 0}, None, "metric", "rowCount"),
        ({"metric": "invalidValues", "mustBe": 0}, "text", "arguments", "validValues or pattern"),
        (
            {"metric": "invalidValues", "mustBe": 0, "arguments": {"pattern": "("}},
            "text",
            "arguments/pattern",
            "regular",
        ),
        ({"metric": "rowCount", "mustBeBetween": [5, 1]}, None, "mustBeBetween", "smaller number first"),
    ],
)
def test_a_quality_rule_that_says_nothing_is_refused(
    rule: dict[str, Any], field: str | None, at: str, says: str
) -> None:
    place = "/schema/0/quality/0/" if field is None else "/schema/0/properties/0/quality/0/"
    assert says in wrong(with_quality(rule, field))[place + at][0]


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        ({"metric": "rowCount", "mustBe": 1, "id": "a b"}, "id"),
        ({"rule": "rowCount", "mustBe": 1}, "metric"),
        ({"metric": "rowCount", "mustBe": 1, "query": "select 1"}, "query"),
        ({"type": "sql", "mustBe": 1}, "query"),
        ({"type": "sql", "query": "select 1"}, "mustBe"),
        ({"type": "sql", "query": "select 1", "mustBe": 1, "engine": "x"}, "engine"),
        ({"type": "custom", "engine": "x"}, "implementation"),
        ({"type": "text", "description": "clean", "mustBe": 1}, "mustBe"),
    ],
)
def test_a_rule_that_the_standards_own_schema_refuses_is_refused_when_it_is_new(
    rule: dict[str, Any], field: str
) -> None:
    document = deepcopy(BASE)
    document["schema"] = [{"name": "t", "quality": [rule]}]
    found = data_contract.parse(document)
    assert isinstance(found, list)
    assert [one.fields["field"] for one in found] == [f"/schema/0/quality/0/{field}"]
    # One that was taken before goes on to be understood.
    assert data_contract.load(document).document


def test_no_document_at_all_is_refused_and_not_crashed_on() -> None:
    documents: tuple[Any, ...] = (None, [], "x", 1)
    for document in documents:
        assert wrong(document)


@pytest.mark.parametrize(
    ("operator", "numbers", "holds"),
    [
        ("mustBe", 100, True),
        ("mustBe", 99, False),
        ("mustNotBe", 99, True),
        ("mustNotBe", 100, False),
        ("mustBeGreaterThan", 100, False),
        ("mustBeGreaterThan", "99.5", True),
        ("mustBeGreaterOrEqualTo", 100, True),
        ("mustBeGreaterOrEqualTo", 101, False),
        ("mustBeLessThan", 100, False),
        ("mustBeLessThan", 101, True),
        ("mustBeLessOrEqualTo", 100, True),
        ("mustBeLessOrEqualTo", 99, False),
        ("mustBeBetween", [100, 200], True),
        ("mustBeBetween", [101, 200], False),
        ("mustNotBeBetween", [101, 200], True),
        ("mustNotBeBetween", [1, 100], False),
    ],
)
def test_each_operator_at_its_boundary(operator: str, numbers: Any, holds: bool) -> None:
    found = outcome(with_quality({"metric": "rowCount", operator: numbers}))
    assert found is (Outcome.KEPT if holds else Outcome.BROKEN)


@pytest.mark.parametrize(
    ("rule", "field", "expected"),
    [
        ({"metric": "nullValues", "mustBe": 1}, "text", Outcome.KEPT),
        ({"metric": "nullValues", "mustBe": 0}, "text", Outcome.BROKEN),
        ({"metric": "nullValues", "unit": "percent", "mustBeLessOrEqualTo": 1}, "text", Outcome.KEPT),
        ({"metric": "missingValues", "unit": "percent", "mustBeLessThan": 1}, "text", Outcome.BROKEN),
        ({"metric": "nullValues", "mustBe": 0}, "unknown", Outcome.BROKEN),
        ({"metric": "missingValues", "mustBe": 0, "arguments": {"missingValues": ["?"]}}, "text", Outcome.UNMEASURED),
        ({"metric": "invalidValues", "mustBe": 0, "arguments": {"pattern": "a"}}, "text", Outcome.UNMEASURED),
        ({"metric": "duplicateValues", "mustBe": 0}, "text", Outcome.UNMEASURED),
        ({"metric": "duplicateValues", "mustBe": 4}, None, Outcome.KEPT),
        ({"metric": "duplicateValues", "unit": "percent", "mustBeLessThan": 4}, None, Outcome.BROKEN),
        ({"metric": "duplicateValues", "mustBe": 0, "arguments": {"properties": ["a"]}}, None, Outcome.UNMEASURED),
        ({"type": "sql", "query": "SELECT 1", "mustBe": 0}, None, Outcome.UNMEASURED),
        ({"type": "text", "description": "Nice to read"}, "text", Outcome.UNMEASURED),
    ],
)
def test_what_is_not_measured_is_said_to_be_unmeasured_and_never_kept(
    rule: dict[str, Any], field: str | None, expected: Outcome
) -> None:
    assert outcome(with_quality(rule, field)) is expected


@pytest.mark.parametrize(
    ("field", "kind", "plain", "expected"),
    [
        ("text", "string", True, Outcome.KEPT),
        ("year", "string", True, Outcome.BROKEN),
        ("year", "string", False, Outcome.KEPT),
        ("year", "integer", True, Outcome.BROKEN),
        ("score", "number", True, Outcome.KEPT),
        ("score", "integer", True, Outcome.BROKEN),
        ("born", "date", False, Outcome.KEPT),
        ("text", "date", True, Outcome.UNMEASURED),
        ("text", "time", False, Outcome.UNMEASURED),
        ("text", "boolean", True, Outcome.BROKEN),
    ],
)
def test_the_type_of_a_field_is_held_against_what_was_counted(
    field: str, kind: str, plain: bool, expected: Outcome
) -> None:
    document = {**BASE, "schema": [{"name": "a", "properties": [{"name": field, "logicalType": kind}]}]}
    facts = Facts(100, 100, 98, 4, FACTS.fields, plain, None)
    assert outcome(document, facts) is expected


@pytest.mark.parametrize(
    ("value", "unit", "since", "expected"),
    [
        (40, "d", timedelta(days=40), Outcome.KEPT),
        (40, "d", timedelta(days=40, seconds=1), Outcome.BROKEN),
        (1, "month", timedelta(days=31), Outcome.KEPT),
        ("monthly", None, timedelta(days=32), Outcome.BROKEN),
        ("now and then", None, timedelta(days=32), Outcome.UNMEASURED),
        (1, "fortnight", timedelta(days=1), Outcome.UNMEASURED),
        (1, "d", None, Outcome.UNMEASURED),
    ],
)
def test_how_often_revisions_come(value: Any, unit: str | None, since: timedelta | None, expected: Outcome) -> None:
    level = {"property": "frequency", "value": value} | ({"unit": unit} if unit else {})
    facts = Facts(100, 100, 98, 4, FACTS.fields, True, since)
    assert outcome({**BASE, "slaProperties": [level]}, facts) is expected


@pytest.mark.parametrize("name", ["latency", "retention", "availability", "generalAvailability", "rowCount"])
def test_service_levels_that_no_revision_shows_are_unmeasured(name: str) -> None:
    assert outcome({**BASE, "slaProperties": [{"property": name, "value": 1, "unit": "d"}]}) is Outcome.UNMEASURED


def test_a_primary_key_must_be_there_and_its_uniqueness_is_unmeasured() -> None:
    document = {**BASE, "schema": [{"name": "a", "properties": [{"name": "text", "primaryKey": True}]}]}
    assert [(one.rule.metric, one.outcome) for one in check(read(document), FACTS)] == [
        ("required", Outcome.BROKEN),
        ("unique", Outcome.UNMEASURED),
    ]


def test_of_several_tables_nothing_is_measured() -> None:
    tables = [{"name": name, "quality": [{"metric": "rowCount", "mustBe": 100}]} for name in ("a", "b")]
    assert {one.outcome for one in check(read({**BASE, "schema": tables}), FACTS)} == {Outcome.UNMEASURED}


def test_a_late_revision_is_broken_but_never_stopped_for_it() -> None:
    custom = [{"property": "onBreach", "value": "stop"}]
    late = {**BASE, "slaProperties": [{"property": "frequency", "value": 1, "unit": "d"}], "customProperties": custom}
    contract = read(late)
    found = check(contract, FACTS)
    assert contract.on_breach is OnBreach.STOP
    assert len(broken(found)) == 1
    assert stops(contract, found) == []


@pytest.mark.parametrize(
    ("status", "on_breach", "stopped"), [("active", "stop", 1), ("active", "flag", 0), ("draft", "stop", 0)]
)
def test_only_an_active_contract_that_says_so_stops(status: str, on_breach: str, stopped: int) -> None:
    custom = [{"property": "onBreach", "value": on_breach}]
    contract = read(with_quality({"metric": "rowCount", "mustBe": 1}, status=status, customProperties=custom))
    assert len(stops(contract, check(contract, FACTS))) == stopped


def test_a_service_credit_is_a_share_or_a_sum() -> None:
    share = read({**BASE, "customProperties": [{"property": "serviceCredit", "value": {"percent": "12.5"}}]})
    assert share.credit is not None
    assert share.credit.percent == Decimal("12.5")
    named = {"amount": "5.00", "currency": "CNY"}
    fixed = read({**BASE, "customProperties": [{"property": "serviceCredit", "value": named}]})
    assert fixed.credit is not None
    assert fixed.credit.amount == Money(5_000_000, "CNY")
    assert fixed.credit.to_wire() == named
    assert read(BASE).credit is None


def test_a_contract_reads_the_same_from_json_and_yaml_and_comes_out_with_numbers() -> None:
    rule = {"metric": "duplicateValues", "unit": "percent", "mustBeLessThan": 0.5}
    custom = [{"property": "note", "value": "1.50"}]
    document = with_quality(rule, customProperties=custom, price={"priceAmount": 9.95, "priceCurrency": "CNY"})
    found = written.read(json.dumps(document).encode(), as_yaml=False)
    assert isinstance(found, Written)
    contract = read(dict(found.value))
    assert contract.rules[0].numbers == (Decimal("0.5"),)
    assert data_contract.official(json.loads(contract.document)) == document
    as_yaml = written.read(json.dumps(document).encode(), as_yaml=True)
    assert isinstance(as_yaml, Written)
    assert read(dict(as_yaml.value)).sha256 == contract.sha256
    assert data_contract.load(json.loads(contract.document)) == contract


def test_facts_come_from_a_scorecard() -> None:
    signals = {
        "files": {"jsonl": 1},
        "records": 12,
        "malformed_records": 1,
        "encoding_errors": 0,
        "oversized_records": 0,
        "empty_records": 1,
        "duplicate_records": 2,
        "duplicate_basis_points": 2000,
        "fields": [{"name": "text", "types": {"text": 9}, "null_count": 2, "null_basis_points": 1818}],
        "fields_left_out": 0,
    }
    at = datetime(2026, 1, 15, tzinfo=UTC)
    facts = facts_of({"signals": signals}, at, at - timedelta(days=3))
    assert (facts.records, facts.structured, facts.compared, facts.duplicates) == (12, 11, 10, 2)
    assert facts.plain
    assert facts.since == timedelta(days=3)
    assert facts_of({"signals": {**signals, "fields_left_out": 1}}, at, None).fields is None
    opaque = {**signals, "files": {"opaque": 1}, "records": 0, "fields": [], "duplicate_basis_points": None}
    unread = facts_of({"signals": opaque}, at, None)
    assert outcome(with_quality({"metric": "rowCount", "mustBeGreaterThan": 1}), unread) is Outcome.UNMEASURED
    assert outcome(with_quality({"metric": "nullValues", "mustBe": 0}, "text"), unread) is Outcome.UNMEASURED
