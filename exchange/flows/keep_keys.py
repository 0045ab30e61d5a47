"""Keys that the exchange keeps for organisations that sign with none of their own: made on first need, used for them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from compliance import store as audit
from compliance.entries import Entry
from contracts import signatures_store as store
from contracts.signatures import OrganisationKey
from contracts.signatures_store import KeptKey
from exchange.kernel import custody, ids
from exchange.kernel.canonical import sha256
from exchange.kernel.db import Tx
from exchange.kernel.keys import Keyring


@dataclass(frozen=True, slots=True)
class KeptSigner:
    """Signs for one organisation with the key that is kept for it."""

    kid: str
    private: Ed25519PrivateKey

    def sign(self, document: bytes) -> bytes:
        """64 bytes over exactly this document."""
        return self.private.sign(document)


async def own_signers(tx: Tx, organisation_ids: Collection[UUID]) -> set[UUID]:
    """Who of them signs with a key of its own now: for those the exchange never signs."""
    keys = await store.keys_of(tx, organisation_ids)
    return {key.organisation_id for key in keys if key.in_use and not key.kept}


async def kept_signers(tx: Tx, keyring: Keyring, organisation_ids: Collection[UUID]) -> dict[UUID, KeptSigner]:
    """The kept keys of these organisations, made where there is none.

    errors   SealBroken, UnknownKey: a key folder that is not this database's
    """
    wanted = set(organisation_ids)
    if not wanted:
        return {}
    kept = await store.kept_keys(tx, wanted)
    if wanted - set(kept):
        await store.lock_keeping(tx)
        # Read again: another worker may have made some while we waited.
        kept = await store.kept_keys(tx, wanted)
        for organisation_id in sorted(wanted - set(kept)):
            kept[organisation_id] = await _make(tx, keyring, organisation_id)
    kids = {key.id: key.kid for key in await store.keys_of(tx, wanted)}
    return {organisation_id: _signer(keyring, one, kids[one.id]) for organisation_id, one in kept.items()}


async def _make(tx: Tx, keyring: Keyring, organisation_id: UUID) -> KeptKey:
    made, key_id = custody.make(keyring, ids.text("org", organisation_id)), tx.new_id()
    key = OrganisationKey(
        id=key_id,
        organisation_id=organisation_id,
        kid=made.kid,
        public=made.public,
        kept=True,
        document=None,
        proof=None,
        created_at=tx.now,
    )
    kept = KeptKey(key_id, organisation_id, made.sealed_by, made.sealed)
    await store.insert_key(tx, key)
    await store.insert_kept(tx, kept)
    entry = Entry(
        action="signing-key.keep",
        organisation_id=None,
        object_id=ids.text("key", key_id),
        concerns=(organisation_id,),
        digests={"public_key": sha256(made.public)},
    )
    await audit.append(tx, [entry])
    return kept


def _signer(keyring: Keyring, kept: KeptKey, kid: str) -> KeptSigner:
    owner = ids.text("org", kept.organisation_id)
    return KeptSigner(kid, custody.unsealed(keyring, owner, kid, kept.sealed_by, kept.sealed))
