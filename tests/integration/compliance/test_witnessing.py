"""The log and its witnesses: what an honest one leaves behind, and that no other kind stops anything or goes unseen."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from compliance import cosign, marks, notes, policy, store, tree_store, witness_store
from compliance.entries import Entry
from compliance.log import LogBehind
from compliance.notes import Checkpoint
from compliance.watched import INNOCENT, Fault, Observed
from compliance.witness import SIZE_TYPE, Answer
from compliance.witness_folder import WitnessFolder
from compliance.witness_store import WitnessRow
from exchange.flows.keep_cosignatures import keep_cosignatures
from exchange.flows.manage_witnesses import WitnessReceipt, add_witness, remove_witness
from exchange.kernel.actor import Actor
from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Database, DatabaseUrls, Tx
from exchange.kernel.errors import Problem
from exchange.kernel.keys import Keyring
from exchange.worker.witnesses import Witnessing
from tests.support.clones import Clones
from tests.support.logs import FakeLog, raw_public
from tests.support.sequencing import sequence, sequencer
from tests.support.witnesses import Answering, honest, served

ORIGIN = "exchange.example/log"
OPERATOR = Actor(UUID(int=9), UUID(int=8), frozenset({"operator"}), frozenset(), "t")
# A machine with too much to do is no witness that is away.
LIMIT_S = 1.5
LIAR = Ed25519PrivateKey.from_private_bytes(b"\x66" * 32)
LIES = cosign.Cosigner("liar.example", raw_public(LIAR), LIAR.sign)


class Log:
    """A log of this database, its mark, and the plug that has it witnessed."""

    def __init__(self, database: Database, keyring: Keyring, folder: Path) -> None:
        self.db, self.signer, self.mark = database, notes.log_signer(keyring, ORIGIN), folder / "log.mark"
        self.verifiers = notes.log_verifiers(keyring, ORIGIN)
        self.witnessing = Witnessing(
            database, self.verifiers, ORIGIN, lambda note: marks.write_mark(self.mark, note), limit_s=LIMIT_S
        )

    async def grow(self, count: int) -> bytes:
        """Entries, and a checkpoint over them, as the sequencer makes it."""

        async def put(tx: Tx) -> None:
            await store.append(tx, [Entry(action="test", organisation_id=UUID(int=1)) for _ in range(count)])

        await self.db.run(put)
        return await self.sequence()

    async def sequence(self) -> bytes:
        head = await sequence(self.db, [self.signer], ORIGIN, marks=[marks.FileMark(self.mark)])
        note = await self.db.run(lambda tx: tree_store.checkpoint(tx, size=head.size))
        assert note is not None
        return note

    async def add(self, verifier: cosign.CosignVerifier, url: str) -> str:
        made = await self.db.run(lambda tx: add_witness(tx, OPERATOR, verifier.vkey, url))
        assert isinstance(made, WitnessReceipt), made
        return made.id

    async def round(self) -> dict[str, Observed]:
        """One round of asking, by the witnesses' names."""
        names = {one.id: one.name for one in await self.rows()}
        return {names[one.witness]: one for one in await self.witnessing.step()}

    async def rows(self) -> list[WitnessRow]:
        return await self.db.run(witness_store.active)

    async def witnessed(self, needed: int) -> int | None:
        return await self.db.run(lambda tx: witness_store.witnessed(tx, needed))

    async def faults(self) -> list[dict[str, str]]:
        """The entries of the log about witnesses that were caught."""

        async def read(tx: Tx) -> list[bytes]:
            driver = await tx.driver()
            rows = await driver.fetch("SELECT envelope FROM compliance.audit_entry WHERE action = 'witness.fault'")
            return [row[0] for row in rows]

        return [
            {"kind": one["object"]["version"], "evidence": one["digests"]["evidence"]}
            for one in map(json.loads, await self.db.run(read))
        ]


@pytest.fixture
def log(database: Database, keyring: Keyring, tmp_path: Path) -> Log:
    return Log(database, keyring, tmp_path)


@pytest_asyncio.fixture
async def first(log: Log, tmp_path: Path, clock: FixedClock) -> AsyncIterator[WitnessFolder]:
    """An honest witness that is asked."""
    async with honest(tmp_path / "w1", "w1.example", {ORIGIN: log.verifiers}, lambda: clock.now().timestamp()) as made:
        await log.add(made[0].signer.verifier, made[1])
        yield made[0]


async def test_checkpoints_are_cosigned_as_the_log_grows(log: Log, first: WitnessFolder) -> None:
    assert await log.round() == {}
    sizes = []
    for count in (1, 254, 1, 300):
        note = await log.grow(count)
        observed = (await log.round())["w1.example"]
        assert observed.fault is None
        assert observed.line is not None
        size = witness_store.size_of(note)
        sizes.append(size)
        cosigned = await log.db.run(witness_store.cosigned)
        assert cosigned is not None
        assert notes.open_note(cosigned, [first.signer.verifier]) == notes.open_note(note, log.verifiers)
        assert cosigned.startswith(note)
        assert (await log.rows())[0].seen_size == size == await log.witnessed(1)
        assert first.last[ORIGIN].checkpoint == notes.parse_checkpoint(notes.parse_note(note).text)
        # Nobody is asked twice about the same.
        assert await log.round() == {}
    assert sizes == [2, 256, 257, 557]  # the entry witness.add is the first
    assert await log.faults() == []
    assert await log.witnessed(2) is None
    async with log.db.read(None) as tx:
        assert await witness_store.witnessed(tx, 1) == 557
        assert await witness_store.newest_witnessed(tx, 1) == await witness_store.cosigned(tx)


async def test_what_is_remembered_of_a_witness_may_be_behind(log: Log, first: WitnessFolder) -> None:
    await log.grow(5)
    await log.round()

    async def forget(tx: Tx) -> None:
        await (await tx.driver()).execute("UPDATE compliance.witness SET seen_size = 0")

    await log.grow(7)
    await log.db.run(forget)
    observed = (await log.round())["w1.example"]  # 409, and once more with the proof from there
    assert observed.line is not None
    assert (await log.rows())[0].seen_size == first.last[ORIGIN].checkpoint.size == 13


async def test_a_quorum_counts_those_who_are_asked_now(log: Log, tmp_path: Path, first: WitnessFolder) -> None:
    now = log.db.clock.now().timestamp
    async with honest(tmp_path / "w2", "w2.example", {ORIGIN: log.verifiers}, now) as (second, url):
        added = await log.add(second.signer.verifier, url)
        await log.grow(3)
        await log.round()
        size = await log.witnessed(2)
        assert size == 5
        note = await log.db.run(lambda tx: witness_store.newest_witnessed(tx, 2))
        assert note is not None
        rows = await log.rows()
        text = policy.policy_text(
            [policy.Log(one) for one in log.verifiers], [policy.Witness(one.verifier, one.url) for one in rows], 2
        )
        assert policy.parse_policy(text).met(notes.parse_note(note)).quorum
        witness_id = next(one.id for one in rows if one.name == "w2.example")
        assert isinstance(await log.db.run(lambda tx: remove_witness(tx, OPERATOR, witness_id)), WitnessReceipt)
        assert await log.witnessed(2) is None
        assert await log.witnessed(1) == 5
        again = await log.db.run(lambda tx: remove_witness(tx, OPERATOR, witness_id))
        assert isinstance(again, Problem)
        assert again.slug == "witness-already-removed"
        await log.grow(1)
        assert set(await log.round()) == {"w1.example"}
        assert await log.add(second.signer.verifier, url) != added


async def test_the_same_witness_is_not_asked_twice_over(log: Log, first: WitnessFolder) -> None:
    other = cosign.CosignVerifier("w1.example", b"\x01" * 32)
    same_key = cosign.CosignVerifier("w9.example", first.signer.public)
    for verifier in (other, same_key):
        refused = await log.db.run(lambda tx, v=verifier: add_witness(tx, OPERATOR, v.vkey, "http://x.example"))  # type: ignore[misc]
        assert isinstance(refused, Problem)
        assert refused.slug == "witness-already-there"


BAD = ["ftp://x", "http://", "//x", "http://u@x", "http://x/?q", "http://x/#f", "http://x y", "http://x:0", "http://é"]


async def test_only_an_http_address_is_taken(log: Log) -> None:
    for url in BAD:
        refused = await log.db.run(lambda tx, url=url: add_witness(tx, OPERATOR, LIES.verifier.vkey, url))  # type: ignore[misc]
        assert isinstance(refused, Problem), url
        assert refused.slug == "witness-invalid"


async def nothing(*_: object) -> Answer | None:
    return None


def saying(add: Answer | None, show: Answer | None = None) -> Answering:
    async def answer(method: str, _path: str, _body: bytes) -> Answer | None:
        return add if method == "POST" else show

    return answer


SHOWS_NOTHING = Answer(404, b"")
LONG = b"\xe2\x80\x94 x " + b"A" * 100_000
CASES: dict[str, tuple[Fault, Answer | None]] = {
    "away": (Fault.AWAY, None),
    "cannot now": (Fault.AWAY, Answer(503)),
    "too many": (Fault.AWAY, Answer(429)),
    "never heard of the log": (Fault.LOG_UNKNOWN, Answer(404)),
    "does not trust the key": (Fault.KEY_REFUSED, Answer(403)),
    "moved": (Fault.ANSWER_MALFORMED, Answer(301)),
    "calls it malformed": (Fault.ANSWER_MALFORMED, Answer(400)),
    "nonsense": (Fault.ANSWER_MALFORMED, Answer(200, b"hello\n")),
    "empty": (Fault.ANSWER_MALFORMED, Answer(200, b"")),
    "endless": (Fault.ANSWER_MALFORMED, Answer(200, LONG)),
    "conflict without a size": (Fault.ANSWER_MALFORMED, Answer(409, b"many\n", SIZE_TYPE)),
    "conflict of another type": (Fault.ANSWER_MALFORMED, Answer(409, b"3\n")),
    "conflict that leads too far": (Fault.ANSWER_MALFORMED, Answer(409, b"99999999999999999999\n", SIZE_TYPE)),
    "claims more": (Fault.CLAIMS_MORE, Answer(409, b"1000000\n", SIZE_TYPE)),
    "refuses a good proof": (Fault.PROOF_REFUSED, Answer(422)),
}


def liar(name: str) -> cosign.CosignVerifier:
    """A key of its own for a name."""
    key = Ed25519PrivateKey.from_private_bytes(sha256(name.encode()).digest())
    return cosign.CosignVerifier(name, raw_public(key))


async def test_witnesses_that_are_away_or_talk_nonsense_stop_nothing(log: Log, first: WitnessFolder) -> None:
    """All of them at once, beside an honest one."""
    wanted = {f"{case.replace(' ', '-')}.example": answers for case, answers in CASES.items()}
    async with AsyncExitStack() as stack:
        for name, (_, add) in wanted.items():
            url = await stack.enter_async_context(served(saying(add, SHOWS_NOTHING)))
            await log.add(liar(name), url)
        for _ in range(2):
            note = await log.grow(2)
            began = time.monotonic()
            observed = await log.round()
            assert time.monotonic() - began < 4 * LIMIT_S
            honest_one = observed.pop("w1.example")
            assert honest_one.line is not None
            assert {name: one.fault for name, one in observed.items()} == {n: fault for n, (fault, _) in wanted.items()}
            assert all(one.line is None for one in observed.values())
            assert await log.witnessed(1) == witness_store.size_of(note)
            assert await log.witnessed(2) is None
    state = {one.name: one.fault for one in await log.rows()}
    assert state == {"w1.example": None, **{name: str(fault) for name, (fault, _) in wanted.items()}}
    caught = [fault for fault, _ in wanted.values() if fault not in INNOCENT]
    assert 0 < len(caught) < len(wanted)
    # Twice caught is once written: otherwise a log would grow by being watched.
    assert sorted(one["kind"] for one in await log.faults()) == sorted(map(str, caught))


async def test_nobody_at_the_address(log: Log, first: WitnessFolder) -> None:
    async with served(nothing) as url:
        pass
    await log.add(LIES.verifier, url)
    await log.grow(1)
    assert (await log.round())["liar.example"].fault is Fault.AWAY


async def test_cosignatures_that_are_none(log: Log, first: WitnessFolder, clock: FixedClock) -> None:
    """By another key, over another root, of another size, from the future, without a time, of somebody else."""
    stranger = Ed25519PrivateKey.from_private_bytes(b"\x67" * 32)
    now = int(clock.now().timestamp())
    said: list[bytes] = []

    async def answer(method: str, _path: str, _body: bytes) -> Answer:
        return Answer(200, said[-1]) if method == "POST" else SHOWS_NOTHING

    async with served(answer) as url:
        await log.add(LIES.verifier, url)
        checkpoint = notes.parse_checkpoint(notes.parse_note(await log.grow(3)).text)
        text = notes.checkpoint_text(checkpoint)
        other_key = cosign.Cosigner(LIES.name, LIES.public, stranger.sign)
        other_root = notes.checkpoint_text(Checkpoint(ORIGIN, checkpoint.size, sha256(b"x").digest()))
        other_size = notes.checkpoint_text(Checkpoint(ORIGIN, 1, checkpoint.root))
        right = LIES.cosign(text, now)
        cases = [
            (other_key.cosign(text, now), Fault.COSIGNATURE_WRONG),
            (LIES.cosign(other_root, now), Fault.COSIGNATURE_WRONG),
            (LIES.cosign(other_size, now), Fault.COSIGNATURE_WRONG),
            (notes.SignatureLine(LIES.name, right.key_id, LIAR.sign(text)), Fault.COSIGNATURE_WRONG),
            (LIES.cosign(text, 0), Fault.COSIGNATURE_WRONG),
            (first.signer.cosign(text, now), Fault.COSIGNATURE_WRONG),
            (LIES.cosign(text, now + 3600), Fault.TIME_WRONG),
        ]
        for line, fault in cases:
            said.append(notes.lines_text([line]))
            assert (await log.round())["liar.example"].fault is fault
        assert await log.witnessed(2) is None
        # A wrong line beside a right one is no answer to build on; unknown keys beside it are passed over.
        said.append(notes.lines_text([right, cases[1][0]]))
        assert (await log.round())["liar.example"].fault is Fault.COSIGNATURE_WRONG
        said.append(notes.lines_text([first.signer.cosign(text, now), right]))
        assert (await log.round())["liar.example"].line == right
        assert await log.witnessed(2) == checkpoint.size
    faults = await log.faults()
    assert [one["kind"] for one in faults] == ["cosignature-wrong", "cosignature-time-wrong"]
    assert faults[0]["evidence"] == sha256(said[0]).hexdigest()


async def test_a_witness_that_forgot_is_none(log: Log, tmp_path: Path) -> None:
    now = log.db.clock.now().timestamp
    async with honest(tmp_path / "w", "w.example", {ORIGIN: log.verifiers}, now) as (folder, url):
        await log.add(folder.signer.verifier, url)
        await log.grow(2)
        await log.round()
        (file,) = folder.path.glob("*.checkpoint")
        old = file.read_bytes()
        await log.grow(2)
        await log.round()
        # Its folder was restored from an older copy.
        file.write_bytes(old)
        folder.read()
        await log.grow(2)
        observed = (await log.round())["w.example"]
        assert (observed.fault, observed.line, observed.claimed) == (Fault.WENT_BACK, None, 3)
        assert [one["kind"] for one in await log.faults()] == ["went-back"]
        await log.sequence()  # and the log goes on


def forked(log: Log) -> FakeLog:
    """Another history of the same log, signed by the log's own key."""
    other = FakeLog(b"other")
    other.signer = log.signer
    return other


@pytest.mark.parametrize("size", [1, 3])
async def test_another_history_that_our_own_key_signed_is_heard(log: Log, first: WitnessFolder, size: int) -> None:
    """The witness refuses our proof and shows why: somebody signed a second history with the log's key."""
    other = forked(log)
    async with served(saying(Answer(422), Answer(200, other.note(size)))) as url:
        await log.add(LIES.verifier, url)
        await log.grow(1)
        observed = (await log.round())["liar.example"]
        assert (observed.fault, observed.shown) == (Fault.OTHER_HISTORY, other.checkpoint(size))
        (fault,) = await log.faults()
        assert fault == {"kind": "other-history", "evidence": sha256(other.note(size)).hexdigest()}


async def test_a_longer_log_that_our_own_key_signed_stops_the_sequencer(log: Log, first: WitnessFolder) -> None:
    """An old backup was restored, without the mark: only the witness knows, and that is enough."""
    other = forked(log)
    async with served(saying(Answer(409, b"600\n", SIZE_TYPE), Answer(200, other.note(600)))) as url:
        await log.add(LIES.verifier, url)
        await log.grow(1)
        log.mark.unlink()
        known = {one.where: one.checkpoint for one in await log.witnessing.sizes()}
        assert known == {"witness liar.example": other.checkpoint(600), "witness w1.example": None}
        assert (await log.round())["liar.example"].fault is Fault.LOG_BEHIND
        assert marks.read_mark(log.mark) == other.checkpoint(600)
        with pytest.raises(LogBehind):
            await log.grow(1)


@pytest.mark.parametrize("grown", [0, 60])
async def test_a_restored_backup_is_found_by_the_witness_alone(
    log: Log, clones: Clones, keyring: Keyring, tmp_path: Path, clock: FixedClock, grown: int
) -> None:
    """The same key on an older state of the database, on a new machine without the mark; it may even have grown past it."""
    now = clock.now().timestamp
    async with honest(tmp_path / "w", "w.example", {ORIGIN: log.verifiers}, now) as (folder, at):
        await log.add(folder.signer.verifier, at)
        await log.grow(40)
        await log.round()
        url = await clones.make()
        database = Database(DatabaseUrls.from_one(url), clock)
        try:
            (tmp_path / "new").mkdir()
            restored = Log(database, keyring, tmp_path / "new")
            await restored.add(folder.signer.verifier, at)
            await restored.grow(5 + grown)
            observed = (await restored.round())["w.example"]
            wanted = Fault.OTHER_HISTORY if grown else Fault.LOG_BEHIND
            assert (observed.fault, observed.line) == (wanted, None)
            assert observed.shown == log_checkpoint(folder)
            assert await restored.faults() == [{"kind": str(wanted), "evidence": sha256(observed.evidence).hexdigest()}]
            assert await restored.witnessed(1) is None
            if not grown:
                with pytest.raises(LogBehind):
                    await restored.sequence()
        finally:
            await database.close()
            await clones.drop(url)
        # The first log goes on as if nothing had been.
        await log.grow(1)
        assert (await log.round())["w.example"].line is not None


def log_checkpoint(folder: WitnessFolder) -> Checkpoint:
    """What a witness has cosigned."""
    return folder.last[ORIGIN].checkpoint


async def test_a_made_up_longer_log_stops_nothing(log: Log, first: WitnessFolder) -> None:
    """What no key of the log signed is a witness's word, and its word alone stops nobody."""
    made_up = FakeLog(b"made up")
    show = Answer(200, made_up.note(600))
    async with served(saying(Answer(409, b"600\n", SIZE_TYPE), show)) as url:
        await log.add(LIES.verifier, url)
        await log.grow(1)
        assert [one.where for one in await log.witnessing.sizes()] == ["witness liar.example", "witness w1.example"]
        assert all(one.checkpoint is None for one in await log.witnessing.sizes())
        assert (await log.round())["liar.example"].fault is Fault.CLAIMS_MORE
        await log.grow(1)


async def test_a_round_that_another_worker_overtook_accuses_nobody(log: Log, first: WitnessFolder) -> None:
    """While we ask about one checkpoint, another process has the next one cosigned."""
    await log.grow(2)
    rows, note = await log.rows(), await log.db.run(tree_store.checkpoint)
    assert note is not None
    observed = Observed(rows[0].id, 3, fault=Fault.CLAIMS_MORE, claimed=5)

    longer = await log.grow(2)
    shown = notes.parse_checkpoint(notes.parse_note(longer).text)
    behind = Observed(rows[0].id, 3, fault=Fault.LOG_BEHIND, claimed=5, shown=shown, evidence=longer)
    known = {one.id: one for one in rows}
    for one in (observed, behind):
        settled = await log.db.run(lambda tx, one=one: keep_cosignatures(tx, [one], known))  # type: ignore[misc]
        assert settled[0].fault is None
    assert await log.faults() == []


async def test_a_process_asks_witnesses_before_it_signs_first(
    log: Log, clones: Clones, keyring: Keyring, tmp_path: Path
) -> None:
    """No mark is left, in no place: what the witness has cosigned is enough to refuse the first signature."""
    now = log.db.clock.now().timestamp
    async with honest(tmp_path / "w", "w.example", {ORIGIN: log.verifiers}, now) as (folder, at):
        await log.add(folder.signer.verifier, at)
        await log.grow(40)
        await log.round()
        url = await clones.make()
        database = Database(DatabaseUrls.from_one(url), log.db.clock)
        try:
            restored = Log(database, keyring, tmp_path)
            await restored.add(folder.signer.verifier, at)
            made = sequencer(database, [log.signer], ORIGIN, witnesses=restored.witnessing)
            for _ in range(2):
                with pytest.raises(LogBehind, match=r"witness w\.example knows a checkpoint of 41 leaves"):
                    await made.step()
            assert await database.run(tree_store.checkpoint) is None
        finally:
            await database.close()
            await clones.drop(url)
        # The log itself is what the witness knows.
        plain = sequencer(log.db, [log.signer], ORIGIN, marks=[marks.FileMark(log.mark)], witnesses=log.witnessing)
        head = await plain.step()
        assert head is not None
        assert [one.checkpoint for one in await plain.witnessed() or ()] == [Checkpoint(ORIGIN, *head)]
        # One that cannot be asked any more stops nothing.
    assert (await sequencer(log.db, [log.signer], ORIGIN, marks=plain.marks, witnesses=log.witnessing).step()) == head


async def test_a_witness_that_never_answers_delays_no_checkpoint(log: Log) -> None:
    """Each round of asking takes its whole limit, and the log signs on meanwhile."""

    async def never(_method: str, _path: str, _body: bytes) -> Answer | None:
        return None

    async with served(never) as url:
        await log.add(LIES.verifier, url)
        await log.grow(1)
        asking, sizes = asyncio.create_task(log.witnessing.run()), set()
        try:
            started = time.monotonic()
            while time.monotonic() < started + LIMIT_S:
                sizes.add(witness_store.size_of(await log.grow(1)))
        finally:
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
        assert len(sizes) > 3


async def test_the_loop_outlives_every_round(log: Log, first: WitnessFolder) -> None:
    running = asyncio.create_task(log.witnessing.run())
    try:
        for _ in range(3):
            size = witness_store.size_of(await log.grow(2))
            async with asyncio.timeout(10):
                while await log.witnessed(1) != size:
                    await asyncio.sleep(0.05)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
