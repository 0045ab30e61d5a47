"""A sample of a revision's records that anybody can draw again: asked for, drawn in the background, judged once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import IO, Any, Literal
from uuid import UUID

import msgspec

from compliance import notes, sample_store, sampling, tree_store
from compliance import store as audit
from compliance.directives import REGULATOR
from compliance.entries import Entry
from compliance.problems import NO_CHECKPOINT
from compliance.report_problems import REPORT_NOT_READY, SAMPLE_INVALID, SAMPLE_JUDGED
from compliance.sample_store import Sample
from exchange.catalog.revisions import Revision
from exchange.catalog.store import datasets as catalog
from exchange.flows.once import done
from exchange.kernel import ids, jobs
from exchange.kernel.actor import Actor
from exchange.kernel.canonical import sha256
from exchange.kernel.db import Database, Tx
from exchange.kernel.errors import NOT_FOUND, Problem
from exchange.kernel.jobs import Job
from exchange.kernel.text import Text
from exchange.quality import store as quality
from exchange.quality.assessments import AssessmentState
from exchange.quality.distinct import DIGEST_BYTES
from exchange.quality.measuring import Bytes, Named, note_records
from exchange.quality.record_digests import METHOD as RECORDS
from exchange.quality.record_digests import RecordDigests

JOB = "draw_sample"
SEED_BYTES = 32
_AT_ONCE = 8_192


class SampleReceipt(msgspec.Struct, frozen=True):
    """What a requester gets at once; the seed is fixed before anything is read."""

    id: str
    revision: str
    state: Literal["requested"]
    seed: str


class SampleJudged(msgspec.Struct, frozen=True):
    """What came of a sample: the share that passed, in millionths, with its 95 % interval (Wilson)."""

    id: str
    passed: int
    n: int
    low_millionths: int
    high_millionths: int


@dataclass(frozen=True, slots=True)
class Drawn:
    """What was drawn: the evidence, and the frame that it is of."""

    evidence: bytes
    drawn: int
    frame_size: int
    frame_root: bytes


@dataclass(frozen=True, slots=True)
class _Subject:
    sample: Sample
    revision: Revision
    files: tuple[Named, ...]
    seed_from: Mapping[str, Any] | None


async def ask_sample(
    tx: Tx, actor: Actor, revision_id: UUID, wanted: int, seed: bytes | None
) -> SampleReceipt | Problem:
    """Ask for a sample: a regulator of any revision, an assessor of one whose assessment it accepted.

    Without a seed of the requester's, the seed is made of the newest checkpoint's root: nobody could choose it.

    errors   answers NOT_FOUND, SAMPLE_INVALID, NO_CHECKPOINT
    """
    revision = await catalog.find_revision(tx, revision_id)
    if revision is None or not await _may_draw(tx, actor, revision_id):
        return NOT_FOUND()
    if not 1 <= wanted <= sampling.WANTED_MAX or (seed is not None and len(seed) != SEED_BYTES):
        return SAMPLE_INVALID(reason=Text("the number or the seed does not fit", "数量或种子不符合要求"))
    sample_id, seed_size = tx.new_id(), None
    if seed is None:
        note = await tree_store.checkpoint(tx)
        if note is None:
            return NO_CHECKPOINT()
        checkpoint = notes.parse_checkpoint(notes.parse_note(note).text)
        seed_size = checkpoint.size
        seed = sampling.seed_of(checkpoint.root, revision.sha256, ids.text("smp", sample_id))
    one = Sample(sample_id, revision_id, revision.supplier_id, actor.organisation_id, wanted, seed, seed_size)
    name = ids.text("smp", sample_id)
    await sample_store.put_sample(tx, one)
    digests = {"revision": revision.sha256, "seed": sha256(seed)}
    await audit.append(tx, [done(actor, "sample.request", name, revision.supplier_id, **digests)])
    await jobs.put(tx, Job(JOB, name, {"sample": name}, organisation_id=actor.organisation_id))
    return SampleReceipt(name, ids.text("rev", revision_id), "requested", seed.hex())


async def _may_draw(tx: Tx, actor: Actor, revision_id: UUID) -> bool:
    if REGULATOR in actor.roles:
        return True
    found = await quality.open_assessment(tx, revision_id, actor.organisation_id)
    return found is not None and found.state is AssessmentState.ACCEPTED


async def draw_sample(
    db: Database, source: Bytes, sample_id: UUID, spool: IO[bytes], progress: Callable[[int], Awaitable[None]]
) -> Drawn | Problem:
    """Read the revision's records with no transaction open, build the frame in `spool`, and draw.

    errors   answers NOT_FOUND; raises what `source` and `progress` raise
    """
    subject = await db.run(lambda tx: _subject(tx, sample_id))
    if isinstance(subject, Problem):
        return subject
    digests, frame = RecordDigests(), sampling.Frame(spool, DIGEST_BYTES)
    try:
        read = await note_records(subject.files, source, digests, progress)
        ordered = digests.ordered()
        while batch := await asyncio.to_thread(lambda: list(islice(ordered, _AT_ONCE))):
            frame.add(batch)
            await progress(read)
    finally:
        digests.close()
    one, revision = subject.sample, subject.revision
    evidence, drawn = await asyncio.to_thread(
        sampling.evidence,
        ids.text("smp", one.id),
        (ids.text("rev", revision.id), revision.sha256),
        one.wanted,
        one.seed,
        subject.seed_from,
        frame,
        RECORDS,
    )
    return Drawn(evidence, drawn, frame.size, frame.root())


async def _subject(tx: Tx, sample_id: UUID) -> _Subject | Problem:
    one = await sample_store.find_sample(tx, sample_id)
    revision = None if one is None else await catalog.find_revision(tx, one.revision_id)
    if one is None or revision is None:
        return NOT_FOUND()
    stored = await catalog.assets_of(tx, revision.id)
    seed_from = None
    if one.seed_size is not None:
        note = await tree_store.checkpoint(tx, size=one.seed_size)
        assert note is not None, "the seed was made of a checkpoint"
        checkpoint = notes.parse_checkpoint(notes.parse_note(note).text)
        seed_from = {
            "checkpoint": {
                "origin": checkpoint.origin,
                "size": checkpoint.size,
                "root": checkpoint.root.hex(),
                "note": note.decode(),
            }
        }
    return _Subject(one, revision, tuple(file.asset for file in stored), seed_from)


async def finish_sample(tx: Tx, sample_id: UUID, drawn: Drawn) -> bool:
    """Record what was drawn, and put it into the log; False if that is known already."""
    one = await sample_store.find_sample(tx, sample_id)
    hashed = sha256(drawn.evidence)
    ended = {
        "state": "done",
        "frame_size": drawn.frame_size,
        "frame_root": drawn.frame_root,
        "drawn": drawn.drawn,
        "sha256": hashed,
        "size_bytes": len(drawn.evidence),
    }
    if one is None or not await sample_store.end_sample(tx, sample_id, **ended):
        return False
    entry = Entry(
        action="sample.draw",
        organisation_id=one.requested_by,
        object_id=ids.text("smp", sample_id),
        object_version=f"{drawn.drawn}/{drawn.frame_size}",
        rule_set=sampling.METHOD,
        digests={"evidence": hashed, "frame": drawn.frame_root, "seed": sha256(one.seed)},
        concerns=(one.supplier_id,),
    )
    await audit.append(tx, [entry])
    return True


async def judge_sample(tx: Tx, actor: Actor, sample_id: UUID, passed: int) -> SampleJudged | Problem:
    """Keep how many of the drawn records passed; once, and only by whoever asked for the sample.

    errors   answers NOT_FOUND, REPORT_NOT_READY, SAMPLE_JUDGED, SAMPLE_INVALID
    """
    one = await sample_store.find_sample(tx, sample_id, lock=True)
    if one is None or one.requested_by != actor.organisation_id:
        return NOT_FOUND()
    if one.drawn is None:
        return REPORT_NOT_READY(state=one.state)
    if one.passed is not None:
        return SAMPLE_JUDGED()
    if one.drawn == 0 or not 0 <= passed <= one.drawn:
        return SAMPLE_INVALID(reason=Text(f"{one.drawn} records were drawn", f"共抽中 {one.drawn} 条记录"))
    await sample_store.put_result(tx, actor, sample_id, passed, one.drawn)
    entry = Entry(
        action="sample.judge",
        organisation_id=actor.organisation_id,
        client_id=actor.client_id,
        object_id=ids.text("smp", sample_id),
        object_version=f"{passed}/{one.drawn}",
        rule_set=sampling.METHOD,
        concerns=(one.supplier_id,),
    )
    await audit.append(tx, [entry])
    low, high = sampling.wilson(passed, one.drawn)
    return SampleJudged(ids.text("smp", sample_id), passed, one.drawn, low, high)
