"""The tables of banks, payees' accounts and batches, as migration 0043 makes them."""

from __future__ import annotations

from sqlalchemy import Column, Date, ForeignKey, Index, Integer, LargeBinary, Table, UniqueConstraint, Uuid, text

from exchange.kernel.columns import moment, octets, units, uuid, words
from settlement.tables import metadata

bank_account = Table(
    "bank_account",
    metadata,
    uuid("id", key=True),
    words("kind"),
    words("currency"),
    words("scheme"),
    words("last4"),
    octets("digest"),
    uuid("sealed_for"),
    Column("sealed", LargeBinary, nullable=False),
    moment("opened_at"),
    moment("closed_at", nullable=True),
)
Index(
    "bank_account_once",
    bank_account.c.digest,
    bank_account.c.currency,
    unique=True,
    postgresql_where=text("closed_at IS NULL"),
)
Index(
    "bank_account_client",
    bank_account.c.currency,
    unique=True,
    postgresql_where=text("kind = 'client' AND closed_at IS NULL"),
)
bank_statement = Table(
    "bank_statement",
    metadata,
    uuid("id", key=True),
    Column("account_id", Uuid, ForeignKey("settlement.bank_account.id"), nullable=False),
    words("reference"),
    octets("sha256"),
    units("opening_units"),
    units("closing_units"),
    words("currency"),
    Column("entries", Integer, nullable=False),
    moment("received_at"),
    moment("matched_at", nullable=True),
    UniqueConstraint("account_id", "reference"),
)
payout_destination = Table(
    "payout_destination",
    metadata,
    uuid("id", key=True),
    uuid("organisation_id"),
    words("scheme"),
    Column("version", Integer, nullable=False),
    words("last4"),
    octets("digest"),
    octets("fingerprint"),
    Column("sealed", LargeBinary, nullable=False),
    words("state"),
    moment("asked_at"),
    moment("usable_from"),
    moment("active_at", nullable=True),
    moment("ended_at", nullable=True),
    UniqueConstraint("organisation_id", "scheme", "version"),
)
for _state in ("asked", "active"):
    Index(
        f"payout_destination_{_state}",
        payout_destination.c.organisation_id,
        payout_destination.c.scheme,
        unique=True,
        postgresql_where=text(f"state = '{_state}'"),
    )
payout_batch = Table(
    "payout_batch",
    metadata,
    uuid("id", key=True),
    Column("account_id", Uuid, ForeignKey("settlement.bank_account.id"), nullable=False),
    words("currency"),
    words("form"),
    Column("execution_date", Date, nullable=False),
    words("state"),
    octets("sha256"),
    Column("count", Integer, nullable=False),
    units("total_units"),
    moment("made_at"),
    moment("exported_at", nullable=True),
    Column("file_sha256", LargeBinary),
    Column("stored_sha256", LargeBinary),
    Column("stored_bytes", Integer),
)
payout_batch_item = Table(
    "payout_batch_item",
    metadata,
    Column("batch_id", Uuid, ForeignKey("settlement.payout_batch.id"), primary_key=True),
    Column("payout_id", Uuid, primary_key=True),
    Column("position", Integer, nullable=False),
    uuid("organisation_id"),
    units("amount_units"),
    uuid("destination_id"),
    Column("fingerprint", LargeBinary, nullable=False),
    words("dropped", nullable=True),
)
Index(
    "payout_batch_item_once",
    payout_batch_item.c.payout_id,
    unique=True,
    postgresql_where=text("dropped IS NULL"),
)
