"""The chargebacks of an order that are not decided are found by their order."""

from __future__ import annotations

from alembic import op

revision = "0053"
down_revision = "0052"


def upgrade() -> None:
    """One small index: only what is not decided stands in it."""
    op.execute("CREATE INDEX chargeback_live ON settlement.chargeback (order_id) WHERE withdrawn AND closed_at IS NULL")
