"""An organisation signs an agreement, or an event of one: with its own key, or with the one that is kept for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

import msgspec

from compliance import store as audit
from contracts import lifecycle_store, signatures
from contracts import signatures_store as store
from contracts import store as contracts
from contracts.signatures import Given, Role, Signed
from contracts.signatures_problems import SIGNATURE_MISSING, SIGNED_ALREADY
from contracts.signatures_store import NewSignature
from exchange.flows.keep_keys import kept_signers
from exchange.flows.once import done
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.canonical import sha256
from exchange.kernel.db import Tx
from exchange.kernel.errors import NOT_FOUND, Problem
from exchange.kernel.keys import Keyring


class SignatureReceipt(msgspec.Struct, frozen=True):
    """Your signature is kept beside the agreement; `signing` says how far both sides have signed."""

    agreement: str
    role: str
    kid: str
    kept: bool
    signing: str


@dataclass(frozen=True, slots=True)
class Paper:
    """What is to be signed: an agreement or an event, its exact bytes, and what is signed of it already."""

    object_id: UUID
    agreement_id: UUID
    name: str
    document: bytes
    buyer_id: UUID
    seller_id: UUID
    signed: Sequence[Signed]


async def sign_agreement(
    tx: Tx, keyring: Keyring, actor: Actor, agreement_id: UUID, given: Given | None
) -> SignatureReceipt | Problem:
    """Add a side's signature to an agreement; a signature by its own key may stand beside a kept one.

    shapes   given None: let the kept key sign now
    errors   answers not-found, signed-already, signature-missing, signature-key-unknown, signing-key-retired, signature-wrong
    """
    row = (await contracts.find_agreements(tx, [agreement_id])).get(agreement_id)
    if row is None or actor.organisation_id not in (row.buyer_id, row.seller_id):
        return NOT_FOUND()
    await lifecycle_store.lock(tx, agreement_id)
    role = Role.BUYER if actor.organisation_id == row.buyer_id else Role.SELLER
    there = (await store.signatures_of_many(tx, [agreement_id])).get(agreement_id, [])
    paper = Paper(
        agreement_id, agreement_id, ids.text("agr", agreement_id), row.document, row.buyer_id, row.seller_id, there
    )
    signed = await add_signature(tx, keyring, actor, paper, role, given)
    if isinstance(signed, Problem):
        return signed
    other = row.seller_id if role is Role.BUYER else row.buyer_id
    entry = done(actor, "agreement.sign", paper.name, other, document=row.sha256, signature=sha256(signed.signature))
    await audit.append(tx, [replace(entry, agreement_id=paper.name)])
    state = signatures.signing([*there, signed])
    return SignatureReceipt(paper.name, role.value, signed.kid, signed.kept, state.value)


async def add_signature(
    tx: Tx, keyring: Keyring, actor: Actor, paper: Paper, role: Role, given: Given | None
) -> Signed | Problem:
    """Check a signature that was handed in, or make one with the kept key, and write it.

    errors   answers signed-already, signature-missing, signature-key-unknown, signing-key-retired, signature-wrong
    """
    mine = [one for one in paper.signed if one.role is role]
    await store.hold_keys(tx, [actor.organisation_id])
    keys = await store.keys_of(tx, [actor.organisation_id])
    # What is wrong with a signature is said first, also to who has signed already.
    key = None if given is None else signatures.checked(paper.document, given, keys)
    if isinstance(key, Problem):
        return key
    if any(not one.kept for one in mine) or (given is None and mine):
        return SIGNED_ALREADY(object=paper.name)
    if given is not None and key is not None:
        kid, value, kept = key.kid, given.signature, False
    else:
        if any(key.in_use and not key.kept for key in keys):
            return SIGNATURE_MISSING(object=paper.name)
        signer = (await kept_signers(tx, keyring, [actor.organisation_id]))[actor.organisation_id]
        kid, value, kept = signer.kid, signer.sign(paper.document), True
    signed = Signed(paper.object_id, paper.agreement_id, role, actor.organisation_id, kid, kept, value, tx.now)
    if not await store.insert_signatures(tx, [NewSignature(tx.new_id(), signed, paper.buyer_id, paper.seller_id)]):
        return SIGNED_ALREADY(object=paper.name)
    return signed
