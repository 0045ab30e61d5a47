"""After a restore: what was erased stays erased, whichever of database and vault came back old.

Database and vault remember each for itself who was erased. A database from before an erasure is told by the vault's marks; a
vault from before it is told by the database; where both are old, an export of the log tells both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from uuid import UUID

import msgspec

from compliance import erasure, sealed_store
from exchange.flows.erase_subject import complete_erasure
from exchange.kernel import ids
from exchange.kernel.db import Database
from exchange.kernel.subjects import SubjectErased, Vault
from exchange.parties import members
from exchange.parties import store as parties

_SAY_ERASED = frozenset({erasure.COMPLETED, erasure.REPLAYED})


class Replayed(msgspec.Struct, frozen=True):
    """What a replay did: keys destroyed again, and subjects emptied again."""

    keys: int
    subjects: int


async def replay_erasures(db: Database, vault: Vault, told: Iterable[UUID] = ()) -> Replayed:
    """Carry out every erasure that database, vault, or whoever told us remembers; nothing to do is the usual answer."""
    known: set[UUID] = set(told) | set(await vault.destroyed())
    under_way, gone, after = set(await db.run(sealed_store.under_way)), set[UUID](), None
    while page := await db.run(partial(sealed_store.not_kept, after=after)):
        gone |= set(page) - under_way
        after = page[-1]
    # The key is gone before anything says so.
    left = await vault.undone(known | gone)
    for subject in left:
        await vault.destroy(subject)
    subjects = 0
    for subject in sorted(known - gone):
        subjects += await db.run(partial(complete_erasure, subject_id=subject, replayed=subject not in under_way))
    return Replayed(len(left), subjects)


def erased_in(lines: Iterable[bytes]) -> Iterator[UUID]:
    """The subjects that entries of the log, one a line as in an export, say were erased."""
    for line in lines:
        said = msgspec.json.decode(line)
        name = (said.get("object") or {}).get("id") or ""
        if said.get("type") == "audit-entry" and said.get("action") in _SAY_ERASED and name.startswith("mem_"):
            yield ids.parse("mem", name)


async def seal_people(db: Database, vault: Vault) -> int:
    """Seal the people who are still written down plain, as from before names were sealed; how many there were."""
    count = 0
    while people := await db.run(parties.plain_people):
        for member_id, person in people:
            try:
                key = await vault.make(member_id)
            except SubjectErased:
                await db.run(partial(parties.erase_person, member_id=member_id))
            else:
                sealed = members.sealed(key, person)
                await db.run(partial(parties.seal_person, member_id=member_id, sealed=sealed))
            count += 1
    return count
