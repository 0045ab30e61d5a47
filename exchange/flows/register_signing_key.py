"""An organisation registers a signing key of its own, changes it for another, and retires it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from compliance import store as audit
from contracts import signatures
from contracts import signatures_store as store
from contracts.signatures import KEYS_MAX, OrganisationKey
from contracts.signatures_problems import KEY_RETIRED, KEY_TAKEN, KEYS_TOO_MANY
from exchange.flows.once import done
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.canonical import sha256
from exchange.kernel.db import Tx
from exchange.kernel.errors import NOT_FOUND, Problem
from exchange.kernel.keys import thumbprint


class KeyRegistered(msgspec.Struct, frozen=True):
    """A key of yours that signs from now on; `replaces` signs no more."""

    id: str
    kid: str
    valid_from: str
    replaces: str | None = None


class KeyRetired(msgspec.Struct, frozen=True):
    """A key that signs no more; what it signed stays verifiable."""

    id: str
    kid: str
    valid_to: str


async def register_signing_key(
    tx: Tx, actor: Actor, public_key: str, proof: str, replaces: UUID | None = None
) -> KeyRegistered | Problem:
    """Register a public key whose private part the organisation has proven to hold, in place of another one if named.

    A key that the exchange keeps for the organisation is retired with it.

    errors   answers signing-key-form, signing-key-not-proven, signing-key-taken, signing-keys-too-many, not-found,
             signing-key-retired
    """
    public = signatures.public_of(public_key)
    if isinstance(public, Problem):
        return public
    proven = signatures.proven(actor.organisation_id, public, proof)
    if isinstance(proven, Problem):
        return proven
    await store.lock_keys(tx, actor.organisation_id)
    keys = await store.keys_of(tx, [actor.organisation_id])
    old = None if replaces is None else _in_use(keys, replaces)
    if isinstance(old, Problem):
        return old
    kid, left = thumbprint(public), [key for key in keys if key.in_use and not key.kept and key != old]
    if await store.keys_by_kid(tx, [kid]):
        return KEY_TAKEN(kid=kid)
    if len(left) >= KEYS_MAX:
        return KEYS_TOO_MANY(limit=KEYS_MAX)
    key = OrganisationKey(
        id=tx.new_id(),
        organisation_id=actor.organisation_id,
        kid=kid,
        public=public,
        kept=False,
        document=signatures.registration(actor.organisation_id, public),
        proof=proven,
        created_at=tx.now,
    )
    if not await store.insert_key(tx, key):
        return KEY_TAKEN(kid=kid)
    name, named = ids.text("key", key.id), None if old is None else ids.text("key", old.id)
    entries = [done(actor, "signing-key.register", name, public_key=sha256(public))]
    # Only the organisation signs from now on: what was kept for it ends, and its private part is forgotten.
    for gone in (one for one in keys if one.in_use and (one.kept or one == old)):
        await store.retire_key(tx, gone)
        entries.append(done(actor, "signing-key.retire", ids.text("key", gone.id)))
    await audit.append(tx, entries)
    return KeyRegistered(name, kid, _instant(tx.now), named)


async def retire_signing_key(tx: Tx, actor: Actor, key_id: UUID) -> KeyRetired | Problem:
    """Let a key of the actor's organisation sign no more; of a kept one the private part is forgotten.

    errors   answers not-found, signing-key-retired
    """
    await store.lock_keys(tx, actor.organisation_id)
    key = _in_use(await store.keys_of(tx, [actor.organisation_id]), key_id)
    if isinstance(key, Problem):
        return key
    retired_at = await store.retire_key(tx, key)
    name = ids.text("key", key.id)
    await audit.append(tx, [done(actor, "signing-key.retire", name)])
    return KeyRetired(name, key.kid, _instant(retired_at))


def _in_use(keys: list[OrganisationKey], key_id: UUID) -> OrganisationKey | Problem:
    key = next((one for one in keys if one.id == key_id), None)
    if key is None:
        return NOT_FOUND()
    if key.retired_at is not None:
        return KEY_RETIRED(kid=key.kid, at=key.retired_at.isoformat().replace("+00:00", "Z"))
    return key


def _instant(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
