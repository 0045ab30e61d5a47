"""Export bundles over a small log, and what somebody may do to them."""

from __future__ import annotations

import hashlib
import json
import zipfile
from datetime import UTC, datetime
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from compliance import notes, tiles
from compliance.entries import Entry, envelope
from compliance.exports.bundle import BundleFacts, BundleWriter, Earlier, PieceKept, starts
from compliance.exports.delivery import Delivery, delivery_note
from compliance.exports.parts import SLICE, Leaf, PartMaker, PartWish, Piece, tiles_of_slice
from compliance.formats.known import FORMATS
from compliance.scopes import Scope, pinned
from compliance.verify_bundle import Bundle, line_digests, manifest_text
from compliance.verify_notes import canonical
from exchange.kernel import merkle

NOW = datetime(2026, 1, 15, 8, tzinfo=UTC)
ORIGIN = "exchange.example/log"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
SIGNER = notes.Ed25519Signer(ORIGIN, KEY.public_key().public_bytes_raw(), KEY.sign)
VKEY = SIGNER.verifier.vkey


def tiles_of(leaves: list[bytes]) -> tuple[bytes, dict[tiles.Place, bytes]]:
    frontier, data = merkle.Range(0, []), {}
    for piece in tiles.grow(frontier, leaves):
        data[piece.level, piece.number] = piece.data
    return frontier.root(), data


def tree_of(leaves: list[bytes]) -> tuple[bytes, tiles.Tiles]:
    root, data = tiles_of(leaves)
    return root, tiles.Tiles(data)


def flip(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8 % len(data)] ^= 1 << bit % 8
    return bytes(changed)


def logged(size: int) -> list[bytes]:
    """The entries of a log: purchases of three buyers."""
    return [
        envelope(Entry(action="purchase", organisation_id=UUID(int=i % 3), object_id=f"ord_{i}"), NOW, UUID(int=i))
        for i in range(size)
    ]


def facts_of(found: list[bytes], scope: Scope | None = None, old: int | None = 7, part: int = 1024) -> BundleFacts:
    """What a bundle over a log says of it."""
    size, leaves = len(found), [merkle.leaf_hash(one) for one in found]
    root, tree = tree_of(leaves)
    checkpoint = notes.Checkpoint(ORIGIN, size, root)
    fixed = pinned(scope or Scope(), size)
    assert isinstance(fixed, Scope)
    earlier = None
    if old is not None:
        note = notes.sign_checkpoint(notes.Checkpoint(ORIGIN, old, merkle.root_of(leaves[:old])), [SIGNER])
        earlier = Earlier(note, tuple(merkle.consistency_proof(old, size, tree.node)))
    return BundleFacts(
        scope=fixed,
        checkpoint=checkpoint,
        note=notes.sign_checkpoint(checkpoint, [SIGNER]),
        formats=tuple(FORMATS),
        vkeys=(VKEY,),
        earlier=earlier,
        part=part,
    )


def zip_of(found: list[bytes], facts: BundleFacts) -> bytes:
    """The bundle, made without a database; of a selection every third entry."""
    _, tree = tiles_of([merkle.leaf_hash(one) for one in found])
    blobs: dict[bytes, bytes] = {}
    kept: list[PieceKept] = []
    at = starts(facts.formats)
    low, high = facts.scope.from_index, facts.scope.to_index
    assert high is not None
    for number in facts.numbers():
        first, end = max(number * facts.part, low), min(number * facts.part + facts.part, high)
        wish = PartWish(first, end, facts.checkpoint.size, facts.scope.complete, facts.formats, dict(at))
        maker = PartMaker(wish)
        for start in range(first, end, SLICE):
            inside = range(start, min(start + SLICE, end))
            leaves = [Leaf(index, found[index]) for index in inside if facts.scope.complete or index % 3 == 0]
            numbers = sorted({index // 256 for index in (inside if facts.scope.complete else (n for n, _ in leaves))})
            wanted = tiles_of_slice(numbers, facts.checkpoint.size)
            maker.add(leaves, numbers, {place: tree[place] for place in wanted})
        for piece in maker.end():
            if piece.member in at:
                at[piece.member] += piece.size
            kept.append(kept_of(number, piece, maker.entries))
            blobs[kept[-1].sha256] = piece.packed
    writer, out = BundleWriter(facts, kept), BytesIO()
    for plan in writer.plans:
        head, measured = writer.open(plan)
        out.write(head)
        for source in plan.sources:
            data = source.data if source.data is not None else blobs[source.sha256 or b""]
            measured.add(data)
            out.write(data)
        writer.close(plan, measured)
    for data in writer.rest(SIGNER):
        out.write(data)
    return out.getvalue()


def kept_of(number: int, piece: Piece, entries: int) -> PieceKept:
    """A piece as the store remembers it."""
    digest = hashlib.sha256(piece.packed).digest()
    return PieceKept(
        number, piece.member, digest, len(piece.packed), piece.crc32, piece.size, tuple(piece.notes), entries
    )


@lru_cache(maxsize=64)
def _made(size: int, scope: Scope | None, old: int | None) -> tuple[bytes, BundleFacts]:
    """The same bytes for every test that asks for the same."""
    found = logged(size)
    facts = facts_of(found, scope, old)
    return zip_of(found, facts), facts


async def bundle(folder: Path, size: int = 300, scope: Scope | None = None, old: int | None = 7) -> Path:
    """A bundle over a log of `size` entries, unpacked; its delivery note beside it."""
    data, facts = _made(size, scope, old)
    (folder / "export.zip").write_bytes(data)
    said = Delivery(
        export_id="exp_1",
        requested_by="org_1",
        requested_at="2026-01-15T08:00:00.000000Z",
        legal_basis="监管检查 2026-7",
        sha256=hashlib.sha256(data).digest(),
        size_bytes=len(data),
        earlier=facts.earlier,
    )
    (folder / "delivery.json").write_bytes(delivery_note(said, facts, SIGNER))
    with zipfile.ZipFile(BytesIO(data)) as archive:
        archive.extractall(folder / "export")
    return folder / "export"


def resigned(folder: Path, signer: notes.Ed25519Signer = SIGNER) -> None:
    """What an operator can do who holds the key: list the changed files and sign again."""
    manifest = json.loads((folder / "manifest.json").read_bytes())
    for name, facts in manifest["files"].items():
        facts |= Bundle(folder).measure(name)
        if "lines" in facts:
            facts["lines"] = line_digests((folder / name).read_bytes())
    data = canonical(manifest)
    (folder / "manifest.json").write_bytes(data)
    (folder / "manifest.json.sig").write_bytes(notes.sign_note(manifest_text(data), [signer]))
