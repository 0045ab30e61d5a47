"""The tables of acceptance and refunds, as migration 0027 makes them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, Table, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP

from exchange.kernel.columns import uuid, words
from settlement.tables import metadata

acceptance = Table(
    "acceptance",
    metadata,
    uuid("id", key=True),
    uuid("order_id"),
    uuid("buyer_id"),
    uuid("seller_id"),
    words("said"),
    words("ground", nullable=True),
    Column("evidence_sha256", LargeBinary),
    words("outcome", nullable=True),
    uuid("refund_id", nullable=True),
    uuid("organisation_id"),
    Column("created_at", TIMESTAMP(timezone=True), nullable=False),
    UniqueConstraint("order_id", "said"),
)
refund = Table(
    "refund",
    metadata,
    uuid("id", key=True),
    words("source_kind"),
    uuid("source_id"),
    uuid("order_id"),
    uuid("buyer_id"),
    uuid("seller_id"),
    Column("number", Integer, nullable=False),
    Column("amount_units", BigInteger, nullable=False),
    Column("cumulative_units", BigInteger, nullable=False),
    Column("paid_units", BigInteger, nullable=False),
    Column("tax_units", BigInteger, nullable=False),
    Column("receivable_units", BigInteger, nullable=False),
    words("currency"),
    words("reason"),
    Column("explanation", JSONB, nullable=False),
    uuid("cause_id", nullable=True),
    uuid("made_by", nullable=True),
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
