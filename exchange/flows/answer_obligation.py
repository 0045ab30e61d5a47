"""What the two sides do about an obligation: the buyer shows that it was done, the supplier asks for it or waives it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from compliance import store as audit
from contracts import obligations_store as store
from contracts.obligations import LIVE, Obligation, Rhythm, State
from contracts.obligations_problems import OBLIGATION_CLOSED, OBLIGATION_DEMAND, OBLIGATION_NOT_ASKED
from contracts.obligations_store import Evidence
from exchange.flows.once import done
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import NOT_FOUND, Problem
from exchange.kernel.text import Text

_OTHER = Text("does not fall due on request", "不属于按要求到期的义务")
_ASKED = Text("was asked for already", "已提出过要求")
_PAST = Text("is due ahead, within ten years", "到期时间须晚于当前，且不超过十年")
_AHEAD_MAX = timedelta(days=3653)
_COUNTED = Text("has its days counted by the terms", "期限由条款规定")
_NO_DAY = Text("needs a day: the terms count none", "需要指定日期：条款未规定期限")


class ObligationReceipt(msgspec.Struct, frozen=True):
    """Where the obligation stands now; `evidence` is the id of what was shown."""

    obligation: str
    state: str
    due_at: str | None = None
    evidence: str | None = None


async def submit_evidence(
    tx: Tx, actor: Actor, obligation_id: UUID, sha256: bytes, note: Mapping[str, str] | None
) -> ObligationReceipt | Problem:
    """Keep what the buyer shows. It fulfils what falls due at a time; what holds all the time goes on.

    errors   answers not-found, obligation-closed, obligation-not-asked
    """
    one = await store.lock_one(tx, obligation_id)
    if one is None or one.buyer_id != actor.organisation_id:
        return NOT_FOUND()
    if one.state not in LIVE:
        return _closed(one)
    if one.rhythm is Rhythm.ON_REQUEST and one.due_at is None:
        return OBLIGATION_NOT_ASKED(obligation=ids.text("obl", one.id))
    shown = Evidence(tx.new_id(), actor.organisation_id, actor.client_id, sha256, note, tx.now)
    await store.add_evidence(tx, one, shown)
    if one.rhythm is not Rhythm.STANDING:
        one = await _close(tx, one, State.FULFILLED, actor, None)
    name = ids.text("obl", one.id)
    await audit.append(tx, [done(actor, "obligation.evidence", name, one.seller_id, evidence=sha256)])
    return _receipt(one, shown.id)


async def waive_obligation(
    tx: Tx, actor: Actor, obligation_id: UUID, reason: Mapping[str, str]
) -> ObligationReceipt | Problem:
    """The supplier does without it, for this time.

    errors   answers not-found, obligation-closed
    """
    one = await store.lock_one(tx, obligation_id)
    if one is None or one.seller_id != actor.organisation_id:
        return NOT_FOUND()
    if not one.may(State.WAIVED):
        return _closed(one)
    one = await _close(tx, one, State.WAIVED, actor, reason)
    await audit.append(tx, [done(actor, "obligation.waive", ids.text("obl", one.id), one.buyer_id)])
    return _receipt(one)


async def demand_obligation(
    tx: Tx, actor: Actor, obligation_id: UUID, due_at: datetime | None, reason: Mapping[str, str]
) -> ObligationReceipt | Problem:
    """The supplier asks for what falls due on request; the terms count the days, or the supplier names the day.

    errors   answers not-found, obligation-closed, obligation-demand-wrong
    """
    one = await store.lock_one(tx, obligation_id)
    if one is None or one.seller_id != actor.organisation_id:
        return NOT_FOUND()
    if one.state not in LIVE:
        return _closed(one)
    days = one.duty.within_days
    why = None
    if one.rhythm is not Rhythm.ON_REQUEST:
        why = _OTHER
    elif one.due_at is not None:
        why = _ASKED
    elif (days is None) == (due_at is None):
        why = _NO_DAY if days is None else _COUNTED
    elif due_at is not None and not tx.now < due_at <= tx.now + _AHEAD_MAX:
        why = _PAST
    if why is not None:
        return OBLIGATION_DEMAND(obligation=ids.text("obl", one.id), why=why)
    asked = replace(one, due_at=due_at if due_at is not None else tx.now + timedelta(days=days or 0))
    await store.put(tx, asked)
    await store.add_step(tx, asked, actor.organisation_id, reason)
    await store.notify(tx, asked, "asked", asked.buyer_id)
    await audit.append(tx, [done(actor, "obligation.demand", ids.text("obl", one.id), one.buyer_id)])
    return _receipt(asked)


async def _close(tx: Tx, one: Obligation, state: State, actor: Actor, reason: Mapping[str, str] | None) -> Obligation:
    closed = replace(one, state=state)
    await store.put(tx, closed)
    await store.add_step(tx, closed, actor.organisation_id, reason)
    if one.rhythm is Rhythm.ON_REQUEST and one.due_at is not None:
        # It may be asked for again.
        following = replace(
            one,
            id=tx.new_id(),
            number=one.number + 1,
            state=State.OPEN,
            due_at=None,
            created_at=tx.now,
            changed_at=tx.now,
        )
        await store.add(tx, [following])
        await store.add_step(tx, following)
    return closed


def _closed(one: Obligation) -> Problem:
    return OBLIGATION_CLOSED(obligation=ids.text("obl", one.id), state=one.state.value)


def _receipt(one: Obligation, evidence_id: UUID | None = None) -> ObligationReceipt:
    return ObligationReceipt(
        obligation=ids.text("obl", one.id),
        state=one.state.value,
        due_at=None if one.due_at is None else one.due_at.isoformat().replace("+00:00", "Z"),
        evidence=None if evidence_id is None else ids.text("obe", evidence_id),
    )
