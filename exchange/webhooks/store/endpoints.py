"""Endpoints and their secrets in the database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, insert, select

from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.ids import array
from exchange.kernel.pages import Page, PageRequest, page_of
from exchange.kernel.store import mine
from exchange.webhooks.endpoints import Endpoint, EndpointState, Why
from exchange.webhooks.signing import SealedSecret
from exchange.webhooks.tables import delivery as _d
from exchange.webhooks.tables import endpoint as _t
from exchange.webhooks.tables import secret as _s

_COLUMNS = (
    _t.c.id, _t.c.organisation_id, _t.c.portal, _t.c.url, _t.c.kinds, _t.c.label, _t.c.state, _t.c.created_by, _t.c.created_at,
    _t.c.reason, _t.c.failing_since, _t.c.failures, _t.c.last_error, _t.c.last_ok_at,
)  # fmt: skip
_THERE = _t.c.state != EndpointState.REMOVED.value
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('webhooks/' || $1::text, 0))"
_CHANGE = """
UPDATE webhooks.endpoint SET url = $2, kinds = $3, label = $4, state = $5, reason = $6,
    failing_since = CASE WHEN $5 = 'active' AND state <> 'active' THEN NULL ELSE failing_since END,
    failures = CASE WHEN $5 = 'active' AND state <> 'active' THEN 0 ELSE failures END
WHERE id = $1"""
_DISABLE = """
UPDATE webhooks.endpoint SET state = 'disabled', reason = $2 WHERE id = $1 AND state = 'active' RETURNING organisation_id"""
# A success is written once a minute at most: an endpoint that works is no hot row.
_OK = """
UPDATE webhooks.endpoint SET failing_since = NULL, failures = 0, last_ok_at = $2
WHERE id = $1 AND (failing_since IS NOT NULL OR last_ok_at IS NULL OR last_ok_at < $2::timestamptz - interval '1 minute')"""
_FAILED = """
UPDATE webhooks.endpoint SET failing_since = coalesce(failing_since, $2), failures = failures + 1, last_error = $3
WHERE id = $1 RETURNING failing_since"""
_SECRETS = """
SELECT id, endpoint_id, organisation_id, sealed_by, sealed, kid, public, sealed_private, created_at, ends_at
FROM webhooks.secret WHERE endpoint_id = ANY ($1::text::uuid[]) ORDER BY id DESC"""
_END = "UPDATE webhooks.secret SET ends_at = $2 WHERE id = $1 AND (ends_at IS NULL OR ends_at > $2)"
_DROP = "DELETE FROM webhooks.secret WHERE id = ANY ($1::text::uuid[])"
_DROP_ENDED = "DELETE FROM webhooks.secret WHERE ends_at <= $1"
_FAILING = """
SELECT count(*) FROM webhooks.endpoint
WHERE state = 'active' AND failing_since IS NOT NULL OR state = 'disabled' AND reason <> 'owner'"""


@dataclass(frozen=True, slots=True)
class Trouble:
    """An endpoint that fails, or was disabled for it, with what waits to be sent there."""

    endpoint: Endpoint
    waiting: int


async def lock_endpoints(tx: Tx, organisation_id: UUID) -> None:
    """Let one organisation's endpoints change one after another, until the transaction ends."""
    await (await tx.driver()).execute(_LOCK, str(organisation_id))


async def insert_endpoint(tx: Tx, one: Endpoint) -> None:
    """Write a new endpoint."""
    values = {column.name: getattr(one, column.name) for column in _COLUMNS}
    await tx.conn.execute(insert(_t).values({**values, "kinds": list(one.kinds), "reason": None}))


async def change_endpoint(tx: Tx, one: Endpoint) -> None:
    """Write what may be changed of an endpoint; one that is active again begins without failures."""
    values = one.url, list(one.kinds), one.label, one.state.value, None if one.reason is None else one.reason.value
    await (await tx.driver()).execute(_CHANGE, one.id, *values)


async def disable_endpoint(tx: Tx, endpoint_id: UUID, why: Why) -> UUID | None:
    """Disable an active endpoint; whose it is, None where it is not active."""
    return await (await tx.driver()).fetchval(_DISABLE, endpoint_id, why.value)  # type: ignore[no-any-return]


async def note_ok(tx: Tx, endpoint_id: UUID) -> None:
    """Write that an endpoint takes messages."""
    await (await tx.driver()).execute(_OK, endpoint_id, tx.now)


async def note_failure(tx: Tx, endpoint_id: UUID, error: str) -> datetime:
    """Write that an endpoint failed; since when it does nothing else."""
    return await (await tx.driver()).fetchval(_FAILED, endpoint_id, tx.now, error)  # type: ignore[no-any-return]


async def find_endpoint(tx: Tx, organisation_id: UUID, portal: str, endpoint_id: UUID) -> Endpoint | None:
    """One endpoint of an organisation, for flows."""
    found = await _read(
        tx, (_t.c.organisation_id == organisation_id) & (_t.c.portal == portal) & (_t.c.id == endpoint_id)
    )
    return found[0] if found else None


async def my_endpoints(tx: Tx, actor: Actor, portal: str) -> list[Endpoint]:
    """The actor's endpoints in a portal, oldest first."""
    return await _read(tx, mine(_t.c.organisation_id, actor) & (_t.c.portal == portal))


async def my_endpoint(tx: Tx, actor: Actor, portal: str, endpoint_id: UUID) -> Endpoint | None:
    """One of the actor's endpoints in a portal."""
    found = await _read(tx, mine(_t.c.organisation_id, actor) & (_t.c.portal == portal) & (_t.c.id == endpoint_id))
    return found[0] if found else None


async def count_endpoints(tx: Tx, organisation_id: UUID, portal: str) -> int:
    """How many endpoints an organisation has in a portal."""
    return len(await _read(tx, (_t.c.organisation_id == organisation_id) & (_t.c.portal == portal)))


async def listening(tx: Tx) -> list[Endpoint]:
    """Everybody's endpoints, disabled ones too."""
    return await _read(tx, _THERE)


async def troubles(tx: Tx, request: PageRequest) -> Page[Trouble]:
    """Endpoints that fail, and those that were disabled for it, the longest first."""
    under_way = (_d.c.endpoint_id == _t.c.id) & _d.c.next_at.is_not(None)
    count = select(func.count(_d.c.id)).where(under_way).correlate(_t).scalar_subquery()
    failing = (_t.c.state == "active") & _t.c.failing_since.is_not(None)
    stopped = (_t.c.state == "disabled") & (_t.c.reason != Why.OWNER.value)
    query = select(*_COLUMNS, count).where(failing | stopped).order_by(_t.c.id).limit(request.limit + 1)
    if request.after:
        query = query.where(_t.c.id > UUID(request.after[0]))
    rows = [Trouble(_endpoint(row), row[-1]) for row in await tx.conn.execute(query)]
    return page_of(rows, request, lambda one: (str(one.endpoint.id),))


async def count_troubles(tx: Tx) -> int:
    """How many endpoints fail or were disabled for it."""
    return int(await (await tx.driver()).fetchval(_FAILING))


async def insert_secret(tx: Tx, one: SealedSecret) -> None:
    """Write a sealed secret."""
    await tx.conn.execute(insert(_s).values({column.name: getattr(one, column.name) for column in _s.columns}))


async def secrets_of(tx: Tx, endpoint_ids: Sequence[UUID]) -> list[SealedSecret]:
    """The secrets of these endpoints, the newest first."""
    rows = await (await tx.driver()).fetch(_SECRETS, array(endpoint_ids))
    return [SealedSecret(*row) for row in rows]


async def end_secret(tx: Tx, secret_id: UUID, at: datetime) -> None:
    """Let a secret sign only until then."""
    await (await tx.driver()).execute(_END, secret_id, at)


async def drop_secrets(tx: Tx, secret_ids: Sequence[UUID]) -> None:
    """Forget secrets."""
    await (await tx.driver()).execute(_DROP, array(secret_ids))


async def drop_ended_secrets(tx: Tx) -> None:
    """Forget the secrets that sign no more."""
    await (await tx.driver()).execute(_DROP_ENDED, tx.now)


async def _read(tx: Tx, condition: ColumnElement[bool]) -> list[Endpoint]:
    rows = await tx.conn.execute(select(*_COLUMNS).where(condition, _THERE).order_by(_t.c.id))
    return [_endpoint(row) for row in rows]


def _endpoint(row: Any) -> Endpoint:
    return Endpoint(
        id=row[0],
        organisation_id=row[1],
        portal=row[2],
        url=row[3],
        kinds=tuple(row[4]),
        label=row[5],
        state=EndpointState(row[6]),
        created_by=row[7],
        created_at=row[8],
        reason=None if row[9] is None else Why(row[9]),
        failing_since=row[10],
        failures=row[11],
        last_error=row[12],
        last_ok_at=row[13],
    )
