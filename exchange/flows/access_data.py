"""Metered use: admit reads, record what was really sent, keep and return leases.

Durable before the answer ends: a read whose size is known is admitted and recorded in one transaction; a stream is held
first and recorded before its last byte goes out. Call each through `Database.run`, for a batch of one or of many.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from compliance import store as compliance
from compliance.entries import Entry
from compliance.problems import FROZEN
from exchange.access.grants import Grant
from exchange.access.problems import QUOTA_EXHAUSTED
from exchange.access.reads import (
    Admitted,
    Hold,
    Lease,
    Part,
    QuotaKey,
    Read,
    Recorded,
    Sent,
    after,
    allot,
    counted,
    freezable,
    limited,
    refusal,
    shortages,
    still_held,
)
from exchange.access.settings import AccessSettings
from exchange.access.store import quota, reading
from exchange.access.store.reading import Move, Records
from exchange.access.usage import leaf, stamp
from exchange.kernel import ids
from exchange.kernel.db import Tx
from exchange.kernel.errors import Problem


async def access_data(
    tx: Tx, reads: Sequence[Read], *, holder: UUID, settings: AccessSettings
) -> list[Admitted | Problem]:
    """Admit or refuse each read; those of known size are on record when this commits.

    `holder` names the serving process: leases belong to it.
    """
    # load
    pairs = list(dict.fromkeys([(read.claims.grant_id, read.claims.jti) for read in reads]))
    found, day_open = await reading.standings(tx, pairs)
    standing = dict(zip(pairs, found, strict=True))
    grants = {one.grant.id: one.grant for one in found if one is not None}
    frozen = await _frozen(tx, grants.values())
    # decide
    answers: list[Admitted | Problem | None] = []
    wanted: list[dict[QuotaKey, int]] = []
    for read in reads:
        problem = refusal(read, standing[read.claims.grant_id, read.claims.jti], tx.now)
        if problem is None:
            problem = frozen.get(read.claims.grant_id)
        answers.append(problem)
        wanted.append({} if problem else limited(grants[read.claims.grant_id], read.needs, tx.now))
    leases = await _leases(tx, wanted, grants, holder, settings)
    lacking = allot(wanted, {key: lease.free for key, lease in leases.items()})
    for position, key in enumerate(lacking):
        if key is not None:
            answers[position] = _exhausted(grants[key.grant_id], key, wanted[position][key])
    # write
    records, log = Records.empty(), _Log(tx)
    moves: dict[UUID, Move] = {}
    expires_at = tx.now + timedelta(seconds=settings.lease_ttl_s)
    for position, read in enumerate(reads):
        refused = answers[position]
        if isinstance(refused, Problem):
            log.refused(read, refused)
            continue
        grant, read_id = grants[read.claims.grant_id], tx.new_id()
        parts = _parts(grant, read, wanted[position], leases)
        for part in parts:
            if read.known:
                _record(tx, records, log, grant, part.meter, part.units, read_id)
            if part.lease_id is not None:
                move = moves.setdefault(part.lease_id, Move(key=part.key))
                move.used += part.units if read.known else 0
                move.held += 0 if read.known else part.units
        log.happened(grant)
        hold = None if read.known else Hold(read_id, grant, parts, expires_at)
        answers[position] = Admitted(read_id, grant, hold)
    await reading.write(tx, records, moves, day_open=day_open, ttl_s=settings.lease_ttl_s)
    await compliance.append(tx, log.entries("data.read"))
    return [answer for answer in answers if answer is not None]


async def still_open(tx: Tx, reads: Sequence[Read]) -> list[Problem | None]:
    """Why running reads may not go on, or None: the grant and the token are asked again, and what a directive froze."""
    pairs = list(dict.fromkeys([(read.claims.grant_id, read.claims.jti) for read in reads]))
    standing = await reading.standings_now(tx, pairs)
    frozen = await _frozen(tx, [one.grant for one in standing.values()])
    return [
        refusal(read, standing.get((read.claims.grant_id, read.claims.jti)), tx.now) or frozen.get(read.claims.grant_id)
        for read in reads
    ]


async def record_usage(tx: Tx, batch: Sequence[Sent], *, settings: AccessSettings) -> list[Recorded]:
    """Put on record what running reads really sent, and give back what they did not.

    errors   SentTooMuch where more was sent than held: a defect of the caller
    """
    day_open = await reading.hold_today(tx)
    records, log = Records.empty(), _Log(tx)
    moves: dict[UUID, Move] = {}
    answers = []
    expires_at = tx.now + timedelta(seconds=settings.lease_ttl_s)
    for sent in batch:
        hold, used = sent.hold, after(sent)
        for part, units in used:
            if units:
                _record(tx, records, log, hold.grant, part.meter, units, hold.read_id)
            if part.lease_id is not None:
                move = moves.setdefault(part.lease_id, Move(key=part.key))
                move.used += units
                move.held -= part.units if sent.final else units
        log.happened(hold.grant)
        answers.append(Recorded(hold.read_id, still_held(sent, used, expires_at)))
    await reading.write(tx, records, moves, day_open=day_open, ttl_s=settings.lease_ttl_s, sent=True)
    await compliance.append(tx, log.entries("data.sent"))
    return answers


async def renew_leases(tx: Tx, *, holder: UUID, settings: AccessSettings) -> int:
    """Keep what running reads of `holder` hold; to be called a few times within each lease_ttl_s."""
    return await quota.renew(tx, holder, settings)


async def release_leases(tx: Tx, *, holder: UUID) -> int:
    """Give everything back that `holder` leased, when it stops serving."""
    return await quota.release(tx, holder)


async def settle_leases(tx: Tx) -> int:
    """Settle leases whose holder is gone: what no record says was used can be used again."""
    return await quota.settle_expired(tx)


async def _leases(
    tx: Tx,
    wanted: Sequence[Mapping[QuotaKey, int]],
    grants: Mapping[UUID, Grant],
    holder: UUID,
    settings: AccessSettings,
) -> dict[QuotaKey, Lease]:
    limited_ids = list({key.grant_id for needs in wanted for key in needs})
    if not limited_ids:
        return {}
    leases = await reading.leases(tx, holder, limited_ids)
    short = shortages(wanted, {key: lease.free for key, lease in leases.items()})
    if short:
        leases |= await quota.top_up(tx, short, grants, holder, settings)
    return leases


def _exhausted(grant: Grant, key: QuotaKey, needed: int) -> Problem:
    limit = next(one.limit for one in grant.quotas if one.meter == key.meter)
    return QUOTA_EXHAUSTED(grant=ids.text("grt", grant.id), meter=key.meter, limit=limit, needed=needed)


def _parts(
    grant: Grant, read: Read, needs: Mapping[QuotaKey, int], leases: Mapping[QuotaKey, Lease]
) -> tuple[Part, ...]:
    keys = {key.meter: key for key in needs}
    parts = []
    for meter, units in counted(grant, read.needs):
        key = keys.get(meter)
        parts.append(Part(meter, units, key, None if key is None else leases[key].id))
    return tuple(parts)


def _record(tx: Tx, records: Records, log: _Log, grant: Grant, meter: str, units: int, read_id: UUID) -> None:
    event_id = tx.new_id()
    records.add(event_id, grant.id, meter, units, read_id)
    log.used(grant, event_id, meter, units)


async def _frozen(tx: Tx, grants: Collection[Grant]) -> dict[UUID, Problem]:
    """By grant, the refusal of what a directive has frozen."""
    parts = {grant.id: freezable(grant) for grant in grants}
    frozen = await compliance.frozen(tx, list({one for pairs in parts.values() for _, one in pairs})) if parts else ()
    found = {}
    for grant_id, pairs in parts.items() if frozen else ():
        target = next((ids.text(prefix, one) for prefix, one in pairs if one in frozen), None)
        if target is not None:
            found[grant_id] = FROZEN(target=target)
    return found


class _Log:
    """Gathers the audit entries of a batch: one per grant and outcome, with the hash of its usage records."""

    def __init__(self, tx: Tx) -> None:
        self._tx, self._at = tx, stamp(tx.now)
        self._leaves: dict[UUID, list[bytes]] = {}
        self._grants: dict[UUID, tuple[str, Grant]] = {}
        self._refused: dict[tuple[UUID, UUID, str], Read] = {}

    def happened(self, grant: Grant) -> None:
        if grant.id not in self._grants:
            self._grants[grant.id] = (ids.text("grt", grant.id), grant)

    def used(self, grant: Grant, event_id: UUID, meter: str, units: int) -> None:
        self.happened(grant)
        text = self._grants[grant.id][0]
        data = leaf(reading.OUR_SOURCE, str(event_id), text, meter, self._at, units)
        self._leaves.setdefault(grant.id, []).append(data)

    def refused(self, read: Read, problem: Problem) -> None:
        self._refused.setdefault((read.claims.grant_id, read.claims.buyer_id, problem.slug), read)

    def entries(self, action: str) -> list[Entry]:
        done = [
            Entry(
                action=action,
                object_id=text,
                organisation_id=grant.buyer_id,
                agreement_id=ids.text("agr", grant.agreement_id),
                concerns=(grant.seller_id,),
                digests={"usage": hashlib.sha256(b"\n".join(self._leaves[id_])).digest()}
                if id_ in self._leaves
                else {},
            )
            for id_, (text, grant) in self._grants.items()
        ]
        refused = [
            Entry(
                action=action,
                object_id=ids.text("grt", grant_id),
                organisation_id=buyer_id,
                outcome="refused",
                problem=slug,
                concerns=(read.claims.seller_id,),
            )
            for (grant_id, buyer_id, slug), read in self._refused.items()
        ]
        return done + refused
