"""The tables of holds and closed periods, as migration 0023 makes them."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import TIMESTAMP

from settlement.tables import metadata

hold = Table(
    "hold",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("organisation_id", Uuid, nullable=False),
    Column("account_id", BigInteger, nullable=False),
    Column("held_id", BigInteger, nullable=False),
    Column("amount_units", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("tag", Uuid),
    Column("expires_at", TIMESTAMP(timezone=True)),
    Column("created_at", TIMESTAMP(timezone=True), nullable=False),
    CheckConstraint("amount_units > 0"),
    Index("hold_organisation", "organisation_id", "id"),
)
hold_end = Table(
    "hold_end",
    metadata,
    Column("hold_id", Uuid, primary_key=True),
    Column("organisation_id", Uuid, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("to_account_id", BigInteger),
    Column("amount_units", BigInteger, nullable=False),
    Column("created_at", TIMESTAMP(timezone=True), nullable=False),
)
hold_open = Table(
    "hold_open",
    metadata,
    Column("hold_id", Uuid, primary_key=True),
    Column("due_at", TIMESTAMP(timezone=True)),
)
Index("hold_open_due", hold_open.c.due_at, hold_open.c.hold_id, postgresql_where=text("due_at IS NOT NULL"))
closed_period = Table(
    "closed_period",
    metadata,
    Column("currency", Text, primary_key=True),
    Column("period_end", TIMESTAMP(timezone=True), primary_key=True),
    Column("accounts", BigInteger, nullable=False),
    Column("entries", BigInteger, nullable=False),
    Column("closed_at", TIMESTAMP(timezone=True), nullable=False),
)
account_period = Table(
    "account_period",
    metadata,
    Column("account_id", BigInteger, primary_key=True, autoincrement=False),
    Column("period_end", TIMESTAMP(timezone=True), primary_key=True),
    Column("closing", BigInteger, nullable=False),
    Column("entries", BigInteger, nullable=False),
    Column("last_journal", Uuid, nullable=False),
)
