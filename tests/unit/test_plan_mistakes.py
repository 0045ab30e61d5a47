"""What a supplier gets wrong when writing a plan by hand, and what it is told: which field, why, and what is right."""

from __future__ import annotations

import re
from typing import Any

import pytest

from exchange.kernel.errors import Problem
from exchange.kernel.written import Written, read
from pricing import plans
from pricing.plans import Plan

PLAN = """\
# A plan as a person writes it.
type: plan
v: 1
currency: CNY
time_zone: Asia/Shanghai
components:
  - id: base
    title: {en: Monthly fee, zh: 月费}
    meter: null
    period: month
    model: {type: flat, amount: 300, in_advance: true}
  - id: use
    meter: records
    period: month
    model:
      type: graduated
      tiers:
        - {up_to: 1000, unit_price: 0.01}
        - {up_to: 5000, unit_price: 0.006}
        - {unit_price: 0.004}
  - id: pack
    meter: tokens
    period: month
    model: {type: package, size: 1000000, amount: 19.90}
limits:
  - {id: cap, type: maximum, period: month, amount: 5000}
discounts:
  - {id: school, type: buyer_class, classes: [academic], percent: 50}
  - {id: bulk, type: volume, bands: [{from: 1000, percent: 5}]}
"""
LAST = "/components/1/model/tiers/2"
FLAT = "/components/0/model"


def told(text: str, *, as_yaml: bool = True) -> list[tuple[str, str, str]]:
    """Field, English and Chinese of everything that is wrong with a plan."""
    found = read(text.encode(), as_yaml=as_yaml)
    if isinstance(found, Problem):
        return [("", found.detail("en"), found.detail("zh"))]
    assert isinstance(found, Written)
    made = plans.parse(plans.SHAPE.settled(found.value))
    if isinstance(made, Plan):
        return []
    return [(str(one.fields["field"]), one.detail("en"), one.detail("zh")) for one in made]


def test_the_plan_itself_is_right() -> None:
    assert told(PLAN) == []


# What is written instead of what, at which field, and what the message says.
MISTAKES: list[tuple[str, str, str, str]] = [
    # names
    ("unit_price: 0.004", "unit_pirce: 0.004", f"{LAST}/unit_pirce", "did you mean unit_price?"),
    ("unit_price: 0.004", "unitPrice: 0.004", f"{LAST}/unitPrice", "did you mean unit_price?"),
    ("unit_price: 0.004", "unit-price: 0.004", f"{LAST}/unit-price", "did you mean unit_price?"),
    ("unit_price: 0.004", "price: 0.004", f"{LAST}/price", "did you mean unit_price?"),
    ("unit_price: 0.004", "单价: 0.004", f"{LAST}/单价", "did you mean unit_price?"),
    ("up_to: 1000,", "to: 1000,", "/components/1/model/tiers/0/to", "did you mean up_to?"),
    ("time_zone:", "timezone:", "/timezone", "did you mean time_zone?"),
    ("\ncomponents:", "\ncomponent:", "/component", "did you mean components?"),
    ("\nlimits:", "\nlimit:", "/limit", "did you mean limits?"),
    ("amount: 300,", "amount: 300, colour: red,", f"{FLAT}/colour", "known are type, amount, in_advance, prorate"),
    ("type: flat,", "", f"{FLAT}/type", "is missing; write one of"),
    ("    meter: records\n", "", "/components/1/meter", "is missing; write one of null, bytes, records"),
    ("    period: month\n    model:\n", "    model:\n", "/components/1/period", "is missing; write null"),
    ("currency: CNY\n", "", "/currency", "is missing; write an ISO 4217 code"),
    ("v: 1\n", "", "/v", "is missing; write 1"),
    ("size: 1000000, ", "", "/components/2/model/size", "is missing; write a whole number"),
    ("classes: [academic]", "class: [academic]", "/discounts/0/class", "did you mean classes?"),
    # words
    ("currency: CNY", "currency: cny", "/currency", 'did you mean "CNY"?'),
    ("currency: CNY", "currency: RMB", "/currency", 'did you mean "CNY"?'),
    ("currency: CNY", "currency: 人民币", "/currency", 'did you mean "CNY"?'),
    ("type: flat", "type: flta", f"{FLAT}/type", 'did you mean "flat"?'),
    ("type: flat", "type: subscription", f"{FLAT}/type", 'did you mean "flat"?'),
    ("type: graduated", "type: tiered", "/components/1/model/type", 'did you mean "graduated"?'),
    ("type: package", "type: Package", "/components/2/model/type", 'did you mean "package"?'),
    ("meter: records", "meter: record", "/components/1/meter", 'did you mean "records"?'),
    ("meter: records", "meter: rows", "/components/1/meter", 'did you mean "records"?'),
    ("meter: records", "meter: pages", "/components/1/meter", "a name of your own that begins with x_"),
    (
        "period: month\n    model: {type: flat",
        "period: monthly\n    model: {type: flat",
        "/components/0/period",
        'did you mean "month"?',
    ),
    (
        "period: month\n    model: {type: flat",
        "period: 每月\n    model: {type: flat",
        "/components/0/period",
        'did you mean "month"?',
    ),
    (
        "period: month\n    model: {type: flat",
        "period: quarter\n    model: {type: flat",
        "/components/0/period",
        '"day", "week", "month", "year"',
    ),
    ("type: maximum", "type: cap", "/limits/0/type", 'did you mean "maximum"?'),
    ("[academic]", "[university]", "/discounts/0/classes/0", 'did you mean "academic"?'),
    ("meter: null", "meter: none", "/components/0/meter", "did you mean null?"),
    ("in_advance: true", "in_advance: yes", f"{FLAT}/in_advance", "did you mean true?"),
    ("in_advance: true", "in_advance: 否", f"{FLAT}/in_advance", "did you mean false?"),
    ("id: base", "id: Monthly Fee", "/components/0/id", 'did you mean "monthly_fee"?'),
    ("type: plan", "type: price", "/type", 'must be one of "plan"'),
    ("v: 1", "v: 2", "/v", "must be one of 1"),
    ("Asia/Shanghai", "Beijing", "/time_zone", "such as Asia/Shanghai"),
    ("Asia/Shanghai", "Asia/Shangai", "/time_zone", "such as Asia/Shanghai"),
    ("title: {en: Monthly fee, zh: 月费}", "title: Monthly fee", "/components/0/title", 'such as {"en": "Monthly fee"'),
    ("{en: Monthly fee,", "{English: Monthly fee,", "/components/0/title/English", "such as en or zh"),
    # numbers
    ("amount: 300,", 'amount: "1,000",', f"{FLAT}/amount", 'did you mean "1000"?'),
    ("amount: 300,", "amount: 1,000,", f"{FLAT}/000", "a comma inside a number splits it"),
    ("amount: 300,", "amount: 1 000,", f"{FLAT}/amount", 'did you mean "1000"?'),
    ("amount: 300,", "amount: 1_000,", f"{FLAT}/amount", 'did you mean "1000"?'),
    ("amount: 300,", "amount: ３００,", f"{FLAT}/amount", 'did you mean "300"?'),
    ("amount: 300,", "amount: ¥300,", f"{FLAT}/amount", 'did you mean "300"?'),
    ("amount: 300,", "amount: 300元,", f"{FLAT}/amount", 'did you mean "300"?'),
    ("amount: 300,", "amount: CNY 300,", f"{FLAT}/amount", 'did you mean "300"?'),
    ("amount: 300,", "amount: -300,", f"{FLAT}/amount", "not negative"),
    ("amount: 300,", "amount: 3e2,", f"{FLAT}/amount", 'did you mean "300"?'),
    ("amount: 300,", "amount: free,", f"{FLAT}/amount", "an amount of money as text"),
    ("amount: 300,", "amount: null,", f"{FLAT}/amount", "an amount of money as text"),
    ("amount: 300,", "amount: 0.1234567,", f"{FLAT}/amount", "at most 6 digits after the point"),
    ("unit_price: 0.004", 'unit_price: "0,004"', f"{LAST}/unit_price", 'did you mean "0.004"?'),
    ("unit_price: 0.004", "unit_price: .004", f"{LAST}/unit_price", 'did you mean "0.004"?'),
    ("unit_price: 0.004", "unit_price: 4e-3", f"{LAST}/unit_price", 'did you mean "0.004"?'),
    ("unit_price: 0.004", "unit_price: 0.0000000000004", f"{LAST}/unit_price", "at most 12 digits after the point"),
    ("percent: 50", "percent: 50%", "/discounts/0/percent", 'did you mean "50"?'),
    ("percent: 50", "percent: 50％", "/discounts/0/percent", 'did you mean "50"?'),
    ("percent: 50", "percent: 150", "/discounts/0/percent", '"0" to "100"'),
    ("up_to: 1000,", 'up_to: "1000",', "/components/1/model/tiers/0/up_to", "did you mean 1000?"),
    ("up_to: 1000,", "up_to: 1k,", "/components/1/model/tiers/0/up_to", "did you mean 1000?"),
    ("up_to: 1000,", "up_to: 1000.0,", "/components/1/model/tiers/0/up_to", "did you mean 1000?"),
    ("size: 1000000", "size: 100万", "/components/2/model/size", "did you mean 1000000?"),
    ("size: 1000000", "size: 0", "/components/2/model/size", "from 1 to 10^15"),
    ("size: 1000000", "size: 1.5", "/components/2/model/size", "a whole number"),
    # what belongs together
    ("up_to: 5000", "up_to: 500", "/components/1/model/tiers/1/up_to", "must be above the tier before it"),
    ("{unit_price: 0.004}", "{up_to: 9000, unit_price: 0.004}", f"{LAST}/up_to", "must be absent on the last tier"),
    ("up_to: 5000, ", "", "/components/1/model/tiers/1/up_to", "only the last tier may be open"),
    ("{up_to: 5000,", "{from: 2000, up_to: 5000,", "/components/1/model/tiers/1/from", "must begin at 1,000"),
    ("{up_to: 5000,", "{from: 500, up_to: 5000,", "/components/1/model/tiers/1/from", "two prices"),
    ("meter: records", "meter: null", "/components/1/meter", "must name what is measured"),
    ("meter: null", "meter: records", "/components/0/meter", "must be null"),
    (
        "period: month\n    model: {type: flat",
        "period: null\n    model: {type: flat",
        "/components/0/period",
        "such as month",
    ),
    ("id: pack", "id: use", "/components/2/id", "is used before"),
    ("percent: 50}", "percent: 50, components: [bases]}", "/discounts/0/components/0", "did you mean base?"),
    ("period: month, amount: 5000", "period: year, amount: 5000", "/limits/0/period", "no component has this period"),
    # shapes
    ("model: {type: flat, amount: 300, in_advance: true}", "model: flat", FLAT, 'an object such as {"type"'),
    ("{type: flat, amount: 300, in_advance: true}", '"type：flat，amount：300"', FLAT, "its punctuation is Chinese"),
    ("[{from: 1000, percent: 5}]", "{from: 1000, percent: 5}", "/discounts/1/bands", "must be a list"),
    # writing
    ("amount: 300, in", "amount: 300, amount: 200, in", "", "the field amount stands there twice"),
    ("currency: CNY", "currency：CNY", "", "this line holds the Chinese sign ："),
    ("    period: month\n    model: {type: flat", "\tperiod: month\n    model: {type: flat", "", "not by tabs"),
    ("    meter: records", "   meter: records", "", "indented"),
    ("amount: 300,", "amount: !!float 300,", "", "leave it out"),
    ("{type: flat, amount: 300, in_advance: true}", "{type: flat, amount: 300", "", "a closing bracket is missing"),
]


@pytest.mark.parametrize(("right", "wrong", "field", "said"), MISTAKES)
def test_a_mistake_is_told_where_it_is_and_how_to_put_it_right(right: str, wrong: str, field: str, said: str) -> None:
    assert right in PLAN
    found = told(PLAN.replace(right, wrong, 1))
    assert found, "this was accepted"
    # The first message is the one that helps; a person reads no more than that.
    assert (found[0][0], said in found[0][1]) == (field, True), found
    assert len(found) <= 2, found
    for _, english, chinese in found:
        assert re.search(r"[\u4e00-\u9fff]", chinese)
        assert "?." not in english
        assert "None" not in english


def test_there_are_enough_of_them() -> None:
    assert len(MISTAKES) >= 60
    assert len({(right, wrong) for right, wrong, _, _ in MISTAKES}) == len(MISTAKES)


JSON: list[tuple[str, str]] = [
    ('{"type": "plan",}', "the last comma is too many|a comma is too many"),
    ("{'type': 'plan'}", "double quotes"),
    ('{"type": "plan" "v": 1}', "a comma is missing"),
    ('{"type"： "plan"}', "the Chinese sign ："),
    ('{"type": plan}', "a text has no double quotes"),
    ('{"v": 1, "v": 1}', "line 1, column 10|the field v stands there twice"),
    ('{"type": "plan"} {}', "more after the end"),
    ('{"type": "plan', "no closing quote"),
    ("", "no double quotes"),
]


@pytest.mark.parametrize(("text", "said"), JSON)
def test_json_that_cannot_be_read_names_its_line(text: str, said: str) -> None:
    ((field, english, chinese),) = told(text, as_yaml=False)
    assert field == ""
    assert re.match(r"Line \d+, column \d+: ", english)
    assert re.match(r"第 \d+ 行第 \d+ 列：", chinese)
    assert re.search(said, english)


def test_numbers_are_read_exactly_in_both_ways_of_writing() -> None:
    yaml, json = (
        read(text, as_yaml=as_yaml)
        for text, as_yaml in (
            (b"a: 0.10\nb: 1e-12\nc: 300\nd: 0.1000000000000000055511151231257827\ne: 1_000", True),
            (b'{"a":0.10,"b":1e-12,"c":300,"d":0.1000000000000000055511151231257827,"e":"1_000"}', False),
        )
    )
    assert isinstance(yaml, Written)
    assert isinstance(json, Written)
    wanted: dict[str, Any] = {
        "a": "0.10",
        "b": "1e-12",
        "c": 300,
        "d": "0.1000000000000000055511151231257827",
        "e": "1_000",
    }
    assert yaml.value == json.value == wanted


def test_yaml_guesses_nothing() -> None:
    text = "a: 2026-01-01\nb: yes\nc: no\nd: 0o17\ne: .inf\nf: 12:30\ng: 007\nno: on\nh: ~\ni: 0x1F\nj: '5'\nk: <<"
    found = read(text.encode(), as_yaml=True)
    assert isinstance(found, Written)
    assert found.value == {
        "a": "2026-01-01", "b": "yes", "c": "no", "d": "0o17", "e": ".inf", "f": "12:30", "g": "007", "no": "on",
        "h": None, "i": "0x1F", "j": "5", "k": "<<",
    }  # fmt: skip
    assert found.lines["/no"] == 8


def test_anchors_may_be_used_but_not_to_explode() -> None:
    found = read(b"a: &t [1, 2]\nb: *t", as_yaml=True)
    assert isinstance(found, Written)
    assert found.value == {"a": [1, 2], "b": [1, 2]}
    bomb = b"a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for number in range(1, 20):
        bomb += b"a%d: &a%d [%s]\n" % (number, number, b", ".join([b"*a%d" % (number - 1)] * 10))
    refused = read(bomb, as_yaml=True)
    assert isinstance(refused, Problem)
    assert "unfolds" in refused.detail("en")
    itself = read(b"a: &a [*a]", as_yaml=True)
    assert isinstance(itself, Problem)


@pytest.mark.parametrize("as_yaml", [True, False])
@pytest.mark.parametrize("data", [b"[" * 100_000, b'{"a":' * 50_000, b"\xff\xfe", b" " * 300_000, b"\x00"])
def test_what_is_no_document_is_refused_quickly(data: bytes, as_yaml: bool) -> None:
    assert isinstance(read(data, as_yaml=as_yaml), Problem)
