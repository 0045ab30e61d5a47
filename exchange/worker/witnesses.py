"""Has the newest checkpoint cosigned. It runs beside the log's sequencer: no witness, slow or lying, holds that up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import httpx
import structlog

from compliance import tree_store, witness_store
from compliance.cosign import time_of
from compliance.entries import CENTRE
from compliance.log import Known
from compliance.notes import (
    BadNote,
    Checkpoint,
    Verifier,
    open_checkpoint,
    parse_checkpoint,
    parse_lines,
    parse_note,
)
from compliance.watched import ABOUT_US, INNOCENT, Fault, Observed
from compliance.witness import SIZE_TYPE, BadRequest, Proof, origin_path, parse_size, request_body
from compliance.witness_store import WitnessRow
from exchange.flows.keep_cosignatures import keep_cosignatures, next_to_witness
from exchange.kernel.clock import Clock
from exchange.kernel.db import Database, DatabaseAway, Tx
from exchange.kernel.merkle import BadProof, verify_consistency
from exchange.kernel.metrics import WITNESS_FAULTS, WITNESSED_SIZE

_LOG = structlog.get_logger("witnesses")
WITNESS_EVERY_S = 0.5
LIMIT_S = 0.5
ANSWER_BYTES_MAX = 16_384
# A witness's clock may be ahead of ours by this much.
AHEAD_S = 300
_REFUSALS = {404: Fault.LOG_UNKNOWN, 403: Fault.KEY_REFUSED}


class _TooMuch(Exception):
    """An answer longer than any of the protocol."""


@dataclass(frozen=True, slots=True)
class _Reply:
    status: int
    kind: str
    body: bytes


@dataclass(frozen=True, slots=True)
class WitnessClient:
    """Asks some witnesses at once; each request of an exchange, of which there are three at most, has the limit."""

    http: httpx.AsyncClient
    witnesses: Sequence[WitnessRow]
    verifiers: Sequence[Verifier]
    origin: str
    clock: Clock
    limit_s: float = LIMIT_S

    async def sizes(self) -> list[Known]:
        """What each witness that answers has seen of the log, believed because the log's own key signed it."""
        found = await asyncio.gather(*(self._size(one) for one in self.witnesses))
        return [one for one in found if one is not None]

    async def ask(self, note: bytes, proof: Proof) -> list[Observed]:
        """What came of asking each witness; never raises for what a witness does."""
        text = parse_note(note).text
        checkpoint = parse_checkpoint(text)
        asked = [_Asking(self, one, note, text, checkpoint, proof) for one in self.witnesses]
        return await asyncio.gather(*(one.told() for one in asked))

    async def shown_by(self, one: WitnessRow) -> tuple[bytes, Checkpoint | None]:
        """The newest checkpoint that a witness shows, and what it says if a key of this log signed it."""
        async with asyncio.timeout(self.limit_s):
            reply = await self.send(one, "GET", f"{origin_path(self.origin)}/checkpoint")
        if reply.status != httpx.codes.OK:
            return b"", None
        try:
            return reply.body, open_checkpoint(reply.body, self.origin, self.verifiers)
        except (BadNote, UnicodeError):
            return reply.body, None

    async def send(self, one: WitnessRow, method: str, path: str, body: bytes | None = None) -> _Reply:
        """One request, whose answer may not be longer than the protocol's."""
        async with self.http.stream(method, f"{one.url}/{path}", content=body, timeout=self.limit_s) as answer:
            data = b""
            async for part in answer.aiter_raw():
                data += part
                if len(data) > ANSWER_BYTES_MAX:
                    raise _TooMuch
            return _Reply(answer.status_code, answer.headers.get("content-type", ""), data)

    async def _size(self, one: WitnessRow) -> Known | None:
        try:
            _, checkpoint = await self.shown_by(one)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, _TooMuch):
            return None
        return Known(f"witness {one.name}", checkpoint)


@dataclass(slots=True)
class _Asking:
    """One exchange over one checkpoint."""

    client: WitnessClient
    one: WitnessRow
    note: bytes
    text: bytes
    checkpoint: Checkpoint
    proof: Proof
    heard: bytes = field(default=b"")

    async def told(self) -> Observed:
        try:
            return await self._add()
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError):
            return self._at_fault(Fault.AWAY)
        except (_TooMuch, BadRequest):
            return self._at_fault(Fault.ANSWER_MALFORMED)

    async def _add(self) -> Observed:
        old = self.one.seen_size
        if old > self.checkpoint.size:
            return await self._shown(Fault.CLAIMS_MORE, claimed=old)
        # Once with what is remembered, and once more with what the witness says.
        for _ in range(2):
            # The limit is the witness's: our own database may take its time.
            body = request_body(old, await self.proof(old), self.note)
            async with asyncio.timeout(self.client.limit_s):
                reply = await self.client.send(self.one, "POST", "add-checkpoint", body)
            self.heard = reply.body
            if reply.status == httpx.codes.OK:
                return self._cosigned(reply.body)
            if reply.status != httpx.codes.CONFLICT:
                return await self._refused(reply)
            size = parse_size(reply.body) if reply.kind.partition(";")[0].strip() == SIZE_TYPE else None
            if size is None:
                return self._at_fault(Fault.ANSWER_MALFORMED)
            if size > self.checkpoint.size:
                return await self._shown(Fault.CLAIMS_MORE, claimed=size)
            if size < self.one.seen_size:
                return self._at_fault(Fault.WENT_BACK, claimed=size)
            old = size
        # Somebody else had it cosign in between; the next round sees.
        return Observed(self.one.id, self.checkpoint.size)

    async def _refused(self, reply: _Reply) -> Observed:
        if reply.status == httpx.codes.UNPROCESSABLE_ENTITY:
            return await self._shown(Fault.PROOF_REFUSED)
        if reply.status >= httpx.codes.INTERNAL_SERVER_ERROR or reply.status == httpx.codes.TOO_MANY_REQUESTS:
            return self._at_fault(Fault.AWAY)
        return self._at_fault(_REFUSALS.get(reply.status, Fault.ANSWER_MALFORMED))

    def _cosigned(self, body: bytes) -> Observed:
        verifier = self.one.verifier
        try:
            lines = parse_lines(body)
        except BadNote:
            return self._at_fault(Fault.ANSWER_MALFORMED)
        own = [one for one in lines if (one.name, one.key_id) == (verifier.name, verifier.key_id)]
        if not own or not all(verifier.verify(self.text, one.signature) for one in own):
            return self._at_fault(Fault.COSIGNATURE_WRONG)
        at = time_of(own[0].signature)
        if at is None or at > self.client.clock.now().timestamp() + AHEAD_S:
            return self._at_fault(Fault.TIME_WRONG)
        return Observed(self.one.id, self.checkpoint.size, line=own[0])

    async def _shown(self, otherwise: Fault, claimed: int | None = None) -> Observed:
        """What the witness holds against us: a checkpoint that our own key signed is heard, its word alone is not."""
        note, shown = await self.client.shown_by(self.one)
        if shown is None:
            return self._at_fault(otherwise, claimed=claimed)
        if shown.size > self.checkpoint.size:
            return self._at_fault(Fault.LOG_BEHIND, note, claimed, shown)
        try:
            hashes = await self.proof(shown.size)
            verify_consistency(shown.size, self.checkpoint.size, hashes, shown.root, self.checkpoint.root)
        except BadProof:
            return self._at_fault(Fault.OTHER_HISTORY, note, claimed, shown)
        return self._at_fault(otherwise, claimed=claimed)

    def _at_fault(
        self, fault: Fault, evidence: bytes | None = None, claimed: int | None = None, shown: Checkpoint | None = None
    ) -> Observed:
        heard = self.heard if evidence is None else evidence
        return Observed(self.one.id, self.checkpoint.size, fault=fault, evidence=heard, claimed=claimed, shown=shown)


@dataclass(slots=True)
class Witnessing:
    """The regular work of having checkpoints cosigned; as `compliance.witness.Witnesses`, what a sequencer asks before it signs first.

    `keep` writes down, outside the database, a checkpoint of ours that a witness knows and the database does not: the
    sequencer then signs nothing more until the operator has looked.
    """

    db: Database
    verifiers: Sequence[Verifier]
    origin: str
    keep: Callable[[bytes], None]
    node_id: str = CENTRE
    limit_s: float = LIMIT_S

    async def run(self) -> None:
        """Have what is new cosigned until cancelled; a round that fails is told, and the next one comes."""
        async with self._http() as http:
            while True:
                try:
                    await self.step(http)
                except DatabaseAway as error:
                    _LOG.warning("database-away", error=str(error))
                except Exception as error:  # noqa: BLE001  # regular work outlives a fault, which alerts see in the log
                    _LOG.error("witnessing-failed", exc_info=error)
                await asyncio.sleep(WITNESS_EVERY_S)

    async def step(self, http: httpx.AsyncClient | None = None) -> list[Observed]:
        """Ask those who have not cosigned the newest checkpoint, and keep what they say."""
        if http is None:
            async with self._http() as made:
                return await self.step(made)
        due = await self.db.run(partial(next_to_witness, node_id=self.node_id))
        if due is None or not due.witnesses:
            return []
        client = WitnessClient(http, due.witnesses, self.verifiers, self.origin, self.db.clock, self.limit_s)
        observed = await client.ask(due.note, partial(self._proof, due.size))
        known = {one.id: one for one in due.witnesses}
        settled = await self.db.run(partial(keep_cosignatures, observed=observed, known=known, node_id=self.node_id))
        for one in settled:
            self._tell(known[one.witness], one)
        return settled

    async def sizes(self) -> list[Known]:
        """What each witness that answers has seen of the log."""
        witnesses = await self.db.run(witness_store.active)
        # Without any there is nobody to ask, and no need to read the certificates of the world.
        if not witnesses:
            return []
        async with self._http() as http:
            return await WitnessClient(
                http, witnesses, self.verifiers, self.origin, self.db.clock, self.limit_s
            ).sizes()

    async def _proof(self, size: int, old: int) -> list[bytes]:
        async def read(tx: Tx) -> list[bytes]:
            hashes = await tree_store.consistency(tx, old, size, self.node_id)
            assert hashes is not None, "a signed checkpoint has its tiles"
            return hashes

        return await self.db.run(read)

    def _tell(self, witness: WitnessRow, one: Observed) -> None:
        if one.line is not None:
            WITNESSED_SIZE.labels(witness.name).set(one.size)
        if one.fault in ABOUT_US:
            # What our own key signed outlives the database: the sequencer must not go on as if it were not there.
            self.keep(one.evidence)
        if one.fault is not None:
            WITNESS_FAULTS.labels(witness.name, one.fault).inc()
            if one.fault != witness.fault:
                tell = _LOG.warning if one.fault in INNOCENT else _LOG.error
                tell("witness-fault", witness=witness.name, fault=str(one.fault), size=one.size, claimed=one.claimed)

    @staticmethod
    def _http() -> httpx.AsyncClient:
        return httpx.AsyncClient(
            trust_env=False, headers={"user-agent": "corpus-exchange", "accept-encoding": "identity"}
        )
