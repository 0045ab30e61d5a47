from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from exchange.kernel.errors import Problem
from pricing import plans
from pricing.checks import check
from pricing.components import Plan
from pricing.explain import recompute
from pricing.price_rows import rows
from pricing.rating import bill, price_now
from pricing.words import describe

NOW = datetime(2026, 1, 15, 8, tzinfo=UTC)


def milestone(name: str, **model: Any) -> dict[str, Any]:
    title = {"en": f"Stage {name}", "zh": f"阶段 {name}"}
    return {"id": name, "title": title, "meter": None, "period": None, "model": {"type": "milestone", **model}}


def document(*components: dict[str, Any]) -> dict[str, Any]:
    return {"type": "plan", "v": 1, "currency": "CNY", "time_zone": "Asia/Shanghai", "components": list(components)}


STAGES = document(
    milestone("sample", amount="200", after_days=14, escrow=True),
    milestone("bulk", amount="800.50"),
    milestone("support", amount="50", due="date", after_days=90),
)


def plan(said: dict[str, Any]) -> Plan:
    return plans.load(said)


def test_nothing_is_due_at_the_order_and_each_milestone_once_when_it_is_reached() -> None:
    one = plan(STAGES)
    assert price_now(one) == []
    assert one.due_now_total.units == 0
    until = datetime(2026, 2, 1, tzinfo=UTC)
    (life,) = one.periods(NOW, until)
    assert bill(one, [(life, {})], {}, until=until) == []
    reached = {"milestone/sample": Decimal(1), "milestone/support": Decimal(1)}
    dues = bill(one, [(life, reached)], {}, until=until)
    assert [(due.line.id, due.amount.units) for due in dues] == [("sample", 200_000_000), ("support", 50_000_000)]
    assert bill(one, [(life, reached)], {due.line.key: due.amount.units for due in dues}, until=until) == []
    for due in dues:
        explained = due.line.explain()
        assert recompute(explained) == due.amount
    assert dues[0].line.explain()["text"] == {
        "en": "milestone accepted: 200 = 200.00 CNY",
        "zh": "里程碑已验收：200 = 200.00 CNY",
    }


def test_words_rows_and_checks_know_milestones() -> None:
    one = plan(STAGES)
    said = describe(one)
    english = " ".join(str(sentence.en) for sentence in said)
    chinese = " ".join(str(sentence.zh) for sentence in said)
    assert "CNY 200.00 when you accept this milestone, to be done within 14 days; the money is reserved" in english
    assert "CNY 50.00 on day 90 after you order" in english
    assert "该里程碑验收后支付" in chinese
    assert [row.amount for row in rows(one)] == ["200", "800.5", "50"]
    assert "never-charges" not in [note.fields["code"] for note in check(one)]
    free = plan(document(milestone("a", amount="0")))
    assert "never-charges" in [note.fields["code"] for note in check(free)]


@pytest.mark.parametrize(
    ("model", "field"),
    [
        ({"amount": "5", "due": "date"}, "/components/0/model/after_days"),
        ({"amount": "5", "escrow": True}, "/components/0/model/after_days"),
        ({"amount": "5", "due": "date", "after_days": 3, "escrow": True}, "/components/0/model/escrow"),
        ({"amount": "5", "due": "never"}, "/components/0/model/due"),
        ({}, "/components/0/model/amount"),
    ],
)
def test_what_makes_no_sense_is_refused_at_its_field(model: dict[str, Any], field: str) -> None:
    found = plans.parse(document(milestone("a", **model)))
    assert not isinstance(found, Plan)
    problems = [found] if isinstance(found, Problem) else list(found)
    assert field in [one.fields["field"] for one in problems]
