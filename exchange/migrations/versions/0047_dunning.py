"""Reminding buyers of what they owe: cases, what was said, and the grants that were suspended for it."""

from __future__ import annotations

from alembic import op

from exchange.migrations import rules

revision = "0047"
down_revision = "0046"


def upgrade() -> None:
    """Create cases, notices and suspended grants, and the index of what is unpaid."""
    op.execute(
        """CREATE TABLE settlement.dunning_case (
            id uuid PRIMARY KEY, buyer_id uuid NOT NULL, seller_id uuid NOT NULL, currency text NOT NULL,
            stage text NOT NULL CHECK (stage IN ('opened', 'reminded', 'last_notice', 'suspended', 'closed')),
            opened_at timestamptz NOT NULL, moved_at timestamptz NOT NULL, paused_at timestamptz, closed_at timestamptz,
            CHECK ((stage = 'closed') = (closed_at IS NOT NULL)))"""
    )
    op.execute("CREATE INDEX dunning_case_buyer ON settlement.dunning_case (buyer_id, id)")
    op.execute(
        "CREATE UNIQUE INDEX dunning_case_open ON settlement.dunning_case (buyer_id, seller_id, currency) "
        "WHERE closed_at IS NULL"
    )
    rules.states("settlement.dunning_case")
    rules.two_sided("settlement.dunning_case")
    op.execute(
        """CREATE TABLE settlement.dunning_notice (
            id uuid PRIMARY KEY, case_id uuid NOT NULL REFERENCES settlement.dunning_case, buyer_id uuid NOT NULL,
            seller_id uuid NOT NULL,
            said text NOT NULL CHECK (said IN ('opened', 'reminded', 'last_notice', 'suspended', 'resumed', 'closed')),
            owed_units bigint NOT NULL CHECK (owed_units >= 0),
            paused_units bigint NOT NULL CHECK (paused_units BETWEEN 0 AND owed_units), currency text NOT NULL,
            created_at timestamptz NOT NULL)"""
    )
    op.execute("CREATE INDEX dunning_notice_case ON settlement.dunning_notice (case_id, id)")
    rules.facts("settlement.dunning_notice")
    rules.two_sided("settlement.dunning_notice")
    op.execute(
        """CREATE TABLE settlement.dunning_grant (
            id uuid PRIMARY KEY, case_id uuid NOT NULL REFERENCES settlement.dunning_case, grant_id uuid NOT NULL,
            agreement_id uuid NOT NULL, suspended_at timestamptz NOT NULL, resumed_at timestamptz)"""
    )
    op.execute(
        "CREATE UNIQUE INDEX dunning_grant_open ON settlement.dunning_grant (case_id, grant_id) WHERE resumed_at IS NULL"
    )
    rules.states("settlement.dunning_grant")
    rules.internal("settlement.dunning_grant")
    op.execute("CREATE INDEX due_unpaid ON settlement.due (buyer_id, seller_id, currency) WHERE unpaid_units > 0")
