"""The tables of money that goes back: refunds to cards, chargebacks, recoveries; as migration 0041 makes them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Index, LargeBinary, Table, UniqueConstraint, text

from exchange.kernel.columns import moment, units, uuid, words
from settlement.tables import metadata

card_refund = Table(
    "card_refund",
    metadata,
    uuid("id", key=True),
    uuid("organisation_id"),
    uuid("payment_id"),
    units("amount_units"),
    words("currency"),
    words("state"),
    words("provider_ref", nullable=True),
    words("failure", nullable=True),
    moment("created_at"),
    moment("finished_at", nullable=True),
    UniqueConstraint("provider_ref"),
    Index("card_refund_organisation", "organisation_id", "id"),
    Index("card_refund_payment", "payment_id"),
)
chargeback = Table(
    "chargeback",
    metadata,
    uuid("id", key=True),
    words("provider_ref"),
    uuid("payment_id"),
    uuid("organisation_id"),
    uuid("order_id", nullable=True),
    units("amount_units"),
    words("currency"),
    words("reason"),
    words("state"),
    Column("withdrawn", Boolean, nullable=False),
    Column("reinstated", Boolean, nullable=False),
    Column("fee_units", BigInteger, nullable=False),
    words("fee_currency"),
    moment("due_at", nullable=True),
    Column("evidence_sha256", LargeBinary),
    words("note", nullable=True),
    moment("answered_at", nullable=True),
    Column("covered_units", BigInteger, nullable=False, server_default=text("0")),
    moment("created_at"),
    moment("closed_at", nullable=True),
    UniqueConstraint("provider_ref"),
    CheckConstraint("covered_units BETWEEN 0 AND amount_units"),
    Index("chargeback_payment", "payment_id"),
    Index("chargeback_live", "order_id", postgresql_where=text("withdrawn AND closed_at IS NULL")),
)
recovery = Table(
    "recovery",
    metadata,
    uuid("id", key=True),
    uuid("payout_id"),
    uuid("organisation_id"),
    units("wanted_units"),
    words("currency"),
    words("state"),
    Column("brought_units", BigInteger),
    words("provider_ref", nullable=True),
    words("failure", nullable=True),
    moment("created_at"),
    moment("finished_at", nullable=True),
    UniqueConstraint("provider_ref"),
    Index("recovery_organisation", "organisation_id", "id"),
    Index("recovery_payout", "payout_id"),
)
