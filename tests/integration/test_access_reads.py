from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest

from compliance import directive_store
from exchange.access.meters import NUMBERS, Meter
from exchange.access.reads import Admitted, Sent
from exchange.access.settings import AccessSettings
from exchange.access.store import grants, quota
from exchange.flows.access_data import (
    access_data,
    record_usage,
    release_leases,
    renew_leases,
    settle_leases,
)
from exchange.kernel.db import Database, DatabaseUrls
from exchange.kernel.errors import Problem
from tests.support.access import BUYER, claims_of, open_market, read
from tests.support.directives import standing

SETTINGS = AccessSettings(lease_ttl_s=60)
HERE, THERE = UUID(int=501), UUID(int=502)


async def admit(database, *reads, holder=HERE, settings=SETTINGS):
    return await database.run(lambda tx: access_data(tx, list(reads), holder=holder, settings=settings))


async def record(database, *sent):
    return await database.run(lambda tx: record_usage(tx, list(sent), settings=SETTINGS))


async def used(database: Database, grant_id: UUID, meter: Meter) -> int:
    async def flow(tx):
        driver = await tx.driver()
        return int(
            await driver.fetchval(
                "SELECT coalesce(sum(quantity), 0) FROM access.usage_record WHERE grant_id = $1 AND meter = $2",
                grant_id,
                NUMBERS[meter],
            )
        )

    return await database.run(flow)


async def drift(database):
    return list(await database.run(quota.drift))


def slugs(answers):
    return [one.slug if isinstance(one, Problem) else "ok" for one in answers]


async def test_a_read_of_known_size_is_on_record_at_once(database):
    (grant,) = await open_market(database, {})
    (answer,) = await admit(database, read(grant, bytes=100, records=2, requests=1))
    assert isinstance(answer, Admitted)
    assert answer.hold is None
    assert (await used(database, grant.id, Meter.BYTES), await used(database, grant.id, Meter.RECORDS)) == (100, 2)
    # Requests are not a meter of this grant: not counted.
    assert await used(database, grant.id, Meter.REQUESTS) == 0


async def test_every_refusal(database, clock):
    one, two, three, later = await open_market(database, {"records": 10}, 4)
    (future,) = await open_market(database, {}, starts_at=clock.now() + timedelta(hours=1))
    jti = database.ids.new(clock.now())

    async def prepare(tx):
        await grants.suspend(tx, [two.id])
        await grants.end(tx, [three.id])
        await grants.insert_tokens(tx, [(jti, one, clock.now() + timedelta(days=1))])
        assert await grants.revoke_tokens(tx, [jti], BUYER) == {jti}
        assert await grants.revoke_tokens(tx, [jti], BUYER) == set()
        await directive_store.put_directive(
            tx,
            standing(UUID(int=70), "freeze", ("grant", later.id), UUID(int=71), tx.now),
        )

    await database.run(prepare)
    revoked = replace(read(one, records=1), claims=claims_of(one, jti))
    foreign = replace(read(one, records=1), claims=replace(claims_of(one), buyer_id=UUID(int=8)))
    unknown = replace(read(one, records=1), claims=replace(claims_of(one), grant_id=UUID(int=9)))
    answers = await admit(
        database,
        read(one, records=1),
        read(two, records=1),
        read(three, records=1),
        read(future, records=1),
        read(later, records=1),
        read(one, purpose="resale", records=1),
        revoked,
        foreign,
        unknown,
        read(one, records=10),
        read(one, records=9),
    )
    assert slugs(answers) == [
        "ok",
        "grant-suspended",
        "grant-ended",
        "grant-not-started",
        "frozen-by-directive",
        "purpose-not-allowed",
        "data-token-invalid",
        "data-token-invalid",
        "data-token-invalid",
        "quota-exhausted",
        "ok",
    ]
    assert all(one.detail("zh") for one in answers if isinstance(one, Problem))
    assert await used(database, one.id, Meter.RECORDS) == 10
    assert await drift(database) == []


async def test_a_stream_holds_then_records_what_was_sent(database):
    (grant,) = await open_market(database, {"bytes": 1000})
    (admitted,) = await admit(database, read(grant, known=False, bytes=900, files=1))
    assert await used(database, grant.id, Meter.BYTES) == 0
    assert slugs(await admit(database, read(grant, bytes=101))) == ["quota-exhausted"]
    (part,) = await record(database, Sent(admitted.hold, ((Meter.BYTES, 300),), final=False))
    assert part.hold.parts[0].units == 600
    (done,) = await record(database, Sent(part.hold, ((Meter.BYTES, 200),)))
    assert done.hold is None
    assert await used(database, grant.id, Meter.BYTES) == 500
    assert slugs(await admit(database, read(grant, bytes=500), read(grant, bytes=1))) == ["ok", "quota-exhausted"]
    assert await drift(database) == []


async def test_another_process_takes_back_what_nobody_holds(database):
    (grant,) = await open_market(database, {"records": 6400})
    await admit(database, read(grant, records=1), holder=HERE)
    (held,) = await admit(database, read(grant, known=False, records=10), holder=HERE)
    # HERE leased ahead; THERE may still have every unit that is not used or held.
    assert slugs(await admit(database, read(grant, records=6389), holder=THERE)) == ["ok"]
    assert slugs(await admit(database, read(grant, records=1), holder=THERE)) == ["quota-exhausted"]
    assert slugs(await admit(database, read(grant, records=1), holder=HERE)) == ["quota-exhausted"]
    await record(database, Sent(held.hold, ((Meter.RECORDS, 4),)))
    assert slugs(await admit(database, read(grant, records=6), holder=THERE)) == ["ok"]
    assert await used(database, grant.id, Meter.RECORDS) == 6400
    assert await drift(database) == []


async def test_a_dead_holder_s_units_come_back(database, clock):
    (grant,) = await open_market(database, {"bytes": 1000})
    await admit(database, read(grant, bytes=100), read(grant, known=False, bytes=900))
    assert slugs(await admit(database, read(grant, bytes=1), holder=THERE)) == ["quota-exhausted"]
    clock.advance(61)
    assert slugs(await admit(database, read(grant, bytes=900), holder=THERE)) == ["ok"]
    assert await used(database, grant.id, Meter.BYTES) == 1000
    assert await drift(database) == []


async def test_settling_and_releasing_give_everything_back(database, clock):
    (grant,) = await open_market(database, {"bytes": 1000})
    (held,) = await admit(database, read(grant, known=False, bytes=500))
    await admit(database, read(grant, bytes=10), holder=THERE)
    assert await database.run(lambda tx: release_leases(tx, holder=THERE)) == 1
    clock.advance(40)
    assert await database.run(lambda tx: renew_leases(tx, holder=HERE, settings=SETTINGS)) == 1
    clock.advance(40)
    assert await database.run(settle_leases) == 0
    clock.advance(40)
    assert await database.run(settle_leases) == 1
    assert await drift(database) == []
    # The dead came back: what it sent is used all the same.
    await record(database, Sent(held.hold, ((Meter.BYTES, 500),)))
    assert await drift(database) == []
    assert slugs(await admit(database, read(grant, bytes=491))) == ["quota-exhausted"]
    assert slugs(await admit(database, read(grant, bytes=490))) == ["ok"]


async def test_a_month_has_its_own_quota(database, clock):
    (grant,) = await open_market(database, {"records": {"limit": 5, "period": "month"}})
    assert slugs(await admit(database, read(grant, records=5), read(grant, records=1))) == ["ok", "quota-exhausted"]
    clock.advance(31 * 86_400)
    assert slugs(await admit(database, read(grant, records=5))) == ["ok"]
    assert await drift(database) == []


async def test_the_quota_holds_under_parallel_readers_in_two_processes(database, database_url):
    limit, size = 3_000, 7
    (grant,) = await open_market(database, {"records": limit, "bytes": 10**9})
    other = Database(DatabaseUrls.from_one(database_url), database.clock)
    shuffle = random.Random(5)

    async def reader(db, holder):
        delivered = 0
        for _ in range(12):
            reads = [
                read(
                    grant, known=shuffle.random() < 0.6, records=shuffle.randint(1, size), bytes=shuffle.randint(1, 50)
                )
                for _ in range(shuffle.randint(1, 12))
            ]
            for wish, answer in zip(reads, await admit(db, *reads, holder=holder), strict=True):
                if isinstance(answer, Problem):
                    assert answer.slug == "quota-exhausted"
                elif answer.hold is None:
                    delivered += dict(wish.needs)[Meter.RECORDS]
                else:
                    sent = shuffle.randint(0, dict(wish.needs)[Meter.RECORDS])
                    await record(db, Sent(answer.hold, ((Meter.RECORDS, sent), (Meter.BYTES, 1))))
                    delivered += sent
        return delivered

    jobs = [reader(db, holder) for db, holder in ((database, HERE), (other, THERE)) for _ in range(6)]
    delivered = sum(await asyncio.gather(*jobs))
    assert delivered == await used(database, grant.id, Meter.RECORDS) <= limit
    # Every unit that was not used can be used now, from either side, to the last one.
    rest = limit - delivered
    if rest:
        assert slugs(await admit(other, read(grant, records=rest), holder=THERE)) == ["ok"]
    assert slugs(await admit(database, read(grant, records=1), holder=HERE)) == ["quota-exhausted"]
    assert await drift(database) == []
    await other.close()


async def test_a_batch_answers_as_one_by_one(database):
    together, alone = await open_market(database, {"records": 20, "bytes": 100}, 2)
    wishes = [(9, 10), (30, 1), (9, 95), (5, 10), (3, 10), (1, 1)]
    batch = await admit(database, *[read(together, records=r, bytes=b) for r, b in wishes])
    single = [(await admit(database, read(alone, records=r, bytes=b)))[0] for r, b in wishes]
    assert slugs(batch) == slugs(single)
    assert await drift(database) == []


@pytest.mark.parametrize("count", [1, 200])
async def test_the_number_of_statements_does_not_grow(database_url, database, count):
    seen: list[str] = []
    watched = Database(DatabaseUrls.from_one(database_url), database.clock, observer=seen.append)
    granted = await open_market(watched, {"records": 10**6}, 5)
    wishes = [read(granted[n % 5], records=1, bytes=10) for n in range(count)]
    await admit(watched, *wishes)
    seen.clear()
    await admit(watched, *wishes)
    statements = [one for one in seen if one.split()[0] in {"WITH", "SELECT", "INSERT", "UPDATE"} and one != "SELECT 1"]
    assert len(statements) == 5, statements
    await watched.close()


async def test_portals_see_their_own_side(database, database_url):
    (grant,) = await open_market(database, {"records": 5})
    connection = await asyncpg.connect(DatabaseUrls.from_one(database_url).portal.replace("+asyncpg", ""))
    for organisation, rows in ((grant.buyer_id, 1), (grant.seller_id, 1), (UUID(int=3), 0)):
        await connection.execute("SELECT set_config('exchange.organisation', $1, false)", str(organisation))
        assert await connection.fetchval("SELECT count(*) FROM access.grants") == rows
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.fetchval("SELECT count(*) FROM access.usage_record_20260115")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.fetchval("SELECT count(*) FROM access.usage_record")
    await connection.close()


async def test_usage_is_a_fact(database, database_url):
    (grant,) = await open_market(database, {})
    await admit(database, read(grant, records=5))
    connection = await asyncpg.connect(DatabaseUrls.from_one(database_url).migrate.replace("+asyncpg", ""))
    for table in ("access.usage_record", "access.usage_record_20260115"):
        for change in (f"UPDATE {table} SET quantity = 0", f"DELETE FROM {table}", f"TRUNCATE {table}"):
            with pytest.raises(asyncpg.IntegrityConstraintViolationError):
                await connection.execute(change)
    await connection.close()
