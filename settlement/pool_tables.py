"""The tables of the incentive pool, of minimum guarantees and of escrow for milestones, as migration 0030 makes them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.dialects.postgresql import TIMESTAMP

from settlement.tables import metadata


def _id(name: str, *, nullable: bool = False, key: bool = False, of: str | None = None) -> Column[object]:
    reference = () if of is None else (ForeignKey(f"settlement.{of}.id"),)
    return Column(name, Uuid, *reference, nullable=nullable, primary_key=key)


def _text(name: str, *, key: bool = False) -> Column[object]:
    return Column(name, Text, nullable=False, primary_key=key)


def _units(name: str) -> Column[object]:
    return Column(name, BigInteger, nullable=False)


def _weight(name: str) -> Column[object]:
    return Column(name, Numeric(40, 0), nullable=False)


def _count(name: str) -> Column[object]:
    return Column(name, Integer, nullable=False)


def _flag(name: str) -> Column[object]:
    return Column(name, Boolean, nullable=False)


def _created() -> Column[object]:
    return Column("created_at", TIMESTAMP(timezone=True), nullable=False)


def _bytes(name: str) -> Column[object]:
    return Column(name, LargeBinary, nullable=False)


pool_policy = Table(
    "pool_policy",
    metadata,
    _id("id", key=True),
    _text("currency"),
    _count("version"),
    _text("from_month"),
    _text("time_zone"),
    _text("by"),
    _units("parts"),
    _id("vector_id", nullable=True),
    _id("set_by"),
    _bytes("document"),
    _bytes("sha256"),
    _text("kid"),
    _bytes("signature"),
    _created(),
    UniqueConstraint("currency", "version"),
)
pool_distribution = Table(
    "pool_distribution",
    metadata,
    _id("id", key=True),
    _id("policy_id", of="pool_policy"),
    _text("currency"),
    _text("month"),
    _units("available_units"),
    _units("total_units"),
    _units("given_units"),
    _weight("whole"),
    _id("journal_id"),
    _id("made_by"),
    _created(),
    UniqueConstraint("currency", "month"),
)
pool_share = Table(
    "pool_share",
    metadata,
    _id("distribution_id", key=True, of="pool_distribution"),
    _id("organisation_id", key=True),
    _weight("weight"),
    _weight("before"),
    _units("amount_units"),
    Index("pool_share_organisation", "organisation_id", "distribution_id"),
)
split_promise = Table(
    "split_promise",
    metadata,
    _id("rule_id", key=True, of="split_rule"),
    _text("step", key=True),
    _id("supplier_id"),
    _id("organisation_id"),
    _text("guarantor"),
    _units("amount_units"),
    _flag("recouped"),
    _text("currency"),
    Index("split_promise_organisation", "organisation_id"),
    Index("split_promise_supplier", "supplier_id"),
)
split_promise_accepted = Table(
    "split_promise_accepted",
    metadata,
    _id("rule_id", key=True, of="split_rule"),
    _id("accepted_by"),
    _created(),
)
split_guarantee = Table(
    "split_guarantee",
    metadata,
    _id("id", key=True),
    _id("rule_id", of="split_rule"),
    _id("dataset_id"),
    _text("code"),
    _text("step"),
    _text("period"),
    _count("number"),
    _id("supplier_id"),
    _id("organisation_id"),
    _text("guarantor"),
    _flag("recouped"),
    _units("promised_units"),
    _units("got_units"),
    _units("outstanding_units"),
    _units("cumulative_units"),
    _units("amount_units"),
    _units("owed_units"),
    _text("currency"),
    _id("journal_id"),
    _created(),
    CheckConstraint("amount_units <> 0"),
    UniqueConstraint("dataset_id", "code", "step", "period", "organisation_id", "number"),
    Index("split_guarantee_payee", "organisation_id", "id"),
    Index("split_guarantee_supplier", "supplier_id", "id"),
)
milestone_escrow = Table(
    "milestone_escrow",
    metadata,
    _id("order_id", key=True),
    _text("component", key=True),
    _id("hold_id"),
    _id("buyer_id"),
    _id("seller_id"),
    _units("amount_units"),
    _text("currency"),
    _created(),
    UniqueConstraint("hold_id"),
)
