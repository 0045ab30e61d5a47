"""Plans that are written to keep a server busy: each is refused, or looked at as far as it is worth."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from exchange.kernel.errors import Problem
from exchange.kernel.money import UNITS_MAX
from exchange.kernel.schemas import Shape
from exchange.kernel.written import Written, read
from pricing.check_costs import Costs
from pricing.checks import check, unreadable
from pricing.compare import Mix, compare
from pricing.effort import WORK_BRIEF, Exhausted, spend, within
from pricing.plans import Plan, load, parse
from pricing.quotes import lines_at_most, simulate

START = datetime(2026, 1, 15, tzinfo=UTC)
FLAT = {"id": "fee", "meter": None, "period": "month", "model": {"type": "flat", "amount": "1"}}
DAILY = {"type": "credits", "amount": "1", "credit": "2", "valid_days": 30}


class Counted(dict[str, int]):
    """A value that counts how often it is compared."""

    compared = 0

    def __eq__(self, other: object) -> bool:
        Counted.compared += 1
        return super().__eq__(other)

    __hash__ = None


def document(*components: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "plan", "v": 1, "currency": "CNY", "components": list(components), **more}


def tiered(name: str, meter: str, tiers: int) -> dict[str, Any]:
    rising = [{"up_to": 1000 * number, "unit_price": f"0.{99999 - number}"} for number in range(1, tiers)]
    model = {"type": "volume", "tiers": [*rising, {"unit_price": "0.0001"}]}
    return {"id": name, "meter": meter, "period": "month", "model": model}


def whys(found: Plan | list[Problem]) -> str:
    assert isinstance(found, list)
    return " ".join(one.detail("en") + one.detail("zh") for one in found)


@pytest.mark.parametrize("part", ["limits", "discounts"])
def test_a_list_of_18_000_things_is_refused_without_comparing_them(part: str) -> None:
    things = [Counted(a=number) for number in range(18_000)]
    limit = {"id": "l", "type": "minimum", "period": "month", "amount": "1", "components": things}
    discount = {"id": "d", "type": "buyer_class", "percent": "1", "classes": things}
    made = document(FLAT, **{part: [limit if part == "limits" else discount]})
    Counted.compared = 0
    assert "/0/" in whys(parse(made))
    # Each may be held against the values that a list allows, but not against each other.
    assert Counted.compared < 10 * len(things)


def test_a_name_that_stands_twice_is_refused_where_the_list_is_one() -> None:
    shape = Shape({"type": "array", "maxItems": 3, "uniqueItems": True, "items": {"type": "string"}})
    assert shape.wrongs(["a", "b", "c"]) == []
    assert [one.why.en for one in shape.wrongs(["a", "b", "a"])] == ["must not name anything twice"]
    assert [one.why.en for one in shape.wrongs(["a"] * 4)] == ["must have at most 3 items"]
    assert [one.field for one in shape.wrongs(["a", 1, 1])] == ["/1", "/2"]


def test_names_that_stand_twice_are_found_at_once() -> None:
    names = [f'"n{number}":1' for number in range(20_000)]
    found = read(("{" + ",".join([*names, '"n19999":1']) + "}").encode(), as_yaml=False)
    assert isinstance(found, Problem)
    assert "n19999" in found.detail("en")


def test_a_plan_has_at_most_2_000_tiers_with_those_of_its_lists() -> None:
    full = document(tiered("a", "records", 1000), tiered("b", "tokens", 1000))
    assert isinstance(parse(full), Plan)
    lists = [{"buyer_class": "academic", "models": {"a": tiered("a", "records", 2)["model"]}}]
    assert "2002 tiers in all; a plan has at most 2000" in whys(parse({**full, "price_lists": lists}))


def test_a_check_stops_where_its_work_is_done_and_keeps_what_it_found() -> None:
    bands = [{"from": str(10 * number), "percent": str(number)} for number in range(1, 9)]
    plan = load(
        document(
            *(tiered(f"c{number}", meter, 60) for number, meter in enumerate(["records", "tokens", "bytes", "files"])),
            discounts=[{"id": f"v{number}", "type": "volume", "bands": bands} for number in range(8)],
        )
    )
    whole, brief = ([one.fields["code"] for one in check(plan, work=work)] for work in (10**9, 10_000))
    assert "not-everything-looked-at" not in whole
    assert brief[-1] == "not-everything-looked-at"
    assert brief.count("larger-costs-less") == whole.count("larger-costs-less") > 0
    assert check(plan, work=10_000)[-1].detail("zh")


def test_an_ordinary_plan_is_looked_at_wholly_even_briefly() -> None:
    use = {"id": "use", "meter": "records", "period": "month", "model": {"type": "per_unit", "unit_price": "1"}}
    costs = Costs(Decimal(0), {"records": Decimal("0.5")})
    codes = {one.fields["code"] for one in check(load(document(FLAT, use)), costs=costs, work=WORK_BRIEF)}
    assert codes == set()


def test_work_counts_only_where_somebody_asked() -> None:
    spend(10**9)
    with pytest.raises(Exhausted), within(10):
        spend(10)
        spend(1)
    spend(10**9)


def test_costs_and_rates_name_at_most_64() -> None:
    many = {f"x_{number}": Decimal(1) for number in range(65)}
    assert (why := unreadable(Costs(Decimal(0), many), None)) is not None
    assert "more than 64" in why.en
    assert (why := unreadable(None, many)) is not None
    assert "more than 64" in why.en


def test_credits_by_the_day_count_for_what_they_take() -> None:
    use = {"id": "use", "meter": "records", "period": "day", "model": {"type": "per_unit", "unit_price": "1"}}
    credit = {"id": "credit", "meter": None, "period": "day", "model": DAILY}
    plain, with_credits = load(document(use)), load(document(use, credit))
    assert lines_at_most(plain, 36) == 36 * 31 + 1
    # Each month rates everything since the beginning.
    assert lines_at_most(with_credits, 36) == 2 * (36 * 31 + 1) * 37 // 2
    months = simulate(with_credits, [{"records": 100}] * 12, START)
    days = (months[-1].ends_at - START).days
    # A credit of 2 for 1 each day, against 100 a month.
    assert months[-1].running.units == (1200 - days) * 1_000_000
    (compared,) = compare({"a": with_credits}, Mix("records", {"records": 1}), 12, START, around=100)
    assert compared.curves[0].amounts


def test_a_volume_that_costs_more_than_money_holds_has_no_amount() -> None:
    dear = {"id": "use", "meter": "records", "period": "month", "model": {"type": "per_unit", "unit_price": "999999"}}
    (found,) = compare({"a": load(document(dear))}, Mix("records", {"records": 1}), 36, START, around=10**12)
    amounts = found.curves[0].amounts
    assert amounts[-1] is None
    assert all(one is None or abs(one.units) <= UNITS_MAX for one in amounts)


@pytest.mark.parametrize("text", ["\ud800", "a\udc00", "\0", "x\0y"])
@pytest.mark.parametrize("place", ["name", "value", "deep"])
def test_what_is_no_text_is_said_with_its_line(text: str, place: str) -> None:
    value = {"name": {text: 1}, "value": {"a": text}, "deep": {"a": [{"b": ["c", text]}]}}[place]
    found = read(b"\n" + json.dumps(value).encode(), as_yaml=False)
    assert isinstance(found, Problem)
    assert (found.slug, found.fields["line"]) == ("document-unreadable", 2)
    assert "surrogate" in found.detail("en")
    assert "代理字符" in found.detail("zh")
    assert isinstance(read(json.dumps(value).encode(), as_yaml=True), Problem)


def test_signs_beyond_the_first_plane_and_written_escapes_are_texts() -> None:
    assert read(rb'{"a": "\ud83d\ude00", "b": "\\u0000"}', as_yaml=False) == Written({"a": "😀", "b": "\\u0000"})


@pytest.mark.parametrize("zone", ["localtime", "posixrules", "Factory", "right/UTC", "posix/Asia/Shanghai"])
def test_files_beside_the_time_zones_are_none(zone: str) -> None:
    assert "is no time zone" in whys(parse(document(FLAT, time_zone=zone)))
