"""Use that is held aside, as SQLAlchemy Core tables; migration 0030 is the source."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    Numeric,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

from exchange.access.tables import metadata

_TIME = DateTime(timezone=True)

usage_aside = Table(
    "usage_aside",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("grant_id", Uuid, nullable=False),
    Column("day", Date, nullable=False),
    Column("meter", SmallInteger, nullable=False),
    Column("number", Integer, nullable=False),
    Column("counted", Numeric(38, 0), nullable=False),
    Column("most", Numeric(38, 0), nullable=False),
    Column("why", Text, nullable=False),
    Column("buyer_id", Uuid, nullable=False),
    Column("seller_id", Uuid, nullable=False),
    Column("created_at", _TIME, nullable=False),
    UniqueConstraint("grant_id", "day", "meter", "number"),
    Index("usage_aside_buyer", "buyer_id", "id"),
    Index("usage_aside_seller", "seller_id", "id"),
)
usage_decision = Table(
    "usage_decision",
    metadata,
    Column("aside_id", Uuid, ForeignKey("access.usage_aside.id"), primary_key=True),
    Column("let_through", Boolean, nullable=False),
    Column("reason", JSONB, nullable=False),
    Column("decided_by", Uuid, nullable=False),
    Column("buyer_id", Uuid, nullable=False),
    Column("seller_id", Uuid, nullable=False),
    Column("created_at", _TIME, nullable=False),
)
usage_checked = Table(
    "usage_checked",
    metadata,
    Column("day", Date, primary_key=True),
    Column("sealed_at", _TIME, primary_key=True),
    Column("created_at", _TIME, nullable=False),
)
