"""An audit that another process helps with: it finds what one alone finds, and it ends when that one does not."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest

from compliance import notes, store
from exchange.flows import audit_lane, audit_lanes, lanes
from exchange.flows.audit_lane import LaneOrder, Part, Rows, SeenPart
from exchange.flows.audit_log import LogReport, Span, audit_log
from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Database, Tx
from exchange.kernel.keys import Keyring
from tests.integration.compliance.test_superuser import ENTRIES, LEAVES, edit, quiet
from tests.support.logged import ORIGIN, SIZE, entry, logged, sequenced

# Of three parts the first is always this process's own.
THEIRS = 2
EVERYWHERE = [
    *(
        f"UPDATE compliance.audit_entry SET {change} WHERE seq = "
        f"(SELECT entry_seq FROM compliance.audit_leaf WHERE leaf_index = {40 * n})"
        for n, (change, _) in enumerate(ENTRIES.values())
    ),
    *(
        f"UPDATE compliance.audit_leaf SET {change} WHERE leaf_index = {150 * n + 21}"
        for n, (change, _) in enumerate(LEAVES.values())
    ),
    *(
        f"UPDATE compliance.tile SET data = set_byte(data, {40 + n}, 1 + get_byte(data, {40 + n}) % 255) WHERE {where}"
        for n, where in enumerate(("level = 0 AND number = 2", "level = 1"))
    ),
    "UPDATE compliance.checkpoint SET root = sha256(root) WHERE size = 300",
    "UPDATE compliance.checkpoint SET created_at = created_at - interval '1 day' WHERE size = 700",
]
DAMAGE = {
    "none": (),
    "everywhere": EVERYWHERE,
    "tile missing": ("DELETE FROM compliance.tile WHERE level = 0 AND number = 1",),
    "restored": ("UPDATE compliance.audit_entry SET xid = '1' WHERE true",),
}


@dataclass
class Beside:
    """What became of the other process.

    shapes   `asked`: answers of it that were waited for; `answers`: those that came
    """

    command: list[str] | None = None
    on_ask: Callable[[asyncio.subprocess.Process], None] | None = None
    processes: list[asyncio.subprocess.Process] = field(default_factory=list)
    failed: bool = False
    expected: bool = False
    asked: int = 0
    answers: int = 0

    def dead(self) -> bool:
        return self.failed or any(one.returncode is not None for one in self.processes)


@pytest.fixture
def beside(monkeypatch: pytest.MonkeyPatch) -> Beside:
    """Small parts; this process begins when the other has done the rest, or cannot do it."""
    monkeypatch.setattr(audit_lanes, "SHARED_FROM", 1)
    monkeypatch.setattr(audit_lanes, "TILES_PER_PART", 1)
    seen = Beside()
    start, answered, read = asyncio.create_subprocess_exec, audit_lane.answered, audit_lane.read

    async def kept(*command: str, **more: Any) -> asyncio.subprocess.Process:
        try:
            seen.processes.append(await start(*(seen.command or command), **more))
        except OSError:
            seen.failed = True
            raise
        return seen.processes[-1]

    async def counted(says: asyncio.StreamReader) -> SeenPart:
        seen.asked += 1
        if seen.on_ask is not None:
            with suppress(ProcessLookupError):
                seen.on_ask(seen.processes[-1])
        found = await answered(says)
        seen.answers += 1
        return found

    async def later(tx: Tx, order: LaneOrder, part: Part) -> Rows:
        while seen.expected and not (seen.dead() or seen.answers == THEIRS or (seen.asked and seen.on_ask)):
            await asyncio.sleep(0.01)
        return await read(tx, order, part)

    monkeypatch.setattr(asyncio, "create_subprocess_exec", kept)
    monkeypatch.setattr(audit_lane, "answered", counted)
    monkeypatch.setattr(audit_lane, "read", later)
    return seen


async def _alone(database: Database, keyring: Keyring, span: Span | None = None) -> LogReport:
    return await audit_log(database, notes.log_verifiers(keyring, ORIGIN), ORIGIN, quiet, span=span, processes=1)


async def _both(beside: Beside, database: Database, keyring: Keyring, **more: Any) -> LogReport:
    beside.expected = True
    try:
        return await audit_log(database, notes.log_verifiers(keyring, ORIGIN), ORIGIN, quiet, processes=2, **more)
    finally:
        beside.expected = False


@pytest.mark.parametrize("damage", DAMAGE)
async def test_two_find_what_one_finds(
    database: Database, keyring: Keyring, clock: FixedClock, database_url: str, beside: Beside, damage: str
) -> None:
    await logged(database, keyring, clock)
    await edit(database_url, *DAMAGE[damage])
    for span in (None, Span(100, 650)):
        alone = await _alone(database, keyring, span)
        assert not beside.processes
        assert bool(alone.faults) == (damage != "none")
        assert await _both(beside, database, keyring, span=span) == alone
        assert (beside.answers, [one.returncode for one in beside.processes]) == (THEIRS, [0])
        beside.processes.clear()
        beside.answers = 0


def _killed(other: asyncio.subprocess.Process) -> None:
    other.kill()


def _stopped(other: asyncio.subprocess.Process) -> None:
    other.send_signal(signal.SIGSTOP)


@pytest.mark.parametrize(
    ("command", "on_ask", "code"),
    [
        pytest.param(["/nowhere/python"], None, None, id="cannot start"),
        pytest.param(["python3", "-c", "raise SystemExit(3)"], None, 3, id="ends at once"),
        pytest.param(["python3", "-c", "print('.' * 9)"], None, 0, id="talks nonsense"),
        pytest.param(None, _killed, -9, id="killed"),
        pytest.param(None, _stopped, -9, id="hangs"),
    ],
)
async def test_what_the_other_leaves_is_done_here(
    database: Database,
    keyring: Keyring,
    clock: FixedClock,
    database_url: str,
    beside: Beside,
    monkeypatch: pytest.MonkeyPatch,
    command: list[str] | None,
    on_ask: Callable[[asyncio.subprocess.Process], None] | None,
    code: int | None,
) -> None:
    monkeypatch.setattr(audit_lanes, "PATIENCE_S", 0.3)
    monkeypatch.setattr(audit_lanes, "END_S", 0.3)
    await logged(database, keyring, clock)
    await edit(database_url, *EVERYWHERE)
    alone = await _alone(database, keyring)
    beside.command, beside.on_ask = command, on_ask
    assert await _both(beside, database, keyring) == alone
    assert [one.returncode for one in beside.processes] == ([] if code is None else [code])
    assert beside.answers < THEIRS


async def test_an_audit_that_is_done_before_the_other_began_ends_it(
    database: Database, keyring: Keyring, clock: FixedClock, beside: Beside
) -> None:
    await logged(database, keyring, clock)
    beside.on_ask = _killed
    beside.asked = 1
    report = await _both(beside, database, keyring)
    assert (report.faults, report.done, beside.answers) == ([], SIZE, 0)
    assert [one.returncode for one in beside.processes] == [0]


async def test_with_an_audit_that_is_broken_off_the_other_ends_too(
    database: Database, keyring: Keyring, clock: FixedClock, beside: Beside
) -> None:
    await logged(database, keyring, clock)
    asked = asyncio.Event()
    beside.on_ask = lambda _: asked.set()
    report = LogReport()
    task = asyncio.create_task(_both(beside, database, keyring, report=report))
    await asyncio.wait_for(asked.wait(), 30)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [one.returncode for one in beside.processes] == [0]
    assert (report.size, report.faults) == (SIZE, [])


async def test_a_lane_whose_leader_is_gone_ends(database: Database, keyring: Keyring, clock: FixedClock) -> None:
    """All that it hears of that is that its standard input closes, though it has an answer that nobody takes."""
    await logged(database, keyring, clock)
    order = LaneOrder(database.urls, "centre", SIZE, 0, True)
    open_lane = partial(lanes.beside, "exchange.flows.audit_lane", order, 1, answers=True)
    async with open_lane(end_s=30) as (other,):
        assert other.stdin is not None
        assert other.stdout is not None
        assert await other.stdout.readexactly(1) == audit_lane.READY
        other.stdin.write(b"[0,3]\n")
        other.stdin.close()
        await asyncio.wait_for(other.communicate(), 30)
        assert other.returncode == 0


async def test_entries_that_lie_in_another_order_than_leaves_are_looked_at_by_the_tile(
    database: Database, keyring: Keyring
) -> None:
    """The order is that of transactions; a row read out of it would be named again and again by single rows."""

    async def early(tx: Tx) -> None:
        await store.append(tx, [entry(0)])
        await database.run(lambda tx: store.append(tx, [entry(n) for n in range(1, 300)]))
        await store.append(tx, [entry(n) for n in range(300, 600)])

    await database.run(early)
    await sequenced(database, keyring)
    order, part = LaneOrder(database.urls, "centre", 600, 0, True), Part(0, 3)
    rows, points = await database.run(partial(audit_lane.read, order=order, part=part))
    inside = [json.loads(one)["object"]["id"] for one in rows[0].envelopes or ()]
    assert inside[:3] == [None, "ord_300", None]
    seen = await audit_lane.Look(order).at((rows, points))
    assert [(one.count, one.hashes is not None) for one in seen.tiles] == [(256, True), (256, True), (88, True)]
