"""A regulator asks for the audit log of a period: the period becomes a range of the log's indexes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from compliance import store
from compliance.problems import EXPORT_SCOPE
from compliance.scopes import Scope
from exchange.flows.export_audit import Details, ExportReceipt, request
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import Problem
from exchange.kernel.text import Text

_EMPTY = Text("no entry of the log was written in this period", "该期间内日志没有条目")


@dataclass(frozen=True, slots=True)
class Period:
    """The half-open period [since, until) by the time of writing; None is open."""

    since: datetime | None = None
    until: datetime | None = None


async def export_period(
    tx: Tx, actor: Actor, scope: Scope, period: Period, details: Details | None = None
) -> ExportReceipt | Problem:
    """Ask for an export over every leaf of a period, and within it over `scope`.

    An entry's place in the log is given a moment after it was written, and neighbours may have changed places: the range
    runs from the first leaf of the period to its last, so that no entry of it is missing and a few of its edges come along.

    errors   answers NO_CHECKPOINT, EXPORT_SCOPE, NOT_FOUND
    """
    if period.since is None and period.until is None:
        return await request(tx, actor, scope, details)
    if period.since is not None and period.until is not None and period.since >= period.until:
        return EXPORT_SCOPE(reason=Text("the period ends before it begins", "期间的截止早于起始"))
    if any(at is not None and not 1970 <= at.year < 9999 for at in (period.since, period.until)):
        return EXPORT_SCOPE(reason=_EMPTY)
    first, last = await store.indexes_between(tx, period.since, period.until, scope.node_id)
    size = None if details is None else details.checkpoint_size
    if first is None or last is None or (size is not None and first >= size):
        return EXPORT_SCOPE(reason=_EMPTY)
    ends = [one for one in (last + 1, scope.to_index, size) if one is not None]
    narrowed = replace(scope, from_index=max(scope.from_index, first), to_index=min(ends))
    return await request(tx, actor, narrowed, details)
