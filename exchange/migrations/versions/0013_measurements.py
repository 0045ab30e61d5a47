"""Measurements of agreed outcomes: what was proposed, what each side said to it, and what both agreed on."""

from __future__ import annotations

from alembic import op

from exchange.migrations import rules

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Create the tables of measurements; where one stands follows from its answers, so nothing ever changes."""
    op.execute(
        """CREATE TABLE contracts.measurement (
            id uuid PRIMARY KEY, grant_id uuid NOT NULL, component text NOT NULL,
            buyer_id uuid NOT NULL, seller_id uuid NOT NULL, evaluator_id uuid NOT NULL,
            document bytea NOT NULL, sha256 bytea NOT NULL, created_at timestamptz NOT NULL,
            CHECK (length(sha256) = 32 AND buyer_id <> seller_id))"""
    )
    op.execute("CREATE INDEX measurement_grant ON contracts.measurement (grant_id, component, id)")
    for side in ("buyer", "seller", "evaluator"):
        op.execute(f"CREATE INDEX measurement_{side} ON contracts.measurement ({side}_id, id)")
    _three_sided("contracts.measurement")
    op.execute(
        """CREATE TABLE contracts.measurement_answer (
            id uuid PRIMARY KEY, measurement_id uuid NOT NULL REFERENCES contracts.measurement (id),
            buyer_id uuid NOT NULL, seller_id uuid NOT NULL, evaluator_id uuid NOT NULL,
            organisation_id uuid NOT NULL, client_id uuid NOT NULL,
            answer text NOT NULL CHECK (answer IN ('accept', 'dispute', 'withdraw')),
            sha256 bytea NOT NULL CHECK (length(sha256) = 32), reason jsonb, created_at timestamptz NOT NULL,
            UNIQUE (measurement_id, organisation_id, answer))"""
    )
    _three_sided("contracts.measurement_answer")
    # One per grant and component: what was charged for once is not measured again.
    op.execute(
        """CREATE TABLE contracts.measurement_agreed (
            id uuid PRIMARY KEY REFERENCES contracts.measurement (id), grant_id uuid NOT NULL, component text NOT NULL,
            buyer_id uuid NOT NULL, seller_id uuid NOT NULL, evaluator_id uuid NOT NULL, value numeric(21, 6) NOT NULL,
            document bytea NOT NULL, sha256 bytea NOT NULL, kid text NOT NULL, signature bytea NOT NULL,
            created_at timestamptz NOT NULL, UNIQUE (grant_id, component),
            CHECK (length(sha256) = 32 AND length(signature) = 64))"""
    )
    _three_sided("contracts.measurement_agreed")


def _three_sided(table: str) -> None:
    rules.facts(table)
    rules.two_sided(table)
    rules.own(table, "evaluator_id")
