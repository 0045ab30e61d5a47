"""Evidence in a dispute: a file, or what this exchange itself keeps and answers for: use in a bill, the log, scorecard, agreement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec

from compliance import store as audit
from contracts import store as contracts
from exchange.access.store import grants
from exchange.flows.disputing import DisputeStands, moving, record, source_name
from exchange.flows.show_usage_proof import UsageProof, show_usage_proof
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.canonical import canonical, sha256
from exchange.kernel.db import Tx
from exchange.kernel.errors import Problem
from exchange.kernel.merkle import leaf_hash
from exchange.kernel.text import Text
from exchange.quality import store as quality
from settlement.dispute_problems import EVIDENCE_INVALID
from settlement.disputes import EVIDENCE_MAX, Dispute, Move
from settlement.store import disputes as store
from settlement.store import orders, reads

_JSON = "application/json"
_TOO_MANY = Text("a dispute takes at most 50 pieces", "每件争议最多提交 50 份证据")
_NOT_OF_IT = Text("it is not of the order in dispute", "与争议订单无关")
_NOT_ON_IT = Text("the charge in dispute is not on that invoice", "该账单不含争议费用")
_NO_CHARGE = Text("the dispute is about no charge", "争议不涉及费用")
_NOT_LOGGED = Text("the log has no such entry of it", "日志中没有相应条目")


@dataclass(frozen=True, slots=True)
class FileShown:
    """A file that is stored already; its words are its owner's, nobody here vouches for them."""

    name: str
    media_type: str
    sha256: bytes
    size_bytes: int


@dataclass(frozen=True, slots=True)
class UseShown:
    """Is this event in this bill? The exchange answers against the sealed root of its day."""

    invoice_id: UUID
    event_id: UUID
    day: str | None = None


@dataclass(frozen=True, slots=True)
class LogShown:
    """What the log says of an object of the dispute, with the leaves to check it by.

    shapes   object_id: the order, the charge, the agreement, a grant of the order, or the dispute, as the API shows it
    """

    object_id: str


@dataclass(frozen=True, slots=True)
class KeptShown:
    """The scorecard of the data that were bought, or the agreement.

    shapes   kind: scorecard | agreement
    """

    kind: str
    id: UUID


Shown = FileShown | UseShown | LogShown | KeptShown


async def prove_dispute(
    tx: Tx, actor: Actor, dispute_id: UUID, shown: Shown, title: Mapping[str, str]
) -> DisputeStands | Problem:
    """Add a piece of evidence; both sides and the arbitrator read it. What the exchange answers for is marked as verified.

    errors   answers not-found, dispute-state, dispute-words, dispute-evidence-invalid, usage-roots-pending
    """
    one = await moving(tx, actor, dispute_id, Move.PROVE, title)
    if isinstance(one, Problem):
        return one
    if await store.count_facts(tx, dispute_id, Move.PROVE) >= EVIDENCE_MAX:
        return EVIDENCE_INVALID(reason=_TOO_MANY)
    made = await _look(tx, actor, one, shown)
    if isinstance(made, Problem):
        return made
    kind, document = made
    file = shown if isinstance(shown, FileShown) else None
    piece = store.Evidence(
        id=tx.new_id(),
        dispute_id=one.id,
        organisation_id=actor.organisation_id,
        kind=kind,
        title=canonical(dict(title)),
        sha256=file.sha256 if file else sha256(document),
        size_bytes=file.size_bytes if file else len(document),
        media_type=file.media_type if file else _JSON,
        name=file.name if file else None,
        document=None if file else document,
        verified=file is None,
        created_at=tx.now,
    )
    await store.insert_evidence(tx, piece)
    said = {
        "evidence": ids.text("evd", piece.id),
        "kind": kind,
        "sha256": piece.sha256.hex(),
        "verified": piece.verified,
    }
    return (await record(tx, one, Move.PROVE, actor, said, title))[1]


async def _look(tx: Tx, actor: Actor, one: Dispute, shown: Shown) -> tuple[str, bytes] | Problem:
    match shown:
        case FileShown():
            return "file", b""
        case UseShown():
            return await _use(tx, actor, one, shown)
        case LogShown():
            return await _log(tx, one, shown)
        case KeptShown():
            return await _kept(tx, one, shown)


async def _use(tx: Tx, actor: Actor, one: Dispute, shown: UseShown) -> tuple[str, bytes] | Problem:
    """Whether the event is in the bill, and whether the charge in dispute is over it."""
    if one.source_kind != "charge":
        return EVIDENCE_INVALID(reason=_NO_CHARGE)
    invoice = await reads.find_invoice(tx, actor, shown.invoice_id)
    if invoice is None or not await store.on_invoice(tx, shown.invoice_id, one.source_id):
        return EVIDENCE_INVALID(reason=_NOT_ON_IT)
    proof = await show_usage_proof(tx, invoice, shown.event_id, shown.day)
    if not isinstance(proof, UsageProof):
        return proof
    charge = source_name(one)
    said: dict[str, Any] = {
        "type": "usage-answer",
        "v": 1,
        "charge": charge,
        "in_charge": any(each["charge"] == charge for each in proof.charges),
        **msgspec.to_builtins(proof),
    }
    return "usage_proof", canonical(said)


async def _log(tx: Tx, one: Dispute, shown: LogShown) -> tuple[str, bytes] | Problem:
    """The log's entries of an object of the dispute: index and leaf hash, by which /log/proof and a checkpoint prove them."""
    if shown.object_id not in await _objects(tx, one):
        return EVIDENCE_INVALID(reason=_NOT_OF_IT)
    found = await audit.entries_of(tx, shown.object_id)
    if not found:
        return EVIDENCE_INVALID(reason=_NOT_LOGGED)
    # Not the entry itself: it may name organisations that only one side knows of.
    entries = []
    for each in found:
        envelope = bytes(each.envelope)
        entries.append(
            {
                "index": None if each.leaf_index is None else str(each.leaf_index),
                "action": msgspec.json.decode(envelope)["action"],
                "leaf_sha256": leaf_hash(envelope).hex(),
            }
        )
    return "log_proof", canonical({"type": "log-answer", "v": 1, "object": shown.object_id, "entries": entries})


async def _objects(tx: Tx, one: Dispute) -> set[str]:
    """What the log may be asked of in this dispute: nothing that only others are concerned by."""
    found = {ids.text("ord", one.order_id), source_name(one), ids.text("dsp", one.id)}
    order = (await orders.get_orders(tx, [one.order_id])).get(one.order_id)
    if order is not None:
        found.add(ids.text("agr", order.agreement_id))
    return found | {ids.text("grt", each.id) for each in await grants.of_orders(tx, [one.order_id])}


async def _kept(tx: Tx, one: Dispute, shown: KeptShown) -> tuple[str, bytes] | Problem:
    """A scorecard of what was bought, or the agreement of the order, by the digest under which it is kept."""
    if shown.kind == "agreement":
        agreement = (await contracts.find_agreements(tx, [shown.id])).get(shown.id)
        if agreement is None or agreement.order_id != one.order_id:
            return EVIDENCE_INVALID(reason=_NOT_OF_IT)
        said = {"agreement": ids.text("agr", agreement.id), "sha256": agreement.sha256.hex(), "kid": agreement.kid}
        return "agreement", canonical({"type": "agreement-answer", "v": 1, **said})
    card = await quality.find_scorecard(tx, shown.id)
    bought = {each.revision_id for each in await grants.of_orders(tx, [one.order_id])}
    if card is None or card.revision_id not in bought:
        return EVIDENCE_INVALID(reason=_NOT_OF_IT)
    said = {
        "scorecard": ids.text("scr", card.id),
        "revision": ids.text("rev", card.revision_id),
        "sha256": card.sha256.hex(),
    }
    return "scorecard", canonical({"type": "scorecard-answer", "v": 1, **said})
