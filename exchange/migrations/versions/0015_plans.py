"""A supplier's library of price plans: versions that never change, and how each of them stands."""

from __future__ import annotations

from alembic import op

from exchange.migrations import rules

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Create catalog.plan and catalog.plan_standing."""
    op.execute(
        """CREATE TABLE catalog.plan (
            id uuid PRIMARY KEY, supplier_id uuid NOT NULL, code text NOT NULL, version int NOT NULL CHECK (version >= 1),
            title jsonb NOT NULL, document bytea NOT NULL, sha256 bytea NOT NULL CHECK (sha256 = sha256(document)),
            created_at timestamptz NOT NULL, UNIQUE (supplier_id, code, version))"""
    )
    op.execute(
        """CREATE TABLE catalog.plan_standing (
            plan_id uuid PRIMARY KEY REFERENCES catalog.plan, supplier_id uuid NOT NULL, code text NOT NULL,
            state text NOT NULL CHECK (state IN ('current', 'superseded', 'retired')), changed_at timestamptz NOT NULL)"""
    )
    op.execute("CREATE UNIQUE INDEX plan_current ON catalog.plan_standing (supplier_id, code) WHERE state = 'current'")
    rules.facts("catalog.plan")
    rules.states("catalog.plan_standing")
    for table in ("plan", "plan_standing"):
        rules.own(f"catalog.{table}", "supplier_id")
