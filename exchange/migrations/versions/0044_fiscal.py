"""Fiscal documents: what was issued, what each of them bills, what could not be issued yet, and agreements on self-billing."""

from __future__ import annotations

from alembic import op

from exchange.migrations import rules

revision = "0044"
down_revision = "0043"

_ABOUT = "about text NOT NULL CHECK (about IN ('sale', 'fee', 'share'))"


def upgrade() -> None:
    """Create the tables of fiscal documents."""
    # A number is taken in the transaction that writes the row, so a series has no gap; account_id is the run's invoice or
    # statement that it bills.
    op.execute(
        f"""CREATE TABLE settlement.fiscal_document (
            id uuid PRIMARY KEY, kind text NOT NULL CHECK (kind IN ('380', '381', '389', '261')), {_ABOUT},
            series text NOT NULL, number bigint NOT NULL CHECK (number >= 1), name text NOT NULL,
            seller_id uuid NOT NULL, buyer_id uuid NOT NULL CHECK (buyer_id <> seller_id), run_id uuid NOT NULL,
            account_id uuid NOT NULL, currency text NOT NULL, total_units bigint NOT NULL, due_units bigint NOT NULL,
            tax_units bigint NOT NULL, issued_on date NOT NULL, document bytea NOT NULL,
            sha256 bytea NOT NULL CHECK (sha256 = sha256(document)), issued_at timestamptz NOT NULL,
            UNIQUE (series, number), CHECK ((kind IN ('389', '261')) = (about = 'share')))"""
    )
    op.execute("CREATE INDEX fiscal_document_buyer ON settlement.fiscal_document (buyer_id, id)")
    op.execute("CREATE INDEX fiscal_document_seller ON settlement.fiscal_document (seller_id, id)")
    rules.facts("settlement.fiscal_document")
    rules.two_sided("settlement.fiscal_document")
    # Nothing is billed twice: not a sale to its buyer, not a fee to its seller, not a share to its payee.
    op.execute(
        f"""CREATE TABLE settlement.fiscal_source (
            document_id uuid NOT NULL REFERENCES settlement.fiscal_document (id), {_ABOUT}, payee_id uuid NOT NULL,
            source_kind text NOT NULL CHECK (source_kind IN ('order', 'charge', 'refund')), source_id uuid NOT NULL,
            net_units bigint NOT NULL, PRIMARY KEY (source_id, about, payee_id))"""
    )
    op.execute("CREATE INDEX fiscal_source_document ON settlement.fiscal_source (document_id)")
    rules.facts("settlement.fiscal_source")
    rules.internal("settlement.fiscal_source")
    op.execute(
        f"""CREATE TABLE settlement.fiscal_missing (
            id uuid PRIMARY KEY, {_ABOUT}, seller_id uuid NOT NULL, buyer_id uuid NOT NULL, run_id uuid NOT NULL,
            account_id uuid NOT NULL, currency text NOT NULL, reasons text[] NOT NULL CHECK (cardinality(reasons) > 0),
            created_at timestamptz NOT NULL, closed_at timestamptz)"""
    )
    op.execute("CREATE INDEX fiscal_missing_open ON settlement.fiscal_missing (id) WHERE closed_at IS NULL")
    rules.states("settlement.fiscal_missing")
    rules.internal("settlement.fiscal_missing")
    op.execute(
        """CREATE FUNCTION settlement.fiscal_missing_closes() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF OLD.closed_at IS NOT NULL OR NEW.closed_at IS NULL OR (NEW.id, NEW.reasons, NEW.about, NEW.account_id)
                IS DISTINCT FROM (OLD.id, OLD.reasons, OLD.about, OLD.account_id) THEN
                RAISE EXCEPTION 'what is missing is closed once, and nothing else of it changes'
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NEW;
        END $$"""
    )
    op.execute(
        "CREATE TRIGGER fiscal_missing_closes BEFORE UPDATE ON settlement.fiscal_missing "
        "FOR EACH ROW EXECUTE FUNCTION settlement.fiscal_missing_closes()"
    )
    op.execute(
        """CREATE TABLE settlement.self_billing (
            id uuid PRIMARY KEY, organisation_id uuid NOT NULL, document bytea NOT NULL,
            sha256 bytea NOT NULL CHECK (sha256 = sha256(document)), accepted_by uuid NOT NULL,
            accepted_at timestamptz NOT NULL)"""
    )
    op.execute("CREATE INDEX self_billing_of ON settlement.self_billing (organisation_id, id)")
    rules.facts("settlement.self_billing")
    rules.own("settlement.self_billing", "organisation_id")
    op.execute(
        """CREATE TABLE settlement.self_billing_end (
            agreement_id uuid PRIMARY KEY REFERENCES settlement.self_billing (id), organisation_id uuid NOT NULL,
            ended_by uuid NOT NULL, ended_at timestamptz NOT NULL)"""
    )
    rules.facts("settlement.self_billing_end")
    rules.own("settlement.self_billing_end", "organisation_id")
