"""The tables of split rules, mandates and claims, as migration 0025 makes them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP

from settlement.tables import metadata


def _id(name: str, *, nullable: bool = False, key: bool = False, of: str | None = None) -> Column[object]:
    reference = () if of is None else (ForeignKey(f"settlement.{of}.id"),)
    return Column(name, Uuid, *reference, nullable=nullable, primary_key=key)


def _time(name: str, *, nullable: bool = False) -> Column[object]:
    return Column(name, TIMESTAMP(timezone=True), nullable=nullable)


def _units(name: str) -> Column[object]:
    return Column(name, BigInteger, nullable=False)


def _text(name: str) -> Column[object]:
    return Column(name, Text, nullable=False)


def _bytes(name: str) -> Column[object]:
    return Column(name, LargeBinary, nullable=False)


def _signed() -> tuple[Column[object], ...]:
    return (_bytes("document"), _bytes("sha256"), _text("kid"), _bytes("signature"), _time("created_at"))


split_rule = Table(
    "split_rule",
    metadata,
    _id("id", key=True),
    _id("supplier_id"),
    _id("dataset_id"),
    _text("code"),
    Column("version", Integer, nullable=False),
    _text("currency"),
    _time("effective_from"),
    _time("effective_until", nullable=True),
    Column("stateless", Boolean, nullable=False),
    *_signed(),
    UniqueConstraint("dataset_id", "code", "version"),
    CheckConstraint("effective_from < effective_until"),
    Index("split_rule_supplier", "supplier_id", "id"),
)
split_payee = Table(
    "split_payee",
    metadata,
    _id("rule_id", key=True, of="split_rule"),
    _id("organisation_id", key=True),
    Index("split_payee_organisation", "organisation_id", "rule_id"),
)
split_minimum = Table(
    "split_minimum",
    metadata,
    _id("id", key=True),
    _text("role"),
    _units("parts"),
    _time("valid_from"),
    _id("set_by"),
    _time("created_at"),
    UniqueConstraint("role", "valid_from"),
)
split_run = Table(
    "split_run",
    metadata,
    _id("id", key=True),
    Column("seq", BigInteger, Identity(always=True), nullable=False, unique=True),
    _id("rule_id", of="split_rule"),
    _text("currency"),
    _time("until"),
    _id("journal_id", nullable=True),
    _time("created_at"),
    Column("carried", JSONB),
    Index("split_run_rule", "rule_id", "seq"),
)
split_source = Table(
    "split_source",
    metadata,
    _id("journal_id", key=True),
    Column("line", SmallInteger, primary_key=True, autoincrement=False),
    _id("run_id", of="split_run"),
    _id("source_id"),
    _id("sale_id"),
    _units("amount"),
    Index("split_source_source", "source_id"),
)
split_level = Table(
    "split_level",
    metadata,
    _id("rule_id", key=True),
    Column("per", Text, primary_key=True),
    Column("period", Text, primary_key=True),
    Column("run_seq", BigInteger, primary_key=True, autoincrement=False),
    _units("gross"),
    _units("came_in"),
    _units("left_over"),
)
split_booked = Table(
    "split_booked",
    metadata,
    _id("id", key=True),
    _id("run_id", of="split_run"),
    _units("run_seq"),
    _id("rule_id"),
    _id("supplier_id"),
    _text("step"),
    _text("per"),
    _text("period"),
    _text("role"),
    _id("organisation_id", nullable=True),
    _units("gross"),
    _units("came_in"),
    _units("cumulative"),
    _units("amount"),
    _text("currency"),
    _id("journal_id"),
    _time("created_at"),
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
    _id("id", key=True),
    _id("supplier_id"),
    _id("broker_id"),
    _units("parts"),
    _time("starts_at"),
    _time("ends_at"),
    _time("tail_until"),
    *_signed(),
    Index("mandate_supplier", "supplier_id"),
    Index("mandate_broker", "broker_id"),
)
mandate_end = Table(
    "mandate_end",
    metadata,
    _id("mandate_id", key=True, of="mandate"),
    _id("supplier_id"),
    _id("broker_id"),
    _id("ended_by"),
    _time("ends_at"),
    _time("tail_until"),
    *_signed(),
    CheckConstraint("ends_at <= tail_until"),
)
buyer_claim = Table(
    "buyer_claim",
    metadata,
    _id("id", key=True),
    _id("mandate_id", of="mandate"),
    _id("supplier_id"),
    _id("broker_id"),
    _id("buyer_id"),
    _bytes("evidence_sha256"),
    _time("stands_until"),
    _time("created_at"),
    UniqueConstraint("mandate_id", "buyer_id"),
    Index("buyer_claim_pair", "supplier_id", "buyer_id"),
    Index("buyer_claim_supplier", "supplier_id"),
    Index("buyer_claim_broker", "broker_id"),
)
introduced_sale = Table(
    "introduced_sale",
    metadata,
    _id("sale_id", key=True),
    _id("order_id"),
    _id("mandate_id", of="mandate"),
    _id("claim_id", of="buyer_claim"),
    _id("supplier_id"),
    _id("broker_id"),
    _time("created_at"),
    Index("introduced_sale_supplier", "supplier_id"),
    Index("introduced_sale_broker", "broker_id"),
)
