"""Data contracts: their versions, how revisions stood to them, who was told, and what was credited."""

from __future__ import annotations

from alembic import op

from exchange.migrations import rules

revision = "0019"
down_revision = "0018"

_ON_SALE = "EXISTS (SELECT FROM catalog.listing l WHERE l.dataset_id = {0}.dataset_id AND l.state = 'published')"
_THIS_ON_SALE = "EXISTS (SELECT FROM catalog.listing l WHERE l.revision_id = {0}.revision_id AND l.state = 'published')"


def upgrade() -> None:
    """Create the tables; a contract is never changed but followed by its next version."""
    op.execute(
        """CREATE TABLE contracts.data_contract (
            id uuid PRIMARY KEY, dataset_id uuid NOT NULL, supplier_id uuid NOT NULL, number integer NOT NULL CHECK (number > 0),
            document bytea NOT NULL, sha256 bytea NOT NULL CHECK (sha256 = sha256(document)), created_at timestamptz NOT NULL,
            UNIQUE (dataset_id, number))"""
    )
    op.execute(
        """CREATE TABLE contracts.data_contract_check (
            id uuid PRIMARY KEY, contract_id uuid NOT NULL REFERENCES contracts.data_contract (id), dataset_id uuid NOT NULL,
            revision_id uuid NOT NULL, supplier_id uuid NOT NULL, broken integer NOT NULL CHECK (broken >= 0),
            on_breach text NOT NULL CHECK (on_breach IN ('stop', 'flag')), document bytea NOT NULL,
            created_at timestamptz NOT NULL, UNIQUE (revision_id))"""
    )
    op.execute("CREATE INDEX data_contract_check_dataset ON contracts.data_contract_check (dataset_id, id)")
    for table, condition in (("data_contract", _ON_SALE), ("data_contract_check", _THIS_ON_SALE)):
        rules.facts(f"contracts.{table}")
        rules.own(f"contracts.{table}", "supplier_id")
        rules.public_read(f"contracts.{table}", condition.format(table))
    op.execute(
        """CREATE TABLE contracts.breach_notice (
            id uuid PRIMARY KEY, check_id uuid NOT NULL REFERENCES contracts.data_contract_check (id), grant_id uuid NOT NULL,
            dataset_id uuid NOT NULL, revision_id uuid NOT NULL, buyer_id uuid NOT NULL, seller_id uuid NOT NULL,
            document bytea NOT NULL, created_at timestamptz NOT NULL, UNIQUE (check_id, grant_id))"""
    )
    op.execute("CREATE INDEX breach_notice_buyer ON contracts.breach_notice (buyer_id, id)")
    rules.facts("contracts.breach_notice")
    rules.two_sided("contracts.breach_notice")
    # `cause_id` is the check that found the breach; `short_units` is what the seller had no money here for.
    op.execute(
        """CREATE TABLE settlement.service_credit (
            id uuid PRIMARY KEY, cause_id uuid NOT NULL, grant_id uuid NOT NULL, buyer_id uuid NOT NULL, seller_id uuid NOT NULL,
            amount_units bigint NOT NULL CHECK (amount_units > 0), short_units bigint NOT NULL CHECK (short_units >= 0),
            currency text NOT NULL, period_start timestamptz NOT NULL, explanation jsonb NOT NULL, created_at timestamptz NOT NULL,
            UNIQUE (cause_id, grant_id))"""
    )
    op.execute("CREATE INDEX service_credit_period ON settlement.service_credit (grant_id, period_start)")
    op.execute("CREATE INDEX service_credit_buyer ON settlement.service_credit (buyer_id, id)")
    rules.facts("settlement.service_credit")
    rules.two_sided("settlement.service_credit")
