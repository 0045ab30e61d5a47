"""A regulator asks for the audit log of a period: the period becomes a range of the log's indexes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from compliance import store
from compliance.problems import EXPORT_SCOPE
from compliance.scopes import Scope
from exchange.flows.export_audit import ExportReceipt as ExportReceipt  # what this answers, for the routes
from exchange.flows.export_audit import request
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import Problem


@dataclass(frozen=True, slots=True)
class Period:
    """The half-open period [since, until) by the time of writing; None is open."""

    since: datetime | None = None
    until: datetime | None = None


async def export_period(
    tx: Tx,
    actor: Actor,
    scope: Scope,
    period: Period,
    *,
    earlier_size: int | None = None,
    legal_basis: str | None = None,
) -> ExportReceipt | Problem:
    """Ask for an export over every leaf of a period, and within it over `scope`.

    An entry's place in the log is given a moment after it was written, and neighbours may have changed places: the range
    runs from the first leaf of the period to its last, so that no entry of it is missing and a few of its edges come along.

    errors   answers NO_CHECKPOINT, EXPORT_SCOPE
    """
    if period.since is None and period.until is None:
        return await request(tx, actor, scope, earlier_size=earlier_size, legal_basis=legal_basis)
    if period.since is not None and period.until is not None and period.since >= period.until:
        return EXPORT_SCOPE(reason="the period ends before it begins")
    if any(at is not None and not 1970 <= at.year < 9999 for at in (period.since, period.until)):
        return EXPORT_SCOPE(reason="no entry of the log was written in this period")
    first, last = await store.indexes_between(tx, period.since, period.until, scope.node_id)
    if first is None or last is None:
        return EXPORT_SCOPE(reason="no entry of the log was written in this period")
    end = last + 1 if scope.to_index is None else min(scope.to_index, last + 1)
    narrowed = replace(scope, from_index=max(scope.from_index, first), to_index=end)
    return await request(tx, actor, narrowed, earlier_size=earlier_size, legal_basis=legal_basis)
