"""What every package stands on: idempotency keys, jobs, parties of an object, public keys."""

from __future__ import annotations

from alembic import op

from exchange.migrations import rules

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the schema kernel."""
    rules.schema("kernel")
    op.execute(
        """CREATE FUNCTION kernel.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'facts of %.% are inserted, never changed', TG_TABLE_SCHEMA, TG_TABLE_NAME
              USING ERRCODE = 'integrity_constraint_violation'; END $$"""
    )
    op.execute(
        """CREATE TABLE kernel.party (
            object_id uuid NOT NULL, organisation_id uuid NOT NULL, role text NOT NULL,
            PRIMARY KEY (object_id, organisation_id, role))"""
    )
    rules.facts("kernel.party")
    rules.own("kernel.party", "organisation_id")
    op.execute(
        """CREATE TABLE kernel.idempotency (
            organisation_id uuid NOT NULL, key text NOT NULL, body_sha256 bytea NOT NULL,
            status smallint, answer bytea, created_at timestamptz NOT NULL,
            PRIMARY KEY (organisation_id, key), CHECK (length(key) BETWEEN 1 AND 255)) WITH (fillfactor = 70)"""
    )
    rules.erasable("kernel.idempotency")
    rules.internal("kernel.idempotency")
    _jobs()
    op.execute(
        """CREATE TABLE kernel.public_key (
            kid text PRIMARY KEY, purpose text NOT NULL, public bytea NOT NULL, node_id text NOT NULL,
            created_at timestamptz NOT NULL)"""
    )
    rules.facts("kernel.public_key")
    rules.public_read("kernel.public_key")


def _jobs() -> None:
    op.execute(
        """CREATE TABLE kernel.job (
            id uuid PRIMARY KEY, kind text NOT NULL, dedupe_key text NOT NULL, organisation_id uuid,
            payload jsonb NOT NULL, state text NOT NULL DEFAULT 'queued'
                CHECK (state IN ('queued', 'running', 'done', 'dead', 'cancelled')),
            attempts int NOT NULL DEFAULT 0, attempts_max int NOT NULL, run_at timestamptz NOT NULL,
            locked_until timestamptz, done_count bigint NOT NULL DEFAULT 0, total_count bigint,
            error text, result jsonb, created_at timestamptz NOT NULL, ended_at timestamptz,
            UNIQUE (kind, dedupe_key))"""
    )
    op.execute("CREATE INDEX job_due ON kernel.job (run_at) WHERE state IN ('queued', 'running')")
    rules.erasable("kernel.job")
    rules.own("kernel.job", "organisation_id")
