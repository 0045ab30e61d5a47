"""Charges by what they correct: a credit note asks what was given back before of each line of a paper."""

from __future__ import annotations

from alembic import op

revision = "0051"
down_revision = "0050"


def upgrade() -> None:
    """Index the few charges that correct another, or an order."""
    op.execute("CREATE INDEX charge_corrects ON settlement.charge (corrects) WHERE corrects IS NOT NULL")
