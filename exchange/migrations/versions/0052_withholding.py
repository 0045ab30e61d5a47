"""Tax withheld from payouts, and the papers of offices that lower it."""

from __future__ import annotations

from alembic import op

from exchange.migrations import rules

revision = "0052"
down_revision = "0051"


def upgrade() -> None:
    """Create tables of rules, what was withheld, reliefs and their ends, and reports of sellers."""
    op.execute(
        """CREATE TABLE settlement.withholding_table (
            id uuid PRIMARY KEY, document bytea NOT NULL, sha256 bytea NOT NULL CHECK (sha256 = sha256(document)),
            proposed_by uuid NOT NULL, created_at timestamptz NOT NULL)"""
    )
    op.execute(
        """CREATE TABLE settlement.withholding_adoption (
            table_id uuid PRIMARY KEY REFERENCES settlement.withholding_table (id), number integer NOT NULL UNIQUE,
            adopted_by uuid NOT NULL, adopted_at timestamptz NOT NULL)"""
    )
    for table in ("settlement.withholding_table", "settlement.withholding_adoption"):
        rules.facts(table)
        rules.internal(table)
    op.execute(
        """CREATE TABLE settlement.withholding_relief (
            id uuid PRIMARY KEY, organisation_id uuid NOT NULL, payer text NOT NULL CHECK (payer ~ '^[A-Z]{2}$'),
            income text NOT NULL CHECK (income IN ('royalty', 'service')),
            rate text NOT NULL CHECK (rate ~ '^0(\\.[0-9]{1,6})?$'), number text NOT NULL CHECK (number <> ''),
            valid_from date NOT NULL, valid_to date NOT NULL CHECK (valid_to >= valid_from),
            recorded_by uuid NOT NULL, created_at timestamptz NOT NULL)"""
    )
    op.execute("CREATE INDEX withholding_relief_of ON settlement.withholding_relief (organisation_id, id)")
    rules.facts("settlement.withholding_relief")
    rules.own("settlement.withholding_relief", "organisation_id")
    op.execute(
        """CREATE TABLE settlement.withholding_relief_end (
            relief_id uuid PRIMARY KEY REFERENCES settlement.withholding_relief (id), organisation_id uuid NOT NULL,
            ended_by uuid NOT NULL, ended_at timestamptz NOT NULL)"""
    )
    rules.facts("settlement.withholding_relief_end")
    rules.own("settlement.withholding_relief_end", "organisation_id")
    op.execute(
        """CREATE TABLE settlement.withholding (
            payout_id uuid PRIMARY KEY, organisation_id uuid NOT NULL, payer text NOT NULL, payee text NOT NULL,
            income text NOT NULL CHECK (income IN ('royalty', 'service')), currency text NOT NULL,
            gross_units bigint NOT NULL CHECK (gross_units > 0),
            withheld_units bigint NOT NULL CHECK (withheld_units >= 0 AND withheld_units < gross_units),
            rate text NOT NULL, source text NOT NULL,
            relief_id uuid REFERENCES settlement.withholding_relief (id), created_at timestamptz NOT NULL)"""
    )
    op.execute("CREATE INDEX withholding_of ON settlement.withholding (organisation_id, payout_id)")
    rules.facts("settlement.withholding")
    rules.own("settlement.withholding", "organisation_id")
    op.execute(
        """CREATE TABLE settlement.seller_report (
            id uuid PRIMARY KEY, kind text NOT NULL CHECK (kind IN ('dac7', 'decree-810')), period text NOT NULL,
            currency text NOT NULL, number integer NOT NULL CHECK (number >= 1), document bytea NOT NULL,
            sha256 bytea NOT NULL CHECK (sha256 = sha256(document)), made_by uuid NOT NULL, made_at timestamptz NOT NULL,
            UNIQUE (kind, period, currency, number))"""
    )
    rules.facts("settlement.seller_report")
    rules.internal("settlement.seller_report")
