"""The log's sequencer in a test's own process: one call for both of its transactions."""

from __future__ import annotations

from collections.abc import Sequence

from compliance.log import Head
from compliance.notes import Signer
from exchange.kernel.db import Database
from exchange.worker.sequencer import Sequencer


def sequencer(db: Database, signers: Sequence[Signer], origin: str, **more: object) -> Sequencer:
    """A sequencer without marks outside the database, unless `marks` are given."""
    return Sequencer(db, signers, origin, **{"marks": (), **more})  # type: ignore[arg-type]


async def sequence(db: Database, signers: Sequence[Signer], origin: str, **more: object) -> Head:
    """Log what waits and publish it."""
    head = await sequencer(db, signers, origin, **more).step()
    assert head is not None
    return head
