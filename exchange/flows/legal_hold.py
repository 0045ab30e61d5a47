"""What a directive orders to be preserved: asked wherever something is erased, forgotten or thrown away.

Who asks for an erasure is refused with the directive's number; what the clock would forget is kept, and that it was is on
record. What is not asked: working lists and derived figures whose facts stay, and private keys, which prove nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from compliance import directive_store, store
from compliance.entries import Entry
from compliance.problems import HELD
from exchange.kernel import idempotency, ids
from exchange.kernel.db import Tx
from exchange.kernel.errors import Problem
from exchange.parties import store as parties


async def refuse(tx: Tx, wanted: Sequence[UUID]) -> Problem | None:
    """Why nothing of these organisations and objects may be erased, or None: one statement.

    errors   answers HELD with the directive that stands longest
    """
    held = await store.preserved(tx, wanted)
    return HELD(directive=ids.text("dir", min(held.values()))) if held else None


async def forget_keys(tx: Tx) -> int:
    """Forget the answers kept beside old idempotency keys, but not those of organisations under a hold."""
    held = await store.preserved(tx)
    kept = await idempotency.old_among(tx, list(held))
    await note(tx, [held[one] for one in kept], "idempotency-answers")
    return await idempotency.forget_old(tx, keep=list(held))


async def forget_tokens(tx: Tx) -> int:
    """Forget revocations of tokens that have expired anyway, but not those of organisations under a hold."""
    held = await store.preserved(tx)
    kept = await parties.expired_among(tx, list(held))
    await note(tx, [held[one] for one in kept], "token-revocations")
    return await parties.forget_expired_tokens(tx, keep=list(held))


async def note(tx: Tx, directives: Sequence[UUID], place: str) -> None:
    """Put on record, once for each directive, that it keeps `place` from erasing."""
    new = await directive_store.note_deferred(tx, directives, place) if directives else []
    entries = [
        Entry(action="directive.defer", organisation_id=None, object_id=ids.text("dir", one), object_version=place)
        for one in new
    ]
    await store.append(tx, entries)
