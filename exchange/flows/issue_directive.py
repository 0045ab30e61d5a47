"""A regulator orders something about objects of the market, or takes the order back; whom it reaches is told at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec

from compliance import directive_rule_store, directive_store, store
from compliance.directives import BINDING, DUTIES, REGULATOR, Directive, Order, Target, may_issue
from compliance.entries import Entry
from compliance.problems import DIRECTIVE_CATCHES_NOTHING, DIRECTIVE_LIFTED, NOT_A_REGULATOR
from exchange.flows import directive_rules, directive_scope
from exchange.flows.directive_scope import Party
from exchange.kernel.actor import Actor
from exchange.kernel.canonical import digest
from exchange.kernel.db import Tx
from exchange.kernel.errors import NOT_FOUND, Problem

# Directives that are in force are looked at again, so that who begins to trade in their scope is told as well.
AGAIN_AT_ONCE = 20


class DirectiveReceipt(msgspec.Struct, frozen=True):
    """The directive as it stands, how many organisations were told, and how many datasets its rules caught."""

    id: str
    kind: str
    targets: list[str]
    state: str
    told: int
    matched: int = 0


async def issue(tx: Tx, actor: Actor, order: Order) -> DirectiveReceipt | Problem:
    """Issue a directive: it binds every purchase and access that begins after the commit, and everybody it reaches is told.

    errors   answers NOT_A_REGULATOR, DIRECTIVE_INVALID, DIRECTIVE_TARGET_UNKNOWN, DIRECTIVE_CATCHES_NOTHING,
             DIRECTIVE_CATCHES_TOO_MUCH
    """
    refused = may_issue(actor, order, tx.now)
    if refused is not None:
        return refused
    met = await directive_rules.matched(tx, order)
    if isinstance(met, Problem):
        return met
    if not order.targets and not met and order.kind not in BINDING:
        return DIRECTIVE_CATCHES_NOTHING()
    targets = [*order.targets, *(Target("dataset", one) for one in met)]
    owned = await directive_scope.owners(tx, targets)
    if isinstance(owned, Problem):
        return owned
    directive = _directive(tx, actor, order, len(met))
    await directive_store.put_directive(tx, directive)
    if directive.rules:
        await directive_rule_store.put_rules(tx, directive)
        await directive_rule_store.catch(tx, directive.id, met)
    told = await directive_scope.reached(tx, order.kind, owned)
    await _tell(tx, directive, told)
    digests = {
        "reason": directive.words_digest(),
        "targets": digest(sorted(one.name for one in order.targets)),
        "deadline": directive.deadline_digest(),
    }
    if directive.rules:
        digests["rules"] = digest([one.document() for one in directive.rules])
    entries = [_entry(actor, f"directive.{order.kind}", directive, digests)]
    for one in targets:
        entries += [
            _entry(actor, "directive.target", directive, object_id=one.name, version=directive.name, concerns=part)
            for part in directive_scope.pages(directive_scope.concerned(one, told))
        ]
    await store.append(tx, entries)
    return _receipt(directive, "issued", len(told))


def _directive(tx: Tx, actor: Actor, order: Order, matched: int) -> Directive:
    return Directive(
        id=tx.new_id(),
        kind=order.kind,
        targets=order.targets,
        issued_by=actor.organisation_id,
        reason=order.reason,
        state="issued",
        issued_at=tx.now,
        basis=order.basis,
        deadline=order.deadline,
        # Ids that nobody is ever shown: 148 random bits.
        salt=tx.new_id().bytes + tx.new_id().bytes,
        rules=order.rules,
        matched=matched,
    )


async def lift(tx: Tx, actor: Actor, directive_id: UUID) -> DirectiveReceipt | Problem:
    """End a directive; what it forbade is possible again after the commit.

    errors   answers NOT_A_REGULATOR, NOT_FOUND, DIRECTIVE_LIFTED
    """
    if REGULATOR not in actor.roles:
        return NOT_A_REGULATOR()
    directive = await directive_store.lock_directive(tx, directive_id)
    # Whose order it is decides who may take it back; to every other regulator it does not exist.
    if directive is None or directive.issued_by != actor.organisation_id:
        return NOT_FOUND()
    if not directive.in_force:
        return DIRECTIVE_LIFTED()
    await directive_store.move_directive(tx, directive, "lifted", actor.organisation_id)
    told = await directive_store.notices_of(tx, directive_id)
    parts = directive_scope.pages(told)
    await store.append(tx, [_entry(actor, "directive.lift", directive, concerns=part) for part in parts])
    return _receipt(directive, "lifted", len(told))


async def tell_more(tx: Tx, after: UUID | None = None) -> UUID | None:
    """Tell those who have begun to trade in the scope of directives that stand; answers the last directive looked at.

    shapes   None: there is none after `after`
    """
    found = await directive_store.standing(tx, ("freeze", "delist", "preserve"), after, AGAIN_AT_ONCE)
    for one in found:
        # Lifted meanwhile or being lifted: whoever holds the lock decides, and nobody is told of what is over.
        directive = await directive_store.lock_directive(tx, one.id)
        if directive is None or not directive.in_force:
            continue
        owned = await directive_scope.owners(tx, await directive_rule_store.all_targets(tx, directive.id))
        if isinstance(owned, Problem):
            continue
        known = set(await directive_store.notices_of(tx, directive.id))
        reached = await directive_scope.reached(tx, directive.kind, owned)
        new = await _tell(tx, directive, {one: party for one, party in reached.items() if one not in known})
        parts = directive_scope.pages(new) if new else []
        await store.append(tx, [_entry(None, "directive.told", directive, concerns=part) for part in parts])
    return found[-1].id if found else None


async def _tell(tx: Tx, directive: Directive, told: Mapping[UUID, Party]) -> list[UUID]:
    documents = directive_scope.documents(directive, told)
    return await directive_store.tell(
        tx, directive, DUTIES[directive.kind], documents, [tx.new_id() for _ in documents]
    )


def _entry(
    actor: Actor | None,
    action: str,
    directive: Directive,
    digests: Mapping[str, bytes] | None = None,
    *,
    object_id: str | None = None,
    version: str | None = None,
    concerns: Sequence[UUID] = (),
) -> Entry:
    """The words stay in the table; the log holds their salted hash."""
    return Entry(
        action=action,
        organisation_id=None if actor is None else actor.organisation_id,
        client_id=None if actor is None else actor.client_id,
        object_id=object_id or directive.name,
        object_version=version,
        digests=digests or {},
        concerns=tuple(concerns),
    )


def _receipt(directive: Directive, state: str, told: int) -> DirectiveReceipt:
    names = [one.name for one in directive.targets]
    return DirectiveReceipt(directive.name, directive.kind, names, state, told, directive.matched)
