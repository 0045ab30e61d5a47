"""The tables of dunning, as migration 0047 makes them."""

from __future__ import annotations

from sqlalchemy import Index, Table, text

from exchange.kernel.columns import moment, units, uuid, words
from settlement.tables import due, metadata

dunning_case = Table(
    "dunning_case",
    metadata,
    uuid("id", key=True),
    uuid("buyer_id"),
    uuid("seller_id"),
    words("currency"),
    words("stage"),
    moment("opened_at"),
    moment("moved_at"),
    moment("paused_at", nullable=True),
    moment("closed_at", nullable=True),
    Index("dunning_case_buyer", "buyer_id", "id"),
)
Index(
    "dunning_case_open",
    dunning_case.c.buyer_id,
    dunning_case.c.seller_id,
    dunning_case.c.currency,
    unique=True,
    postgresql_where=text("closed_at IS NULL"),
)
dunning_notice = Table(
    "dunning_notice",
    metadata,
    uuid("id", key=True),
    uuid("case_id", of="settlement.dunning_case"),
    uuid("buyer_id"),
    uuid("seller_id"),
    words("said"),
    units("owed_units"),
    units("paused_units"),
    words("currency"),
    moment("created_at"),
    Index("dunning_notice_case", "case_id", "id"),
)
dunning_grant = Table(
    "dunning_grant",
    metadata,
    uuid("id", key=True),
    uuid("case_id", of="settlement.dunning_case"),
    uuid("grant_id"),
    uuid("agreement_id"),
    moment("suspended_at"),
    moment("resumed_at", nullable=True),
)
Index(
    "dunning_grant_open",
    dunning_grant.c.case_id,
    dunning_grant.c.grant_id,
    unique=True,
    postgresql_where=text("resumed_at IS NULL"),
)
# Looked through once a minute; a sum that is paid leaves it.
Index("due_unpaid", due.c.buyer_id, due.c.seller_id, due.c.currency, postgresql_where=text("unpaid_units > 0"))
