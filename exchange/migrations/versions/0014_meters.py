"""Meters that suppliers name themselves, and meters of one data class: the number that rows store for each."""

from __future__ import annotations

from alembic import op

from exchange.migrations import rules

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Create access.custom_meter, and an index over the charges of an offer."""
    # Below 1000 are the numbers that the code fixes. Their names stand in public offers, so everybody may read them.
    op.execute(
        """CREATE TABLE access.custom_meter (
            id smallint GENERATED ALWAYS AS IDENTITY (START WITH 1000 MINVALUE 1000) PRIMARY KEY,
            key text NOT NULL UNIQUE CHECK (length(key) BETWEEN 3 AND 100),
            organisation_id uuid NOT NULL, created_at timestamptz NOT NULL)"""
    )
    op.execute("CREATE INDEX custom_meter_organisation ON access.custom_meter (organisation_id)")
    rules.facts("access.custom_meter")
    rules.public_read("access.custom_meter")
    # What an offer's component has brought in so far, for the proof that public data is sold at cost.
    op.execute("CREATE INDEX charge_offer ON settlement.charge (offer_id, component)")
