"""The tables of reconciliation, proofs and charts, as migration 0042 makes them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from exchange.kernel.columns import moment, octets, units, uuid, words
from settlement.tables import metadata

_ITEM = ("settlement.recon_item.provider", "settlement.recon_item.txn_id")

recon_item = Table(
    "recon_item",
    metadata,
    words("provider"),
    words("account"),
    words("txn_id"),
    words("currency"),
    words("type"),
    words("category"),
    units("amount_units"),
    units("fee_units"),
    units("net_units"),
    words("source"),
    Column("about", JSONB, nullable=False),
    moment("created_at"),
    moment("available_on"),
    moment("seen_at"),
    PrimaryKeyConstraint("provider", "txn_id"),
)
recon_open = Table(
    "recon_open",
    metadata,
    words("provider"),
    words("txn_id"),
    words("account"),
    words("currency"),
    moment("created_at"),
    PrimaryKeyConstraint("provider", "txn_id"),
    ForeignKeyConstraint(("provider", "txn_id"), _ITEM),
    Index("recon_open_order", "provider", "account", "currency", "created_at", "txn_id"),
)
recon_done = Table(
    "recon_done",
    metadata,
    words("provider"),
    words("txn_id"),
    words("outcome"),
    uuid("resolution_id", nullable=True),
    moment("done_at"),
    PrimaryKeyConstraint("provider", "txn_id"),
    ForeignKeyConstraint(("provider", "txn_id"), _ITEM),
)
recon_journal = Table(
    "recon_journal",
    metadata,
    uuid("journal_id", key=True),
    words("provider"),
    words("txn_id"),
    ForeignKeyConstraint(("provider", "txn_id"), _ITEM),
    Index("recon_journal_item", "provider", "txn_id"),
)
recon_cursor = Table(
    "recon_cursor",
    metadata,
    words("provider"),
    words("account"),
    words("currency"),
    moment("seen_until", nullable=True),
    moment("looked_at", nullable=True),
    Column("recorded", BigInteger, nullable=False, server_default=text("0")),
    words("stopped_txn", nullable=True),
    words("reason", nullable=True),
    words("said", nullable=True),
    moment("stopped_at", nullable=True),
    PrimaryKeyConstraint("provider", "account", "currency"),
)
recon_resolution = Table(
    "recon_resolution",
    metadata,
    uuid("id", key=True),
    words("provider"),
    words("txn_id"),
    words("remedy"),
    uuid("organisation_id", nullable=True),
    words("note"),
    octets("body_sha256"),
    uuid("asked_client"),
    moment("created_at"),
    ForeignKeyConstraint(("provider", "txn_id"), _ITEM),
    Index("recon_resolution_item", "provider", "txn_id", "id"),
)
own_sweep = Table(
    "own_sweep",
    metadata,
    uuid("id", key=True),
    words("currency"),
    units("amount_units"),
    words("note"),
    octets("body_sha256"),
    uuid("asked_client"),
    moment("created_at"),
)
stated_balance = Table(
    "stated_balance",
    metadata,
    uuid("id", key=True),
    words("place"),
    words("currency"),
    units("units"),
    moment("at"),
    words("source"),
    moment("created_at"),
)
Index(
    "stated_balance_newest",
    stated_balance.c.place,
    stated_balance.c.currency,
    stated_balance.c.at.desc(),
    stated_balance.c.id.desc(),
)
money_proof = Table(
    "money_proof",
    metadata,
    uuid("id", key=True),
    Column("day", Date, nullable=False),
    words("currency"),
    moment("at"),
    Column("difference_units", BigInteger, nullable=False),
    Column("short_units", BigInteger, nullable=False),
    Column("complete", Boolean, nullable=False),
    octets("document"),
    octets("sha256"),
)
Index("money_proof_newest", money_proof.c.currency, money_proof.c.at.desc())
chart = Table(
    "chart",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    octets("document"),
    octets("sha256"),
    uuid("made_by"),
    moment("created_at"),
)
