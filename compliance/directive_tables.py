"""Directives and what follows them as SQLAlchemy Core tables; migrations 0008, 0035 and 0038 are the source."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from compliance.tables import metadata

_TIME = DateTime(timezone=True)

directive = Table(
    "directive",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("issued_by", Uuid, nullable=False),
    Column("reason", JSONB, nullable=False),
    Column("state", Text, nullable=False),
    Column("issued_at", _TIME, nullable=False),
    Column("lifted_by", Uuid),
    Column("lifted_at", _TIME),
    Column("basis", JSONB),
    Column("deadline", _TIME),
    Column("salt", LargeBinary, nullable=False),
    Column("acknowledged_at", _TIME),
    Column("answered_at", _TIME),
    Column("expired_at", _TIME),
    Index("directive_deadline", "deadline", postgresql_where=text("state IN ('issued', 'acknowledged')")),
)

target = Table(
    "directive_target",
    metadata,
    Column("directive_id", Uuid, ForeignKey(directive.c.id), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("target_kind", Text, nullable=False),
    Column("target_id", Uuid, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("since", _TIME, nullable=False),
    Column("basis", JSONB),
    Column("rule", SmallInteger),
    Index("directive_target_active", "target_id", "kind", postgresql_where=text("active")),
)

rule = Table(
    "directive_rule",
    metadata,
    Column("directive_id", Uuid, ForeignKey(directive.c.id), primary_key=True),
    Column("position", SmallInteger, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("licence", Text),
    Column("modality", Text),
    Column("language", Text),
    Column("personal_data", Text),
    Column("cross_border", Boolean),
    Column("active", Boolean, nullable=False),
    Column("basis", JSONB),
    Index("directive_rule_active", "directive_id", "position", postgresql_where=text("active")),
)

notice = Table(
    "directive_notice",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("directive_id", Uuid, ForeignKey(directive.c.id), nullable=False),
    Column("organisation_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("duty", Text, nullable=False),
    Column("document", LargeBinary, nullable=False),
    Column("created_at", _TIME, nullable=False),
    Column("acknowledged_at", _TIME),
    Column("acknowledged_by", Uuid),
    Column("answered_at", _TIME),
    Column("lifted_at", _TIME),
    UniqueConstraint("directive_id", "organisation_id"),
    Index("directive_notice_organisation", "organisation_id", "id"),
)

answer = Table(
    "directive_answer",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("directive_id", Uuid, ForeignKey(directive.c.id), nullable=False),
    Column("notice_id", Uuid, ForeignKey(notice.c.id), nullable=False),
    Column("organisation_id", Uuid, nullable=False),
    Column("text", JSONB, nullable=False),
    Column("late", Boolean, nullable=False),
    Column("created_at", _TIME, nullable=False),
    Index("directive_answer_directive", "directive_id", "id"),
    Index("directive_answer_notice", "notice_id"),
)

file = Table(
    "directive_file",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("answer_id", Uuid, ForeignKey(answer.c.id), nullable=False),
    Column("directive_id", Uuid, nullable=False),
    Column("organisation_id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Index("directive_file_answer", "answer_id"),
)

deferral = Table(
    "directive_deferral",
    metadata,
    Column("directive_id", Uuid, ForeignKey(directive.c.id), primary_key=True),
    Column("place", Text, primary_key=True),
    Column("at", _TIME, nullable=False),
)
