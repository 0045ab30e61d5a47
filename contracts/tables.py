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
    SmallInteger,
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

organisation_key = Table(
    "organisation_key",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("organisation_id", Uuid, nullable=False),
    Column("kid", Text, nullable=False, unique=True),
    Column("public", LargeBinary, nullable=False),
    Column("kept", Boolean, nullable=False),
    Column("document", LargeBinary),
    Column("proof", LargeBinary),
    Column("created_at", _TIME, nullable=False),
    Index("organisation_key_organisation", "organisation_id", "id"),
)

key_retirement = Table(
    "key_retirement",
    metadata,
    Column("id", Uuid, ForeignKey("contracts.organisation_key.id"), primary_key=True),
    Column("organisation_id", Uuid, nullable=False),
    Column("retired_at", _TIME, nullable=False),
)

kept_key = Table(
    "kept_key",
    metadata,
    Column("organisation_id", Uuid, primary_key=True),
    Column("id", Uuid, ForeignKey("contracts.organisation_key.id"), nullable=False, unique=True),
    Column("sealed_by", Text, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("created_at", _TIME, nullable=False),
)

signature = Table(
    "signature",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("object_id", Uuid, nullable=False),
    Column("agreement_id", Uuid, nullable=False),
    Column("role", Text, nullable=False),
    Column("organisation_id", Uuid),
    Column("kid", Text, nullable=False),
    Column("kept", Boolean, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Column("buyer_id", Uuid, nullable=False),
    Column("seller_id", Uuid, nullable=False),
    Column("created_at", _TIME, nullable=False),
    UniqueConstraint("object_id", "role", "kept"),
    Index("signature_agreement", "agreement_id", "id"),
)

signing_mark = Table(
    "signing_mark",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("position", Uuid, nullable=False),
    Column("moved_at", _TIME, nullable=False),
)

agreement_event = Table(
    "agreement_event",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("agreement_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("document", LargeBinary, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("previous", LargeBinary, nullable=False),
    Column("buyer_id", Uuid, nullable=False),
    Column("seller_id", Uuid, nullable=False),
    Column("successor_id", Uuid),
    Column("proposed_by", Text, nullable=False),
    Column("needs", ARRAY(Text), nullable=False),
    Column("expires_at", _TIME, nullable=False),
    Column("created_at", _TIME, nullable=False),
    Index("agreement_event_agreement", "agreement_id", "id"),
    *[Index(f"agreement_event_{side}", f"{side}_id", "id") for side in ("buyer", "seller", "successor")],
)

event_force = Table(
    "event_force",
    metadata,
    Column("id", Uuid, ForeignKey("contracts.agreement_event.id"), primary_key=True),
    Column("agreement_id", Uuid, nullable=False),
    Column("number", Integer, nullable=False),
    Column("buyer_id", Uuid, nullable=False),
    Column("seller_id", Uuid, nullable=False),
    Column("effective_at", _TIME, nullable=False),
    Column("created_at", _TIME, nullable=False),
    UniqueConstraint("agreement_id", "number"),
)

event_end = Table(
    "event_end",
    metadata,
    Column("id", Uuid, ForeignKey("contracts.agreement_event.id"), primary_key=True),
    Column("agreement_id", Uuid, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("organisation_id", Uuid, nullable=False),
    Column("reason", JSONB(none_as_null=True)),
    Column("buyer_id", Uuid, nullable=False),
    Column("seller_id", Uuid, nullable=False),
    Column("created_at", _TIME, nullable=False),
)

negotiation = Table(
    "negotiation",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("buyer_id", Uuid, nullable=False),
    Column("seller_id", Uuid, nullable=False),
    Column("listing_id", Uuid, nullable=False),
    Column("based_on", Uuid),
    Column("renews", Uuid),
    Column("state", Text, nullable=False),
    Column("rounds", Integer, nullable=False),
    Column("messages", Integer, nullable=False),
    Column("tip", LargeBinary, nullable=False),
    Column("offer_id", Uuid),
    Column("quote_id", Uuid),
    Column("order_id", Uuid),
    Column("agreement_id", Uuid),
    Column("expires_at", _TIME, nullable=False),
    Column("created_at", _TIME, nullable=False),
    Column("changed_at", _TIME, nullable=False),
    *[Index(f"negotiation_{side}", f"{side}_id", "id") for side in ("buyer", "seller")],
    Index("negotiation_due", "expires_at", postgresql_where=text("state NOT IN ('FINALIZED', 'TERMINATED')")),
)

negotiation_message = Table(
    "negotiation_message",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("negotiation_id", Uuid, ForeignKey("contracts.negotiation.id"), nullable=False),
    Column("buyer_id", Uuid, nullable=False),
    Column("seller_id", Uuid, nullable=False),
    Column("number", Integer, nullable=False),
    Column("sender", Text, nullable=False),
    Column("organisation_id", Uuid),
    Column("client_id", Uuid),
    Column("message", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("document", LargeBinary, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("previous", LargeBinary),
    Column("created_at", _TIME, nullable=False),
    UniqueConstraint("negotiation_id", "number"),
)

chain_right = Table(
    "chain_right",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("dataset_id", Uuid, nullable=False),
    Column("supplier_id", Uuid, nullable=False),
    Column("subject", Text, nullable=False),
    Column("subject_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("ends_at", _TIME),
    Column("document", LargeBinary, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("created_at", _TIME, nullable=False),
    UniqueConstraint("dataset_id", "sha256"),
    Index("chain_right_dataset", "dataset_id", "id"),
    Index("chain_right_ends", "ends_at", postgresql_where=text("ends_at IS NOT NULL")),
)

chain_end = Table(
    "chain_end",
    metadata,
    Column("right_id", Uuid, ForeignKey("contracts.chain_right.id"), primary_key=True),
    Column("dataset_id", Uuid, nullable=False),
    Column("supplier_id", Uuid, nullable=False),
    Column("state", Text, nullable=False),
    Column("asks", Text, nullable=False),
    Column("reason", JSONB, nullable=False),
    Column("ended_at", _TIME, nullable=False),
    Index("chain_end_dataset", "dataset_id"),
)

chain_trace = Table(
    "chain_trace",
    metadata,
    Column("right_id", Uuid, ForeignKey("contracts.chain_right.id"), primary_key=True),
    Column("asset_sha256", LargeBinary, primary_key=True),
    Column("dataset_id", Uuid, nullable=False),
    Column("supplier_id", Uuid, nullable=False),
    Column("whole", Boolean, nullable=False),
    Column("records", BigInteger, nullable=False),
    Column("examples", ARRAY(Text), nullable=False),
    Column("created_at", _TIME, nullable=False),
    Index("chain_trace_dataset", "dataset_id"),
)

rights_notice = Table(
    "rights_notice",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("right_id", Uuid, ForeignKey("contracts.chain_right.id"), nullable=False),
    Column("grant_id", Uuid, nullable=False),
    Column("dataset_id", Uuid, nullable=False),
    Column("revision_id", Uuid, nullable=False),
    Column("buyer_id", Uuid, nullable=False),
    Column("seller_id", Uuid, nullable=False),
    Column("document", LargeBinary, nullable=False),
    Column("created_at", _TIME, nullable=False),
    UniqueConstraint("right_id", "grant_id"),
    Index("rights_notice_buyer", "buyer_id", "id"),
    Index("rights_notice_dataset", "dataset_id"),
)

rights_summary = Table(
    "rights_summary",
    metadata,
    Column("dataset_id", Uuid, primary_key=True),
    Column("supplier_id", Uuid, nullable=False),
    Column("document", JSONB, nullable=False),
    Column("changed_at", _TIME, nullable=False),
)

data_contract = Table(
    "data_contract",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("dataset_id", Uuid, nullable=False),
    Column("supplier_id", Uuid, nullable=False),
    Column("number", Integer, nullable=False),
    Column("document", LargeBinary, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("created_at", _TIME, nullable=False),
    UniqueConstraint("dataset_id", "number"),
)

data_contract_check = Table(
    "data_contract_check",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("contract_id", Uuid, ForeignKey("contracts.data_contract.id"), nullable=False),
    Column("dataset_id", Uuid, nullable=False),
    Column("revision_id", Uuid, nullable=False),
    Column("supplier_id", Uuid, nullable=False),
    Column("broken", Integer, nullable=False),
    Column("on_breach", Text, nullable=False),
    Column("document", LargeBinary, nullable=False),
    Column("created_at", _TIME, nullable=False),
    UniqueConstraint("revision_id"),
    Index("data_contract_check_dataset", "dataset_id", "id"),
)

breach_notice = Table(
    "breach_notice",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("check_id", Uuid, ForeignKey("contracts.data_contract_check.id"), nullable=False),
    Column("grant_id", Uuid, nullable=False),
    Column("dataset_id", Uuid, nullable=False),
    Column("revision_id", Uuid, nullable=False),
    Column("buyer_id", Uuid, nullable=False),
    Column("seller_id", Uuid, nullable=False),
    Column("document", LargeBinary, nullable=False),
    Column("created_at", _TIME, nullable=False),
    UniqueConstraint("check_id", "grant_id"),
    Index("breach_notice_buyer", "buyer_id", "id"),
)
