"""Pricing in numbers that a person can check."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal, Inexact
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from jsonschema import Draft202012Validator

from exchange.kernel.canonical import canonical
from pricing.checks import check
from pricing.periods import life, period, periods_begun
from pricing.plans import PLAN_SCHEMA, BadPlan, Plan, PlanCache, load, parse
from pricing.quotes import Subject, build, expired, simulate
from pricing.rating import BadUsage, outstanding, price_now, rate, total

START = datetime(2026, 1, 31, 4, 7, tzinfo=UTC)
SHANGHAI = ZoneInfo("Asia/Shanghai")


def component(name: str, meter: str | None, unit: str | None, **model: Any) -> dict[str, Any]:
    return {"id": name, "meter": meter, "period": unit, "model": model}


def plan_of(*components: dict[str, Any]) -> Plan:
    return load({"type": "plan", "v": 1, "currency": "CNY", "components": list(components)})


ONE_OFF = plan_of(component("copy", None, None, type="one_off", amount="1200"))
SUBSCRIPTION = plan_of(
    component("access", None, "month", type="flat", amount="300", in_advance=True),
    component(
        "records",
        "records",
        "month",
        type="included",
        quantity=50_000,
        overage={"type": "per_unit", "unit_price": "0.004"},
    ),
)
PAY_PER_USE = plan_of(
    component("bytes", "bytes", "month", type="per_unit", unit_price="0.0000025"),
    component("records", "records", "month", type="per_unit", unit_price="0.002"),
)
TIERS = [{"up_to": 1_000, "unit_price": "0.01"}, {"up_to": 10_000, "unit_price": "0.005"}, {"unit_price": "0.001"}]


def cost(plan: Plan, **usage: int | Decimal) -> str:
    (unit,) = plan.cadences
    stretch = life(START) if unit is None else period(unit, START, 0, plan.time_zone)
    return str(total(plan, rate(plan, usage, stretch)))


def test_the_three_offers_of_the_demo() -> None:
    assert str(ONE_OFF.due_now_total) == "1200.00 CNY"
    assert str(SUBSCRIPTION.due_now_total) == "300.00 CNY"
    assert str(PAY_PER_USE.due_now_total) == "0.00 CNY"
    assert cost(SUBSCRIPTION, records=50_000) == "300.00 CNY"
    assert cost(SUBSCRIPTION, records=50_001) == "300.004 CNY"
    assert cost(SUBSCRIPTION, records=62_000) == "348.00 CNY"
    assert cost(PAY_PER_USE, bytes=1_048_576, records=1_000) == "4.62144 CNY"
    assert [(a.meter, a.quantity, a.period, a.stops) for a in SUBSCRIPTION.allowances()] == [
        ("records", 50_000, "month", False)
    ]


@pytest.mark.parametrize(
    ("quantity", "expected"),
    [(0, "0.00"), (1, "0.01"), (1_000, "10.00"), (1_001, "10.005"), (10_000, "55.00"), (12_000, "57.00")],
)
def test_graduated_tiers_at_their_ends(quantity: int, expected: str) -> None:
    plan = plan_of(component("t", "tokens", None, type="graduated", tiers=TIERS))
    assert cost(plan, tokens=quantity) == f"{expected} CNY"


@pytest.mark.parametrize(("quantity", "expected"), [(1_000, "10.00"), (1_001, "5.005"), (10_001, "10.001")])
def test_volume_tiers_price_everything_alike_and_are_noted(quantity: int, expected: str) -> None:
    plan = plan_of(component("t", "tokens", None, type="volume", tiers=TIERS))
    assert cost(plan, tokens=quantity) == f"{expected} CNY"
    notes = check(plan)
    assert [(n.fields["smaller"], n.fields["larger"]) for n in notes] == [("1000", "1001"), ("10000", "10001")]
    assert "1,000 units cost 10 but 1,001 cost only 5.005" in notes[0].detail("en")
    assert "1,001" in notes[0].detail("zh")


@pytest.mark.parametrize(
    ("quantity", "expected"), [(0, "0.00"), (1, "5.00"), (100, "5.00"), (101, "10.00"), (Decimal("100.5"), "10.00")]
)
def test_a_package_is_charged_when_it_is_begun(quantity: int | Decimal, expected: str) -> None:
    plan = plan_of(component("p", "files", None, type="package", size=100, amount="5"))
    assert cost(plan, files=quantity) == f"{expected} CNY"


def test_included_without_overage_stops() -> None:
    plan = plan_of(component("p", "files", "month", type="included", quantity=10, overage=None))
    assert cost(plan, files=10) == "0.00 CNY"
    assert plan.allowances()[0].stops


def test_the_smallest_price_and_the_largest_use() -> None:
    plan = plan_of(component("b", "bytes", None, type="per_unit", unit_price="0.000000000001"))
    assert cost(plan, bytes=10**15) == "1000.00 CNY"
    assert cost(plan, bytes=500_000) == "0.00 CNY"  # half a millionth rounds to the even neighbour, 0
    assert cost(plan, bytes=500_001) == "0.000001 CNY"
    assert cost(plan, bytes=1_500_000) == "0.000002 CNY"


def test_rounding_is_never_silent() -> None:
    plan = plan_of(component("b", "bytes", None, type="per_unit", unit_price="0.000000000001"))
    with pytest.raises(Inexact):
        cost(plan, bytes=Decimal("1." + "3" * 90))
    with pytest.raises(BadUsage):
        cost(plan, bytes=-1)


def test_flat_amounts_are_due_in_advance_or_when_the_period_is_over() -> None:
    plan = plan_of(
        component("before", None, "month", type="flat", amount="10"),
        component("after", None, "month", type="flat", amount="7", in_advance=False),
    )
    first = period("month", START, 0, SHANGHAI)
    assert [line.id for line in price_now(plan)] == ["before"]
    assert [line.id for line in rate(plan, {}, first, as_of=first.start)] == ["before"]
    assert [line.id for line in rate(plan, {}, first, as_of=first.end)] == ["before", "after"]


def test_late_use_is_a_correction_of_its_own_period() -> None:
    first = period("month", START, 0, SHANGHAI)
    booked = {("access", 0): 300_000_000, ("records", 0): 4_000_000}
    (due,) = outstanding(SUBSCRIPTION, {"records": 52_500}, first, booked)
    assert (due.line.key, str(due.booked), str(due.amount)) == (("records", 0), "4.00 CNY", "6.00 CNY")
    (back,) = outstanding(SUBSCRIPTION, {"records": 0}, first, booked)
    assert str(back.amount) == "-4.00 CNY"


def test_months_are_anchored_and_come_back_to_their_day() -> None:
    starts = [period("month", START, index, SHANGHAI).start.astimezone(SHANGHAI) for index in range(4)]
    assert [f"{at:%m-%d %H:%M}" for at in starts] == ["01-31 12:00", "02-28 12:00", "03-31 12:00", "04-30 12:00"]
    leap = period("year", datetime(2028, 2, 29, tzinfo=UTC), 1, ZoneInfo("UTC"))
    assert (leap.start.month, leap.start.day, leap.end) == (2, 28, datetime(2030, 2, 28, tzinfo=UTC))


def test_days_of_daylight_saving_have_23_and_25_hours() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    spring = period("day", datetime(2026, 3, 28, 23, tzinfo=UTC), 0, berlin)
    autumn = period("day", datetime(2026, 10, 24, 22, tzinfo=UTC), 0, berlin)
    assert (spring.seconds, autumn.seconds) == (23 * 3600, 25 * 3600)


def test_periods_begun_counts_only_what_has_begun() -> None:
    second = period("month", START, 1, SHANGHAI).start
    assert len(periods_begun("month", START, second, SHANGHAI)) == 1
    assert len(periods_begun("month", START, second.replace(second=1), SHANGHAI)) == 2
    assert periods_begun("month", START, START.replace(day=1), SHANGHAI) == []
    assert [p.unit for p in periods_begun(None, START, second, SHANGHAI)] == [None]


def test_an_explanation_reads_as_arithmetic() -> None:
    first = period("month", START, 0, SHANGHAI)
    line = rate(SUBSCRIPTION, {"records": 62_000}, first)[1]
    assert line.explain()["text"] == {
        "en": "50,000 of 50,000 records included at no charge; 12,000 records × 0.004 = 48 = 48.00 CNY",
        "zh": "包含额度 50,000 条记录，已使用 50,000，不另收费；12,000 条记录 × 0.004 = 48 = 48.00 CNY",
    }


def test_rising_tiers_are_noted_with_the_cheaper_split() -> None:
    tiers = [{"up_to": 100, "unit_price": "1"}, {"unit_price": "1.5"}]
    (note,) = check(plan_of(component("t", "tokens", None, type="graduated", tiers=tiers)))
    assert "200 units cost 250, but as two orders only 200" in note.detail("en")


def test_a_plan_that_never_charges_is_noted() -> None:
    (note,) = check(plan_of(component("t", "tokens", None, type="per_unit", unit_price="0")))
    assert note.fields["field"] == "/components"


def test_a_thousand_tiers_are_checked() -> None:
    tiers: list[dict[str, Any]] = [{"up_to": n * 10, "unit_price": f"{2000 - n}"} for n in range(1, 1000)]
    document = {
        "type": "plan",
        "v": 1,
        "currency": "CNY",
        "components": [component("t", "tokens", None, type="volume", tiers=[*tiers, {"unit_price": "1"}])],
    }
    plan = load(document)
    # Beyond q units a price p that falls by 1 loses money when p <= q: 2000 - n <= 10 n from n = 182 on.
    assert len(check(plan)) == 999 - 181


WRONG: list[tuple[list[str | int], Any, str, str]] = [
    (["currency"], "cny", "/currency", "three capital letters"),
    (["v"], 2, "/v", "must be one of 1"),
    (["time_zone"], "Mars/Olympus", "/time_zone", "IANA"),
    (["time_zone"], "../../etc/passwd", "/time_zone", "IANA"),
    (["components"], [], "/components", "1 to 32 components"),
    (["components", 0, "id"], "Access", "/components/0/id", "small letters"),
    (["components", 0, "id"], "records", "/components/1/id", "used before"),
    (["components", 0, "meter"], "bytes", "/components/0/meter", "must be null"),
    (["components", 0, "period"], None, "/components/0/period", "month"),
    (["components", 0, "model", "amount"], "-300", "/components/0/model/amount", "not negative"),
    (["components", 0, "model", "amount"], 300, "/components/0/model/amount", "as text"),
    (["components", 0, "model", "amount"], "300\n", "/components/0/model/amount", "as text"),
    (["components", 0, "model", "price"], "1", "/components/0/model/price", "not known here"),
    (["components", 0, "model", "type"], "flatt", "/components/0/model/type", "must be one of"),
    (["components", 1, "meter"], None, "/components/1/meter", "what is measured"),
    (["components", 1, "model", "quantity"], 50_000.0, "/components/1/model/quantity", "whole number"),
    (["components", 1, "model", "quantity"], True, "/components/1/model/quantity", "whole number"),
    (
        ["components", 1, "model", "overage", "unit_price"],
        "1e-3",
        "/components/1/model/overage/unit_price",
        "12 digits",
    ),
    (["components", 1, "model", "overage", "type"], "included", "/components/1/model/overage/type", "must be one of"),
    (["components", 1, "title"], {"en": "\ud800"}, "/", "Unicode"),
]


@pytest.mark.parametrize(("path", "value", "field", "words"), WRONG)
def test_a_wrong_plan_says_where_and_what_would_be_right(
    path: list[str | int], value: Any, field: str, words: str
) -> None:
    document: Any = {
        "type": "plan",
        "v": 1,
        "currency": "CNY",
        "components": [
            component("access", None, "month", type="flat", amount="300"),
            component(
                "records",
                "records",
                "month",
                type="included",
                quantity=50_000,
                overage={"type": "per_unit", "unit_price": "0.004"},
            ),
        ],
    }
    place = document
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    problems = parse(document)
    assert isinstance(problems, list)
    (problem,) = [p for p in problems if p.fields["field"] == field]
    assert words in problem.detail("en")
    assert any("一" <= letter <= "鿿" for letter in problem.detail("zh"))
    with pytest.raises(BadPlan):
        load(document)


def test_tiers_must_rise_and_end_open() -> None:
    tiers = [{"up_to": 9, "unit_price": "1"}, {"unit_price": "1"}, {"up_to": 9, "unit_price": "1"}]
    document = {
        "type": "plan",
        "v": 1,
        "currency": "CNY",
        "components": [component("t", "tokens", None, type="graduated", tiers=tiers)],
    }
    problems = parse(document)
    assert isinstance(problems, list)
    found = {str(p.fields["field"]).rsplit("/", 2)[1]: p.detail("en") for p in problems}
    assert "only the last tier may be open" in found["1"]
    assert "absent on the last tier" in found["2"]


@pytest.mark.parametrize("document", [None, [], "plan", 1, {}, {"type": "plan"}])
def test_what_is_no_plan_at_all_is_refused(document: object) -> None:
    assert isinstance(parse(document), list)


def test_the_published_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(PLAN_SCHEMA)


def test_a_cache_parses_each_plan_once_and_stays_small() -> None:
    document = {
        "type": "plan",
        "v": 1,
        "currency": "CNY",
        "components": [component("a", None, None, type="one_off", amount="1")],
    }
    cache = PlanCache(size_max=1)
    first = cache.get(b"1", document)
    assert cache.get(b"1", document) is first
    cache.get(b"2", document)
    assert cache.get(b"1", document) is not first


def test_a_quote_binds_offer_plan_and_terms() -> None:
    subject = Subject(UUID(int=1), UUID(int=2), b"\1" * 32, b"\2" * 32, UUID(int=3), UUID(int=4))
    document = build(
        SUBSCRIPTION,
        subject,
        issued_at=START,
        expires_at=START.replace(month=2, day=1),
        node_id="centre",
        rule_set="2026-01",
        forecast=simulate(SUBSCRIPTION, [{"records": 62_000}], START),
    )
    assert json.loads(canonical(document)) == document
    assert document["total"] == {"amount": "300.00", "currency": "CNY"}
    assert document["plan_sha256"] == SUBSCRIPTION.sha256
    assert document["estimate"][0]["running"] == {"amount": "348.00", "currency": "CNY"}
    assert expired(document, START) is None
    problem = expired(document, START.replace(month=2, day=1))
    assert problem is not None
    assert problem.slug == "quote-expired"


def test_a_simulation_counts_years_weeks_and_days() -> None:
    yearly = plan_of(component("y", None, "year", type="flat", amount="100"))
    assert [str(m.amount) for m in simulate(yearly, [{}] * 13, START)][::12] == ["100.00 CNY", "100.00 CNY"]
    assert str(simulate(yearly, [{}] * 13, START)[-1].running) == "200.00 CNY"
    late = plan_of(component("y", None, "year", type="flat", amount="100", in_advance=False))
    assert [m.index for m in simulate(late, [{}] * 13, START) if m.lines] == [11]
    daily = plan_of(component("d", "files", "day", type="per_unit", unit_price="1"))
    assert [str(m.amount) for m in simulate(daily, [{"files": 100}, {"files": 7}], START)] == ["100.00 CNY", "7.00 CNY"]
    weekly = plan_of(component("w", None, "week", type="flat", amount="1", in_advance=False))
    assert str(simulate(weekly, [{}] * 12, START)[-1].running) == "52.00 CNY"
