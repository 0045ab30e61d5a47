"""Metered use: admit reads, record what was really sent, keep and return leases.

Durable before the answer ends: a read whose size is known is admitted and recorded in one transaction; a stream is held
first and recorded before its last byte goes out. Call each through `Database.run`, for a batch of one or of many.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from compliance import store as compliance
from compliance.entries import Entry
from exchange.access.grants import Grant
from exchange.access.meters import Meter
from exchange.access.problems import QUOTA_EXHAUSTED
from exchange.access.reads import (
    Admitted,
    Amounts,
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
from exchange.access.usage import leaf
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
    pairs = list(dict.fromkeys((read.claims.grant_id, read.claims.jti) for read in reads))
    found, day_open = await reading.standings(tx, pairs)
    standing = dict(zip(pairs, found, strict=True))
    asked = {one for claims in {read.claims.jti: read.claims for read in reads}.values() for _, one in freezable(claims)}
    frozen = dict.fromkeys(await compliance.frozen(tx, list(asked)))
    # decide
    answers: list[Admitted | Problem | None] = []
    wanted: list[dict[QuotaKey, int]] = []
    grants: dict[UUID, Grant] = {}
    for read in reads:
        stands = standing[read.claims.grant_id, read.claims.jti]
        answers.append(refusal(read, stands, frozen, tx.now))
        fits = answers[-1] is None and stands is not None
        wanted.append(limited(stands.grant, read.needs, tx.now) if fits and stands else {})
        if stands is not None:
            grants[stands.grant.id] = stands.grant
    leases = await _leases(tx, wanted, grants, holder, settings)
    lacking = allot(wanted, {key: lease.free for key, lease in leases.items()})
    # write
    records, moves, log = Records.empty(), {}, _Log(tx)
    expires_at = tx.now + timedelta(seconds=settings.lease_ttl_s)
    for position, read in enumerate(reads):
        problem = answers[position]
        if problem is None and (key := lacking[position]) is not None:
            problem = _exhausted(grants[key.grant_id], key, wanted[position][key])
        if isinstance(problem, Problem):
            answers[position] = problem
            log.refused(read, problem)
            continue
        grant, read_id = grants[read.claims.grant_id], tx.new_id()
        amounts = counted(grant, read.needs)
        _move(moves, wanted[position], leases, known=read.known)
        if read.known:
            _put(tx, records, log, grant, read_id, amounts)
        hold = None if read.known else _hold(read_id, grant, amounts, wanted[position], leases, expires_at)
        answers[position] = Admitted(read_id, grant, hold)
        log.admitted(grant, read_id)
    await reading.write(tx, records, moves, day_open=day_open, ttl_s=settings.lease_ttl_s)
    await compliance.append(tx, log.entries("data.read"))
    return [answer for answer in answers if answer is not None]


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
        used, hold = after(sent), sent.hold
        for part, units in used:
            if units:
                event_id = tx.new_id()
                records.add(event_id, hold.grant_id, part.meter, units, hold.read_id)
                log.used(hold.grant_id, hold.buyer_id, hold.seller_id, event_id, part.meter, units)
            if part.lease_id is not None:
                move = moves.setdefault(part.lease_id, Move(key=part.key))
                move.used += units
                move.held -= part.units if sent.final else units
        log.ended(hold)
        answers.append(Recorded(hold.read_id, still_held(sent, used, expires_at)))
    ordered = dict(sorted(moves.items()))
    await reading.write(tx, records, ordered, day_open=day_open, ttl_s=settings.lease_ttl_s, sent=True)
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
    return QUOTA_EXHAUSTED(grant=ids.text("grt", grant.id), meter=key.meter.key, limit=limit, needed=needed)


def _move(
    moves: dict[UUID, Move], needs: Mapping[QuotaKey, int], leases: Mapping[QuotaKey, Lease], *, known: bool
) -> None:
    for key, units in needs.items():
        move = moves.setdefault(leases[key].id, Move(key=key))
        if known:
            move.used += units
        else:
            move.held += units


def _put(tx: Tx, records: Records, log: _Log, grant: Grant, read_id: UUID, amounts: Amounts) -> None:
    for meter, units in amounts:
        event_id = tx.new_id()
        records.add(event_id, grant.id, meter, units, read_id)
        log.used(grant.id, grant.buyer_id, grant.seller_id, event_id, meter, units)


def _hold(
    read_id: UUID,
    grant: Grant,
    amounts: Amounts,
    needs: Mapping[QuotaKey, int],
    leases: Mapping[QuotaKey, Lease],
    expires_at: object,
) -> Hold:
    raise NotImplementedError


class _Log:
    """Gathers the audit entries of a batch: one per grant, token and outcome, with the hash of its usage records."""
