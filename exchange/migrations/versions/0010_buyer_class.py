"""What kind of buyer an organisation is: as it says itself, and as the operator confirmed."""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"

_CLASSES = "('academic', 'small_company', 'large_company', 'public_body')"


def upgrade() -> None:
    """Add the claimed and the confirmed class, and to decisions the class that each one confirmed."""
    op.execute(
        f"""ALTER TABLE parties.organisation
            ADD COLUMN buyer_class_claimed text CHECK (buyer_class_claimed IN {_CLASSES}),
            ADD COLUMN buyer_class text CHECK (buyer_class IN {_CLASSES}),
            ADD CONSTRAINT organisation_class_of_verified CHECK (buyer_class IS NULL OR state = 'verified')"""
    )
    op.execute(
        f"""ALTER TABLE parties.decision
            ADD COLUMN buyer_class text CHECK (buyer_class IN {_CLASSES}),
            ADD CONSTRAINT decision_class_of_verified CHECK (buyer_class IS NULL OR to_state = 'verified')"""
    )
