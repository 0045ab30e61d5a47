"""The tree at the sizes where it changes shape, against a second and naive implementation."""

from __future__ import annotations

import base64
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from compliance import notes, proofs, tiles
from exchange.kernel import merkle


def naive_root(leaves: list[bytes]) -> bytes:
    """RFC 6962, section 2.1, word for word."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return sha256(b"\x01" + naive_root(leaves[:k]) + naive_root(leaves[k:])).digest()


def naive_inclusion(m: int, leaves: list[bytes]) -> list[bytes]:
    if len(leaves) == 1:
        return []
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    if m < k:
        return [*naive_inclusion(m, leaves[:k]), naive_root(leaves[k:])]
    return [*naive_inclusion(m - k, leaves[k:]), naive_root(leaves[:k])]


def naive_consistency(m: int, leaves: list[bytes], whole: bool = True) -> list[bytes]:
    if m == len(leaves):
        return [] if whole else [naive_root(leaves)]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    if m <= k:
        return [*naive_consistency(m, leaves[:k], whole), naive_root(leaves[k:])]
    return [*naive_consistency(m - k, leaves[k:], False), naive_root(leaves[:k])]


def leaves_of(size: int) -> list[bytes]:
    return [merkle.leaf_hash(str(i).encode()) for i in range(size)]


def grown(size: int) -> tuple[merkle.Range, dict[tuple[int, int], bytes]]:
    frontier, data = merkle.Range(0, []), {}
    for low in range(0, size, 997):
        for piece in tiles.grow(
            frontier, leaves_of(size)[low : low + 997] if size < 1000 else _CACHE[low : min(low + 997, size)]
        ):
            place = (piece.level, piece.number)
            assert len(data.get(place, b"")) == piece.start * 32
            data[place] = data.get(place, b"") + piece.data
    return frontier, data


_CACHE = leaves_of(70_000)


@pytest.mark.parametrize("size", [0, 1, 2, 3, 7, 8, 255, 256, 257, 1000])
def test_roots_and_all_proofs_equal_the_naive_ones(size: int) -> None:
    leaves = leaves_of(size)
    frontier, data = grown(size)
    root = frontier.root()
    assert root == naive_root(leaves) == merkle.root_of(leaves)
    tree = tiles.Tiles(data)
    for index in {0, 1, size // 2, size - 2, size - 1} & set(range(size)):
        proof = merkle.inclusion_proof(index, size, tree.node)
        assert proof == naive_inclusion(index, leaves)
        merkle.verify_inclusion(leaves[index], index, size, proof, root)
        with pytest.raises(merkle.BadProof):
            merkle.verify_inclusion(leaves[index], index, size, [*proof, root], root)
    for old in {0, 1, 2, 3, 4, size // 3, size // 2, size - 1, size} & set(range(size + 1)):
        steps = merkle.consistency_proof(old, size, tree.node)
        assert steps == (naive_consistency(old, leaves) if 0 < old < size else [])
        merkle.verify_consistency(old, size, steps, naive_root(leaves[:old]), root)


@pytest.mark.parametrize("size", [65_535, 65_536, 70_000])
def test_large_sizes(size: int) -> None:
    frontier, data = grown(size)
    root = frontier.root()
    tree = tiles.Tiles(data)
    assert root == naive_root(_CACHE[:size])
    for index in (0, 255, 256, 4_096, 65_279, size - 1):
        proof = merkle.inclusion_proof(index, size, tree.node)
        merkle.verify_inclusion(_CACHE[index], index, size, proof, root)
        few = tiles.Tiles({place: data[place] for place in tiles.places_for_inclusion([index], size)})
        assert merkle.inclusion_proof(index, size, few.node) == proof
    for old in (1, 256, 257, 40_000, 65_535):
        few = tiles.Tiles({place: data[place] for place in tiles.places_for_consistency(old, size)})
        steps = merkle.consistency_proof(old, size, few.node)
        merkle.verify_consistency(old, size, steps, naive_root(_CACHE[:old]), root)


def test_worked_example_of_the_specification() -> None:
    _, data = grown(70_000)
    widths = {place: len(value) // 32 for place, value in data.items()}
    assert sum(1 for (level, _), width in widths.items() if level == 0 and width == 256) == 273
    assert widths[0, 273] == 112
    assert {place: width for place, width in widths.items() if place[0] > 0} == {(1, 0): 256, (1, 1): 17, (2, 0): 1}
    assert all(tiles.width_at(level, number, 70_000) == width for (level, number), width in widths.items())
    assert tiles.width_at(0, 274, 70_000) == tiles.width_at(3, 0, 70_000) == 0
    _, small = grown(256)
    assert {place: len(value) // 32 for place, value in small.items()} == {(0, 0): 256, (1, 0): 1}


def test_known_roots() -> None:
    """The eight-leaf tree that the certificate-transparency projects test with."""
    inputs = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
    leaves = [merkle.leaf_hash(bytes.fromhex(one)) for one in inputs]
    assert merkle.root_of([]).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert merkle.root_of(leaves[:1]).hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert merkle.root_of(leaves).hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


def test_paths() -> None:
    assert tiles.path(0, 1_234_067) == "tile/0/x001/x234/067"
    assert tiles.path(None, 273, 112) == "tile/entries/273.p/112"
    for level, number, width in [(0, 0, 256), (3, 999, 1), (63, 1_000, 255), (None, 1_234_067, 7)]:
        assert tiles.parse_path(tiles.path(level, number, width)) == tiles.Address(level, number, width)
    wrong = ["tile/64/000", "tile/00/000", "tile/0/0", "tile/0/x000/001", "tile/0/001/002", "tile/0/000.p/256", "tile/0/000.p/0",
             "tile/0/000.p/01", "tile/0/000\n", "tile/-1/000", "tile/0/٠٠٠", "tile/0/" + "x001/" * 30 + "001"]  # fmt: skip
    assert [one for one in wrong if tiles.parse_path(one) is not None] == []


def test_bundles_hold_leaves_of_up_to_65535_bytes() -> None:
    entries = [b"", b"a", b"b" * 65_535]
    assert tiles.unbundle(tiles.bundle(entries)) == entries
    with pytest.raises(ValueError, match="65,535"):
        tiles.bundle([b"c" * 65_536])
    for cut in (1, 3, 100):
        with pytest.raises(ValueError, match="cut"):
            tiles.unbundle(tiles.bundle(entries)[:-cut])


KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
SIGNER = notes.Ed25519Signer("exchange.example/log", KEY.public_key().public_bytes_raw(), KEY.sign)


def test_notes_of_the_go_project_verify() -> None:
    """The example in the documentation of golang.org/x/mod/sumdb/note, and the key of sum.golang.org."""
    text = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
    signature = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
    neumann = notes.parse_vkey("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    note = f"{text}\n— PeterNeumann {signature}\n".encode()
    assert notes.open_note(note, [neumann]) == text.encode()
    vkey = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
    assert notes.parse_vkey(vkey).vkey == vkey


def test_a_note_may_hold_empty_lines_and_chinese() -> None:
    text = "诗曰：\n\n床前明月光\n".encode()
    note = notes.sign_note(text, [SIGNER])
    assert notes.parse_note(note).text == notes.open_note(note, [SIGNER.verifier]) == text


def test_notes_of_strangers_and_changed_notes_are_refused() -> None:
    checkpoint = notes.Checkpoint("exchange.example/log", 7, b"r" * 32)
    note = notes.sign_checkpoint(checkpoint, [SIGNER])
    verifier = notes.parse_vkey(SIGNER.verifier.vkey)
    assert notes.open_checkpoint(note, "exchange.example/log", [verifier]) == checkpoint
    with pytest.raises(notes.BadNote):
        notes.open_checkpoint(note, "another.example/log", [verifier])
    other = notes.Verifier("exchange.example/log", bytes(32))
    with pytest.raises(notes.BadNote, match="no signature"):
        notes.open_note(note, [other])
    stranger = "— witness.example " + base64.b64encode(bytes(76)).decode() + "\n"
    assert notes.open_note(note + stranger.encode(), [verifier]) == notes.checkpoint_text(checkpoint)
    for at in range(len(note)):
        for bit in range(8):
            changed = bytearray(note)
            changed[at] ^= 1 << bit
            with pytest.raises(notes.BadNote):
                notes.open_checkpoint(bytes(changed), "exchange.example/log", [verifier])


@pytest.mark.parametrize("text", [b"", b"a", b"a\tb\n", b"\xff\n", b"a\r\n"])
def test_texts_that_no_note_carries(text: bytes) -> None:
    with pytest.raises(notes.BadNote):
        notes.sign_note(text, [SIGNER])


@pytest.mark.parametrize(
    "text", ["o\n07\n", "o\n7\n", "\n7\nAAAA\n", "o\n-1\nAAAA\n", "o\n1\nAAAA\n", "o\n1\n{root}\nmore\n"]
)
def test_malformed_checkpoints(text: str) -> None:
    root = base64.b64encode(b"r" * 32).decode()
    with pytest.raises(notes.BadNote):
        notes.parse_checkpoint(text.replace("{root}", root).encode())


@pytest.mark.parametrize("extra", [None, b"", b"context"])
def test_tlog_proofs(extra: bytes | None) -> None:
    entries = [str(i).encode() for i in range(300)]
    frontier, data = grown(300)
    note = notes.sign_checkpoint(notes.Checkpoint("exchange.example/log", 300, frontier.root()), [SIGNER])
    hashes = tuple(merkle.inclusion_proof(41, 300, tiles.Tiles(data).node))
    text = proofs.encode(proofs.TlogProof(41, hashes, note, extra))
    proof = proofs.decode(text)
    assert proof == proofs.TlogProof(41, hashes, note, extra)
    assert proofs.verify(proof, entries[41], "exchange.example/log", [SIGNER.verifier]).size == 300
    with pytest.raises(merkle.BadProof):
        proofs.verify(proof, entries[42], "exchange.example/log", [SIGNER.verifier])


@pytest.mark.parametrize("text", [b"", b"c2sp.org/tlog-proof@v1\n\n", b"c2sp.org/tlog-proof@v2\nindex 0\n\nx",
                                  b"c2sp.org/tlog-proof@v1\nindex 00\n\nx", b"c2sp.org/tlog-proof@v1\nindex 0\nAAAA\n\nx"])  # fmt: skip
def test_malformed_tlog_proofs(text: bytes) -> None:
    with pytest.raises(merkle.BadProof):
        proofs.decode(text)
