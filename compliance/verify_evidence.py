"""The evidence in an export: that every event is in the log, in its place. The standard library is all it needs.

A part of the script in each export. The tree is proven in two steps: each tile of 256 entries leads to the checkpoint's
root (`tiles.jsonl`), and each entry to its tile: by the tile's own hashes where the export is complete (`tiles.bin`), by a
proof of its own where it is a selection (`proofs.jsonl`).
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from itertools import groupby
from typing import BinaryIO

from compliance.verify_bundle import Bundle, Findings, paired
from compliance.verify_notes import Checkpoint, Failed, failed, inclusion_holds, node, parse, unbase64
from compliance.verify_table import COLUMNS, table_cells, table_row

EVENTS, PROOFS, TILES, HASHES, TABLE = "events.jsonl", "proofs.jsonl", "tiles.jsonl", "tiles.bin", "events.csv"
BLOCKS = "blocks.jsonl"
ENTRY_VERSIONS = (1, 2)
WIDTH, HASH = 256, 32
BLOCK, SHORT = 4096, 8
NO_WAY = ("its hashes do not lead to the checkpoint", "其哈希无法通向检查点")
NOT_LOGGED = ("it is not what the log holds here", "与日志此处的内容不符")


def leaf_of(line: bytes) -> bytes:
    """The hash of a line of the events as a leaf."""
    return hashlib.sha256(b"\x00" + line[:-1]).digest()


def levels_of(tile: bytes) -> list[list[bytes]]:
    """A tile's hashes and all that follow from them, level by level, up to the one that stands for the tile."""
    levels = [[tile[at : at + HASH] for at in range(0, len(tile), HASH)]]
    while len(levels[-1]) > 1:
        below = levels[-1]
        pairs = [node(below[at], below[at + 1]) for at in range(0, len(below) - 1, 2)]
        # Who has no neighbour goes up as it is.
        levels.append(pairs + below[len(pairs) * 2 :])
    return levels


def tile_width(number: int, size: int) -> int:
    """How many entries a tile holds in a log of `size`."""
    return max(0, min(WIDTH, size - number * WIDTH))


def tile_of(line: bytes) -> tuple[int, bytes, list[bytes]]:
    """Read a line of the tiles: number, hash, and the way up; number -1 for what is none."""
    try:
        said = parse(line[:-1], TILES)
        hashes = [unbase64(one, TILES) for one in said["hashes"]]
        good = line.endswith(b"\n") and set(said) == {"hash", "hashes", "tile"} and type(said["tile"]) is int
        return (said["tile"], unbase64(said["hash"], TILES), hashes) if good else (-1, b"", [])
    except (Failed, KeyError, TypeError, AttributeError):
        return -1, b"", []


def proof_of(line: bytes) -> tuple[int, list[bytes]]:
    """Read a line of the proofs; index -1 for one that is none."""
    try:
        proof = parse(line[:-1], PROOFS)
        hashes = [unbase64(one, PROOFS) for one in proof["hashes"]]
        good = line.endswith(b"\n") and set(proof) == {"hashes", "index"} and type(proof["index"]) is int
        return (proof["index"], hashes) if good else (-1, [])
    except (Failed, KeyError, TypeError, AttributeError):
        return -1, []


def way_up(levels: list[list[bytes]], inner: int) -> list[bytes]:
    """The hashes that lead from one entry of a tile to the tile's hash, from its neighbour up."""
    found = []
    for level in levels[:-1]:
        if inner ^ 1 < len(level):
            found.append(level[inner ^ 1])
        inner >>= 1
    return found


def block_digests(data: bytes) -> bytes:
    """A short digest for each block of a derived file, so that a change in it has a place."""
    view = memoryview(data)
    return b"".join(
        [hashlib.sha256(view[at : at + BLOCK]).digest()[:SHORT] for at in range(0, len(data), BLOCK)],
    )


def indexes(bundle: Bundle, complete: bool, first: int) -> Iterator[int]:
    """The index in the log of each line of the events."""
    if not complete:
        for line in bundle.lines(PROOFS):
            yield proof_of(line)[0]
        return
    while True:
        yield first
        first += 1


class Evidence:
    """The events being held against the checkpoint."""

    def __init__(self, found: Findings, checkpoint: Checkpoint) -> None:
        """Check what the bundle of `found` holds."""
        self.found, self.bundle, self.checkpoint = found, found.bundle, checkpoint
        self.complete: bool = found.manifest["complete"]
        self.first: int = found.manifest["scope"]["from_index"]
        self.end: int = found.manifest["scope"]["to_index"]
        self.tiles: dict[int, bytes] = {}
        self.count = 0

    def check(self) -> None:
        """Check everything that is evidence, and the table that follows from it."""
        self.check_tiles()
        if self.complete:
            self.check_hashes()
            self.check_complete()
        else:
            self.check_selection()
        kind = ("no gap", "没有缺口") if self.complete else ("a selection, with gaps", "节选，序号不连续")
        self.found.say(
            f"{self.count} events canonical and proven to be in the log ({kind[0]})",
            f"{self.count} 条事件形式规范并已证明在日志中（{kind[1]}）",
        )

    # ------------------------------------------------------------ tiles

    def wanted_tiles(self) -> range:
        """The tiles that a complete export touches."""
        return range(self.first // WIDTH, -(-self.end // WIDTH) if self.end > self.first else self.first // WIDTH)

    def tile_holds(self, line: bytes, number: int) -> bool:
        """Whether a line gives this tile's hash, with a way from it to the root."""
        stated, value, hashes = tile_of(line)
        count = -(-self.checkpoint.size // WIDTH)
        return stated == number and inclusion_holds(value, number, count, hashes, self.checkpoint.root)

    def check_tiles(self) -> None:
        """Check that every tile leads to the checkpoint's root."""
        lines = self.bundle.lines(TILES)
        wanted: Iterator[int] = iter(self.wanted_tiles())
        if not self.complete:
            if TILES in self.found.wrong:
                wanted = (tile for tile, _ in groupby(n // WIDTH for n in indexes(self.bundle, False, 0)))
            else:
                # As it was signed: each line speaks for the tile that it names.
                wanted = (tile_of(line)[0] for line in self.bundle.lines(TILES))
        last = -1
        for one in paired(lines, wanted, self.tile_holds):
            if one.what == "fits" and one.wanted > last:
                last = one.wanted
                self.tiles[last] = tile_of(one.found)[1]
            else:
                entry = None if one.wanted is None or one.wanted < 0 else one.wanted * WIDTH
                self.found.misfit(TILES, one._replace(what="changed") if one.what == "fits" else one, entry, *NO_WAY)
            self.found.enough()
        self.found.no_place(TILES)
        self.found.stop(TILES)

    def hashes(self) -> Iterator[tuple[int, bytes]]:
        """The tiles' own hashes, tile by tile; the last may be cut short."""
        with self.bundle.open(HASHES) as file:
            for number in self.wanted_tiles():
                yield number, read_whole(file, tile_width(number, self.checkpoint.size) * HASH)

    def check_hashes(self) -> None:
        """Check that the hashes in each tile make the tile's hash; name the one that does not."""
        for number, data in self.hashes():
            whole = len(data) == tile_width(number, self.checkpoint.size) * HASH
            if not whole or levels_of(data)[-1] != [self.tiles[number]]:
                self.name_hash(number, data)
                break
        else:
            stated = sum(tile_width(number, self.checkpoint.size) for number in self.wanted_tiles()) * HASH
            if HASHES in self.found.wrong:
                en = f"from byte {stated} on there is something that does not belong here"
                self.found.note(HASHES, en, f"自第 {stated} 字节起有多余内容", None, self.end - 1)
        self.found.stop()

    def name_hash(self, number: int, data: bytes) -> None:
        """Find the hash that was changed, by the events; without them the tile is all that can be said."""
        at = 0
        if EVENTS not in self.found.wrong:
            leaves = self.leaves_of(number)
            found = (n for n, leaf in leaves if data[n * HASH : n * HASH + HASH] != leaf)
            at = next(found, 0)
        byte = (number - self.first // WIDTH) * WIDTH * HASH + at * HASH
        en = f"from byte {byte} on these are not the hashes of the log"
        self.found.note(HASHES, en, f"自第 {byte} 字节起不是日志的哈希", None, number * WIDTH + at)

    def leaves_of(self, number: int) -> Iterator[tuple[int, bytes]]:
        """The leaf hashes that follow from the events in a tile, each with its place there."""
        for index, line in enumerate(self.bundle.lines(EVENTS), self.first):
            if index // WIDTH == number:
                yield index % WIDTH, leaf_of(line)
            elif index // WIDTH > number:
                return

    # ------------------------------------------------------------ events

    def check_complete(self) -> None:
        """Check that the events are the entries of the range, each in its place and none missing."""

        def wanted() -> Iterator[tuple[int, bytes]]:
            for number, data in self.hashes():
                for at in range(len(data) // HASH):
                    index = number * WIDTH + at
                    if self.first <= index < self.end:
                        yield index, data[at * HASH : at * HASH + HASH]

        def fits(line: bytes, right: tuple[int, bytes]) -> bool:
            return line.endswith(b"\n") and leaf_of(line) == right[1]

        for one in paired(self.bundle.lines(EVENTS), wanted(), fits):
            index = None if one.wanted is None else one.wanted[0]
            if one.what == "fits":
                self.check_event(one.found, one.wanted[0])
            else:
                self.found.misfit(EVENTS, one, index, *NOT_LOGGED)
            self.found.enough()
        self.check_whole()

    def check_selection(self) -> None:
        """Check that each event has a proof, in the log's order."""
        found = self.found
        culprit = PROOFS if PROOFS in found.wrong and EVENTS not in found.wrong else EVENTS

        def holds(envelope: bytes, line: bytes) -> bool:
            index, hashes = proof_of(line)
            tile, inner = divmod(max(index, 0), WIDTH)
            width = tile_width(tile, self.checkpoint.size)
            good = index >= 0 and tile in self.tiles and envelope.endswith(b"\n")
            return good and inclusion_holds(leaf_of(envelope), inner, width, hashes, self.tiles[tile])

        events, proofs = self.bundle.lines(EVENTS), self.bundle.lines(PROOFS)
        if culprit == EVENTS:
            rows = paired(events, proofs, holds)
        else:
            rows = paired(proofs, events, lambda line, envelope: holds(envelope, line))
        last = self.first - 1
        for one in rows:
            envelope, line = (one.found, one.wanted) if culprit == EVENTS else (one.wanted, one.found)
            index = -1 if line is None else proof_of(line)[0]
            if one.what != "fits":
                en, zh = "its proof does not lead to the checkpoint", "其证明无法通向检查点"
                found.misfit(culprit, one, None if index < 0 else index, en, zh)
            else:
                self.check_event(envelope, index)
                if not last < index < self.end:
                    found.note(EVENTS, "out of order or outside the scope", "次序错误或超出范围", self.count, index)
                last = index
            found.enough()
        self.check_whole()

    def check_event(self, line: bytes, index: int) -> None:
        """Check the form of one event that is in the log."""
        self.count += 1
        try:
            event = parse(line[:-1], EVENTS, self.count, index)
            if event.get("type") != "audit-entry" or event.get("v") not in ENTRY_VERSIONS:
                en, zh = "not an audit entry of a known version", "不是已知版本的审计条目"
                self.found.note(EVENTS, en, zh, self.count, index)
        except Failed as error:
            self.found.faults += error.faults

    def check_whole(self) -> None:
        """Check that the events are as many as the manifest says."""
        found, stated = self.found, self.found.manifest["entries"]
        found.no_place(EVENTS, PROOFS)
        if found.wrong & {EVENTS, PROOFS}:
            # Without the events nobody can say where in the table the place is.
            found.no_place(TABLE)
        found.stop(EVENTS, PROOFS)
        if self.count != stated:
            en = f"has {self.count} entries, and the manifest states {stated}"
            found.note(EVENTS, en, f"共 {self.count} 条，而清单声明 {stated} 条", self.count + 1)
        found.stop()

    # ------------------------------------------------------------ what follows from the events

    def check_table(self) -> None:
        """Check that the table says what the events say, row by row."""
        if TABLE not in self.found.manifest["files"]:
            return

        def rows() -> Iterator[tuple[bytes, int | None]]:
            yield table_row(COLUMNS.split(",")), None
            places = indexes(self.bundle, self.complete, self.first)
            for envelope in self.bundle.lines(EVENTS):
                index = next(places)
                yield table_row(table_cells(index, json.loads(envelope))), index

        for one in paired(self.bundle.lines(TABLE), rows(), lambda found, right: found == right[0]):
            if one.what != "fits":
                entry = None if one.wanted is None else one.wanted[1]
                self.found.misfit(TABLE, one, entry, "it is not what the events say", "与事件不一致")
            self.found.enough()
        self.found.no_place(TABLE)
        self.found.stop()
        self.found.say("the table says what the events say", "表格与事件一致")

    def check_derived(self) -> None:
        """Name the first block in which a file made from the events differs from what was exported."""
        if not self.found.wrong:
            return
        at: dict[str, int] = {}
        for number, line in enumerate(self.bundle.lines(BLOCKS), 1):
            said = parse(line[:-1], BLOCKS, number)
            name, digests = said["member"], unbase64(said["digests"], BLOCKS, number)
            if name in self.found.wrong and at.get(name, 0) >= 0:
                at[name] = self.check_blocks(name, said["at"], said["size"], digests)
        for name, end in at.items():
            if end >= 0:
                self.differs(name, end)
        self.found.no_place(*sorted(self.found.wrong))
        self.found.stop()

    def check_blocks(self, name: str, start: int, size: int, digests: bytes) -> int:
        """Check one run of blocks; give where it ends, or -1 where a difference was found and named."""
        with self.bundle.open(name) as file:
            file.seek(start)
            found = block_digests(read_whole(file, size))
        for at in range(0, len(digests), SHORT):
            if found[at : at + SHORT] != digests[at : at + SHORT]:
                self.differs(name, start + at // SHORT * BLOCK)
                return -1
        return start + size

    def differs(self, name: str, byte: int) -> None:
        """Note the block that begins at a byte."""
        line = None
        if name.endswith((".jsonl", ".json")):
            with self.bundle.open(name) as file:
                line = 1 + read_whole(file, byte).count(b"\n")
        en = f"bytes {byte} to {byte + BLOCK - 1} are not what was exported"
        self.found.note(name, en, f"第 {byte} 至 {byte + BLOCK - 1} 字节与导出内容不符", line)


def read_whole(file: BinaryIO, size: int) -> bytes:
    """As many bytes as there are, up to `size`."""
    parts = []
    while size > 0:
        chunk = file.read(min(size, 1 << 20))
        if not chunk:
            break
        parts.append(chunk)
        size -= len(chunk)
    return b"".join(parts)


def write_proof(bundle: Bundle, wanted: int, manifest: dict[str, object], out: BinaryIO) -> None:
    """Write the proof of one entry as c2sp.org/tlog-proof@v1."""
    scope: dict[str, int] = manifest["scope"]  # type: ignore[assignment]
    upper = next((hashes for n, _, hashes in map(tile_of, bundle.lines(TILES)) if n == wanted // WIDTH), None)
    lower = None
    if not manifest["complete"]:
        lower = next((hashes for index, hashes in map(proof_of, bundle.lines(PROOFS)) if index == wanted), None)
    elif upper is not None and scope["from_index"] <= wanted < scope["to_index"]:
        first = scope["from_index"] // WIDTH
        with bundle.open(HASHES) as file:
            file.seek((wanted // WIDTH - first) * WIDTH * HASH)
            checkpoint: dict[str, int] = manifest["checkpoint"]  # type: ignore[assignment]
            tile = read_whole(file, tile_width(wanted // WIDTH, checkpoint["size"]) * HASH)
        lower = way_up(levels_of(tile), wanted % WIDTH)
    if upper is None or lower is None or wanted < 0:
        raise failed(EVENTS, f"entry {wanted} is not in this export", f"本导出不含条目 {wanted}", None, wanted)
    hashes = [base64.b64encode(one).decode() for one in (*lower, *upper)]
    lines = ["c2sp.org/tlog-proof@v1", f"index {wanted}", *hashes]
    out.write("\n".join(lines).encode() + b"\n\n" + bundle.read("checkpoint"))
