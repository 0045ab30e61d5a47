"""Rates of one currency for another with their validity, and the conversions that were made at them."""

from __future__ import annotations

from alembic import op

from exchange.migrations import rules

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    """Create the tables; a rate is never changed but followed by the next one."""
    # One rate of a pair can begin at a moment, and the one that began last holds: at any time there is at most one.
    op.execute(
        """CREATE TABLE settlement.rate (
            id uuid PRIMARY KEY, sell text NOT NULL CHECK (sell ~ '^[A-Z]{3}$'), buy text NOT NULL CHECK (buy ~ '^[A-Z]{3}$'),
            value numeric(24, 12) NOT NULL CHECK (value > 0), valid_from timestamptz NOT NULL, valid_to timestamptz NOT NULL,
            source text NOT NULL CHECK (length(source) BETWEEN 1 AND 200), published_by uuid NOT NULL,
            published_at timestamptz NOT NULL, UNIQUE (sell, buy, valid_from), CHECK (sell <> buy),
            CHECK (valid_from < valid_to), CHECK (valid_from >= published_at))"""
    )
    rules.facts("settlement.rate")
    rules.public_read("settlement.rate")
    # The fact beside the journal of the same id: which rate, its value and source as they stood, what was lost to rounding.
    op.execute(
        """CREATE TABLE settlement.conversion (
            id uuid PRIMARY KEY, organisation_id uuid NOT NULL, kind text NOT NULL CHECK (kind IN ('wallet', 'payable')),
            rate_id uuid NOT NULL REFERENCES settlement.rate (id), value numeric(24, 12) NOT NULL, source text NOT NULL,
            sell text NOT NULL, sold_units bigint NOT NULL CHECK (sold_units > 0), buy text NOT NULL,
            bought_units bigint NOT NULL CHECK (bought_units > 0),
            remainder bigint NOT NULL CHECK (remainder BETWEEN 0 AND 999999999999), converted_at timestamptz NOT NULL,
            CHECK (sold_units * value * 1000000000000 = bought_units::numeric * 1000000000000 + remainder))"""
    )
    op.execute("CREATE INDEX conversion_organisation ON settlement.conversion (organisation_id, id)")
    op.execute("CREATE INDEX conversion_pair ON settlement.conversion (sell, buy, converted_at)")
    rules.facts("settlement.conversion")
    rules.own("settlement.conversion", "organisation_id")
