from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.kernel.ids import PLACES, DerivedIds, derived

AT = datetime(2026, 2, 1, 0, 10, 0, 123_000, tzinfo=UTC)
RUN = UUID(int=7)


@given(st.integers(0, PLACES - 1), st.lists(st.text() | st.integers() | st.uuids() | st.none()))
def test_a_derived_id_is_a_uuid_7_of_its_moment_and_always_the_same(place: int, what: list[object]) -> None:
    for made in (derived(AT, *what), derived(AT, *what, place=place)):
        assert (made.version, made.variant) == (7, UUID(int=0x8 << 60).variant)
        assert made.int >> 80 == 1_769_904_600_123
    assert derived(AT, *what, place=place) == derived(AT, *what, place=place)


@given(st.integers(0, PLACES - 1), st.integers(0, PLACES - 1))
def test_ids_of_one_moment_lie_in_the_order_of_their_places(one: int, other: int) -> None:
    first, second = derived(AT, RUN, "charge", one, place=one), derived(AT, RUN, "invoice", other, place=other)
    if one != other:
        assert (first < second) == (one < other)
    assert derived(AT + timedelta(milliseconds=1), RUN, place=0) > max(first, second)


def test_other_words_give_another_id() -> None:
    made = {
        derived(AT, *what)
        for what in ((RUN, "a"), (RUN, "b"), ("a", RUN), (RUN, "a", 1), (RUN, "a", "1", None), (RUN,))
    }
    assert len(made) == 6


def test_a_part_has_room_for_so_many_ids_and_no_more() -> None:
    first = DerivedIds(AT, RUN, place=3, room=2)
    again = DerivedIds(AT, RUN, place=3, room=2)
    made = [first.new(AT), first.new(AT + timedelta(days=1))]
    assert made == [again.new(AT), again.new(AT)] == sorted(made)
    with pytest.raises(ValueError, match="more ids"):
        first.new(AT)
    for place in (-1, PLACES):
        with pytest.raises(ValueError, match="place"):
            derived(AT, place=place)
