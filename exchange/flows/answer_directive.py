"""Who was told of a directive confirms it, or answers it with files; a deadline that passes is noted by the clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec

from compliance import answer_store, directive_store, store
from compliance.answer_store import Answer, Evidence
from compliance.directive_audit import answer_digest
from compliance.directive_store import Notice
from compliance.directives import Directive, fault_of_answer, is_overdue, state_after
from compliance.entries import Entry
from compliance.problems import (
    DIRECTIVE_ANSWER_INVALID,
    DIRECTIVE_ASKS_NOTHING,
    DIRECTIVE_LIFTED,
    TOO_MANY_ANSWERS,
)
from exchange.flows.directive_scope import pages
from exchange.flows.once import done
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import NOT_FOUND, Problem

ANSWERS_MAX = 20
OVERDUE_AT_ONCE = 50


class NoticeReceipt(msgspec.Struct, frozen=True):
    """A notice that was confirmed or answered, and where the directive stands."""

    notice: str
    directive: str
    state: str
    answer: str | None = None
    late: bool = False


async def acknowledge(tx: Tx, actor: Actor, notice_id: UUID) -> NoticeReceipt | Problem:
    """Confirm that the actor's organisation knows of a directive; a second time changes nothing.

    errors   answers NOT_FOUND, DIRECTIVE_LIFTED
    """
    held = await _hold(tx, actor, notice_id)
    if isinstance(held, Problem):
        return held
    notice, directive = held
    if notice.acknowledged_at is not None:
        return _receipt(notice, directive, directive.state)
    await directive_store.note_done(tx, notice, actor.client_id, answered=False)
    state = await _follow(tx, directive)
    await store.append(tx, [done(actor, "directive.acknowledge", directive.name, directive.issued_by)])
    return _receipt(notice, directive, state)


async def answer(
    tx: Tx, actor: Actor, notice_id: UUID, text: Mapping[str, str], files: Sequence[Evidence]
) -> NoticeReceipt | Problem:
    """Answer a directive that asks for something; more may follow, and what comes after the deadline is marked late.

    errors   answers NOT_FOUND, DIRECTIVE_LIFTED, DIRECTIVE_ASKS_NOTHING, DIRECTIVE_ANSWER_INVALID, TOO_MANY_ANSWERS
    """
    held = await _hold(tx, actor, notice_id)
    if isinstance(held, Problem):
        return held
    notice, directive = held
    if notice.duty != "answer":
        return DIRECTIVE_ASKS_NOTHING(kind=directive.kind)
    needs = fault_of_answer(text)
    if needs is not None:
        return DIRECTIVE_ANSWER_INVALID(needs=needs)
    if await answer_store.count_answers(tx, notice_id) >= ANSWERS_MAX:
        return TOO_MANY_ANSWERS(limit=ANSWERS_MAX)
    late = directive.deadline is not None and tx.now > directive.deadline
    given = Answer(tx.new_id(), directive.id, notice_id, actor.organisation_id, text, late, tx.now, tuple(files))
    await answer_store.put_answer(tx, given)
    await directive_store.note_done(tx, notice, actor.client_id, answered=True)
    state = await _follow(tx, directive)
    digests = {"answer": answer_digest(directive, given)}
    await store.append(tx, [done(actor, "directive.answer", directive.name, directive.issued_by, **digests)])
    name = ids.text("dan", given.id)
    return NoticeReceipt(ids.text("dno", notice.id), directive.name, state, name, late=late)


async def expire(tx: Tx) -> int:
    """Note the directives whose deadline has passed while somebody still owes; answers how many.

    A directive that is being answered or lifted at this moment is left to that, and looked at again the next time.
    """
    found = [one for one in await directive_store.overdue(tx, OVERDUE_AT_ONCE) if is_overdue(one, tx.now)]
    entries: list[Entry] = []
    for one in found:
        await directive_store.move_directive(tx, one, "expired")
        owing = await directive_store.notices_of(tx, one.id, owing=True)
        entries += [
            Entry(action="directive.expire", organisation_id=None, object_id=one.name, concerns=part)
            for part in pages([one.issued_by, *owing])
        ]
    await store.append(tx, entries)
    return len(found)


async def _hold(tx: Tx, actor: Actor, notice_id: UUID) -> tuple[Notice, Directive] | Problem:
    """A notice of the actor's, with its directive locked first: who lifts it meanwhile waits, or was quicker."""
    seen = await directive_store.find_notice(tx, notice_id)
    if seen is None or seen.organisation_id != actor.organisation_id:
        return NOT_FOUND()
    directive = await directive_store.lock_directive(tx, seen.directive_id)
    assert directive is not None, "a notice is of a directive"
    if not directive.in_force:
        return DIRECTIVE_LIFTED()
    # Read again under the lock: the same organisation may have answered twice at once.
    notice = await directive_store.find_notice(tx, notice_id)
    assert notice is not None, "notices are never deleted"
    return notice, directive


async def _follow(tx: Tx, directive: Directive) -> str:
    state = state_after(directive, await directive_store.owed(tx, directive.id))
    if state != directive.state:
        await directive_store.move_directive(tx, directive, state)
    return state


def _receipt(notice: Notice, directive: Directive, state: str) -> NoticeReceipt:
    return NoticeReceipt(ids.text("dno", notice.id), directive.name, state)
