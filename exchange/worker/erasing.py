"""The step that erases a person: destroys the key in every place, drops what was disclosed, then has the tables emptied."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any
from uuid import UUID

from compliance import disclosure_store
from exchange.flows.erase_subject import complete_erasure, may_destroy, subject_of
from exchange.kernel.db import Database
from exchange.kernel.files import FileStore
from exchange.kernel.subjects import Vault


async def erase(db: Database, vault: Vault, files: FileStore, payload: dict[str, str]) -> Mapping[str, Any]:
    """Erase the subject of a job, once or again; a legal hold ends the job, and the schedule comes back to it.

    errors   what a place of the vault answers that cannot be reached, and StillDisclosed; the job then comes again
    """
    subject = subject_of(payload)
    if not await db.run(partial(may_destroy, subject_id=subject)):
        return {"subject": payload["subject"], "outcome": "held"}
    await vault.destroy(subject)
    await drop_disclosed(db, files, subject)
    await db.run(partial(complete_erasure, subject_id=subject))
    return {"subject": payload["subject"], "outcome": "erased"}


async def drop_disclosed(db: Database, files: FileStore, subject_id: UUID | None = None) -> None:
    """End the exports that tell of a subject and remove their bundles, with what was left half-way of them.

    Without a subject: those of everybody who is erased already, as after an old copy of the files came back.
    """
    if subject_id is None:
        found = await db.run(disclosure_store.of_erased)
    else:
        await db.run(partial(disclosure_store.withdraw, subject_id=subject_id))
        found = await db.run(partial(disclosure_store.holding, subject_id=subject_id))
    for one in found:
        await files.remove(one.sha256)
        await files.discard(one.export_id)
