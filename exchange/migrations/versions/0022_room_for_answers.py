"""Room beside each idempotency key for the answer that the same transaction adds, so that no index is written twice."""

from __future__ import annotations

from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    """Leave four fifths of each page of kernel.idempotency to the answers: they stay on their key's page (HOT)."""
    op.execute("ALTER TABLE kernel.idempotency SET (fillfactor = 20)")
