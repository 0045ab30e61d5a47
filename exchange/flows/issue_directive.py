"""A regulator orders something about one object, or takes the order back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast
from uuid import UUID

import msgspec

from compliance import directive_store, store
from compliance.directives import REGULATOR, TARGETS, Directive, Kind, may_issue
from compliance.entries import Entry
from compliance.problems import DIRECTIVE_LIFTED, NOT_A_REGULATOR
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.canonical import digest
from exchange.kernel.db import Tx
from exchange.kernel.errors import NOT_FOUND, Problem


class DirectiveReceipt(msgspec.Struct, frozen=True):
    """The directive as it stands."""

    id: str
    kind: str
    target: str
    state: str


async def issue(
    tx: Tx, actor: Actor, kind: str, target_kind: str, target_id: UUID, reason: Mapping[str, str]
) -> DirectiveReceipt | Problem:
    """Issue a directive: it binds every purchase and access that begins after the commit.

    The target's existence is not asked for: an order may come before the object does.

    errors   answers NOT_A_REGULATOR, DIRECTIVE_INVALID
    """
    refused = may_issue(actor, kind, target_kind, reason)
    if refused is not None:
        return refused
    directive = Directive(
        id=tx.new_id(),
        kind=cast(Kind, kind),
        target_kind=target_kind,
        target_id=target_id,
        issued_by=actor.organisation_id,
        reason=reason,
        state="active",
        issued_at=tx.now,
    )
    await directive_store.put_directive(tx, directive)
    await store.append(tx, [_entry(actor, f"directive.{kind}", directive)])
    return _receipt(directive, "active")


async def lift(tx: Tx, actor: Actor, directive_id: UUID) -> DirectiveReceipt | Problem:
    """End a directive; what it forbade is possible again after the commit.

    errors   answers NOT_A_REGULATOR, NOT_FOUND, DIRECTIVE_LIFTED
    """
    if REGULATOR not in actor.roles:
        return NOT_A_REGULATOR()
    directive = await directive_store.find_directive(tx, directive_id)
    # Whose order it is decides who may take it back; to every other regulator it does not exist.
    if directive is None or directive.issued_by != actor.organisation_id:
        return NOT_FOUND()
    if not await directive_store.lift_directive(tx, directive_id, actor.organisation_id):
        return DIRECTIVE_LIFTED()
    await store.append(tx, [_entry(actor, "directive.lift", directive)])
    return _receipt(directive, "lifted")


def _entry(actor: Actor, action: str, directive: Directive) -> Entry:
    """The reason's words stay in the table; the log holds their hash."""
    return Entry(
        action=action,
        organisation_id=actor.organisation_id,
        client_id=actor.client_id,
        object_id=ids.text("dir", directive.id),
        object_version=_target(directive),
        digests={"reason": digest(dict(directive.reason))},
    )


def _receipt(directive: Directive, state: str) -> DirectiveReceipt:
    return DirectiveReceipt(ids.text("dir", directive.id), directive.kind, _target(directive), state)


def _target(directive: Directive) -> str:
    return ids.text(TARGETS[directive.target_kind], directive.target_id)
