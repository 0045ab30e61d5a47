"""Settlement runs: of a region, given up before they book, previewed; and what of the past a run still has to look at."""

from __future__ import annotations

from alembic import op

from exchange.migrations import rules

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    """Widen runs and create what previews are kept in."""
    op.execute(
        """ALTER TABLE settlement.run ADD COLUMN region text CHECK (region ~ '^[A-Z]{2}$'),
            DROP CONSTRAINT run_state_check,
            ADD CONSTRAINT run_state_check CHECK (state IN ('open', 'closed', 'cancelled')),
            DROP CONSTRAINT run_period_start_period_end_currency_number_key,
            ADD CONSTRAINT run_numbered UNIQUE NULLS NOT DISTINCT (period_start, period_end, currency, region, number)"""
    )
    op.execute("DROP INDEX settlement.run_open")
    op.execute(
        "CREATE UNIQUE INDEX run_open ON settlement.run (currency, region) NULLS NOT DISTINCT WHERE state = 'open'"
    )
    # Where a part stands among those of its side: ids inside a run are worked out from it. And about how much it is.
    op.execute(
        """ALTER TABLE settlement.run_item ADD COLUMN position int NOT NULL DEFAULT 0,
            ADD COLUMN weight int NOT NULL DEFAULT 1"""
    )
    op.execute(
        """CREATE TABLE settlement.preview (
            id uuid PRIMARY KEY, period_start timestamptz NOT NULL, period_end timestamptz NOT NULL, currency text NOT NULL,
            region text CHECK (region ~ '^[A-Z]{2}$'), compare_with uuid,
            state text NOT NULL CHECK (state IN ('waiting', 'made')), seen_at timestamptz, summary jsonb,
            made_by uuid, created_at timestamptz NOT NULL, CHECK (period_start < period_end),
            CHECK ((state = 'made') = (summary IS NOT NULL)), CHECK ((state = 'made') = (seen_at IS NOT NULL)))"""
    )
    op.execute(
        """CREATE TABLE settlement.preview_line (
            preview_id uuid NOT NULL REFERENCES settlement.preview (id) ON DELETE CASCADE,
            part text NOT NULL CHECK (part IN ('charge', 'seller', 'buyer', 'payee', 'held', 'diff')),
            position int NOT NULL, document jsonb NOT NULL, PRIMARY KEY (preview_id, part, position))"""
    )
    _open_orders()
    for table in ("open_order", "preview", "preview_line"):
        rules.erasable(f"settlement.{table}")
        rules.internal(f"settlement.{table}")


def _open_orders() -> None:
    # What runs still have to look at of orders that a run has seen: they may cost more, or their shares wait. Runs write
    # it and take out what is done with; no purchase touches it. All that was ever settled is put in, and sorts itself out.
    op.execute(
        """CREATE TABLE settlement.open_order (
            order_id uuid PRIMARY KEY, seller_id uuid NOT NULL, currency text NOT NULL)"""
    )
    op.execute("CREATE INDEX open_order_seller ON settlement.open_order (seller_id, currency)")
    op.execute(
        """INSERT INTO settlement.open_order (order_id, seller_id, currency)
        SELECT id, seller_id, currency FROM settlement.orders WHERE state = 'paid' AND settled_in IS NOT NULL"""
    )
