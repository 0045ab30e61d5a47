"""Whatever transactions do to each other, the log loses no entry, has none twice, and none before its commit."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import asyncpg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compliance import notes, tree_store
from compliance.log import Integrated, LogState, Placed, Snapshot, grow
from exchange.flows import checkpoint_log
from exchange.kernel.db import Database
from exchange.kernel.keys import Keyring
from tests.support.sequencing import sequencer

ORIGIN = "exchange.example/log"
WRITERS = 5
ACTIONS = (
    "append",
    "append",
    "append",
    "kept part",
    "dropped part",
    "commit",
    "commit",
    "rollback",
    "integrate",
    "step",
)
_APPEND = (
    "INSERT INTO compliance.audit_entry (id, node_id, organisation_ids, action, object_id, envelope, created_at) "
    "VALUES (gen_random_uuid(), $1, '{}', 'test', $2, convert_to($2, 'UTF8'), now())"
)
_numbers = itertools.count()


@dataclass
class Writer:
    """One connection, with what it has written in the transaction that is open."""

    connection: asyncpg.Connection[Any]
    node: str
    open: Any = None
    written: list[str] = field(default_factory=list)

    async def append(self) -> str:
        if self.open is None:
            self.open = self.connection.transaction()
            await self.open.start()
        name = f"e{next(_numbers)}"
        await self.connection.execute(_APPEND, self.node, name)
        return name

    async def act(self, action: str) -> list[str]:
        """Do it; what is committed by it."""
        if action == "append":
            self.written.append(await self.append())
        elif action.endswith("part") and self.open is not None:
            inner = self.connection.transaction()
            await inner.start()
            name = await self.append()
            if action == "kept part":
                await inner.commit()
                self.written.append(name)
            else:
                await inner.rollback()
        elif action in ("commit", "rollback") and self.open is not None:
            done, self.written = self.written, []
            ending, self.open = self.open, None
            if action == "commit":
                await ending.commit()
                return done
            await ending.rollback()
        return []


async def logged(database: Database, node: str) -> list[str]:
    async def read(tx: Any) -> list[str]:
        rows = await (await tx.driver()).fetch(
            "SELECT l.leaf_index, e.object_id FROM compliance.audit_leaf l JOIN compliance.audit_entry e "
            "ON e.seq = l.entry_seq WHERE l.node_id = $1 ORDER BY l.leaf_index",
            node,
        )
        assert [row[0] for row in rows] == list(range(len(rows)))
        return [row[1] for row in rows]

    return await database.run(read)


async def follow(
    database: Database, keyring: Keyring, writers: Sequence[Writer], node: str, program: Sequence[tuple[int, int, int]]
) -> None:
    made = sequencer(database, [notes.log_signer(keyring, ORIGIN)], ORIGIN, node_id=node)
    groups: list[list[str]] = []
    before: list[str] = []
    for who, what, batch in [*program, (0, ACTIONS.index("step"), 1)]:
        action = ACTIONS[what]
        if action == "integrate":
            one = partial(checkpoint_log.integrate, origin=ORIGIN, node_id=node, batch_max=batch)
            assert isinstance(await database.run(one), Integrated)
        elif action == "step":
            made.batch_max = batch
            head = await made.step()
            assert head is not None
            assert head.size == sum(map(len, groups)), "an entry was lost, or came early"
        elif done := await writers[who].act(action):
            groups.append(done)
            continue
        else:
            continue
        found = await logged(database, node)
        committed = {name for group in groups for name in group}
        assert len(set(found)) == len(found), "an entry came twice"
        assert set(found) <= committed, "an entry came before its commit"
        assert found[: len(before)] == before, "the order changed afterwards"
        before = found
        for group in groups:
            places = [found.index(name) for name in group if name in found]
            # A transaction's entries are neighbours, in the order of writing; a batch may end inside it.
            assert places == list(range(places[0], places[0] + len(places))) if places else True


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(st.integers(0, WRITERS - 1), st.integers(0, len(ACTIONS) - 1), st.integers(1, 4)),
        min_size=8,
        max_size=40,
    )
)
async def test_any_order_of_begin_append_commit_and_rollback(
    database: Database, database_url: str, keyring: Keyring, program: list[tuple[int, int, int]]
) -> None:
    node = f"node-{next(_numbers)}"
    await database.run(lambda tx: tree_store.open_log(tx, node))
    url = database_url.replace("postgres@", "exchange_app@")
    writers = [Writer(await asyncpg.connect(url), node) for _ in range(WRITERS)]
    try:
        await follow(database, keyring, writers, node, program)
    finally:
        for writer in writers:
            await writer.connection.close()


async def test_a_snapshot_that_looked_only_at_numbers_would_lose_an_entry(
    database: Database, database_url: str, keyring: Keyring
) -> None:
    """The same check finds the fault of taking everything above a cursor: proof that it can fail."""
    node = f"node-{next(_numbers)}"
    await database.run(lambda tx: tree_store.open_log(tx, node))
    url = database_url.replace("postgres@", "exchange_app@")
    writers = [Writer(await asyncpg.connect(url), node) for _ in range(2)]
    original = tree_store.place

    async def forgetful(tx: Any, at: LogState, target: Snapshot, limit: int) -> Placed:
        base = Snapshot(at.base.xmin, at.base.xmax)
        return await original(
            tx, LogState(*(getattr(at, n) if n != "base" else base for n in at.__slots__)), target, limit
        )

    append, commit, step = (ACTIONS.index(one) for one in ("append", "commit", "step"))
    program = [(0, append, 1), (1, append, 1), (1, commit, 1), (0, step, 9), (0, commit, 1), (0, step, 9)]
    tree_store.place = forgetful
    try:
        with pytest.raises(AssertionError, match="lost"):
            await follow(database, keyring, writers, node, program)
    finally:
        tree_store.place = original
        for writer in writers:
            await writer.connection.close()


def test_snapshots_are_read_and_written_as_the_server_does() -> None:
    for text in ("1:1:", "10:20:10,14,15"):
        assert str(Snapshot.parse(text)) == text
    seen = Snapshot.parse("10:20:10,14,15")
    assert [xid for xid in range(8, 22) if seen.sees(xid)] == [8, 9, 11, 12, 13, 16, 17, 18, 19]


def test_a_step_that_is_not_drained_keeps_its_target() -> None:
    state = LogState("centre", 0, (), Snapshot(1, 1), None, 0, 0, 0, ())
    target = Snapshot(5, 9, (5, 6))
    half = grow(state, Placed((bytes(32),), 7, 3, None), target, drained=False).after
    assert (half.base, half.target, half.cursor_xid, half.cursor_seq) == (state.base, target, 7, 3)
    whole = grow(half, Placed((), 0, 0, None), target, drained=True).after
    assert (whole.base, whole.target, whole.cursor_xid, whole.size) == (target, None, 0, 1)
