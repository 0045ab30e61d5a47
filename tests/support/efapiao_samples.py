"""A table of codes for tests, the schema of e-fapiao data, and what is filled in with both."""

from __future__ import annotations

import hashlib
import json
from importlib import resources
from typing import Any
from uuid import UUID

from exchange.kernel.actor import Actor
from exchange.kernel.db import Database, Tx
from settlement.efapiao.codes import Classified, Codes, read_codes
from settlement.efapiao.filling import Missing, export_bytes, fill
from settlement.fiscal import FiscalDoc
from settlement.store import efapiao as store

SCHEMA = json.loads(resources.files("settlement").joinpath("efapiao/schema.json").read_text(encoding="utf-8"))
CATEGORIES = ("image", "text", "platform_fee")
# Made-up digits: the operator's own are in its own table.
TABLE = (
    "category,code,short_name,unit,specification\n"
    "text,3040201990000000000,信息技术服务,项,文本语料\n"
    "platform_fee,3040802990000000000,经纪代理服务,次,\n"
)
CODES: Codes = read_codes(TABLE.encode(), CATEGORIES, 1)
TEXT: Classified = CODES.entries["text"]


def categories(doc: FiscalDoc, what: str = "text") -> dict[UUID, str]:
    """Every line of a paper as one category."""
    return {line.source[1]: what for line in doc.lines}


def filled(said: bytes | Missing) -> dict[str, Any]:
    """What was filled in, as a value."""
    assert isinstance(said, bytes), said
    found: dict[str, Any] = json.loads(said)
    return found


async def exported(database: Database, actor: Actor, doc: FiscalDoc) -> UUID:
    """Let a paper's data leave as the operator would; answers the export."""
    said = fill(doc, categories(doc), CODES)
    assert isinstance(said, bytes)

    async def flow(tx: Tx) -> UUID:
        document = TABLE.encode()
        row = await store.put_codes(tx, document, hashlib.sha256(document).digest(), actor.organisation_id)
        export = tx.new_id()
        new = store.NewEfapiao(doc, filled(said)["invoice_type"], row.version, None, said)
        await store.insert_export(tx, actor, export, hashlib.sha256(export_bytes(export, [said])).digest(), [new])
        return export

    return await database.run(flow)
