"""Meters that suppliers bring in: their numbers in rows, their names everywhere else."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest

from exchange.access import tokens
from exchange.access.meters import BadMeter, Meter
from exchange.access.reads import Read
from exchange.access.settings import AccessSettings
from exchange.access.store import course, grants, meters, quota, roots, seal, usage
from exchange.access.store.usage import Source
from exchange.access.usage import GrantCache, read_events
from exchange.flows.access_data import access_data
from exchange.flows.ingest_usage import Report, ingest_usage
from exchange.flows.seal_usage import root_usage, seal_usage
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Database
from exchange.kernel.errors import Problem
from tests.support.access import BUYER, SELLER, claims_of, open_market

SETTINGS = AccessSettings()
TODAY = date(2026, 1, 15)
KEYS = ("tokens/medical", "x_gpu_hours")
ACTOR = Actor(BUYER, UUID(int=1), frozenset(), frozenset(), "x")


async def brought_in(database: Database, *keys: str, by: UUID = SELLER) -> Any:
    return await database.run(lambda tx: meters.register(tx, keys, by))


def events(grant: Any, said: list[tuple[str, int]], at: datetime) -> list[dict[str, Any]]:
    return [
        {
            "id": str(UUID(int=number + 1)),
            "subject": ids.text("grt", grant.id),
            "time": at.isoformat(),
            "data": {"meter": meter, "value": value},
        }
        for number, (meter, value) in enumerate(said)
    ]


async def report(database: Database, said: list[dict[str, Any]]) -> dict[str, Any]:
    number = await database.run(lambda tx: usage.register_source(tx, SELLER, UUID(int=4)))
    body = msgspec.json.encode(said)
    read = read_events(body, SETTINGS)
    assert not isinstance(read, Problem)
    one = Report(Source(number, SELLER), "a", hashlib.sha256(body).digest(), read)
    (answer,) = await database.run(lambda tx: ingest_usage(tx, [one], known=GrantCache(10), settings=SETTINGS))
    told: dict[str, Any] = msgspec.json.decode(answer.answer)
    return told


async def test_a_key_has_one_number_for_good(database):
    assert await brought_in(database, *KEYS, "tokens") is None
    first = dict(await database.run(lambda tx: meters.numbers_of(tx, KEYS)))
    assert sorted(first[key] for key in KEYS) == [1000, 1001]
    # Again, by others, with more: nothing moves, and no number is used up by what was there.
    assert await brought_in(database, *KEYS, "x_later", by=BUYER) is None
    again = dict(await database.run(lambda tx: meters.numbers_of(tx, [*KEYS, "x_later"])))
    assert {key: again[key] for key in KEYS} == {key: first[key] for key in KEYS}
    assert again["x_later"] == 1002
    names = await database.run(lambda tx: meters.keys_of(tx, [1, 1000, 1002]))
    assert (names[1], names[1000], names[1002]) == ("bytes", "tokens/medical", "x_later")


async def test_many_who_bring_in_the_same_key_at_once_get_one_number(database):
    assert (
        await asyncio.gather(*[brought_in(database, "x_shared", by=UUID(int=90 + n)) for n in range(8)]) == [None] * 8
    )
    count = await database.run(lambda tx: _count(tx))
    assert count == 1


async def _count(tx: Any) -> int:
    return int(await (await tx.driver()).fetchval("SELECT count(*) FROM access.custom_meter"))


async def test_what_was_rolled_back_is_not_remembered(database):
    async def failing(tx):
        await meters.register(tx, ["x_never"], SELLER)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await database.run(failing)
    with pytest.raises(BadMeter):
        await database.run(lambda tx: meters.numbers_of(tx, ["x_never"]))


async def test_one_organisation_brings_in_only_so_many(database):
    assert await brought_in(database, *[f"x_{n}" for n in range(meters.CUSTOM_MAX)]) is None
    refused = await brought_in(database, "x_one_more")
    assert isinstance(refused, Problem)
    assert refused.slug == "meters-too-many"
    assert await brought_in(database, "x_one_more", by=BUYER) is None
    # What is there already costs nobody anything.
    assert await brought_in(database, "x_one_more") is None


async def test_reported_use_keeps_its_key_from_the_event_to_the_roll_up(database, clock):
    await brought_in(database, *KEYS)
    (grant,) = await open_market(database, {}, meters=(*KEYS, Meter.TOKENS))
    assert set(grant.meters) == {*KEYS, "tokens"}
    said = [
        ("tokens/medical", 40),
        ("x_gpu_hours", 3),
        ("tokens", 2),
        ("tokens/legal", 1),
        ("x_gpu_hours", 4),
        ("Miles", 1),
    ]
    told = await report(database, events(grant, said, clock.now()))
    assert told["accepted"] == 4
    assert [(one["index"], one["type"]) for one in told["refused"]] == [
        (3, "usage-meter-unknown"),
        (5, "usage-event-malformed"),
    ]
    expected = {"tokens/medical": 40, "x_gpu_hours": 7, "tokens": 2}
    assert await totals(database) == expected
    clock.advance(18 * 3600)
    for _ in range(3):
        await database.run(lambda tx: seal_usage(tx, TODAY, settings=SETTINGS))
    assert await database.run(lambda tx: root_usage(tx, TODAY)) == 1
    assert await totals(database) == expected
    async with database.read(ACTOR) as tx:
        rows = await seal.usage_of(tx, ACTOR, grant.id, datetime(2026, 1, 15, tzinfo=UTC), clock.now())
        seen = await grants.grant(tx, ACTOR, grant.id)
        (root,) = await seal.roots_of(tx, ACTOR, grant.id, TODAY, TODAY + timedelta(days=1))
    assert {meter: quantity for _, meter, quantity, _ in rows} == expected
    assert seen == grant
    leaves = await database.run(lambda tx: roots.leaves(tx, TODAY, root.source_id, grant.id))
    assert sorted(msgspec.json.decode(one)["meter"] for one in leaves) == sorted([*expected, "x_gpu_hours"])
    traced = await database.run(lambda tx: course.course_of(tx, grant.order_id))
    assert {one.meter: one.quantity for one in traced.used} == expected


async def totals(database: Database) -> dict[str, int]:
    now = database.clock.now()
    found = await database.run(lambda tx: seal.usage_totals(tx, now - timedelta(days=2), now + timedelta(days=1)))
    return {one.meter: one.quantity for one in found}


async def test_a_quota_of_a_data_class_holds(database, clock, keyring):
    await brought_in(database, *KEYS)
    (grant,) = await open_market(database, {"tokens/medical": 10}, meters=("bytes", "tokens/medical"))

    def wish(units: int) -> Read:
        return Read(claims_of(grant), "training", (("bytes", 5), ("tokens/medical", units)), known=True)

    flow = database.run
    first, second = await flow(lambda tx: access_data(tx, [wish(8), wish(3)], holder=UUID(int=7), settings=SETTINGS))
    assert not isinstance(first, Problem)
    assert isinstance(second, Problem)
    assert (second.slug, second.fields["meter"]) == ("quota-exhausted", "tokens/medical")
    assert await totals(database) == {"bytes": 5, "tokens/medical": 8}
    assert await database.run(quota.drift) == []
    async with database.read(ACTOR) as tx:
        (left,) = await course.quota_left(tx, ACTOR, grant)
    assert (left.meter, left.used, left.left) == ("tokens/medical", 8, 2)


async def test_a_token_names_the_keys(keyring, database, clock):
    await brought_in(database, *KEYS)
    (grant,) = await open_market(database, {}, meters=KEYS)
    now = clock.now()
    text, _ = tokens.issue(keyring, grant, jti=UUID(int=5), issuer="i", audience="data", now=now, settings=SETTINGS)
    verifier = tokens.TokenVerifier(keyring, issuer="i", audience="data", settings=SETTINGS)
    assert verifier.verify(text, now).meters == KEYS


async def test_a_grant_of_a_key_nobody_brought_in_is_a_defect(database):
    with pytest.raises(BadMeter):
        await open_market(database, {}, meters=("x_unheard_of",))
