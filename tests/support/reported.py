"""A regulator's report over a log in memory, with whatever somebody put into its texts."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import subprocess
import zipfile
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from compliance.notes import sign_note
from compliance.reports.kinds import KINDS
from compliance.reports.shape import Cell, Kind
from compliance.reports.writing import HeadFacts, write_report
from compliance.verify_notes import canonical
from compliance.verify_report import head_text
from tests.support.logs import FakeLog
from tests.support.pythons import oldest

LOG = FakeLog()
VKEY = LOG.signer.verifier.vkey
SOLD = KINDS["transactions"]


def sale(**given: Cell) -> dict[str, Cell]:
    """A row of the report on transactions, empty but for what is given."""
    return SOLD.row({**{name: None for name in SOLD.names() if name != "findings"}, **given})


async def report_of(rows: Sequence[Mapping[str, Cell]], kind: Kind = SOLD) -> bytes:
    """The report's zip."""

    async def given() -> AsyncIterator[Sequence[Mapping[str, Cell]]]:
        yield rows

    facts, out = HeadFacts(kind, None, None, None, LOG.checkpoint(9), LOG.note(9)), io.BytesIO()
    await write_report(given(), facts, LOG.signer, out)
    return out.getvalue()


def table_of(data: bytes) -> bytes:
    """The table in a report."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return archive.read("rows.csv")


def signed_with(data: bytes, table: bytes) -> bytes:
    """The report with another table, as who holds the log's key could sign it."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    head = json.loads(files["report.json"])
    head["files"]["rows.csv"] = {"sha256": hashlib.sha256(table).hexdigest(), "size_bytes": len(table)}
    said = canonical(head)
    files |= {"rows.csv": table, "report.json": said, "report.json.sig": sign_note(head_text(said), [LOG.signer])}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def rows(file: bytes) -> list[dict[str, Any]]:
    """What a report lists."""
    with zipfile.ZipFile(io.BytesIO(file)) as archive:
        return [json.loads(line) for line in archive.read("rows.jsonl").splitlines()]


def head(file: bytes) -> dict[str, Any]:
    """What a report says of itself."""
    with zipfile.ZipFile(io.BytesIO(file)) as archive:
        found: dict[str, Any] = json.loads(archive.read("report.json"))
        return found


def checks_alone(tmp_path: Path, file: bytes, key: str) -> None:
    """The script in the report checks it by itself, and finds what was changed."""
    folder = tmp_path / "out"
    with zipfile.ZipFile(io.BytesIO(file)) as archive:
        archive.extractall(folder)
    script = tmp_path / "verify_report.py"
    script.write_bytes((folder / "verify_report.py").read_bytes())

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [oldest(), "-I", "-S", "-B", str(script), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    good = run(str(folder), "--vkey", key)
    assert (good.returncode, "核验通过" in good.stdout) == (0, True), good.stderr
    with (folder / "rows.csv").open(encoding="utf-8", newline="") as table:
        assert next(csv.DictReader(table))["price"] == "300.00"
    for name in sorted(one.name for one in folder.iterdir()):
        whole = (folder / name).read_bytes()
        (folder / name).write_bytes(whole[:-2] + bytes([whole[-2] ^ 1]) + whole[-1:])
        bad = run(str(folder))
        assert (bad.returncode, "Traceback" in bad.stderr) == (1, False), (name, bad.stdout, bad.stderr)
        (folder / name).write_bytes(whole)
    (folder / "more.txt").write_bytes(b"x")
    assert run(str(folder)).returncode == 1
