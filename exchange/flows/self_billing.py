"""A payee agrees that the exchange writes its papers, and may end that again."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import msgspec

from compliance import store as audit
from exchange.flows.once import done
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import NOT_FOUND, Problem
from exchange.parties import profile_store
from settlement.fiscal_problems import NO_OPERATOR, SELF_BILLING_WORDS
from settlement.selfbilling import Agreement, words_bytes
from settlement.store import selfbilling


class SelfBillingKept(msgspec.Struct, frozen=True):
    """The agreement that counts, and whether it has ended."""

    agreement: str
    sha256: str
    ended: bool = False


@dataclass(frozen=True, slots=True)
class OfferedWords:
    """What is to be accepted now, as bytes and by its digest."""

    document: bytes
    sha256: bytes


async def offered_words(tx: Tx) -> OfferedWords | None:
    """The words that a payee can accept; None while nobody runs the exchange."""
    operator = await profile_store.operator_of(tx)
    return None if operator is None else OfferedWords(*words_bytes(ids.text("org", operator)))


async def accept_self_billing(tx: Tx, actor: Actor, sha256: bytes) -> SelfBillingKept | Problem:
    """Accept the words with this digest; who accepted them before keeps that agreement.

    errors   answers self-billing-words for other words than those that are offered now, no-operator
    """
    offered = await offered_words(tx)
    if offered is None:
        return NO_OPERATOR()
    if offered.sha256 != sha256:
        return SELF_BILLING_WORDS(sha256=offered.sha256.hex())
    await profile_store.lock_profile(tx, actor.organisation_id)
    before = (await selfbilling.in_force(tx, [actor.organisation_id])).get(actor.organisation_id)
    if before is not None and before.sha256 == sha256:
        return SelfBillingKept(ids.text("sba", before.id), before.sha256.hex())
    who = (actor.client_id, tx.now)
    made = Agreement(tx.new_id(), actor.organisation_id, offered.document, offered.sha256, *who)
    await selfbilling.insert_agreement(tx, made)
    if before is not None:
        await selfbilling.end_agreement(tx, before, actor)
    name = ids.text("sba", made.id)
    await audit.append(tx, [done(actor, "settlement.accept_self_billing", name)])
    return SelfBillingKept(name, made.sha256.hex())


async def end_self_billing(tx: Tx, actor: Actor, agreement_id: UUID) -> SelfBillingKept | Problem:
    """End the agreement for what is released from now on.

    errors   answers not-found
    """
    found = next((one for one in await selfbilling.own_agreements(tx, actor) if one.id == agreement_id), None)
    if found is None:
        return NOT_FOUND()
    name = ids.text("sba", found.id)
    if found.ended_at is None:
        await selfbilling.end_agreement(tx, found, actor)
        await audit.append(tx, [done(actor, "settlement.end_self_billing", name)])
    return SelfBillingKept(name, found.sha256.hex(), ended=True)
