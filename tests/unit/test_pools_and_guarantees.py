from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement.guarantees import Month, due, topped_up
from settlement.pools import By, PoolWish, month_window, parts, refusal, to_give

NOW = datetime(2026, 1, 15, 8, tzinfo=UTC)
WEIGHTS = st.lists(st.integers(1, 10**22), min_size=1, max_size=12)


@given(st.integers(0, 10**15), WEIGHTS, st.integers(0, 10**22))
def test_parts_of_a_pool_sum_to_it_and_are_each_within_a_unit_of_their_share(
    total: int, weights: list[int], nobodys: int
) -> None:
    named = [(UUID(int=n), weight) for n, weight in enumerate(weights)]
    whole = sum(weights) + nobodys
    found = parts(total, named, whole)
    assert sum(one.amount for one in found) == total * sum(weights) // whole
    assert all(abs(one.amount * whole - total * one.weight) < whole for one in found)
    assert found == parts(total, list(reversed(named)), whole)


def test_a_month_begins_and_ends_in_its_time_zone() -> None:
    window = month_window("2026-12", "Asia/Shanghai")
    assert window == (datetime(2026, 11, 30, 16, tzinfo=UTC), datetime(2026, 12, 31, 16, tzinfo=UTC))
    assert [month_window(text, "UTC") for text in ("2026-13", "2026-1", "x", "2026-01-01")] == [None] * 4


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"percent": "0"}, "percent"),
        ({"percent": "100.1"}, "percent"),
        ({"currency": "yuan"}, "currency"),
        ({"time_zone": "Mars/Base"}, "time_zone"),
        ({"from_month": "2026-00"}, "from_month"),
        ({"from_month": "2025-12"}, "from_month"),
        ({"by": By.VECTOR}, "vector"),
        ({"vector_id": UUID(int=1)}, "vector"),
    ],
)
def test_what_is_no_policy_is_refused(change: dict[str, object], field: str) -> None:
    wish = {"currency": "CNY", "from_month": "2026-01", "by": By.SALES}
    assert refusal(PoolWish(**wish), NOW) is None  # type: ignore[arg-type]
    problem = refusal(PoolWish(**{**wish, **change}), NOW)  # type: ignore[arg-type]
    assert problem is not None
    assert (problem.slug, problem.fields["field"]) == ("pool-policy-invalid", field)


def test_a_pool_that_owes_gives_nothing() -> None:
    assert (to_give(-5, 100_000_000), to_give(99, 50_000_000)) == (0, 49)


def month(got: int, promised: int = 100, *, recouped: bool = True) -> Month:
    return Month("2026-01", promised, got, recouped)


def test_good_months_earn_back_what_bad_ones_were_topped_up() -> None:
    found = topped_up([month(40), month(100), month(130), month(500), month(0)])
    assert [one.cumulative for one in found] == [60, 0, -30, -30, 100]
    assert [one.outstanding for one in found] == [0, 60, 60, 30, 0]
    kept = topped_up([month(40, recouped=False), month(500, recouped=False)])
    assert [one.cumulative for one in kept] == [60, 0]


@given(st.lists(st.integers(-500, 500), max_size=20), st.booleans())
def test_no_month_leaves_a_payee_below_its_promise_and_none_earns_back_more_than_was_paid(
    gave: list[int], recouped: bool
) -> None:
    for one in topped_up([month(got, recouped=recouped) for got in gave]):
        assert max(one.month.got, 0) + one.cumulative >= min(100, max(one.month.got, 0) + 100)
        assert one.outstanding >= 0
        assert one.cumulative >= -one.outstanding


def test_what_went_back_beyond_what_came_in_is_not_made_good() -> None:
    assert due(100, -40, 0, recouped=False) == 100
