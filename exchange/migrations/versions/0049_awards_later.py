"""A share that was decided about before it was released waits for its release under the name of its new payee."""

from __future__ import annotations

from alembic import op

revision = "0049"
down_revision = "0048"


def upgrade() -> None:
    """Say of a stop to whom its share goes once it is released; of all stops so far, to nobody."""
    op.execute("ALTER TABLE settlement.dispute_stop ADD COLUMN award_to uuid")
