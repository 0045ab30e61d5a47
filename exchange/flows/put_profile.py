"""An organisation says what is to stand on its invoices."""

from __future__ import annotations

import msgspec

from compliance import store as audit
from exchange.flows.once import done
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import Problem
from exchange.kernel.text import Text
from exchange.parties import profile_store
from exchange.parties.problems import PROFILE_INVALID
from exchange.parties.profiles import VERSIONS_MAX, ProfileDraft, refuse_profile


class ProfileKept(msgspec.Struct, frozen=True):
    """The version that counts from now on."""

    organisation: str
    version: int


async def put_profile(tx: Tx, actor: Actor, draft: ProfileDraft) -> ProfileKept | Problem:
    """Keep a version; the same content again stays the version that it is. Papers that were issued keep theirs.

    errors   answers profile-invalid
    """
    if problem := refuse_profile(draft):
        return problem
    await profile_store.lock_profile(tx, actor.organisation_id)
    before = await profile_store.profile_of(tx, actor.organisation_id)
    name = ids.text("org", actor.organisation_id)
    if before is not None and before.draft == draft:
        return ProfileKept(name, before.version)
    version = before.version + 1 if before is not None else 1
    if version > VERSIONS_MAX:
        reason = Text(f"there are {VERSIONS_MAX} versions already", f"已有 {VERSIONS_MAX} 个版本")
        return PROFILE_INVALID(field="version", reason=reason)
    await profile_store.insert_profile(tx, actor.organisation_id, version, draft)
    # An address may be a person's: the log has the version, and nothing that could be guessed from a digest.
    await audit.append(tx, [done(actor, "profile.put", f"{name}/{version}")])
    return ProfileKept(name, version)
