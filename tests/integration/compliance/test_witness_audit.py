"""A superuser changes who witnesses the log, or signs for them: the audit says which."""

from __future__ import annotations

from functools import partial
from uuid import UUID

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from compliance import notes, tree_store, witness_store
from compliance.cosign import Cosigner
from compliance.watched import Fault, Observed
from exchange.flows.audit_witnesses import audit_witnesses
from exchange.flows.keep_cosignatures import keep_cosignatures
from exchange.flows.manage_witnesses import WitnessReceipt, add_witness, remove_witness
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Database, Tx
from exchange.kernel.keys import Keyring
from tests.support.logged import logged
from tests.support.superuser import edit

OPERATOR = Actor(UUID(int=9), UUID(int=8), frozenset({"operator"}), frozenset(), "t")


def witness(name: str) -> Cosigner:
    private = Ed25519PrivateKey.from_private_bytes(name.encode().ljust(32, b"."))
    return Cosigner(name, private.public_key().public_bytes_raw(), private.sign)


@pytest_asyncio.fixture
async def log(database: Database, keyring: Keyring, clock: FixedClock) -> Database:
    """A log whose newest checkpoint two witnesses cosigned, one of whom was removed, and one was caught."""
    await logged(database, keyring, clock)
    note = await database.run(tree_store.checkpoint)
    assert note is not None
    parsed = notes.parse_note(note)
    size = notes.parse_checkpoint(parsed.text).size
    known = {}
    for name in ("w1.example", "w2.example", "w3.example"):
        add = partial(add_witness, actor=OPERATOR, vkey=witness(name).verifier.vkey, url=f"https://{name}")
        made = await database.run(add)
        assert isinstance(made, WitnessReceipt), made
        row = await database.run(partial(witness_store.find_witness, witness_id=ids.parse("wit", made.id)))
        assert row is not None
        known[row.id] = row
    first, second, third = known.values()
    observed = [
        *(Observed(one.id, size, line=witness(one.name).cosign(parsed.text, 1_800_000_000)) for one in (first, second)),
        Observed(third.id, size, fault=Fault.COSIGNATURE_WRONG, evidence=b"nonsense"),
    ]
    await database.run(lambda tx: keep_cosignatures(tx, observed, known))
    await database.run(lambda tx: remove_witness(tx, OPERATOR, second.id))
    assert await audit_witnesses(database) == []
    return database


W = "compliance.witness"
ID = f"(SELECT id FROM {W} WHERE name = '{{}}.example')"
NEW = f"SELECT gen_random_uuid(), 'w9.example', set_byte(public, 0, 9), url, added_by, added_at FROM {W} LIMIT 1"
EDITS = {
    "another key": (f"UPDATE {W} SET public = set_byte(public, 0, 7) WHERE name = 'w3.example'", "key"),
    "another name": (f"UPDATE {W} SET name = 'w4.example' WHERE name = 'w3.example'", "key"),
    "another address": (f"UPDATE {W} SET url = 'https://evil.example' WHERE name = 'w1.example'", "address"),
    "asked again": (f"UPDATE {W} SET state = 'active', removed_at = NULL WHERE state = 'removed'", "state"),
    "asked no more": (
        f"UPDATE {W} SET state = 'removed', removed_at = now() WHERE name = 'w1.example'",
        "state",
    ),
    "removed": (f"DELETE FROM {W} WHERE name = 'w3.example'", "is not there"),
    "never caught": ("DELETE FROM compliance.witness_fault", "faults"),
    "caught at something else": ("UPDATE compliance.witness_fault SET evidence = 'x'", "faults"),
    "signed by nobody": (
        "UPDATE compliance.cosignature SET signature = set_byte(signature, 30, (get_byte(signature, 30) + 1) % 256)",
        "did not sign",
    ),
    "signed by another": (
        f"UPDATE compliance.cosignature SET witness_id = {ID.format('w3')} WHERE witness_id = {ID.format('w1')}",
        "did not sign",
    ),
    "of a checkpoint that is gone": ("UPDATE compliance.cosignature SET size = 699", "did not sign"),
    "invented": (
        f"INSERT INTO {W} (id, name, public, url, added_by, added_at) {NEW}",
        "does not say that it was added",
    ),
}


@pytest.mark.parametrize("case", EDITS)
async def test_an_edit_by_hand_is_named(log: Database, database_url: str, case: str) -> None:
    statement, words = EDITS[case]
    await edit(database_url, statement)
    found = await audit_witnesses(log)
    assert any(words in f"{one.place.en}: {one.what.en}" for one in found), [one.place.en for one in found]
    assert all(one.what.zh != one.what.en for one in found)


async def test_cosignatures_that_a_superuser_writes_make_nothing_witnessed_unseen(
    log: Database, database_url: str
) -> None:
    async def witnessed(tx: Tx) -> int | None:
        return await witness_store.witnessed(tx, 2)

    assert await log.run(witnessed) is None
    await edit(database_url, f"UPDATE {W} SET seen_size = 700")
    await edit(
        database_url,
        "INSERT INTO compliance.cosignature (node_id, size, witness_id, signature, created_at) "
        f"SELECT c.node_id, c.size, w.id, c.signature, now() FROM compliance.cosignature c, {W} w "
        "WHERE w.name = 'w3.example' LIMIT 1",
    )
    assert await log.run(witnessed) == 700
    assert [one.rule for one in await audit_witnesses(log)] == ["witness-signature"]
