"""Jobs in PostgreSQL: put in the transaction that wants them, run with none open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import TextClause, text

from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx

CHANNEL = "exchange_jobs"


@dataclass(frozen=True, slots=True)
class Job:
    """Work to do once: the same kind and dedupe key is the same job."""

    kind: str
    dedupe_key: str
    payload: Mapping[str, Any]
    organisation_id: UUID | None = None
    run_at: datetime | None = None
    attempts_max: int = 12
    id: UUID | None = None


@dataclass(frozen=True, slots=True)
class JobState:
    """What is known of a job."""

    id: UUID
    kind: str
    state: str
    attempts: int
    payload: dict[str, Any]
    done_count: int
    total_count: int | None
    error: str | None
    result: dict[str, Any] | None = field(default=None)
    created_at: datetime | None = field(default=None)
    ended_at: datetime | None = field(default=None)
    attempts_max: int | None = field(default=None)

    @property
    def last(self) -> bool:
        """Whether a failure of this attempt buries the job."""
        return self.attempts_max is not None and self.attempts >= self.attempts_max


_PUT = """
INSERT INTO kernel.job (id, kind, dedupe_key, organisation_id, payload, attempts_max, run_at, created_at)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::jsonb[], $6::int[], $7::timestamptz[], $8::timestamptz[])
ON CONFLICT (kind, dedupe_key) DO NOTHING"""
_COLUMNS = (
    "id, kind, state, attempts, payload, done_count, total_count, error, result, created_at, ended_at, attempts_max"
)
# A job whose worker died keeps 'running' until its lock ends, then it is due again.
_TAKE = text(
    f"""UPDATE kernel.job SET state = 'running', attempts = attempts + 1, locked_until = :until WHERE id = (
        SELECT id FROM kernel.job WHERE run_at <= :now AND kind = ANY(:kinds)
        AND (state = 'queued' OR (state = 'running' AND locked_until < :now))
        ORDER BY run_at, id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING {_COLUMNS}"""
)


# An attempt whose lock ended may have been followed by another: it changes nothing any more.
_FENCE = "WHERE id = :id AND state = 'running' AND attempts = :attempt RETURNING id"
_FINISH = text(
    f"""UPDATE kernel.job SET state = 'done', result = CAST(:result AS jsonb), error = NULL, ended_at = :now,
        locked_until = NULL {_FENCE}"""
)
_FAIL = text(
    f"""UPDATE kernel.job SET state = CASE WHEN attempts >= coalesce(:most, attempts_max) THEN 'dead' ELSE 'queued' END,
        error = :error, run_at = :again, locked_until = NULL,
        ended_at = CASE WHEN attempts >= coalesce(:most, attempts_max) THEN CAST(:now AS timestamptz) END {_FENCE}"""
)
_PROGRESS = text(f"UPDATE kernel.job SET done_count = :done, total_count = :total, locked_until = :until {_FENCE}")
_KEEP = text(f"UPDATE kernel.job SET locked_until = :until {_FENCE}")


async def put(tx: Tx, *jobs: Job) -> list[UUID]:
    """Queue jobs in this transaction; a rollback takes them along. Answers the ids that were asked for."""
    if not jobs:
        return []
    ids = [job.id or tx.new_id() for job in jobs]
    driver = await tx.driver()
    await driver.execute(
        _PUT,
        ids,
        [job.kind for job in jobs],
        [job.dedupe_key for job in jobs],
        [job.organisation_id for job in jobs],
        [msgspec.json.encode(job.payload).decode() for job in jobs],
        [job.attempts_max for job in jobs],
        [job.run_at or tx.now for job in jobs],
        [tx.now] * len(jobs),
    )
    # Delivered at commit, once per transaction however often it is called.
    await driver.execute(f"NOTIFY {CHANNEL}")
    return ids


async def take(tx: Tx, kinds: Sequence[str], lock_s: int = 300) -> JobState | None:
    """The next due job of these kinds, marked as running for `lock_s`."""
    values = {"now": tx.now, "until": tx.now + timedelta(seconds=lock_s), "kinds": list(kinds)}
    row = (await tx.conn.execute(_TAKE, values)).one_or_none()
    return JobState(*row) if row else None


async def finish(tx: Tx, job: JobState, result: Mapping[str, Any]) -> bool:
    """Mark a job as done with its result; False where this attempt is no longer the one that runs."""
    values = {"result": msgspec.json.encode(result).decode(), "now": tx.now}
    return await _moved(tx, _FINISH, job, values)


async def fail(tx: Tx, job: JobState, error: str, attempts_max: int | None = None) -> bool:
    """Put a failed job back with a growing delay, or bury it after its last attempt; False where another attempt runs."""
    again = tx.now + timedelta(seconds=min(3600, 2**job.attempts))
    return await _moved(tx, _FAIL, job, {"error": error[:2000], "again": again, "now": tx.now, "most": attempts_max})


async def progress(tx: Tx, job: JobState, done: int, total: int | None, lock_s: int = 300) -> bool:
    """Record how far a running job is and keep its lock; False when it was cancelled or taken over, and should stop."""
    until = tx.now + timedelta(seconds=lock_s)
    return await _moved(tx, _PROGRESS, job, {"done": done, "total": total, "until": until})


async def keep(tx: Tx, job: JobState, lock_s: int) -> bool:
    """Say that the worker of a running job is still there; False when the job is no longer its own."""
    return await _moved(tx, _KEEP, job, {"until": tx.now + timedelta(seconds=lock_s)})


async def _moved(tx: Tx, statement: TextClause, job: JobState, values: Mapping[str, Any]) -> bool:
    found = await tx.conn.execute(statement, {**values, "id": job.id, "attempt": job.attempts})
    return found.one_or_none() is not None


async def cancel(tx: Tx, job_id: UUID) -> bool:
    """Stop a job that has not ended; a running one stops at its next progress report."""
    found = await tx.conn.execute(
        text(
            "UPDATE kernel.job SET state = 'cancelled', ended_at = :now WHERE id = :id "
            "AND state IN ('queued', 'running') RETURNING id"
        ),
        {"id": job_id, "now": tx.now},
    )
    return found.one_or_none() is not None


async def find(tx: Tx, job_id: UUID) -> JobState | None:
    """A job by id, whoever asks."""
    row = (
        await tx.conn.execute(text(f"SELECT {_COLUMNS} FROM kernel.job WHERE id = :id"), {"id": job_id})
    ).one_or_none()
    return JobState(*row) if row else None


async def of_key(tx: Tx, kind: str, dedupe_key: str) -> JobState | None:
    """The job of a kind under a key, whoever asks."""
    row = (
        await tx.conn.execute(
            text(f"SELECT {_COLUMNS} FROM kernel.job WHERE kind = :kind AND dedupe_key = :key"),
            {"kind": kind, "key": dedupe_key},
        )
    ).one_or_none()
    return JobState(*row) if row else None


async def find_own(tx: Tx, actor: Actor, job_id: UUID) -> JobState | None:
    """A job of the actor's organisation."""
    row = (
        await tx.conn.execute(
            text(f"SELECT {_COLUMNS} FROM kernel.job WHERE id = :id AND organisation_id = :own"),
            {"id": job_id, "own": actor.organisation_id},
        )
    ).one_or_none()
    return JobState(*row) if row else None


async def listed(
    tx: Tx, *, state: str | None = None, kind: str | None = None, before: UUID | None = None, limit: int = 50
) -> list[JobState]:
    """Jobs of everybody, newest first, for the operator."""
    rows = await tx.conn.execute(
        text(
            f"SELECT {_COLUMNS} FROM kernel.job WHERE (CAST(:state AS text) IS NULL OR state = :state) "
            "AND (CAST(:kind AS text) IS NULL OR kind = :kind) AND (CAST(:before AS uuid) IS NULL OR id < :before) "
            "ORDER BY id DESC LIMIT :limit"
        ),
        {"state": state, "kind": kind, "before": before, "limit": limit},
    )
    return [JobState(*row) for row in rows]


async def again(tx: Tx, job_id: UUID) -> bool:
    """Give a dead job as many attempts again as it had; False when it is not dead."""
    found = await tx.conn.execute(
        text(
            "UPDATE kernel.job SET state = 'queued', run_at = :now, ended_at = NULL, "
            "attempts_max = attempts_max + attempts WHERE id = :id AND state = 'dead' RETURNING id"
        ),
        {"id": job_id, "now": tx.now},
    )
    if found.one_or_none() is None:
        return False
    await (await tx.driver()).execute(f"NOTIFY {CHANNEL}")
    return True


async def waiting(tx: Tx) -> list[tuple[str, str, int]]:
    """How many jobs stand in each kind and state: (kind, state, count)."""
    rows = await tx.conn.execute(text("SELECT kind, state, count(*) FROM kernel.job GROUP BY 1, 2 ORDER BY 1, 2"))
    return [(row[0], row[1], row[2]) for row in rows]
