"""Whatever one byte or one row of an export is made into: the verifier fails, and names file and line in both languages."""

from __future__ import annotations

import asyncio
import json
import random
import re
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from compliance import verify
from compliance.exports.bundle import verifier
from compliance.exports.forms import check_forms
from compliance.scopes import Scope
from compliance.verify_bundle import Bundle
from tests.support.bundles import VKEY, bundle, resigned

SIZE = 40
# Those in which a place is a line; in the others it is a byte.
LINES = (
    "VERIFY.md", "blocks.jsonl", "checkpoint", "checkpoint.prev", "consistency.proof", "events.csv", "events.jsonl",
    "log.vkey", "manifest.json", "manifest.json.sig", "schema/event.schema.json", "schema/events.csv-metadata.json",
    "tiles.jsonl", "verify.py",
)  # fmt: skip
BYTES = ("events.ocsf.jsonl", "events.parquet", "events.prov.json", "tiles.bin")
SIGNATURE_LINES = (2, 3)


def lines_of(data: bytes) -> list[bytes]:
    return data.splitlines(keepends=True)


def byte_changed(data: bytes, dice: random.Random) -> tuple[bytes, int]:
    at = dice.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << dice.randrange(8)]) + data[at + 1 :], line_at(data, at)


def byte_removed(data: bytes, dice: random.Random) -> tuple[bytes, int]:
    at = dice.randrange(len(data))
    return data[:at] + data[at + 1 :], line_at(data, at)


def byte_inserted(data: bytes, dice: random.Random) -> tuple[bytes, int]:
    at = dice.randrange(len(data) + 1)
    return data[:at] + bytes([dice.randrange(256)]) + data[at:], line_at(data, at)


def line_removed(data: bytes, dice: random.Random) -> tuple[bytes, int]:
    lines = lines_of(data)
    at = dice.randrange(len(lines))
    return b"".join(lines[:at] + lines[at + 1 :]), at + 1


def line_inserted(data: bytes, dice: random.Random) -> tuple[bytes, int]:
    lines = lines_of(data)
    at = dice.randrange(len(lines) + 1)
    return b"".join([*lines[:at], b"trust me\n", *lines[at:]]), at + 1


def line_doubled(data: bytes, dice: random.Random) -> tuple[bytes, int]:
    lines = lines_of(data)
    at = dice.randrange(len(lines))
    return b"".join([*lines[: at + 1], lines[at], *lines[at + 1 :]]), at + 1


def lines_swapped(data: bytes, dice: random.Random) -> tuple[bytes, int]:
    lines = lines_of(data)
    pairs = [n for n in range(len(lines) - 1) if lines[n] != lines[n + 1]]
    if not pairs:
        return byte_changed(data, dice)
    at = dice.choice(pairs)
    return b"".join([*lines[:at], lines[at + 1], lines[at], *lines[at + 2 :]]), at + 1


def line_moved(data: bytes, dice: random.Random) -> tuple[bytes, int]:
    lines = lines_of(data)
    low = dice.randrange(len(lines))
    high = dice.randrange(len(lines))
    low, high = min(low, high), max(low, high)
    if lines[low : high + 1] == [*lines[low + 1 : high + 1], lines[low]]:
        return line_doubled(data, dice)
    first = next(n for n in range(low, high) if lines[n] != lines[n + 1])
    return b"".join([*lines[:low], *lines[low + 1 : high + 1], lines[low], *lines[high + 1 :]]), first + 1


def tail_cut(data: bytes, dice: random.Random) -> tuple[bytes, int]:
    at = dice.randrange(len(data))
    return data[:at], line_at(data, at)


CHANGES: tuple[Callable[[bytes, random.Random], tuple[bytes, int]], ...] = (
    byte_changed, byte_removed, byte_inserted, line_removed, line_inserted, line_doubled, lines_swapped, line_moved, tail_cut,
)  # fmt: skip


def line_at(data: bytes, at: int) -> int:
    return data[:at].count(b"\n") + 1


def faults_of(folder: Path) -> tuple[verify.Fault, ...]:
    with pytest.raises(verify.Failed) as failed:
        verify.verify(folder, [VKEY])
    return failed.value.faults


def near(found: int | None, line: int) -> bool:
    """The line itself, or its neighbour: equal lines beside each other leave it open which one was taken or added."""
    return found is not None and abs(found - line) <= 1


def test_every_file_of_a_bundle_is_changed_here(tmp_path: Path) -> None:
    folder = asyncio.run(bundle(tmp_path, size=SIZE))
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert there == {*LINES, *BYTES}


@pytest.mark.parametrize("change", CHANGES, ids=lambda one: one.__name__)
@pytest.mark.parametrize("name", LINES)
async def test_one_change_is_found_with_its_place(
    tmp_path: Path, name: str, change: Callable[[bytes, random.Random], tuple[bytes, int]]
) -> None:
    folder = await bundle(tmp_path, size=SIZE)
    path, dice = folder / name, random.Random(f"{name} {change.__name__}")
    good = path.read_bytes()
    for _ in range(6):
        changed, line = change(good, dice)
        if changed == good:
            continue
        path.write_bytes(changed)
        first = faults_of(folder)[0]
        assert first.file == name, (first, line)
        assert near(first.line, line), (first, line, changed[:80])
        assert first.told("en").startswith(f"{name}, line {first.line}")
        assert first.told("zh").startswith(f"{name} 第 {first.line} 行")
        assert re.search("[\u4e00-\u9fff]", first.zh)
        assert first.en.isascii()
    path.write_bytes(good)
    assert verify.verify(folder, [VKEY])


def first_difference(found: bytes, right: bytes) -> int:
    return next((n for n, byte in enumerate(right) if found[n : n + 1] != bytes([byte])), len(right))


@pytest.mark.parametrize("change", CHANGES, ids=lambda one: one.__name__)
@pytest.mark.parametrize("name", BYTES)
async def test_one_change_in_a_binary_or_derived_file_is_found_with_its_byte(
    tmp_path: Path, name: str, change: Callable[[bytes, random.Random], tuple[bytes, int]]
) -> None:
    folder = await bundle(tmp_path, size=SIZE)
    path, dice = folder / name, random.Random(f"{name} {change.__name__}")
    good = path.read_bytes()
    for _ in range(6):
        changed, _ = change(good, dice)
        if changed == good:
            continue
        path.write_bytes(changed)
        first = faults_of(folder)[0]
        assert first.file == name
        at = first_difference(changed, good)
        numbers = [int(one) for one in re.findall(r"[0-9]+", first.en)]
        assert numbers == [int(one) for one in re.findall(r"[0-9]+", first.zh)]
        # The hash itself; of what follows from the events, the block.
        low = numbers[0]
        assert low <= at < low + (32 if name == "tiles.bin" else 4096), (first, at)
        if name == "tiles.bin" and at < len(good):
            assert first.entry == at // 32
        if name.endswith(("jsonl", "json")):
            assert first.line == good[:low].count(b"\n") + 1
    path.write_bytes(good)
    assert verify.verify(folder, [VKEY])


SELECTED = ("proofs.jsonl", "tiles.jsonl", "events.jsonl", "events.csv")


@pytest.mark.parametrize("change", CHANGES, ids=lambda one: one.__name__)
@pytest.mark.parametrize("name", SELECTED)
async def test_one_change_in_a_selection_is_found_with_its_place(
    tmp_path: Path, name: str, change: Callable[[bytes, random.Random], tuple[bytes, int]]
) -> None:
    folder = await bundle(tmp_path, size=1500, scope=Scope(organisation_id=UUID(int=0)))
    path, dice = folder / name, random.Random(f"selected {name} {change.__name__}")
    good = path.read_bytes()
    for _ in range(3):
        changed, line = change(good, dice)
        if changed == good:
            continue
        path.write_bytes(changed)
        first = faults_of(folder)[0]
        assert first.file == name, (first, line)
        assert near(first.line, line), (first, line)
    path.write_bytes(good)
    assert verify.verify(folder, [VKEY])


@pytest.mark.parametrize("name", ["events.jsonl", "events.csv", "proofs.jsonl"])
async def test_a_changed_row_is_named_by_its_entry(tmp_path: Path, name: str) -> None:
    scope = Scope(from_index=10, to_index=40)
    folder = await bundle(
        tmp_path, size=SIZE, scope=replace(scope, actions=("x",)) if name == "proofs.jsonl" else scope
    )
    lines = lines_of((folder / name).read_bytes())
    at = 7 + (name == "events.csv")
    place = lines[at].index(b"1") if name != "proofs.jsonl" else len(lines[at]) // 2
    lines[at] = lines[at][:place] + (b"2" if lines[at][place : place + 1] != b"2" else b"3") + lines[at][place + 1 :]
    (folder / name).write_bytes(b"".join(lines))
    (fault,) = faults_of(folder)
    assert (fault.file, fault.line) == (name, at + 1)
    assert fault.entry in ({17} if name != "proofs.jsonl" else {33, 23, None})


async def test_a_table_that_says_something_else_is_found_though_it_was_signed_again(tmp_path: Path) -> None:
    folder = await bundle(tmp_path, size=SIZE)
    table = (folder / "events.csv").read_bytes()
    (folder / "events.csv").write_bytes(table.replace(b"purchase", b"refund.x", 1))
    resigned(folder)
    (fault,) = faults_of(folder)
    assert fault.told("en") == "events.csv, line 2 (entry 0): this line was changed: it is not what the events say"
    assert fault.told("zh") == "events.csv 第 2 行（条目 0）：此行已被改动：与事件不一致"


async def test_an_export_signed_again_without_an_entry_names_the_entry(tmp_path: Path) -> None:
    folder = await bundle(tmp_path, size=SIZE)
    for name, at in {"events.jsonl": 5, "events.csv": 6}.items():
        lines = lines_of((folder / name).read_bytes())
        del lines[at]
        (folder / name).write_bytes(b"".join(lines))
    resigned(folder)
    assert faults_of(folder)[0][:3] == ("events.jsonl", 6, 5)


async def test_a_changed_part_of_the_manifest_is_named(tmp_path: Path) -> None:
    folder = await bundle(tmp_path, size=SIZE)
    path = folder / "manifest.json"
    path.write_bytes(path.read_bytes().replace(b'"redacted":true', b'"redacted":null'))
    (fault,) = faults_of(folder)
    assert fault.told("en") == "manifest.json, line 1: the part redacted was changed"


async def test_a_zip_is_checked_like_its_folder(tmp_path: Path) -> None:
    """Every byte of every member: what is not the compressed data's own redundancy is found."""
    await bundle(tmp_path, size=SIZE)
    path = tmp_path / "export.zip"
    good, dice, unseen = path.read_bytes(), random.Random(7), []
    for _ in range(150):
        at = dice.randrange(len(good))
        path.write_bytes(good[:at] + bytes([good[at] ^ 1 << dice.randrange(8)]) + good[at + 1 :])
        if verify.main([str(path), "--vkey", VKEY]) == 0:
            unseen.append(at)
    assert unseen == []
    path.write_bytes(good)
    with zipfile.ZipFile(path) as archive:
        assert archive.read("verify.py") == verifier()


@pytest.mark.parametrize("name", ["events.ocsf.jsonl", "events.parquet", "events.prov.json", "events.csv"])
@pytest.mark.parametrize("scope", [Scope(), Scope(organisation_id=UUID(int=0))], ids=["complete", "selection"])
async def test_a_form_that_says_something_else_is_found_though_everything_was_signed_again(
    tmp_path: Path, name: str, scope: Scope
) -> None:
    folder = await bundle(tmp_path, size=600, scope=scope)
    manifest = json.loads((folder / "manifest.json").read_bytes())
    with Bundle(folder) as opened:
        assert check_forms(opened, manifest) == ["csv", "ocsf", "parquet", "prov"]
    path = folder / name
    good = path.read_bytes()
    at = good.index(
        b"purchase", len(good) // 2 if name != "events.parquet" else 0
    )  # a column of its own, near the front
    path.write_bytes(good[:at] + b"refund.x" + good[at + 8 :])
    resigned(folder)
    with pytest.raises(verify.Failed, match=f"{name}: from byte {at} on"), Bundle(folder) as opened:
        check_forms(opened, manifest)
