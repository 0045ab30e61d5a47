"""Export bundles over a small log, and what somebody may do to them."""

from __future__ import annotations

import json
import zipfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from compliance import notes, tiles, verify
from compliance.entries import Entry, envelope
from compliance.exports import BundleFacts, Earlier, Item, write_bundle
from compliance.scopes import Scope, pinned
from compliance.verify_bundle import line_digests, manifest_text
from exchange.kernel import merkle

NOW = datetime(2026, 1, 15, 8, tzinfo=UTC)
ORIGIN = "exchange.example/log"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
SIGNER = notes.Ed25519Signer(ORIGIN, KEY.public_key().public_bytes_raw(), KEY.sign)
VKEY = SIGNER.verifier.vkey


def tree_of(leaves: list[bytes]) -> tuple[bytes, tiles.Tiles]:
    frontier, data = merkle.Range(0, []), {}
    for piece in tiles.grow(frontier, leaves):
        data[piece.level, piece.number] = piece.data
    return frontier.root(), tiles.Tiles(data)


def flip(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8 % len(data)] ^= 1 << bit % 8
    return bytes(changed)


async def bundle(folder: Path, size: int = 300, scope: Scope | None = None, old: int | None = 7) -> Path:
    """A bundle over a log of `size` entries, unpacked."""
    found = [
        envelope(Entry(action="purchase", organisation_id=UUID(int=i % 3), object_id=f"ord_{i}"), NOW, UUID(int=i))
        for i in range(size)
    ]
    leaves = [merkle.leaf_hash(one) for one in found]
    root, tree = tree_of(leaves)
    checkpoint = notes.Checkpoint("exchange.example/log", size, root)
    fixed = pinned(scope or Scope(), size)
    assert isinstance(fixed, Scope)

    async def items() -> AsyncIterator[Item]:
        assert fixed.to_index is not None
        for index in range(fixed.from_index, fixed.to_index):
            if fixed.complete or index % 3 == 0:
                yield Item(index, found[index], tuple(merkle.inclusion_proof(index, size, tree.node)))

    earlier = None
    if old is not None:
        note = notes.sign_checkpoint(
            notes.Checkpoint("exchange.example/log", old, merkle.root_of(leaves[:old])), [SIGNER]
        )
        earlier = Earlier(note, tuple(merkle.consistency_proof(old, size, tree.node)))
    facts = BundleFacts(
        export_id="exp_1",
        requested_by="org_1",
        requested_at="2026-01-15T08:00:00.000000Z",
        scope=fixed,
        checkpoint=checkpoint,
        note=notes.sign_checkpoint(checkpoint, [SIGNER]),
        legal_basis="监管检查 2026-7",
        earlier=earlier,
    )
    out = BytesIO()
    report = await write_bundle(items(), facts, SIGNER, out)
    assert report.size_bytes == len(out.getvalue())
    (folder / "export.zip").write_bytes(out.getvalue())
    with zipfile.ZipFile(out) as archive:
        archive.extractall(folder / "export")
    return folder / "export"


def resigned(folder: Path) -> None:
    """What an operator can do who holds the key: list the changed files and sign again."""
    manifest = json.loads((folder / "manifest.json").read_bytes())
    for name, facts in manifest["files"].items():
        facts |= verify.Bundle(folder).measure(name)
        if "lines" in facts:
            facts["lines"] = line_digests((folder / name).read_bytes())
    data = verify.canonical(manifest)
    (folder / "manifest.json").write_bytes(data)
    (folder / "manifest.json.sig").write_bytes(notes.sign_note(manifest_text(data), [SIGNER]))
