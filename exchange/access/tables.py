"""The tables of the schema access, as the migrations make them."""

from __future__ import annotations

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    Date,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from exchange.kernel.columns import moment, uuid

metadata = MetaData(schema="access")


def _grant_as_id() -> Column[object]:
    return Column("id", Uuid, Computed("grant_id", persisted=True))


def _sides() -> tuple[Column[object], Column[object]]:
    return uuid("buyer_id"), uuid("seller_id")


def _record(*, keyed: bool = False) -> tuple[Column[object], ...]:
    return (
        Column("source_id", Integer, nullable=False, primary_key=keyed, autoincrement=False),
        uuid("event_id", key=keyed),
        uuid("grant_id"),
        Column("meter", SmallInteger, nullable=False),
        moment("at"),
        Column("quantity", BigInteger, nullable=False),
        uuid("batch_id"),
    )


grants = Table(
    "grants",
    metadata,
    uuid("id", key=True),
    uuid("order_id"),
    uuid("agreement_id"),
    uuid("offer_id"),
    uuid("listing_id"),
    uuid("dataset_id"),
    uuid("revision_id"),
    *_sides(),
    Column("purposes", ARRAY(Text), nullable=False),
    Column("meters", ARRAY(SmallInteger), nullable=False),
    Column("quota", JSONB, nullable=False),
    moment("starts_at"),
    moment("ends_at", nullable=True),
    Column("state", Text, nullable=False, server_default="active"),
    Column("node_id", Text, nullable=False),
    moment("created_at"),
    moment("changed_at"),
    CheckConstraint("state IN ('active', 'suspended', 'ended')"),
    CheckConstraint("ends_at > starts_at"),
    Index("grants_buyer", "buyer_id", "id"),
    Index("grants_seller", "seller_id", "id"),
    Index("grants_order", "order_id"),
    Index("grants_dataset", "dataset_id", postgresql_where=text("state <> 'ended'")),
)
token = Table(
    "token",
    metadata,
    uuid("id", key=True),
    uuid("grant_id"),
    uuid("buyer_id"),
    moment("expires_at"),
    moment("revoked_at", nullable=True),
    moment("created_at"),
    Index("token_grant", "grant_id", "id"),
)
quota = Table(
    "quota",
    metadata,
    uuid("grant_id", key=True),
    Column("meter", SmallInteger, primary_key=True),
    moment("period_start", key=True),
    Column("limit_units", BigInteger, nullable=False),
    Column("reserved", BigInteger, nullable=False, server_default=text("0")),
    Column("used", BigInteger, nullable=False, server_default=text("0")),
    *_sides(),
    _grant_as_id(),
)
lease = Table(
    "lease",
    metadata,
    uuid("id", key=True),
    uuid("grant_id"),
    Column("meter", SmallInteger, nullable=False),
    moment("period_start"),
    uuid("holder"),
    Column("reserved", BigInteger, nullable=False),
    Column("held", BigInteger, nullable=False, server_default=text("0")),
    Column("used", BigInteger, nullable=False, server_default=text("0")),
    moment("expires_at"),
    Column("state", Text, nullable=False, server_default="open"),
    *_sides(),
)
Index(
    "lease_open",
    lease.c.grant_id,
    lease.c.meter,
    lease.c.period_start,
    lease.c.holder,
    unique=True,
    postgresql_where=text("state = 'open'"),
)
Index("lease_holder", lease.c.holder, postgresql_where=text("state = 'open'"))
custom_meter = Table(
    "custom_meter",
    metadata,
    Column("id", SmallInteger, Identity(always=True, start=1000, minvalue=1000), primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    uuid("organisation_id"),
    moment("created_at"),
    Index("custom_meter_organisation", "organisation_id"),
)
source = Table(
    "source",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    uuid("organisation_id"),
    uuid("client_id"),
    Column("node_id", Text, nullable=False),
    moment("created_at"),
    moment("revoked_at", nullable=True),
    UniqueConstraint("client_id"),
)
usage_batch = Table(
    "usage_batch",
    metadata,
    uuid("id", key=True),
    Column("source_id", Integer, nullable=False),
    Column("key", Text, nullable=False),
    uuid("organisation_id"),
    Column("sha256", LargeBinary, nullable=False),
    Column("accepted", Integer, nullable=False),
    Column("answer", LargeBinary, nullable=False),
    moment("created_at"),
    UniqueConstraint("source_id", "key"),
)
usage_record = Table("usage_record", metadata, *_record(), postgresql_partition_by="RANGE (at)")
usage_late = Table("usage_late", metadata, *_record(keyed=True), Column("day", Date, nullable=False, primary_key=True))
usage_copy = Table("usage_copy", metadata, *_record(), moment("moved_at"))
usage_day = Table(
    "usage_day",
    metadata,
    Column("day", Date, primary_key=True),
    Column("state", Text, nullable=False),
    Column("copies", BigInteger, nullable=False, server_default=text("0")),
    Column("late_counted", BigInteger, nullable=False, server_default=text("0")),
    Column("part", Integer, nullable=False, server_default=text("0")),
    moment("closed_at", nullable=True),
    moment("sealed_at", nullable=True),
    Column("rooted", Integer, nullable=False, server_default=text("-1")),
)
usage_touch = Table("usage_touch", metadata, Column("day", Date, nullable=False), uuid("grant_id"))
Index("usage_touch_day", usage_touch.c.day, usage_touch.c.grant_id)
usage_filter = Table(
    "usage_filter",
    metadata,
    Column("day", Date, primary_key=True),
    Column("keys", BigInteger, nullable=False),
    Column("words", LargeBinary, nullable=False),
    moment("made_at"),
)
usage_exception = Table(
    "usage_exception",
    metadata,
    Column("day", Date, primary_key=True),
    Column("source_id", Integer, primary_key=True, autoincrement=False),
    uuid("event_id", key=True),
    Column("other_day", Date, nullable=False),
    uuid("grant_id"),
    Column("meter", SmallInteger, nullable=False),
    moment("at"),
    Column("quantity", BigInteger, nullable=False),
    uuid("batch_id"),
    moment("found_at"),
    *_sides(),
    _grant_as_id(),
)
usage_correction = Table(
    "usage_correction",
    metadata,
    Column("day", Date, primary_key=True),
    Column("source_id", Integer, primary_key=True, autoincrement=False),
    uuid("event_id", key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("quantity", BigInteger, nullable=False),
    Column("before", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    uuid("grant_id"),
    Column("meter", SmallInteger, nullable=False),
    moment("at"),
    uuid("batch_id"),
    moment("created_at"),
    *_sides(),
    _grant_as_id(),
)
Index("usage_correction_grant", usage_correction.c.grant_id, usage_correction.c.at)
usage_rollup = Table(
    "usage_rollup",
    metadata,
    uuid("grant_id", key=True),
    Column("meter", SmallInteger, primary_key=True),
    moment("quarter", key=True),
    Column("quantity", Numeric(38, 0), nullable=False),
    Column("n", BigInteger, nullable=False),
    Column("final", Boolean, nullable=False),
    *_sides(),
    _grant_as_id(),
)
Index("usage_rollup_quarter", usage_rollup.c.quarter, postgresql_using="brin")
usage_seal = Table(
    "usage_seal",
    metadata,
    Column("day", Date, primary_key=True),
    Column("source_id", Integer, primary_key=True, autoincrement=False),
    uuid("grant_id", key=True),
    Column("part", Integer, primary_key=True, autoincrement=False),
    Column("n", BigInteger, nullable=False),
    Column("root", LargeBinary, nullable=False),
    moment("sealed_at"),
    *_sides(),
    _grant_as_id(),
)
