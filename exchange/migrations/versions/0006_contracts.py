"""What was agreed: signed quotes and signed agreements, both facts that buyer and seller may read."""

from __future__ import annotations

from alembic import op

from exchange.migrations import rules

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Create the schema contracts."""
    rules.schema("contracts")
    op.execute(
        """CREATE TABLE contracts.agreement (
            id uuid PRIMARY KEY, order_id uuid NOT NULL, offer_id uuid NOT NULL,
            buyer_id uuid NOT NULL, seller_id uuid NOT NULL,
            document bytea NOT NULL, sha256 bytea NOT NULL, kid text NOT NULL, signature bytea NOT NULL,
            created_at timestamptz NOT NULL,
            CHECK (length(sha256) = 32 AND length(signature) = 64 AND buyer_id <> seller_id))"""
    )
    _sides("agreement")
    op.execute(
        """CREATE TABLE contracts.quote (
            id uuid PRIMARY KEY, buyer_id uuid NOT NULL, seller_id uuid NOT NULL, offer_id uuid NOT NULL,
            document bytea NOT NULL, sha256 bytea NOT NULL, kid text NOT NULL, signature bytea NOT NULL,
            created_at timestamptz NOT NULL, expires_at timestamptz NOT NULL,
            CHECK (length(sha256) = 32 AND length(signature) = 64 AND expires_at > created_at))"""
    )
    _sides("quote")


def _sides(name: str) -> None:
    table = f"contracts.{name}"
    # Ids are UUIDv7: newest first per side is a backward walk over these.
    op.execute(f"CREATE INDEX {name}_buyer ON {table} (buyer_id, id)")
    op.execute(f"CREATE INDEX {name}_seller ON {table} (seller_id, id)")
    rules.facts(table)
    rules.two_sided(table)
