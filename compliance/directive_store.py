"""Directives in the database, whom they were told to and what was answered; what they stop is asked of `store`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, insert, select, update

from compliance.directive_rule_store import matched_by, rules_of
from compliance.directive_rules import Rule
from compliance.directive_tables import deferral as _deferral
from compliance.directive_tables import directive as _directive
from compliance.directive_tables import notice as _notice
from compliance.directive_tables import rule as _rule
from compliance.directive_tables import target as _target
from compliance.directives import MOVES, Basis, Directive, Owed, State, Target
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.ids import array
from exchange.kernel.pages import Page, PageRequest, page_of
from exchange.kernel.store import mine

_TELL = """
INSERT INTO compliance.directive_notice (id, directive_id, organisation_id, kind, duty, document, created_at)
SELECT n.id, $1, n.organisation, $2, $3, n.document, $4
FROM unnest($5::text::uuid[], $6::text::uuid[], $7::bytea[]) AS n(id, organisation, document)
ON CONFLICT (directive_id, organisation_id) DO NOTHING RETURNING organisation_id"""
_DEFER = """
INSERT INTO compliance.directive_deferral (directive_id, place, at) SELECT d, $2, $3 FROM unnest($1::uuid[]) AS d
ON CONFLICT DO NOTHING RETURNING directive_id"""
_TIMES: Mapping[State, str] = {
    "acknowledged": "acknowledged_at",
    "answered": "answered_at",
    "expired": "expired_at",
    "lifted": "lifted_at",
}
_WAITING = ("issued", "acknowledged")


@dataclass(frozen=True, slots=True)
class Notice:
    """What one organisation was told of a directive, and what it did; `document` is canonical JSON."""

    id: UUID
    directive_id: UUID
    organisation_id: UUID
    kind: str
    duty: str
    document: bytes
    created_at: datetime
    acknowledged_at: datetime | None = None
    acknowledged_by: UUID | None = None
    answered_at: datetime | None = None
    lifted_at: datetime | None = None


async def put_directive(tx: Tx, one: Directive) -> None:
    """Write a directive down with its targets; what it forbids is forbidden from the commit on."""
    row = {column.name: getattr(one, column.name) for column in _directive.c}
    basis = None if one.basis is None else one.basis.document()
    await tx.conn.execute(insert(_directive).values({**row, "reason": dict(one.reason), "basis": basis}))
    if not one.targets:
        return
    await tx.conn.execute(
        insert(_target),
        [
            {
                "directive_id": one.id,
                "position": n,
                "kind": one.kind,
                "target_kind": about.kind,
                "target_id": about.id,
                "active": one.in_force,
                "since": one.issued_at,
                "basis": basis,
            }
            for n, about in enumerate(one.targets)
        ],
    )


async def lock_directive(tx: Tx, directive_id: UUID) -> Directive | None:
    """A directive for a change: whoever else would change it waits."""
    found = await _read(tx, select(_directive).where(_directive.c.id == directive_id).with_for_update())
    return found[0] if found else None


async def move_directive(tx: Tx, one: Directive, state: State, lifted_by: UUID | None = None) -> None:
    """Move a locked directive; once it is lifted, nothing is forbidden by it any more.

    errors   ValueError for a move that the table of moves has not
    """
    if state not in MOVES[one.state]:
        raise ValueError(f"a directive does not go from {one.state} to {state}")
    values: dict[str, Any] = {"state": state, _TIMES[state]: tx.now}
    if state == "lifted":
        values["lifted_by"] = lifted_by
    await tx.conn.execute(update(_directive).where(_directive.c.id == one.id).values(values))
    if state == "lifted":
        # The rules first: whoever lets something join under them has locked them, and what joined before is seen after.
        await tx.conn.execute(update(_rule).where(_rule.c.directive_id == one.id).values(active=False))
        await tx.conn.execute(update(_target).where(_target.c.directive_id == one.id).values(active=False))
        await tx.conn.execute(update(_notice).where(_notice.c.directive_id == one.id).values(lifted_at=tx.now))


async def find_directive(tx: Tx, directive_id: UUID) -> Directive | None:
    """A directive by id. For the app's and the regulator's role."""
    found = await _read(tx, select(_directive).where(_directive.c.id == directive_id))
    return found[0] if found else None


async def directives(
    tx: Tx, *, active_only: bool = False, before: UUID | None = None, limit: int = 50
) -> list[Directive]:
    """Directives, newest first. For the app's and the regulator's role."""
    query = select(_directive).order_by(_directive.c.id.desc()).limit(limit)
    if active_only:
        query = query.where(_directive.c.state != "lifted")
    if before is not None:
        query = query.where(_directive.c.id < before)
    return await _read(tx, query)


async def overdue(tx: Tx, limit: int = 50) -> list[Directive]:
    """Directives whose deadline has passed and which wait for somebody, locked; those that another holds are left out."""
    due = select(_directive).where(_directive.c.state.in_(_WAITING), _directive.c.deadline <= tx.now)
    return await _read(tx, due.order_by(_directive.c.deadline).limit(limit).with_for_update(skip_locked=True))


async def standing(tx: Tx, kinds: Sequence[str], after: UUID | None, limit: int) -> list[Directive]:
    """Directives of some kinds that are in force, oldest first, from after `after` on."""
    query = select(_directive).where(_directive.c.state != "lifted", _directive.c.kind.in_(kinds))
    if after is not None:
        query = query.where(_directive.c.id > after)
    return await _read(tx, query.order_by(_directive.c.id).limit(limit))


async def tell(tx: Tx, one: Directive, duty: str, documents: Mapping[UUID, bytes], made: Sequence[UUID]) -> list[UUID]:
    """Tell organisations of a directive, each once; answers those that are told now.

    shapes   `made`: a fresh id for each of `documents`
    """
    if not documents:
        return []
    columns = array(made), array(list(documents)), list(documents.values())
    rows = await (await tx.driver()).fetch(_TELL, one.id, one.kind, duty, tx.now, *columns)
    return [row[0] for row in rows]


async def notices_of(tx: Tx, directive_id: UUID, *, owing: bool = False) -> list[UUID]:
    """The organisations that were told of a directive; with `owing`, those that still owe what it asks for."""
    query = select(_notice.c.organisation_id).where(_notice.c.directive_id == directive_id).order_by(_notice.c.id)
    if owing:
        query = query.where(
            ((_notice.c.duty == "confirm") & _notice.c.acknowledged_at.is_(None))
            | ((_notice.c.duty == "answer") & _notice.c.answered_at.is_(None))
        )
    return [row[0] for row in await tx.conn.execute(query)]


async def told_of(tx: Tx, directive_id: UUID, page: PageRequest) -> Page[Notice]:
    """Whom a directive was told to, in the order of telling. For the app's and the regulator's role.

    errors   BadCursor
    """
    query = select(*_notice.c).where(_notice.c.directive_id == directive_id).order_by(_notice.c.id)
    if page.after is not None:
        query = query.where(_notice.c.id > UUID(page.after[0]))
    rows = (await tx.conn.execute(query.limit(page.limit + 1))).mappings()
    return page_of([Notice(**row) for row in rows], page, lambda found: (str(found.id),))


async def owed(tx: Tx, directive_id: UUID) -> Owed:
    """How many were told of a directive, and how many have confirmed and answered."""
    query = select(func.count(), func.count(_notice.c.acknowledged_at), func.count(_notice.c.answered_at))
    return Owed(*(await tx.conn.execute(query.where(_notice.c.directive_id == directive_id))).one())


async def find_notice(tx: Tx, notice_id: UUID) -> Notice | None:
    """A notice by id. For the app's role."""
    row = (await tx.conn.execute(select(_notice).where(_notice.c.id == notice_id))).mappings().one_or_none()
    return None if row is None else Notice(**row)


async def note_done(tx: Tx, one: Notice, client_id: UUID, *, answered: bool) -> None:
    """Note that an organisation has read a notice, or has answered it; the first time counts."""
    values: dict[str, Any] = {}
    if one.acknowledged_at is None:
        values |= {"acknowledged_at": tx.now, "acknowledged_by": client_id}
    if answered and one.answered_at is None:
        values["answered_at"] = tx.now
    if values:
        await tx.conn.execute(update(_notice).where(_notice.c.id == one.id).values(values))


async def my_notices(tx: Tx, actor: Actor, page: PageRequest) -> Page[Notice]:
    """What the actor's organisation was told of directives, newest first.

    errors   BadCursor
    """
    query = select(*_notice.c).where(mine(_notice.c.organisation_id, actor)).order_by(_notice.c.id.desc())
    if page.after is not None:
        query = query.where(_notice.c.id < UUID(page.after[0]))
    rows = (await tx.conn.execute(query.limit(page.limit + 1))).mappings()
    return page_of([Notice(**row) for row in rows], page, lambda found: (str(found.id),))


async def my_notice(tx: Tx, actor: Actor, notice_id: UUID) -> Notice | None:
    """One notice of the actor's organisation."""
    query = select(_notice).where(_notice.c.id == notice_id, mine(_notice.c.organisation_id, actor))
    row = (await tx.conn.execute(query)).mappings().one_or_none()
    return None if row is None else Notice(**row)


async def note_deferred(tx: Tx, directive_ids: Iterable[UUID], place: str) -> list[UUID]:
    """Note that these directives keep `place` from erasing; answers those of which it was not known."""
    rows = await (await tx.driver()).fetch(_DEFER, sorted(set(directive_ids)), place, tx.now)
    return [row[0] for row in rows]


async def deferred_by(tx: Tx, directive_id: UUID) -> list[str]:
    """What a directive has kept from being erased. For the app's and the regulator's role."""
    query = select(_deferral.c.place).where(_deferral.c.directive_id == directive_id).order_by(_deferral.c.place)
    return [row[0] for row in await tx.conn.execute(query)]


async def _read(tx: Tx, query: Select[Any]) -> list[Directive]:
    rows = (await tx.conn.execute(query)).mappings().all()
    if not rows:
        return []
    about: dict[UUID, list[Target]] = {row["id"]: [] for row in rows}
    targets = select(_target.c.directive_id, _target.c.target_kind, _target.c.target_id)
    targets = targets.where(_target.c.directive_id.in_(list(about)), _target.c.rule.is_(None)).order_by(
        _target.c.directive_id, _target.c.position
    )
    for directive_id, kind, target_id in await tx.conn.execute(targets):
        about[directive_id].append(Target(kind, target_id))
    ruled = await rules_of(tx, list(about))
    matched = await matched_by(tx, list(ruled))
    return [_of(row, tuple(about[row["id"]]), ruled.get(row["id"], ()), matched.get(row["id"], 0)) for row in rows]


def _of(row: Any, targets: tuple[Target, ...], rules: tuple[Rule, ...], matched: int) -> Directive:
    basis = row["basis"]
    read = {**row, "targets": targets, "basis": None if basis is None else Basis(**basis)}
    return Directive(**read, rules=rules, matched=matched)
