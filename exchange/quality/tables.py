"""The tables of the schema quality, as migration 0004 makes them."""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
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
from sqlalchemy.dialects.postgresql import TIMESTAMP

metadata = MetaData(schema="quality")
_TIME = TIMESTAMP(timezone=True)

scorecard = Table(
    "scorecard",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("revision_id", Uuid, nullable=False),
    Column("supplier_id", Uuid, nullable=False),
    Column("method", Text, nullable=False),
    Column("document", LargeBinary, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("score", SmallInteger),
    Column("grade", Text),
    Column("created_at", _TIME, nullable=False),
    UniqueConstraint("revision_id", "method"),
    CheckConstraint("sha256 = sha256(document)"),
    CheckConstraint("score BETWEEN 0 AND 100"),
    CheckConstraint("grade IN ('A', 'B', 'C', 'D', 'E')"),
    Index("scorecard_supplier", "supplier_id", "id"),
)
disclosure = Table(
    "disclosure",
    metadata,
    Column("scorecard_id", Uuid, ForeignKey("quality.scorecard.id"), primary_key=True),
    Column("created_at", _TIME, nullable=False),
)
assessment = Table(
    "assessment",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("revision_id", Uuid, nullable=False),
    Column("scorecard_id", Uuid, ForeignKey("quality.scorecard.id"), nullable=False),
    Column("supplier_id", Uuid, nullable=False),
    Column("assessor_id", Uuid, nullable=False),
    Column("state", Text, nullable=False),
    Column("created_at", _TIME, nullable=False),
    Column("changed_at", _TIME, nullable=False),
    CheckConstraint("state IN ('requested', 'accepted', 'declined', 'signed')"),
    CheckConstraint("assessor_id <> supplier_id"),
    Index("assessment_supplier", "supplier_id", "id"),
    Index("assessment_assessor", "assessor_id", "id"),
    Index("assessment_scorecard", "scorecard_id", "assessor_id"),
    Index(
        "assessment_open",
        "revision_id",
        "assessor_id",
        unique=True,
        postgresql_where=text("state IN ('requested', 'accepted')"),
    ),
)
certificate = Table(
    "certificate",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("assessment_id", Uuid, ForeignKey("quality.assessment.id"), nullable=False),
    Column("revision_id", Uuid, nullable=False),
    Column("scorecard_id", Uuid, ForeignKey("quality.scorecard.id"), nullable=False),
    Column("supplier_id", Uuid, nullable=False),
    Column("assessor_id", Uuid, nullable=False),
    Column("document", LargeBinary, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("kid", Text, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Column("issued_at", _TIME, nullable=False),
    Column("valid_until", _TIME, nullable=False),
    UniqueConstraint("assessment_id"),
    CheckConstraint("sha256 = sha256(document)"),
    CheckConstraint("length(signature) = 64"),
    CheckConstraint("valid_until > issued_at"),
    Index("certificate_revision", "revision_id", "issued_at"),
)
