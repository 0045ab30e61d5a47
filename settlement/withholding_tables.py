"""The tables of withheld tax, as migration 0049 makes them."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Date, ForeignKey, Index, Integer, Table, UniqueConstraint

from exchange.kernel.columns import moment, octets, units, uuid, words
from settlement.tables import metadata

rule_table = Table(
    "withholding_table",
    metadata,
    uuid("id", key=True),
    octets("document"),
    octets("sha256"),
    uuid("proposed_by"),
    moment("created_at"),
    CheckConstraint("sha256 = sha256(document)"),
)
adoption = Table(
    "withholding_adoption",
    metadata,
    Column("table_id", ForeignKey("settlement.withholding_table.id"), primary_key=True),
    Column("number", Integer, nullable=False),
    uuid("adopted_by"),
    moment("adopted_at"),
    UniqueConstraint("number"),
)
relief = Table(
    "withholding_relief",
    metadata,
    uuid("id", key=True),
    uuid("organisation_id"),
    words("payer"),
    words("income"),
    words("rate"),
    words("number"),
    Column("valid_from", Date, nullable=False),
    Column("valid_to", Date, nullable=False),
    uuid("recorded_by"),
    moment("created_at"),
    Index("withholding_relief_of", "organisation_id", "id"),
)
relief_end = Table(
    "withholding_relief_end",
    metadata,
    Column("relief_id", ForeignKey("settlement.withholding_relief.id"), primary_key=True),
    uuid("organisation_id"),
    uuid("ended_by"),
    moment("ended_at"),
)
withholding = Table(
    "withholding",
    metadata,
    uuid("payout_id", key=True),
    uuid("organisation_id"),
    words("payer"),
    words("payee"),
    words("income"),
    words("currency"),
    units("gross_units"),
    units("withheld_units"),
    words("rate"),
    words("source"),
    uuid("relief_id", nullable=True, of="settlement.withholding_relief"),
    moment("created_at"),
    Index("withholding_of", "organisation_id", "payout_id"),
)
seller_report = Table(
    "seller_report",
    metadata,
    uuid("id", key=True),
    words("kind"),
    words("period"),
    words("currency"),
    Column("number", Integer, nullable=False),
    octets("document"),
    octets("sha256"),
    uuid("made_by"),
    moment("made_at"),
    CheckConstraint("kind IN ('dac7', 'decree-810')"),
    CheckConstraint("number >= 1"),
    CheckConstraint("sha256 = sha256(document)"),
    UniqueConstraint("kind", "period", "currency", "number"),
)
