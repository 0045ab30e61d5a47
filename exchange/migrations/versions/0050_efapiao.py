"""Data of Chinese e-fapiao: the operator's codes, what was exported, the tax office's numbers and confirmations."""

from __future__ import annotations

from alembic import op

from exchange.migrations import rules

revision = "0050"
down_revision = "0049"


def upgrade() -> None:
    """Create the tables of e-fapiao: all of them facts, so how far an invoice is follows from which rows there are."""
    op.execute(
        """CREATE TABLE settlement.efapiao_codes (
            version int PRIMARY KEY CHECK (version >= 1), document bytea NOT NULL,
            sha256 bytea NOT NULL CHECK (sha256 = sha256(document)), made_by uuid NOT NULL, created_at timestamptz NOT NULL)"""
    )
    op.execute(
        """CREATE TABLE settlement.efapiao_export (
            id uuid PRIMARY KEY, count int NOT NULL CHECK (count >= 1), sha256 bytea NOT NULL, made_by uuid NOT NULL,
            created_at timestamptz NOT NULL)"""
    )
    # What the tax office's platform confirmed before a red-letter invoice.
    op.execute(
        """CREATE TABLE settlement.efapiao_confirmation (
            id uuid PRIMARY KEY REFERENCES settlement.fiscal_document (id),
            number text NOT NULL UNIQUE CHECK (number ~ '^[0-9]{20}$'),
            reason text NOT NULL CHECK (reason IN ('01', '02', '03', '04')), entered_by uuid NOT NULL,
            entered_at timestamptz NOT NULL)"""
    )
    for table in ("codes", "export", "confirmation"):
        rules.facts(f"settlement.efapiao_{table}")
        rules.internal(f"settlement.efapiao_{table}")
    # Named by the paper that it is filled in from: one each. original_id is the paper that a red-letter one takes back from.
    op.execute(
        """CREATE TABLE settlement.efapiao (
            id uuid PRIMARY KEY REFERENCES settlement.fiscal_document (id), buyer_id uuid NOT NULL, seller_id uuid NOT NULL,
            invoice_type text NOT NULL CHECK (invoice_type IN ('81', '82')),
            codes_version int NOT NULL REFERENCES settlement.efapiao_codes (version),
            export_id uuid NOT NULL REFERENCES settlement.efapiao_export (id), original_id uuid, document bytea NOT NULL,
            sha256 bytea NOT NULL CHECK (sha256 = sha256(document)), exported_at timestamptz NOT NULL)"""
    )
    op.execute("CREATE INDEX efapiao_of_export ON settlement.efapiao (export_id, id)")
    op.execute(
        """CREATE TABLE settlement.efapiao_number (
            id uuid PRIMARY KEY REFERENCES settlement.efapiao (id), buyer_id uuid NOT NULL, seller_id uuid NOT NULL,
            number text NOT NULL UNIQUE CHECK (number ~ '^[0-9]{20}$'), issued_on date NOT NULL, entered_by uuid NOT NULL,
            entered_at timestamptz NOT NULL)"""
    )
    for table in ("efapiao", "efapiao_number"):
        rules.facts(f"settlement.{table}")
        rules.two_sided(f"settlement.{table}")
