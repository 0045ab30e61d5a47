"""Where a payee's money goes: one destination per rail."""

from __future__ import annotations

from alembic import op

from exchange.migrations import rules

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Create settlement.payout_account."""
    op.execute(
        """CREATE TABLE settlement.payout_account (
            organisation_id uuid NOT NULL, rail text NOT NULL CHECK (rail IN ('stripe', 'bank')), country text NOT NULL,
            destination text, state text NOT NULL CHECK (state IN ('opening', 'restricted', 'active', 'refused')),
            reason text, created_at timestamptz NOT NULL, changed_at timestamptz NOT NULL,
            PRIMARY KEY (organisation_id, rail), UNIQUE (destination),
            CHECK (state IN ('opening', 'refused') OR destination IS NOT NULL))"""
    )
    rules.states("settlement.payout_account")
    rules.own("settlement.payout_account", "organisation_id")
