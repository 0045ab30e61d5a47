"""Samples that anybody can draw again: the frame they are drawn from, and the evidence of one. Pure.

How places are drawn and how sure a share is stands in `verify_sample`, which runs without us; here is what makes its input.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import IO, Any

from compliance.verify_sample import METHOD as METHOD
from compliance.verify_sample import redraw as redraw
from compliance.verify_sample import seed_of as seed_of
from compliance.verify_sample import wilson as wilson
from exchange.kernel import merkle
from exchange.kernel.canonical import canonical

TYPE, VERSION = "sample-evidence", 1
WANTED_MAX = 10_000
# Whole subtrees of so many digests are remembered; what is below is hashed again.
_KEPT_LEVEL = 8


class Frame:
    """All different records of a revision as digests, ascending: where each stands, and the root over them (RFC 6962).

    Digests go through `store`, an empty file that can be read and written; memory holds one hash for 256 of them.
    """

    def __init__(self, store: IO[bytes], digest_bytes: int) -> None:
        """Start empty."""
        self._store, self._bytes = store, digest_bytes
        self._grown = merkle.Range(0, [])
        self._nodes: dict[int, list[bytes]] = {}

    @property
    def size(self) -> int:
        """How many records there are."""
        return self._grown.size

    def root(self) -> bytes:
        """The frame's digest."""
        return self._grown.root()

    def add(self, digests: Iterable[bytes]) -> None:
        """Put digests behind those that are there."""
        for digest in digests:
            self._store.write(digest)
            for level, _, node in self._grown.append(merkle.leaf_hash(digest)):
                if level >= _KEPT_LEVEL:
                    # Subtrees of one height are completed from left to right.
                    self._nodes.setdefault(level, []).append(node)

    def digest(self, place: int) -> bytes:
        """The digest at a place."""
        return self._read(place, 1)[0]

    def proof(self, place: int) -> list[bytes]:
        """The proof that the digest is at its place."""
        return merkle.inclusion_proof(place, self.size, self._node)

    def _node(self, level: int, index: int) -> bytes:
        if level >= _KEPT_LEVEL:
            return self._nodes[level][index]
        leaves = self._read(index << level, 1 << level)
        return merkle.fold_level(b"".join(merkle.leaf_hash(one) for one in leaves))

    def _read(self, place: int, count: int) -> Sequence[bytes]:
        self._store.seek(place * self._bytes)
        data = self._store.read(count * self._bytes)
        return [data[at : at + self._bytes] for at in range(0, len(data), self._bytes)]


def evidence(
    sample: str,
    revision: tuple[str, bytes],
    wanted: int,
    seed: bytes,
    seed_from: Mapping[str, Any] | None,
    frame: Frame,
    records: str,
) -> tuple[bytes, int]:
    """The evidence of a sample as canonical bytes, and how many were drawn: all of a frame that has fewer than wanted.

    shapes   seed_from: {"checkpoint": {"origin", "size", "root", "note"}}, or None for a seed that was given
    """
    places, last = redraw(seed, frame.size, min(wanted, frame.size)), frame.size - 1
    document = {
        "type": TYPE,
        "v": VERSION,
        "id": sample,
        "method": METHOD,
        "records": records,
        "revision": {"id": revision[0], "sha256": revision[1].hex()},
        "wanted": wanted,
        "seed": seed.hex(),
        "seed_from": seed_from,
        # A root alone says nothing of how many leaves it is over; the proof of the last one does.
        "frame": {"size": frame.size, "root": frame.root().hex(), "last": _proven(frame, last) if frame.size else None},
        "drawn": [_proven(frame, place) for place in places],
    }
    return canonical(document), len(places)


def _proven(frame: Frame, place: int) -> dict[str, Any]:
    return {"place": place, "digest": frame.digest(place).hex(), "proof": [one.hex() for one in frame.proof(place)]}
