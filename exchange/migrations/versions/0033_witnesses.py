"""Witnesses of the log: who they are, what they cosigned, and where one was caught."""

from __future__ import annotations

from alembic import op

from exchange.migrations import rules

revision = "0033"
down_revision = "0032"


def upgrade() -> None:
    """Create the tables; nothing of them is asked in a purchase."""
    # A name or a key stands for one witness at a time, so that a policy made of the list can be read.
    op.execute(
        """CREATE TABLE compliance.witness (
            id uuid PRIMARY KEY, name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
            public bytea NOT NULL CHECK (octet_length(public) = 32), url text NOT NULL CHECK (length(url) <= 500),
            state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'removed')),
            added_by uuid NOT NULL, added_at timestamptz NOT NULL, removed_at timestamptz,
            seen_size bigint NOT NULL DEFAULT 0 CHECK (seen_size >= 0), seen_at timestamptz,
            fault text, fault_at timestamptz,
            CHECK ((state = 'removed') = (removed_at IS NOT NULL)), CHECK ((fault IS NULL) = (fault_at IS NULL)))"""
    )
    op.execute("CREATE UNIQUE INDEX witness_name ON compliance.witness (name) WHERE state = 'active'")
    op.execute("CREATE UNIQUE INDEX witness_public ON compliance.witness (public) WHERE state = 'active'")
    rules.states("compliance.witness")
    rules.public_read("compliance.witness", "state = 'active'")
    op.execute(
        """CREATE TABLE compliance.cosignature (
            node_id text NOT NULL, size bigint NOT NULL, witness_id uuid NOT NULL REFERENCES compliance.witness (id),
            signature bytea NOT NULL CHECK (octet_length(signature) = 72), created_at timestamptz NOT NULL,
            PRIMARY KEY (node_id, size, witness_id), FOREIGN KEY (node_id, size) REFERENCES compliance.checkpoint)"""
    )
    rules.facts("compliance.cosignature")
    rules.public_read("compliance.cosignature")
    # The first of each kind with what the witness said: one entry of the log for each, however often it lies.
    op.execute(
        """CREATE TABLE compliance.witness_fault (
            id uuid PRIMARY KEY, witness_id uuid NOT NULL REFERENCES compliance.witness (id), kind text NOT NULL,
            size bigint NOT NULL, evidence bytea NOT NULL CHECK (octet_length(evidence) <= 65536),
            created_at timestamptz NOT NULL, UNIQUE (witness_id, kind))"""
    )
    rules.facts("compliance.witness_fault")
    rules.internal("compliance.witness_fault")
