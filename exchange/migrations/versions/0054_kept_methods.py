"""Payment methods that buyers keep at the payment provider, and the customers that they are kept under."""

from __future__ import annotations

from alembic import op

from exchange.migrations import rules

revision = "0054"
down_revision = "0053"


def upgrade() -> None:
    """Create both tables."""
    op.execute(
        """CREATE TABLE settlement.provider_customer (
            organisation_id uuid PRIMARY KEY, provider_ref text NOT NULL UNIQUE, created_at timestamptz NOT NULL)"""
    )
    rules.facts("settlement.provider_customer")
    rules.own("settlement.provider_customer", "organisation_id")
    op.execute(
        """CREATE TABLE settlement.kept_method (
            id uuid PRIMARY KEY, organisation_id uuid NOT NULL, given text NOT NULL,
            state text NOT NULL CHECK (state IN ('asked', 'confirming', 'active', 'failed', 'removed')),
            provider_ref text UNIQUE, setup_ref text UNIQUE, brand text, last4 text, exp_month int, exp_year int,
            redirect_url text, failure text, is_default boolean NOT NULL DEFAULT false,
            created_at timestamptz NOT NULL, ended_at timestamptz,
            CHECK (state <> 'active' OR (provider_ref IS NOT NULL AND last4 IS NOT NULL)),
            CHECK (NOT is_default OR state = 'active'))"""
    )
    op.execute("CREATE INDEX kept_method_organisation ON settlement.kept_method (organisation_id, id)")
    op.execute("CREATE UNIQUE INDEX kept_method_default ON settlement.kept_method (organisation_id) WHERE is_default")
    rules.states("settlement.kept_method")
    rules.own("settlement.kept_method", "organisation_id")
