"""The chain of rights of a dataset: declarations, how they ended, where their records are, and who was told."""

from __future__ import annotations

from alembic import op

from exchange.migrations import rules

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Create the tables of rights; a right never changes, its end is a second fact."""
    op.execute(
        """CREATE TABLE contracts.chain_right (
            id uuid PRIMARY KEY, dataset_id uuid NOT NULL, supplier_id uuid NOT NULL, subject text NOT NULL,
            subject_id text NOT NULL, kind text NOT NULL, ends_at timestamptz,
            document bytea NOT NULL, sha256 bytea NOT NULL CHECK (sha256 = sha256(document)), created_at timestamptz NOT NULL,
            UNIQUE (dataset_id, sha256))"""
    )
    op.execute("CREATE INDEX chain_right_dataset ON contracts.chain_right (dataset_id, id)")
    op.execute("CREATE INDEX chain_right_ends ON contracts.chain_right (ends_at) WHERE ends_at IS NOT NULL")
    op.execute(
        """CREATE TABLE contracts.chain_end (
            right_id uuid PRIMARY KEY REFERENCES contracts.chain_right (id), dataset_id uuid NOT NULL,
            supplier_id uuid NOT NULL, state text NOT NULL CHECK (state IN ('withdrawn', 'expired')),
            asks text NOT NULL CHECK (asks IN ('delete', 'stop')), reason jsonb NOT NULL, ended_at timestamptz NOT NULL)"""
    )
    op.execute("CREATE INDEX chain_end_dataset ON contracts.chain_end (dataset_id)")
    # By content and not by path: the same bytes under another name are found again, and searched only once.
    op.execute(
        """CREATE TABLE contracts.chain_trace (
            right_id uuid NOT NULL REFERENCES contracts.chain_right (id), asset_sha256 bytea NOT NULL,
            dataset_id uuid NOT NULL, supplier_id uuid NOT NULL, whole boolean NOT NULL, records bigint NOT NULL,
            examples text[] NOT NULL, created_at timestamptz NOT NULL, PRIMARY KEY (right_id, asset_sha256))"""
    )
    op.execute("CREATE INDEX chain_trace_dataset ON contracts.chain_trace (dataset_id)")
    for table in ("chain_right", "chain_end", "chain_trace"):
        rules.facts(f"contracts.{table}")
        rules.own(f"contracts.{table}", "supplier_id")
    op.execute(
        """CREATE TABLE contracts.rights_notice (
            id uuid PRIMARY KEY, right_id uuid NOT NULL REFERENCES contracts.chain_right (id), grant_id uuid NOT NULL,
            dataset_id uuid NOT NULL, revision_id uuid NOT NULL, buyer_id uuid NOT NULL, seller_id uuid NOT NULL,
            document bytea NOT NULL, created_at timestamptz NOT NULL, UNIQUE (right_id, grant_id))"""
    )
    op.execute("CREATE INDEX rights_notice_buyer ON contracts.rights_notice (buyer_id, id)")
    op.execute("CREATE INDEX rights_notice_dataset ON contracts.rights_notice (dataset_id)")
    rules.facts("contracts.rights_notice")
    rules.two_sided("contracts.rights_notice")
    # Whoever holds a live grant on a dataset is looked for when a right to it ends.
    op.execute("CREATE INDEX grants_dataset ON access.grants (dataset_id) WHERE state <> 'ended'")
    # What everybody may know of the chain of a dataset that is on sale: numbers and limits, no holder and no work.
    op.execute(
        """CREATE TABLE contracts.rights_summary (
            dataset_id uuid PRIMARY KEY, supplier_id uuid NOT NULL, document jsonb NOT NULL, changed_at timestamptz NOT NULL)"""
    )
    rules.states("contracts.rights_summary")
    rules.own("contracts.rights_summary", "supplier_id")
    rules.public_read(
        "contracts.rights_summary",
        "EXISTS (SELECT FROM catalog.listing l WHERE l.dataset_id = rights_summary.dataset_id AND l.state = 'published')",
    )
