"""Obligations and questions as SQLAlchemy Core tables; migration 0020 is the source."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from contracts.tables import metadata

_TIME = DateTime(timezone=True)


def _of_obligation() -> tuple[Column[object], ...]:
    return (
        Column("id", Uuid, primary_key=True),
        Column("obligation_id", Uuid, ForeignKey("contracts.obligation.id"), nullable=False),
        Column("buyer_id", Uuid, nullable=False),
        Column("seller_id", Uuid, nullable=False),
    )


obligation_plan = Table(
    "obligation_plan",
    metadata,
    Column("agreement_id", Uuid, primary_key=True),
    Column("events", Integer, nullable=False),
    Column("waiting", Boolean, nullable=False),
    Column("next_at", _TIME),
    Column("changed_at", _TIME, nullable=False),
    Index("obligation_plan_next", "next_at", postgresql_where=text("next_at IS NOT NULL")),
)

obligation = Table(
    "obligation",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("agreement_id", Uuid, nullable=False),
    Column("buyer_id", Uuid, nullable=False),
    Column("seller_id", Uuid, nullable=False),
    Column("parent_id", Uuid, ForeignKey("contracts.obligation.id")),
    Column("path", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("duty", JSONB, nullable=False),
    Column("state", Text, nullable=False),
    Column("due_at", _TIME),
    Column("created_at", _TIME, nullable=False),
    Column("changed_at", _TIME, nullable=False),
    UniqueConstraint("agreement_id", "path", "number"),
    *[Index(f"obligation_{side}", f"{side}_id", "id") for side in ("buyer", "seller")],
    Index("obligation_due", "due_at", postgresql_where=text("state IN ('open', 'due') AND due_at IS NOT NULL")),
)

obligation_evidence = Table(
    "obligation_evidence",
    metadata,
    *_of_obligation(),
    Column("organisation_id", Uuid, nullable=False),
    Column("client_id", Uuid, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("note", JSONB(none_as_null=True)),
    Column("created_at", _TIME, nullable=False),
    Index("obligation_evidence_obligation", "obligation_id", "id"),
)

obligation_step = Table(
    "obligation_step",
    metadata,
    *_of_obligation(),
    Column("state", Text, nullable=False),
    Column("organisation_id", Uuid),
    Column("reason", JSONB(none_as_null=True)),
    Column("due_at", _TIME),
    Column("created_at", _TIME, nullable=False),
    Index("obligation_step_obligation", "obligation_id", "id"),
)

obligation_notice = Table(
    "obligation_notice",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("obligation_id", Uuid, ForeignKey("contracts.obligation.id"), nullable=False),
    Column("agreement_id", Uuid, nullable=False),
    Column("organisation_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("duty", JSONB, nullable=False),
    Column("due_at", _TIME, nullable=False),
    Column("created_at", _TIME, nullable=False),
    UniqueConstraint("obligation_id", "organisation_id", "kind", "due_at"),
    Index("obligation_notice_organisation", "organisation_id", "id"),
)

question = Table(
    "question",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("organisation_id", Uuid, nullable=False),
    Column("client_id", Uuid, nullable=False),
    Column("subject", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("document", LargeBinary, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("created_at", _TIME, nullable=False),
    Index("question_organisation", "organisation_id", "id"),
)
