"""Our log opens in implementations of C2SP that we did not write, and what was changed does not.

metamorphic-log (Rust): signed notes, checkpoints, RFC 6962 proofs. golang.org/x/mod (Go): notes, and a tree read from the
tiles that we serve. Cosignatures: tests/unit/compliance/test_witness.py has one that transparency-dev/formats (Go) made.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from uuid import UUID

import httpx
import metamorphic_log as other
import pytest
import pytest_asyncio

from compliance import notes, proofs, store, tiles, tree_store
from compliance.entries import Entry
from compliance.witness import Answer
from exchange import main
from exchange.kernel import merkle
from exchange.kernel.clock import SystemClock
from exchange.kernel.db import Tx
from tests.support.api import Market, market
from tests.support.sequencing import sequence
from tests.support.witnesses import Answering, honest, served

OLD, SIZE = 300, 700
HOW = "Go with golang.org/x/mod is not installed. Debian/Ubuntu: apt-get install golang-go golang-golang-x-mod-dev"
PROGRAM = Path(__file__).parent / "go"
# Where Debian's package puts it; without the package Go fetches the module that go.sum names.
DEBIAN = Path("/usr/share/gocode")


@dataclass
class Served:
    """A log of ours behind its own routes."""

    market: Market
    vkey: str
    leaves: list[bytes]
    envelopes: list[bytes]

    async def note(self, size: int | None = None) -> str:
        """A checkpoint: the newest as it is served, or an older one."""
        if size is None:
            return (await self.market.http.get("/log/checkpoint")).text
        note = await self.market.services.db.run(lambda tx: tree_store.checkpoint(tx, size=size))
        assert note is not None
        return note.decode()


@pytest_asyncio.fixture
async def log(database_url: str, tmp_path: Path) -> AsyncIterator[Served]:
    """Seven hundred entries and two checkpoints, the newer one cosigned by a witness of ours."""
    async with market(database_url, tmp_path, only=("operator",)) as made:
        services = made.services
        origin = services.settings.process.log_origin
        signer = notes.log_signer(services.keyring, origin)
        operator = await made.operator()

        async def put(tx: Tx, count: int) -> None:
            await store.append(tx, [Entry(action="test", organisation_id=UUID(int=1)) for _ in range(count)])

        async def size(tx: Tx) -> int:
            return int(await (await tx.driver()).fetchval("SELECT count(*) FROM compliance.audit_entry"))

        keys, now = {origin: [signer.verifier]}, SystemClock().now
        async with honest(tmp_path / "w", "w.example", keys, lambda: now().timestamp()) as (folder, url):
            await made.done(operator, "/operator/v1/witnesses", {"vkey": folder.signer.verifier.vkey, "url": url})
            for wanted in (OLD, SIZE):
                await services.db.run(partial(put, count=wanted - await services.db.run(size)))
                await sequence(services.db, [signer], origin)
            await replace(main.witnessing(services), limit_s=5).step()
        entries = await services.db.run(lambda tx: tree_store.envelopes(tx, 0, SIZE))
        vkey = (await made.http.get("/log/vkey")).text.splitlines()[0]
        yield Served(made, vkey, [merkle.leaf_hash(one) for one in entries], entries)


async def test_rust_reads_our_checkpoint(log: Served) -> None:
    note = await log.note()
    assert note.count("\n— ") == 2  # ours and the witness's, which that program does not know and passes over
    head = other.checkpoint_verify(note, [log.vkey])
    assert (head.origin, head.size) == (log.market.services.settings.process.log_origin, SIZE)
    assert head.root == merkle.root_of(log.leaves)
    assert other.verify_signed_note(note, [log.vkey]) == 1
    stranger = notes.Verifier(head.origin, bytes(range(32))).vkey
    wrong = [note.replace(f"\n{SIZE}\n", f"\n{SIZE + 1}\n"), note.replace(head.origin, "x" + head.origin, 1)]
    for text, vkeys in ((wrong[0], [log.vkey]), (wrong[1], [log.vkey]), (note, [stranger])):
        with pytest.raises(other.VerifyError):
            other.checkpoint_verify(text, vkeys)


async def test_rust_follows_our_proofs(log: Served) -> None:
    note = await log.note()
    for index in (0, 1, 255, 256, 299, 511, SIZE - 1):
        proof = await log.market.services.db.run(lambda tx, i=index: tree_store.inclusion(tx, i, SIZE))  # type: ignore[misc]
        assert proof is not None
        other.checkpoint_verify_inclusion(note, [log.vkey], index, log.leaves[index], proof)
        for bad in (
            (index ^ 1, log.leaves[index], proof),
            (index, merkle.leaf_hash(log.envelopes[index] + b" "), proof),
            (index, log.leaves[index], proof[:-1]),
            (index, log.leaves[index], [*proof[1:], proof[0]]),
        ):
            with pytest.raises(other.VerifyError):
                other.checkpoint_verify_inclusion(note, [log.vkey], *bad)


async def test_rust_agrees_that_the_log_only_grew(log: Served) -> None:
    older, newer = await log.note(OLD), await log.note()
    proof = await log.market.services.db.run(lambda tx: tree_store.consistency(tx, OLD, SIZE))
    assert proof
    other.checkpoint_verify_consistency(older, newer, [log.vkey], proof)
    for bad in (proof[:-1], [*proof, bytes(32)], [bytes(32), *proof[1:]]):
        with pytest.raises(other.VerifyError):
            other.checkpoint_verify_consistency(older, newer, [log.vkey], bad)


async def test_rust_reads_our_stand_alone_proof(log: Served) -> None:
    """A tlog-proof file, taken apart by hand and followed by the other program."""
    note = (await log.note(SIZE)).encode()
    checkpoint = notes.parse_checkpoint(notes.parse_note(note).text)
    text = await log.market.services.db.run(lambda tx: tree_store.tlog_proof(tx, 123, checkpoint, note))
    assert text is not None
    found = proofs.decode(text)
    other.checkpoint_verify_inclusion(
        found.checkpoint.decode(), [log.vkey], found.index, log.leaves[123], list(found.hashes)
    )


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Go program; in CI a machine that cannot build it fails, elsewhere the test is left out and says what to install."""
    go, out = shutil.which("go"), tmp_path_factory.mktemp("go") / "opens"
    modules = {"GO111MODULE": "off", "GOPATH": str(DEBIAN)} if (DEBIAN / "src/golang.org/x/mod").exists() else {}
    said = ""
    if go is not None:
        built = subprocess.run(
            [go, "build", "-gcflags=all=-N -l", "-o", str(out), "main.go"],
            cwd=PROGRAM, env={**os.environ, **modules}, capture_output=True, text=True, timeout=240, check=False,
        )  # fmt: skip
        if built.returncode == 0:
            return out
        said = f"\n{built.stderr}"
    if os.environ.get("CI"):
        pytest.fail(HOW + said)
    pytest.skip(HOW + said)


def opens(program: Path, log: Served, prefix: str, leaves: list[bytes], root: bytes) -> tuple[int, str]:
    """What the program says of a log served at `prefix`, whose files are fetched for it."""
    given = program.with_name("leaves.txt")
    given.write_text("".join(f"{leaf.hex()}\n" for leaf in leaves))
    words = [str(program), log.vkey, str(given), root.hex(), str(OLD)]
    said = []
    with (
        httpx.Client(trust_env=False, timeout=30) as http,
        subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        for line in process.stdout:
            if not line.startswith("get "):
                said.append(line.strip())
                continue
            found = http.get(f"{prefix}/{line[4:].strip()}")
            process.stdin.write(b64encode(found.content if found.status_code == 200 else b"").decode() + "\n")
            process.stdin.flush()
    return process.returncode, "\n".join(said)


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_go_rebuilds_the_tree_from_our_tiles(log: Served, program: Path) -> None:
    old_root = merkle.root_of(log.leaves[:OLD])
    ours = f"{log.market.http.base_url}".rstrip("/") + "/log"
    ask = partial(asyncio.to_thread, opens, program, log)
    assert await ask(ours, log.leaves, old_root) == (0, f"{SIZE} leaves")
    assert (await ask(ours, [*log.leaves[:-1], bytes(32)], old_root))[1] == f"leaf {SIZE - 1} is another one"
    assert (await ask(ours, log.leaves, bytes(32)))[0] == 1
    for path, at in (("tile/0/001", 3), (f"tile/0/002.p/{SIZE - 512}", 40), ("tile/1/000.p/2", 5), ("checkpoint", 40)):
        async with served(_changed(log, path, at)) as prefix:
            code, said = await ask(f"{prefix}/log", log.leaves, old_root)
            assert code == 1, f"{path} was changed, and it says {said}"


def _changed(log: Served, path: str, at: int) -> Answering:
    """Our log with one bit changed in one file."""

    async def answer(_method: str, asked: str, _body: bytes) -> Answer:
        found = await log.market.http.get(asked)
        data = bytearray(found.content)
        if asked == f"/log/{path}":
            data[at] ^= 1
        return Answer(found.status_code, bytes(data))

    return answer


def test_the_tiles_changed_above_exist() -> None:
    widths = [tiles.width_at(level, number, SIZE) for level, number in ((0, 1), (0, 2), (1, 0))]
    assert widths == [256, SIZE - 512, 2]
