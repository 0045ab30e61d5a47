"""The log in PostgreSQL: no gap, no fork, no second history, whatever runs at once."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from hashlib import sha256
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy.exc import DBAPIError

from compliance import log, notes, proofs, store, tiles, tree_store
from compliance.entries import Entry
from compliance.log import Head, Integrated
from exchange.flows import checkpoint_log
from exchange.kernel import ids as kernel_ids
from exchange.kernel import merkle
from exchange.kernel.actor import Actor
from exchange.kernel.canonical import canonical
from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Database, DatabaseUrls, Tx
from exchange.kernel.ids import IdSource
from exchange.kernel.keys import Keyring
from tests.support.sequencing import sequencer as sequencer_of

ORIGIN = "exchange.example/log"
ORG, OTHER = UUID(int=1), UUID(int=2)


def entry(number: int, organisation: UUID = ORG) -> Entry:
    return Entry(
        action="purchase",
        organisation_id=organisation,
        object_id=f"ord_{number}",
        digests={"agreement": sha256(str(number).encode()).digest()},
    )


async def put(database: Database, *numbers: int, organisation: UUID = ORG) -> None:
    async def flow(tx: Tx) -> None:
        await store.append(tx, [entry(number, organisation) for number in numbers])

    await database.run(flow)


class Sequencer:
    def __init__(self, database: Database, keyring: Keyring) -> None:
        self.database, self.signer = database, notes.log_signer(keyring, ORIGIN)

    async def step(self, **more: object) -> Head | None:
        """All that waits is logged and published."""
        return await sequencer_of(self.database, [self.signer], ORIGIN, **more).step()

    async def all(self, batch_max: int = 4096) -> Head:
        head = await self.step(batch_max=batch_max)
        assert head is not None
        return head

    async def grow(self, batch_max: int = 4096) -> Integrated | None:
        """One batch into the tree, nothing signed."""
        return await self.database.run(partial(checkpoint_log.integrate, origin=ORIGIN, batch_max=batch_max))


@pytest.fixture
def sequencer(database: Database, keyring: Keyring) -> Sequencer:
    return Sequencer(database, keyring)


async def envelopes(tx: Tx, size: int) -> list[bytes]:
    found: list[bytes] = []
    for number in range((size + 255) // 256):
        data = await tree_store.entry_bundle(tx, number, tiles.width_at(0, number, size))
        assert data is not None
        found += tiles.unbundle(data)
    return found


async def check_log(database: Database, signer: notes.Ed25519Signer, expected: int) -> list[str]:
    """Read the log as a client would, and rebuild everything."""

    async def read(tx: Tx) -> list[str]:
        note = await tree_store.checkpoint(tx)
        assert note is not None
        checkpoint = notes.open_checkpoint(note, ORIGIN, [signer.verifier])
        assert checkpoint.size == expected
        entries = await envelopes(tx, expected)
        leaves = [merkle.leaf_hash(one) for one in entries]
        assert merkle.root_of(leaves) == checkpoint.root
        frontier = merkle.Range(0, [])
        for piece in tiles.grow(frontier, leaves):
            assert await tree_store.tile(tx, piece.level, piece.number, len(piece.data) // 32) == piece.data
        return [json.loads(one)["object"]["id"] for one in entries]

    return await database.run(read)


async def test_an_empty_log_signs_size_zero_once(database: Database, sequencer: Sequencer) -> None:
    assert await sequencer.step() == Head(0, merkle.EMPTY_ROOT)
    assert await sequencer.step() == Head(0, merkle.EMPTY_ROOT)
    assert await check_log(database, sequencer.signer, 0) == []
    assert await count_checkpoints(database) == 1


async def test_entries_come_in_order_and_prove_themselves(database: Database, sequencer: Sequencer) -> None:
    sizes = []
    for low, high in [(0, 1), (1, 255), (255, 256), (256, 257), (257, 700)]:
        await put(database, *range(low, high))
        sizes.append((await sequencer.all(batch_max=300)).size)
    assert sizes == [1, 255, 256, 257, 700]
    assert await check_log(database, sequencer.signer, 700) == [f"ord_{i}" for i in range(700)]

    async def prove(tx: Tx) -> None:
        note = await tree_store.checkpoint(tx)
        assert note is not None
        newest = notes.parse_checkpoint(notes.parse_note(note).text)
        (logged,) = await store.entries_of(tx, "ord_300")
        assert logged.leaf_index == 300
        text = await tree_store.tlog_proof(tx, 300, newest, note)
        assert text is not None
        proofs.verify(proofs.decode(text), logged.envelope, ORIGIN, [sequencer.signer.verifier])
        for old in (255, 256, 257):
            earlier = await tree_store.checkpoint(tx, size=old)
            assert earlier is not None
            steps = await tree_store.consistency(tx, old, 700)
            assert steps is not None
            merkle.verify_consistency(old, 700, steps, log.root_in(earlier), newest.root)
        assert await tree_store.inclusion(tx, 700, 700) is None
        assert await tree_store.inclusion(tx, 5, 900) is None
        assert await tree_store.tile(tx, 0, 2, 188) is not None
        assert await tree_store.tile(tx, 0, 2, 189) is None
        assert await tree_store.entry_bundle(tx, 2, 189) is None

    await database.run(prove)


async def test_envelopes_are_canonical(database: Database, sequencer: Sequencer, clock: FixedClock) -> None:
    await put(database, 1)
    await sequencer.all()
    async with database.inspect() as tx:
        (data,) = await envelopes(tx, 1)
    wire = json.loads(data)
    assert canonical(wire) == data
    assert (wire["type"], wire["v"], wire["at"]) == ("audit-entry", 2, "2026-01-15T08:00:00.000000Z")
    assert kernel_ids.parse("org", wire["actor"]["organisation"]) == ORG


async def test_a_transaction_that_stays_open_holds_nobody_back(database: Database, sequencer: Sequencer) -> None:
    """Its own entries come together when it ends, behind those that were signed meanwhile."""
    opened, go = asyncio.Event(), asyncio.Event()

    async def slow(tx: Tx) -> None:
        await store.append(tx, [entry(1)])
        opened.set()
        await go.wait()
        await store.append(tx, [entry(2)])

    running = asyncio.create_task(database.run(slow))
    await opened.wait()
    for number in (3, 4):
        await put(database, number)
        assert (await sequencer.all()).size == number - 2
    go.set()
    await running
    assert (await sequencer.all()).size == 4
    assert await check_log(database, sequencer.signer, 4) == ["ord_3", "ord_4", "ord_1", "ord_2"]


async def test_nothing_is_lost_or_doubled_under_concurrency(database: Database, sequencer: Sequencer) -> None:
    """Eight writers, some of which roll back, and three sequencers at once."""
    done = False
    heads: list[Head | None] = []

    async def writer(number: int) -> None:
        for i in range(25):
            first = number * 10_000 + i * 10

            async def flow(tx: Tx, first: int = first, i: int = i) -> None:
                await store.append(tx, [entry(first)])
                await asyncio.sleep(0.001 * (number % 3))
                await store.append(tx, [entry(first + 1), entry(first + 2)])
                if i % 5 == 4:
                    raise RuntimeError("rolled back")

            try:
                await database.run(flow)
            except RuntimeError:
                assert i % 5 == 4

    async def sequence() -> None:
        while not done:
            heads.append(await sequencer.step(batch_max=17))

    loops = [asyncio.create_task(sequence()) for _ in range(3)]
    await asyncio.gather(*(writer(number) for number in range(8)))
    done = True
    await asyncio.gather(*loops)
    assert (await sequencer.all()).size == 8 * 20 * 3
    found = await check_log(database, sequencer.signer, 8 * 20 * 3)
    assert len(set(found)) == len(found)
    by_writer = [[one for one in found if int(one[4:]) // 10_000 == number] for number in range(8)]
    assert all(one == sorted(one, key=lambda text: int(text[4:])) for one in by_writer)
    assert any(heads)


async def test_order_is_by_number_where_transaction_ids_get_one_digit_longer(
    database: Database, sequencer: Sequencer
) -> None:
    xids = [100, 9, 99, 10, 101, 98, 11]

    async def write(tx: Tx) -> None:
        await (await tx.driver()).execute(
            "INSERT INTO compliance.audit_entry (id, node_id, xid, organisation_ids, action, object_id, envelope, created_at) "
            "SELECT gen_random_uuid(), 'centre', x::xid8, '{}', 'test', x, convert_to(x, 'UTF8'), now() "
            "FROM unnest($1::text[]) AS x",
            [str(one) for one in xids],
        )

    await database.run(write)
    assert (await sequencer.all(batch_max=3)).size == len(xids)
    async with database.inspect() as tx:
        assert [int(one) for one in await envelopes(tx, len(xids))] == sorted(xids)


async def test_a_second_sequencer_leaves_at_once(database: Database, sequencer: Sequencer) -> None:
    await put(database, 1)

    async def hold(tx: Tx) -> None:
        assert await tree_store.lock_log(tx) is not None
        assert await asyncio.wait_for(sequencer.grow(), 5) is None
        assert await asyncio.wait_for(sequencer.step(), 5) is None

    await database.run(hold)
    assert (await sequencer.all()).size == 1


async def test_statement_counts(database_url: str, clock: FixedClock, ids: IdSource, keyring: Keyring) -> None:
    seen: list[str] = []
    database = Database(DatabaseUrls.from_one(database_url), clock, ids=ids, observer=seen.append)
    sequencer = Sequencer(database, keyring)

    for size in (1, 300):
        seen.clear()
        await put(database, *range(size))
        # one of ours, and the one SELECT with which the kernel opens the transaction for the driver
        assert [one for one in seen if "audit_entry" in one] == [store._APPEND]
    counts = []
    for size in (0, 1, 900):
        await put(database, *range(size))
        seen.clear()
        await sequencer.grow()
        counts.append(len([one for one in seen if "compliance." in one]))
    # The state, the newest checkpoint, the leaves; new and grown tiles; the state.
    assert counts == [5, 5, 6]
    seen.clear()
    await sequencer.grow()
    assert len([one for one in seen if "compliance." in one]) == 3
    await database.close()


async def count_checkpoints(database: Database) -> int:
    async with database.inspect() as tx:
        count: int = await (await tx.driver()).fetchval("SELECT count(*) FROM regulator.checkpoint")
        return count


async def test_a_log_shorter_than_its_checkpoint_is_not_continued(
    database: Database, database_url: str, sequencer: Sequencer
) -> None:
    await put(database, 1, 2)
    await sequencer.step()
    owner = await asyncpg.connect(database_url.replace("+asyncpg", ""))
    await owner.execute("ALTER TABLE compliance.log_state DISABLE TRIGGER USER")
    await owner.execute("UPDATE compliance.log_state SET size = 0, frontier = '', base_snapshot = '1:1:'")
    await owner.close()
    with pytest.raises(log.LogBehind):
        await sequencer.step()


async def test_a_restore_from_a_dump_is_noticed_and_mended(
    database: Database, database_url: str, sequencer: Sequencer
) -> None:
    """A dump keeps the entries' old transaction numbers, while the new server counts from the start."""
    await put(database, 1, 2)
    await sequencer.step()
    owner = await asyncpg.connect(database_url.replace("+asyncpg", ""))
    await owner.execute("UPDATE compliance.log_state SET base_snapshot = '4000000000000:4000000000000:'")
    with pytest.raises(log.CounterBehind):
        await sequencer.step()
    await put(database, 3)
    report = await database.run(partial(checkpoint_log.rebase, origin=ORIGIN))
    assert report is not None
    assert (report.new_leaves, report.head.size) == (1, 3)
    await put(database, 4)
    assert (await sequencer.all()).size == 5
    assert (await sequencer.all()).size == 5
    told = [None, "ord_4"]
    assert await check_log(database, sequencer.signer, 5) == ["ord_1", "ord_2", "ord_3", *told]
    await owner.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE compliance.audit_entry SET envelope = 'x'",
        "DELETE FROM compliance.audit_entry",
        "TRUNCATE compliance.audit_entry",
        "DELETE FROM compliance.audit_leaf",
        "UPDATE compliance.checkpoint SET note = 'x'",
        "UPDATE compliance.tile SET data = decode(repeat('00', 64), 'hex')",
        "UPDATE compliance.tile SET width = 1, data = substr(data, 1, 32)",
        "DELETE FROM compliance.tile",
        "UPDATE compliance.log_state SET size = 1",
        "DELETE FROM compliance.log_state",
    ],
)
async def test_the_database_refuses_to_change_the_log(
    database: Database, database_url: str, sequencer: Sequencer, statement: str
) -> None:
    await put(database, 1, 2)
    await sequencer.step()

    async def flow(tx: Tx) -> None:
        await (await tx.driver()).execute(statement)

    with pytest.raises((asyncpg.PostgresError, DBAPIError)):
        await database.run(flow)
    owner = await asyncpg.connect(database_url.replace("+asyncpg", ""))
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await owner.execute(statement)
    await owner.close()


async def test_who_sees_what(database: Database, sequencer: Sequencer) -> None:
    await put(database, 1)
    await put(database, 2, organisation=OTHER)
    await sequencer.step()
    actor = Actor(ORG, UUID(int=9), frozenset({"buyer"}), frozenset(), "jti")
    async with database.read(actor) as tx:
        assert len(await store.entries_of(tx, "ord_1")) == 1
        assert await store.entries_of(tx, "ord_2") == []
    async with database.read(None) as tx:
        assert await store.entries_of(tx, "ord_1") == []
        assert await tree_store.checkpoint(tx) is not None
        assert await tree_store.tile(tx, 0, 0, 2) is not None
        assert await tree_store.entry_bundle(tx, 0, 2) is None
        assert await tree_store.inclusion(tx, 1, 2) is not None
    async with database.inspect() as tx:
        driver = await tx.driver()
        rows = await driver.fetch("SELECT leaf_index, object_id, envelope FROM regulator.audit_entry ORDER BY seq")
        assert [(row[0], row[1]) for row in rows] == [(0, "ord_1"), (1, "ord_2")]
        assert json.loads(rows[0][2])["v"] == 2
        assert await driver.fetchval("SELECT count(*) FROM regulator.checkpoint") == 2
        with pytest.raises(asyncpg.PostgresError):
            await driver.execute("INSERT INTO compliance.checkpoint VALUES ('centre', 9, '', '', now())")


async def test_each_node_has_a_log_of_its_own(database: Database, sequencer: Sequencer) -> None:
    async def flow(tx: Tx) -> None:
        await tree_store.open_log(tx, "shanghai")
        await store.append(tx, [entry(1), Entry(action="login", organisation_id=None, node_id="shanghai")])

    await database.run(flow)
    assert (await sequencer.all()).size == 1
    there = await sequencer.step(node_id="shanghai")
    assert there is not None
    assert there.size == 1
    assert await sequencer.step(node_id="nowhere") is None
