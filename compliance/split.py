"""A split view: a log that showed two people two histories, and the evidence of it. Pure.

The evidence is two checkpoints that the log's own keys signed. Where their sizes differ, a proof goes with them that the
longer one begins with another tree than the shorter one says; nobody but the log could have made all three.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from compliance.notes import BadNote, Checkpoint, NoteVerifier, open_note, parse_checkpoint
from exchange.kernel import merkle
from exchange.kernel.merkle import BadProof, Node, verify_consistency

TYPE, VERSION = "split-view", 1


@dataclass(frozen=True, slots=True)
class Sight:
    """A checkpoint that somebody was shown, and where; believed because the log's own key signed it."""

    where: str
    note: bytes
    checkpoint: Checkpoint


@dataclass(frozen=True, slots=True)
class Evidence:
    """Two checkpoints that cannot both be of one log.

    `root` is the root that the longer one's tree has at the shorter one's size, and `proof` leads from it to the longer one's
    root; both are empty where the sizes are equal.
    """

    shorter: Sight
    longer: Sight
    root: bytes = b""
    proof: tuple[bytes, ...] = ()

    def document(self) -> dict[str, Any]:
        """The evidence for a file."""
        return {
            "type": TYPE,
            "v": VERSION,
            "origin": self.longer.checkpoint.origin,
            "shown": [
                {"where": one.where, "size": one.checkpoint.size, "note": one.note.decode()}
                for one in (self.shorter, self.longer)
            ],
            "root": base64.b64encode(self.root).decode(),
            "proof": [base64.b64encode(one).decode() for one in self.proof],
        }


def same_size(a: Sight, b: Sight) -> Evidence | None:
    """The evidence in two checkpoints of one size, None where they agree."""
    assert a.checkpoint.size == b.checkpoint.size, "checkpoints of one size are compared"
    return None if a.checkpoint.root == b.checkpoint.root else Evidence(a, b)


def not_continued(shorter: Sight, longer: Sight, node: Node) -> Evidence | None:
    """The evidence in two checkpoints of different sizes, None where the longer begins with the shorter.

    `node` gives the hashes of the longer one's tree.

    errors   BadProof where the hashes are not of the longer one's tree: then nothing is proven
    """
    old, new = shorter.checkpoint.size, longer.checkpoint.size
    root = merkle.subtree(0, old, node)
    proof = tuple(merkle.consistency_proof(old, new, node))
    verify_consistency(old, new, proof, root, longer.checkpoint.root)
    return None if root == shorter.checkpoint.root else Evidence(shorter, longer, root, proof)


def check(document: Mapping[str, Any], verifiers: Sequence[NoteVerifier]) -> bool:
    """Whether a file of evidence proves a split view to somebody who knows the log's keys and nothing else."""
    try:
        notes = [str(one["note"]).encode() for one in document["shown"]]
        texts = [open_note(one, verifiers) for one in notes]
        shorter, longer = (parse_checkpoint(one, extensions=True) for one in texts)
        root = base64.b64decode(document["root"], validate=True)
        proof = [base64.b64decode(one, validate=True) for one in document["proof"]]
        if shorter.origin != longer.origin or shorter.size > longer.size:
            return False
        if shorter.size == longer.size:
            return shorter.root != longer.root
        verify_consistency(shorter.size, longer.size, proof, root, longer.root)
    except (BadNote, BadProof, KeyError, TypeError, ValueError):
        return False
    return shorter.size > 0 and root != shorter.root
