"""Take in usage that a data holder reports: fast now, proven when its day is sealed.

The body is read and encoded before the transaction opens (`exchange.access.usage`). Good events go in, bad ones are told
by their index. The same batch again gets the same answer; another body under the same id is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import msgspec

from compliance import store as compliance
from compliance.entries import Entry
from exchange.access.problems import USAGE_BATCH_CONFLICT
from exchange.access.settings import AccessSettings
from exchange.access.store import seal, usage
from exchange.access.store.usage import Claim, Source
from exchange.access.usage import Events, GrantCache, Judged, Refusal, columns, copy_rows, judge
from exchange.kernel import ids
from exchange.kernel.db import Tx
from exchange.kernel.errors import Problem


@dataclass(frozen=True, slots=True)
class Report:
    """One batch of events from one source; `key` is the source's own id of the batch."""

    source: Source
    key: str
    sha256: bytes
    events: Events


@dataclass(frozen=True, slots=True)
class Ingested:
    """The answer to a batch, as JSON bytes; `replayed` where it had been taken in before."""

    answer: bytes
    replayed: bool


async def ingest_usage(
    tx: Tx, reports: Sequence[Report], *, known: GrantCache, settings: AccessSettings
) -> list[Ingested | Problem]:
    """Append the good events of each report, or say what it was answered before.

    errors   answers USAGE_BATCH_CONFLICT
    """
    # load
    missing = known.missing({subject for report in reports for subject in report.events.subjects})
    if missing:
        known.learn(await usage.grant_facts(tx, missing))
    # decide
    judged = [judge(one.events, one.source.organisation_id, known, tx.now, settings) for one in reports]
    claims = [_claim(tx, report, verdict) for report, verdict in zip(reports, judged, strict=True)]
    # claim: of twins in one batch the first stands, as if they came one by one
    firsts: dict[tuple[int, str], Claim] = {}
    for claim in claims:
        firsts.setdefault((claim.source.id, claim.key), claim)
    new = await usage.claim(tx, list(firsts.values()))
    old = [key for key, claim in firsts.items() if claim.id not in new]
    answered = {key: (claim.sha256, claim.answer) for key, claim in firsts.items() if claim.id in new}
    if old:
        answered |= await usage.answered(tx, old)
    # write
    fresh = [(claim, verdict) for claim, verdict in zip(claims, judged, strict=True) if claim.id in new]
    await _append(tx, fresh)
    await compliance.append(tx, [_entry(claim) for claim, _ in fresh])
    return [_answer(claim, new, answered[claim.source.id, claim.key]) for claim in claims]


async def _append(tx: Tx, fresh: Sequence[tuple[Claim, Judged]]) -> None:
    days = sorted({day for _, verdict in fresh for day in verdict.days()})
    if not days:
        return
    still_open = await usage.hold_days(tx, days)
    unknown = [day for day in days if day not in still_open]
    if unknown and await seal.ensure_days(tx, unknown):
        still_open = await usage.hold_days(tx, days)
    for day in days:
        if day in still_open:
            rows = [copy_rows(v, day if len(days) > 1 else None, c.source.id, c.id) for c, v in fresh]
            await usage.append_day(tx, day, rows)
    closed: list[date] = [day for day in days if day not in still_open]
    if closed:
        await usage.append_late(tx, [(c.source.id, c.id, columns(v, closed)) for c, v in fresh])


def _claim(tx: Tx, report: Report, verdict: Judged) -> Claim:
    batch_id = tx.new_id()
    answer = msgspec.json.encode(
        {
            "batch": ids.text("ubt", batch_id),
            "accepted": verdict.accepted,
            "refused": [told(refusal) for refusal in verdict.refusals],
        }
    )
    return Claim(batch_id, report.source, report.key, report.sha256, verdict.accepted, answer)


def told(refusal: Refusal) -> dict[str, Any]:
    """What is said of an event that was not taken."""
    return {
        "index": refusal.index,
        "type": refusal.problem.slug,
        "title": refusal.problem.type.title.map(),
        "detail": {language: refusal.problem.detail(language) for language in ("en", "zh")},
    }


def _answer(claim: Claim, new: set[UUID], stored: tuple[bytes, bytes]) -> Ingested | Problem:
    if stored[0] != claim.sha256:
        return USAGE_BATCH_CONFLICT(batch=claim.key)
    return Ingested(stored[1], replayed=claim.id not in new)


def _entry(claim: Claim) -> Entry:
    return Entry(
        action="usage.report",
        object_id=ids.text("ubt", claim.id),
        organisation_id=claim.source.organisation_id,
        digests={"body": claim.sha256},
    )
