"""Money that goes back through the payment provider: refunds to cards, chargebacks, recoveries; more ways to pay; what accounts lack."""

from __future__ import annotations

from alembic import op

from exchange.migrations import rules

revision = "0041"
down_revision = "0040"
_CALLS = "'charge', 'transfer', 'payout', 'account', 'checkout', 'refund', 'reversal', 'file', 'evidence'"


def upgrade() -> None:
    """Create the three tables; let calls, payments and payout accounts say more."""
    _card_refunds()
    _chargebacks()
    _recoveries()
    op.execute("ALTER TABLE settlement.provider_call DROP CONSTRAINT provider_call_kind_check")
    op.execute(
        f"ALTER TABLE settlement.provider_call ADD CONSTRAINT provider_call_kind_check CHECK (kind IN ({_CALLS}))"
    )
    op.execute(
        "ALTER TABLE settlement.payment ADD COLUMN redirect_url text, ADD COLUMN qr_code text, ADD COLUMN session_ref text UNIQUE"
    )
    op.execute("ALTER TABLE settlement.payment DROP CONSTRAINT payment_method_check")
    op.execute(
        """ALTER TABLE settlement.payment ADD CONSTRAINT payment_method_check
            CHECK (method IN ('card', 'bank', 'alipay', 'wechat_pay', 'sepa_debit', 'checkout'))"""
    )
    op.execute("ALTER TABLE settlement.payout_account ADD COLUMN due text[] NOT NULL DEFAULT '{}'")
    op.execute("ALTER TABLE settlement.refund DROP CONSTRAINT refund_reason_check")
    op.execute(
        """ALTER TABLE settlement.refund ADD CONSTRAINT refund_reason_check CHECK (reason IN ('rejected', 'goodwill',
            'duplicate', 'not_delivered', 'defect', 'wrong_charge', 'revoked', 'breach', 'chargeback', 'other'))"""
    )


def _card_refunds() -> None:
    op.execute(
        """CREATE TABLE settlement.card_refund (
            id uuid PRIMARY KEY, organisation_id uuid NOT NULL, payment_id uuid NOT NULL,
            amount_units bigint NOT NULL CHECK (amount_units > 0), currency text NOT NULL,
            state text NOT NULL CHECK (state IN ('created', 'pending', 'succeeded', 'failed')),
            provider_ref text UNIQUE, failure text, created_at timestamptz NOT NULL, finished_at timestamptz)"""
    )
    op.execute("CREATE INDEX card_refund_organisation ON settlement.card_refund (organisation_id, id)")
    op.execute("CREATE INDEX card_refund_payment ON settlement.card_refund (payment_id)")
    rules.states("settlement.card_refund")
    rules.own("settlement.card_refund", "organisation_id")


def _chargebacks() -> None:
    op.execute(
        """CREATE TABLE settlement.chargeback (
            id uuid PRIMARY KEY, provider_ref text NOT NULL UNIQUE, payment_id uuid NOT NULL, organisation_id uuid NOT NULL,
            order_id uuid, amount_units bigint NOT NULL CHECK (amount_units > 0), currency text NOT NULL, reason text NOT NULL,
            state text NOT NULL CHECK (state IN ('inquiry', 'needs_response', 'under_review', 'won', 'lost', 'closed')),
            withdrawn boolean NOT NULL, reinstated boolean NOT NULL, fee_units bigint NOT NULL CHECK (fee_units >= 0),
            fee_currency text NOT NULL, due_at timestamptz, evidence_sha256 bytea, note text, answered_at timestamptz,
            covered_units bigint NOT NULL DEFAULT 0 CHECK (covered_units BETWEEN 0 AND amount_units),
            created_at timestamptz NOT NULL, closed_at timestamptz, CHECK (withdrawn OR NOT reinstated))"""
    )
    op.execute("CREATE INDEX chargeback_payment ON settlement.chargeback (payment_id)")
    rules.states("settlement.chargeback")
    rules.internal("settlement.chargeback")


def _recoveries() -> None:
    op.execute(
        """CREATE TABLE settlement.recovery (
            id uuid PRIMARY KEY, payout_id uuid NOT NULL, organisation_id uuid NOT NULL,
            wanted_units bigint NOT NULL CHECK (wanted_units > 0), currency text NOT NULL,
            state text NOT NULL CHECK (state IN ('created', 'done', 'refused')), brought_units bigint CHECK (brought_units > 0),
            provider_ref text UNIQUE, failure text, created_at timestamptz NOT NULL, finished_at timestamptz,
            CHECK ((state = 'done') = (brought_units IS NOT NULL AND provider_ref IS NOT NULL)))"""
    )
    op.execute("CREATE INDEX recovery_organisation ON settlement.recovery (organisation_id, id)")
    op.execute("CREATE INDEX recovery_payout ON settlement.recovery (payout_id)")
    rules.states("settlement.recovery")
    rules.own("settlement.recovery", "organisation_id")
