"""Audit the log: everything that is stored of it against what was signed, whole, a range of it, or one entry. Only reads."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from statistics import median_low

from compliance import audit_store, auditing, notes, tiles, tree_store
from compliance.audit_store import Ground
from compliance.auditing import Fault, StoredCheckpoint
from compliance.entries import CENTRE
from compliance.log import Known
from compliance.notes import Verifier
from compliance.tile_audit import Climb
from exchange.flows import audit_lanes
from exchange.flows.audit_lane import LaneOrder, SeenPart
from exchange.flows.audit_lanes import Lanes
from exchange.kernel import merkle
from exchange.kernel.db import Database, Tx
from exchange.kernel.text import Text

Progress = Callable[[int, int], Awaitable[None]]
FAULTS_MAX = 1000


@dataclass(frozen=True, slots=True)
class Span:
    """Leaves [first, end); end None means all that there are."""

    first: int = 0
    end: int | None = None


@dataclass(slots=True)
class LogReport:
    """What an audit found; it is filled while the audit runs, so that one that is broken off has something to say.

    shapes   entries [first, done) were looked at, of a log of `size`; `more` faults beyond those listed
             `signed` is the newest checkpoint's size, `waiting` the entries that have no leaf yet, counted up to 1,000
    """

    first: int = 0
    done: int = 0
    size: int = 0
    signed: int = 0
    checkpoints: int = 0
    waiting: int = 0
    faults: list[Fault] = field(default_factory=list)
    more: int = 0

    def note(self, *faults: Fault) -> None:
        """Keep faults, as many as anybody reads."""
        room = max(0, FAULTS_MAX - len(self.faults))
        self.faults += faults[:room]
        self.more += len(faults[room:])


async def audit_log(
    db: Database,
    keys: Sequence[Verifier],
    origin: str,
    progress: Progress,
    *,
    span: Span | None = None,
    known: Sequence[Known] = (),
    marks: Sequence[Known] | None = None,
    node_id: str = CENTRE,
    report: LogReport | None = None,
    processes: int = audit_lanes.PROCESSES,
) -> LogReport:
    """Check every entry of the log, or of a span of it, against its leaf, the tiles and the signed checkpoints.

    What is logged while this runs is not looked at. `marks` is what the places say that must know the newest checkpoint, None
    where nobody asked them. `report` may be handed in, to be read when this is broken off. Where there is much to look at, as
    many `processes` do; what is found is the same.
    """
    audit = _Audit(db, keys, origin, progress, node_id, LogReport() if report is None else report, processes)
    await audit.begin(span or Span())
    if span is None or span == Span():
        await audit.whole([*known, *(marks or ())])
        audit.check_marks(marks)
    else:
        await audit.part()
    return audit.report


@dataclass
class _Audit:
    """One audit under way."""

    db: Database
    keys: Sequence[Verifier]
    origin: str
    progress: Progress
    node_id: str
    report: LogReport
    processes: int
    ground: Ground = field(default_factory=lambda: Ground(None, None, None, None, None, None))
    end: int = 0

    async def begin(self, span: Span) -> None:
        """Fix the log's size: what at least two of leaves, state and checkpoints agree on."""
        self.ground = await self.db.run(lambda tx: audit_store.ground(tx, self.node_id))
        leaves, signed, state = self.ground.leaves or 0, self.ground.signed or 0, self.ground.state
        report = self.report
        report.size = median_low((leaves, signed, leaves if state is None else state))
        report.signed = min(signed, report.size)
        self.end = report.size if span.end is None else min(span.end, report.size)
        report.first = report.done = min(span.first, self.end)
        for name, value in (("leaves", leaves), ("state", state)):
            if value != report.size:
                what = Text(
                    "leaves, state and checkpoints do not agree on the log's size", "叶子、状态与检查点的条数不一致"
                )
                place = Text(f"log of {self.node_id}, {name}", f"{self.node_id} 的日志，{name}")
                report.note(Fault("log-size", place, None, what, str(value), str(report.size)))

    async def whole(self, known: Sequence[Known]) -> None:
        """Rebuild the tree from the entries, and hold it against everything that is stored or was written down."""
        report, climb = self.report, Climb()
        sizes = {one.checkpoint.size for one in known if one.checkpoint is not None and one.checkpoint.root}
        roots = {0: merkle.EMPTY_ROOT}
        # An exchange whose clock was moved, as in a demo, dates its entries and its checkpoints alike.
        newest = self.db.clock.now()
        strays = asyncio.create_task(self.db.run(lambda tx: audit_store.strays(tx, self.node_id)))
        previous = await self.check_points(await self.points(-1, 0), roots, [])
        try:
            async with self.lanes(points=True) as lanes:
                async for part in lanes.parts():
                    newest = max(newest, part.newest)
                    wanted = sizes | {one.size for one in part.points}
                    await self.check_upper(await self.climb(part, climb, wanted, roots))
                    previous = await self.check_points(part.points, roots, previous)
                    roots = {size: roots[size] for size in roots if size in sizes}
                    await self.progress(report.done, self.end)
                    self.past(part)
            await self.check_upper(climb.rest())
            report.note(*auditing.order_faults(previous, newest))
            for mark in known:
                report.note(*auditing.known_faults(mark, report.size, roots))
            await self.check_state(climb)
            await self.check_strays(await strays)
        finally:
            await audit_lanes.ended(strays)

    async def part(self) -> None:
        """Check a span: each of its tiles leads up to a root that was signed."""
        report = self.report
        if report.first >= self.end:
            return
        note = await self.db.run(lambda tx: tree_store.checkpoint(tx, self.node_id, report.signed))
        root = None
        try:
            signed = notes.open_checkpoint(note or b"", self.origin, self.keys)
            root = signed.root if signed.size == report.signed else None
        except ValueError:
            pass
        if root is None:
            what = Text("the newest checkpoint is not signed by the log's key", "最新检查点没有日志密钥的签名")
            report.note(Fault("log-checkpoint", auditing.checkpoint_place(report.signed), None, what))
        above: set[tiles.Place] = set()
        async with self.lanes(points=False) as lanes:
            async for part in lanes.parts():
                for one in part.tiles:
                    if one.hashes is None:
                        await self.name(one.number)
                self.check_writers(part)
                above |= {(1, one.number // tiles.WIDTH) for one in part.tiles}
                report.note(*(auditing.slot_fault(1, one.number) for one in part.tiles if not one.fits))
                await self.progress(report.done - report.first, self.end - report.first)
                self.past(part)
        await self.check_chain(above)
        if report.first < report.signed and root is not None:
            await self.check_root(root)

    # ------------------------------------------------------------ leaves

    def lanes(self, *, points: bool) -> AbstractAsyncContextManager[Lanes]:
        """Have the tiles looked at, with or without the checkpoints in them."""
        order = LaneOrder(self.db.urls, self.node_id, self.report.size, self.ground.floor_seq or 0, points)
        return audit_lanes.opened(self.db, order, self.report.first, self.end, processes=self.processes)

    def past(self, part: SeenPart) -> None:
        """Say that a part is done."""
        self.report.done = min((part.tiles[-1].number + 1) * tiles.WIDTH, self.end)

    async def climb(
        self, part: SeenPart, climb: Climb, wanted: set[int], roots: dict[int, bytes]
    ) -> dict[tiles.Place, bytes]:
        """Name what is wrong with tiles, and put them into the tree; give the upper tiles that are full by that.

        shapes   `roots` gets those of the sizes that are `wanted`
        """
        finished: dict[tiles.Place, bytes] = {}
        for one in part.tiles:
            low, width = one.number * tiles.WIDTH, tiles.width_at(0, one.number, self.report.size)
            inside = [size for size in wanted if low < size <= low + width]
            if one.root is None or inside:
                hashes = await self.name(one.number) if one.hashes is None else auditing.slots(one.hashes)
                roots |= climb.roots(hashes, inside)
                finished |= dict(climb.add(hashes))
            else:
                finished |= dict(climb.add_root(one.root))
        self.check_writers(part)
        return finished

    async def name(self, number: int) -> list[bytes]:
        """Name what is wrong with a tile, from its rows; give the hashes that its leaves should have."""
        report, floor = self.report, self.ground.floor_seq or 0
        (one,) = await self.db.run(
            lambda tx: audit_store.tile_rows(tx, self.node_id, number, number, report.size, floor)
        )
        rows = await self.db.run(lambda tx: audit_store.leaf_rows(tx, self.node_id, number))
        faults, right = auditing.check_tile(one, rows, report.size, self.node_id)
        report.note(*(f for f in faults if f.index is None or report.first <= f.index < self.end))
        return right

    def check_writers(self, part: SeenPart) -> None:
        """Name rows that another transaction wrote than they say; all of a part at once mean a restore from a dump."""
        everything = sum(one.count for one in part.tiles)
        changed = [index for one in part.tiles for index in one.rewritten]
        if everything and len(changed) == everything:
            place = Text(f"entries {changed[0]:,} to {changed[-1]:,}", f"条目 {changed[0]:,} 至 {changed[-1]:,}")
            self.report.note(auditing.rewritten_fault(place, None, everything))
            return
        inside = [index for index in changed if self.report.first <= index < self.end]
        self.report.note(*(auditing.rewritten_fault(auditing.entry_place(one), one, 1) for one in inside))

    # ------------------------------------------------------------ tiles, checkpoints, state

    async def check_upper(self, right: dict[tiles.Place, bytes]) -> None:
        """Compare upper tiles with what those below them make."""
        stored = await self.db.run(lambda tx: audit_store.upper_tiles(tx, self.node_id, right))
        for place, data in sorted(right.items()):
            self.report.note(*auditing.tile_faults(place, stored.get(place), data))

    async def check_chain(self, places: set[tiles.Place]) -> None:
        """Check that each of these tiles is in the one above it, up to those that are not full."""
        while places:
            ups = {(level + 1, number // tiles.WIDTH) for level, number in places}
            stored = await self.db.run(lambda tx, at=places | ups: audit_store.upper_tiles(tx, self.node_id, at))  # type: ignore[misc]
            for level, number in sorted(places):
                data, up = auditing.slots(stored.get((level, number), b"")), (level + 1, number // tiles.WIDTH)
                place = number % tiles.WIDTH
                known = auditing.slots(stored.get(up, b""))
                if len(data) == tiles.WIDTH and (place >= len(known) or known[place] != auditing.root_of(data)):
                    self.report.note(auditing.slot_fault(level + 1, number))
            places = ups & set(stored)

    async def check_root(self, root: bytes) -> None:
        """Check that the tiles as they are stored make the root that was signed."""
        size = self.report.signed

        async def made(tx: Tx) -> bytes | None:
            places = {
                (level // tiles.HEIGHT, (index << level % tiles.HEIGHT) // tiles.WIDTH)
                for level, index in merkle.perfect(0, size)
            }
            tree = await tree_store.tree(tx, places, self.node_id)
            try:
                return merkle.subtree(0, size, tree.node)
            except KeyError:
                return None

        found = await self.db.run(made)
        if found != root:
            what = Text(
                "the stored tiles make another root than the one that was signed",
                "存储的瓦片得出的根哈希与已签署的不同",
            )
            place = auditing.checkpoint_place(size)
            self.report.note(Fault("log-root", place, None, what, root.hex(), "none" if found is None else found.hex()))

    async def points(self, above: int, up_to: int) -> list[StoredCheckpoint]:
        """Read checkpoints of a range of sizes."""
        return await self.db.run(lambda tx: audit_store.checkpoints(tx, self.node_id, above, up_to))

    async def check_points(
        self, points: list[StoredCheckpoint], roots: dict[int, bytes], previous: list[StoredCheckpoint]
    ) -> list[StoredCheckpoint]:
        """Check stored checkpoints; give the last one, for the next to be compared with."""
        self.report.checkpoints += len(points)
        if not points:
            return previous

        def check() -> list[Fault]:
            return [
                fault
                for one in points
                for fault in auditing.checkpoint_faults(one, roots.get(one.size), self.origin, self.keys)
            ]

        self.report.note(*await asyncio.to_thread(check), *auditing.order_faults([*previous, *points], None))
        return points[-1:]

    async def check_state(self, climb: Climb) -> None:
        """Check what the sequencer remembers, and that nothing lies beyond the log."""
        report, node_id = self.report, self.node_id
        frontier = self.ground.frontier
        if self.ground.state == climb.size and frontier != climb.frontier():
            what = Text("the frontier is not the one of the leaves", "前沿哈希与叶子不符")
            report.note(Fault("log-state", auditing.state_place(node_id, "frontier"), None, what))
        reached = await self.db.run(lambda tx: audit_store.reached(tx, node_id))
        if reached is not None:
            report.note(*auditing.reached_faults(reached, node_id))
        # What was logged since the beginning is no fault: the log's size is asked for again.
        size = max(report.size, (await self.db.run(lambda tx: audit_store.ground(tx, node_id))).state or 0)
        for row in await self.db.run(lambda tx: audit_store.beyond(tx, node_id, size)):
            report.note(auditing.beyond_fault(*row, known=row[1] == node_id))
        for one in await self.db.run(lambda tx: audit_store.asked_for(tx, node_id)):
            what = Text("an export was pinned to it, and it is missing", "有导出固定于该检查点，但其缺失")
            report.note(Fault("log-checkpoint", auditing.checkpoint_place(one), None, what))

    def check_marks(self, found: Sequence[Known] | None) -> None:
        """Check that a log that was signed asks for its mark wherever there is one."""
        if found is not None and self.ground.signed is not None:
            self.report.note(*auditing.mark_faults(self.ground.marks or (), found, self.node_id))

    async def check_strays(self, found: Sequence[tuple[int, int | None, bool]]) -> None:
        """Name entries that the sequencer has passed without logging them, or would log again; look at those that wait."""
        waiting: list[int] = []
        for seq, index, passed in found:
            if passed or index is not None:
                self.report.note(auditing.stray_fault(seq, index))
            else:
                waiting.append(seq)
        self.report.waiting = len(waiting)
        for entry in await self.db.run(lambda tx: audit_store.entries(tx, waiting)):
            self.report.note(*auditing.row_faults(entry, self.node_id))
