"""What concerns more organisations than one entry of the log takes is told in several."""

from __future__ import annotations

from datetime import UTC, date, datetime
from uuid import UUID

from compliance.entries import envelope
from exchange.access.store.usage import Claim, Source
from exchange.flows import seal_usage
from exchange.flows.correct_usage import logged
from tests.support.settlement_market import actor

MANY = [UUID(int=n) for n in range(1, 701)]


def test_a_day_with_many_who_reported_twice_is_sealed() -> None:
    entries = seal_usage._put_aside(date(2026, 1, 15), MANY)
    assert [len(one.concerns) for one in entries] == [255, 255, 190]
    assert {who for one in entries for who in one.concerns} == set(MANY)
    assert {one.object_version for one in entries} == {"events-700"}
    assert seal_usage._put_aside(date(2026, 1, 15), []) == []
    for n, one in enumerate(entries):
        assert envelope(one, datetime(2026, 1, 15, tzinfo=UTC), UUID(int=n))


def test_corrections_of_many_buyers_usage_are_logged() -> None:
    claim = Claim(UUID(int=9), Source(1, UUID(int=8)), "batch", bytes(32), 700, b"{}")
    entries = logged(claim, actor(UUID(int=8)), MANY)
    assert {who for one in entries for who in one.concerns} == set(MANY)
    assert {(one.object_id, one.digests["body"]) for one in entries} == {(entries[0].object_id, bytes(32))}
    assert len(logged(claim, actor(UUID(int=8)), [])) == 1
