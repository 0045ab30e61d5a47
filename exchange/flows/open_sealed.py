"""What is sealed beside entries of the log, opened: for a disclosure that somebody may have by law. Whoever asks for it logs that."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from uuid import UUID

from compliance import sealed_store
from compliance.sealing import Opened, unseal
from exchange.kernel.db import Database
from exchange.kernel.subjects import Vault


async def opened_of(db: Database, vault: Vault, entry_ids: Sequence[UUID]) -> dict[UUID, list[Opened]]:
    """What these entries committed to, as far as it is not erased; each can be held against its entry without us.

    errors   Unreadable where a record is not what its entry committed to
    """
    found = await opened_with_subjects(db, vault, entry_ids)
    return {entry_id: [opened for _, opened in records] for entry_id, records in found.items()}


async def opened_with_subjects(
    db: Database, vault: Vault, entry_ids: Sequence[UUID]
) -> dict[UUID, list[tuple[UUID, Opened]]]:
    """The same with the subject of each: for our own books, so that an erasure finds what was disclosed.

    errors   Unreadable where a record is not what its entry committed to
    """
    found: dict[UUID, list[tuple[UUID, Opened]]] = {}
    keys: dict[UUID, bytes | None] = {}
    for entry_id, records in (await db.run(partial(sealed_store.sealed_of, entry_ids=entry_ids))).items():
        for one in records:
            if one.subject not in keys:
                keys[one.subject] = await vault.key(one.subject)
            key = keys[one.subject]
            if key is not None:
                found.setdefault(entry_id, []).append((one.subject, unseal(key, entry_id, one)))
    return found
