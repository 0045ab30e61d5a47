"""What payees dispute among themselves keeps nobody from disputing the sale: one open case of each kind of question."""

from __future__ import annotations

from alembic import op

revision = "0055"
down_revision = "0054"


def upgrade() -> None:
    """One open case of a sale, and one of each payee against each other payee."""
    op.execute("DROP INDEX settlement.dispute_once")
    op.execute(
        "CREATE UNIQUE INDEX dispute_once ON settlement.dispute (source_id) WHERE state <> 'closed' AND kind <> 'split'"
    )
    op.execute(
        "CREATE UNIQUE INDEX dispute_split_once ON settlement.dispute (source_id, giver_id, taker_id) "
        "WHERE state <> 'closed' AND kind = 'split'"
    )
