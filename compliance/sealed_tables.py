"""Subjects and what is sealed of them, as SQLAlchemy Core tables; migration 0037 is the source."""

from __future__ import annotations

from sqlalchemy import Column, DateTime, Index, LargeBinary, Table, Text, Uuid, text

from compliance.tables import metadata

_TIME = DateTime(timezone=True)

subject = Table(
    "subject",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("organisation_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False, server_default="kept"),
    Column("created_at", _TIME, nullable=False),
    Column("asked_at", _TIME),
    Column("asked_by", Uuid),
    Column("erased_at", _TIME),
    Index("subject_by_organisation", "organisation_id", "id"),
    Index("subject_to_erase", "id", postgresql_where=text("state <> 'kept'")),
)

sealed = Table(
    "sealed",
    metadata,
    Column("entry_id", Uuid, primary_key=True),
    Column("subject_id", Uuid, primary_key=True),
    Column("reference", LargeBinary, nullable=False),
    Column("commitment", LargeBinary, nullable=False),
    Column("sealed", LargeBinary),
    Column("created_at", _TIME, nullable=False),
    Column("erased_at", _TIME),
    Index("sealed_by_subject", "subject_id"),
)

salt = Table(
    "salt",
    metadata,
    Column("entry_id", Uuid, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("salt", LargeBinary, nullable=False),
)
