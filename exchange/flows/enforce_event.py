"""An event that everybody has signed comes into force: the exchange countersigns it, and the grants follow."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from compliance import store as audit
from compliance.entries import Entry
from contracts import lifecycle_store
from contracts import signatures_store as signing
from contracts.life_events import Event, Force, Kind, instant, moment
from contracts.signatures import Role, Signed
from contracts.signatures_store import NewSignature
from exchange.access.grants import Grant, NewGrant
from exchange.access.store import course, grants
from exchange.flows.agreement_life import Desk, Standing
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.canonical import sha256
from exchange.kernel.db import TryAgain, Tx

_MOMENT = timedelta(microseconds=1)


async def enforce_event(tx: Tx, desk: Desk, actor: Actor, now_at: Standing, event: Event) -> Event:
    """Countersign a complete event, give it its place in the agreement's life, and change the grants as it says.

    The caller has checked it against the life that is locked.

    errors   TryAgain where a grant was ended meanwhile
    """
    said = event.said["effective_at"]
    force = Force(now_at.life.number + 1, tx.now if said is None else max(tx.now, moment(said)), tx.now)
    made = desk.keyring.sign("agreement", event.document)
    countersigned = Signed(event.id, event.agreement_id, Role.EXCHANGE, None, made.kid, False, made.value, tx.now)
    await signing.insert_signatures(tx, [NewSignature(tx.new_id(), countersigned, event.buyer_id, event.seller_id)])
    await lifecycle_store.insert_force(tx, event, force)
    event = replace(event, force=force, signatures=(*event.signatures, countersigned))
    await _take_effect(tx, now_at, event, force)
    await audit.append(tx, [_entry(actor, event)])
    return event


async def _take_effect(tx: Tx, now_at: Standing, event: Event, force: Force) -> None:
    running, held = [one.id for one in now_at.running], [one.id for one in now_at.held]
    changes = event.said["changes"]
    match event.kind:
        case Kind.AMENDMENT:
            if "purposes" in changes:
                await grants.set_purposes(tx, held, changes["purposes"])
        case Kind.RENEWAL:
            for one in held:
                if not await course.prolong(tx, one, moment(changes["ends_at"])):
                    raise TryAgain("the grant was ended meanwhile")
        case Kind.TRANSFER:
            for grant in now_at.held:
                await _pass_on(tx, event, grant, force)
        case Kind.SUSPENSION:
            await grants.suspend(tx, running)
        case Kind.LIFTING:
            await grants.resume(tx, running)
        case Kind.TERMINATION | Kind.RETIREMENT:
            for grant in now_at.running:
                await _end(tx, grant, force)


async def _end(tx: Tx, grant: Grant, force: Force) -> None:
    # A grant lasts at least for the moment it began in.
    at = max(force.effective_at, grant.starts_at + _MOMENT)
    if not await course.end_at(tx, grant.id, at):
        raise TryAgain("the grant was ended meanwhile")
    if force.effective_at <= tx.now:
        await grants.end(tx, [grant.id])


async def _pass_on(tx: Tx, event: Event, grant: Grant, force: Force) -> None:
    """The old grant ends and the successor's begins in the same moment; the agreement shows to the successor from now."""
    assert event.successor_id is not None
    at = max(force.effective_at, grant.starts_at + _MOMENT)
    await _end(tx, grant, replace(force, effective_at=at))
    follower = NewGrant(
        id=tx.new_id(),
        order_id=grant.order_id,
        agreement_id=grant.agreement_id,
        offer_id=grant.offer_id,
        listing_id=grant.listing_id,
        dataset_id=grant.dataset_id,
        revision_id=grant.revision_id,
        buyer_id=event.successor_id,
        seller_id=grant.seller_id,
        purposes=grant.purposes,
        meters=grant.meters,
        quota={},
        starts_at=at,
        ends_at=grant.ends_at,
        node_id=grant.node_id,
    )
    await grants.insert_grants(tx, [follower])
    await signing.join_party(tx, event.agreement_id, event.successor_id, "successor")


def _entry(actor: Actor, event: Event) -> Entry:
    sides = (event.buyer_id, event.seller_id, event.successor_id)
    signatures = {f"signature.{one.role.value}": sha256(one.signature) for one in event.signatures}
    assert event.force is not None
    return Entry(
        action=f"agreement.{event.kind.value}",
        organisation_id=actor.organisation_id,
        client_id=actor.client_id,
        object_id=ids.text("evt", event.id),
        object_version=instant(event.force.effective_at),
        agreement_id=ids.text("agr", event.agreement_id),
        rule_set=event.said["rule_set"],
        concerns=tuple(side for side in sides if side is not None and side != actor.organisation_id),
        digests={"event": event.sha256, **signatures},
    )
