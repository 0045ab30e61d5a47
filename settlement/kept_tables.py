"""The tables of payment methods that buyers keep, as migration 0054 makes them."""

from __future__ import annotations

from sqlalchemy import Boolean, CheckConstraint, Column, Index, Integer, Table, UniqueConstraint, text

from exchange.kernel.columns import moment, uuid, words
from settlement.tables import metadata

customer = Table(
    "provider_customer",
    metadata,
    uuid("organisation_id", key=True),
    words("provider_ref"),
    moment("created_at"),
    UniqueConstraint("provider_ref"),
)
kept_method = Table(
    "kept_method",
    metadata,
    uuid("id", key=True),
    uuid("organisation_id"),
    words("given"),
    words("state"),
    words("provider_ref", nullable=True),
    words("setup_ref", nullable=True),
    words("brand", nullable=True),
    words("last4", nullable=True),
    Column("exp_month", Integer),
    Column("exp_year", Integer),
    words("redirect_url", nullable=True),
    words("failure", nullable=True),
    Column("is_default", Boolean, nullable=False, server_default=text("false")),
    moment("created_at"),
    moment("ended_at", nullable=True),
    UniqueConstraint("provider_ref"),
    UniqueConstraint("setup_ref"),
    CheckConstraint("state <> 'active' OR (provider_ref IS NOT NULL AND last4 IS NOT NULL)"),
    CheckConstraint("NOT is_default OR state = 'active'"),
    Index("kept_method_organisation", "organisation_id", "id"),
)
Index("kept_method_default", kept_method.c.organisation_id, unique=True, postgresql_where=text("is_default"))
