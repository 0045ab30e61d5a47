"""What goes wrong at a statement: planted on the wire between the driver and PostgreSQL, where the code cannot see it coming."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import asyncpg

from tests.simulation.seeded.turns import Turns

Call = Callable[[], Awaitable[Any]]
# What the driver asks for itself.
_TYPES = "WITH RECURSIVE typeinfo_tree"
_OF_DRIVER = (_TYPES, "SELECT current_setting('jit')", "SELECT set_config('jit'")
_known_types: dict[str, Any] = {}


class Kind(StrEnum):
    """What happens at a statement."""

    RAISE = "exception"
    DIE = "process dies before a statement"
    DIE_AFTER = "process dies after a statement"
    CUT = "connection cut before a statement"
    CUT_AFTER = "connection cut after a statement"
    LOST = "answer lost"
    DEADLOCK = "deadlock"
    SERIALIZATION = "serialization failure"
    CANCEL = "statement cancelled"
    GONE = "caller gone before a statement"
    GONE_AFTER = "caller gone after a statement"


class Planted(RuntimeError):
    """An exception in the middle of a flow."""


class Died(BaseException):
    """The process is no more; nothing in it may catch this."""


class Gone(asyncio.CancelledError):
    """Whoever asked has hung up, and the server drops what it does for them."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: at the nth statement of a delivery, or at its first commit where n is 0."""

    kind: Kind
    at: int


@dataclass
class Injected:
    """What was planted and what came of it, by kind, and where."""

    kinds: Counter[str] = field(default_factory=Counter)
    at_commit: Counter[str] = field(default_factory=Counter)
    # Deadlocks and serialization failures that nobody planted.
    real: Counter[str] = field(default_factory=Counter)


class Saboteur:
    """Another transaction that locks in the opposite order."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._keys = 0
        self._connection: asyncpg.Connection[Any] | None = None

    async def lock_out(self, turns: Turns, query: Callable[[str], Awaitable[Any]]) -> None:
        """Bring the transaction behind `query` into a deadlock, which PostgreSQL ends by ending it.

        errors   DeadlockDetectedError, always
        """
        if self._connection is None:
            self._connection = await asyncpg.connect(self._address)
        while True:
            self._keys += 2
            if await self._circle(self._connection, turns, query):
                raise AssertionError("a deadlock that nobody was told of")

    async def _circle(
        self, other: asyncpg.Connection[Any], turns: Turns, query: Callable[[str], Awaitable[Any]]
    ) -> bool:
        """Close a circle. On a busy machine the other may look around so late that it is the one who is ended: again, then."""
        first, second = self._keys, self._keys + 1
        await query(f"SELECT pg_advisory_xact_lock({first})")
        await other.execute(f"BEGIN; SELECT pg_advisory_xact_lock({second})")
        waits = asyncio.ensure_future(other.execute(f"SELECT pg_advisory_xact_lock({first})"))
        try:
            while not await turns.watch.blocked(other.get_server_pid()):
                await asyncio.sleep(0.001)
            # It has looked for a circle and found none: the one who closes it is ended.
            await asyncio.sleep(0.006)
            await query(f"SELECT pg_advisory_xact_lock({second})")
            return not isinstance(
                (await asyncio.gather(waits, return_exceptions=True))[0], asyncpg.DeadlockDetectedError
            )
        finally:
            await asyncio.gather(waits, return_exceptions=True)
            await other.execute("ROLLBACK")

    async def close(self) -> None:
        """Leave."""
        if self._connection is not None:
            await self._connection.close()


class Hand:
    """One process's way to PostgreSQL, with the fault that waits for it."""

    def __init__(self, number: int, turns: Turns, saboteur: Saboteur, injected: Injected, trace: list[str]) -> None:
        self.number, self.turns, self.injected, self.trace = number, turns, injected, trace
        self.dead = False
        self.doing = ""
        # How many faults have struck so far.
        self.struck = 0
        self.taps: list[Tap] = []
        # How many statements this kind of delivery had the last time.
        self.sizes: dict[str, int] = {}
        self._saboteur = saboteur
        self._fault: Fault | None = None
        self._point = 0

    def begin(self, doing: str, fault: Fault | None) -> None:
        """A delivery begins, and this fault waits for it."""
        self.doing, self._fault, self._point = doing, fault, 0
        if fault is not None:
            self.trace.append(f"{self.number} {doing} -- {fault.kind.value} at {fault.at or 'commit'}")

    def end(self, kind: str) -> None:
        """The delivery is over; a fault that it did not reach is forgotten."""
        self.sizes[kind] = max(self._point, 1)
        self._fault = None

    async def statement(self, tap: Tap, sql: str, call: Call) -> Any:
        """One statement of this process: in its turn, and with its fault."""
        if self.dead:
            raise Died
        if not tap.begun:
            # What a driver asks a server when it connects is no statement of ours.
            if not sql.startswith("BEGIN"):
                return await call()
            tap.begun = True
        await self.turns.take(self.number)
        self._point += 1
        self.trace.append(f"{self.number} {self.doing} {self._point} {' '.join(sql.split())[:60]}")
        fault = self._due(sql)
        if fault is None:
            try:
                return await self.turns.trip(self.number, tap.pid, call)
            except (asyncpg.DeadlockDetectedError, asyncpg.SerializationError) as error:
                self.injected.real[type(error).__name__] += 1
                raise
        self._fault = None
        self.struck += 1
        (self.injected.at_commit if sql.startswith("COMMIT") else self.injected.kinds)[fault.kind.value] += 1
        try:
            return await self._strike(fault.kind, tap, call)
        except asyncpg.PostgresError:
            if sql.startswith("COMMIT") and not tap.raw.is_closed():
                # A commit that fails has ended its transaction.
                await tap.raw.query("ROLLBACK", None)
            raise

    async def bury(self) -> None:
        """The process is gone, and so are all its connections."""
        for tap in self.taps:
            if not tap.raw.is_closed():
                await self._hang_up(tap)

    async def quiet(self, tap: Tap, call: Call) -> Any:
        """A round trip that is no statement, but may wait for a lock as one does."""
        if self.dead:
            raise Died
        return await (self.turns.trip(self.number, tap.pid, call) if tap.begun else call())

    def _due(self, sql: str) -> Fault | None:
        fault = self._fault
        if fault is None or not (sql.startswith("COMMIT") if fault.at == 0 else self._point >= fault.at):
            return None
        if fault.kind in (Kind.GONE, Kind.GONE_AFTER):
            # Once begun, a commit is carried through, whoever has hung up.
            return None if sql.startswith(("COMMIT", "ROLLBACK")) else fault
        if fault.kind is Kind.RAISE:
            # A flow's own exception comes between its statements, never in the middle of a commit.
            return None if sql.startswith(("BEGIN", "COMMIT", "ROLLBACK")) else fault
        # No transaction is open yet, or any more, that a server could end.
        of_server = (Kind.DEADLOCK, Kind.SERIALIZATION, Kind.CANCEL)
        return None if fault.kind in of_server and sql.startswith(("BEGIN", "ROLLBACK")) else fault

    async def _strike(self, kind: Kind, tap: Tap, call: Call) -> Any:
        answer: Any = None
        if kind in (Kind.DIE_AFTER, Kind.CUT_AFTER, Kind.LOST, Kind.GONE_AFTER):
            answer = await self.turns.trip(self.number, tap.pid, call)
        match kind:
            case Kind.RAISE:
                raise Planted(self.doing)
            case Kind.DIE | Kind.DIE_AFTER:
                self.dead = True
                await self._hang_up(tap)
                raise Died
            case Kind.GONE | Kind.GONE_AFTER:
                raise Gone
            case Kind.LOST:
                await self._hang_up(tap)
                raise ConnectionResetError("the answer was lost")
            case Kind.CUT_AFTER:
                await self._cut(tap)
                return answer
            case Kind.CUT:
                await self.turns.watch.kill(tap.pid)
                try:
                    return await self.turns.trip(self.number, tap.pid, call)
                finally:
                    await self._cut(tap)
            case Kind.DEADLOCK:
                await self._saboteur.lock_out(self.turns, lambda sql: tap.raw.query(sql, None))
            case Kind.SERIALIZATION:
                await tap.raw.query("DO $$ BEGIN RAISE EXCEPTION 'planted' USING ERRCODE = '40001'; END $$", None)
            case Kind.CANCEL:
                await tap.raw.query("DO $$ BEGIN RAISE EXCEPTION 'planted' USING ERRCODE = '57014'; END $$", None)
        return await self.turns.trip(self.number, tap.pid, call)

    async def _hang_up(self, tap: Tap) -> None:
        """Close our end without a word, and wait until the server has noticed and let go of the locks."""
        tap.raw.abort()
        await self._cut(tap)

    async def _cut(self, tap: Tap) -> None:
        """End the server's side, and wait until ours has noticed: when it would is the only thing the seed does not say."""
        await self.turns.watch.kill(tap.pid)
        while not tap.raw.is_closed():
            await asyncio.sleep(0.0005)


class Tap:
    """The driver's protocol, with a hand on it."""

    def __init__(self, raw: Any, hand: Hand) -> None:
        self.raw, self.hand = raw, hand
        self.begun = False
        self.pid: int = raw.get_server_pid()
        hand.taps.append(self)

    def __getattr__(self, name: str) -> Any:
        """Everything else is the driver's."""
        return getattr(self.raw, name)

    async def query(self, query: str, *rest: Any) -> Any:
        """A simple statement."""
        return await self.hand.statement(self, query, lambda: self.raw.query(query, *rest))

    async def bind_execute(self, state: Any, *rest: Any, **more: Any) -> Any:
        """A prepared statement; what the driver asks for itself is none, and what a type is, is the same everywhere."""
        call = lambda: self.raw.bind_execute(state, *rest, **more)  # noqa: E731
        if not state.query.startswith(_OF_DRIVER):
            return await self.hand.statement(self, state.query, call)
        if state.query.startswith(_TYPES):
            asked = str((rest, more))
            if asked not in _known_types:
                _known_types[asked] = await self.hand.quiet(self, call)
            return _known_types[asked]
        return await self.hand.quiet(self, call)

    async def bind_execute_many(self, state: Any, *rest: Any, **more: Any) -> Any:
        """A prepared statement with many rows."""
        return await self.hand.statement(self, state.query, lambda: self.raw.bind_execute_many(state, *rest, **more))

    async def copy_in(self, copy_stmt: str, *rest: Any) -> Any:
        """A copy."""
        return await self.hand.statement(self, copy_stmt, lambda: self.raw.copy_in(copy_stmt, *rest))

    async def prepare(self, *rest: Any, **more: Any) -> Any:
        """Preparing a statement: it takes locks, and nothing else."""
        return await self.hand.quiet(self, lambda: self.raw.prepare(*rest, **more))


def tapped(hand: Hand) -> type[asyncpg.Connection]:
    """The kind of connection that this hand works with."""

    class Tapped(asyncpg.Connection):
        def __init__(self, protocol: Any, *rest: Any) -> None:
            super().__init__(Tap(protocol, hand), *rest)

    return Tapped


def draw(chance: random.Random, size: int) -> Fault:
    """A fault somewhere in a delivery of about this many statements; a third of them around its commit."""
    kind = chance.choice(list(Kind))
    at_commit = chance.random() < 1 / 3 and kind not in (Kind.RAISE, Kind.GONE, Kind.GONE_AFTER)
    return Fault(kind, 0 if at_commit else chance.randint(1, size))
