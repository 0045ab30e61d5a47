"""A broker claims a buyer whom it introduced to a supplier: the first claim in force counts."""

from __future__ import annotations

from uuid import UUID

import msgspec

from compliance import store as audit
from exchange.flows.once import done
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import NOT_FOUND, Problem
from exchange.kernel.text import Text
from exchange.parties import store as parties
from settlement import mandates
from settlement.problems import MANDATE_INVALID
from settlement.store import mandates as store

_NOT_ITSELF = Text("is the broker or the supplier itself", "即经纪方或供应方自身")


class ClaimReceipt(msgspec.Struct, frozen=True):
    """A claim that stands: orders of this buyer count for the broker until `stands_until`."""

    id: str
    mandate: str
    buyer: str
    stands_until: str


async def claim_buyer(
    tx: Tx, actor: Actor, mandate_id: UUID, buyer_id: UUID, evidence_sha256: bytes
) -> ClaimReceipt | Problem:
    """Note that this broker introduced this buyer, with the digest of its evidence.

    errors   answers not-found, mandate-invalid, mandate-not-in-force, buyer-claimed
    """
    mandate = await store.lock_mandate(tx, mandate_id)
    if mandate is None or mandate.broker_id != actor.organisation_id:
        return NOT_FOUND()
    buyer = await parties.find_organisation(tx, buyer_id)
    if buyer is None or "buyer" not in buyer.roles:
        return NOT_FOUND()
    if buyer_id in (mandate.broker_id, mandate.supplier_id):
        return MANDATE_INVALID(field="buyer", why=_NOT_ITSELF)
    others = await store.lock_claims(tx, mandate.supplier_id, buyer_id)
    made = mandates.claim(mandate, tx.new_id(), buyer_id, evidence_sha256, others, tx.now)
    if isinstance(made, Problem):
        return made
    await store.insert_claim(tx, made)
    name = ids.text("clm", made.id)
    await audit.append(tx, [done(actor, "buyer.claim", name, made.supplier_id, evidence=evidence_sha256)])
    return ClaimReceipt(
        id=name,
        mandate=ids.text("mnd", mandate.id),
        buyer=ids.text("org", buyer_id),
        stands_until=made.stands_until.isoformat().replace("+00:00", "Z"),
    )
