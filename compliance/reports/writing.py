"""A report as a file: its rows as JSON lines and as a table, and a signed head that says what they are and of which log.

The same rows and facts give the same bytes. Pure, but for the streams it is given.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from tempfile import SpooledTemporaryFile
from typing import IO, Any, BinaryIO

from compliance.notes import Checkpoint, Ed25519Signer, sign_note
from compliance.reports.findings import FINDINGS
from compliance.reports.shape import Kind, Row, csv_head, csv_line, found_in, json_line
from compliance.verify_report import head_text
from exchange.kernel.canonical import canonical
from exchange.kernel.stand_alone import joined

TYPE, VERSION = "regulator-report", 1
VERIFIER_PARTS = ("exchange/kernel/ed25519.py", "compliance/verify_notes.py", "compliance/verify_table.py")
_MOMENT = (1980, 1, 1, 0, 0, 0)
_SPOOL_BYTES, _CHUNK_BYTES = 4 * 1024 * 1024, 1024 * 1024


@dataclass(frozen=True, slots=True)
class HeadFacts:
    """What the head says besides the files: the period as asked, the checkpoint, and the rule sets that were applied."""

    kind: Kind
    since: str | None
    until: str | None
    year: int | None
    checkpoint: Checkpoint
    note: bytes
    rule_sets: tuple[str, ...] = ()
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Written:
    """The finished file."""

    sha256: bytes
    size_bytes: int
    rows: int
    findings: int


async def write_report(
    rows: AsyncIterator[Sequence[Row]],
    facts: HeadFacts,
    signer: Ed25519Signer,
    out: BinaryIO,
    vkeys: Sequence[str] = (),
) -> Written:
    """Write the report as a zip, in memory that does not grow with its rows; `out` is seekable and readable."""
    count, found = 0, Counter[str]()
    with _spool() as lines, _spool() as table:
        table.write(csv_head(facts.kind))
        async for batch in rows:
            for row in batch:
                lines.write(json_line(row))
                table.write(csv_line(facts.kind, row))
                found.update(found_in(row))
            count += len(batch)
        keys = dict.fromkeys((signer.verifier.vkey, *vkeys))
        bodies: dict[str, IO[bytes]] = {
            "checkpoint": io.BytesIO(facts.note),
            "log.vkey": io.BytesIO("".join(f"{key}\n" for key in keys).encode()),
            "rows.csv": table,
            "rows.jsonl": lines,
            "verify_report.py": io.BytesIO(joined("compliance/verify_report.py", VERIFIER_PARTS)),
        }
        head = canonical(_head(facts, count, found, {name: _measured(body) for name, body in bodies.items()}))
        bodies |= {"report.json": io.BytesIO(head), "report.json.sig": io.BytesIO(sign_note(head_text(head), [signer]))}
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in sorted(bodies):
                _store(archive, name, bodies[name])
    whole = _measured(out)
    return Written(bytes.fromhex(whole["sha256"]), whole["size_bytes"], count, found.total())


def _head(facts: HeadFacts, rows: int, found: Counter[str], files: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    kind, checkpoint = facts.kind, facts.checkpoint
    return {
        "type": TYPE,
        "v": VERSION,
        "report": kind.name,
        "title": kind.title.map(),
        "article": kind.article,
        "about": kind.about.map(),
        "period": {"since": facts.since, "until": facts.until, "year": facts.year},
        "checkpoint": {"origin": checkpoint.origin, "size": checkpoint.size, "root": checkpoint.root.hex()},
        "rule_sets": list(facts.rule_sets),
        "columns": [one.wire() for one in kind.columns],
        "rows": rows,
        "findings": {word: {"count": count, **FINDINGS[word].map()} for word, count in sorted(found.items())},
        "more": dict(facts.more),
        "files": {name: dict(one) for name, one in files.items()},
    }


def _spool() -> SpooledTemporaryFile[bytes]:
    return SpooledTemporaryFile(max_size=_SPOOL_BYTES)


def _measured(body: IO[bytes]) -> dict[str, Any]:
    digest, size = hashlib.sha256(), 0
    body.seek(0)
    while chunk := body.read(_CHUNK_BYTES):
        digest.update(chunk)
        size += len(chunk)
    body.seek(0)
    return {"sha256": digest.hexdigest(), "size_bytes": size}


def _store(archive: zipfile.ZipFile, name: str, body: IO[bytes]) -> None:
    """One member, with nothing of this machine or moment in it."""
    info = zipfile.ZipInfo(name, _MOMENT)
    info.compress_type, info.create_system, info.external_attr = zipfile.ZIP_DEFLATED, 3, 0o100644 << 16
    with archive.open(info, "w", force_zip64=True) as member:
        while chunk := body.read(_CHUNK_BYTES):
            member.write(chunk)
