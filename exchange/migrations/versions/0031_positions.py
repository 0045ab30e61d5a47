"""Limits of the exchange's open positions: how much of a currency it may have taken in, or given out, by conversions."""

from __future__ import annotations

from alembic import op

from exchange.migrations import rules

revision = "0031"
down_revision = "0030"


def upgrade() -> None:
    """Create the table; a limit is never changed but followed by the next one, and one without an amount lifts it."""
    op.execute(
        """CREATE TABLE settlement.position_limit (
            id uuid PRIMARY KEY, currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
            limit_units bigint CHECK (limit_units >= 0), set_by uuid NOT NULL, created_at timestamptz NOT NULL)"""
    )
    op.execute("CREATE INDEX position_limit_currency ON settlement.position_limit (currency, id)")
    rules.facts("settlement.position_limit")
    rules.internal("settlement.position_limit")
