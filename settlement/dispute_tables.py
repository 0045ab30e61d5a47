"""The tables of disputes, as migration 0046 makes them."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, LargeBinary, Table, UniqueConstraint, text

from exchange.kernel.columns import moment, octets, units, uuid, words
from settlement.tables import metadata


def _flag(name: str) -> Column[object]:
    return Column(name, Boolean, nullable=False)


dispute = Table(
    "dispute",
    metadata,
    uuid("id", key=True),
    words("kind"),
    words("source_kind"),
    uuid("source_id"),
    uuid("order_id"),
    uuid("giver_id"),
    uuid("taker_id"),
    uuid("claimant_id"),
    units("amount_units"),
    words("currency"),
    words("state"),
    moment("due_at", nullable=True),
    Column("round", Integer, nullable=False),
    uuid("arbitrator_id", nullable=True),
    uuid("earlier_id", nullable=True),
    uuid("waived_by", nullable=True),
    _flag("reworked"),
    _flag("redelivered"),
    words("outcome", nullable=True),
    moment("created_at"),
    moment("closed_at", nullable=True),
    Index("dispute_order", "order_id"),
    Index("dispute_giver", "giver_id", "id"),
    Index("dispute_taker", "taker_id", "id"),
    Index("dispute_arbitrator", "arbitrator_id", "id"),
)
Index(
    "dispute_once",
    dispute.c.source_id,
    unique=True,
    postgresql_where=text("state <> 'closed' AND kind <> 'split'"),
)
Index(
    "dispute_split_once",
    dispute.c.source_id,
    dispute.c.giver_id,
    dispute.c.taker_id,
    unique=True,
    postgresql_where=text("state <> 'closed' AND kind = 'split'"),
)
Index("dispute_due", dispute.c.due_at, dispute.c.id, postgresql_where=text("due_at IS NOT NULL"))
fact = Table(
    "dispute_fact",
    metadata,
    uuid("id", key=True),
    uuid("dispute_id"),
    Column("number", Integer, nullable=False),
    words("move"),
    words("state"),
    uuid("organisation_id", nullable=True),
    octets("document"),
    octets("sha256"),
    Column("words", LargeBinary),
    moment("created_at"),
    UniqueConstraint("dispute_id", "number"),
)
evidence = Table(
    "dispute_evidence",
    metadata,
    uuid("id", key=True),
    uuid("dispute_id"),
    uuid("organisation_id"),
    words("kind"),
    octets("title"),
    octets("sha256"),
    units("size_bytes"),
    words("media_type"),
    words("name", nullable=True),
    Column("document", LargeBinary),
    _flag("verified"),
    moment("created_at"),
    Index("dispute_evidence_of", "dispute_id", "id"),
)
stop = Table(
    "dispute_stop",
    metadata,
    uuid("dispute_id", key=True),
    uuid("organisation_id", key=True),
    uuid("source_id"),
    words("currency"),
    units("want_units"),
    units("held_units"),
    _flag("released"),
    moment("since"),
    _flag("live"),
    uuid("award_to", nullable=True),
)
Index("dispute_stop_source", stop.c.source_id, postgresql_where=text("live AND NOT released"))
Index(
    "dispute_stop_short",
    stop.c.organisation_id,
    stop.c.currency,
    postgresql_where=text("live AND released AND held_units < want_units"),
)
hold = Table(
    "dispute_hold",
    metadata,
    uuid("hold_id", key=True),
    uuid("dispute_id"),
    uuid("organisation_id"),
    Index("dispute_hold_of", "dispute_id"),
)
money = Table(
    "dispute_money",
    metadata,
    uuid("id", key=True),
    uuid("dispute_id"),
    words("kind"),
    uuid("from_id", nullable=True),
    uuid("to_id"),
    units("amount_units"),
    words("currency"),
    uuid("refund_id", nullable=True),
    moment("created_at"),
    Index("dispute_money_of", "dispute_id", "id"),
)
