"""The export bundle: everything a regulator needs to check the log without us. Pure, but for the streams it is given.

The evidence is `events.jsonl` with `proofs.jsonl`; the CSV is for reading. The same items and facts give the same bytes.
"""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from tempfile import SpooledTemporaryFile
from typing import IO, Any, BinaryIO

from compliance.formats.csv import Csv
from compliance.formats.shape import row
from compliance.notes import Checkpoint, Ed25519Signer, sign_note
from compliance.scopes import Scope
from compliance.verify_bundle import line_digests, manifest_text
from exchange.kernel.canonical import canonical
from exchange.kernel.stand_alone import joined

TYPE, VERSION = "audit-export", 1
VERIFIER_PARTS = (
    "exchange/kernel/ed25519.py",
    "compliance/verify_notes.py",
    "compliance/verify_zip.py",
    "compliance/verify_table.py",
    "compliance/verify_bundle.py",
)
SPOOL_BYTES = 4 * 1024 * 1024
_MOMENT = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Item:
    """One leaf with its way to the root."""

    leaf_index: int
    envelope: bytes
    hashes: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Earlier:
    """A checkpoint that the requester knew before, and the proof that the log only grew since."""

    note: bytes
    hashes: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleFacts:
    """What the manifest says of a bundle besides its files."""

    export_id: str
    requested_by: str
    requested_at: str
    scope: Scope
    checkpoint: Checkpoint
    note: bytes
    legal_basis: str | None = None
    earlier: Earlier | None = None


@dataclass(frozen=True, slots=True)
class BundleReport:
    """The finished bundle."""

    sha256: bytes
    size_bytes: int
    entries: int


async def write_bundle(
    items: AsyncIterator[Item], facts: BundleFacts, signer: Ed25519Signer, out: BinaryIO, vkeys: Sequence[str] = ()
) -> BundleReport:
    """Write the bundle as a zip, in memory that does not grow with the log.

    `out` is seekable and readable; `vkeys` are further keys that signed this log, older ones say.

    shapes   items ascend by leaf index and lie inside the facts' scope
    """
    with _spool() as events, _spool() as proofs, _spool() as table:
        entries = await _write_items(items, events, proofs, table)
        bodies: dict[str, IO[bytes]] = {"events.csv": table, "events.jsonl": events, "proofs.jsonl": proofs}
        measured = {name: _measure(body) for name, body in bodies.items()}
        for name, data in _small_files(facts, signer, vkeys).items():
            bodies[name] = io.BytesIO(data)
            # A change in a small file gets a place by its lines; in the others by what they say.
            measured[name] = {**_measure(bodies[name]), "lines": line_digests(data)}
        manifest = canonical(_manifest(facts, entries, measured))
        note = sign_note(manifest_text(manifest), [signer])
        bodies |= {"manifest.json": io.BytesIO(manifest), "manifest.json.sig": io.BytesIO(note)}
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in sorted(bodies):
                _store(archive, name, bodies[name])
    whole = _measure(out)
    return BundleReport(bytes.fromhex(whole["sha256"]), whole["size_bytes"], entries)


async def _write_items(items: AsyncIterator[Item], events: IO[bytes], proofs: IO[bytes], table: IO[bytes]) -> int:
    cells = Csv()
    table.write(cells.head())
    entries = 0
    async for item in items:
        events.write(item.envelope + b"\n")
        hashes = [base64.b64encode(one).decode() for one in item.hashes]
        proofs.write(canonical({"hashes": hashes, "index": item.leaf_index}) + b"\n")
        table.write(cells.part([row(item.leaf_index, item.envelope)], 0)[0])
        entries += 1
    return entries


def verifier() -> bytes:
    """The script that checks an export, as one file that imports nothing of ours."""
    return joined("compliance/verify.py", VERIFIER_PARTS)


def _small_files(facts: BundleFacts, signer: Ed25519Signer, vkeys: Sequence[str]) -> dict[str, bytes]:
    folder = resources.files("compliance")
    keys = dict.fromkeys((signer.verifier.vkey, *vkeys))
    files = {
        "VERIFY.md": (folder / "VERIFY.md").read_bytes(),
        "checkpoint": facts.note,
        "log.vkey": "".join(f"{key}\n" for key in keys).encode(),
        "verify.py": verifier(),
    }
    if facts.earlier is not None:
        lines = [base64.b64encode(one).decode() + "\n" for one in facts.earlier.hashes]
        files |= {"checkpoint.prev": facts.earlier.note, "consistency.proof": "".join(lines).encode()}
    return files


def _manifest(facts: BundleFacts, entries: int, files: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "type": TYPE,
        "v": VERSION,
        "id": facts.export_id,
        "origin": facts.checkpoint.origin,
        "checkpoint": {"size": facts.checkpoint.size, "root": facts.checkpoint.root.hex()},
        "scope": facts.scope.to_wire(),
        "complete": facts.scope.complete,
        "truncated": False,
        "entries": entries,
        "requested_by": facts.requested_by,
        "requested_at": facts.requested_at,
        "legal_basis": facts.legal_basis,
        "files": dict(files),
    }


def _spool() -> SpooledTemporaryFile[bytes]:
    return SpooledTemporaryFile(max_size=SPOOL_BYTES)


def _measure(body: IO[bytes]) -> dict[str, Any]:
    digest, size = hashlib.sha256(), 0
    body.seek(0)
    while chunk := body.read(1024 * 1024):
        digest.update(chunk)
        size += len(chunk)
    body.seek(0)
    return {"sha256": digest.hexdigest(), "size_bytes": size}


def _store(archive: zipfile.ZipFile, name: str, body: IO[bytes]) -> None:
    """One member, with nothing of this machine or moment in it."""
    info = zipfile.ZipInfo(name, _MOMENT)
    info.compress_type, info.create_system, info.external_attr = zipfile.ZIP_DEFLATED, 3, 0o100644 << 16
    with archive.open(info, "w", force_zip64=True) as member:
        while chunk := body.read(1024 * 1024):
            member.write(chunk)
