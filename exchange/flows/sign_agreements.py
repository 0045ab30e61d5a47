"""Kept keys sign new agreements, many at a time and a moment after the order: no purchase waits for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from compliance import store as audit
from compliance.entries import Entry
from contracts import signatures_store as store
from contracts.signatures import Role, Signed
from contracts.signatures_store import NewSignature, Unsigned
from exchange.flows.keep_keys import kept_signers, own_signers
from exchange.kernel import ids
from exchange.kernel.canonical import sha256
from exchange.kernel.db import Tx
from exchange.kernel.keys import Keyring

BATCH_MAX = 500
# Ids say when they were made, not when they were committed: what is younger than this is looked at again.
LAG = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Progress:
    """How many signatures were added, and after which agreement to go on; None: everything there is has been seen."""

    signed: int
    after: UUID | None


async def sign_agreements(tx: Tx, keyring: Keyring, after: UUID | None = None, *, limit: int = BATCH_MAX) -> Progress:
    """Sign a batch of agreements for the sides that have no key of their own; those that have sign themselves.

    errors   SealBroken, UnknownKey
    """
    start = after or await store.position(tx, LAG)
    found = await store.unsigned(tx, start, limit)
    sides = {side for one in found for side in (one.buyer_id, one.seller_id)}
    if sides:
        await store.hold_keys(tx, sides)
    own = await own_signers(tx, sides) if sides else set()
    wanted = [(one, role) for one in found for role in one.needs if _side(one, role) not in own]
    signers = await kept_signers(tx, keyring, {_side(one, role) for one, role in wanted})
    rows = []
    for one, role in wanted:
        organisation_id = _side(one, role)
        signer = signers[organisation_id]
        value = signer.sign(one.document)
        signed = Signed(one.id, one.id, role, organisation_id, signer.kid, True, value, tx.now)
        rows.append(NewSignature(tx.new_id(), signed, one.buyer_id, one.seller_id))
    await store.insert_signatures(tx, rows)
    await audit.append(tx, _entries(rows))
    if len(found) == limit:
        return Progress(len(rows), found[-1].id)
    await store.move_mark(tx, store.first_id(tx.now - LAG))
    return Progress(len(rows), None)


def _entries(rows: list[NewSignature]) -> list[Entry]:
    """One entry per agreement, with what was signed for whom."""
    by_agreement: dict[UUID, list[NewSignature]] = {}
    for row in rows:
        by_agreement.setdefault(row.signed.object_id, []).append(row)
    return [
        Entry(
            action="agreement.sign-kept",
            organisation_id=None,
            object_id=ids.text("agr", agreement_id),
            agreement_id=ids.text("agr", agreement_id),
            concerns=(made[0].buyer_id, made[0].seller_id),
            digests={f"signature.{row.signed.role.value}": sha256(row.signed.signature) for row in made},
        )
        for agreement_id, made in by_agreement.items()
    ]


def _side(one: Unsigned, role: Role) -> UUID:
    return one.buyer_id if role is Role.BUYER else one.seller_id
