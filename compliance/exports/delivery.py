"""The note that goes with a bundle: who asked for it, when and why, and how the log grew since their last export. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from compliance.exports.bundle import BundleFacts, Earlier
from compliance.notes import Ed25519Signer, sign_note
from compliance.verify import DELIVERY
from exchange.kernel.canonical import canonical

TYPE, VERSION = "audit-export-delivery", 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """The facts of one request, and the bundle that answers it."""

    export_id: str
    requested_by: str
    requested_at: str
    legal_basis: str | None
    sha256: bytes
    size_bytes: int
    earlier: Earlier | None
    disclosure: Mapping[str, str | None] | None = None


def delivery_note(said: Delivery, facts: BundleFacts, signer: Ed25519Signer) -> bytes:
    """The signed note as one line of JSON."""
    earlier: dict[str, Any] | None = None
    if said.earlier is not None:
        earlier = {"checkpoint": said.earlier.note.decode(), "proof": said.earlier.texts()}
    document = {
        "type": TYPE,
        "v": VERSION,
        "id": said.export_id,
        "requested_by": said.requested_by,
        "requested_at": said.requested_at,
        "legal_basis": said.legal_basis,
        "disclosure": None if said.disclosure is None else dict(said.disclosure),
        "bundle": {"sha256": said.sha256.hex(), "size_bytes": said.size_bytes},
        "checkpoint": {"size": facts.checkpoint.size, "root": facts.checkpoint.root.hex()},
        "earlier": earlier,
    }
    text = f"{DELIVERY}\n{sha256(canonical(document)).hexdigest()}\n".encode()
    return canonical({"delivery": document, "note": sign_note(text, [signer]).decode()}) + b"\n"
