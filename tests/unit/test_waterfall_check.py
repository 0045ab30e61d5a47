from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from exchange.kernel import ids, written
from exchange.kernel.errors import Problem
from settlement import waterfall_check, waterfall_document
from settlement.lineage import Holder, LineageFault
from settlement.splits import Role
from settlement.waterfall import WHOLE, Sold, apply
from settlement.waterfall_check import Weight, check, lineage_finding, not_upstream, outside, refusal
from settlement.waterfall_document import Draft, parse, steps_of, understand

SUPPLIER, ORG = UUID(int=1), ids.text("org", UUID(int=2))
REST: dict[str, Any] = {"id": "rest", "op": "residual", "per": "lifetime", "payees": [{"role": "supplier"}]}


def draft(*steps: dict[str, Any], **more: Any) -> Draft:
    found = parse({"type": "waterfall", "v": 1, "currency": "CNY", "steps": list(steps), **more})
    assert isinstance(found, Draft), [one.detail("en") for one in found]
    return found


def codes(*steps: dict[str, Any], **facts: Any) -> list[tuple[str, str]]:
    rule = understand(steps_of(draft(*steps), SUPPLIER, {}), "CNY")
    found = check(rule, **facts)
    assert all(one.why.en and one.why.zh != one.why.en for one in found)
    return [(one.code, one.step) for one in found]


def step(name: str = "a", op: str = "share_of_gross", **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = {"id": name, "op": op, "payees": [{"role": "platform"}]}
    return made | {"share_of_gross": {"percent": "10"}, "fixed": {"amount": "5"}}.get(op, {}) | more


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([step(), REST], []),
        ([step()], [("residual-missing", "")]),
        ([REST, step(per="lifetime")], [("residual-not-last", "rest")]),
        ([step(), step(), REST], [("step-twice", "a")]),
        ([step(per="month"), step("b"), REST], [("period-narrower", "b")]),
        ([step(percent="60"), step("b", percent="41"), REST], [("over-allocated", "b")]),
        ([step(percent="100"), step("b", "fixed"), REST], [("nothing-left", "b")]),
        ([step(percent="0"), REST], [("nothing", "a")]),
        ([step(at_least="5", at_most="4"), REST], [("most-below-least", "a")]),
        ([step(payees=[{"role": "platform"}, {"role": "platform"}]), REST], [("payee-twice", "a")]),
        ([step("m", "mandate", payees=[{"role": "broker"}], per="month"), REST], [("period-not-possible", "m")]),
        ([step("m", "mandate"), REST], [("mandate-role", "m")]),
        ([step("g", "guarantee", amount="5"), REST], [("period-not-possible", "g")]),
        (
            [step("g", "guarantee", amount="5", per="month", payees=[{"role": "pool"}, {"role": "platform"}]), REST],
            [("one-payee", "g")],
        ),
        ([step("t", "tiers", tiers=[{"percent": "5"}, {"percent": "6"}]), REST], [("tiers-open", "t")]),
        (
            [step("t", "tiers", tiers=[{"up_to": "9", "percent": "5"}, {"up_to": "8", "percent": "5"}, {"percent": "6"}]), REST],
            [("tiers-order", "t")],
        ),
        (
            [step("u", payees=[{"role": "upstream", "of": "all"}, {"role": "platform"}]), REST],
            [("upstream-alone", "u")],
        ),
        (
            [step("t", "tiers", tiers=[{"up_to": "9", "percent": "50"}, {"percent": "95"}]), step("b"), REST],
            [("over-allocated", "b")],
        ),
    ],
)  # fmt: skip
def test_each_fault_of_a_waterfall_is_found_and_names_its_step(
    steps: list[dict[str, Any]], expected: list[tuple[str, str]]
) -> None:
    assert codes(*steps) == expected


def test_the_broker_is_paid_by_one_mandate_step_only() -> None:
    both = [step(name, "mandate", payees=[{"role": "broker"}]) for name in ("m", "n")]
    assert codes(*both, REST) == [("mandate-twice", "n")]


def test_amounts_that_no_sale_could_bear_are_found_where_the_price_is_known() -> None:
    fixed, floor = step("f", "fixed"), step("s", at_least="6.00")
    assert codes(fixed, REST, least_units=4_999_999) == [("fixed-above-price", "f")]
    assert codes(fixed, REST, least_units=5_000_000) == []
    assert codes(fixed, floor, REST, least_units=10_999_999) == [("floor-above-price", "s")]
    assert codes(fixed, floor, REST, least_units=11_000_000) == codes(fixed, floor, REST) == []


def test_whoever_is_no_verified_organisation_here_is_no_payee() -> None:
    paid = step("p", payees=[{"role": "provider", "organisation": ORG}])
    assert codes(paid, REST, members={SUPPLIER}) == [("payee-not-member", "p")]
    assert codes(paid, REST, members={SUPPLIER, UUID(int=2)}) == []
    advanced = {"id": "back", "op": "recoup", "per": "lifetime", "amount": "5", "advance_of": ORG}
    assert codes({**advanced, "payees": [{"role": "platform"}]}, REST, members={SUPPLIER}) == [
        ("payee-not-member", "back")
    ]


def test_notes_refuse_nothing_and_the_first_error_is_the_problem() -> None:
    full = understand(steps_of(draft(step(percent="100"), step("b", "fixed"), REST), SUPPLIER, {}), "CNY")
    (note,) = check(full)
    assert note.weight is Weight.NOTE
    assert refusal([note]) is None
    problem = refusal([note, outside("u", "https://example.org/data")])
    assert problem is not None
    assert (problem.slug, problem.fields["step"]) == ("split-rule-refused", "u")
    assert "https://example.org/data" in problem.detail("zh")


def test_findings_about_lineage_name_the_way() -> None:
    a, b = UUID(int=5), UUID(int=6)
    found = lineage_finding("u", LineageFault("cycle", [a, b, a]), {a: "A", b: "B"})
    assert (found.code, found.why.en) == ("lineage-cycle", "the lineage comes back to itself: A → B → A")
    assert lineage_finding("u", LineageFault("too_many", [a])).code == "lineage-too-many"
    assert not_upstream("u", "lst_1").why.zh == "数据集未声明其来源包含 lst_1"


def test_the_share_that_is_certain_counts_only_plain_shares_of_each_sale() -> None:
    def certain(*steps: dict[str, Any]) -> int:
        return waterfall_check.certain_share(
            understand(steps_of(draft(*steps, REST), SUPPLIER, {}), "CNY"), Role.PLATFORM
        )

    assert certain(step(), step("b", at_least="2")) == WHOLE // 5
    assert certain(step(at_most="5"), step("b", per="month"), step("c", "fixed")) == 0


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"steps": []}, "/steps"),
        ({"currency": "yuan"}, "/currency"),
        ({"time_zone": "Mars/Olympus"}, "/time_zone"),
        ({"time_zone": "../etc"}, "/time_zone"),
        ({"effective_from": "2026-02-30T00:00:00Z"}, "/effective_from"),
        ({"effective_from": "2026-02-01T00:00:00Z", "effective_until": "2026-02-01T08:00:00+08:00"}, "/effective_until"),
        ({"steps": [{**REST, "percent": "5"}]}, "/steps/0/percent"),
        ({"steps": [{"id": "a", "op": "fixed", "payees": [{"role": "platform"}]}, REST]}, "/steps/0/amount"),
        ({"steps": [step(percent="100.5"), REST]}, "/steps/0/percent"),
        ({"steps": [step(payees=[{"role": "broker"}]), REST]}, "/steps/0/payees/0"),
        ({"steps": [step(payees=[{"role": "platform", "organisation": ORG}]), REST]}, "/steps/0/payees/0"),
        ({"steps": [step(payees=[{"role": "member", "organisation": ORG, "of": "all"}]), REST]}, "/steps/0/payees/0"),
        ({"steps": [step(payees=[{"role": "upstream"}]), REST]}, "/steps/0/payees/0"),
        ({"steps": [step(op="threshold"), REST]}, "/steps/0/op"),
    ],
)  # fmt: skip
def test_a_document_of_another_form_is_refused_at_its_field(change: dict[str, Any], field: str) -> None:
    found = parse({"type": "waterfall", "v": 1, "currency": "CNY", "steps": [REST], **change})
    assert not isinstance(found, Draft)
    assert field in [problem.fields["field"] for problem in found]
    assert all(isinstance(problem, Problem) and problem.detail("zh") != problem.detail("en") for problem in found)


def test_a_signed_document_is_read_back_as_it_was_written() -> None:
    asked = step("u", payees=[{"role": "upstream", "of": "all"}], percent=7, per="month")
    back = {"id": "back", "op": "recoup", "per": "lifetime", "amount": "5000", "payees": [{"role": "platform"}]}
    made = draft(asked, back, REST, time_zone="Asia/Shanghai", effective_until="2027-01-01T00:00:00+08:00")
    assert made.asks == {"u": None}
    steps = steps_of(made, SUPPLIER, {"u": [Holder(UUID(int=7), 3, (UUID(int=9),)), Holder(UUID(int=8), 1, ())]})
    at = made.effective_until
    assert at is not None
    written = waterfall_document.write(UUID(int=3), (SUPPLIER, UUID(int=4)), ("main", 2), made, steps, at)
    rule = waterfall_document.load(written)
    assert rule == understand(steps, "CNY", "Asia/Shanghai")
    assert [(one.organisation_id, one.weight) for one in rule.steps[0].payees] == [(UUID(int=7), 3), (UUID(int=8), 1)]
    assert rule.steps[1].advance_of == SUPPLIER
    assert rule.steps[1].share == WHOLE
    assert b'"effective_until":"2026-12-31T16:00:00Z"' in written


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_guide_s_example_gives_the_numbers_that_it_says(language: str) -> None:
    page = Path(f"docs/{language}/guides/split-rules.md").read_text(encoding="utf-8")
    found = written.read(page.split("```yaml\n")[1].split("```")[0].encode(), as_yaml=True)
    assert not isinstance(found, Problem)
    example = parse(found.value)
    assert isinstance(example, Draft)
    rule = understand(steps_of(example, SUPPLIER, {}), "CNY", "Asia/Shanghai")
    assert check(rule, least_units=300_000_000) == []
    one, two = (Sold(UUID(int=n), "2026-01", 300_000_000) for n in (1, 2))
    amounts = []
    for sold in ([one, two], [one, two, replace(two, units=-two.units)]):
        sums: dict[str, int] = {}
        for part in apply(rule, sold):
            sums[part.key.step] = sums.get(part.key.step, 0) + part.cumulative
        amounts.append(list(sums.values()))
    assert amounts == [[2_000_000, 40_000_000, 558_000_000], [1_000_000, 30_000_000, 269_000_000]]
    assert "558.00" in page
    assert "269.00" in page
