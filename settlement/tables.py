"""The tables of the schema settlement, as the migrations make them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
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
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP

metadata = MetaData(schema="settlement")


def _id(name: str, *, nullable: bool = False, primary_key: bool = False) -> Column[object]:
    return Column(name, Uuid, primary_key=primary_key, nullable=nullable)


def _time(name: str, *, nullable: bool = False) -> Column[object]:
    return Column(name, TIMESTAMP(timezone=True), nullable=nullable)


def _units(name: str) -> Column[object]:
    return Column(name, BigInteger, nullable=False)


def _tax_units() -> Column[object]:
    return Column("tax_units", BigInteger, nullable=False, server_default=text("0"))


def _text(name: str, *, nullable: bool = False, primary_key: bool = False) -> Column[object]:
    return Column(name, Text, nullable=nullable, primary_key=primary_key)


def _bytes(name: str) -> Column[object]:
    return Column(name, LargeBinary, nullable=False)


account = Table(
    "account",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    _id("organisation_id", nullable=True),
    _text("kind"),
    _text("currency"),
    Column("min_balance", BigInteger),
    _time("created_at"),
    UniqueConstraint("organisation_id", "kind", "currency", postgresql_nulls_not_distinct=True),
)
journal = Table(
    "journal",
    metadata,
    _id("id", primary_key=True),
    _text("kind"),
    _id("source_id"),
    _bytes("body_sha256"),
    Column("line_count", SmallInteger, nullable=False),
    Column("node_id", Text, nullable=False, server_default="centre"),
    _time("effective_at"),
    _time("created_at"),
    UniqueConstraint("kind", "source_id"),
)
posting = Table(
    "posting",
    metadata,
    _id("journal_id", primary_key=True),
    Column("line", SmallInteger, primary_key=True, autoincrement=False),
    Column("account_id", BigInteger, nullable=False),
    _units("amount"),
    _text("currency"),
    _id("tag", nullable=True),
    CheckConstraint("line >= 1"),
    CheckConstraint("amount <> 0"),
)
Index("posting_account", posting.c.account_id, posting.c.journal_id, postgresql_include=["amount"])
balance = Table(
    "balance",
    metadata,
    Column("account_id", BigInteger, primary_key=True, autoincrement=False),
    _id("organisation_id"),
    _text("currency"),
    Column("min_balance", BigInteger),
    Column("max_balance", BigInteger),
    Column("posted", BigInteger, nullable=False, server_default=text("0")),
    Column("version", BigInteger, nullable=False, server_default=text("0")),
    CheckConstraint("posted >= min_balance"),
    CheckConstraint("posted <= max_balance"),
)
orders = Table(
    "orders",
    metadata,
    _id("id", primary_key=True),
    _id("buyer_id"),
    _id("seller_id"),
    _id("offer_id"),
    _id("listing_id"),
    _id("agreement_id"),
    _units("price_units"),
    _text("currency"),
    _text("payment"),
    _text("state"),
    _time("created_at"),
    _time("paid_at", nullable=True),
    _id("settled_in", nullable=True),
    Column("price_basis", LargeBinary),
    _tax_units(),
    Column("tax", JSONB),
    _id("quote_id", nullable=True),
    Index("orders_buyer", "buyer_id", "id"),
)
Index(
    "orders_quote",
    orders.c.quote_id,
    unique=True,
    postgresql_where=text("quote_id IS NOT NULL AND state <> 'cancelled'"),
)
Index("orders_paid", orders.c.seller_id, orders.c.paid_at, postgresql_where=text("state = 'paid'"))
payment = Table(
    "payment",
    metadata,
    _id("id", primary_key=True),
    _id("organisation_id"),
    _text("purpose"),
    _id("order_id", nullable=True),
    _units("amount_units"),
    _text("currency"),
    _text("method"),
    _text("state"),
    _text("provider_ref", nullable=True),
    _text("failure", nullable=True),
    _time("created_at"),
    _time("finished_at", nullable=True),
    UniqueConstraint("provider_ref"),
    Index("payment_organisation", "organisation_id", "id"),
)
Index("payment_order", payment.c.order_id, postgresql_where=text("order_id IS NOT NULL"))
stripe_event = Table(
    "stripe_event",
    metadata,
    _text("id", primary_key=True),
    _text("type"),
    _text("object_id"),
    Column("payload", LargeBinary),
    _time("received_at"),
    _time("handled_at", nullable=True),
)
bank_entry = Table(
    "bank_entry",
    metadata,
    _id("id", primary_key=True),
    _text("entry_ref"),
    _text("reference"),
    _units("amount_units"),
    _text("currency"),
    _time("booked_at"),
    _text("state"),
    _id("organisation_id", nullable=True),
    _id("payment_id", nullable=True),
    _time("received_at"),
    UniqueConstraint("entry_ref"),
)
run = Table(
    "run",
    metadata,
    _id("id", primary_key=True),
    _time("period_start"),
    _time("period_end"),
    _text("currency"),
    Column("number", Integer, nullable=False),
    _text("state"),
    _time("created_at"),
    _time("closed_at", nullable=True),
    _text("region", nullable=True),
    UniqueConstraint(
        "period_start",
        "period_end",
        "currency",
        "region",
        "number",
        postgresql_nulls_not_distinct=True,
        name="run_numbered",
    ),
)
Index(
    "run_open",
    run.c.currency,
    run.c.region,
    unique=True,
    postgresql_where=text("state = 'open'"),
    postgresql_nulls_not_distinct=True,
)
run_item = Table(
    "run_item",
    metadata,
    _id("id", primary_key=True),
    Column("run_id", Uuid, ForeignKey("settlement.run.id"), nullable=False),
    _text("side"),
    _id("organisation_id"),
    _text("state"),
    _time("done_at", nullable=True),
    Column("position", Integer, nullable=False, server_default=text("0")),
    Column("weight", Integer, nullable=False, server_default=text("1")),
    UniqueConstraint("run_id", "side", "organisation_id"),
)
Index(
    "run_item_pending",
    run_item.c.run_id,
    run_item.c.side,
    run_item.c.organisation_id,
    postgresql_where=text("state = 'pending'"),
)
open_order = Table(
    "open_order",
    metadata,
    _id("order_id", primary_key=True),
    _id("seller_id"),
    _text("currency"),
    Index("open_order_seller", "seller_id", "currency"),
)
preview = Table(
    "preview",
    metadata,
    _id("id", primary_key=True),
    _time("period_start"),
    _time("period_end"),
    _text("currency"),
    _text("region", nullable=True),
    _id("compare_with", nullable=True),
    _text("state"),
    _time("seen_at", nullable=True),
    Column("summary", JSONB),
    _id("made_by", nullable=True),
    _time("created_at"),
)
preview_line = Table(
    "preview_line",
    metadata,
    Column("preview_id", Uuid, ForeignKey("settlement.preview.id", ondelete="CASCADE"), primary_key=True),
    Column("part", Text, primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("document", JSONB, nullable=False),
)
charge = Table(
    "charge",
    metadata,
    _id("id", primary_key=True),
    _id("run_id"),
    _id("grant_id"),
    _id("order_id"),
    _id("offer_id"),
    _id("buyer_id"),
    _id("seller_id"),
    _text("component"),
    Column("period_index", Integer, nullable=False),
    _time("service_start"),
    _time("service_end", nullable=True),
    Column("quantity", Numeric, nullable=False),
    _units("cumulative_units"),
    _units("amount_units"),
    _text("currency"),
    Column("explanation", JSONB, nullable=False),
    _time("created_at"),
    _id("corrects", nullable=True),
    _tax_units(),
    Column("tax", JSONB),
    UniqueConstraint("grant_id", "component", "period_index", "run_id"),
    Index("charge_seller", "seller_id", "id"),
    Index("charge_buyer", "buyer_id", "id"),
    Index("charge_offer", "offer_id", "component"),
)
due = Table(
    "due",
    metadata,
    _id("id", primary_key=True),
    _id("buyer_id"),
    _id("seller_id"),
    _text("currency"),
    _units("unpaid_units"),
    Column("released", Boolean, nullable=False, server_default=text("false")),
)
Index("due_open", due.c.seller_id, due.c.currency, due.c.id, postgresql_where=text("NOT released"))
series = Table("series", metadata, _text("name", primary_key=True), _units("last"))
invoice = Table(
    "invoice",
    metadata,
    _id("id", primary_key=True),
    _id("run_id"),
    _text("series"),
    _units("number"),
    _id("buyer_id"),
    _id("seller_id"),
    _text("currency"),
    _time("period_start"),
    _time("period_end"),
    _units("total_units"),
    _bytes("document"),
    _bytes("sha256"),
    _time("issued_at"),
    UniqueConstraint("series", "number"),
    UniqueConstraint("run_id", "seller_id", "buyer_id"),
    Index("invoice_buyer", "buyer_id", "id"),
    Index("invoice_seller", "seller_id", "id"),
)
invoice_line = Table(
    "invoice_line",
    metadata,
    _id("invoice_id", primary_key=True),
    Column("line", Integer, primary_key=True, autoincrement=False),
    _text("source_kind"),
    _id("source_id"),
    Column("description", JSONB, nullable=False),
    Column("quantity", Numeric, nullable=False),
    _units("amount_units"),
    UniqueConstraint("source_kind", "source_id"),
)
statement = Table(
    "statement",
    metadata,
    _id("id", primary_key=True),
    _id("run_id"),
    _id("organisation_id"),
    _text("currency"),
    Column("number", Integer, nullable=False),
    _time("period_start"),
    _time("period_end"),
    _units("opening_units"),
    _units("sales_units"),
    _units("fees_units"),
    _units("shares_units"),
    _units("payouts_units"),
    _units("adjustments_units"),
    _units("closing_units"),
    _bytes("document"),
    _bytes("sha256"),
    _time("issued_at"),
    UniqueConstraint("run_id", "organisation_id", "currency"),
    UniqueConstraint("organisation_id", "currency", "number"),
)
statement_line = Table(
    "statement_line",
    metadata,
    _id("statement_id", primary_key=True),
    Column("line", Integer, primary_key=True, autoincrement=False),
    _id("journal_id"),
    Column("posting_line", SmallInteger, nullable=False),
    _units("amount_units"),
    UniqueConstraint("journal_id", "posting_line"),
)
payout = Table(
    "payout",
    metadata,
    _id("id", primary_key=True),
    _id("organisation_id"),
    Column("account_id", BigInteger, nullable=False),
    _text("currency"),
    _text("period"),
    _text("rail"),
    _text("destination"),
    _units("amount_units"),
    _text("state"),
    _text("provider_ref", nullable=True),
    _text("failure", nullable=True),
    _time("created_at"),
    _time("finished_at", nullable=True),
    UniqueConstraint("provider_ref"),
    Index("payout_organisation", "organisation_id", "id"),
)
Index(
    "payout_once",
    payout.c.account_id,
    payout.c.period,
    payout.c.rail,
    unique=True,
    postgresql_where=text("state <> 'failed'"),
)
payout_account = Table(
    "payout_account",
    metadata,
    _id("organisation_id", primary_key=True),
    Column("rail", Text, primary_key=True),
    _text("country"),
    _text("destination", nullable=True),
    _text("state"),
    _text("reason", nullable=True),
    _time("created_at"),
    _time("changed_at"),
    UniqueConstraint("destination"),
)
service_credit = Table(
    "service_credit",
    metadata,
    _id("id", primary_key=True),
    _id("cause_id"),
    _id("grant_id"),
    _id("buyer_id"),
    _id("seller_id"),
    _units("amount_units"),
    _units("short_units"),
    _text("currency"),
    _time("period_start"),
    Column("explanation", JSONB, nullable=False),
    _time("created_at"),
    UniqueConstraint("cause_id", "grant_id"),
    Index("service_credit_period", "grant_id", "period_start"),
    Index("service_credit_buyer", "buyer_id", "id"),
)
