"""Filters of events: none is missed, few others are suspected, and what is kept is what was made."""

from __future__ import annotations

import numpy as np
import pytest

from exchange.access import filters


def keys(count: int, seed: int) -> np.ndarray:
    return filters.read_keys(np.random.default_rng(seed).bytes(count * filters.KEY_BYTES))


@pytest.mark.parametrize("count", [0, 1, 127, 50_000])
def test_no_event_that_was_added_is_missed(count: int) -> None:
    events = filters.hashed(keys(count, 1))
    words = filters.new_filter(count)
    filters.add(words, events)
    again = filters.from_bytes(filters.to_bytes(words))
    assert filters.may_hold(again, events).all()
    assert (again == words).all()


def test_few_others_are_suspected_even_of_ids_that_count_up() -> None:
    counted = np.zeros(100_000, filters.KEY)
    counted["source_id"], counted["low"] = 7, np.arange(100_000)
    words = filters.new_filter(len(counted))
    filters.add(words, filters.hashed(counted))
    others = counted.copy()
    others["low"] += 100_000
    assert filters.may_hold(words, filters.hashed(others)).mean() < 0.002
    others = counted.copy()
    others["source_id"] = 8
    assert filters.may_hold(words, filters.hashed(others)).mean() < 0.002


def test_filters_grow_with_their_events() -> None:
    assert [len(filters.new_filter(n)) for n in (0, 128, 129, 2_000_000)] == [64, 64, 128, 1 << 20]


def mixed(x: int) -> int:
    """The finalizer in plain integers."""
    whole = (1 << 64) - 1
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9 & whole
    x = (x ^ (x >> 27)) * 0x94D049BB133111EB & whole
    return x ^ (x >> 31)


def test_hashes_stay_what_they_are() -> None:
    """Filters are kept: another hash would find nothing in them."""
    whole, golden = (1 << 64) - 1, 0x9E3779B97F4A7C15
    one = np.zeros(1, filters.KEY)
    one["source_id"], one["high"], one["low"] = 7, 2**63 + 5, 3
    expected = mixed(mixed((2**63 + 5) ^ (7 * golden & whole)) ^ (3 + golden & whole))
    assert filters.hashes_of(one).tolist() == [expected]
    assert mixed(0) == 0
    # Worked out once; the two sides above could be wrong together.
    assert expected == 17046351713814008622
