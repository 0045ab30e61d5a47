"""The tables of split rules, mandates and claims, as migration 0025 makes them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Identity,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB

from exchange.kernel.columns import moment, octets, units, uuid, words
from settlement.tables import metadata


def _signed() -> tuple[Column[object], ...]:
    return (octets("document"), octets("sha256"), words("kid"), octets("signature"), moment("created_at"))


split_rule = Table(
    "split_rule",
    metadata,
    uuid("id", key=True),
    uuid("supplier_id"),
    uuid("dataset_id"),
    words("code"),
    Column("version", Integer, nullable=False),
    words("currency"),
    moment("effective_from"),
    moment("effective_until", nullable=True),
    Column("stateless", Boolean, nullable=False),
    *_signed(),
    UniqueConstraint("dataset_id", "code", "version"),
    CheckConstraint("effective_from < effective_until"),
    Index("split_rule_supplier", "supplier_id", "id"),
)
split_payee = Table(
    "split_payee",
    metadata,
    uuid("rule_id", key=True, of="settlement.split_rule"),
    uuid("organisation_id", key=True),
    Index("split_payee_organisation", "organisation_id", "rule_id"),
)
split_minimum = Table(
    "split_minimum",
    metadata,
    uuid("id", key=True),
    words("role"),
    units("parts"),
    moment("valid_from"),
    uuid("set_by"),
    moment("created_at"),
    UniqueConstraint("role", "valid_from"),
)
split_run = Table(
    "split_run",
    metadata,
    uuid("id", key=True),
    Column("seq", BigInteger, Identity(always=True), nullable=False, unique=True),
    uuid("rule_id", of="settlement.split_rule"),
    words("currency"),
    moment("until"),
    uuid("journal_id", nullable=True),
    moment("created_at"),
    Column("carried", JSONB),
    Index("split_run_rule", "rule_id", "seq"),
)
split_source = Table(
    "split_source",
    metadata,
    uuid("journal_id", key=True),
    Column("line", SmallInteger, primary_key=True, autoincrement=False),
    uuid("run_id", of="settlement.split_run"),
    uuid("source_id"),
    uuid("sale_id"),
    units("amount"),
    Index("split_source_source", "source_id"),
)
split_level = Table(
    "split_level",
    metadata,
    uuid("rule_id", key=True),
    Column("per", Text, primary_key=True),
    Column("period", Text, primary_key=True),
    Column("run_seq", BigInteger, primary_key=True, autoincrement=False),
    units("gross"),
    units("came_in"),
    units("left_over"),
)
split_booked = Table(
    "split_booked",
    metadata,
    uuid("id", key=True),
    uuid("run_id", of="settlement.split_run"),
    units("run_seq"),
    uuid("rule_id"),
    uuid("supplier_id"),
    words("step"),
    words("per"),
    words("period"),
    words("role"),
    uuid("organisation_id", nullable=True),
    units("gross"),
    units("came_in"),
    units("cumulative"),
    units("amount"),
    words("currency"),
    uuid("journal_id"),
    moment("created_at"),
    UniqueConstraint(
        "rule_id", "step", "period", "role", "organisation_id", "run_seq", postgresql_nulls_not_distinct=True
    ),
    Index("split_booked_period", "rule_id", "period"),
    Index("split_booked_payee", "organisation_id", "id"),
    Index("split_booked_supplier", "supplier_id", "id"),
)
mandate = Table(
    "mandate",
    metadata,
    uuid("id", key=True),
    uuid("supplier_id"),
    uuid("broker_id"),
    units("parts"),
    moment("starts_at"),
    moment("ends_at"),
    moment("tail_until"),
    *_signed(),
    Index("mandate_supplier", "supplier_id"),
    Index("mandate_broker", "broker_id"),
)
mandate_end = Table(
    "mandate_end",
    metadata,
    uuid("mandate_id", key=True, of="settlement.mandate"),
    uuid("supplier_id"),
    uuid("broker_id"),
    uuid("ended_by"),
    moment("ends_at"),
    moment("tail_until"),
    *_signed(),
    CheckConstraint("ends_at <= tail_until"),
)
buyer_claim = Table(
    "buyer_claim",
    metadata,
    uuid("id", key=True),
    uuid("mandate_id", of="settlement.mandate"),
    uuid("supplier_id"),
    uuid("broker_id"),
    uuid("buyer_id"),
    octets("evidence_sha256"),
    moment("stands_until"),
    moment("created_at"),
    UniqueConstraint("mandate_id", "buyer_id"),
    Index("buyer_claim_pair", "supplier_id", "buyer_id"),
    Index("buyer_claim_supplier", "supplier_id"),
    Index("buyer_claim_broker", "broker_id"),
)
introduced_sale = Table(
    "introduced_sale",
    metadata,
    uuid("sale_id", key=True),
    uuid("order_id"),
    uuid("mandate_id", of="settlement.mandate"),
    uuid("claim_id", of="settlement.buyer_claim"),
    uuid("supplier_id"),
    uuid("broker_id"),
    moment("created_at"),
    Index("introduced_sale_supplier", "supplier_id"),
    Index("introduced_sale_broker", "broker_id"),
)
