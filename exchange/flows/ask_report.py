"""A regulator asks for a report: pinned to a checkpoint, made in the background, itself in the log; or reads it page by page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import BinaryIO, Literal
from uuid import UUID

import msgspec

from compliance import notes, report_store, store, tree_store
from compliance.directives import REGULATOR
from compliance.entries import Entry, moment
from compliance.notes import Checkpoint, Ed25519Signer
from compliance.problems import NO_CHECKPOINT, NOT_A_REGULATOR
from compliance.report_problems import REPORT_PERIOD
from compliance.report_store import Report
from compliance.reports import cross_border, processing
from compliance.reports.kinds import KINDS
from compliance.reports.shape import Row
from compliance.reports.writing import HeadFacts, Written, write_report
from exchange.flows.once import done
from exchange.flows.report_rows import Asked, Missing, page, rows_of
from exchange.kernel import ids, jobs
from exchange.kernel.actor import Actor
from exchange.kernel.canonical import digest
from exchange.kernel.db import Database, Tx
from exchange.kernel.errors import NOT_FOUND, Problem
from exchange.kernel.jobs import Job
from exchange.kernel.text import Text

JOB = "make_report"
_YEARS = range(2000, 2200)


class ReportReceipt(msgspec.Struct, frozen=True):
    """What a requester gets at once; the rest is asked for by id."""

    id: str
    report: str
    state: Literal["requested"]
    checkpoint_size: int


@dataclass(frozen=True, slots=True)
class ReportWish:
    """Which report over which time: a calendar year, or [since, until), either of them open; of an older checkpoint if named."""

    kind: str
    since: datetime | None = None
    until: datetime | None = None
    year: int | None = None
    size: int | None = None

    def period(self) -> tuple[datetime | None, datetime | None]:
        """The half-open period in UTC."""
        if self.year is not None:
            return cross_border.year_of(self.year)
        since, until = self.since, self.until
        return since and since.astimezone(UTC), until and until.astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Pinned:
    """The checkpoint that a report stands on, and when it was signed."""

    note: bytes
    checkpoint: Checkpoint
    signed_at: datetime


async def ask_report(tx: Tx, actor: Actor, wish: ReportWish) -> ReportReceipt | Problem:
    """Ask for a report over the log as it is now, or as it was at an older checkpoint.

    errors   answers NOT_A_REGULATOR, NO_CHECKPOINT, REPORT_PERIOD
    """
    pinned = await _pin(tx, actor, wish)
    if isinstance(pinned, Problem):
        return pinned
    since, until = (None, None) if wish.year is not None else wish.period()
    size = pinned.checkpoint.size
    one = Report(tx.new_id(), actor.organisation_id, wish.kind, since, until, wish.year, size)
    name = ids.text("rpt", one.id)
    await report_store.put_report(tx, one)
    await store.append(tx, [done(actor, "report.request", name, scope=digest(_scope(one)))])
    await jobs.put(tx, Job(JOB, name, {"report": name}, organisation_id=actor.organisation_id))
    return ReportReceipt(name, wish.kind, "requested", size)


async def read_page(
    tx: Tx, actor: Actor, wish: ReportWish, after: int | None, limit: int
) -> tuple[list[tuple[int, list[Row]]], Checkpoint] | Problem:
    """The next rows of a report that follows the log, by the leaf each stands on; that they were read is in the log.

    errors   answers NOT_A_REGULATOR, NO_CHECKPOINT, REPORT_PERIOD
    """
    pinned = await _pin(tx, actor, wish)
    if isinstance(pinned, Problem):
        return pinned
    asked = await _asked(tx, wish, pinned)
    if after is not None:
        asked = asked._replace(span=asked.span._replace(first=max(asked.span.first, after + 1)))
    rows = await page(tx, asked, limit)
    scope = {"kind": wish.kind, "size": pinned.checkpoint.size, "first": asked.span.first, "end": asked.span.end}
    await store.append(tx, [done(actor, "report.read", f"report/{wish.kind}", scope=digest(scope))])
    return rows, pinned.checkpoint


async def make_report(
    db: Database,
    report_id: UUID,
    signer: Ed25519Signer,
    out: BinaryIO,
    missing: Missing,
    vkeys: tuple[str, ...] = (),
) -> Written | Problem:
    """Write the report into `out`: many short transactions, memory that stays flat. `out` is a seekable file.

    errors   answers NOT_FOUND; asserts that the signer is this log's
    """

    async def facts(tx: Tx) -> tuple[HeadFacts, Asked] | Problem:
        one = await report_store.find_report(tx, report_id)
        if one is None:
            return NOT_FOUND()
        wish = ReportWish(one.kind, one.since, one.until, one.year, one.size)
        pinned = await _pinned(tx, one.size)
        assert pinned is not None, "a report is asked for at a checkpoint's size"
        assert pinned.checkpoint.origin == signer.name, "the signer is of another log"
        asked = await _asked(tx, wish, pinned)
        record = await report_store.processing(tx, asked.by) if one.kind == "processing" else None
        since, until = wish.period()
        head = HeadFacts(
            kind=KINDS[one.kind],
            since=moment(since) if since else None,
            until=moment(until) if until else None,
            year=one.year,
            checkpoint=pinned.checkpoint,
            note=pinned.note,
            rule_sets=(cross_border.table().id,) if one.kind in ("cross-border", "risk", "transfers") else (),
            more=dict(processing.controllers(record.document)) if record else {},
        )
        return head, asked

    found = await db.run(facts)
    if isinstance(found, Problem):
        return found
    head, asked = found
    return await write_report(rows_of(db, asked, missing), head, signer, out, vkeys)


async def finish_report(tx: Tx, report_id: UUID, written: Written) -> bool:
    """Record the finished file; False if that is known already."""
    one = await report_store.find_report(tx, report_id)
    ended = {
        "state": "done",
        "row_count": written.rows,
        "finding_count": written.findings,
        "sha256": written.sha256,
        "size_bytes": written.size_bytes,
    }
    if one is None or not await report_store.end_report(tx, report_id, **ended):
        return False
    name = ids.text("rpt", report_id)
    digests = {"report": written.sha256, "scope": digest(_scope(one))}
    await store.append(
        tx, [Entry(action="report.done", organisation_id=one.requested_by, object_id=name, digests=digests)]
    )
    return True


async def record_download(tx: Tx, actor: Actor, report_id: UUID, sha256: bytes) -> None:
    """Write down that a finished report was handed over."""
    await store.append(tx, [done(actor, "report.download", ids.text("rpt", report_id), report=sha256)])


async def _pin(tx: Tx, actor: Actor, wish: ReportWish) -> Pinned | Problem:
    if REGULATOR not in actor.roles:
        return NOT_A_REGULATOR()
    if problem := _refuse(wish):
        return problem
    if wish.size is None and await tree_store.checkpoint(tx) is None:
        return NO_CHECKPOINT()
    pinned = await _pinned(tx, wish.size)
    if pinned is None:
        return REPORT_PERIOD(
            reason=Text(f"no checkpoint of {wish.size} entries was signed", f"没有条数为 {wish.size} 的检查点")
        )
    return pinned


def _refuse(wish: ReportWish) -> Problem | None:
    if wish.year is not None:
        if wish.since is not None or wish.until is not None:
            return REPORT_PERIOD(reason=Text("a year has its own beginning and end", "年度自有起止时间"))
        return None if wish.year in _YEARS else REPORT_PERIOD(reason=Text("no such year", "年度无效"))
    if wish.kind == "cross-border":
        return REPORT_PERIOD(
            reason=Text("persons abroad are counted by the calendar year", "个人信息出境人数按自然年统计")
        )
    if any(one is not None and one.year not in _YEARS for one in (wish.since, wish.until)):
        return REPORT_PERIOD(reason=Text("the log has no such times", "日志中没有该时间"))
    if wish.since is not None and wish.until is not None and wish.since >= wish.until:
        return REPORT_PERIOD(reason=Text("the period ends before it begins", "期间的结束早于开始"))
    return None


async def _pinned(tx: Tx, size: int | None) -> Pinned | None:
    note = await tree_store.checkpoint(tx, size=size)
    if note is None:
        return None
    checkpoint = notes.parse_checkpoint(notes.parse_note(note).text)
    signed_at = await report_store.signed_at(tx, checkpoint.size)
    assert signed_at is not None, "a checkpoint has its time"
    return Pinned(note, checkpoint, signed_at)


async def _asked(tx: Tx, wish: ReportWish, pinned: Pinned) -> Asked:
    span = await report_store.span_of(tx, pinned.checkpoint.size, *wish.period())
    return Asked(wish.kind, span, pinned.signed_at, wish.year)


def _scope(one: Report) -> dict[str, object]:
    return {
        "kind": one.kind,
        "since": one.since and moment(one.since.astimezone(UTC)),
        "until": one.until and moment(one.until.astimezone(UTC)),
        "year": one.year,
        "size": one.size,
    }
