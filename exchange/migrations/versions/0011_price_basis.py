"""What fixed a price, the tax on it, and which earlier charge a late correction corrects."""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Add the columns to orders and charges, and tax lines to invoices."""
    # Without a default that is computed, so no table is rewritten. NULL: nothing but the offer fixed the price, no tax.
    op.execute(
        """ALTER TABLE settlement.orders ADD COLUMN price_basis bytea, ADD COLUMN tax_units bigint NOT NULL DEFAULT 0,
            ADD COLUMN tax jsonb, ADD COLUMN quote_id uuid, ADD CONSTRAINT orders_tax CHECK (tax_units BETWEEN 0 AND price_units
                AND (tax_units = 0 OR tax IS NOT NULL))"""
    )
    # A quote is ordered once; whoever gave an order up before paying may order with it again.
    op.execute(
        """CREATE UNIQUE INDEX orders_quote ON settlement.orders (quote_id)
            WHERE quote_id IS NOT NULL AND state <> 'cancelled'"""
    )
    op.execute(
        """ALTER TABLE settlement.charge ADD COLUMN corrects uuid, ADD COLUMN tax_units bigint NOT NULL DEFAULT 0,
            ADD COLUMN tax jsonb, ADD CONSTRAINT charge_tax CHECK (abs(tax_units) <= abs(amount_units)
                AND (tax_units = 0 OR tax IS NOT NULL))"""
    )
    op.execute("ALTER TABLE settlement.invoice_line DROP CONSTRAINT invoice_line_source_kind_check")
    op.execute(
        """ALTER TABLE settlement.invoice_line ADD CONSTRAINT invoice_line_source_kind_check
            CHECK (source_kind IN ('order', 'charge', 'tax'))"""
    )
