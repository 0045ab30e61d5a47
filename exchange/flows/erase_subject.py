"""A person is erased: asked for, then the key destroyed by a job, then what was sealed under it emptied.

The order makes every crash harmless. Until the key is destroyed nothing is lost; from then on nothing can be read; and the log
says that it is complete only after both. Each step may come again.
"""

from __future__ import annotations

from typing import Literal
from uuid import UUID

import msgspec

from compliance import disclosure_store, erasure, sealed_store
from compliance import store as audit
from compliance.entries import Entry
from compliance.erasure import Subject
from exchange.kernel import ids, jobs
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import Problem
from exchange.kernel.jobs import Job
from exchange.parties import store as parties

ACTION = erasure.REQUESTED
JOB = "erase_subject"


class StillDisclosed(Exception):
    """A bundle was made meanwhile that tells of the subject: it has to go first."""


class ErasureReceipt(msgspec.Struct, frozen=True):
    """How far the erasure is: `asked`, and `erased` once nothing of it can be read anywhere."""

    subject: str
    state: Literal["asked", "erased"]


async def request_erasure(
    tx: Tx, actor: Actor | None, subject_id: UUID, *, of_all: bool = False
) -> ErasureReceipt | Problem:
    """Have a person erased: nothing more is sealed from now on, and the job that destroys the key is queued.

    `of_all`: operator and regulator ask as such, for a person of any organisation. No actor is the machine's owner.

    errors   answers NOT_FOUND, held-by-directive
    """
    subject = await sealed_store.lock_subject(tx, subject_id)
    refused = erasure.may_ask(actor, subject, of_all=of_all)
    if refused is not None:
        return refused
    assert subject is not None, "nobody is refused above"
    if subject.state != "kept":
        return ErasureReceipt(subject.name, subject.state)
    on_hold = await _held(tx, subject)
    if on_hold is not None:
        return on_hold
    await sealed_store.ask(tx, subject.id, None if actor is None else actor.organisation_id)
    await jobs.put(tx, _job(subject, "asked"))
    await audit.append(tx, [_entry(subject, erasure.REQUESTED, actor)])
    return ErasureReceipt(subject.name, "asked")


async def may_destroy(tx: Tx, subject_id: UUID) -> bool:
    """Whether the key of a subject may be destroyed now: asked for, and no legal hold has come since.

    A hold that came since is on record once, and the erasure waits for its end.
    """
    subject = await sealed_store.lock_subject(tx, subject_id)
    if subject is None or subject.state == "kept":
        return False
    on_hold = await _held(tx, subject) if subject.state == "asked" else None
    if on_hold is not None and not await audit.objects_logged(tx, erasure.HELD, [subject.name]):
        await audit.append(tx, [_entry(subject, erasure.HELD, problem=on_hold.slug)])
    return on_hold is None


async def complete_erasure(tx: Tx, subject_id: UUID, *, replayed: bool = False) -> bool:
    """Empty what was sealed of a subject whose key is destroyed, and say so in the log; False where nothing was left to do.

    `replayed`: an old copy of the database came back, in which the erasure had not happened yet.

    errors   StillDisclosed
    """
    subject = await sealed_store.lock_subject(tx, subject_id)
    if subject is None or subject.state == "erased":
        return False
    if subject.state == "kept":
        await sealed_store.ask(tx, subject.id, None)
    if replayed:
        await disclosure_store.withdraw(tx, subject.id)
    elif await disclosure_store.still_told(tx, subject.id):
        raise StillDisclosed(subject.name)
    await parties.erase_person(tx, subject.id)
    await sealed_store.erase(tx, subject.id)
    await audit.append(tx, [_entry(subject, erasure.REPLAYED if replayed else erasure.COMPLETED)])
    return True


async def queue_erasures(tx: Tx) -> int:
    """Queue the erasures that are asked for and not complete, as after a hold was lifted or a job was given up."""
    # By ten minutes: a job that waited for a hold has ended, and comes again.
    part = tx.now.strftime("%Y%m%d%H%M")[:-1]
    waiting = await sealed_store.under_way(tx)
    wanted = []
    for subject_id in waiting:
        subject = await sealed_store.find_subject(tx, subject_id)
        assert subject is not None, "it was just listed"
        wanted.append(_job(subject, part))
    await jobs.put(tx, *wanted)
    return len(wanted)


async def _held(tx: Tx, subject: Subject) -> Problem | None:
    holding = await audit.preserved(tx, [subject.id, subject.organisation_id])
    return erasure.held(subject, holding)


def _job(subject: Subject, part: str) -> Job:
    return Job(JOB, f"{subject.name}:{part}", {"subject": subject.name})


def subject_of(payload: dict[str, str]) -> UUID:
    """The subject that a job is about."""
    return ids.parse("mem", payload["subject"])


def _entry(subject: Subject, action: str, actor: Actor | None = None, problem: str | None = None) -> Entry:
    return Entry(
        action=action,
        organisation_id=None if actor is None else actor.organisation_id,
        client_id=None if actor is None else actor.client_id,
        object_id=subject.name,
        concerns=(subject.organisation_id,),
        outcome="done" if problem is None else "refused",
        problem=problem,
    )
