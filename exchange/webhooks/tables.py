"""Webhooks as SQLAlchemy Core tables; migration 0048 is the source."""

from __future__ import annotations

from sqlalchemy import ARRAY, BigInteger, Column, Index, Integer, MetaData, Table, Text, UniqueConstraint, text

from exchange.kernel.columns import moment, octets, uuid, words

metadata = MetaData(schema="webhooks")
endpoint = Table(
    "endpoint",
    metadata,
    uuid("id", key=True),
    uuid("organisation_id"),
    words("portal"),
    words("url"),
    Column("kinds", ARRAY(Text), nullable=False),
    words("label"),
    words("state"),
    words("reason", nullable=True),
    uuid("created_by"),
    moment("created_at"),
    moment("failing_since", nullable=True),
    Column("failures", Integer, nullable=False, server_default=text("0")),
    words("last_error", nullable=True),
    moment("last_ok_at", nullable=True),
    Index("endpoint_organisation", "organisation_id", "portal", "id"),
)
Index("endpoint_failing", endpoint.c.failing_since, postgresql_where=text("state <> 'removed'"))
secret = Table(
    "secret",
    metadata,
    uuid("id", key=True),
    uuid("endpoint_id", of="webhooks.endpoint"),
    uuid("organisation_id"),
    words("sealed_by"),
    octets("sealed"),
    words("kid"),
    octets("public"),
    octets("sealed_private"),
    moment("created_at"),
    moment("ends_at", nullable=True),
    Index("secret_endpoint", "endpoint_id", "id"),
)
message = Table(
    "message",
    metadata,
    uuid("id", key=True),
    uuid("organisation_id"),
    words("portal"),
    words("kind"),
    words("node_id"),
    Column("leaf_index", BigInteger),
    octets("body"),
    moment("created_at"),
    UniqueConstraint("organisation_id", "portal", "node_id", "leaf_index"),
    Index("message_organisation", "organisation_id", "portal", "id"),
    Index("message_age", "created_at"),
)
delivery = Table(
    "delivery",
    metadata,
    uuid("id", key=True),
    uuid("message_id", of="webhooks.message"),
    uuid("endpoint_id", of="webhooks.endpoint"),
    uuid("organisation_id"),
    words("kind"),
    words("state"),
    Column("step", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    moment("next_at", nullable=True),
    moment("created_at"),
    moment("ended_at", nullable=True),
    moment("last_at", nullable=True),
    Column("last_status", Integer),
    Column("last_ms", Integer),
    words("last_error", nullable=True),
    UniqueConstraint("endpoint_id", "message_id"),
    Index("delivery_message", "message_id"),
)
Index(
    "delivery_due",
    delivery.c.endpoint_id,
    delivery.c.next_at,
    postgresql_where=text("state IN ('waiting', 'sending')"),
)
attempt = Table(
    "attempt",
    metadata,
    uuid("delivery_id", key=True, of="webhooks.delivery"),
    Column("number", Integer, primary_key=True),
    uuid("organisation_id"),
    moment("at"),
    Column("status", Integer),
    Column("ms", Integer, nullable=False),
    words("error", nullable=True),
)
cursor = Table("cursor", metadata, words("node_id", key=True), Column("next_index", BigInteger, nullable=False))
