"""Laws of the log: every proof holds, every change breaks one, every envelope is canonical."""

from __future__ import annotations

import json
import random
import shutil
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from uuid import UUID

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from compliance import notes, proofs, tile_columns, tiles, verify, verify_notes
from compliance.entries import Entry, envelope, moment
from compliance.scopes import Scope
from compliance.verify_bundle import Bundle
from compliance.verify_evidence import write_proof
from exchange.kernel import ids, merkle
from exchange.kernel.ed25519 import L, by_arithmetic
from tests.support.bundles import SIGNER, VKEY, bundle, flip, resigned, tree_of

SLUGS = st.from_regex(r"[a-z][a-z0-9]{0,8}([-_.][a-z0-9]{1,8}){0,2}", fullmatch=True)
NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.:/-]{0,40}", fullmatch=True)
UUIDS = st.uuids()


@st.composite
def entries(draw: st.DrawFn) -> Entry:
    refused = draw(st.booleans())
    return Entry(
        action=draw(SLUGS),
        organisation_id=draw(st.none() | UUIDS),
        client_id=draw(st.none() | UUIDS),
        object_id=draw(st.just("") | NAMES),
        object_version=draw(st.none() | NAMES),
        agreement_id=draw(st.none() | NAMES),
        rule_set=draw(st.none() | NAMES),
        outcome="refused" if refused else "done",
        problem=draw(SLUGS) if refused else None,
        digests=draw(st.dictionaries(SLUGS, st.binary(min_size=32, max_size=32), max_size=4)),
        concerns=tuple(draw(st.lists(UUIDS, max_size=4))),
        node_id=draw(SLUGS),
    )


@given(entries(), UUIDS, st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)))
def test_every_envelope_is_canonical(entry: Entry, entry_id: UUID, now: datetime) -> None:
    data = envelope(entry, now, entry_id)
    wire = json.loads(data)
    assert rfc8785.dumps(wire) == data == verify_notes.canonical(wire)
    assert set(wire["organisations"]) >= {one for one in [wire["actor"]["organisation"]] if one}


MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))


@given(st.lists(st.tuples(UUIDS, MOMENTS), min_size=1, max_size=5), st.booleans())
def test_ids_and_times_by_the_tile_are_as_one_by_one(made: list[tuple[UUID, datetime]], one_day: bool) -> None:
    """As PostgreSQL sends them: 16 bytes, and microseconds since 2000."""
    times = [at.replace(year=2026, month=2, day=28) if one_day else at for _, at in made]
    sent = [(at - datetime(2000, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) for at in times]
    found = tile_columns.moments_of(b"".join(one.to_bytes(8, "big", signed=True) for one in sent), len(made))
    assert found is not None
    assert found.tobytes().decode() == "".join(map(moment, times))
    raw = b"".join(one.bytes for one, _ in made)
    assert tile_columns.ids_of(raw, len(made)) == "".join(ids.text("aud", one) for one, _ in made)


@given(st.integers(1, 600), st.data())
def test_proofs_hold_and_do_not_bend(size: int, data: st.DataObject) -> None:
    leaves = [merkle.leaf_hash(bytes([i % 256, i // 256])) for i in range(size)]
    root, tree = tree_of(leaves)
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(0, size))
    proof = merkle.inclusion_proof(index, size, tree.node)
    merkle.verify_inclusion(leaves[index], index, size, proof, root)
    assert verify_notes.inclusion_holds(leaves[index], index, size, proof, root)
    steps = merkle.consistency_proof(old, size, tree.node)
    before = merkle.root_of(leaves[:old])
    merkle.verify_consistency(old, size, steps, before, root)
    assert verify_notes.consistency_holds(old, size, steps, before, root)
    for wrong in (data.draw(st.integers(0, size - 1)), index + size):
        if wrong != index:
            assert not verify_notes.inclusion_holds(leaves[index], wrong, size, proof, root)
    if proof:
        at, bit = data.draw(st.integers(0, len(proof) - 1)), data.draw(st.integers(0, 255))
        bent = [*proof]
        bent[at] = flip(bent[at], bit)
        assert not verify_notes.inclusion_holds(leaves[index], index, size, bent, root)
        with pytest.raises(merkle.BadProof):
            merkle.verify_inclusion(leaves[index], index, size, bent, root)
        with pytest.raises(merkle.BadProof):
            merkle.verify_inclusion(leaves[index], index, size, proof[:-1], root)
    if steps:
        at, bit = data.draw(st.integers(0, len(steps) - 1)), data.draw(st.integers(0, 255))
        bent = [*steps]
        bent[at] = flip(bent[at], bit)
        assert not verify_notes.consistency_holds(old, size, bent, before, root)
        with pytest.raises(merkle.BadProof):
            merkle.verify_consistency(old, size, bent, before, root)


@given(st.lists(st.integers(1, 300), max_size=6))
def test_tiles_grow_the_same_in_any_steps(steps: list[int]) -> None:
    leaves = [merkle.leaf_hash(i.to_bytes(4, "big")) for i in range(sum(steps))]
    frontier, grown = merkle.Range(0, []), dict[tuple[int, int], bytes]()
    at = 0
    for step in steps:
        for piece in tiles.grow(frontier, leaves[at : at + step]):
            known = grown.get((piece.level, piece.number), b"")
            assert len(known) == piece.start * 32
            grown[piece.level, piece.number] = known + piece.data
        at += step
    whole = {(piece.level, piece.number): piece.data for piece in tiles.grow(merkle.Range(0, []), leaves)}
    assert grown == whole


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_bundles_of_entries_come_back(found: list[bytes]) -> None:
    assert tiles.unbundle(tiles.bundle(found)) == found


@given(st.integers(0, 10**9), st.none() | st.integers(0, 63), st.integers(1, 256))
def test_paths_come_back(number: int, level: int | None, width: int) -> None:
    assert tiles.parse_path(tiles.path(level, number, width)) == tiles.Address(level, number, width)


@given(st.binary(max_size=200), st.binary(min_size=32, max_size=32), st.integers(0, 511))
def test_our_ed25519_agrees_with_the_library(message: bytes, seed: bytes, bit: int) -> None:
    key = Ed25519PrivateKey.from_private_bytes(seed)
    public, signature = key.public_key().public_bytes_raw(), key.sign(message)
    assert by_arithmetic(public, message, signature)
    assert not by_arithmetic(public, message, flip(signature, bit))
    assert not by_arithmetic(public, message + b"x", signature)
    # the same signature with S + L is another spelling that RFC 8032 forbids
    s = int.from_bytes(signature[32:], "little") + L
    assert not by_arithmetic(public, message, signature[:32] + s.to_bytes(32, "little"))


# RFC 8032, section 7.1, TEST 1 to 3.
@pytest.mark.parametrize(
    ("public", "message", "signature"),
    [
        (
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        ),
        (
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        ),
        (
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
        ),
    ],
)
def test_vectors_of_the_ed25519_standard(public: str, message: str, signature: str) -> None:
    assert by_arithmetic(bytes.fromhex(public), bytes.fromhex(message), bytes.fromhex(signature))


async def test_a_bundle_verifies_as_folder_and_as_zip(tmp_path: Path) -> None:
    folder = await bundle(tmp_path)
    said = verify.verify(folder, [VKEY])
    assert "300 events canonical and proven to be in the log (no gap)" in said
    assert "the log only grew since its checkpoint of 7 entries" in said
    assert verify.verify(tmp_path / "export.zip", [VKEY]) == said
    assert any("WARNING" in line for line in verify.verify(folder))
    assert verify.main([str(folder)]) == 0
    kept = (folder / "checkpoint.prev").read_bytes()
    assert "your own checkpoint of 7 entries still holds" in verify.verify(folder, [VKEY], kept)


async def test_the_same_scope_gives_the_same_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    await bundle(tmp_path / "a")
    await bundle(tmp_path / "b")
    assert (tmp_path / "a" / "export.zip").read_bytes() == (tmp_path / "b" / "export.zip").read_bytes()


async def test_every_changed_bit_is_found(tmp_path: Path) -> None:
    """Some bits of every file, most of them in the signature."""
    folder = await bundle(tmp_path, size=20)
    chosen = random.Random(7)
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        good = path.read_bytes()
        bits = range(len(good) * 8)
        for bit in chosen.sample(bits, min(len(bits), 200 if path.name == "manifest.json.sig" else 40)):
            path.write_bytes(flip(good, bit))
            assert verify.main([str(folder), "--vkey", VKEY]) == 1, (path.name, bit)
        path.write_bytes(good)
    assert verify.main([str(folder), "--vkey", VKEY]) == 0


@pytest.mark.parametrize("change", ["missing", "extra", "cut", "twice", "swapped", "empty"])
async def test_every_changed_file_list_is_found(tmp_path: Path, change: str) -> None:
    folder = await bundle(tmp_path, size=20)
    events = (folder / "events.jsonl").read_bytes().splitlines(keepends=True)
    if change == "missing":
        (folder / "events.csv").unlink()
    elif change == "extra":
        (folder / "notes.txt").write_bytes(b"trust me")
    elif change == "cut":
        (folder / "events.jsonl").write_bytes(b"".join(events[:-1]))
    elif change == "twice":
        (folder / "events.jsonl").write_bytes(b"".join([*events, events[-1]]))
    elif change == "swapped":
        (folder / "events.jsonl").write_bytes(b"".join([events[1], events[0], *events[2:]]))
    else:
        for path in folder.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert verify.main([str(folder), "--vkey", VKEY]) == 1


@pytest.mark.parametrize("change", ["event", "dropped", "order", "growth"])
async def test_an_operator_with_the_key_cannot_change_what_was_logged(tmp_path: Path, change: str) -> None:
    folder = await bundle(tmp_path, size=20)
    events = (folder / "events.jsonl").read_bytes().splitlines(keepends=True)
    hashes = (folder / "tiles.bin").read_bytes()
    if change == "event":
        events[3] = events[3].replace(b'"purchase"', b'"purchasf"')
        hashes = hashes[:96] + merkle.leaf_hash(events[3][:-1]) + hashes[128:]
    elif change == "dropped":
        del events[5]
    elif change == "order":
        events[1], events[2] = events[2], events[1]
        hashes = hashes[:32] + hashes[64:96] + hashes[32:64] + hashes[96:]
    else:
        other = notes.Checkpoint("exchange.example/log", 7, bytes(32))
        (folder / "checkpoint.prev").write_bytes(notes.sign_checkpoint(other, [SIGNER]))
    (folder / "events.jsonl").write_bytes(b"".join(events))
    (folder / "tiles.bin").write_bytes(hashes)
    resigned(folder)
    with pytest.raises(verify.Failed, match=r"hashes of the log|missing|changed"):
        verify.verify(folder, [VKEY])


async def test_two_histories_are_called_by_name(tmp_path: Path) -> None:
    folder = await bundle(tmp_path, size=20, old=None)
    other = notes.sign_checkpoint(notes.Checkpoint("exchange.example/log", 20, bytes(32)), [SIGNER])
    with pytest.raises(verify.Failed, match="TWO HISTORIES"):
        verify.verify(folder, [VKEY], other)
    longer = notes.sign_checkpoint(notes.Checkpoint("exchange.example/log", 21, bytes(32)), [SIGNER])
    with pytest.raises(verify.Failed, match="longer log"):
        verify.verify(folder, [VKEY], longer)
    stranger = Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key().public_bytes_raw()
    with pytest.raises(verify.Failed, match="no signature"):
        verify.verify(folder, [notes.Verifier("exchange.example/log", stranger).vkey])


async def test_selections_and_empty_exports(tmp_path: Path) -> None:
    for name, scope in {"selection": Scope(organisation_id=UUID(int=0)), "part": Scope(from_index=5, to_index=9),
                        "none": Scope(from_index=20)}.items():  # fmt: skip
        (tmp_path / name).mkdir()
        folder = await bundle(tmp_path / name, size=20, scope=scope)
        assert verify.verify(folder, [VKEY])
        count = {"selection": 7, "part": 4, "none": 0}[name]
        assert len((folder / "events.jsonl").read_bytes().splitlines()) == count


async def test_single_proofs_come_out_of_a_bundle(tmp_path: Path) -> None:
    folder = await bundle(tmp_path)
    out = BytesIO()
    manifest = json.loads((folder / "manifest.json").read_bytes())
    write_proof(Bundle(folder), 123, manifest, out)
    event = (folder / "events.jsonl").read_bytes().splitlines()[123]
    found = proofs.verify(proofs.decode(out.getvalue()), event, "exchange.example/log", [SIGNER.verifier])
    assert found.size == 300
