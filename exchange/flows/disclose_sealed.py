"""Sealed records opened for a regulator's export: on which ground, which of them, and how an erasure reaches them afterwards."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from uuid import UUID

import msgspec

from compliance import directive_store, export_store
from compliance.disclosures import Ground, line, may_disclose, orders
from compliance.entries import Entry
from compliance.export_store import Export
from compliance.exports.bundle import BundleFacts
from compliance.problems import DISCLOSURE_DIRECTIVE
from exchange.flows.open_sealed import opened_with_subjects
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Database, Tx
from exchange.kernel.errors import Problem
from exchange.kernel.subjects import Vault

# Places of the log that are looked at in one go.
_SLICE = 2_048


class _Named(msgspec.Struct, frozen=True):
    id: str


async def permitted(tx: Tx, actor: Actor, ground: Ground) -> Problem | None:
    """Why this actor is shown nothing sealed on this ground, or None.

    errors   answers NOT_A_REGULATOR, DISCLOSURE_INVALID, DISCLOSURE_DIRECTIVE
    """
    refused = may_disclose(actor, ground)
    if refused is not None or ground.directive is None:
        return refused
    try:
        directive_id = ids.parse("dir", ground.directive)
    except ids.BadId:
        return orders(actor, None, ground.directive)
    return orders(actor, await directive_store.find_directive(tx, directive_id), ground.directive)


async def lapsed_ground(tx: Tx, export: Export) -> Problem | None:
    """Why nothing sealed is opened for an export any more that it was granted to, or None: its directive was lifted since.

    errors   answers DISCLOSURE_DIRECTIVE
    """
    directive = None if export.disclosure is None else Ground(**export.disclosure).directive
    if directive is None:
        return None
    found = await directive_store.find_directive(tx, ids.parse("dir", directive))
    return None if found is not None and found.in_force else DISCLOSURE_DIRECTIVE(directive=directive)


async def opened_lines(
    db: Database, vault: Vault, export: Export, facts: BundleFacts
) -> AsyncIterator[tuple[bytes, list[UUID]]]:
    """The opened records of an export in order, as lines, with the subject of each; what is erased is absent."""
    scope = facts.scope
    assert scope.to_index is not None, "an export runs over a pinned scope"
    for first in range(scope.from_index, scope.to_index, _SLICE):
        end = min(first + _SLICE, scope.to_index)
        read = partial(export_store.scoped, scope=scope, closure=export.closure, first=first, end=end, sealed=True)
        at = {ids.parse("aud", msgspec.json.decode(said, type=_Named).id): index for index, said in await db.run(read)}
        found = await opened_with_subjects(db, vault, list(at))
        lines = [
            (at[entry_id], record.subject, line(at[entry_id], entry_id, record), subject)
            for entry_id, records in found.items()
            for subject, record in records
        ]
        lines.sort()
        if lines:
            yield b"".join(one[2] for one in lines), [one[3] for one in lines]


def disclosed_entry(export: Export, facts: BundleFacts) -> Entry:
    """What the log says of a disclosure: for whom, on which ground, how many records of how many subjects; and of nobody."""
    said, ground = facts.disclosed, export.disclosure
    assert said is not None, "nothing is disclosed without a basis"
    assert ground is not None
    return Entry(
        action="export.disclose",
        organisation_id=export.requested_by,
        object_id=ids.text("exp", export.id),
        object_version=f"records:{said.records}/subjects:{said.subjects}",
        rule_set=Ground(**ground).rule,
        digests={"disclosed": said.sha256},
    )
