"""Profiles in the database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.parties.profiles import Profile, ProfileDraft

_COLUMNS = """p.organisation_id, p.version, p.legal_name, p.address, p.city, p.postcode, p.subdivision, p.country, p.language,
       p.created_at, coalesce((SELECT jsonb_object_agg(i.scheme, i.value) FROM parties.identifier i
                               WHERE i.organisation_id = p.organisation_id), '{}')"""
_NEWEST = f"""
SELECT DISTINCT ON (p.organisation_id) {_COLUMNS} FROM parties.profile p WHERE p.organisation_id = ANY($1::uuid[])
ORDER BY p.organisation_id, p.version DESC"""
_PUT = """
INSERT INTO parties.profile (organisation_id, version, legal_name, address, city, postcode, subdivision, country, language, created_at)
SELECT o.id, $2, $3::text::jsonb, $4::text[], $5, $6, $7, o.country, $8, $9 FROM parties.organisation o WHERE o.id = $1"""

_OPERATOR = """
SELECT id FROM parties.organisation WHERE 'operator' = ANY(roles) AND state = 'verified' ORDER BY id LIMIT 1"""


async def operator_of(tx: Tx) -> UUID | None:
    """The organisation that runs the exchange: the first that was verified as its operator."""
    found: UUID | None = await (await tx.driver()).fetchval(_OPERATOR)
    return found


async def profiles_of(tx: Tx, organisation_ids: Sequence[UUID]) -> dict[UUID, Profile]:
    """The newest profiles of many organisations; those without one are missing."""
    rows = await (await tx.driver()).fetch(_NEWEST, list(organisation_ids))
    return {row[0]: _profile(row) for row in rows}


async def profile_of(tx: Tx, organisation_id: UUID) -> Profile | None:
    """The newest profile of an organisation."""
    return (await profiles_of(tx, [organisation_id])).get(organisation_id)


async def own_profile(tx: Tx, actor: Actor) -> Profile | None:
    """The newest profile of the actor's own organisation."""
    return await profile_of(tx, actor.organisation_id)


async def lock_profile(tx: Tx, organisation_id: UUID) -> None:
    """Hold the organisation, so that two versions get two numbers."""
    await (await tx.driver()).execute(
        "SELECT FROM parties.organisation WHERE id = $1 FOR NO KEY UPDATE", organisation_id
    )


async def insert_profile(tx: Tx, organisation_id: UUID, version: int, draft: ProfileDraft) -> None:
    """Write a version; its country is the organisation's."""
    name = msgspec.json.encode(draft.legal_name).decode()
    where = (list(draft.address), draft.city, draft.postcode, draft.subdivision)
    await (await tx.driver()).execute(_PUT, organisation_id, version, name, *where, draft.language, tx.now)


def _profile(row: Any) -> Profile:
    name, ids = row[2], row[10]
    decode = msgspec.json.decode
    return Profile(
        organisation_id=row[0],
        version=row[1],
        legal_name=decode(name) if isinstance(name, str) else name,
        address=tuple(row[3]),
        city=row[4],
        postcode=row[5],
        subdivision=row[6],
        country=row[7],
        language=row[8],
        created_at=row[9],
        tax_ids=decode(ids) if isinstance(ids, str) else ids,
    )
