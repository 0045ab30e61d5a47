"""What a witness answers, and what a log asks of witnesses. Pure.

source   c2sp.org/tlog-witness
"""

from __future__ import annotations

import base64
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol

from compliance.cosign import TIME_MAX, Cosigner
from compliance.log import Known
from compliance.notes import (
    BadNote,
    Checkpoint,
    NoteVerifier,
    lines_text,
    open_note,
    parse_checkpoint,
    parse_note,
    with_signatures,
)
from exchange.kernel.merkle import EMPTY_ROOT, HASH_BYTES, BadProof, verify_consistency

PROOF_MAX = 63
REQUEST_BYTES_MAX = 65_536
SIZE_TYPE = "text/x.tlog.size"
TEXT_TYPE = "text/plain; charset=utf-8"
_OLD = re.compile(rb"old (0|[1-9][0-9]{0,18})\Z")
_SIZE = re.compile(rb"(0|[1-9][0-9]{0,18})\n\Z")
_EMPTY = Checkpoint("", 0, EMPTY_ROOT)


class BadRequest(ValueError):
    """A request that is not of the protocol's form."""


# Gives the consistency proof from an old size to the checkpoint that is being cosigned.
Proof = Callable[[int], Awaitable[Sequence[bytes]]]


class Witnesses(Protocol):
    """Those who watch the log, as its sequencer sees them."""

    async def sizes(self) -> Sequence[Known]:
        """What each witness that answers has seen of the log; one that is away is left out, one without a checkpoint knows none."""
        ...


@dataclass(frozen=True, slots=True)
class Request:
    """An add-checkpoint request, not yet believed."""

    old: int
    proof: tuple[bytes, ...]
    note: bytes
    text: bytes
    checkpoint: Checkpoint


@dataclass(frozen=True, slots=True)
class Cosigned:
    """The newest checkpoint of a log that a witness has cosigned, and when."""

    checkpoint: Checkpoint
    at: int


@dataclass(frozen=True, slots=True)
class Keep:
    """What a witness writes down before it answers."""

    cosigned: Cosigned
    note: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer. `keep` must be on disk before it is sent, and nobody else may have written in between."""

    status: int
    body: bytes = b""
    content_type: str = TEXT_TYPE
    keep: Keep | None = None


def request_body(old: int, proof: Sequence[bytes], note: bytes) -> bytes:
    """The body of an add-checkpoint request.

    errors   BadRequest for a proof of more than 63 hashes
    """
    if len(proof) > PROOF_MAX:
        raise BadRequest("a proof has at most 63 hashes")
    lines = [f"old {old}", *(base64.b64encode(one).decode() for one in proof), "", ""]
    return "\n".join(lines).encode() + note


def parse_request(body: bytes) -> Request:
    """Read an add-checkpoint request.

    errors   BadRequest
    """
    if len(body) > REQUEST_BYTES_MAX:
        raise BadRequest("the request is too long")
    head, separator, note = body.partition(b"\n\n")
    first, *hashes = head.split(b"\n")
    found = _OLD.match(first)
    if not separator or found is None or len(hashes) > PROOF_MAX:
        raise BadRequest("a request is an old size, at most 63 hashes, an empty line and a checkpoint")
    try:
        text = parse_note(note).text
        checkpoint = parse_checkpoint(text, extensions=True)
    except BadNote as error:
        raise BadRequest(str(error)) from None
    return Request(int(found[1]), tuple(_hash(one) for one in hashes), note, text, checkpoint)


def add_checkpoint(
    body: bytes,
    logs: Mapping[str, Sequence[NoteVerifier]],
    last: Mapping[str, Cosigned],
    at: int,
    signer: Cosigner,
) -> Answer:
    """Answer a request; each check comes where the protocol puts it.

    `logs` are the keys trusted for each origin, `last` what was cosigned of it.

    units    `at` in seconds since 1970; a clock that went back is overruled by the newest time signed
    """
    try:
        asked = parse_request(body)
    except BadRequest as error:
        return _refused(400, str(error))
    new = asked.checkpoint
    if new.origin not in logs:
        return _refused(404, "this log is not known here")
    try:
        open_note(asked.note, logs[new.origin])
    except BadNote as error:
        return _refused(403, str(error))
    if asked.old > new.size:
        return _refused(400, "the old size is above the checkpoint's")
    seen = last.get(new.origin)
    known = seen.checkpoint if seen is not None else _EMPTY
    if asked.old != known.size:
        return Answer(409, f"{known.size}\n".encode(), SIZE_TYPE)
    if new.size == 0 and new.root != EMPTY_ROOT:
        return _refused(422, "an empty tree has another root")
    try:
        verify_consistency(known.size, new.size, asked.proof, known.root, new.root)
    except BadProof as error:
        return _refused(422, str(error))
    moment = min(max(at, 1, seen.at if seen is not None else 1), TIME_MAX)
    line = signer.cosign(asked.text, moment)
    note = with_signatures(_signed_by(asked.note, logs[new.origin]), [line])
    return Answer(200, lines_text([line]), keep=Keep(Cosigned(new, moment), note))


def parse_size(body: bytes) -> int | None:
    """The size in an answer 409, None for anything else."""
    found = _SIZE.match(body)
    return None if found is None else int(found[1])


def origin_path(origin: str) -> str:
    """Under which name a witness keeps and serves what it knows of a log."""
    return sha256(origin.encode()).hexdigest()


def _signed_by(note: bytes, verifiers: Sequence[NoteVerifier]) -> bytes:
    """The note with the log's own signatures alone: what others signed is not this witness's to pass on."""
    known = {(one.name, one.key_id) for one in verifiers}
    parsed = parse_note(note)
    lines = [one for one in parsed.signatures if (one.name, one.key_id) in known]
    return parsed.text + b"\n" + lines_text(lines)


def _hash(line: bytes) -> bytes:
    try:
        value = base64.b64decode(line, validate=True)
    except ValueError:
        raise BadRequest("a hash is base64") from None
    if len(value) != HASH_BYTES or base64.b64encode(value) != line:
        raise BadRequest("a hash is 32 bytes in base64")
    return value


def _refused(status: int, why: str) -> Answer:
    return Answer(status, f"{why}\n".encode())
