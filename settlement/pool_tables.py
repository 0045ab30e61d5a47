"""The tables of the incentive pool, of minimum guarantees and of escrow for milestones, as migration 0030 makes them."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    Numeric,
    Table,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import TIMESTAMP

from exchange.kernel.columns import octets, units, uuid, words
from settlement.tables import metadata


def _weight(name: str) -> Column[object]:
    return Column(name, Numeric(40, 0), nullable=False)


def _count(name: str) -> Column[object]:
    return Column(name, Integer, nullable=False)


def _flag(name: str) -> Column[object]:
    return Column(name, Boolean, nullable=False)


def _created() -> Column[object]:
    return Column("created_at", TIMESTAMP(timezone=True), nullable=False)


pool_policy = Table(
    "pool_policy",
    metadata,
    uuid("id", key=True),
    words("currency"),
    _count("version"),
    words("from_month"),
    words("time_zone"),
    words("by"),
    units("parts"),
    uuid("vector_id", nullable=True),
    uuid("set_by"),
    octets("document"),
    octets("sha256"),
    words("kid"),
    octets("signature"),
    _created(),
    UniqueConstraint("currency", "version"),
)
pool_distribution = Table(
    "pool_distribution",
    metadata,
    uuid("id", key=True),
    uuid("policy_id", of="settlement.pool_policy"),
    words("currency"),
    words("month"),
    units("available_units"),
    units("total_units"),
    units("given_units"),
    _weight("whole"),
    uuid("journal_id"),
    uuid("made_by"),
    _created(),
    UniqueConstraint("currency", "month"),
)
pool_share = Table(
    "pool_share",
    metadata,
    uuid("distribution_id", key=True, of="settlement.pool_distribution"),
    uuid("organisation_id", key=True),
    _weight("weight"),
    _weight("before"),
    units("amount_units"),
    Index("pool_share_organisation", "organisation_id", "distribution_id"),
)
split_promise = Table(
    "split_promise",
    metadata,
    uuid("rule_id", key=True, of="settlement.split_rule"),
    words("step", key=True),
    uuid("supplier_id"),
    uuid("organisation_id"),
    words("guarantor"),
    units("amount_units"),
    _flag("recouped"),
    words("currency"),
    Index("split_promise_organisation", "organisation_id"),
    Index("split_promise_supplier", "supplier_id"),
)
split_promise_accepted = Table(
    "split_promise_accepted",
    metadata,
    uuid("rule_id", key=True, of="settlement.split_rule"),
    uuid("accepted_by"),
    _created(),
)
split_guarantee = Table(
    "split_guarantee",
    metadata,
    uuid("id", key=True),
    uuid("rule_id", of="settlement.split_rule"),
    uuid("dataset_id"),
    words("code"),
    words("step"),
    words("period"),
    _count("number"),
    uuid("supplier_id"),
    uuid("organisation_id"),
    words("guarantor"),
    _flag("recouped"),
    units("promised_units"),
    units("got_units"),
    units("outstanding_units"),
    units("cumulative_units"),
    units("amount_units"),
    units("owed_units"),
    words("currency"),
    uuid("journal_id"),
    _created(),
    CheckConstraint("amount_units <> 0"),
    UniqueConstraint("dataset_id", "code", "step", "period", "organisation_id", "number"),
    Index("split_guarantee_payee", "organisation_id", "id"),
    Index("split_guarantee_supplier", "supplier_id", "id"),
)
milestone_escrow = Table(
    "milestone_escrow",
    metadata,
    uuid("order_id", key=True),
    words("component", key=True),
    uuid("hold_id"),
    uuid("buyer_id"),
    uuid("seller_id"),
    units("amount_units"),
    words("currency"),
    _created(),
    UniqueConstraint("hold_id"),
)
