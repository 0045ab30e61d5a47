"""Exports that go on where they were cut: their parts, finished bundles, and what belongs to the object they are about."""

from __future__ import annotations

from alembic import op

from exchange.migrations import rules

revision = "0034"
down_revision = "0033"


def upgrade() -> None:
    """Pin a request's checkpoint and forms, let it be cancelled, and make room for the parts."""
    op.execute(
        """ALTER TABLE compliance.export
            ADD note bytea, ADD since_size bigint, ADD formats text[] NOT NULL DEFAULT '{}', ADD closure bytea, ADD delivery bytea,
            ADD disclosure jsonb,
            DROP CONSTRAINT export_state_check,
            ADD CONSTRAINT export_state_check CHECK (state IN ('requested', 'running', 'done', 'failed', 'cancelled', 'erased'))"""
    )
    # What was asked for before has no pinned checkpoint, and its job could not make the new form of a bundle.
    op.execute(
        """UPDATE compliance.export SET state = 'failed', ended_at = created_at, problem = 'asked for before an update'
           WHERE state IN ('requested', 'running')"""
    )
    op.execute(
        """CREATE TABLE compliance.export_object (
            closure bytea NOT NULL, object_id text NOT NULL, PRIMARY KEY (closure, object_id))"""
    )
    rules.facts("compliance.export_object")
    rules.internal("compliance.export_object")
    # Whom a bundle with opened records tells of, so that their erasure reaches it.
    op.execute(
        """CREATE TABLE compliance.export_subject (
            export_id uuid NOT NULL, subject_id uuid NOT NULL,
            sha256 bytea NOT NULL CHECK (octet_length(sha256) = 32), PRIMARY KEY (export_id, subject_id))"""
    )
    op.execute("CREATE INDEX export_subject_by_subject ON compliance.export_subject (subject_id)")
    rules.erasable("compliance.export_subject")
    rules.internal("compliance.export_subject")
    op.execute(
        """CREATE TABLE compliance.export_part (
            bundle bytea NOT NULL, number bigint NOT NULL CHECK (number >= 0), member text NOT NULL,
            sha256 bytea NOT NULL CHECK (octet_length(sha256) = 32), packed_bytes bigint NOT NULL CHECK (packed_bytes >= 0),
            crc32 bigint NOT NULL CHECK (crc32 BETWEEN 0 AND 4294967295), size_bytes bigint NOT NULL CHECK (size_bytes >= 0),
            notes bytea[] NOT NULL, entry_count bigint NOT NULL CHECK (entry_count >= 0), created_at timestamptz NOT NULL,
            PRIMARY KEY (bundle, number, member))"""
    )
    rules.erasable("compliance.export_part")
    rules.internal("compliance.export_part")
    op.execute(
        """CREATE TABLE compliance.export_bundle (
            bundle bytea PRIMARY KEY CHECK (octet_length(bundle) = 32),
            sha256 bytea NOT NULL CHECK (octet_length(sha256) = 32), size_bytes bigint NOT NULL, entry_count bigint NOT NULL,
            created_at timestamptz NOT NULL)"""
    )
    rules.facts("compliance.export_bundle")
    rules.internal("compliance.export_bundle")
