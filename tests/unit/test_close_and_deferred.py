"""The checklist of a month, the proof of clients' money, and revenue by the day: values in, values out."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.kernel.money import Money
from exchange.kernel.text import Text
from settlement.accounts import AccountKind
from settlement.close_points import Facts, Papers, Point, check
from settlement.deferred import Sold, defer, totals
from settlement.proof import CLIENTS, OWED, OWN, PLACES, PlaceProof, Proof, Stated, Timing

NOW = datetime(2026, 2, 3, tzinfo=UTC)
END = datetime(2026, 2, 1, tzinfo=UTC)
DAY = timedelta(days=1)
ZERO = Money.zero("CNY")
READY = Facts(END, True, None, True, NOW, 0, None, ZERO, ZERO, True, 0, None)


@pytest.mark.parametrize(
    ("point", "change"),
    [
        (Point.RUNS, {"settled": False}),
        (Point.RUNS, {"open_run": "run_1"}),
        (Point.RECONCILED, {"waiting": 1}),
        (Point.RECONCILED, {"looked_at": END - DAY}),
        (Point.RECONCILED, {"looked_at": None}),
        (Point.NO_STOP, {"stopped": "txn_1"}),
        (Point.PROVED, {"proof_difference": None}),
        (Point.PROVED, {"proof_difference": Money(1, "CNY")}),
        (Point.PROVED, {"proof_short": Money(1, "CNY")}),
        (Point.PROVED, {"proof_complete": False}),
        (Point.SUSPENSE, {"unclaimed": 1, "oldest_unclaimed": END - 31 * DAY}),
        (Point.DOCUMENTS, {"papers": Papers(missing=1, reasons=("agreement",))}),
        (Point.DOCUMENTS, {"papers": Papers(refunds=1)}),
    ],
)
def test_each_point_alone_keeps_a_month_open(point: Point, change: dict[str, object]) -> None:
    assert all(one.ready for one in check(READY))
    assert [one.point for one in check(replace(READY, **change)) if not one.ready] == [point]  # type: ignore[arg-type]


def test_what_does_not_apply_keeps_nothing_open() -> None:
    plain = replace(READY, uses_provider=False, looked_at=None, unclaimed=2, oldest_unclaimed=END - 3 * DAY)
    assert all(one.ready for one in check(plain))
    # No paper is ever written on what rules with a memory split; the list says so and closes.
    said = {one.point: one for one in check(replace(READY, papers=Papers(by_rule=2)))}
    assert said[Point.DOCUMENTS].ready
    assert said[Point.DOCUMENTS].said.en.startswith("2 accounts of shares by split rules")
    assert {one.point: one.said for one in check(READY)}[Point.DOCUMENTS] == Text("all out", "均已开具")


def test_every_kind_of_account_has_its_side_in_the_proof() -> None:
    sides = [*CLIENTS, *PLACES, *OWED, *OWN]
    assert sorted(sides) == sorted(AccountKind)


def proof(stated: int | None, ledger: int, theirs: int = 0, ours: int = 0, **sums: int) -> Proof:
    kinds = {AccountKind(name): units for name, units in sums.items()} | {AccountKind.STRIPE: -ledger}
    said = Stated(AccountKind.STRIPE, Money(stated, "CNY"), NOW, "provider", NOW) if stated is not None else None
    place = PlaceProof(AccountKind.STRIPE, Money(ledger, "CNY"), said, Timing(1, theirs), Timing(1, ours))
    return Proof(date(2026, 2, 3), "CNY", NOW, kinds, [place])


def test_a_difference_is_what_no_name_explains() -> None:
    assert proof(100, 100).difference == 0
    assert proof(93, 100, theirs=-7).difference == 0
    assert proof(70, 100, ours=30).difference == 0
    assert proof(93, 100).difference == 7
    assert [proof(None, held).complete for held in (0, 100)] == [True, False]
    document = msgspec.json.decode(proof(93_000_000, 100_000_000, theirs=-6_000_000).document())
    assert (document["difference"], document["places"][0]["difference"]) == ("1.00", "-1.00")


def test_money_that_left_without_a_reason_covers_nobody() -> None:
    assert proof(100, 100, wallet=90, revenue=10).short == 0
    assert proof(80, 80, wallet=90, revenue=10, fees=-20).short == 10
    # 20 went out and nobody said why: they are no one's cover.
    assert proof(80, 80, wallet=90, revenue=10, suspense=-20).short == 10
    assert proof(100, 100, wallet=80, revenue=0, suspense=20).short == 0


def sold(days: int, amount: int = 30_000_000, own: int = 4_500_000) -> Sold:
    return Sold("charge", UUID(int=1), "CNY", END, END + days * DAY, amount, own)


def test_a_day_begun_is_earned_when_it_is_over() -> None:
    one = defer(sold(30), END + 10 * DAY + timedelta(hours=23))
    assert one is not None
    assert (one.days_left, one.days, one.gross, one.net) == (20, 30, 20_000_000, 3_000_000)
    assert defer(sold(30), END + 30 * DAY) is None
    assert defer(replace(sold(30), ends_at=None), END) is None
    whole = defer(sold(30), END - 5 * DAY)
    assert whole is not None
    assert (whole.gross, whole.days_left) == (30_000_000, 30)
    assert [(one.sales, one.gross) for one in totals([whole, whole])] == [(2, 60_000_000)]


@given(st.integers(1, 800), st.integers(-(10**12), 10**12), st.integers(-5, 805), st.integers(0, 86_399))
def test_what_is_deferred_falls_to_nothing_and_a_correction_undoes_it(
    days: int, amount: int, gone: int, s: int
) -> None:
    at = END + gone * DAY + timedelta(seconds=s)
    now, next_day = (defer(sold(days, amount, amount), moment) for moment in (at, at + DAY))
    left, later = (abs(one.gross) if one else 0 for one in (now, next_day))
    assert 0 <= later <= left <= abs(amount)
    back = defer(sold(days, -amount, -amount), at)
    assert (now.gross if now else 0) + (back.gross if back else 0) == 0
