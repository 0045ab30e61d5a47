"""A superuser empties, swaps or removes what is sealed of people, or calls one erased: the audit says which."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from uuid import UUID

import pytest

from exchange.flows.audit_sealed import audit_sealed
from exchange.flows.erase_subject import request_erasure
from exchange.kernel.db import Database
from exchange.kernel.files import FileStore
from exchange.kernel.keys import Keyring
from exchange.worker.erasing import erase
from tests.support.erasing import actor_of, join, member_of, vault_in
from tests.support.superuser import edit

S, U = "compliance.sealed", "compliance.subject"
KEPT = f"subject_id IN (SELECT id FROM {U} WHERE state = 'kept')"
EDITS = {
    "emptied": (f"UPDATE {S} SET sealed = NULL, erased_at = now() WHERE {KEPT}", "emptied though nobody was erased"),
    "put back": (f"UPDATE {S} SET sealed = 'x', erased_at = NULL WHERE sealed IS NULL", "was not emptied"),
    "removed": (f"DELETE FROM {S} WHERE {KEPT}", "not those that it committed to"),
    "another commitment": (f"UPDATE {S} SET commitment = sha256('x') WHERE {KEPT}", "not those that it committed to"),
    "beside another entry": (f"UPDATE {S} SET entry_id = gen_random_uuid() WHERE {KEPT}", "an entry that is not there"),
    "called erased": (
        f"UPDATE {U} SET state = 'erased', asked_at = now(), erased_at = now() WHERE state = 'kept'",
        "its state is not what the log says",
    ),
    "called kept": (
        f"UPDATE {U} SET state = 'kept', asked_at = NULL, asked_by = NULL, erased_at = NULL WHERE state = 'erased'",
        "its state is not what the log says",
    ),
}


@pytest.mark.parametrize("case", EDITS)
async def test_an_edit_by_hand_is_named(
    database: Database, database_url: str, keyring: Keyring, tmp_path: Path, files: FileStore, case: str
) -> None:
    vault = vault_in(tmp_path, keyring)
    who = await join(database, vault)
    await join(database, vault, "Li Hua", "li@example.com")
    member: UUID = member_of(who)
    await database.run(partial(request_erasure, actor=actor_of(who), subject_id=member))
    assert await audit_sealed(database) == []
    await erase(database, vault, files, {"subject": who.member})
    assert await audit_sealed(database) == []
    statement, words = EDITS[case]
    await edit(database_url, statement)
    found = await audit_sealed(database)
    assert any(words in one.what.en for one in found), [one.what.en for one in found]
    assert all(one.rule == "sealed-as-logged" and one.what.zh != one.what.en for one in found)
