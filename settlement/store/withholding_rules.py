"""Tables of withholding rules in the database: what was proposed, and which one is in force."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from settlement.withholding import Rules, load

_COLUMNS = """t.id, t.document, t.sha256, t.created_at, a.adopted_at"""
_IN_FORCE = f"""
SELECT {_COLUMNS} FROM settlement.withholding_table t JOIN settlement.withholding_adoption a ON a.table_id = t.id
ORDER BY a.number DESC LIMIT 1"""
_ONE = f"""
SELECT {_COLUMNS} FROM settlement.withholding_table t LEFT JOIN settlement.withholding_adoption a ON a.table_id = t.id
WHERE t.id = $1"""
_ALL = f"""
SELECT {_COLUMNS} FROM settlement.withholding_table t LEFT JOIN settlement.withholding_adoption a ON a.table_id = t.id
ORDER BY t.id DESC LIMIT 100"""
_INSERT = """
INSERT INTO settlement.withholding_table (id, document, sha256, proposed_by, created_at) VALUES ($1, $2, $3, $4, $5)"""
# Adoptions have an order of their own, taken under a lock that payouts do not need: the newest number is in force.
_ADOPT = """
INSERT INTO settlement.withholding_adoption (table_id, number, adopted_by, adopted_at)
SELECT $1, coalesce(max(number), 0) + 1, $2, $3 FROM settlement.withholding_adoption"""


@dataclass(frozen=True, slots=True)
class TableRow:
    """A table of rules as it was proposed; `adopted_at` once it was put in force, which a later one may have ended."""

    id: UUID
    document: bytes
    sha256: bytes
    created_at: datetime
    adopted_at: datetime | None


async def in_force(tx: Tx) -> Rules | None:
    """The rules that were adopted last; None where nothing is withheld."""
    row = await adopted(tx)
    rules = None if row is None else load(msgspec.json.decode(row.document))
    return rules if rules is not None and rules.payer else None


async def adopted(tx: Tx) -> TableRow | None:
    """The table that was adopted last, also one that says that nothing is withheld."""
    row = await (await tx.driver()).fetchrow(_IN_FORCE)
    return None if row is None else _row(row)


async def get_table(tx: Tx, table_id: UUID) -> TableRow | None:
    """One table."""
    row = await (await tx.driver()).fetchrow(_ONE, table_id)
    return None if row is None else _row(row)


async def list_tables(tx: Tx) -> list[TableRow]:
    """The newest hundred tables, the newest first."""
    return [_row(one) for one in await (await tx.driver()).fetch(_ALL)]


async def insert_table(tx: Tx, one: TableRow, actor: Actor) -> None:
    """Keep a table that somebody proposes."""
    await (await tx.driver()).execute(_INSERT, one.id, one.document, one.sha256, actor.client_id, tx.now)


async def adopt(tx: Tx, table_id: UUID, actor: Actor) -> None:
    """Put a table in force in place of the one before; once."""
    driver = await tx.driver()
    await driver.execute("SELECT pg_advisory_xact_lock(hashtextextended('settlement.withholding_adoption', 0))")
    await driver.execute(_ADOPT, table_id, actor.client_id, tx.now)


def _row(row: Any) -> TableRow:
    return TableRow(row[0], bytes(row[1]), bytes(row[2]), row[3], row[4])
