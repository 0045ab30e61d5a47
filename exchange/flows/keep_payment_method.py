"""A buyer keeps a card at the payment provider, chooses which one pays by default, and removes it."""

from __future__ import annotations

from uuid import UUID

import msgspec

from compliance import store as audit
from compliance.entries import Entry
from exchange.flows.applied import Applied, ours
from exchange.flows.once import done
from exchange.kernel import ids, jobs
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import FORBIDDEN, NOT_FOUND, Problem
from settlement.kept_methods import KEPT_ALREADY, KEPT_MAX, NO_CARD, KeptMethod, KeptState
from settlement.provider_objects import Setup
from settlement.store import kept_methods as store
from settlement.stripe_problems import METHOD_STATE, METHODS_MANY

KEEP_METHOD = "keep_method"
DROP_METHOD = "drop_method"
PREFIX = "pmm"


class KeptReceipt(msgspec.Struct, frozen=True):
    """A method and where it stands."""

    id: str
    state: str


async def keep_method(tx: Tx, actor: Actor, given: str) -> KeptReceipt | Problem:
    """Ask for a card to be kept; it pays once its bank agreed.

    shapes   given: the provider's name of it, "pm_...", as the provider's own form hands it out
    errors   answers forbidden, payment-methods-many
    """
    if "buyer" not in actor.roles:
        return FORBIDDEN(needs="buyer")
    await store.lock_organisation(tx, actor.organisation_id)
    if await store.count_kept(tx, actor.organisation_id) >= KEPT_MAX:
        return METHODS_MANY(limit=KEPT_MAX)
    one = KeptMethod(tx.new_id(), actor.organisation_id, given, KeptState.ASKED, tx.now)
    await store.insert_method(tx, one)
    return await _queued(tx, actor, one, KEEP_METHOD, "payment-method.keep", KeptState.ASKED)


async def choose_default(tx: Tx, actor: Actor, method_id: UUID) -> KeptReceipt | Problem:
    """Let a card that is kept pay where none is named.

    errors   answers not-found, payment-method-state
    """
    one = await _own(tx, actor, method_id)
    if isinstance(one, Problem):
        return one
    if one.state is not KeptState.ACTIVE:
        return METHOD_STATE(state=one.state.value)
    await store.set_default(tx, actor.organisation_id, method_id)
    name = ids.text(PREFIX, method_id)
    await audit.append(tx, [done(actor, "payment-method.default", name)])
    return KeptReceipt(name, one.state.value)


async def remove_method(tx: Tx, actor: Actor, method_id: UUID) -> KeptReceipt | Problem:
    """Let a card go: it pays nothing from now on, and the provider forgets it.

    errors   answers not-found, payment-method-state
    """
    one = await _own(tx, actor, method_id)
    if isinstance(one, Problem):
        return one
    if not await store.move_method(tx, method_id, KeptState.REMOVED):
        return METHOD_STATE(state=one.state.value)
    return await _queued(tx, actor, one, DROP_METHOD, "payment-method.remove", KeptState.REMOVED)


async def apply_setup(tx: Tx, seen: Setup) -> Applied:
    """What the provider says of a card that is being kept takes its effect, once, whoever saw it."""
    method_id = ours(PREFIX, seen.method)
    one = None if method_id is None else await store.get_method(tx, method_id)
    if one is None:
        return Applied("not ours")
    await store.lock_organisation(tx, one.organisation_id)
    refs = seen.payment_method, seen.id
    if seen.state == "succeeded" and seen.payment_method is not None:
        known = await store.kept_as(tx, seen.payment_method)
        if known is not None and known != one.id:
            return await _failed(tx, one, KEPT_ALREADY, (None, seen.id))
        if one.state is KeptState.REMOVED:
            return await _let_go(tx, one, seen.payment_method)
    if seen.state == "succeeded" and seen.card is not None:
        moved = await store.move_method(tx, one.id, KeptState.ACTIVE, refs=refs, card=seen.card)
        if moved:
            await store.default_if_none(tx, one.organisation_id, one.id)
        return await _told(tx, one, KeptState.ACTIVE, moved=moved)
    if seen.state == "requires_action":
        page = seen.redirect_url
        moved = await store.move_method(tx, one.id, KeptState.CONFIRMING, refs=(None, seen.id), redirect_url=page)
        return await _told(tx, one, KeptState.CONFIRMING, moved=moved)
    refused = seen.state in ("requires_payment_method", "canceled") or seen.state == "succeeded"
    if not refused or (seen.state == "requires_payment_method" and seen.failure is None):
        return Applied("waits")
    failure = NO_CARD if seen.state == "succeeded" else (seen.failure or seen.state)
    return await _failed(tx, one, failure, (None, seen.id))


async def setup_refused(tx: Tx, method_id: UUID, code: str) -> Applied:
    """The provider refused a card at once."""
    one = await store.get_method(tx, method_id)
    assert one is not None, "methods are never deleted"
    return await _failed(tx, one, code, (None, None))


async def method_to_keep(tx: Tx, method_id: UUID) -> tuple[KeptMethod, str | None] | None:
    """A method that waits to be asked for, and the customer it will be kept under; None where that was done."""
    one = await store.get_method(tx, method_id)
    if one is None or one.state is not KeptState.ASKED:
        return None
    return one, await store.customer_of(tx, one.organisation_id)


async def customer_made(tx: Tx, organisation_id: UUID, provider_ref: str) -> str:
    """Keep the customer that was made; the one that stands, where somebody was quicker."""
    await store.keep_customer(tx, organisation_id, provider_ref)
    return await store.customer_of(tx, organisation_id) or provider_ref


async def method_to_drop(tx: Tx, method_id: UUID) -> str | None:
    """The provider's name of a removed method, where it has one."""
    one = await store.get_method(tx, method_id)
    return None if one is None or one.state is not KeptState.REMOVED else one.provider_ref


async def _own(tx: Tx, actor: Actor, method_id: UUID) -> KeptMethod | Problem:
    await store.lock_organisation(tx, actor.organisation_id)
    one = await store.get_method(tx, method_id)
    return one if one is not None and one.organisation_id == actor.organisation_id else NOT_FOUND()


async def _queued(tx: Tx, actor: Actor, one: KeptMethod, kind: str, action: str, state: KeptState) -> KeptReceipt:
    name = ids.text(PREFIX, one.id)
    await jobs.put(tx, jobs.Job(kind, str(one.id), {"method": name}, organisation_id=one.organisation_id))
    await audit.append(tx, [done(actor, action, name)])
    return KeptReceipt(name, state.value)


async def _let_go(tx: Tx, one: KeptMethod, provider_ref: str) -> Applied:
    """Its holder agreed after it was removed: the provider has it now, and is to forget it."""
    if not await store.note_ref(tx, one.id, provider_ref):
        return Applied("known")
    job = jobs.Job(DROP_METHOD, f"{one.id}:late", {"method": ids.text(PREFIX, one.id)}, one.organisation_id)
    await jobs.put(tx, job)
    return Applied("recorded")


async def _failed(tx: Tx, one: KeptMethod, failure: str, refs: tuple[str | None, str | None]) -> Applied:
    moved = await store.move_method(tx, one.id, KeptState.FAILED, refs=refs, failure=failure)
    return await _told(tx, one, KeptState.FAILED, moved=moved)


async def _told(tx: Tx, one: KeptMethod, state: KeptState, *, moved: bool) -> Applied:
    if not moved:
        return Applied("known")
    entry = Entry(
        action=f"payment-method.{state.value}",
        organisation_id=None,
        object_id=ids.text(PREFIX, one.id),
        concerns=(one.organisation_id,),
    )
    await audit.append(tx, [entry])
    return Applied("recorded")
