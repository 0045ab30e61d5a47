"""Acceptance of deliveries and refunds: what was said of an order, and what went back to its buyer."""

from __future__ import annotations

from alembic import op

from exchange.migrations import rules

revision = "0027"
down_revision = "0026"
_GROUNDS = (
    "('not_delivered', 'incomplete', 'unreadable', 'not_as_described', 'quality_below_stated', 'rights_doubtful', "
    "'personal_data', 'other')"
)
_REASONS = (
    "('rejected', 'goodwill', 'duplicate', 'not_delivered', 'defect', 'wrong_charge', 'revoked', 'breach', 'other')"
)


def upgrade() -> None:
    """Create both tables of facts; silence is written nowhere."""
    op.execute(
        f"""CREATE TABLE settlement.acceptance (
            id uuid PRIMARY KEY, order_id uuid NOT NULL, buyer_id uuid NOT NULL, seller_id uuid NOT NULL,
            said text NOT NULL CHECK (said IN ('accepted', 'rejected', 'decided')), ground text CHECK (ground IN {_GROUNDS}),
            evidence_sha256 bytea CHECK (length(evidence_sha256) = 32), outcome text CHECK (outcome IN ('release', 'refund')),
            refund_id uuid, organisation_id uuid NOT NULL, created_at timestamptz NOT NULL,
            CHECK ((said = 'rejected') = (ground IS NOT NULL)), CHECK ((said = 'rejected') = (evidence_sha256 IS NOT NULL)),
            CHECK ((said = 'decided') = (outcome IS NOT NULL)),
            CHECK ((refund_id IS NOT NULL) = (outcome IS NOT DISTINCT FROM 'refund')), UNIQUE (order_id, said))"""
    )
    rules.facts("settlement.acceptance")
    rules.two_sided("settlement.acceptance")
    # `cumulative_units` is all that has gone back with this one, `paid_units` all that can; `receivable_units` of the
    # amount only made smaller what the buyer still owed.
    op.execute(
        f"""CREATE TABLE settlement.refund (
            id uuid PRIMARY KEY, source_kind text NOT NULL CHECK (source_kind IN ('order', 'charge')), source_id uuid NOT NULL,
            order_id uuid NOT NULL, buyer_id uuid NOT NULL, seller_id uuid NOT NULL, number integer NOT NULL CHECK (number > 0),
            amount_units bigint NOT NULL CHECK (amount_units > 0), cumulative_units bigint NOT NULL,
            paid_units bigint NOT NULL, tax_units bigint NOT NULL CHECK (tax_units BETWEEN 0 AND amount_units),
            receivable_units bigint NOT NULL CHECK (receivable_units BETWEEN 0 AND amount_units), currency text NOT NULL,
            reason text NOT NULL CHECK (reason IN {_REASONS}), explanation jsonb NOT NULL, cause_id uuid, made_by uuid,
            created_at timestamptz NOT NULL, CHECK (cumulative_units BETWEEN amount_units AND paid_units),
            UNIQUE (source_id, number))"""
    )
    op.execute("CREATE INDEX refund_order ON settlement.refund (order_id)")
    for side in ("buyer", "seller"):
        op.execute(f"CREATE INDEX refund_{side} ON settlement.refund ({side}_id, id)")
    op.execute("CREATE UNIQUE INDEX refund_cause ON settlement.refund (cause_id, source_id) WHERE cause_id IS NOT NULL")
    rules.facts("settlement.refund")
    rules.two_sided("settlement.refund")
    op.execute("ALTER TABLE settlement.invoice_line DROP CONSTRAINT invoice_line_source_kind_check")
    op.execute(
        """ALTER TABLE settlement.invoice_line ADD CONSTRAINT invoice_line_source_kind_check
            CHECK (source_kind IN ('order', 'charge', 'tax', 'refund'))"""
    )
