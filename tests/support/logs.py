"""A log in memory, with tiles: for what looks at logs from outside."""

from __future__ import annotations

from functools import lru_cache

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from compliance import notes, tiles
from compliance.notes import Checkpoint
from exchange.kernel import merkle

ORIGIN = "exchange.example/log"
SIZE = 700


def raw_public(key: Ed25519PrivateKey) -> bytes:
    """The 32 bytes of the public half."""
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def log_signer(seed: bytes = b"\x44" * 32, origin: str = ORIGIN) -> notes.Ed25519Signer:
    """The same signer in every run."""
    key = Ed25519PrivateKey.from_private_bytes(seed)
    return notes.Ed25519Signer(origin, raw_public(key), key.sign)


class FakeLog:
    """A log of 700 leaves; `salt` from leaf `fork` on makes another history of the same log."""

    def __init__(self, salt: bytes = b"", origin: str = ORIGIN, fork: int = 0) -> None:
        """Make its leaves and tiles."""
        self.origin, self.signer = origin, log_signer(origin=origin)
        self.leaves = [
            merkle.leaf_hash((salt if number >= fork else b"") + str(number).encode()) for number in range(SIZE)
        ]
        data: dict[tiles.Place, bytes] = {}
        for piece in tiles.grow(merkle.Range(0, []), self.leaves):
            data[piece.level, piece.number] = data.get((piece.level, piece.number), b"") + piece.data
        self.data, self.tree = data, tiles.Tiles(data)
        self.checkpoint = lru_cache(maxsize=None)(self._checkpoint)

    def _checkpoint(self, size: int) -> Checkpoint:
        return Checkpoint(self.origin, size, merkle.subtree(0, size, self.tree.node))

    def note(self, size: int) -> bytes:
        """The signed checkpoint of a size."""
        return notes.sign_checkpoint(self.checkpoint(size), [self.signer])

    def proof(self, old: int, new: int) -> list[bytes]:
        """The consistency proof, empty for one that cannot be asked for."""
        return merkle.consistency_proof(old, new, self.tree.node) if old <= new else []

    def served(self, path: str, size: int) -> bytes | None:
        """What lies under a path of C2SP tlog-tiles while the log has `size` leaves."""
        if path == "checkpoint":
            return self.note(size)
        if path == "vkey":
            return f"{self.signer.verifier.vkey}\n".encode()
        address = tiles.parse_path(path)
        if address is None or address.level is None or address.width > tiles.width_at(*_place(address), size):
            return None
        return self.data[_place(address)][: address.width * merkle.HASH_BYTES]


def _place(address: tiles.Address) -> tiles.Place:
    assert address.level is not None
    return address.level, address.number
