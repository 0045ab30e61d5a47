"""A statement as one file, and the script that works it out again with nothing of ours."""

from __future__ import annotations

from uuid import UUID

from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.canonical import canonical
from exchange.kernel.db import Tx
from exchange.kernel.stand_alone import joined
from settlement.store import reads

NAME = "recompute_statement.py"
SCRIPT_PATH = f"/catalog/v1/verification/{NAME}"


async def export_statement(tx: Tx, actor: Actor, statement_id: UUID) -> bytes | None:
    """The document of one of the actor's statements, byte by byte as it was issued, in a file that names its digest and the script.

    shapes   canonical JSON; `document` is the exact text that `sha256` is over
    """
    row = await reads.find_statement(tx, actor, statement_id)
    if row is None:
        return None
    return canonical(
        {
            "type": "statement-export",
            "v": 1,
            "id": ids.text("stm", row.id),
            "sha256": row.sha256.hex(),
            "script": SCRIPT_PATH,
            "document": row.document.decode(),
        }
    )


def script() -> bytes:
    """The text of the stand-alone script, the same bytes for one release."""
    return joined(f"settlement/{NAME}", ("settlement/recompute_columns.py",))
