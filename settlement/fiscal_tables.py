"""The tables of fiscal documents, as migration 0044 makes them."""

from __future__ import annotations

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from exchange.kernel.columns import moment, octets, units, uuid, words
from settlement.tables import metadata

fiscal_document = Table(
    "fiscal_document",
    metadata,
    uuid("id", key=True),
    words("kind"),
    words("about"),
    words("series"),
    Column("number", BigInteger, nullable=False),
    words("name"),
    uuid("seller_id"),
    uuid("buyer_id"),
    uuid("run_id"),
    uuid("account_id"),
    words("currency"),
    units("total_units"),
    units("due_units"),
    units("tax_units"),
    Column("issued_on", Date, nullable=False),
    octets("document"),
    octets("sha256"),
    moment("issued_at"),
    UniqueConstraint("series", "number"),
    CheckConstraint("buyer_id <> seller_id"),
)
Index("fiscal_document_buyer", fiscal_document.c.buyer_id, fiscal_document.c.id)
Index("fiscal_document_seller", fiscal_document.c.seller_id, fiscal_document.c.id)
fiscal_source = Table(
    "fiscal_source",
    metadata,
    Column("document_id", ForeignKey("settlement.fiscal_document.id"), nullable=False),
    words("about"),
    uuid("payee_id"),
    words("source_kind"),
    uuid("source_id"),
    units("net_units"),
    PrimaryKeyConstraint("source_id", "about", "payee_id"),
)
Index("fiscal_source_document", fiscal_source.c.document_id)
fiscal_missing = Table(
    "fiscal_missing",
    metadata,
    uuid("id", key=True),
    words("about"),
    uuid("seller_id"),
    uuid("buyer_id"),
    uuid("run_id"),
    uuid("account_id"),
    words("currency"),
    Column("reasons", ARRAY(Text), nullable=False),
    moment("created_at"),
    moment("closed_at", nullable=True),
)
Index("fiscal_missing_open", fiscal_missing.c.id, postgresql_where=text("closed_at IS NULL"))
self_billing = Table(
    "self_billing",
    metadata,
    uuid("id", key=True),
    uuid("organisation_id"),
    octets("document"),
    octets("sha256"),
    uuid("accepted_by"),
    moment("accepted_at"),
)
Index("self_billing_of", self_billing.c.organisation_id, self_billing.c.id)
self_billing_end = Table(
    "self_billing_end",
    metadata,
    Column("agreement_id", ForeignKey("settlement.self_billing.id"), primary_key=True),
    uuid("organisation_id"),
    uuid("ended_by"),
    moment("ended_at"),
)
