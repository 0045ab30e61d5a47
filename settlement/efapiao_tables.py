"""The tables of e-fapiao data, as migration 0050 makes them."""

from __future__ import annotations

from sqlalchemy import Column, Date, ForeignKey, Index, Integer, Table, Text

from exchange.kernel.columns import moment, octets, uuid, words
from settlement.tables import metadata

efapiao_codes = Table(
    "efapiao_codes",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    octets("document"),
    octets("sha256"),
    uuid("made_by"),
    moment("created_at"),
)
efapiao_export = Table(
    "efapiao_export",
    metadata,
    uuid("id", key=True),
    Column("count", Integer, nullable=False),
    octets("sha256"),
    uuid("made_by"),
    moment("created_at"),
)
efapiao_confirmation = Table(
    "efapiao_confirmation",
    metadata,
    uuid("id", key=True, of="settlement.fiscal_document"),
    Column("number", Text, nullable=False, unique=True),
    words("reason"),
    uuid("entered_by"),
    moment("entered_at"),
)
efapiao = Table(
    "efapiao",
    metadata,
    uuid("id", key=True, of="settlement.fiscal_document"),
    uuid("buyer_id"),
    uuid("seller_id"),
    words("invoice_type"),
    Column("codes_version", ForeignKey("settlement.efapiao_codes.version"), nullable=False),
    uuid("export_id", of="settlement.efapiao_export"),
    uuid("original_id", nullable=True),
    octets("document"),
    octets("sha256"),
    moment("exported_at"),
)
Index("efapiao_of_export", efapiao.c.export_id, efapiao.c.id)
efapiao_number = Table(
    "efapiao_number",
    metadata,
    uuid("id", key=True, of="settlement.efapiao"),
    uuid("buyer_id"),
    uuid("seller_id"),
    Column("number", Text, nullable=False, unique=True),
    Column("issued_on", Date, nullable=False),
    uuid("entered_by"),
    moment("entered_at"),
)
