"""The table of an export (RFC 4180), for spreadsheets: `events.csv`. Pure.

Which columns there are and which cells are made harmless is said once, in `verify_table`, because the verifier makes
every line again from its event. This is the same, fast: nearly all cells are ids and slugs that need no second look.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from compliance.formats.shape import Decoded, Row
from compliance.verify_table import COLUMNS, NUMBER, table_row

# Bytes that are harmless inside a cell; cells are joined by a line break.
_HARMLESS = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_.:/- \n"
# Of cells with nothing else in them: those that a quote leads, and those that might be a month or a truth value.
_LED = re.compile(rb"\n(?=[^A-Za-z_\n])").sub
_LOOK_TWICE = re.compile(rb"\n(?i:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|true|false)").search
_BREAKS = COLUMNS.count(",") - 1


class Csv:
    """`events.csv`."""

    member = "events.csv"

    def head(self) -> bytes:
        """The names of the columns."""
        return table_row(COLUMNS.split(","))

    def part(self, rows: Sequence[Row], at: int) -> tuple[bytes, bytes]:
        """One line for each entry; no note."""
        return b"".join([_line(row) for row in rows]), b""

    def tail(self, notes: Sequence[bytes], at: int) -> bytes:
        """Nothing."""
        return b""


def cells(index: int, entry: Decoded) -> list[str]:
    """What the table says of an entry, in the order of the columns, before anything is made harmless."""
    actor, thing = entry.actor, entry.object
    return [
        str(index),
        entry.at,
        entry.action,
        entry.outcome,
        entry.problem or "",
        actor.organisation or "",
        actor.client or "",
        entry.member or "",
        thing.id or "",
        thing.version or "",
        entry.agreement or "",
        entry.rule_set or "",
        " ".join(entry.organisations),
        " ".join([f"{name}:{digest}" for name, digest in entry.digests.items()]),
        entry.node,
        entry.where or "",
        " ".join([f"sha256:{one}" for one in entry.sealed]),
        entry.id,
    ]


def _line(row: Row) -> bytes:
    said = cells(row.index, row.entry)
    text = ("\n" + "\n".join(said[2:])).encode()
    if (
        text.translate(None, _HARMLESS)
        or text.count(b"\n") != _BREAKS
        or _LOOK_TWICE(text)
        or not NUMBER.match(said[1])
    ):
        return table_row(said)
    return f'"{said[0]}","{said[1]}'.encode() + _LED(b"\n'", text).replace(b"\n", b'","') + b'"\r\n'
