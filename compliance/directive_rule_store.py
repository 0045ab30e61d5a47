"""The rules of directives in the database, and what stands under a directive because it met one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, select

from compliance.directive_rules import PROPERTIES, Rule
from compliance.directive_tables import rule as _rule
from compliance.directive_tables import target as _target
from compliance.directives import Directive, Target
from exchange.kernel.db import Tx
from exchange.kernel.ids import array

# Whoever registers something shares it, whoever issues a directive by rule has it alone: none is missed between the two.
_LOCK = 7290
_ALONE = f"SELECT pg_advisory_xact_lock({_LOCK})"
_TOGETHER = f"SELECT pg_advisory_xact_lock_shared({_LOCK})"
_CATCH = """
INSERT INTO compliance.directive_target (directive_id, position, kind, target_kind, target_id, active, since, basis, rule)
SELECT d.id, $2 + m.n - 1, d.kind, 'dataset', m.dataset, true, $3, d.basis, m.rule
FROM compliance.directive d, unnest($4::text::uuid[], $5::smallint[]) WITH ORDINALITY AS m(dataset, rule, n) WHERE d.id = $1"""
_NEXT = "SELECT coalesce(max(position) + 1, 0) FROM compliance.directive_target WHERE directive_id = $1"


@dataclass(frozen=True, slots=True)
class Standing:
    """A rule of a directive that is in force; `position` is its place among the directive's rules."""

    directive_id: UUID
    position: int
    kind: str
    rule: Rule


async def wait_for_registrations(tx: Tx) -> None:
    """From here to the commit nothing is registered; what was, is there to be matched."""
    await (await tx.driver()).execute(_ALONE)


async def put_rules(tx: Tx, one: Directive) -> None:
    """Write down the rules of a directive."""
    basis = None if one.basis is None else one.basis.document()
    await tx.conn.execute(
        insert(_rule),
        [
            {"directive_id": one.id, "position": n, "kind": one.kind, "active": one.in_force, "basis": basis}
            | {name: getattr(rule, name) for name in PROPERTIES}
            for n, rule in enumerate(one.rules)
        ],
    )


async def lock_rules(tx: Tx, kinds: Sequence[str]) -> list[Standing]:
    """The rules in force of these kinds; none is lifted, issued or used by another until the commit."""
    await (await tx.driver()).execute(_TOGETHER)
    query = select(_rule).where(_rule.c.active, _rule.c.kind.in_(kinds))
    query = query.order_by(_rule.c.directive_id, _rule.c.position).with_for_update()
    rows = (await tx.conn.execute(query)).mappings()
    return [Standing(row["directive_id"], row["position"], row["kind"], _of(row)) for row in rows]


async def catch(tx: Tx, directive_id: UUID, met: Mapping[UUID, int]) -> None:
    """Put datasets under a directive, each with the place of the rule that it meets."""
    if not met:
        return
    driver = await tx.driver()
    first = await driver.fetchval(_NEXT, directive_id)
    await driver.execute(_CATCH, directive_id, first, tx.now, array(list(met)), list(met.values()))


async def all_targets(tx: Tx, directive_id: UUID) -> list[Target]:
    """Everything that stands under a directive: what it names, and what it caught by rule."""
    query = select(_target.c.target_kind, _target.c.target_id).where(_target.c.directive_id == directive_id)
    return [Target(kind, id_) for kind, id_ in await tx.conn.execute(query.order_by(_target.c.position))]


async def rules_of(tx: Tx, directive_ids: Sequence[UUID]) -> dict[UUID, tuple[Rule, ...]]:
    """The rules of those directives that have any. For the app's and the regulator's role."""
    query = select(_rule).where(_rule.c.directive_id.in_(directive_ids))
    found: dict[UUID, tuple[Rule, ...]] = {}
    for row in (await tx.conn.execute(query.order_by(_rule.c.directive_id, _rule.c.position))).mappings():
        found[row["directive_id"]] = (*found.get(row["directive_id"], ()), _of(row))
    return found


async def matched_by(tx: Tx, directive_ids: Sequence[UUID]) -> dict[UUID, int]:
    """How many things stand under each of these directives by rule. For the app's and the regulator's role."""
    if not directive_ids:
        return {}
    query = select(_target.c.directive_id, func.count()).where(_target.c.directive_id.in_(directive_ids))
    query = query.where(_target.c.rule.is_not(None)).group_by(_target.c.directive_id)
    return {row[0]: row[1] for row in await tx.conn.execute(query)}


def _of(row: Any) -> Rule:
    return Rule(**{name: row[name] for name in PROPERTIES})
