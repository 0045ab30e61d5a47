"""Directives for tests: as a wish over HTTP, as an order to the flow, and as a row that stands already."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, get_args
from uuid import UUID

from compliance.directives import DUTIES, Basis, Directive, Kind, Order, Target

BASIS = {"law": "cn-dsl", "article": "33", "text": {"en": "Supervision of data trading", "zh": "数据交易监督管理"}}
REASON = {"en": "Case 2026-17", "zh": "2026-17 号案件"}


def wish(kind: str, *targets: str, now: datetime | None = None, **more: Any) -> dict[str, Any]:
    """A directive as a regulator sends it; one that asks for an answer gives a week from `now`."""
    made: dict[str, Any] = {"kind": kind, "targets": list(targets), "basis": BASIS, "reason": REASON}
    if now is not None:
        made["deadline"] = (now + timedelta(days=7)).isoformat()
    return made | more


def order(kind: str, *targets: tuple[str, UUID], deadline: datetime | None = None, **more: Any) -> Order:
    """A directive as the flow takes it."""
    assert kind in get_args(Kind)
    basis = Basis("cn-dsl", "33", BASIS["text"])  # type: ignore[arg-type]
    return Order(kind, tuple(Target(*one) for one in targets), basis, more.get("reason", REASON), deadline)  # type: ignore[arg-type]


def standing(directive_id: UUID, kind: str, target: tuple[str, UUID], by: UUID, now: datetime) -> Directive:
    """A directive in force, for tests that only ask whether it binds."""
    assert kind in DUTIES
    return Directive(directive_id, kind, (Target(*target),), by, REASON, "issued", now)  # type: ignore[arg-type]
