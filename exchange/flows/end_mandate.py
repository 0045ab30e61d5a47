"""A supplier or its broker ends a mandate before its term: what was sold stays, and claims stand for the tail as agreed."""

from __future__ import annotations

from uuid import UUID

import msgspec

from compliance import store as audit
from exchange.flows.once import done
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.canonical import sha256
from exchange.kernel.db import Tx
from exchange.kernel.errors import NOT_FOUND, Problem
from exchange.kernel.keys import Keyring
from settlement import mandates
from settlement.mandates import SignedEnd
from settlement.store import mandates as store


class MandateEnd(msgspec.Struct, frozen=True):
    """When a mandate ended, who ended it, and until when buyers claimed before still count."""

    mandate: str
    ended_by: str
    ends_at: str
    tail_until: str
    sha256: str


async def end_mandate(tx: Tx, actor: Actor, keyring: Keyring, mandate_id: UUID) -> MandateEnd | Problem:
    """End a mandate now; orders that were placed before count as they did, and other brokers' claims are untouched.

    errors   answers not-found, mandate-not-in-force
    """
    mandate = await store.lock_mandate(tx, mandate_id)
    if mandate is None or actor.organisation_id not in (mandate.supplier_id, mandate.broker_id):
        return NOT_FOUND()
    ended = mandates.end_early(mandate, tx.now)
    if isinstance(ended, Problem):
        return ended
    document = mandates.write_end(ended, actor.organisation_id)
    signature = keyring.sign("split", document)
    digest = sha256(document)
    end = SignedEnd(ended, actor.organisation_id, document, digest, signature.kid, signature.value, tx.now)
    await store.insert_end(tx, end)
    name = ids.text("mnd", mandate_id)
    (other,) = {mandate.supplier_id, mandate.broker_id} - {actor.organisation_id}
    await audit.append(tx, [done(actor, "mandate.end", name, other, document=digest)])
    return MandateEnd(
        mandate=name,
        ended_by=ids.text("org", actor.organisation_id),
        ends_at=_instant(ended.ends_at.isoformat()),
        tail_until=_instant(ended.tail_until.isoformat()),
        sha256=digest.hex(),
    )


def _instant(text: str) -> str:
    return text.replace("+00:00", "Z")
