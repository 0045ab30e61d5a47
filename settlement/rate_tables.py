"""The tables of rates and conversions, as migration 0024 makes them, and limits of positions, as 0032 does."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Numeric,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.dialects.postgresql import TIMESTAMP

from settlement.tables import metadata

rate = Table(
    "rate",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("sell", Text, nullable=False),
    Column("buy", Text, nullable=False),
    Column("value", Numeric(24, 12), nullable=False),
    Column("valid_from", TIMESTAMP(timezone=True), nullable=False),
    Column("valid_to", TIMESTAMP(timezone=True), nullable=False),
    Column("source", Text, nullable=False),
    Column("published_by", Uuid, nullable=False),
    Column("published_at", TIMESTAMP(timezone=True), nullable=False),
    UniqueConstraint("sell", "buy", "valid_from"),
    CheckConstraint("sell <> buy"),
    CheckConstraint("value > 0"),
)
conversion = Table(
    "conversion",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("organisation_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("rate_id", Uuid, ForeignKey("settlement.rate.id"), nullable=False),
    Column("value", Numeric(24, 12), nullable=False),
    Column("source", Text, nullable=False),
    Column("sell", Text, nullable=False),
    Column("sold_units", BigInteger, nullable=False),
    Column("buy", Text, nullable=False),
    Column("bought_units", BigInteger, nullable=False),
    Column("remainder", BigInteger, nullable=False),
    Column("converted_at", TIMESTAMP(timezone=True), nullable=False),
    Index("conversion_organisation", "organisation_id", "id"),
    Index("conversion_pair", "sell", "buy", "converted_at"),
)
position_limit = Table(
    "position_limit",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("currency", Text, nullable=False),
    Column("limit_units", BigInteger, nullable=True),
    Column("set_by", Uuid, nullable=False),
    Column("created_at", TIMESTAMP(timezone=True), nullable=False),
    Index("position_limit_currency", "currency", "id"),
)
