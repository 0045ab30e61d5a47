"""What the flows of disputes share: a case locked with its source, a fact written, and the answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

import msgspec

from compliance import store as audit
from compliance.entries import Entry
from exchange.flows.once import worded
from exchange.flows.refund_order import PREFIX, lock_source
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.canonical import canonical
from exchange.kernel.db import Tx
from exchange.kernel.errors import NOT_FOUND, Problem
from exchange.kernel.text import Text
from settlement.dispute_problems import DISPUTE_STATE, DISPUTE_WORDS
from settlement.disputes import Dispute, Move, Side, fault_of_words, may_here
from settlement.store import disputes as store
from settlement.store.refunds import Source

T = TypeVar("T")
PREFIX_OF_DISPUTE = "dsp"
_WORDS = {
    "language": Text("texts are keyed en or zh, and there is at least one", "文本须以 en 或 zh 为键，且至少一种"),
    "length": Text("a text has between 1 and 4,000 characters", "每段文本为 1 至 4000 个字符"),
    "characters": Text("a text holds characters that nobody can read", "文本含有不可读字符"),
}


class DisputeStands(msgspec.Struct, frozen=True):
    """Where a dispute stands now, and until when somebody has to do something; `due_at` is null where nobody has to."""

    id: str
    state: str
    due_at: str | None
    round: int
    outcome: str | None


@dataclass(frozen=True, slots=True)
class Case:
    """A locked dispute with its locked source."""

    dispute: Dispute
    source: Source


async def locked_case(tx: Tx, dispute_id: UUID) -> Case | None:
    """A case with its order and what it is about, locked in this order: refunds and releases wait for it, and it for them."""
    seen = await store.get_dispute(tx, dispute_id)
    if seen is None:
        return None
    source = await lock_source(tx, seen.source_kind, seen.source_id)
    one = await store.get_dispute(tx, dispute_id, lock=True)
    assert source is not None, "what is in dispute is never deleted"
    assert one is not None, "nor is a dispute"
    return Case(one, source)


async def moving(
    tx: Tx,
    actor: Actor,
    dispute_id: UUID,
    move: Move,
    words: Mapping[str, str] | None = None,
    *,
    arbitrating: bool = False,
) -> Dispute | Problem:
    """A case in which the actor may do this now, with these words, locked: for what moves no money; or why it may not.

    shapes   arbitrating: asked in the arbitrator's part, not in a party's
    """
    one = await store.get_dispute(tx, dispute_id, lock=True)
    return _refusal(one, actor, move, words, arbitrating=arbitrating) or _there(one)


async def moving_case(
    tx: Tx,
    actor: Actor,
    dispute_id: UUID,
    move: Move,
    words: Mapping[str, str] | None = None,
    *,
    arbitrating: bool = False,
) -> Case | Problem:
    """The same with what the case is about, locked before it: for what moves money."""
    case = await locked_case(tx, dispute_id)
    one = None if case is None else case.dispute
    return _refusal(one, actor, move, words, arbitrating=arbitrating) or _there(case)


def _refusal(
    one: Dispute | None, actor: Actor, move: Move, words: Mapping[str, str] | None, *, arbitrating: bool
) -> Problem | None:
    side = None if one is None else one.side_of(actor.organisation_id)
    if one is None or side is None or (side is Side.ARBITRATOR) != arbitrating:
        return NOT_FOUND()
    if not may_here(one, move, actor.organisation_id):
        return not_now(one, move)
    return None if words is None else refuse_words(words)


def _there(found: T | None) -> T:
    assert found is not None, "what is not there is refused"
    return found


def not_now(one: Dispute, move: Move) -> Problem:
    """Where the case stands, that cannot be done."""
    return DISPUTE_STATE(state=one.state.value, wanted=move.value)


def refuse_words(words: Mapping[str, str]) -> Problem | None:
    """Why these words cannot be shown to the other side."""
    fault = fault_of_words(words)
    return None if fault is None else DISPUTE_WORDS(reason=_WORDS[fault])


async def record(
    tx: Tx,
    one: Dispute,
    move: Move,
    by: Actor | None,
    said: Mapping[str, Any] | None = None,
    words: Mapping[str, str] | None = None,
    *,
    new: bool = False,
) -> tuple[UUID, DisputeStands]:
    """Keep where a case stands after a move, the fact of it, and the log's entry; the fact's id and the answer.

    shapes   one: the case after the move; by None: the clock, or the payment provider; said: canonical JSON beside it
    """
    document = canonical(
        {
            "type": "dispute-fact",
            "v": 1,
            "dispute": ids.text(PREFIX_OF_DISPUTE, one.id),
            "move": move.value,
            "state": one.state.value,
            "round": str(one.round),
            "by": None if by is None else ids.text("org", by.organisation_id),
            "at": instant(tx.now),
            "due_at": None if one.due_at is None else instant(one.due_at),
            **(said or {}),
        }
    )
    if new:
        await store.insert_dispute(tx, one)
    else:
        await store.move_dispute(tx, one)
    written = None if words is None else canonical(dict(words))
    actor_id = None if by is None else by.organisation_id
    fact_id, digest = await store.insert_fact(tx, one, move, actor_id, document, written)
    concerned = {*one.parties, *([one.arbitrator_id] if one.arbitrator_id else [])} - {actor_id}
    entry = Entry(
        action=f"dispute.{move.value}",
        organisation_id=actor_id,
        client_id=None if by is None else by.client_id,
        object_id=ids.text(PREFIX_OF_DISPUTE, one.id),
        object_version=one.state.value,
        concerns=tuple(sorted(concerned)),
        digests={"fact": digest},
    )
    await audit.append(tx, [entry if written is None else worded(entry, words=written)])
    return fact_id, stands(one)


def stands(one: Dispute) -> DisputeStands:
    """The answer to every command of a dispute."""
    return DisputeStands(
        id=ids.text(PREFIX_OF_DISPUTE, one.id),
        state=one.state.value,
        due_at=None if one.due_at is None else instant(one.due_at),
        round=one.round,
        outcome=one.outcome.value if one.outcome else None,
    )


def source_name(one: Dispute) -> str:
    """The order or charge in its public form."""
    return ids.text(PREFIX[one.source_kind], one.source_id)


def instant(at: Any) -> str:
    """A time as the API writes it."""
    text: str = at.isoformat()
    return text.replace("+00:00", "Z")
