"""The Merkle tree of RFC 6962, section 2.1: hashes, growth, proofs and their verification. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()

# The hash of the perfect subtree number `index` of height `level` (0 = leaves), counted from the left.
Node = Callable[[int, int], bytes]


class BadProof(ValueError):
    """A proof that does not lead to the root it should."""


def leaf_hash(entry: bytes) -> bytes:
    """The hash of one entry as a leaf."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two neighbours' parent."""
    return sha256(b"\x01" + left + right).digest()


def perfect(low: int, high: int) -> Iterator[tuple[int, int]]:
    """The perfect subtrees, left to right, that together are the leaves [low, high).

    shapes   low is a multiple of the greatest power of two < high - low (or both are equal)
    """
    while low < high:
        level = (high - low).bit_length() - 1
        if low:
            level = min(level, (low & -low).bit_length() - 1)
        yield level, low >> level
        low += 1 << level


@dataclass(slots=True)
class Range:
    """A compact range from leaf 0: all that must be remembered to let the tree grow.

    shapes   `hashes` has one hash per set bit of `size`, the largest subtree first
    """

    size: int
    hashes: list[bytes]

    def __post_init__(self) -> None:
        """Check the shape once."""
        if self.size < 0 or len(self.hashes) != self.size.bit_count():
            raise ValueError("a compact range has one hash per set bit of its size")

    def append(self, leaf: bytes) -> list[tuple[int, int, bytes]]:
        """Add one leaf hash; give the perfect subtrees that it completes, as (level, index, hash)."""
        done = [(0, self.size, leaf)]
        level, bits, node = 0, self.size, leaf
        while bits & 1:
            node = node_hash(self.hashes.pop(), node)
            level, bits = level + 1, bits >> 1
            done.append((level, bits, node))
        self.hashes.append(node)
        self.size += 1
        return done

    def root(self) -> bytes:
        """The root of the tree as it is now."""
        return fold(self.hashes)


def fold(hashes: Sequence[bytes]) -> bytes:
    """The hash over neighbouring perfect subtrees, largest first; the empty root for none."""
    if not hashes:
        return EMPTY_ROOT
    result = hashes[-1]
    for left in reversed(hashes[:-1]):
        result = node_hash(left, result)
    return result


def fold_level(hashes: bytes) -> bytes:
    """The root over neighbouring nodes of one height, one after another, of which only the last may stand for fewer leaves.

    shapes   32 bytes each, at least one -> 32 bytes; the same as `root_of`, a level at a time
    """
    while len(hashes) > HASH_BYTES:
        pairs = len(hashes) // (2 * HASH_BYTES) * 2 * HASH_BYTES
        above = [sha256(b"\x01" + hashes[at : at + 64]).digest() for at in range(0, pairs, 64)]
        # Who has no neighbour goes up as it is.
        hashes = b"".join((*above, hashes[pairs:]))
    return hashes


def root_of(leaves: Iterable[bytes]) -> bytes:
    """The root over leaf hashes."""
    grown = Range(0, [])
    for leaf in leaves:
        grown.append(leaf)
    return grown.root()


def subtree(low: int, high: int, node: Node) -> bytes:
    """The hash of the leaves [low, high) of a tree."""
    return fold([node(level, index) for level, index in perfect(low, high)])


def inclusion_ranges(index: int, size: int) -> list[tuple[int, int]]:
    """The ranges of leaves whose hashes prove leaf `index` in a tree of `size`, from the leaf up.

    errors   ValueError for a leaf that is not in the tree
    source   RFC 6962, section 2.1.1
    """
    if not 0 <= index < size:
        raise ValueError("the leaf is not in the tree")
    found: list[tuple[int, int]] = []
    low, high = 0, size
    while high - low > 1:
        middle = low + (1 << ((high - low - 1).bit_length() - 1))
        if index < middle:
            found.append((middle, high))
            high = middle
        else:
            found.append((low, middle))
            low = middle
    return found[::-1]


def inclusion_proof(index: int, size: int, node: Node) -> list[bytes]:
    """The proof that leaf `index` is in the tree of `size`, from the leaf's sibling up."""
    return [subtree(low, high, node) for low, high in inclusion_ranges(index, size)]


def consistency_ranges(old: int, new: int) -> list[tuple[int, int]]:
    """The ranges of leaves whose hashes prove that the tree of `new` leaves begins with the one of `old`.

    errors   ValueError unless 0 <= old <= new
    source   RFC 6962, section 2.1.2
    """
    if not 0 <= old <= new:
        raise ValueError("a tree only grows")
    if old in (0, new):
        return []
    found: list[tuple[int, int]] = []
    low, high, whole = 0, new, True
    while old != high:
        middle = low + (1 << ((high - low - 1).bit_length() - 1))
        if old <= middle:
            found.append((middle, high))
            high = middle
        else:
            found.append((low, middle))
            low, whole = middle, False
    if not whole:
        found.append((low, high))
    return found[::-1]


def consistency_proof(old: int, new: int, node: Node) -> list[bytes]:
    """The proof that nothing of the tree of `old` leaves was changed in the tree of `new`."""
    return [subtree(low, high, node) for low, high in consistency_ranges(old, new)]


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Accept that `leaf` is at `index` of the tree, or raise.

    errors   BadProof
    source   RFC 9162, section 2.1.3.2
    """
    if not 0 <= index < size:
        raise BadProof("the leaf is not in the tree")
    position, last, result = index, size - 1, leaf
    for sibling in proof:
        if last == 0 or len(sibling) != HASH_BYTES:
            raise BadProof("the proof is too long or holds something that is no hash")
        if position & 1 or position == last:
            result = node_hash(sibling, result)
            position, last = _skip(position, last)
        else:
            result = node_hash(result, sibling)
        position, last = position >> 1, last >> 1
    if last or result != root:
        raise BadProof("the proof does not lead to the root")


def verify_consistency(old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> None:
    """Accept that the new tree begins with the old one, or raise.

    errors   BadProof
    source   RFC 9162, section 2.1.4.2
    """
    if not 0 <= old <= new or any(len(one) != HASH_BYTES for one in proof):
        raise BadProof("a tree only grows, by hashes")
    if old in (0, new):
        if proof or old_root != (new_root if old else EMPTY_ROOT):
            raise BadProof("trees of the same size differ, or an empty proof was expected")
        return
    # A perfect old tree is a node of the new one, so that its root is left out of the proof.
    hashes = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    position, last = old - 1, new - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    if not hashes:
        raise BadProof("the proof is empty")
    first = second = hashes[0]
    for sibling in hashes[1:]:
        if last == 0:
            raise BadProof("the proof is too long")
        if position & 1 or position == last:
            first, second = node_hash(sibling, first), node_hash(sibling, second)
            position, last = _skip(position, last)
        else:
            second = node_hash(second, sibling)
        position, last = position >> 1, last >> 1
    if last or first != old_root or second != new_root:
        raise BadProof("the proof does not lead to both roots")


def _skip(position: int, last: int) -> tuple[int, int]:
    """Go up past the levels on which a right edge has no sibling."""
    while not position & 1 and position:
        position, last = position >> 1, last >> 1
    return position, last
