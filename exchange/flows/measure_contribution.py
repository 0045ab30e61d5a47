"""Measure what each supplier contributed: a job's steps, which go on where an earlier attempt stopped."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby, islice
from typing import Any
from uuid import UUID

import msgspec

from compliance import store as audit
from compliance.entries import Entry
from exchange.catalog.revisions import Asset
from exchange.catalog.store import datasets as catalog
from exchange.flows.order_weights import load_sources
from exchange.kernel import ids
from exchange.kernel.canonical import sha256
from exchange.kernel.db import Database, Tx
from exchange.kernel.errors import NOT_FOUND, Problem
from exchange.kernel.keys import Keyring
from exchange.kernel.text import Text
from exchange.quality.measuring import Bytes, note_records
from exchange.quality.record_digests import METHOD, RecordDigests
from settlement.contribution import PURPOSE, Order, WeightState, WeightVector, result_of, state_of, vector_document
from settlement.problems import WEIGHTS_INVALID, WEIGHTS_STATE
from settlement.store import weights
from settlement.weighing import COVERAGE, UNIQUE, BadInputs
from settlement.weight_orders import RecordSet, Source, inputs_of

_ROWS_AT_ONCE = 4_000
Progress = Callable[[int, int], Awaitable[None]]


class WeightsMeasured(msgspec.Struct, frozen=True):
    """The vector that was measured; `made` is false when it was there already."""

    vector: str
    version: int
    sha256: str
    inputs_sha256: str
    made: bool


@dataclass(frozen=True, slots=True)
class Subject:
    """What is to be measured, and the files of revisions whose records nobody has read yet."""

    order: Order
    asked: Mapping[str, Any]
    sources: tuple[Source, ...]
    unread: Mapping[UUID, tuple[Asset, ...]]

    @property
    def of_records(self) -> bool:
        """Whether records are compared at all."""
        return self.order.utility in {COVERAGE, UNIQUE}


async def measure_contribution(
    db: Database, source: Bytes, keyring: Keyring, order_id: UUID, progress: Progress
) -> WeightsMeasured | Problem:
    """Read the records, count who holds which, weigh, and keep the signed vector; no transaction is open over the work.

    errors   answers not-found, weights-state, weights-invalid; raises what `source` and `progress` raise, and LookupError
             where digests were erased meanwhile
    """
    found = await db.run(partial(load, order_id=order_id))
    if not isinstance(found, Subject):
        return found
    total = sum(one.size_bytes for files in found.unread.values() for one in files) + weights.PARTS
    done = 0
    for one in found.sources:
        for_one = found.unread.get(one.revision_id)
        if for_one is not None:
            await _read_records(db, source, one, for_one, partial(_later, progress, done, total))
            done += sum(file.size_bytes for file in for_one)
    patterns: dict[int, int] = {}
    revisions = [one.revision_id for one in found.sources]
    for part in range(weights.PARTS if found.of_records else 0):
        counted = await db.run(partial(weights.patterns, revision_ids=revisions, part=part))
        for holders, count in counted.items():
            patterns[holders] = patterns.get(holders, 0) + count
        await progress(done + part + 1, total)
    sets = await db.run(partial(weights.record_sets, revision_ids=revisions, method=METHOD))
    if found.of_records and len(sets) < len(revisions):
        raise LookupError("digests went while they were counted; the job comes again and reads those files once more")
    stated = partial(inputs_of, found.asked, found.sources, sets if found.of_records else {}, patterns)
    inputs = await asyncio.to_thread(stated)
    try:
        result = await asyncio.to_thread(result_of, inputs)
    except BadInputs as error:
        return WEIGHTS_INVALID(field="inputs", reason=Text(str(error), f"无法由输入计算权重：{error}"))
    await progress(total, total)
    return await db.run(partial(record, keyring=keyring, order_id=order_id, inputs=inputs, result=result))


async def load(tx: Tx, order_id: UUID) -> Subject | WeightsMeasured | Problem:
    """What to measure, or the vector that is there already."""
    standing = await weights.find(tx, order_id)
    if standing is None:
        return NOT_FOUND()
    if standing.vector is not None:
        return await _receipt(tx, standing.vector, made=False)
    if (state := state_of(standing.order, standing.answers, measured=False)) is not WeightState.MEASURING:
        return WEIGHTS_STATE(state=state.value, needs=WeightState.MEASURING.value)
    asked = msgspec.json.decode(await weights.document_of(tx, order_id))
    sources = await load_sources(tx, asked, None)
    if isinstance(sources, Problem):
        return sources
    unread: dict[UUID, tuple[Asset, ...]] = {}
    if standing.order.utility in {COVERAGE, UNIQUE}:
        read = await weights.record_sets(tx, [one.revision_id for one in sources], METHOD)
        for one in sources:
            if one.revision_id not in read:
                stored = await catalog.assets_of(tx, one.revision_id)
                unread[one.revision_id] = tuple(file.asset for file in stored)
    return Subject(standing.order, asked, tuple(sources), unread)


async def record(
    tx: Tx, keyring: Keyring, order_id: UUID, inputs: bytes, result: Mapping[str, Any]
) -> WeightsMeasured | Problem:
    """Sign and keep the vector; a second worker that measured the same finds the first one's."""
    standing = await weights.lock_order(tx, order_id)
    if standing is None:
        return NOT_FOUND()
    if standing.vector is not None:
        return await _receipt(tx, standing.vector, made=False)
    order = standing.order
    version = await weights.next_version(tx, order.ordered_by, order.subject)
    document = vector_document(order, version, inputs, result, tx.now)
    signature = keyring.sign(PURPOSE, document)
    vector = WeightVector(
        id=order.id,
        subject=order.subject,
        version=version,
        ordered_by=order.ordered_by,
        document=document,
        kid=signature.kid,
        signature=signature.value,
        created_at=tx.now,
    )
    await weights.insert_vector(tx, vector, inputs)
    concerned = sorted({order.ordered_by, *(one.organisation_id for one in vector.players)})
    entry = Entry(
        action="weights.measured",
        object_id=ids.text("wgt", order.id),
        organisation_id=None,
        rule_set=METHOD,
        digests={"vector": sha256(document), "inputs": sha256(inputs)},
        concerns=tuple(concerned),
    )
    await audit.append(tx, [entry])
    return _made(vector, sha256(inputs), made=True)


async def _read_records(
    db: Database, source: Bytes, one: Source, files: Sequence[Asset], progress: Callable[[int], Awaitable[None]]
) -> None:
    """Read a revision's files and keep the digests of its records; writing them twice changes nothing."""
    digests = RecordDigests()
    try:
        done = await note_records(files, source, digests, progress)
        count, whole = 0, hashlib.sha256()
        rows = rows_of(digests.ordered())
        while batch := await asyncio.to_thread(lambda: list(islice(rows, _ROWS_AT_ONCE))):
            await db.run(partial(weights.insert_digests, revision_id=one.revision_id, rows=batch))
            for _, _, data in batch:
                whole.update(data)
                count += len(data) // weights.DIGEST_BYTES
            await progress(done)
    finally:
        digests.close()
    keep = partial(weights.insert_record_set, revision_id=one.revision_id, organisation_id=one.organisation_id)
    await db.run(partial(keep, method=METHOD, found=RecordSet(count, whole.digest())))


def rows_of(digests: Iterable[bytes]) -> Iterator[tuple[int, int, bytes]]:
    """Sorted digests as the rows in which they are stored.

    shapes   (part, number within the part, joined digests)
    """
    for part, members in groupby(digests, key=lambda digest: digest[0] * weights.PARTS >> 8):
        number = 0
        while row := b"".join(islice(members, weights.DIGESTS_PER_ROW)):
            yield part, number, row
            number += 1


async def _later(progress: Progress, before: int, total: int, done: int) -> None:
    await progress(before + done, total)


async def _receipt(tx: Tx, vector: WeightVector, *, made: bool) -> WeightsMeasured:
    inputs = await weights.find_inputs(tx, vector.id)
    assert inputs is not None
    return _made(vector, sha256(inputs), made=made)


def _made(vector: WeightVector, inputs_sha256: bytes, *, made: bool) -> WeightsMeasured:
    return WeightsMeasured(
        vector=ids.text("wgt", vector.id),
        version=vector.version,
        sha256=sha256(vector.document).hex(),
        inputs_sha256=inputs_sha256.hex(),
        made=made,
    )
