"""The tables of reports, samples and the record of processing; migration 0036 is the source."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    Uuid,
)
from sqlalchemy import text as sql

from compliance.tables import metadata

_TIME = DateTime(timezone=True)

report = Table(
    "report",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("requested_by", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("since", _TIME),
    Column("until", _TIME),
    Column("year", Integer),
    Column("size", BigInteger, nullable=False),
    Column("state", Text, nullable=False, server_default=sql("'requested'")),
    Column("row_count", BigInteger),
    Column("finding_count", BigInteger),
    Column("sha256", LargeBinary),
    Column("size_bytes", BigInteger),
    Column("created_at", _TIME, nullable=False),
    Column("ended_at", _TIME),
    Index("report_requested_by", "requested_by", "id"),
)
processing_record = Table(
    "processing_record",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("document", LargeBinary, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("put_by", Uuid, nullable=False),
    Column("client_id", Uuid, nullable=False),
    Column("created_at", _TIME, nullable=False),
    CheckConstraint("sha256 = sha256(document)"),
)
sample = Table(
    "sample",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("revision_id", Uuid, nullable=False),
    Column("supplier_id", Uuid, nullable=False),
    Column("requested_by", Uuid, nullable=False),
    Column("wanted", Integer, nullable=False),
    Column("seed", LargeBinary, nullable=False),
    Column("seed_size", BigInteger),
    Column("state", Text, nullable=False, server_default=sql("'requested'")),
    Column("frame_size", BigInteger),
    Column("frame_root", LargeBinary),
    Column("drawn", Integer),
    Column("sha256", LargeBinary),
    Column("size_bytes", BigInteger),
    Column("created_at", _TIME, nullable=False),
    Column("ended_at", _TIME),
    Index("sample_revision", "revision_id", "id"),
)
sample_result = Table(
    "sample_result",
    metadata,
    Column("sample_id", Uuid, ForeignKey("compliance.sample.id"), primary_key=True),
    Column("judged_by", Uuid, nullable=False),
    Column("client_id", Uuid, nullable=False),
    Column("passed", Integer, nullable=False),
    Column("n", Integer, nullable=False),
    Column("created_at", _TIME, nullable=False),
)
