"""The tables of credit terms, as migration 0043 makes them."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Date, Index, Integer, Table, text

from exchange.kernel.columns import moment, units, uuid, words
from settlement.tables import metadata

credit_line = Table(
    "credit_line",
    metadata,
    uuid("id", key=True),
    uuid("buyer_id"),
    words("currency"),
    units("limit_units"),
    Column("days", Integer, nullable=False),
    Column("purchase_order_required", Boolean, nullable=False),
    words("state"),
    moment("asked_at"),
    moment("active_at", nullable=True),
    moment("ended_at", nullable=True),
)
Index(
    "credit_line_active",
    credit_line.c.buyer_id,
    credit_line.c.currency,
    unique=True,
    postgresql_where=text("state = 'active'"),
)
credit_order = Table(
    "credit_order",
    metadata,
    uuid("order_id", key=True),
    uuid("buyer_id"),
    uuid("seller_id"),
    words("currency"),
    units("price_units"),
    units("unpaid_units"),
    Column("due_on", Date, nullable=False),
    words("purchase_order", nullable=True),
    moment("created_at"),
    Index("credit_order_buyer", "buyer_id", "order_id"),
)
Index(
    "credit_order_due",
    credit_order.c.due_on,
    credit_order.c.order_id,
    postgresql_where=text("unpaid_units > 0"),
)
