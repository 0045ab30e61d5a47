"""Events of an agreement: proposed by a side or the operator, signed by those whom they bind, withdrawn or refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID

import msgspec

from compliance import store as audit
from compliance.entries import Entry
from contracts import lifecycle, lifecycle_store
from contracts import signatures_store as signing
from contracts.life_events import End, Event, EventState, Party, Wish, instant
from contracts.lifecycle_problems import EVENT_CLOSED, EVENT_FIELD, EVENT_NOT_YOURS
from contracts.signatures import Given, Role
from exchange.flows.agreement_life import Desk, Standing, standing
from exchange.flows.check_event import dated, refused
from exchange.flows.enforce_event import enforce_event
from exchange.flows.keep_keys import own_signers
from exchange.flows.once import done
from exchange.flows.sign_agreement import Paper, add_signature
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import NOT_FOUND, Problem
from exchange.kernel.text import Text


class EventReceipt(msgspec.Struct, frozen=True):
    """An event as it stands; `missing` names who has still to sign the document with this SHA-256."""

    id: str
    agreement: str
    kind: str
    state: str
    sha256: str
    missing: tuple[str, ...]
    effective_at: str | None


async def propose_event(
    tx: Tx, desk: Desk, actor: Actor, agreement_id: UUID, wish: Wish, *, operator: bool = False
) -> EventReceipt | Problem:
    """Propose an event; a kept key signs at once for who proposes, and what needs nobody else is in force at once.

    errors   answers not-found, and what the event may not be for
    """
    now_at = await standing(tx, agreement_id)
    by = None if now_at is None else Party.OPERATOR if operator else now_at.life.side(actor.organisation_id)
    if now_at is None or by is None:
        return NOT_FOUND()
    wish = await dated(tx, desk.sales, now_at, wish, by)
    if problem := await refused(tx, desk.sales, now_at, wish, by):
        return problem
    proposer = None if operator else actor.organisation_id
    event = lifecycle.compose(
        now_at.life, wish, by, event_id=tx.new_id(), proposer=proposer, now=tx.now, node_id=desk.node_id
    )
    await lifecycle_store.insert(tx, event)
    await audit.append(tx, [_entry(actor, "agreement.propose-event", event)])
    if proposer is not None:
        # Whether it signs with a key of its own stays as it is until this commits.
        await signing.hold_keys(tx, [proposer])
    if proposer is not None and not await own_signers(tx, [proposer]):
        signed = await _sign(tx, desk, actor, event, Role(by.value), None)
        assert not isinstance(signed, Problem), "nobody has signed a document that was just made"
        event = signed
    if not event.missing:
        event = await enforce_event(tx, desk, actor, now_at, event)
    return receipt(tx, now_at, event)


async def sign_event(
    tx: Tx, desk: Desk, actor: Actor, event_id: UUID, document_sha256: bytes, given: Given | None
) -> EventReceipt | Problem:
    """Sign exactly the document of that digest; with the last signature it is checked again and comes into force.

    errors   answers not-found, agreement-event-closed, agreement-event-not-yours, agreement-event-field, what a signature
             may be refused for, and what the event may not be for by now
    """
    found = await _open(tx, actor, event_id)
    if isinstance(found, Problem):
        return found
    now_at, event, role = found
    if role not in event.needs:
        return EVENT_NOT_YOURS(event=ids.text("evt", event.id), why=_UNASKED)
    if document_sha256 != event.sha256:
        return EVENT_FIELD(field="sha256", why=_OTHER)
    complete = set(event.missing) <= {role}
    wish = lifecycle.wish_of(event, tx.now)
    if complete and (problem := await refused(tx, desk.sales, now_at, wish, event.proposed_by)):
        return problem
    signed = await _sign(tx, desk, actor, event, role, given)
    if isinstance(signed, Problem):
        return signed
    event = signed
    await audit.append(tx, [_entry(actor, "agreement.sign-event", event)])
    if not event.missing:
        event = await enforce_event(tx, desk, actor, now_at, event)
    return receipt(tx, now_at, event)


async def end_event(
    tx: Tx, actor: Actor, event_id: UUID, reason: Mapping[str, str] | None, *, withdraw: bool
) -> EventReceipt | Problem:
    """Withdraw a proposal of one's own side, or refuse that of another: it comes to nothing.

    errors   answers agreement-event-field, not-found, agreement-event-closed, agreement-event-not-yours
    """
    if reason is not None and not lifecycle.bilingual(reason):
        return EVENT_FIELD(field="reason", why=lifecycle.REASON)
    found = await _open(tx, actor, event_id)
    if isinstance(found, Problem):
        return found
    now_at, event, role = found
    own = role.value == event.proposed_by.value
    if own is not withdraw:
        return EVENT_NOT_YOURS(event=ids.text("evt", event.id), why=_OWN if own else _THEIRS)
    outcome = EventState.WITHDRAWN if withdraw else EventState.REFUSED
    end = End(outcome, actor.organisation_id, reason, tx.now)
    await lifecycle_store.insert_end(tx, event, end)
    action = "agreement.withdraw-event" if withdraw else "agreement.refuse-event"
    await audit.append(tx, [_entry(actor, action, event)])
    return receipt(tx, now_at, replace(event, end=end))


async def _open(tx: Tx, actor: Actor, event_id: UUID) -> tuple[Standing, Event, Role] | Problem:
    """An event that this organisation may still say something to, and in which role."""
    there = await lifecycle_store.find(tx, event_id)
    role = None if there is None else there.role_of(actor.organisation_id)
    if there is None or role is None:
        return NOT_FOUND()
    now_at = await standing(tx, there.agreement_id)
    assert now_at is not None, "an event has its agreement"
    # As it is now that the agreement is locked: what was said while we waited counts.
    event = next(one for one in now_at.events if one.id == event_id)
    state = event.state(tx.now, now_at.life.head)
    if state is not EventState.PROPOSED:
        return EVENT_CLOSED(event=ids.text("evt", event_id), state=state.value)
    return now_at, event, role


async def _sign(tx: Tx, desk: Desk, actor: Actor, event: Event, role: Role, given: Given | None) -> Event | Problem:
    paper = Paper(
        object_id=event.id,
        agreement_id=event.agreement_id,
        name=ids.text("evt", event.id),
        document=event.document,
        buyer_id=event.buyer_id,
        seller_id=event.seller_id,
        signed=event.signatures,
    )
    signed = await add_signature(tx, desk.keyring, actor, paper, role, given)
    return signed if isinstance(signed, Problem) else replace(event, signatures=(*event.signatures, signed))


def receipt(tx: Tx, now_at: Standing, event: Event) -> EventReceipt:
    """The event as it stands for its parties."""
    state = event.state(tx.now, now_at.life.head)
    return EventReceipt(
        id=ids.text("evt", event.id),
        agreement=ids.text("agr", event.agreement_id),
        kind=event.kind.value,
        state=state.value,
        sha256=event.sha256.hex(),
        missing=tuple(role.value for role in event.missing),
        effective_at=None if event.force is None else instant(event.force.effective_at),
    )


def _entry(actor: Actor, action: str, event: Event) -> Entry:
    sides = (event.buyer_id, event.seller_id, event.successor_id)
    others = [side for side in sides if side is not None and side != actor.organisation_id]
    entry = done(actor, action, ids.text("evt", event.id), *others, event=event.sha256)
    return replace(entry, agreement_id=ids.text("agr", event.agreement_id))


_UNASKED = Text("does not ask for your signature", "不需要贵机构签名")
_OTHER = Text("is not the digest of this event's document", "不是该事件文件的摘要")
_OWN = Text("was proposed by your own side", "由贵方提议")
_THEIRS = Text("was proposed by another side", "由其他方提议")
