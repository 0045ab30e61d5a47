"""A regulator's report over a log in memory, with whatever somebody put into its texts."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import AsyncIterator, Mapping, Sequence

from compliance.notes import sign_note
from compliance.reports.kinds import KINDS
from compliance.reports.shape import Cell, Kind
from compliance.reports.writing import HeadFacts, write_report
from compliance.verify_notes import canonical
from compliance.verify_report import head_text
from tests.support.logs import FakeLog

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
