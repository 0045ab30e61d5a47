"""The tables of calls to the payment provider and of what waits for a person, as migration 0038 makes them."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index, Integer, LargeBinary, Table, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB

from exchange.kernel.columns import moment, octets, uuid, words
from settlement.tables import metadata

provider_call = Table(
    "provider_call",
    metadata,
    uuid("id", key=True),
    words("kind"),
    uuid("object_id"),
    Column("step", Integer, nullable=False),
    words("key"),
    octets("request"),
    Column("request_sha256", LargeBinary, nullable=False),
    words("state"),
    words("provider_id", nullable=True),
    words("code", nullable=True),
    Column("attempts", Integer, nullable=False),
    moment("first_sent_at"),
    moment("sent_at"),
    moment("answered_at", nullable=True),
    UniqueConstraint("key"),
    UniqueConstraint("kind", "object_id", "step"),
    CheckConstraint("step >= 1"),
    CheckConstraint("attempts >= 1"),
)
Index(
    "provider_call_once",
    provider_call.c.kind,
    provider_call.c.object_id,
    unique=True,
    postgresql_where=text("state = 'done' AND kind <> 'payout'"),
)
Index(
    "provider_call_under_way",
    provider_call.c.kind,
    provider_call.c.object_id,
    unique=True,
    postgresql_where=text("state IN ('sent', 'unknown')"),
)
call_pace = Table("call_pace", metadata, words("name", key=True), moment("next_at"))
event_cursor = Table("event_cursor", metadata, words("account", key=True), moment("seen_until"))
open_item = Table(
    "open_item",
    metadata,
    uuid("id", key=True),
    words("kind"),
    words("subject"),
    Column("account", Text),
    Column("about", JSONB, nullable=False),
    Column("seen", Integer, nullable=False, server_default=text("1")),
    moment("opened_at"),
    moment("last_at"),
    moment("closed_at", nullable=True),
    uuid("closed_by", nullable=True),
    words("note", nullable=True),
)
Index(
    "open_item_once",
    open_item.c.kind,
    open_item.c.subject,
    unique=True,
    postgresql_where=text("closed_at IS NULL"),
)
