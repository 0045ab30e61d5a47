"""What the audit of directives reads: every row of them."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from compliance import answer_store, directive_store
from compliance.directive_audit import NoticeRow, Stored, TargetRow
from exchange.kernel.db import Tx

_TARGETS = """
SELECT directive_id, kind, target_kind, target_id, active FROM compliance.directive_target
WHERE directive_id = ANY ($1::uuid[]) ORDER BY directive_id, position"""
_NOTICES = """
SELECT directive_id, organisation_id, kind, acknowledged_at IS NOT NULL, answered_at IS NOT NULL, lifted_at IS NOT NULL
FROM compliance.directive_notice WHERE directive_id = ANY ($1::uuid[]) ORDER BY directive_id, organisation_id"""


_RULES = """
SELECT directive_id, active FROM compliance.directive_rule WHERE directive_id = ANY ($1::uuid[])
ORDER BY directive_id, position"""


async def stored(tx: Tx, before: UUID | None, limit: int) -> list[Stored]:
    """Directives with all their rows, newest first."""
    found = await directive_store.directives(tx, before=before, limit=limit)
    wanted, driver = [one.id for one in found], await tx.driver()
    targets: dict[UUID, list[TargetRow]] = {one: [] for one in wanted}
    for row in await driver.fetch(_TARGETS, wanted):
        targets[row[0]].append(TargetRow(*row[1:]))
    notices: dict[UUID, list[NoticeRow]] = {one: [] for one in wanted}
    for row in await driver.fetch(_NOTICES, wanted):
        notices[row[0]].append(NoticeRow(*row[1:]))
    answers = await answer_store.answers_of(tx, wanted)
    rules: dict[UUID, list[bool]] = {one: [] for one in wanted}
    for row in await driver.fetch(_RULES, wanted):
        rules[row[0]].append(row[1])
    return [Stored(one, targets[one.id], notices[one.id], answers[one.id], rules[one.id]) for one in found]


async def unknown(tx: Tx, directive_ids: Sequence[UUID]) -> list[UUID]:
    """Those of these that there is no directive of."""
    asked = "SELECT a FROM unnest($1::uuid[]) AS a WHERE NOT EXISTS (SELECT FROM compliance.directive d WHERE d.id = a)"
    return [row[0] for row in await (await tx.driver()).fetch(asked, list(directive_ids))]
