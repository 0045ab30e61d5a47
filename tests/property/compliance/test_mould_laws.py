"""The quick look at a tile and the slow one at its rows agree, whatever one byte or column of it was made into.

Derandomized like all properties here: the same cases each time, other ones with EXPLORE=1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance import auditing, entries, tile_audit, tile_columns
from compliance.auditing import LeafRow, TileRows
from compliance.entries import Entry
from compliance.moulds import Moulds, Rows, mould
from exchange.kernel import merkle

NODE, NUMBER, WIDTH = "centre", 3, 256
SIZE = (NUMBER + 1) * WIDTH
AT = datetime(2026, 11, 22, 23, 59, 59, 900_000, tzinfo=UTC)


def _entry(n: int) -> Entry:
    one = Entry(
        action="purchase",
        organisation_id=UUID(int=n % 5 + 1),
        object_id=f"ord_{n:05d}",
        digests={"agreement": sha256(str(n).encode()).digest()},
        concerns=(UUID(int=2**127 + n % 3),),
    )
    kinds = {
        0: {"action": "refund"},
        1: {"object_id": ""},
        2: {"organisation_id": None, "concerns": ()},
        3: {
            "object_id": f"smp_{n}",
            "object_version": f"{n}/7",
            "concerns": tuple(UUID(int=m + 9) for m in range(n % 4)),
        },
    }
    return replace(one, **kinds.get(n % 12, {}))  # type: ignore[arg-type]


def _rows() -> list[LeafRow]:
    """256 entries of a handful of kinds; the day changes among them."""
    made = []
    for n in range(WIDTH):
        at, entry_id, one = (
            AT + timedelta(milliseconds=n),
            UUID(int=(n + 1) * 0x1234_5678_9ABC_DEF0_1357_9BDF),
            _entry(n),
        )
        envelope = entries.envelope(one, at, entry_id)
        leaf, orgs = merkle.leaf_hash(envelope), one.organisations()
        row = (entry_id, at, one.action, one.object_id or None, orgs, envelope)
        made.append(LeafRow(NUMBER * WIDTH + n, leaf, n + 1, NODE, *row))
    return made


SOUND = _rows()
TILE = b"".join(row.leaf_hash or b"" for row in SOUND)
ABOVE = auditing.root_of(auditing.slots(TILE))


def _sent(organisations: list[UUID] | None) -> bytes | None:
    if organisations is None:
        return None
    head, _ = tile_columns.sent(len(organisations))
    members = [one.bytes for one in organisations]
    return head[:20].tobytes() + b"".join(len(one).to_bytes(4, "big") + one for one in members)


def _tile(rows: list[LeafRow]) -> TileRows:
    """The rows as the server joins them to one."""
    epoch = datetime(2000, 1, 1, tzinfo=UTC)
    micros = [(row.created_at - epoch) // timedelta(microseconds=1) for row in rows if row.created_at]
    return TileRows(
        NUMBER,
        len(rows),
        all(row.node_id == NODE for row in rows),
        b"".join((row.index or 0).to_bytes(8, "big") + (row.leaf_hash or b"") for row in rows),
        [row.envelope or b"" for row in rows],
        b"".join(row.id.bytes for row in rows if row.id),
        b"".join(one.to_bytes(8, "big", signed=True) for one in micros),
        [row.action for row in rows],
        [row.object_id for row in rows],
        [_sent(row.organisation_ids) for row in rows],
        None,
        TILE,
        ABOVE,
    )


def _fits(rows: list[LeafRow], columns: tile_audit.Columns | None = None) -> bool:
    one = _tile(rows)
    return tile_audit.hashes(one, SIZE) is not None and not (columns or tile_audit.Columns(NODE)).unfit([one])


def _faults(rows: list[LeafRow]) -> list[auditing.Fault]:
    by_index = {row.index or 0: row for row in rows}
    return auditing.check_tile(_tile(rows), by_index, SIZE, NODE)[0]


def _other(row: LeafRow, name: str, dice: int) -> Any:
    """Another value of a column; sometimes the same."""
    value = getattr(row, name)
    if name in ("envelope", "leaf_hash"):
        at = dice % len(value)
        return value[:at] + bytes([value[at] ^ 1 << dice % 8]) + value[at + 1 :]
    changes: dict[str, Callable[[], list[Any]]] = {
        "action": lambda: ["refund", "purchase", "purchase ", "", None],
        "object_id": lambda: ["ord_00012", "", None, f"{value}0", (value or "")[:-1], "ö" + (value or "?")[1:]],
        "id": lambda: [UUID(int=dice + 1), None],
        "created_at": lambda: [value + timedelta(microseconds=1 + dice % 10**12), None],
        "organisation_ids": lambda: [[], None, value[::-1], value[:-1], [*value, UUID(int=dice)]],
        "node_id": lambda: ["other", NODE],
    }
    choices = changes[name]()
    return choices[dice % len(choices)]


COLUMNS = ("envelope", "leaf_hash", "action", "object_id", "id", "created_at", "organisation_ids", "node_id")


def test_a_sound_tile_fits_and_nothing_in_it_needs_to_be_read_alone() -> None:
    assert _fits(SOUND)
    assert _faults(SOUND) == []
    one, moulds = _tile(SOUND), Moulds(lambda _: True)
    strange = moulds.strangers(tile_audit.rows_of([one]))
    # Only kinds of fewer than eight entries of one length are read as JSON: the quick way is the one that is taken.
    assert strange is not None
    assert len(strange) < WIDTH // 5
    assert {n % 12 for n in strange} <= {1, 2, 3}


@given(st.integers(0, WIDTH - 1), st.sampled_from(COLUMNS), st.integers(0, 2**40))
def test_quick_and_slow_agree_on_one_changed_value_and_its_place(index: int, name: str, dice: int) -> None:
    row = SOUND[index]
    rows = [*SOUND[:index], replace(row, **{name: _other(row, name, dice)}), *SOUND[index + 1 :]]
    columns, faults = tile_audit.Columns(NODE), _faults(rows)
    # With moulds of sound tiles at hand, and with none.
    columns.unfit([_tile(SOUND)])
    assert _fits(rows, columns) == _fits(rows) == (not faults) == (rows == SOUND)
    assert {fault.index for fault in faults} <= {NUMBER * WIDTH + index}


@given(st.integers(0, WIDTH - 1), st.integers(0, WIDTH - 1), st.sampled_from(COLUMNS))
def test_quick_and_slow_agree_on_two_swapped_values(first: int, second: int, name: str) -> None:
    """Columns that are compared in one piece: what one has too little the other must not make up for."""
    rows = list(SOUND)
    values = getattr(SOUND[first], name), getattr(SOUND[second], name)
    rows[first], rows[second] = replace(rows[first], **{name: values[1]}), replace(rows[second], **{name: values[0]})
    assert _fits(rows) == (not _faults(rows)) == (rows == SOUND)


@given(st.integers(0, WIDTH - 1), st.integers(0, 2**40), st.sampled_from(b'"\\\x00\x1f\x7f\x80\xffz0 {}:,'))
def test_quick_and_slow_agree_on_an_envelope_that_is_forged_with_its_hashes(index: int, dice: int, byte: int) -> None:
    """Leaf and tile made anew: only its form and the columns are left to tell."""
    row = SOUND[index]
    data = row.envelope or b""
    at = dice % len(data)
    envelope = data[:at] + bytes([byte]) + data[at + 1 :]
    leaf = merkle.leaf_hash(envelope)
    rows = [*SOUND[:index], replace(row, envelope=envelope, leaf_hash=leaf), *SOUND[index + 1 :]]
    tile = TILE[: 32 * index] + leaf + TILE[32 * index + 32 :]
    one = replace(_tile(rows), tile=tile, above=auditing.root_of(auditing.slots(tile)))
    columns = tile_audit.Columns(NODE)
    columns.unfit([_tile(SOUND)])
    faults = auditing.check_tile(one, {row.index or 0: row for row in rows}, SIZE, NODE)[0]
    quick = tile_audit.hashes(one, SIZE) is not None and not columns.unfit([one])
    assert quick == (not faults)
    assert {fault.index for fault in faults} <= {NUMBER * WIDTH + index}


@pytest.mark.parametrize(
    "change",
    [
        lambda one: one.replace(b'"purchase"', b'"purch\\u0061se"'),
        lambda one: one.replace(b'"v":2', b'"v": 2'),
        lambda one: one.replace(b"ord_00016", "ord_ö016".encode()),
        lambda one: one.replace(b"aud_", b"aux_"),
        lambda one: one.replace(b'"done"', b'"done'),
    ],
)
def test_no_mould_is_taken_from_what_is_not_canonical_or_written_with_an_escape(
    change: Callable[[bytes], bytes],
) -> None:
    sound = SOUND[16].envelope or b""
    assert mould(sound.replace(b"ord_00016", b"ord_00099"), lambda _: True) is not None
    assert change(sound) != sound
    assert mould(change(sound), lambda _: True) is None
    assert mould(sound, lambda _: False) is None


def test_ids_and_times_are_written_as_in_envelopes() -> None:
    one = _tile(SOUND)
    ids, times = tile_columns.ids_of(one.ids or b"", WIDTH), tile_columns.moments_of(one.times or b"", WIDTH)
    assert times is not None
    read = tile_columns.read(one.envelopes or [])
    assert read is not None
    assert ids == "".join(entry.id for entry in read)
    assert times.tobytes().decode() == "".join(entry.at for entry in read)
    assert isinstance(tile_audit.rows_of([one]), Rows)
    # Infinity, as PostgreSQL sends it, and a year of five digits are no texts of an envelope.
    for raw in (b"\x7f" + b"\xff" * 7, b"\x80" + bytes(7), (8_000 * 366 * 86_400 * 10**6).to_bytes(8, "big")):
        assert tile_columns.moments_of(raw, 1) is None
