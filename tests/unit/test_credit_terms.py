"""Credit terms: how old debts are, and what may stand on an invoice as a purchase order."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from exchange.kernel import ids
from settlement.credit import ageing, purchase_order_possible

NOON = datetime(2026, 1, 14, 12, tzinfo=UTC)
ONE, TWO = ids.derived(NOON, 1), ids.derived(NOON, 2)
DAY = date(2026, 5, 1)


def test_a_debt_ages_by_days_over_due() -> None:
    days = (-5, 0, 1, 30, 31, 60, 61, 90, 91)
    found = ageing([(ONE, "EUR", DAY - timedelta(days=n), 1) for n in days] + [(TWO, "EUR", DAY, 99)], DAY)
    assert [(one.buyer_id, one.by_age, one.total) for one in found] == [
        (TWO, (99, 0, 0, 0, 0), 99),
        (ONE, (2, 2, 2, 2, 1), 9),
    ]


@given(
    st.lists(st.tuples(st.sampled_from([ONE, TWO]), st.sampled_from("EC"), st.integers(-400, 400), st.integers(1, 9)))
)
def test_nothing_is_lost_between_ages(owed: list[tuple[object, str, int, int]]) -> None:
    rows = [(buyer, currency, DAY - timedelta(days=n), units) for buyer, currency, n, units in owed]
    assert sum(one.total for one in ageing(rows, DAY)) == sum(units for *_, units in rows)  # type: ignore[arg-type]


def test_a_purchase_order_number_is_a_printable_text() -> None:
    good = ["PO-4711", "采购 2026/7", "x", "a" * 100]
    assert [one for one in good if not purchase_order_possible(one)] == []
    assert [one for one in ("", " x", "x ", "a\nb", "a\u202eb", "a" * 101) if purchase_order_possible(one)] == []
