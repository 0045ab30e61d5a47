"""Mandates that end early, what rules carry over, pools, guarantees, milestones, and use that is held for a person."""

from __future__ import annotations

from alembic import op

from exchange.migrations import rules

revision = "0031"
down_revision = "0027"
_BOTH = f"supplier_id = {rules.CURRENT} OR broker_id = {rules.CURRENT}"
_SIGNED = (
    "document bytea NOT NULL, sha256 bytea NOT NULL CHECK (length(sha256) = 32), kid text NOT NULL, "
    "signature bytea NOT NULL, created_at timestamptz NOT NULL"
)


def upgrade() -> None:
    """Create the tables; all of them hold facts."""
    _mandates()
    # From where the steps per lifetime of a run went on: what earlier versions of the rule had taken by then.
    op.execute("ALTER TABLE settlement.split_run ADD COLUMN carried jsonb")


def _mandates() -> None:
    # A mandate ends once before its term; `tail_until` is its tail, counted from there.
    op.execute(
        f"""CREATE TABLE settlement.mandate_end (
            mandate_id uuid PRIMARY KEY REFERENCES settlement.mandate (id), supplier_id uuid NOT NULL, broker_id uuid NOT NULL,
            ended_by uuid NOT NULL, ends_at timestamptz NOT NULL, tail_until timestamptz NOT NULL, {_SIGNED},
            CHECK (ends_at <= tail_until), CHECK (ended_by IN (supplier_id, broker_id)))"""
    )
    rules.facts("settlement.mandate_end")
    rules.public_read("settlement.mandate_end", _BOTH)
