"""The tables of acceptance and refunds, as migration 0027 makes them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, Table, Text, UniqueConstraint, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP

from settlement.tables import metadata


def _id(name: str, *, nullable: bool = False, primary_key: bool = False) -> Column[object]:
    return Column(name, Uuid, primary_key=primary_key, nullable=nullable)


def _text(name: str, *, nullable: bool = False) -> Column[object]:
    return Column(name, Text, nullable=nullable)


acceptance = Table(
    "acceptance",
    metadata,
    _id("id", primary_key=True),
    _id("order_id"),
    _id("buyer_id"),
    _id("seller_id"),
    _text("said"),
    _text("ground", nullable=True),
    Column("evidence_sha256", LargeBinary),
    _text("outcome", nullable=True),
    _id("refund_id", nullable=True),
    _id("organisation_id"),
    Column("created_at", TIMESTAMP(timezone=True), nullable=False),
    UniqueConstraint("order_id", "said"),
)
refund = Table(
    "refund",
    metadata,
    _id("id", primary_key=True),
    _text("source_kind"),
    _id("source_id"),
    _id("order_id"),
    _id("buyer_id"),
    _id("seller_id"),
    Column("number", Integer, nullable=False),
    Column("amount_units", BigInteger, nullable=False),
    Column("cumulative_units", BigInteger, nullable=False),
    Column("paid_units", BigInteger, nullable=False),
    Column("tax_units", BigInteger, nullable=False),
    Column("receivable_units", BigInteger, nullable=False),
    _text("currency"),
    _text("reason"),
    Column("explanation", JSONB, nullable=False),
    _id("cause_id", nullable=True),
    _id("made_by", nullable=True),
    Column("created_at", TIMESTAMP(timezone=True), nullable=False),
    UniqueConstraint("source_id", "number"),
    Index("refund_order", "order_id"),
    Index("refund_buyer", "buyer_id", "id"),
    Index("refund_seller", "seller_id", "id"),
)
Index(
    "refund_cause",
    refund.c.cause_id,
    refund.c.source_id,
    unique=True,
    postgresql_where=text("cause_id IS NOT NULL"),
)
