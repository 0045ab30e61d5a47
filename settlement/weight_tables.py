"""Weight vectors as SQLAlchemy Core tables; migration 0026 is the source."""

from __future__ import annotations

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.dialects.postgresql import TIMESTAMP

from settlement.tables import metadata

_TIME = TIMESTAMP(timezone=True)
_ORDER = "settlement.weight_order.id"

weight_order = Table(
    "weight_order",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("subject", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("utility", Text, nullable=False),
    Column("ordered_by", Uuid, nullable=False),
    Column("asked", ARRAY(Uuid), nullable=False),
    Column("document", LargeBinary, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("created_at", _TIME, nullable=False),
    CheckConstraint("sha256 = sha256(document)"),
)
weight_member = Table(
    "weight_member",
    metadata,
    Column("order_id", Uuid, ForeignKey(_ORDER), primary_key=True),
    Column("organisation_id", Uuid, primary_key=True),
    Index("weight_member_organisation", "organisation_id", "order_id"),
)
weight_answer = Table(
    "weight_answer",
    metadata,
    Column("order_id", Uuid, ForeignKey(_ORDER), primary_key=True),
    Column("organisation_id", Uuid, primary_key=True),
    Column("client_id", Uuid, nullable=False),
    Column("agrees", Boolean, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("created_at", _TIME, nullable=False),
    CheckConstraint("length(sha256) = 32"),
)
weight_vector = Table(
    "weight_vector",
    metadata,
    Column("order_id", Uuid, ForeignKey(_ORDER), primary_key=True),
    Column("subject", Text, nullable=False),
    Column("ordered_by", Uuid, nullable=False),
    Column("version", Integer, nullable=False),
    Column("document", LargeBinary, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("kid", Text, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Column("inputs", LargeBinary, nullable=False),
    Column("inputs_sha256", LargeBinary, nullable=False),
    Column("created_at", _TIME, nullable=False),
    UniqueConstraint("ordered_by", "subject", "version"),
    CheckConstraint("version > 0"),
    CheckConstraint("sha256 = sha256(document) AND inputs_sha256 = sha256(inputs) AND length(signature) = 64"),
)
record_set = Table(
    "record_set",
    metadata,
    Column("revision_id", Uuid, primary_key=True),
    Column("organisation_id", Uuid, nullable=False),
    Column("method", Text, nullable=False),
    Column("records", BigInteger, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("created_at", _TIME, nullable=False),
    CheckConstraint("records >= 0"),
    CheckConstraint("length(sha256) = 32"),
)
record_digests = Table(
    "record_digests",
    metadata,
    Column("revision_id", Uuid, primary_key=True),
    Column("part", SmallInteger, primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("digests", LargeBinary, nullable=False),
    CheckConstraint("part BETWEEN 0 AND 15"),
    CheckConstraint("length(digests) BETWEEN 16 AND 1792 AND length(digests) % 16 = 0"),
)
