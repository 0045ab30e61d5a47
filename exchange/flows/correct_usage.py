"""A data holder corrects usage that it reported: amends it or takes it back, also after the seal and after the invoice.

Events stay as they were reported; a correction is a fact beside them. Its day is counted again, gets further roots, and
the next settlement run books what the period's charges come to now, less what was booked: a credit or an extra line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import msgspec

from compliance import store as compliance
from compliance.entries import Entry
from exchange.access.corrections import Wishes, judge_corrections, named
from exchange.access.problems import USAGE_BATCH_CONFLICT, USAGE_SOURCE_UNKNOWN
from exchange.access.settings import AccessSettings
from exchange.access.store import corrections, usage
from exchange.access.store.usage import Claim
from exchange.access.usage import Refusal
from exchange.flows.directive_scope import pages
from exchange.flows.ingest_usage import Ingested, told
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import UNAUTHENTICATED, Problem
from exchange.parties import store as parties


@dataclass(frozen=True, slots=True)
class CorrectionWish:
    """One request: who corrects, under which key of its own, and what was read of the body."""

    actor: Actor
    key: str
    sha256: bytes
    wishes: Wishes


async def correct_usage(tx: Tx, wish: CorrectionWish, *, settings: AccessSettings) -> Ingested | Problem:
    """Take the corrections that are good, and tell the others by their index; the same batch again is answered alike.

    errors   answers UNAUTHENTICATED, USAGE_SOURCE_UNKNOWN, USAGE_BATCH_CONFLICT
    """
    if await parties.lapsed(tx, [wish.actor]):
        return UNAUTHENTICATED()
    source = await usage.source_of(tx, wish.actor.client_id)
    if source is None or source.organisation_id != wish.actor.organisation_id:
        return USAGE_SOURCE_UNKNOWN()
    # load
    keys = named(wish.wishes, source.id)
    own = await corrections.hold_sources(tx, source.organisation_id, sorted({source.id, *(key[1] for key in keys)}))
    found = await corrections.standing_events(tx, [key for key in keys if key[1] in own])
    # decide
    taken, refused = judge_corrections(wish.wishes, source.id, found, tx.now, settings)
    # claim
    batch_id = tx.new_id()
    claim = Claim(batch_id, source, wish.key, wish.sha256, len(taken), _answer(batch_id, len(taken), refused))
    if not await usage.claim(tx, [claim]):
        sha256, answer = (await usage.answered(tx, [(source.id, wish.key)]))[source.id, wish.key]
        return Ingested(answer, replayed=True) if sha256 == wish.sha256 else USAGE_BATCH_CONFLICT(batch=wish.key)
    # write
    await corrections.insert_corrections(tx, batch_id, taken)
    buyers = sorted({one.before.buyer_id for one in taken})
    await compliance.append(tx, logged(claim, wish.actor, buyers))
    return Ingested(claim.answer, replayed=False)


def _answer(batch_id: UUID, accepted: int, refused: list[Refusal]) -> bytes:
    return msgspec.json.encode(
        {"batch": ids.text("ubt", batch_id), "accepted": accepted, "refused": [told(one) for one in refused]}
    )


def logged(claim: Claim, actor: Actor, buyers: Sequence[UUID]) -> list[Entry]:
    """What the log says of corrections: to as many buyers as there are, in as many entries as they need."""
    return [
        Entry(
            action="usage.correct",
            object_id=ids.text("ubt", claim.id),
            organisation_id=claim.source.organisation_id,
            client_id=actor.client_id,
            digests={"body": claim.sha256},
            concerns=part,
        )
        for part in pages(buyers)
    ]
