from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
import pytest

from exchange.kernel.errors import Problem
from settlement import mandates
from settlement.mandates import Claim, Mandate, MandateWish, claim, end_early, make, months_after, standing
from settlement.waterfall import WHOLE

SUPPLIER, BROKER, OTHER, BUYER = (UUID(int=n) for n in range(1, 5))
NOW = datetime(2026, 1, 15, 8, tzinfo=UTC)


def wish(**more: object) -> MandateWish:
    asked = MandateWish(BROKER, "7.5", NOW, NOW + timedelta(days=30), 6)
    return MandateWish(**{name: more.get(name, getattr(asked, name)) for name in MandateWish.__dataclass_fields__})


def mandate(broker: UUID = BROKER, number: int = 10, days: int = 30, tail: int = 6) -> Mandate:
    made = make(
        UUID(int=number), SUPPLIER, wish(broker_id=broker, ends_at=NOW + timedelta(days=days), tail_months=tail), NOW
    )
    assert isinstance(made, Mandate)
    return made


def claimed(one: Mandate, *others: Claim, at: datetime = NOW, number: int = 50) -> Claim | Problem:
    return claim(one, UUID(int=number), BUYER, b"e" * 32, others, at)


@pytest.mark.parametrize(
    ("at", "months", "expected"),
    [
        (datetime(2026, 1, 31, tzinfo=UTC), 1, datetime(2026, 2, 28, tzinfo=UTC)),
        (datetime(2027, 8, 31, 5, tzinfo=UTC), 6, datetime(2028, 2, 29, 5, tzinfo=UTC)),
        (datetime(2026, 11, 15, tzinfo=UTC), 14, datetime(2028, 1, 15, tzinfo=UTC)),
        (datetime(2026, 12, 31, tzinfo=UTC), 0, datetime(2026, 12, 31, tzinfo=UTC)),
    ],
)
def test_months_after_end_at_the_last_day_of_a_shorter_month(at: datetime, months: int, expected: datetime) -> None:
    assert months_after(at, months) == expected


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"percent": "0"}, "percent"),
        ({"percent": "100.000001"}, "percent"),
        ({"percent": "-1"}, "percent"),
        ({"broker_id": SUPPLIER}, "broker"),
        ({"ends_at": NOW}, "ends_at"),
        ({"ends_at": NOW + timedelta(days=8_000)}, "ends_at"),
        ({"starts_at": NOW - timedelta(days=9), "ends_at": NOW - timedelta(days=1)}, "ends_at"),
        ({"tail_months": 61}, "tail_months"),
    ],
)
def test_a_mandate_that_cannot_be_is_refused_at_its_field(change: dict[str, object], field: str) -> None:
    found = make(UUID(int=9), SUPPLIER, wish(**change), NOW)
    assert isinstance(found, Problem)
    assert (found.slug, found.fields["field"]) == ("mandate-invalid", field)


def test_a_mandate_begins_no_earlier_than_it_was_written_and_says_so() -> None:
    made = make(UUID(int=9), SUPPLIER, wish(starts_at=NOW - timedelta(days=20)), NOW)
    assert isinstance(made, Mandate)
    assert (made.starts_at, made.share) == (NOW, WHOLE * 75 // 1000)
    document = msgspec.json.decode(mandates.write(made))
    assert (document["percent"], document["tail_until"]) == ("7.50", "2026-08-14T08:00:00Z")


def test_the_first_claim_in_force_wins_until_its_tail_is_over() -> None:
    first = claimed(mandate(tail=1))
    assert isinstance(first, Claim)
    rival = mandate(OTHER, 11, days=300)
    refused = claimed(rival, first, at=NOW + timedelta(days=1))
    assert isinstance(refused, Problem)
    assert (refused.slug, refused.fields["until"]) == ("buyer-claimed", "2026-03-14T08:00:00Z")
    later = claimed(rival, first, at=first.stands_until, number=51)
    assert isinstance(later, Claim)
    assert standing([later, first], NOW) == first
    assert standing([later, first], first.stands_until) == later
    assert standing([later, first], NOW - timedelta(seconds=1)) is None


def test_a_broker_renews_its_own_claim_under_a_newer_mandate_only() -> None:
    one = mandate()
    first = claimed(one)
    assert isinstance(first, Claim)
    assert isinstance(claimed(one, first), Problem)
    assert isinstance(claimed(mandate(BROKER, 12), first, number=52), Claim)


def test_buyers_are_claimed_within_the_term_and_not_in_its_tail() -> None:
    one = mandate()
    for at in (one.starts_at - timedelta(seconds=1), one.ends_at, one.tail_until):
        refused = claimed(one, at=at)
        assert isinstance(refused, Problem)
        assert refused.slug == "mandate-not-in-force"


def test_an_early_end_keeps_the_tail_that_was_agreed_and_never_makes_it_longer() -> None:
    one = mandate(days=30, tail=6)
    ended = end_early(one, NOW + timedelta(days=10))
    assert isinstance(ended, Mandate)
    assert (ended.ends_at, ended.tail_until) == (NOW + timedelta(days=10), datetime(2026, 7, 25, 8, tzinfo=UTC))
    assert ended.ended_early
    assert not ended.runs(NOW + timedelta(days=10))
    # The last of January plus a month is the last of February; from the 30th of March it is not two days more.
    short = mandates.Mandate(
        UUID(int=9), SUPPLIER, BROKER, 1, NOW, datetime(2026, 1, 31, tzinfo=UTC), datetime(2026, 2, 28, tzinfo=UTC), NOW
    )
    again = end_early(short, datetime(2026, 1, 30, tzinfo=UTC))
    assert isinstance(again, Mandate)
    assert again.tail_until == datetime(2026, 2, 28, tzinfo=UTC)
    late = end_early(one, one.ends_at)
    assert isinstance(late, Problem)
    assert late.slug == "mandate-not-in-force"
