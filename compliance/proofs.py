"""Proofs that stand alone: c2sp.org/tlog-proof@v1. Pure."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass

from compliance.notes import BadNote, Checkpoint, Verifier, open_checkpoint
from exchange.kernel.merkle import HASH_BYTES, BadProof, leaf_hash, verify_inclusion

HEADER = "c2sp.org/tlog-proof@v1"
HASHES_MAX = 63
_INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})\Z")


@dataclass(frozen=True, slots=True)
class TlogProof:
    """Where an entry is, the way to the root, and the checkpoint that signs the root."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes | None = None


def encode(proof: TlogProof) -> bytes:
    """The proof as the text of a `.tlog-proof` file."""
    lines = [HEADER]
    if proof.extra is not None:
        lines.append(f"extra {base64.b64encode(proof.extra).decode()}")
    lines.append(f"index {proof.index}")
    lines += [base64.b64encode(one).decode() for one in proof.hashes]
    return "\n".join(lines).encode() + b"\n\n" + proof.checkpoint


def decode(data: bytes) -> TlogProof:
    """Read a `.tlog-proof` file; believes nothing yet.

    errors   BadProof
    """
    head, separator, checkpoint = data.partition(b"\n\n")
    try:
        lines = head.decode().split("\n")
    except UnicodeDecodeError:
        raise BadProof("a proof is UTF-8") from None
    if not separator or lines.pop(0) != HEADER:
        raise BadProof("not a tlog-proof of version 1")
    extra = _unbase64(lines.pop(0)[6:]) if lines and lines[0].startswith("extra ") else None
    index = _INDEX.match(lines.pop(0)) if lines else None
    hashes = tuple(_unbase64(line) for line in lines)
    if index is None or len(hashes) > HASHES_MAX or any(len(one) != HASH_BYTES for one in hashes):
        raise BadProof("malformed tlog-proof")
    return TlogProof(int(index[1]), hashes, checkpoint, extra)


def verify(proof: TlogProof, entry: bytes, origin: str, verifiers: Sequence[Verifier]) -> Checkpoint:
    """Accept that `entry` is in the log that signed the checkpoint, or raise; give the checkpoint.

    errors   BadProof, BadNote
    """
    checkpoint = open_checkpoint(proof.checkpoint, origin, verifiers)
    verify_inclusion(leaf_hash(entry), proof.index, checkpoint.size, proof.hashes, checkpoint.root)
    return checkpoint


def _unbase64(text: str) -> bytes:
    try:
        data = base64.b64decode(text.encode(), validate=True)
    except ValueError:
        raise BadProof("malformed base64") from None
    if base64.b64encode(data).decode() != text:
        raise BadProof("base64 with loose ends")
    return data


__all__ = ["BadNote", "BadProof", "TlogProof", "decode", "encode", "verify"]
