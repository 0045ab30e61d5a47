"""Milestones as SQLAlchemy Core tables; migration 0030 is the source."""

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
)
from sqlalchemy.dialects.postgresql import JSONB

from contracts.tables import metadata

_TIME = DateTime(timezone=True)

milestone_report = Table(
    "milestone_report",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("order_id", Uuid, nullable=False),
    Column("grant_id", Uuid, nullable=False),
    Column("component", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("buyer_id", Uuid, nullable=False),
    Column("seller_id", Uuid, nullable=False),
    Column("evidence_sha256", LargeBinary, nullable=False),
    Column("note", JSONB, nullable=False),
    Column("silent_at", _TIME),
    Column("client_id", Uuid, nullable=False),
    Column("created_at", _TIME, nullable=False),
    UniqueConstraint("grant_id", "component", "number"),
    Index("milestone_report_order", "order_id"),
)
milestone_answer = Table(
    "milestone_answer",
    metadata,
    Column("report_id", Uuid, ForeignKey("contracts.milestone_report.id"), primary_key=True),
    Column("buyer_id", Uuid, nullable=False),
    Column("seller_id", Uuid, nullable=False),
    Column("accepted", Boolean, nullable=False),
    Column("reason", JSONB(none_as_null=True)),
    Column("client_id", Uuid, nullable=False),
    Column("created_at", _TIME, nullable=False),
)
milestone_drop = Table(
    "milestone_drop",
    metadata,
    Column("grant_id", Uuid, primary_key=True),
    Column("component", Text, primary_key=True),
    Column("order_id", Uuid, nullable=False),
    Column("buyer_id", Uuid, nullable=False),
    Column("seller_id", Uuid, nullable=False),
    Column("client_id", Uuid, nullable=False),
    Column("created_at", _TIME, nullable=False),
    Index("milestone_drop_order", "order_id"),
)
