"""One seed: its market lives through its stages under its faults, everything is settled, and the auditor looks."""

from __future__ import annotations

import hashlib
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import asyncpg
from sqlalchemy import event

from compliance.notes import log_signer
from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Database, DatabaseAway, DatabaseSettings, DatabaseUrls
from exchange.kernel.errors import Problem
from exchange.kernel.ids import IdSource
from exchange.kernel.keys import PURPOSES, Keyring, new_key
from exchange.settings import Settings, load
from tests.simulation.seeded import drawing, ending, faults, founding
from tests.simulation.seeded.acting import ORIGIN, Desk, Process, act
from tests.simulation.seeded.drawing import Input, Stage
from tests.simulation.seeded.faults import Died, Gone, Hand, Injected, Saboteur
from tests.simulation.seeded.ground import START
from tests.simulation.seeded.turns import Turns, Watch

HANDS = 3
FAULTY = 0.35
# No input is struck more often than this, so that every seed ends.
_STRUCK_MAX = 4
_FAILED_MAX = 40
# A connection that was cut is met once or twice by those who come next.
_AWAY_MAX = 6
KEYRING = Keyring(
    [new_key(purpose, START - timedelta(days=1), bytes([n + 1]) * 32) for n, purpose in enumerate(PURPOSES)]
)
SETTINGS: Settings = load({"EXCHANGE_SANDBOX": "1"})
# What the clock does has no answer of its own.
TICKS = frozenset({"work", "seal", "expire", "log"})
Look = Callable[["Life", datetime], Awaitable[None]]


@dataclass
class Told:
    """What came of a seed."""

    seed: int
    findings: list[str]
    trace: list[str]
    digest: str
    seconds: float
    injected: Injected
    counts: Counter[str]
    lines: list[str]

    @classmethod
    def broken(cls, seed: int, said: str, seconds: float) -> Told:
        """A seed that did not come to its end."""
        return cls(seed, [said], [], "", seconds, Injected(), Counter(), [])


class Skewed:
    """A process's clock: the world's, and what it is off by."""

    def __init__(self, world: FixedClock) -> None:
        self.world, self.off_s = world, 0.0

    def now(self) -> datetime:
        """The time as this process has it."""
        return self.world.now() + timedelta(seconds=self.off_s)


@dataclass
class Alive:
    """A process that runs, with its way to the database and its clock."""

    process: Process
    hand: Hand
    clock: Skewed


@dataclass
class Queue:
    """The deliveries of a stage that are still to be made, and those that are under way."""

    waiting: list[Input]
    away: Counter[str] = field(default_factory=Counter)


class Life:
    """A seed under way."""

    def __init__(self, seed: int, url: str, *, faulty: float = FAULTY, without: frozenset[str] = frozenset()) -> None:
        """Draw it; `without` leaves inputs out, to find out which ones a finding needs."""
        self.seed, self.url, self.faulty = seed, url, faulty
        self.chance = random.Random(seed)
        self.market = drawing.market(self.chance)
        self.stages: list[Stage] = [
            replace(stage, deliveries=tuple(one for one in stage.deliveries if one.name not in without))
            for stage in drawing.stages(self.chance, self.market)
        ]
        # Whether all that was bought goes back in the end.
        self.returned = self.chance.random() < 0.3
        # Everything was there a day before, by every process's clock.
        self.world = FixedClock(START - timedelta(days=1))
        self.injected, self.counts = Injected(), Counter[str]()
        self.trace: list[str] = []
        self.findings: list[str] = []
        self.struck, self.failed = Counter[str](), Counter[str]()
        self.lives = 0
        self.watch: Watch
        self.turns: Turns
        self.alive: list[Alive]
        self.saboteur: Saboteur
        self.eye: asyncpg.Connection[Any]
        self.desk: Desk

    async def run(self, look: Look | None = None) -> Told:
        """Live, settle, and let the auditor look; `look` sees the market as it is in the end, and until when it was settled."""
        began = time.monotonic()
        random.seed(self.seed)  # the pauses between retries
        self.eye = await asyncpg.connect(self.url)
        over = await asyncpg.connect(self.url)
        self.watch, self.saboteur = Watch(over), Saboteur(self.url)
        self.turns = Turns(self.chance, self.watch)
        calm = self.calm()
        try:
            self.desk = Desk(await founding.found(calm.db, KEYRING, self.market), self.seed, self.world.now)
            self.world.advance(86_400)
            self.alive = [self._start(number) for number in range(HANDS)]
            for stage in self.stages:
                await self._stage(stage)
                self.world.advance(stage.hours * 3600)
            for one in self.alive:
                await one.process.db.close()
            final = await ending.settle_all(self, calm)
            self.findings += await ending.audit(self, final)
            self.findings += await ending.fsck(calm)
            if look is not None:
                await look(self, final)
            lines = await ending.lines(self)
        finally:
            await calm.db.close()
            await self.saboteur.close()
            await over.close()
            await self.eye.close()
        digest = hashlib.sha256("\n".join([*self.trace, *lines]).encode()).hexdigest()
        self.counts["turns"] = self.turns.count
        self.counts["inputs"] = len({one.name for stage in self.stages for one in stage.deliveries})
        self.counts["accepted"] = sum(1 for one in self.desk.answers.values() if not isinstance(one, Problem))
        seconds = time.monotonic() - began
        return Told(self.seed, self.findings, self.trace, digest, seconds, self.injected, self.counts, lines)

    def calm(self) -> Process:
        """A process to which nothing happens."""
        return self._process(Database(DatabaseUrls.from_one(self.url), self.world, ids=self._ids()))

    def _ids(self) -> IdSource:
        self.lives += 1
        return IdSource(hashlib.sha256(f"{self.seed} {self.lives}".encode()).digest()[:16])

    def _process(self, db: Database) -> Process:
        return Process(db, KEYRING, SETTINGS, (log_signer(KEYRING, ORIGIN),))

    async def _stage(self, stage: Stage) -> None:
        queue = Queue(list(stage.deliveries))
        await self.turns.run(*(partial(self._hand, number, queue) for number in range(HANDS)))

    def _start(self, number: int) -> Alive:
        """A new process: nothing of an earlier one's memory is in it."""
        hand = Hand(number, self.turns, self.saboteur, self.injected, self.trace)
        clock = Skewed(self.world)
        settings = DatabaseSettings(app_connections_max=2, portal_connections_max=1, regulator_connections_max=1)
        db = Database(DatabaseUrls.from_one(self.url), clock, ids=self._ids(), settings=settings)
        kind = faults.tapped(hand)

        @event.listens_for(db._app.sync_engine, "do_connect")  # the wire is nobody's public interface
        def _connect(_dialect: Any, _record: Any, _args: Any, named: dict[str, Any]) -> None:
            named["connection_class"] = kind

        return Alive(self._process(db), hand, clock)

    async def _hand(self, number: int, queue: Queue) -> None:
        """One process after another takes deliveries until none is left."""
        while True:
            alive = self.alive[number]
            one = self._next(queue)
            if one is None:
                if not queue.waiting and not queue.away:
                    break
                # What is left needs an answer that another process is about to get.
                await self.turns.take(number)
                continue
            queue.away[one.name] += 1
            try:
                await self._deliver(alive, one, queue)
            except Died:
                self.counts["processes died"] += 1
                await alive.hand.bury()
                await alive.process.db.close()
                self.alive[number] = self._start(number)
            finally:
                queue.away[one.name] -= 1
                queue.away += Counter()

    def _next(self, queue: Queue) -> Input | None:
        """The first delivery that can be made now; those that never can are dropped."""
        for one in list(queue.waiting):
            # Nor may two of one hold be under way: the second might be taken, with its answer lost, after the first was not.
            if one.kind == "hold" and one.name in queue.away:
                continue
            there = [self.desk.answers.get(need) for need in one.needs]
            # A hold that was refused has no key that would keep its refusal: sent again, it may be another's money.
            if any(_refused(answer) for answer in there) or (
                one.kind == "hold" and _refused(self.desk.answers.get(one.name))
            ):
                queue.waiting.remove(one)
                self.counts["pointless"] += 1
            elif all(answer is not None for answer in there):
                queue.waiting.remove(one)
                return one
            elif not any(
                need in queue.away or any(other.name == need for other in queue.waiting) for need in one.needs
            ):
                queue.waiting.remove(one)
                self.counts["pointless"] += 1
        return None

    async def _deliver(self, alive: Alive, one: Input, queue: Queue) -> None:
        hand, fault = alive.hand, None
        self._jump(alive)
        if self.struck[one.name] < _STRUCK_MAX and self.chance.random() < self.faulty:
            fault = faults.draw(self.chance, hand.sizes.get(one.kind, 12))
        before = hand.struck
        hand.begin(one.name, fault)
        self.counts["deliveries"] += 1
        try:
            answer = await act(alive.process, self.desk, one)
        except (Exception, Died, Gone) as error:
            self.struck[one.name] += 1
            queue.waiting.insert(self.chance.randint(0, len(queue.waiting)), one)
            planted = hand.dead or hand.struck > before
            self._judge(one, error, planted=planted)
            if isinstance(error, Died):
                raise
        else:
            if hand.dead:
                # Somebody on the way swallowed it, but nobody was left to answer.
                queue.waiting.append(one)
                raise Died
            await self._answered(one, answer)
        finally:
            hand.end(one.kind)

    def _jump(self, alive: Alive) -> None:
        """Now and then a process's clock is set, forward or back."""
        if self.chance.random() < 0.08:
            alive.clock.off_s = self.chance.choice([-3_600, -95, -2, 0, 0, 3, 110, 3_600])
            self.injected.kinds["clock jump"] += 1
            self.trace.append(f"{alive.hand.number} clock {alive.clock.off_s:+.0f} s")

    def _judge(self, one: Input, error: BaseException, *, planted: bool) -> None:
        """A delivery failed: it comes again, and what failed by itself is a finding."""
        self.trace.append(f"{one.name} failed: {type(error).__name__}")
        if planted:
            return
        self.failed[one.name] += 1
        if isinstance(error, DatabaseAway) and self.failed[one.name] <= _AWAY_MAX:
            return
        if self.failed[one.name] in (1, _AWAY_MAX + 1):
            self.findings.append(f"{one.name} failed by itself: {type(error).__name__}: {error}")
        if self.failed[one.name] > _FAILED_MAX:
            raise error

    async def _answered(self, one: Input, answer: Any) -> None:
        if one.kind in TICKS:
            return
        if isinstance(answer, dict) and one.kind == "purchase":
            answer |= {"offer_name": one.about["offer"], "buyer_name": one.about["buyer"]}
        known = self.desk.answers.get(one.name)
        if known is not None:
            self.counts["answered again"] += 1
            if not _same(one, known, answer):
                self.findings.append(f"{one.name} was answered {_said(known)}, and then {_said(answer)}")
            return
        self.trace.append(f"{one.name} answered: {_said(answer)}")
        if isinstance(answer, dict) and answer.get("grant"):
            grant = "SELECT starts_at FROM access.grants WHERE id = $1"
            self.desk.bought_at[one.name] = await self.eye.fetchval(grant, ending.uuid_of(answer["grant"]))
        self.desk.answers[one.name] = answer
        self.desk.sent[one.name] = one


def _refused(answer: Any) -> bool:
    return isinstance(answer, Problem) or (isinstance(answer, dict) and answer.get("opened") is False)


def _same(one: Input, known: Any, answer: Any) -> bool:
    if one.kind == "transfer":
        # A payout may have gone on since it was told of.
        return True
    if isinstance(known, Problem) or isinstance(answer, Problem):
        return isinstance(known, Problem) and isinstance(answer, Problem) and known.slug == answer.slug
    return bool(known == answer)


def _said(answer: Any) -> str:
    return answer.slug if isinstance(answer, Problem) else str(answer)[:120]
