"""Statements get columns for refunds, taxes, holds and what was withheld."""

from __future__ import annotations

from alembic import op

revision = "0045"
down_revision = "0044"

_NEW = ("refunds_units", "taxes_units", "holds_units", "withheld_units")


def upgrade() -> None:
    """Add the columns: what was issued before has nothing in them, so that its sums stay what they were."""
    added = ", ".join(f"ADD COLUMN {name} bigint NOT NULL DEFAULT 0" for name in _NEW)
    op.execute(f"ALTER TABLE settlement.statement {added}")
    op.execute("ALTER TABLE settlement.statement DROP CONSTRAINT statement_check")
    op.execute(
        f"""ALTER TABLE settlement.statement ADD CONSTRAINT statement_check CHECK (closing_units = opening_units + sales_units
            + fees_units + shares_units + {" + ".join(_NEW)} + payouts_units + adjustments_units)"""
    )
