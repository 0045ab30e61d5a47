"""The log, its witnesses and its exports as SQLAlchemy Core tables; migrations 0008 and 0032 to 0034 are the source."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import UserDefinedType

metadata = MetaData(schema="compliance")
_TIME = DateTime(timezone=True)


class Xid8(UserDefinedType[int]):
    """PostgreSQL's 64-bit transaction id."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """The type's name in SQL."""
        return "xid8"


class PgSnapshot(UserDefinedType[str]):
    """Which of PostgreSQL's transactions had ended at a moment."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """The type's name in SQL."""
        return "pg_snapshot"


audit_entry = Table(
    "audit_entry",
    metadata,
    Column("seq", BigInteger, Identity(always=True), primary_key=True),
    Column("id", Uuid, nullable=False),
    Column("node_id", Text, nullable=False),
    Column("xid", Xid8, nullable=False, server_default=text("pg_current_xact_id()")),
    Column("organisation_ids", ARRAY(Uuid), nullable=False),
    Column("action", Text, nullable=False),
    Column("object_id", Text),
    Column("envelope", LargeBinary, nullable=False),
    Column("created_at", _TIME, nullable=False),
    Index("audit_entry_order", "node_id", "xid", "seq"),
    Index("audit_entry_object", "object_id", "seq"),
    Index("audit_entry_written", "created_at", postgresql_using="brin", postgresql_with={"autosummarize": True}),
)

audit_leaf = Table(
    "audit_leaf",
    metadata,
    Column("node_id", Text, primary_key=True),
    Column("leaf_index", BigInteger, primary_key=True),
    Column("entry_seq", BigInteger, nullable=False),
    Column("leaf_hash", LargeBinary, nullable=False),
    UniqueConstraint("entry_seq"),
)

tile = Table(
    "tile",
    metadata,
    Column("node_id", Text, primary_key=True),
    Column("level", SmallInteger, primary_key=True),
    Column("number", BigInteger, primary_key=True),
    Column("width", SmallInteger, nullable=False),
    Column("data", LargeBinary, nullable=False),
)

checkpoint = Table(
    "checkpoint",
    metadata,
    Column("node_id", Text, primary_key=True),
    Column("size", BigInteger, primary_key=True),
    Column("root", LargeBinary, nullable=False),
    Column("note", LargeBinary, nullable=False),
    Column("created_at", _TIME, nullable=False),
)

log_state = Table(
    "log_state",
    metadata,
    Column("node_id", Text, primary_key=True),
    Column("size", BigInteger, nullable=False, server_default=text("0")),
    Column("frontier", LargeBinary, nullable=False, server_default=text("''")),
    Column("cursor_xid", Xid8, nullable=False, server_default=text("'0'")),
    Column("cursor_seq", BigInteger, nullable=False, server_default=text("0")),
    Column("floor_seq", BigInteger, nullable=False, server_default=text("0")),
    Column("base_snapshot", PgSnapshot, nullable=False, server_default=text("'1:1:'")),
    Column("target_snapshot", PgSnapshot),
    Column("marks", ARRAY(Text), nullable=False, server_default=text("'{}'")),
)

witness = Table(
    "witness",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    Column("public", LargeBinary, nullable=False),
    Column("url", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("added_by", Uuid, nullable=False),
    Column("added_at", _TIME, nullable=False),
    Column("removed_at", _TIME),
    Column("seen_size", BigInteger, nullable=False),
    Column("seen_at", _TIME),
    Column("fault", Text),
    Column("fault_at", _TIME),
    Index("witness_name", "name", unique=True, postgresql_where=text("state = 'active'")),
    Index("witness_public", "public", unique=True, postgresql_where=text("state = 'active'")),
)

cosignature = Table(
    "cosignature",
    metadata,
    Column("node_id", Text, primary_key=True),
    Column("size", BigInteger, primary_key=True),
    Column("witness_id", Uuid, ForeignKey("compliance.witness.id"), primary_key=True),
    Column("signature", LargeBinary, nullable=False),
    Column("created_at", _TIME, nullable=False),
    ForeignKeyConstraint(("node_id", "size"), ("compliance.checkpoint.node_id", "compliance.checkpoint.size")),
)

witness_fault = Table(
    "witness_fault",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("witness_id", Uuid, ForeignKey("compliance.witness.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("evidence", LargeBinary, nullable=False),
    Column("created_at", _TIME, nullable=False),
    UniqueConstraint("witness_id", "kind"),
)

export = Table(
    "export",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("requested_by", Uuid, nullable=False),
    Column("node_id", Text, nullable=False),
    Column("scope", JSONB, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("earlier_size", BigInteger),
    Column("legal_basis", Text),
    Column("state", Text, nullable=False),
    Column("entry_count", BigInteger, nullable=False),
    Column("next_index", BigInteger, nullable=False),
    Column("file_key", Text),
    Column("sha256", LargeBinary),
    Column("size_bytes", BigInteger),
    Column("problem", Text),
    Column("created_at", _TIME, nullable=False),
    Column("ended_at", _TIME),
    Column("note", LargeBinary),
    Column("since_size", BigInteger),
    Column("formats", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("closure", LargeBinary),
    Column("delivery", LargeBinary),
    Column("disclosure", JSONB(none_as_null=True)),
    Index("export_requested_by", "requested_by", "id"),
)

export_subject = Table(
    "export_subject",
    metadata,
    Column("export_id", Uuid, primary_key=True),
    Column("subject_id", Uuid, primary_key=True),
    Column("sha256", LargeBinary, nullable=False),
    Index("export_subject_by_subject", "subject_id"),
)

export_object = Table(
    "export_object",
    metadata,
    Column("closure", LargeBinary, primary_key=True),
    Column("object_id", Text, primary_key=True),
)

export_part = Table(
    "export_part",
    metadata,
    Column("bundle", LargeBinary, primary_key=True),
    Column("number", BigInteger, primary_key=True),
    Column("member", Text, primary_key=True),
    Column("sha256", LargeBinary, nullable=False),
    Column("packed_bytes", BigInteger, nullable=False),
    Column("crc32", BigInteger, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("notes", ARRAY(LargeBinary), nullable=False),
    Column("entry_count", BigInteger, nullable=False),
    Column("created_at", _TIME, nullable=False),
)

export_bundle = Table(
    "export_bundle",
    metadata,
    Column("bundle", LargeBinary, primary_key=True),
    Column("sha256", LargeBinary, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("entry_count", BigInteger, nullable=False),
    Column("created_at", _TIME, nullable=False),
)
