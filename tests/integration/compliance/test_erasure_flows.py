"""A person is erased: who may ask, what holds it up, what follows in which order, and that it stays so after a restore."""

from __future__ import annotations

import asyncio
import hashlib
import json
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from compliance import directive_store, notes, sealed_store, store
from compliance.entries import Entry
from compliance.sealing import Secret, unseal
from exchange.flows import issue_directive
from exchange.flows.audit_log import LogReport, audit_log
from exchange.flows.audit_sealed import audit_sealed
from exchange.flows.erase_subject import (
    ErasureReceipt,
    complete_erasure,
    may_destroy,
    queue_erasures,
    request_erasure,
)
from exchange.flows.forget_payloads import forget_payloads
from exchange.flows.issue_directive import DirectiveReceipt
from exchange.flows.replay_erasures import Replayed, erased_in, replay_erasures, seal_people
from exchange.flows.store_event import ProviderEvent, store_event
from exchange.kernel import ids, jobs
from exchange.kernel.actor import Actor
from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Database, DatabaseUrls, Tx
from exchange.kernel.errors import Problem
from exchange.kernel.files import FileStore
from exchange.kernel.keys import Keyring
from exchange.kernel.subjects import SubjectErased, SubjectKey
from exchange.kernel.vault import StoredVault
from exchange.worker.erasing import erase
from settlement.store import provider_events
from tests.support.clones import Clones
from tests.support.directives import order, standing
from tests.support.erasing import EMAIL, NAME, actor_of, join, member_of, readable, vault_in
from tests.support.logged import ORIGIN, sequenced

PERSON = {NAME, EMAIL}
REGULATOR = Actor(UUID(int=77), UUID(int=78), frozenset({"regulator"}), frozenset({"regulator"}), "jti")


@pytest.fixture
def vault(tmp_path: Path, keyring: Keyring) -> StoredVault:
    return vault_in(tmp_path, keyring)


async def said(database_url: str) -> list[dict[str, Any]]:
    """Every entry, in order."""
    connection = await asyncpg.connect(database_url)
    rows = await connection.fetch("SELECT envelope FROM compliance.audit_entry ORDER BY seq")
    await connection.close()
    return [json.loads(row[0]) for row in rows]


async def sound(database: Database, keyring: Keyring) -> bool:
    """Whether the whole log holds: every entry, tile and checkpoint, and what is sealed beside them."""
    await sequenced(database, keyring)
    report = LogReport()

    async def quietly(_done: int, _total: int) -> None:
        return

    await audit_log(database, notes.log_verifiers(keyring, ORIGIN), ORIGIN, quietly, report=report)
    assert report.size > 0
    return not report.faults and not await audit_sealed(database)


async def ask(database: Database, actor: Actor | None, member: UUID, *, of_all: bool = False) -> Any:
    return await database.run(partial(request_erasure, actor=actor, subject_id=member, of_all=of_all))


async def work(database: Database, vault: StoredVault, files: FileStore) -> list[Any]:
    """Run the erasures that are due."""
    done = []
    while (job := await database.run(lambda tx: jobs.take(tx, ["erase_subject"], 30))) is not None:
        result = await erase(database, vault, files, job.payload)
        await database.run(partial(jobs.finish, job=job, result=result))
        done.append(result["outcome"])
    return done


async def test_an_erased_person_is_unreadable_and_every_proof_holds(
    database: Database, database_url: str, vault: StoredVault, keyring: Keyring, files: FileStore
) -> None:
    who, other = await join(database, vault), await join(database, vault, "Li Hua", "li@example.com")
    await sequenced(database, keyring)
    before = await said(database_url)
    assert await readable(database, vault) > PERSON
    own = actor_of(who)
    assert await ask(database, own, member_of(who)) == ErasureReceipt(who.member, "asked")
    assert await ask(database, own, member_of(who)) == ErasureReceipt(who.member, "asked"), "asked twice, done once"
    assert await work(database, vault, files) == ["erased"]
    assert await ask(database, own, member_of(who)) == ErasureReceipt(who.member, "erased")
    left = await readable(database, vault)
    assert not left & PERSON
    assert {"Li Hua", "li@example.com"} <= left, "the neighbour is as before"
    assert await sound(database, keyring)
    entries = await said(database_url)
    assert entries[: len(before)] == before, "no entry was touched"
    told = [(one["action"], one["object"]["id"], one["organisations"]) for one in entries[len(before) :]]
    assert told == [
        ("erasure.requested", who.member, [who.organisation]),
        ("erasure.completed", who.member, [who.organisation]),
    ]
    assert other.member != who.member
    # The organisation's own log shows it, and so do both portals' lists.
    async with database.inspect() as tx:
        (one,) = await sealed_store.erasures(tx)
        assert (one.name, one.state, one.asked_by) == (who.member, "erased", own.organisation_id)


async def test_who_may_ask(database: Database, vault: StoredVault) -> None:
    who, other = await join(database, vault), await join(database, vault, "Li Hua", "li@example.com")
    member = member_of(who)
    strangers = [
        (actor_of(other), False),
        (actor_of(other), True),
        (REGULATOR, False),
        (actor_of(other, "supplier", "assessor"), True),
    ]
    for actor, of_all in strangers:
        refused = await ask(database, actor, member, of_all=of_all)
        assert isinstance(refused, Problem)
        assert refused.slug == "not-found"
    for unknown in (UUID(int=5), ids.parse("org", who.organisation)):
        refused = await ask(database, REGULATOR, unknown, of_all=True)
        assert isinstance(refused, Problem), "nobody, and an organisation, which is no person"
        assert refused.slug == "not-found"
    assert isinstance(await ask(database, REGULATOR, member, of_all=True), ErasureReceipt)
    assert isinstance(await ask(database, None, member_of(other)), ErasureReceipt), "the machine's owner"


async def test_a_directive_to_preserve_defers_and_is_named(
    database: Database, database_url: str, vault: StoredVault, clock: FixedClock, files: FileStore
) -> None:
    who = await join(database, vault)
    member, organisation = member_of(who), ids.parse("org", who.organisation)
    hold = partial(issue_directive.issue, actor=REGULATOR, order=order("preserve", ("organisation", organisation)))
    directive = await database.run(hold)
    assert isinstance(directive, DirectiveReceipt)
    refused = await ask(database, actor_of(who), member)
    assert isinstance(refused, Problem)
    assert (refused.slug, int(refused.type.kind)) == ("held-by-directive", 409)
    assert directive.id in refused.detail("en")
    assert directive.id in refused.detail("zh")
    lift = partial(issue_directive.lift, actor=REGULATOR)
    await database.run(partial(lift, directive_id=ids.parse("dir", directive.id)))

    # A hold that comes after the asking and before the job: nothing is destroyed, and it is on record once.
    assert isinstance(await ask(database, actor_of(who), member), ErasureReceipt)
    late = await database.run(hold)
    assert isinstance(late, DirectiveReceipt)
    assert await work(database, vault, files) == ["held"]
    clock.advance(700)
    assert await database.run(queue_erasures) == 1
    assert await work(database, vault, files) == ["held"]
    assert await readable(database, vault) >= PERSON
    held = [one for one in await said(database_url) if one["action"] == "erasure.held"]
    assert [(one["outcome"], one["problem"], one["object"]["id"]) for one in held] == [
        ("refused", "held-by-directive", who.member)
    ]
    await database.run(partial(lift, directive_id=ids.parse("dir", late.id)))
    clock.advance(700)
    await database.run(queue_erasures)
    assert await work(database, vault, files) == ["erased"]
    assert not await readable(database, vault) & PERSON


async def test_each_step_may_be_the_last_and_the_next_worker_ends_it(
    database: Database, database_url: str, vault: StoredVault, files: FileStore
) -> None:
    who = await join(database, vault)
    member = member_of(who)
    await ask(database, actor_of(who), member)
    # Dies after the asking, after the look at holds, after the key, after the rows, and before the job is finished.
    assert await database.run(partial(may_destroy, subject_id=member))
    assert await readable(database, vault) >= PERSON, "nothing is lost before the key is"
    await vault.destroy(member)
    assert not await readable(database, vault) & PERSON, "and nothing is left after it"
    assert "erasure.completed" not in [one["action"] for one in await said(database_url)], "not said before it is done"
    assert await database.run(partial(complete_erasure, subject_id=member))
    assert not await database.run(partial(complete_erasure, subject_id=member))
    assert await work(database, vault, files) == ["erased"], "the job comes again and changes nothing"
    actions = [one["action"] for one in await said(database_url)]
    assert actions.count("erasure.completed") == 1


async def test_nothing_is_sealed_of_one_who_is_being_erased(
    database: Database, database_url: str, vault: StoredVault
) -> None:
    who = await join(database, vault)
    member = member_of(who)
    key = await vault.make(member)
    entry = Entry(action="member.seen", organisation_id=None, secrets=(Secret(key, {"name": NAME}),))
    await database.run(lambda tx: store.append(tx, [entry]))
    count = len(await said(database_url))
    await ask(database, actor_of(who), member)
    with pytest.raises(SubjectErased):
        await database.run(lambda tx: store.append(tx, [entry]))
    stranger = Entry(
        action="a", organisation_id=None, secrets=(Secret(SubjectKey(UUID(int=9), b"\1" * 32), {"name": NAME}),)
    )
    with pytest.raises(SubjectErased):
        await database.run(lambda tx: store.append(tx, [stranger]))
    assert len(await said(database_url)) == count + 1, "the entry went with what it would have sealed"


async def test_one_who_seals_holds_up_one_who_erases(database: Database, vault: StoredVault, files: FileStore) -> None:
    """The other order: a transaction that seals is under way when the erasure is asked for, which waits for its end."""
    who = await join(database, vault)
    key = await vault.make(member_of(who))
    entry = Entry(action="member.seen", organisation_id=None, secrets=(Secret(key, {"name": NAME}),))
    sealed, go_on = asyncio.Event(), asyncio.Event()

    async def slow(tx: Tx) -> None:
        await store.append(tx, [entry])
        sealed.set()
        await go_on.wait()

    async def erased() -> None:
        await ask(database, actor_of(who), member_of(who))
        await work(database, vault, files)

    sealing = asyncio.create_task(database.run(slow))
    await sealed.wait()
    erasing = asyncio.create_task(erased())
    await asyncio.sleep(0.2)
    assert not erasing.done()
    go_on.set()
    await asyncio.gather(sealing, erasing)
    assert not await readable(database, vault) & PERSON
    assert await database.run(_left) == 0, "what was sealed just before is emptied with the rest"


async def _left(tx: Tx) -> int:
    count: int = await (await tx.driver()).fetchval(
        "SELECT count(*) FROM compliance.sealed s JOIN compliance.subject u ON u.id = s.subject_id "
        "WHERE u.state = 'erased' AND s.sealed IS NOT NULL"
    )
    return count


async def test_two_subjects_of_one_entry_are_erased_apart(
    database: Database, database_url: str, vault: StoredVault, files: FileStore
) -> None:
    first, second = await join(database, vault), await join(database, vault, "Li Hua", "li@example.com")
    keys = [await vault.make(member_of(one)) for one in (first, second)]
    entry = Entry(
        action="members.met", organisation_id=None, secrets=tuple(Secret(key, {"met": "yes"}) for key in keys)
    )
    (entry_id,) = await database.run(lambda tx: store.append(tx, [entry]))
    records = (await database.run(partial(sealed_store.sealed_of, entry_ids=[entry_id])))[entry_id]
    assert {one.commitment.hex() for one in records} == set((await said(database_url))[-1]["sealed"])
    await ask(database, actor_of(first), member_of(first))
    await work(database, vault, files)
    (left,) = (await database.run(partial(sealed_store.sealed_of, entry_ids=[entry_id])))[entry_id]
    assert left.subject == member_of(second)
    assert unseal(keys[1].key, entry_id, left).fields == {"met": "yes"}
    assert await vault.key(member_of(first)) is None


async def test_an_erasure_is_not_taken_back_by_anybody(
    database: Database, database_url: str, vault: StoredVault, files: FileStore
) -> None:
    who = await join(database, vault)
    await ask(database, actor_of(who), member_of(who))
    await work(database, vault, files)
    for role in ("app", "migrate"):
        url = getattr(DatabaseUrls.from_one(database_url), role).replace("+asyncpg", "")
        connection = await asyncpg.connect(url)
        for change in (
            "UPDATE compliance.subject SET state = 'kept', asked_at = NULL, erased_at = NULL WHERE state = 'erased'",
            "UPDATE compliance.subject SET state = 'asked', erased_at = NULL WHERE state = 'erased'",
            "UPDATE compliance.sealed SET sealed = '\\x00', erased_at = NULL",
            "UPDATE compliance.sealed SET commitment = sha256('')",
            "DELETE FROM compliance.subject",
            "DELETE FROM compliance.sealed",
            "TRUNCATE compliance.sealed",
        ):
            with pytest.raises(asyncpg.PostgresError):
                await connection.execute(change)
        await connection.close()


# ---------------------------------------------------------------- after a restore


async def test_a_database_from_before_the_erasure_is_told_by_the_vault(
    database: Database,
    database_url: str,
    vault: StoredVault,
    clones: Clones,
    clock: FixedClock,
    keyring: Keyring,
    files: FileStore,
) -> None:
    who = await join(database, vault)
    await sequenced(database, keyring)
    await database.close()
    old_url = await clones.copy(database_url)
    try:
        await ask(database, actor_of(who), member_of(who))
        await work(database, vault, files)
        old = Database(DatabaseUrls.from_one(old_url), clock, ids=database.ids)
        assert not await readable(old, vault) & PERSON, "unreadable already, since the key is not in the database"
        assert await replay_erasures(old, vault) == Replayed(0, 1)
        assert await replay_erasures(old, vault) == Replayed(0, 0)
        assert [one["action"] for one in await said(old_url)][-1] == "erasure.replayed"
        assert await sound(old, keyring)
        with pytest.raises(SubjectErased):
            await vault.make(member_of(who))
        await old.close()
    finally:
        await clones.drop(old_url)


async def test_a_vault_from_before_the_erasure_is_told_by_the_database(
    database: Database, database_url: str, tmp_path: Path, keyring: Keyring, files: FileStore
) -> None:
    vault = vault_in(tmp_path / "now", keyring)
    who = await join(database, vault)
    kept = {path.name: path.read_bytes() for path in (tmp_path / "now" / "vault0" / "keys").iterdir()}
    await ask(database, actor_of(who), member_of(who))
    await work(database, vault, files)
    old = vault_in(tmp_path / "old", keyring)
    await old.make(UUID(int=1))
    for name, data in kept.items():
        (tmp_path / "old" / "vault0" / "keys" / name).write_bytes(data)
    assert await old.key(member_of(who)) is not None, "the old key is back"
    assert await replay_erasures(database, old) == Replayed(1, 0)
    assert await old.key(member_of(who)) is None
    assert await replay_erasures(database, old) == Replayed(0, 0)


async def test_where_both_are_old_an_export_tells_them(
    database: Database,
    database_url: str,
    tmp_path: Path,
    clones: Clones,
    clock: FixedClock,
    keyring: Keyring,
    files: FileStore,
) -> None:
    vault = vault_in(tmp_path / "now", keyring)
    who = await join(database, vault)
    await database.close()
    old_url = await clones.copy(database_url)
    kept = {path.name: path.read_bytes() for path in (tmp_path / "now" / "vault0" / "keys").iterdir()}
    await ask(database, actor_of(who), member_of(who))
    await work(database, vault, files)
    told = list(erased_in(json.dumps(one).encode() for one in await said(database_url)))
    assert told == [member_of(who)]
    old, both = Database(DatabaseUrls.from_one(old_url), clock, ids=database.ids), vault_in(tmp_path / "old", keyring)
    await both.make(UUID(int=1))
    for name, data in kept.items():
        (tmp_path / "old" / "vault0" / "keys" / name).write_bytes(data)
    try:
        assert await replay_erasures(old, both) == Replayed(0, 0)
        assert await readable(old, both) >= PERSON, "the control: nobody remembers"
        assert await replay_erasures(old, both, told) == Replayed(1, 1)
        assert not await readable(old, both) & PERSON
    finally:
        await old.close()
        await clones.drop(old_url)


async def test_one_who_was_asked_for_waits_for_the_job_and_not_for_a_start(
    database: Database, vault: StoredVault
) -> None:
    """A hold may have come since: a start destroys only what was destroyed before."""
    who = await join(database, vault)
    await ask(database, actor_of(who), member_of(who))
    assert await replay_erasures(database, vault) == Replayed(0, 0)
    assert await readable(database, vault) >= PERSON
    # Killed between key and rows: the start may go on, since nothing can be held any more.
    await vault.destroy(member_of(who))
    assert await replay_erasures(database, vault) == Replayed(0, 1)


async def test_people_from_before_sealing_are_sealed_at_start(
    database: Database, database_url: str, vault: StoredVault
) -> None:
    who, gone = await join(database, vault), await join(database, vault, "Li Hua", "li@example.com")
    superuser = await asyncpg.connect(database_url)
    await superuser.execute("UPDATE parties.person SET sealed = NULL, name = 'Old Zhang', email = 'zhang@example.com'")
    await vault.destroy(member_of(gone))
    assert await seal_people(database, vault) == 2
    assert await seal_people(database, vault) == 0
    rows = await superuser.fetch("SELECT member_id, name, email, sealed FROM parties.person")
    await superuser.close()
    assert [(row[0], row[1], row[2]) for row in rows] == [(member_of(who), None, None)], "whose key is gone is not kept"
    assert b"Zhang" not in rows[0][3]
    assert "Old Zhang" in await readable(database, vault)


async def test_a_word_is_logged_under_a_salt_and_can_be_shown(
    database: Database, database_url: str, vault: StoredVault
) -> None:
    spoken = Entry(action="a.b", organisation_id=None, object_id="x", words={"reason": b"Li Hua asked"})
    (first,) = await database.run(lambda tx: store.append(tx, [spoken]))
    await database.run(lambda tx: store.append(tx, [spoken]))
    one, two = [entry["digests"]["reason.salted"] for entry in await said(database_url)]
    assert one != two, "the same words twice look like two"
    salt = (await database.run(partial(sealed_store.salts_of, entry_ids=[first])))[first]["reason"]
    assert hashlib.sha256(salt + b"Li Hua asked").hexdigest() == one
    assert await database.run(partial(sealed_store.forget_salts, entry_ids=[first])) == 1
    assert await database.run(partial(sealed_store.salts_of, entry_ids=[first])) == {}


async def test_what_the_payment_provider_told_is_forgotten_but_not_under_a_hold(
    database: Database, database_url: str, clock: FixedClock
) -> None:
    """Its events may name a card's holder; one that comes again later is still known."""
    payer, held = UUID(int=41), UUID(int=42)
    superuser = await asyncpg.connect(database_url)
    for number, organisation in enumerate((payer, held)):
        event = ProviderEvent(f"evt_{number}", "payment_intent.succeeded", f"pi_{number}", b'{"name": "Li Hua"}')
        await database.run(partial(store_event, event=event))
        await superuser.execute(
            "INSERT INTO settlement.payment (id, organisation_id, purpose, amount_units, currency, method, state, "
            "provider_ref, created_at, finished_at) VALUES ($1, $2, 'top_up', 1000000, 'CNY', 'card', 'succeeded', $3, $4, $4)",
            UUID(int=50 + number),
            organisation,
            f"pi_{number}",
            clock.now(),
        )
        await database.run(partial(provider_events.events_handled, event_ids=[f"evt_{number}"]))
    waiting = ProviderEvent("evt_9", "payment_intent.succeeded", "pi_9", b'{"name": "Li Hua"}')
    await database.run(partial(store_event, event=waiting))
    hold = standing(UUID(int=60), "preserve", ("organisation", held), REGULATOR.organisation_id, clock.now())
    await database.run(lambda tx: directive_store.put_directive(tx, hold))
    assert await database.run(partial(forget_payloads, kept_days=30)) == 0
    clock.advance(31 * 86_400)
    assert await database.run(partial(forget_payloads, kept_days=30)) == 1
    rows = await superuser.fetch("SELECT id, payload FROM settlement.stripe_event ORDER BY id")
    await superuser.close()
    assert [(row[0], row[1] is None) for row in rows] == [("evt_0", True), ("evt_1", False), ("evt_9", False)]
    again = ProviderEvent("evt_0", "payment_intent.succeeded", "pi_0", b'{"name": "Li Hua"}')
    assert (await database.run(partial(store_event, event=again))).replayed
