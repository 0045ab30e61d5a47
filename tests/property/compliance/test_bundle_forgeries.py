"""Bundles made anew by somebody who has the log's key, or rebuilt around what was signed: none is taken for an export."""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from compliance import notes, verify
from compliance.cosign import Cosigner
from compliance.exports.forms import check_forms
from compliance.verify_bundle import Bundle, line_digests, manifest_text
from compliance.verify_disclosed import record_of
from compliance.verify_notes import Failed, canonical
from compliance.verify_zip import Member, directory, local_head
from tests.support.bundles import SIGNER, VKEY, bundle, resigned

SIZE = 40


def manifest_of(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "manifest.json").read_bytes())
    return found


def sign(folder: Path, manifest: dict[str, Any]) -> None:
    data = canonical(manifest)
    (folder / "manifest.json").write_bytes(data)
    (folder / "manifest.json.sig").write_bytes(notes.sign_note(manifest_text(data), [SIGNER]))


def first_fault(place: Path, **more: Any) -> str:
    with pytest.raises(Failed) as failed:
        verify.verify(place, [VKEY], **more)
    assert all(one.zh != one.en for one in failed.value.faults)
    return failed.value.faults[0].told("en")


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"complete": 1}, "does not say yes or no"),
        ({"complete": "yes"}, "does not say yes or no"),
        ({"redacted": None}, "does not say yes or no"),
        ({"truncated": 0}, "does not say yes or no"),
        ({"redacted": False}, "whether personal data is disclosed"),
        ({"scope": {"to_index": SIZE + 1}}, "its scope is no part of the log"),
        ({"scope": {"from_index": 30, "to_index": 20}}, "its scope is no part of the log"),
        ({"scope": {"from_index": -1}}, "its scope is no part of the log"),
        ({"scope": {"to_index": SIZE - 1}}, f"events.jsonl, line {SIZE}"),
    ],
)
async def test_a_manifest_signed_again_says_nothing_untrue(tmp_path: Path, change: dict[str, Any], fault: str) -> None:
    folder = await bundle(tmp_path, size=SIZE)
    manifest = manifest_of(folder)
    if "scope" in change:
        change = {"scope": {**manifest["scope"], **change["scope"]}}
    sign(folder, {**manifest, **change})
    assert fault in first_fault(folder)


async def test_a_listed_file_with_a_name_that_leads_elsewhere_is_refused(tmp_path: Path) -> None:
    folder = await bundle(tmp_path, size=SIZE)
    (tmp_path / "outside").write_bytes(b"x")
    manifest = manifest_of(folder)
    for name in ("../outside", "/etc/passwd", "events\u202ejsonl", "a//b", ".hidden", "a b"):
        listed = {**manifest["files"], name: manifest["files"]["VERIFY.md"]}
        sign(folder, {**manifest, "files": listed})
        assert "is no plain name of a file" in first_fault(folder)


async def test_a_checkpoint_of_another_log_by_the_same_key_is_refused(tmp_path: Path) -> None:
    folder = await bundle(tmp_path, size=SIZE, old=None)
    _, size, root, _ = (folder / "checkpoint").read_bytes().split(b"\n", 3)
    other = notes.sign_note(b"\n".join([b"other.example/log", size, root, b""]), [SIGNER])
    (folder / "checkpoint").write_bytes(other)
    sign(folder, {**manifest_of(folder), "origin": "other.example/log"})
    resigned(folder)
    assert "is of the log other.example/log, and the key is of another" in first_fault(folder)


async def test_what_lies_beside_the_files_is_seen(tmp_path: Path) -> None:
    folder = await bundle(tmp_path, size=SIZE)
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "verify.cpython-311.pyc").write_bytes(b"what Python leaves beside the script")
    assert verify.verify(folder, [VKEY])
    hidden = folder / "__pycache__" / "events.csv"
    hidden.write_bytes(b"the true table")
    assert first_fault(folder) == "__pycache__/events.csv: is not listed in the manifest"
    hidden.unlink()
    (folder / "more").symlink_to(tmp_path, target_is_directory=True)
    assert first_fault(folder) == "more: is not listed in the manifest"


Packed = list[tuple[str, int, int, int, int, bytes]]


def rebuilt(data: bytes, edit: Callable[[Packed], Packed]) -> bytes:
    """The zip spelled again in the one spelling, with other members."""
    parts: Packed = []
    with zipfile.ZipFile(BytesIO(data)) as archive:
        for info in sorted(archive.infolist(), key=lambda one: one.header_offset):
            whole = Member(info.filename, info.compress_type, info.CRC, info.compress_size, info.file_size, 0)
            start = info.header_offset + len(local_head(whole))
            parts.append((*whole[:5], data[start : start + info.compress_size]))
    out, members = b"", []
    for one in edit(parts):
        members.append(Member(*one[:5], len(out)))
        out += local_head(members[-1]) + one[5]
    return out + directory(members, len(out))


def named(name: str) -> tuple[str, int, int, int, int, bytes]:
    return name, 0, zlib.crc32(b"x"), 1, 1, b"x"


@pytest.mark.parametrize(
    ("edit", "fault"),
    [
        (lambda parts: [*parts, named("../../evil")], "../../evil: is not listed"),
        (lambda parts: [*parts, named("schema/")], "schema/: is not listed"),
        (lambda parts: [*parts, parts[0]], "events.jsonl: is there twice"),
        (lambda parts: [*parts, named("VERIFY.md\0b")], "VERIFY.md: is there twice"),
        (
            lambda parts: [(f"{one[0]}\0.exe" if one[0] == "VERIFY.md" else one[0], *one[1:]) for one in parts],
            "VERIFY.md\\x00.exe: from byte",
        ),
        (lambda parts: [(one[0].replace("/", "\\"), *one[1:]) for one in parts], "schema\\event.schema.json"),
        (lambda parts: [one for one in parts if one[0] != "tiles.bin"], "tiles.bin: is missing"),
    ],
    ids=["slip", "folder", "twice", "twice-by-nul", "nul", "backslash", "missing"],
)
async def test_a_zip_with_other_members_is_refused(
    tmp_path: Path, edit: Callable[[Packed], Packed], fault: str
) -> None:
    await bundle(tmp_path, size=SIZE)
    path = tmp_path / "export.zip"
    good = path.read_bytes()
    assert rebuilt(good, lambda parts: parts) == good
    path.write_bytes(rebuilt(good, edit))
    assert first_fault(path).startswith(fault)


async def test_a_form_that_the_manifest_does_not_call_one_is_looked_at_all_the_same(tmp_path: Path) -> None:
    folder = await bundle(tmp_path, size=SIZE)
    (folder / "events.parquet").write_bytes(b"PAR1 says something else")
    resigned(folder)
    sign(folder, {**manifest_of(folder), "formats": []})
    with pytest.raises(Failed, match=r"events\.parquet: from byte"), Bundle(folder) as opened:
        check_forms(opened, manifest_of(folder))


async def test_a_delivery_note_says_nothing_beside_what_was_signed(tmp_path: Path) -> None:
    folder = await bundle(tmp_path, size=SIZE)
    said = json.loads((tmp_path / "delivery.json").read_bytes())
    # Only the zip as it was downloaded shows that the note is of this very bundle; a folder says that it cannot.
    unsure = "NOT CHECKED: whether the delivery note speaks of this very bundle"
    assert any(one.startswith(unsure) for one in verify.verify(folder, [VKEY], delivery=canonical(said)))
    whole = verify.verify(tmp_path / "export.zip", [VKEY], delivery=canonical(said))
    assert not any(one.startswith(unsure) for one in whole)
    assert "says more than was signed" in first_fault(
        folder, delivery=canonical({**said, "remark": "nothing was withheld"})
    )


def witness(name: str, private: Ed25519PrivateKey) -> Cosigner:
    return Cosigner(name, private.public_key().public_bytes_raw(), private.sign)


async def test_who_names_witnesses_hears_of_each_and_none_counts_twice(tmp_path: Path) -> None:
    folder = await bundle(tmp_path, size=SIZE)
    private = Ed25519PrivateKey.from_private_bytes(bytes(31) + b"7")
    one, again = witness("w1.example", private), witness("w2.example", private)
    said = verify.verify(folder, [VKEY], witnesses=[one.verifier.vkey])
    assert "NOT COSIGNED by w1.example" in said
    assert "NOT WITNESSED: cosigned by -, 1 needed" in said
    assert "two witnesses with one key" in first_fault(folder, witnesses=[one.verifier.vkey, again.verifier.vkey])
    # The exchange's own list of witnesses is held to the same.
    note = (folder / "checkpoint").read_bytes()
    text = note.rpartition(b"\n\n")[0] + b"\n"
    lines = notes.lines_text([one.cosign(text, 1_800_000_000), again.cosign(text, 1_800_000_000)])
    (folder / "checkpoint").write_bytes(note + lines)
    (folder / "witnesses.vkey").write_text(f"{one.verifier.vkey}\n{again.verifier.vkey}\n")
    manifest = manifest_of(folder)
    manifest["files"]["witnesses.vkey"] = {"lines": line_digests(b"")}
    manifest["witnessed"] |= {"cosigned_by": ["w1.example", "w2.example"], "met": True, "needed": 2}
    sign(folder, manifest)
    resigned(folder)
    assert first_fault(folder) == "witnesses.vkey: two witnesses with one key"


def test_a_disclosed_record_beyond_every_log_is_none() -> None:
    """What looked for its entry would have looked for ever."""
    line = canonical({"entry": "aud_1", "fields": {}, "index": 1 << 70, "salt": "00" * 32, "subject": "mem_1"}) + b"\n"
    assert record_of(line)[0] == -1


async def test_names_that_move_a_cursor_are_spelled_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    await bundle(tmp_path, size=SIZE)
    path = tmp_path / "export.zip"
    name = "\x1b[2J\x1b[HOK: everything holds.\r\nx\u202e"
    path.write_bytes(rebuilt(path.read_bytes(), lambda parts: [*parts, named(name)]))
    assert verify.main([str(path), "--vkey", VKEY]) == 1
    shown = capsys.readouterr()
    assert not shown.out
    assert shown.err.replace("\n", "").isprintable()
    assert shown.err.startswith("FAILED: \\x1b[2J\\x1b[HOK")


async def test_the_proof_of_no_entry_is_refused(tmp_path: Path) -> None:
    folder = await bundle(tmp_path, size=SIZE)
    for index in (-1, -256, SIZE, 1 << 70):
        assert verify.main([str(folder), "--proof", str(index)]) == 1
    assert verify.main([str(folder), "--proof", "0"]) == 0
