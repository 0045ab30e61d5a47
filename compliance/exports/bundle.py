"""The export bundle: everything a regulator needs to check the log without us. Pure.

The evidence is `events.jsonl` with the tiles and proofs; the other forms are for reading. What was asked for gives the same
bytes whoever asks and whenever: who it was and why stands in the delivery note beside the bundle, not in it.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from importlib import resources
from typing import Any, NamedTuple

from compliance.disclosures import Disclosed
from compliance.exports.parts import LAST_BLOCK, PART, Packer, blocks_line, members, stored
from compliance.exports.zipped import Measured, Zipper, crc32_combine
from compliance.formats.known import FORMATS, schema_files
from compliance.notes import Checkpoint, Ed25519Signer, sign_note
from compliance.scopes import Scope
from compliance.verify_bundle import line_digests, manifest_text
from compliance.verify_disclosed import DISCLOSED
from compliance.verify_evidence import BLOCKS, EVENTS, TABLE
from compliance.verify_zip import DEFLATED, STORED
from exchange.kernel.canonical import canonical, digest
from exchange.kernel.stand_alone import joined

TYPE, VERSION = "audit-export", 2
VERIFIER_PARTS = (
    "exchange/kernel/ed25519.py",
    "compliance/verify_notes.py",
    "compliance/verify_zip.py",
    "compliance/verify_table.py",
    "compliance/verify_bundle.py",
    "compliance/verify_evidence.py",
    "compliance/verify_disclosed.py",
)


@dataclass(frozen=True, slots=True)
class Earlier:
    """A checkpoint that the requester knew before, and the proof that the log only grew since."""

    note: bytes
    hashes: tuple[bytes, ...]

    def texts(self) -> list[str]:
        """The proof as base64."""
        return [base64.b64encode(one).decode() for one in self.hashes]


@dataclass(frozen=True, slots=True)
class Witnessed:
    """How many cosignatures make a checkpoint count as witnessed here, and the keys of those who gave theirs."""

    needed: int = 0
    vkeys: tuple[str, ...] = ()

    def to_wire(self) -> dict[str, Any]:
        """What the manifest says of it."""
        return {
            "cosigned_by": [one.split("+")[0] for one in self.vkeys],
            "needed": self.needed,
            "met": len(self.vkeys) >= self.needed,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleFacts:
    """All that the bytes of a bundle depend on, besides the entries."""

    scope: Scope
    checkpoint: Checkpoint
    note: bytes
    formats: tuple[str, ...]
    vkeys: tuple[str, ...]
    witnessed: Witnessed = Witnessed()
    earlier: Earlier | None = None
    part: int = PART
    disclosed: Disclosed | None = None

    def key(self) -> bytes:
        """The name of the bundle: equal facts, equal bytes."""
        earlier = None if self.earlier is None else [self.earlier.note.decode(), *self.earlier.texts()]
        small = {name: sha256(data).hexdigest() for name, data in _same_for_all().items()}
        opened = {} if self.disclosed is None else {"disclosed": [self.disclosed.basis, self.disclosed.sha256.hex()]}
        return digest(
            {
                **opened,
                "type": TYPE,
                "v": VERSION,
                "scope": self.scope.to_wire(),
                "note": self.note.decode(),
                "formats": list(self.formats),
                "keys": list(self.vkeys),
                "witnessed": [self.witnessed.needed, *self.witnessed.vkeys],
                "earlier": earlier,
                "part": self.part,
                "small": small,
                "zlib": zlib.ZLIB_RUNTIME_VERSION,
            }
        )

    def numbers(self) -> range:
        """The parts that the scope touches."""
        first, end = self.scope.from_index, self.scope.to_index
        assert end is not None, "a bundle is made over a pinned scope"
        return range(first // self.part, -(-end // self.part) if end > first else first // self.part)


class PieceKept(NamedTuple):
    """A piece that lies in the file store, under its hash."""

    number: int
    member: str
    sha256: bytes
    packed: int
    crc32: int
    size: int
    notes: tuple[bytes, ...]
    entries: int


class Source(NamedTuple):
    """Bytes of a member: those at hand, or a piece to be fetched."""

    crc32: int
    packed: int
    size: int
    data: bytes | None
    sha256: bytes | None


class MemberPlan(NamedTuple):
    """A member and what it is put together from."""

    name: str
    crc32: int
    packed: int
    size: int
    sources: tuple[Source, ...]


def starts(formats: Sequence[str]) -> dict[str, int]:
    """For each member of a format the length of what it begins with."""
    return {FORMATS[name].member: len(FORMATS[name].head()) for name in formats}


def plans(facts: BundleFacts, kept: Sequence[PieceKept]) -> list[MemberPlan]:
    """The members that are made in parts, from the pieces of all parts."""
    wanted = members(facts.scope.complete, facts.formats)
    around = _around(facts, kept)
    found: list[MemberPlan] = []
    for name in wanted:
        head, tail = around.get(name, (b"", b""))
        pieces = [one for one in kept if one.member == name and one.size]
        sources = [
            *_inline(name, head),
            *(Source(one.crc32, one.packed, one.size, None, one.sha256) for one in pieces),
            *_inline(name, tail),
        ]
        if not stored(name):
            sources.append(Source(0, len(LAST_BLOCK), 0, LAST_BLOCK, None))
        crc = 0
        for source in sources:
            crc = crc32_combine(crc, source.crc32, source.size)
        packed, size = sum(one.packed for one in sources), sum(one.size for one in sources)
        found.append(MemberPlan(name, crc, packed, size, tuple(sources)))
    return found


def _around(facts: BundleFacts, kept: Sequence[PieceKept]) -> dict[str, tuple[bytes, bytes]]:
    """What stands before and behind the parts of each member."""
    found: dict[str, tuple[bytes, bytes]] = {}
    before, behind = b"", b""
    for name in facts.formats:
        form = FORMATS[name]
        pieces = [one for one in kept if one.member == form.member]
        head = form.head()
        at = len(head) + sum(one.size for one in pieces)
        tail = form.tail([note for one in pieces for note in one.notes], at)
        found[form.member] = head, tail
        if form.member != TABLE:
            before += blocks_line(form.member, 0, head)
            behind += blocks_line(form.member, at, tail)
    found[BLOCKS] = before, behind
    return found


def _inline(name: str, data: bytes) -> list[Source]:
    if not data:
        return []
    packer = Packer(name)
    packer.add(data)
    piece = packer.end()
    return [Source(piece.crc32, len(piece.packed), piece.size, piece.packed, None)]


class BundleWriter:
    """Says the bytes of a bundle in order; the packed pieces pass through it on their way."""

    def __init__(self, facts: BundleFacts, kept: Sequence[PieceKept]) -> None:
        """Begin a bundle whose parts are all there, in order of their numbers."""
        self._facts = facts
        self.entries = sum(one.entries for one in kept if one.member == EVENTS)
        self.plans = plans(facts, kept)
        self._zip = Zipper()
        self._files: dict[str, Any] = {}

    def open(self, plan: MemberPlan) -> tuple[bytes, Measured]:
        """What stands before a member, and what looks at its bytes."""
        method = STORED if stored(plan.name) else DEFLATED
        return self._zip.head(plan.name, plan.crc32, plan.packed, plan.size, method=method), Measured(plan.name)

    def close(self, plan: MemberPlan, measured: Measured) -> None:
        """Note what the manifest says of a member.

        errors   ValueError: what was fetched is not what was kept
        """
        said = measured.facts(plan.crc32)
        if said["size_bytes"] != plan.size:
            raise ValueError(f"{plan.name} has {said['size_bytes']} bytes, and {plan.size} were kept")
        self._files[plan.name] = said

    def open_disclosed(self, said: Disclosed) -> bytes:
        """What stands before the opened records, which come next as they are: they do not pack well, and are few."""
        self._files[DISCLOSED] = {"sha256": said.sha256.hex(), "size_bytes": said.size_bytes}
        return self._zip.head(DISCLOSED, said.crc32, said.size_bytes, said.size_bytes, method=STORED)

    def close_disclosed(self, lines: Sequence[str]) -> None:
        """Note a digest of each opened record, so that one that was taken away has a place too."""
        self._files[DISCLOSED]["lines"] = list(lines)

    def rest(self, signer: Ed25519Signer) -> Iterator[bytes]:
        """The small files, the signed manifest, and the end of the zip."""
        for name, data in sorted(_small_files(self._facts).items()):
            # A change in a small file gets a place by its lines; in the others by what they say.
            facts = {"sha256": sha256(data).hexdigest(), "size_bytes": len(data)}
            self._files[name] = {**facts, "lines": line_digests(data)}
            yield self._zip.small(name, data)
        manifest = canonical(_manifest(self._facts, self.entries, self._files))
        yield self._zip.small("manifest.json", manifest)
        yield self._zip.small("manifest.json.sig", sign_note(manifest_text(manifest), [signer]))
        yield self._zip.end()


def verifier() -> bytes:
    """The script that checks an export, as one file that imports nothing of ours."""
    return joined("compliance/verify.py", VERIFIER_PARTS)


@lru_cache(maxsize=1)
def _same_for_all() -> Mapping[str, bytes]:
    """The files that are the same in every bundle of one release."""
    folder = resources.files("compliance")
    return {"VERIFY.md": (folder / "VERIFY.md").read_bytes(), "verify.py": verifier(), **schema_files()}


def _small_files(facts: BundleFacts) -> dict[str, bytes]:
    files = {
        **_same_for_all(),
        "checkpoint": facts.note,
        "log.vkey": "".join(f"{key}\n" for key in facts.vkeys).encode(),
    }
    if facts.witnessed.vkeys:
        files["witnesses.vkey"] = "".join(f"{key}\n" for key in facts.witnessed.vkeys).encode()
    if facts.earlier is not None:
        lines = "".join(f"{one}\n" for one in facts.earlier.texts())
        files |= {"checkpoint.prev": facts.earlier.note, "consistency.proof": lines.encode()}
    return files


def _manifest(facts: BundleFacts, entries: int, files: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    opened = {} if facts.disclosed is None else {"disclosure": facts.disclosed.to_wire()}
    return {
        **opened,
        "type": TYPE,
        "v": VERSION,
        "origin": facts.checkpoint.origin,
        "checkpoint": {"size": facts.checkpoint.size, "root": facts.checkpoint.root.hex()},
        "scope": facts.scope.to_wire(),
        "complete": facts.scope.complete,
        "truncated": False,
        "redacted": facts.disclosed is None,
        "witnessed": facts.witnessed.to_wire(),
        "entries": entries,
        "formats": list(facts.formats),
        "part_entries": facts.part,
        "files": dict(files),
    }
