"""The schema contracts as SQLAlchemy Core tables; migrations 0006, 0012 and 0013 are the source."""

from __future__ import annotations

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData(schema="contracts")
_TIME = DateTime(timezone=True)

agreement = Table(
    "agreement",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("order_id", Uuid, nullable=False),
    Column("offer_id", Uuid, nullable=False),
    Column("buyer_id", Uuid, nullable=False),
    Column("seller_id", Uuid, nullable=False),
    Column("document", LargeBinary, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("kid", Text, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Column("created_at", _TIME, nullable=False),
    Index("agreement_buyer", "buyer_id", "id"),
    Index("agreement_seller", "seller_id", "id"),
)

quote = Table(
    "quote",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("buyer_id", Uuid, nullable=False),
    Column("seller_id", Uuid, nullable=False),
    Column("offer_id", Uuid, nullable=False),
    Column("document", LargeBinary, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("kid", Text, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Column("created_at", _TIME, nullable=False),
    Column("expires_at", _TIME, nullable=False),
    Index("quote_buyer", "buyer_id", "id"),
    Index("quote_seller", "seller_id", "id"),
)

auction = Table(
    "auction",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("offer_id", Uuid, nullable=False),
    Column("listing_id", Uuid, nullable=False),
    Column("dataset_id", Uuid, nullable=False),
    Column("supplier_id", Uuid, nullable=False),
    Column("component", Text, nullable=False),
    Column("exclusive", Text, nullable=False),
    Column("exclusive_days", Integer),
    Column("currency", Text, nullable=False),
    Column("reserve_public", Boolean, nullable=False),
    Column("reserve_sha256", LargeBinary, nullable=False),
    Column("opens_at", _TIME, nullable=False),
    Column("closes_at", _TIME, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", JSONB),
    Column("created_at", _TIME, nullable=False),
    Column("changed_at", _TIME, nullable=False),
    Column("sold", Boolean, nullable=False, server_default=text("false")),
    Index("auction_listing", "listing_id", "id"),
    Index("auction_supplier", "supplier_id", "id"),
    Index("auction_awarded", "dataset_id", postgresql_where=text("state = 'awarded'")),
    Index(
        "auction_running",
        "dataset_id",
        unique=True,
        postgresql_where=text("state IN ('scheduled', 'open', 'closed')"),
    ),
    Index("auction_due", "closes_at", postgresql_where=text("state IN ('scheduled', 'open', 'closed', 'awarded')")),
)

auction_bid = Table(
    "auction_bid",
    metadata,
    Column("seq", BigInteger, Identity(always=True), primary_key=True),
    Column("id", Uuid, nullable=False, unique=True),
    Column("auction_id", Uuid, ForeignKey("contracts.auction.id"), nullable=False),
    Column("bidder_id", Uuid, nullable=False),
    Column("entry", Text, nullable=False),
    Column("units", BigInteger),
    Column("currency", Text, nullable=False),
    Column("purposes", ARRAY(Text), nullable=False),
    Column("salt", LargeBinary, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("created_at", _TIME, nullable=False),
    Index("auction_bid_line", "auction_id", "bidder_id", "seq"),
    Index("auction_bid_bidder", "bidder_id", "seq"),
)

auction_reserve = Table(
    "auction_reserve",
    metadata,
    Column("auction_id", Uuid, ForeignKey("contracts.auction.id"), primary_key=True),
    Column("supplier_id", Uuid, nullable=False),
    Column("units", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("salt", LargeBinary, nullable=False),
    Column("created_at", _TIME, nullable=False),
)

auction_tally = Table(
    "auction_tally",
    metadata,
    Column("auction_id", Uuid, ForeignKey("contracts.auction.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("supplier_id", Uuid, nullable=False),
    Column("units", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("bid_sha256", LargeBinary, nullable=False),
)

auction_award = Table(
    "auction_award",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("auction_id", Uuid, ForeignKey("contracts.auction.id"), nullable=False, unique=True),
    Column("buyer_id", Uuid, nullable=False),
    Column("seller_id", Uuid, nullable=False),
    Column("offer_id", Uuid, nullable=False),
    Column("bid_id", Uuid, nullable=False),
    Column("price_units", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("quote_id", Uuid, nullable=False),
    Column("withdrawn_offers", ARRAY(Uuid), nullable=False),
    Column("created_at", _TIME, nullable=False),
    Column("expires_at", _TIME, nullable=False),
)


def _sides() -> tuple[Column[object], ...]:
    return tuple(Column(f"{side}_id", Uuid, nullable=False) for side in ("buyer", "seller", "evaluator"))


measurement = Table(
    "measurement",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("grant_id", Uuid, nullable=False),
    Column("component", Text, nullable=False),
    *_sides(),
    Column("document", LargeBinary, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("created_at", _TIME, nullable=False),
    Index("measurement_grant", "grant_id", "component", "id"),
    *[Index(f"measurement_{side}", f"{side}_id", "id") for side in ("buyer", "seller", "evaluator")],
)

measurement_answer = Table(
    "measurement_answer",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("measurement_id", Uuid, ForeignKey("contracts.measurement.id"), nullable=False),
    *_sides(),
    Column("organisation_id", Uuid, nullable=False),
    Column("client_id", Uuid, nullable=False),
    Column("answer", Text, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("reason", JSONB(none_as_null=True)),
    Column("created_at", _TIME, nullable=False),
    UniqueConstraint("measurement_id", "organisation_id", "answer"),
)

measurement_agreed = Table(
    "measurement_agreed",
    metadata,
    Column("id", Uuid, ForeignKey("contracts.measurement.id"), primary_key=True),
    Column("grant_id", Uuid, nullable=False),
    Column("component", Text, nullable=False),
    *_sides(),
    Column("value", Numeric(21, 6), nullable=False),
    Column("document", LargeBinary, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("kid", Text, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Column("created_at", _TIME, nullable=False),
    UniqueConstraint("grant_id", "component"),
)
