"""What a dataset was made of, as its supplier declares it."""

from __future__ import annotations

from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    """Add catalog.dataset.derived_from: a list of upstream datasets with their terms; null where none is declared."""
    op.execute(
        """ALTER TABLE catalog.dataset ADD COLUMN derived_from jsonb
            CHECK (jsonb_typeof(derived_from) = 'array' AND jsonb_array_length(derived_from) BETWEEN 1 AND 50)"""
    )
