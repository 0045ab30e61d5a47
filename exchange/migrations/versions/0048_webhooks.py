"""Telling others what happened: endpoints with sealed secrets, messages out of the audit log, their deliveries."""

from __future__ import annotations

from alembic import op

from exchange.migrations import rules

revision = "0048"
down_revision = "0047"


def upgrade() -> None:
    """Create the schema of webhooks."""
    rules.schema("webhooks")
    _endpoints()
    _messages()


def _endpoints() -> None:
    op.execute(
        """CREATE TABLE webhooks.endpoint (
            id uuid PRIMARY KEY, organisation_id uuid NOT NULL,
            portal text NOT NULL CHECK (portal IN ('supplier', 'buyer', 'assessor')),
            url text NOT NULL CHECK (length(url) BETWEEN 1 AND 2000), kinds text[] NOT NULL CHECK (cardinality(kinds) > 0),
            label text NOT NULL, state text NOT NULL CHECK (state IN ('active', 'disabled', 'removed')),
            reason text CHECK (reason IN ('owner', 'gone', 'failing')),
            created_by uuid NOT NULL, created_at timestamptz NOT NULL, failing_since timestamptz,
            failures int NOT NULL DEFAULT 0 CHECK (failures >= 0), last_error text, last_ok_at timestamptz,
            CHECK ((state = 'active') = (reason IS NULL)))"""
    )
    op.execute("CREATE INDEX endpoint_organisation ON webhooks.endpoint (organisation_id, portal, id)")
    op.execute("CREATE INDEX endpoint_failing ON webhooks.endpoint (failing_since) WHERE state <> 'removed'")
    rules.states("webhooks.endpoint")
    rules.own("webhooks.endpoint", "organisation_id")
    op.execute(
        """CREATE TABLE webhooks.secret (
            id uuid PRIMARY KEY, endpoint_id uuid NOT NULL REFERENCES webhooks.endpoint, organisation_id uuid NOT NULL,
            sealed_by text NOT NULL, sealed bytea NOT NULL, kid text NOT NULL,
            public bytea NOT NULL CHECK (octet_length(public) = 32), sealed_private bytea NOT NULL,
            created_at timestamptz NOT NULL, ends_at timestamptz)"""
    )
    op.execute("CREATE INDEX secret_endpoint ON webhooks.secret (endpoint_id, id)")
    # A secret that has ended is deleted.
    rules.erasable("webhooks.secret")
    rules.own("webhooks.secret", "organisation_id")


def _messages() -> None:
    op.execute(
        """CREATE TABLE webhooks.message (
            id uuid PRIMARY KEY, organisation_id uuid NOT NULL, portal text NOT NULL, kind text NOT NULL,
            node_id text NOT NULL, leaf_index bigint CHECK (leaf_index >= 0), body bytea NOT NULL,
            created_at timestamptz NOT NULL, UNIQUE (organisation_id, portal, node_id, leaf_index))"""
    )
    op.execute("CREATE INDEX message_organisation ON webhooks.message (organisation_id, portal, id)")
    op.execute("CREATE INDEX message_age ON webhooks.message (created_at)")
    op.execute(
        """CREATE TABLE webhooks.delivery (
            id uuid PRIMARY KEY, message_id uuid NOT NULL REFERENCES webhooks.message,
            endpoint_id uuid NOT NULL REFERENCES webhooks.endpoint, organisation_id uuid NOT NULL, kind text NOT NULL,
            state text NOT NULL CHECK (state IN ('waiting', 'sending', 'delivered', 'failed')),
            step int NOT NULL CHECK (step >= 0), attempts int NOT NULL CHECK (attempts >= step), next_at timestamptz,
            created_at timestamptz NOT NULL, ended_at timestamptz, last_at timestamptz, last_status int, last_ms int,
            last_error text, UNIQUE (endpoint_id, message_id),
            CHECK ((state IN ('waiting', 'sending')) = (next_at IS NOT NULL)),
            CHECK ((state IN ('delivered', 'failed')) = (ended_at IS NOT NULL)))"""
    )
    op.execute("CREATE INDEX delivery_message ON webhooks.delivery (message_id)")
    op.execute(
        "CREATE INDEX delivery_due ON webhooks.delivery (endpoint_id, next_at) WHERE state IN ('waiting', 'sending')"
    )
    op.execute(
        """CREATE TABLE webhooks.attempt (
            delivery_id uuid NOT NULL REFERENCES webhooks.delivery, number int NOT NULL CHECK (number >= 1),
            organisation_id uuid NOT NULL, at timestamptz NOT NULL, status int, ms int NOT NULL CHECK (ms >= 0), error text,
            PRIMARY KEY (delivery_id, number))"""
    )
    # Messages go when their time is over, and what became of them with them.
    for table in ("message", "delivery", "attempt"):
        rules.erasable(f"webhooks.{table}")
        rules.own(f"webhooks.{table}", "organisation_id")
    op.execute(
        "CREATE TABLE webhooks.cursor (node_id text PRIMARY KEY, next_index bigint NOT NULL CHECK (next_index >= 0))"
    )
    rules.states("webhooks.cursor")
    rules.internal("webhooks.cursor")
