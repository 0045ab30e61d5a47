"""Sealed-bid auctions: their states, the reserve, sealed bids, and what is opened after the end."""

from __future__ import annotations

from alembic import op

from exchange.migrations import rules
from exchange.migrations.rules import CURRENT

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Create the tables of auctions."""
    _auction()
    _reserve_and_bids()
    _results()


def _auction() -> None:
    op.execute(
        """CREATE TABLE contracts.auction (
            id uuid PRIMARY KEY, offer_id uuid NOT NULL, listing_id uuid NOT NULL, dataset_id uuid NOT NULL,
            supplier_id uuid NOT NULL, component text NOT NULL,
            exclusive text NOT NULL CHECK (exclusive IN ('exclusive', 'time_exclusive')), exclusive_days integer,
            currency text NOT NULL, reserve_public boolean NOT NULL, reserve_sha256 bytea NOT NULL,
            opens_at timestamptz NOT NULL, closes_at timestamptz NOT NULL,
            state text NOT NULL CHECK (state IN ('scheduled', 'open', 'closed', 'awarded', 'lapsed', 'cancelled')),
            reason jsonb, created_at timestamptz NOT NULL, changed_at timestamptz NOT NULL,
            sold boolean NOT NULL DEFAULT false CHECK (NOT sold OR state = 'awarded'),
            CHECK (closes_at > opens_at AND length(reserve_sha256) = 32),
            CHECK ((exclusive = 'time_exclusive') = (exclusive_days IS NOT NULL)))"""
    )
    op.execute("CREATE INDEX auction_listing ON contracts.auction (listing_id, id)")
    op.execute("CREATE INDEX auction_supplier ON contracts.auction (supplier_id, id)")
    op.execute("CREATE INDEX auction_awarded ON contracts.auction (dataset_id) WHERE state = 'awarded'")
    # One at a time: two exclusive licences to the same data cannot both be sold.
    op.execute(
        "CREATE UNIQUE INDEX auction_running ON contracts.auction (dataset_id) "
        "WHERE state IN ('scheduled', 'open', 'closed')"
    )
    op.execute(
        "CREATE INDEX auction_due ON contracts.auction (closes_at) "
        "WHERE state IN ('scheduled', 'open', 'closed', 'awarded')"
    )
    rules.states("contracts.auction")
    rules.public_read("contracts.auction")


def _reserve_and_bids() -> None:
    op.execute(
        """CREATE TABLE contracts.auction_bid (
            seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id uuid NOT NULL UNIQUE,
            auction_id uuid NOT NULL REFERENCES contracts.auction (id), bidder_id uuid NOT NULL,
            entry text NOT NULL CHECK (entry IN ('placed', 'replaced', 'withdrawn')),
            units bigint, currency text NOT NULL, purposes text[] NOT NULL,
            salt bytea NOT NULL, sha256 bytea NOT NULL, created_at timestamptz NOT NULL,
            CHECK ((entry = 'withdrawn') = (units IS NULL) AND units > 0 AND length(sha256) = 32))"""
    )
    op.execute("CREATE INDEX auction_bid_line ON contracts.auction_bid (auction_id, bidder_id, seq)")
    op.execute("CREATE INDEX auction_bid_bidder ON contracts.auction_bid (bidder_id, seq)")
    rules.facts("contracts.auction_bid")
    # Sealed: nobody but the bidder, at any time, not the supplier either.
    rules.own("contracts.auction_bid", "bidder_id")
    op.execute(
        """CREATE TABLE contracts.auction_reserve (
            auction_id uuid PRIMARY KEY REFERENCES contracts.auction (id), supplier_id uuid NOT NULL,
            units bigint NOT NULL CHECK (units > 0), currency text NOT NULL, salt bytea NOT NULL,
            created_at timestamptz NOT NULL)"""
    )
    rules.facts("contracts.auction_reserve")
    # A secret reserve is opened to those who bid, once the auction is decided. The bids' own policy narrows the second EXISTS.
    rules.public_read(
        "contracts.auction_reserve",
        f"supplier_id = {CURRENT} OR EXISTS (SELECT FROM contracts.auction a WHERE a.id = auction_id AND "
        "(a.reserve_public OR a.state IN ('awarded', 'lapsed') AND EXISTS (SELECT FROM contracts.auction_bid b "
        f"WHERE b.auction_id = a.id AND b.bidder_id = {CURRENT})))",
    )


def _results() -> None:
    op.execute(
        """CREATE TABLE contracts.auction_tally (
            auction_id uuid NOT NULL REFERENCES contracts.auction (id), position integer NOT NULL,
            supplier_id uuid NOT NULL, units bigint NOT NULL, currency text NOT NULL,
            outcome text NOT NULL CHECK (outcome IN ('won', 'outbid', 'below_reserve', 'excluded')),
            bid_sha256 bytea NOT NULL, PRIMARY KEY (auction_id, position), CHECK (length(bid_sha256) = 32))"""
    )
    rules.facts("contracts.auction_tally")
    rules.public_read(
        "contracts.auction_tally",
        f"supplier_id = {CURRENT} OR EXISTS (SELECT FROM contracts.auction_bid b "
        f"WHERE b.auction_id = contracts.auction_tally.auction_id AND b.bidder_id = {CURRENT})",
    )
    op.execute(
        """CREATE TABLE contracts.auction_award (
            id uuid PRIMARY KEY, auction_id uuid NOT NULL UNIQUE REFERENCES contracts.auction (id),
            buyer_id uuid NOT NULL, seller_id uuid NOT NULL, offer_id uuid NOT NULL, bid_id uuid NOT NULL,
            price_units bigint NOT NULL, currency text NOT NULL, quote_id uuid NOT NULL,
            withdrawn_offers uuid[] NOT NULL, created_at timestamptz NOT NULL, expires_at timestamptz NOT NULL,
            CHECK (price_units > 0 AND buyer_id <> seller_id AND expires_at > created_at))"""
    )
    rules.facts("contracts.auction_award")
    rules.two_sided("contracts.auction_award")
