"""The step that erases a person: destroys the key in every place, then has the tables emptied."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from exchange.flows.erase_subject import complete_erasure, may_destroy, subject_of
from exchange.kernel.db import Database
from exchange.kernel.subjects import Vault


async def erase(db: Database, vault: Vault, payload: dict[str, str]) -> Mapping[str, Any]:
    """Erase the subject of a job, once or again; a legal hold ends the job, and the schedule comes back to it.

    errors   what a place of the vault answers that cannot be reached; the job then comes again
    """
    subject = subject_of(payload)
    if not await db.run(partial(may_destroy, subject_id=subject)):
        return {"subject": payload["subject"], "outcome": "held"}
    await vault.destroy(subject)
    await db.run(partial(complete_erasure, subject_id=subject))
    return {"subject": payload["subject"], "outcome": "erased"}
