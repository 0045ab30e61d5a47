"""Whether witnesses stand in the tables as the log says, and whether what they signed is theirs. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID

from compliance.auditing import Fault
from compliance.beside import Line
from compliance.cosign import CosignVerifier
from compliance.notes import BadNote, parse_note
from compliance.witness_store import FaultRow, WitnessRow
from exchange.kernel import ids
from exchange.kernel.canonical import digest
from exchange.kernel.text import Text

RULE, SIGNATURE = "witness-as-logged", "witness-signature"


class Cosigned(NamedTuple):
    """A stored cosignature with the checkpoint that it is of, None where that is gone."""

    witness_id: UUID
    size: int
    name: str
    public: bytes
    signature: bytes
    note: bytes | None


def faults(one: WitnessRow, caught: Sequence[FaultRow], logged: Sequence[Line]) -> Iterator[Fault]:
    """Where a witness's rows say something else than the log."""
    name = ids.text("wit", one.id)
    added = [line for line in logged if line.action == "witness.add"]
    if len(added) != 1:
        what = Text("the log does not say that it was added", "日志中没有其登记记录")
        yield _fault(name, "added", what, str(len(added)), "1")
        return
    what = Text("is not as it was added", "与登记时不符")
    said = {"key": digest(one.verifier.vkey).hex(), "address": digest(one.url).hex()}
    for column, value in said.items():
        if value != added[0].digests.get(column):
            yield _fault(name, column, what, value, str(added[0].digests.get(column)))
    removed = any(line.action == "witness.remove" for line in logged)
    if removed is not (one.state == "removed"):
        what = Text("its state is not what the log says", "其状态与日志不符")
        yield _fault(name, "state", what, one.state, "removed" if removed else "active")
    stored = sorted(f"{row.kind}:{sha256(row.evidence).hexdigest()}" for row in caught)
    right = sorted(f"{x.object.version}:{x.digests['evidence']}" for x in logged if x.action == "witness.fault")
    if stored != right:
        what = Text("what it was caught at is not what the log says", "其过失记录与日志不符")
        yield _fault(name, "faults", what, " ".join(stored) or "none", " ".join(right) or "none")


def gone(name: str) -> Fault:
    """A witness that the log knows and the tables do not."""
    return _fault(name, "row", Text("was added, and is not there", "曾登记，但其不存在"), "none", "one")


def signature_fault(one: Cosigned) -> Fault | None:
    """What is wrong with a stored cosignature, or None."""
    try:
        text = None if one.note is None else parse_note(one.note).text
    except BadNote:
        text = None
    if text is not None and CosignVerifier(one.name, one.public).verify(text, one.signature):
        return None
    name = ids.text("wit", one.witness_id)
    place = Text(f"{name}, checkpoint of {one.size:,} entries", f"{name}，{one.size:,} 条的检查点")
    return Fault(SIGNATURE, place, None, Text("the witness did not sign this", "并非该见证方所签"))


def _fault(name: str, part: str, what: Text, said: str, fact: str) -> Fault:
    return Fault(RULE, Text(f"{name}, {part}", f"{name}，{part}"), None, what, said, fact)
