"""A small log with three checkpoints, and one entry that still waits."""

from __future__ import annotations

from hashlib import sha256
from uuid import UUID

from compliance import notes, store
from compliance.entries import Entry
from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Database
from exchange.kernel.keys import Keyring
from tests.support.sequencing import sequence

ORIGIN = "exchange.example/log"
SIZES = (3, 300, 700)
SIZE = SIZES[-1]


def entry(number: int) -> Entry:
    """One of a few kinds: with and without an object, of several organisations."""
    return Entry(
        action="purchase",
        organisation_id=UUID(int=number % 5 + 1),
        object_id=f"ord_{number}" if number % 7 else "",
        digests={"agreement": sha256(str(number).encode()).digest()},
        concerns=(UUID(int=number % 3 + 50),),
    )


async def sequenced(database: Database, keyring: Keyring, origin: str = ORIGIN, **more: object) -> None:
    """Give everything that waits its place, and sign."""
    await sequence(database, [notes.log_signer(keyring, origin)], origin, **more)


async def logged(database: Database, keyring: Keyring, clock: FixedClock, origin: str = ORIGIN, **more: object) -> None:
    """Write 701 entries and sign at 3, 300 and 700."""
    before = 0
    for size in SIZES:
        await database.run(lambda tx, low=before, high=size: store.append(tx, [entry(n) for n in range(low, high)]))  # type: ignore[misc]
        clock.advance(3600)
        await sequenced(database, keyring, origin, **more)
        before = size
    await database.run(lambda tx: store.append(tx, [entry(SIZE)]))
