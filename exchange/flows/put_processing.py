"""The operator puts its record of processing on file (GDPR, article 30)."""

from __future__ import annotations

import msgspec

from compliance import report_store
from compliance import store as audit
from compliance.processing import Record, document
from exchange.flows.once import done
from exchange.kernel.actor import Actor
from exchange.kernel.canonical import sha256
from exchange.kernel.db import Tx
from exchange.kernel.errors import FORBIDDEN, Problem


class ProcessingKept(msgspec.Struct, frozen=True):
    """Which version it is, and its hash."""

    number: int
    sha256: str


async def put_processing(tx: Tx, actor: Actor, record: Record) -> ProcessingKept | Problem:
    """Keep the next version; the log holds its hash.

    errors   answers forbidden, processing-record-invalid
    """
    if "operator" not in actor.roles:
        return FORBIDDEN(needs="operator")
    content = document(record)
    if isinstance(content, Problem):
        return content
    hashed = sha256(content)
    number = await report_store.put_processing(tx, actor, content, hashed)
    await audit.append(tx, [done(actor, "processing.put", f"processing/{number}", record=hashed)])
    return ProcessingKept(number, hashed.hex())
