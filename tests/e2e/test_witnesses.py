"""Witnesses as they are run: `exchange witness` killed at any write, `exchange regulator watch` before two histories."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, redirect_stdout
from io import StringIO
from itertools import pairwise
from pathlib import Path

import httpx
import pytest

from compliance import cosign, notes, policy, split, witness
from compliance.witness import Answer, request_body
from exchange import main
from exchange.cli import commands
from exchange.kernel.merkle import BadProof, verify_consistency
from exchange.settings import load
from sandbox.stripe.process import free_port
from tests.support.logs import ORIGIN, FakeLog
from tests.support.witnesses import honest, served

SEED = int(os.environ.get("SEED", "1"))
KILLS = int(os.environ.get("WITNESS_KILLS", "30"))
LOG = FakeLog()
CLEAN = {
    name: value for name, value in os.environ.items() if not name.startswith(("EXCHANGE_", "DATABASE_", "STRIPE_"))
}


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "exchange", *words]


@contextlib.contextmanager
def running(*words: str, cwd: Path) -> Iterator[subprocess.Popen[str]]:
    """A command that is ended with the block; what it prints first is read."""
    environment = {**CLEAN, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    process = subprocess.Popen(
        command(*words), cwd=cwd, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(20)
        assert process.stdout is not None
        process.stdout.close()


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


@pytest.mark.slow
def test_the_command_witnesses_without_any_database(tmp_path: Path) -> None:
    port = free_port()
    words = ("witness", "--folder", "w", "--name", "w1.example", "--log", LOG.signer.verifier.vkey, "--port", str(port))
    with running(*words, cwd=tmp_path) as process, httpx.Client(base_url=f"http://127.0.0.1:{port}") as http:
        vkey = first_line(process).split()[1]
        verifier = cosign.parse_witness_vkey(vkey)
        _until(lambda: http.get("/vkey").text == f"{vkey}\n")
        answers = [
            http.post("/add-checkpoint", content=request_body(old, LOG.proof(old, new), LOG.note(new)))
            for old, new in ((0, 5), (0, 9), (5, 9), (9, 3))
        ]
        assert [one.status_code for one in answers] == [200, 409, 200, 400]
        assert (answers[1].text, answers[1].headers["content-type"]) == ("5\n", "text/x.tlog.size")
        (line,) = notes.parse_lines(answers[2].content)
        assert verifier.verify(notes.checkpoint_text(LOG.checkpoint(9)), line.signature)
        assert abs((cosign.time_of(line.signature) or 0) - time.time()) < 60
        shown = http.get(f"/{witness.origin_path(ORIGIN)}/checkpoint").content
        assert notes.open_note(shown, [verifier]) == notes.open_note(shown, [LOG.signer.verifier])
        assert http.get("/add-checkpoint").status_code == 405
        assert http.get(f"/{'0' * 64}/checkpoint").status_code == 404
        assert http.post("/add-checkpoint", content=b"x" * 200_000).status_code == 400
    assert {path.name for path in tmp_path.iterdir()} == {"w"}
    # A second one on the folder is refused while the first runs; afterwards it goes on where that one stopped.
    with running(*words, cwd=tmp_path) as process, httpx.Client(base_url=f"http://127.0.0.1:{port}") as http:
        first_line(process)
        _until(lambda: http.get("/vkey").status_code == 200)
        second = subprocess.run(
            command(*words), cwd=tmp_path, env={**CLEAN, "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert (second.returncode, "another witness runs" in second.stderr) == (2, True)
        assert http.post("/add-checkpoint", content=request_body(0, (), LOG.note(9))).text == "9\n"


# A witness that dies at the n-th call that changes its disk: each answer goes out on a line of its own before it dies.
_MORTAL = """
import os, signal, sys
from pathlib import Path
from compliance import witness_folder
from compliance.witness import add_checkpoint
from compliance.notes import parse_vkey
folder, vkey, left = Path(sys.argv[1]), parse_vkey(sys.argv[2]), int(sys.argv[3])
def mortal(real):
    def call(*given, **more):
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        done = real(*given, **more)
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return done
    return call
with witness_folder.opened(folder, "w1.example") as held:
    # Every call that touches the disk while a checkpoint is kept.
    os.fsync, os.open, os.close = mortal(os.fsync), mortal(os.open), mortal(os.close)
    Path.replace, Path.open = mortal(Path.replace), mortal(Path.open)
    for line in sys.stdin:
        body = bytes.fromhex(line)
        answer = add_checkpoint(body, {vkey.name: [vkey]}, held.last, 7, held.signer)
        if answer.keep is not None:
            held.keep(answer.keep)
        print(answer.status, answer.body.hex(), flush=True)
"""


@pytest.mark.slow
def test_a_witness_killed_at_any_write_never_signs_two_histories(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is offered two histories all the time; each cosignature that ever left it must fit all the others."""
    chance = random.Random(SEED)
    script = tmp_path / "mortal.py"
    script.write_text(textwrap.dedent(_MORTAL), encoding="utf-8")
    logs, given, size, deaths = (LOG, FakeLog(b"x", fork=3)), [], 0, 0
    environment = {**CLEAN, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    for life in range(KILLS):
        # Keeping a checkpoint makes five calls; the point falls before or after each call of the first four checkpoints.
        point = 1 + life % 40
        process = subprocess.Popen(
            [sys.executable, str(script), str(tmp_path / "w"), LOG.signer.verifier.vkey, str(point)],
            env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        while True:
            which, old, new = chance.choice((0, 0, 1)), size, size + chance.randrange(0, 3)
            asked = request_body(old, logs[which].proof(old, new), logs[which].note(new))
            try:
                process.stdin.write(asked.hex() + "\n")
                process.stdin.flush()
            except BrokenPipeError:
                break
            said = process.stdout.readline().split()
            if not said:
                break
            if said[0] == "409":
                # The checkpoint before was written down, and its answer never came.
                size = int(bytes.fromhex(said[1]))
            elif said[0] == "200":
                size = new
                given.append((which, new, bytes.fromhex(said[1])))
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        process.stdout.close()
        deaths += process.wait(20) == -signal.SIGKILL
    with capsys.disabled():
        print(f"\n  {deaths} deaths, {len(given)} cosignatures, {size} entries seen")
    assert deaths == KILLS
    assert len(given) > KILLS // 10, "too few cosignatures to compare"
    for (which, earlier, _), (other, later, _) in pairwise(given):
        assert earlier <= later
        a, b = logs[which].checkpoint(earlier), logs[other].checkpoint(later)
        verify_consistency(earlier, later, logs[other].proof(earlier, later), a.root, b.root)
    with pytest.raises(BadProof):  # and the check can fail
        verify_consistency(5, 9, logs[1].proof(5, 9), logs[0].checkpoint(5).root, logs[1].checkpoint(9).root)


class Exchange:
    """An exchange's log over HTTP that may show one history or the other, at one size or another."""

    def __init__(self) -> None:
        self.log, self.size, self.policy, self.witnessed = LOG, 9, b"", b""

    async def answer(self, _method: str, path: str, _body: bytes) -> Answer:
        name = path.removeprefix("/log/")
        more = {"policy": self.policy, "witnessed": self.witnessed}
        data = more.get(name) or self.log.served(name, self.size)
        return Answer(404) if not data else Answer(200, data)


@asynccontextmanager
async def exchanging() -> AsyncIterator[tuple[Exchange, str]]:
    made = Exchange()
    async with served(made.answer) as url:
        yield made, url


async def watch(folder: Path, url: str, *more: str) -> tuple[int, dict[str, object]]:
    """`exchange regulator watch`, in a thread: what it prints, and its exit code."""
    words = ("regulator", "watch", "--url", url, "--folder", str(folder), "--json", *more)

    def run() -> tuple[int, str]:
        with redirect_stdout(StringIO()) as out:
            code = commands.main(words, {}, lambda environment: main.tools(load(environment), environment))
        return code, out.getvalue()

    code, out = await asyncio.to_thread(run)
    return code, json.loads(out)


def kinds(said: dict[str, object]) -> list[str]:
    found = said["findings"]
    assert isinstance(found, list)
    return [one["kind"] for one in found]


def evidence(said: dict[str, object]) -> dict[str, object]:
    found = said["findings"]
    assert isinstance(found, list)
    document: dict[str, object] = json.loads(Path(found[0]["evidence"]).read_text(encoding="utf-8"))
    return document


async def test_a_log_that_only_grows_is_found_sound(tmp_path: Path) -> None:
    async with exchanging() as (exchange, url):
        code, said = await watch(tmp_path / "r", url)
        assert (code, said["first_look"], said["size"]) == (0, True, 9)
        for size in (9, 300, 700):
            exchange.size = size
            code, said = await watch(tmp_path / "r", url)
            assert (code, said["first_look"], said["size"], kinds(said)) == (0, False, size, [])
        assert not (tmp_path / "r" / "evidence").exists()
    code, said = await watch(tmp_path / "r", url)
    assert code == 2


async def test_a_second_history_is_evidence(tmp_path: Path) -> None:
    """Of the same size, and of a larger one; against what was kept, another place, and a witness."""
    async with exchanging() as (exchange, url):
        exchange.size = 300
        assert (await watch(tmp_path / "r", url))[0] == 0
        for size in (300, 555):
            exchange.log, exchange.size = FakeLog(b"x", fork=17), size
            code, said = await watch(tmp_path / "r", url)
            assert (code, kinds(said)) == (1, ["split-view"])
            assert split.check(evidence(said), [LOG.signer.verifier])
        # What was believed stays the first history, and the evidence stays.
        exchange.log, exchange.size = LOG, 400
        assert (await watch(tmp_path / "r", url))[0] == 0
        assert len(list((tmp_path / "r" / "evidence").iterdir())) == 1


async def test_two_places_that_differ_are_a_split_view(tmp_path: Path) -> None:
    bucket = tmp_path / "bucket"
    bucket.mkdir()
    (bucket / "checkpoint").write_bytes(FakeLog(b"x", fork=8).note(9))
    async with exchanging() as (exchange, url):
        exchange.size = 500
        code, said = await watch(tmp_path / "r", url, "--also", str(bucket))
        assert (code, kinds(said)) == (1, ["split-view"])
        assert split.check(evidence(said), [LOG.signer.verifier])
        (bucket / "checkpoint").write_bytes(LOG.note(9))
        assert (await watch(tmp_path / "r", url, "--also", str(bucket)))[0] == 0


async def test_a_witness_that_was_shown_another_history_tells(tmp_path: Path) -> None:
    other = FakeLog(b"x", fork=8)
    async with (
        exchanging() as (exchange, url),
        honest(tmp_path / "w", "w1.example", {ORIGIN: [LOG.signer.verifier]}, time.time) as (folder, at),
        httpx.AsyncClient() as http,
    ):
        shown = policy.Witness(folder.signer.verifier, at)
        exchange.policy = policy.policy_text([policy.Log(LOG.signer.verifier)], [shown], 1)
        assert (await http.post(f"{at}/add-checkpoint", content=request_body(0, (), other.note(9)))).status_code == 200
        exchange.size = 500
        code, said = await watch(tmp_path / "r", url)
        assert (code, kinds(said)) == (1, ["split-view"])
        assert split.check(evidence(said), [LOG.signer.verifier])


async def test_a_log_that_went_back_or_shows_wrong_tiles_is_found(tmp_path: Path) -> None:
    async with exchanging() as (exchange, url):
        exchange.size = 300
        assert (await watch(tmp_path / "r", url))[0] == 0
        exchange.size = 299
        code, said = await watch(tmp_path / "r", url)
        assert (code, kinds(said)) == (1, ["went-back"])
        exchange.size, honest_tiles = 500, LOG.served
        liar = FakeLog(b"x", fork=17)
        exchange.log = LOG
        exchange.log = _Patched(honest_tiles, liar.served)  # type: ignore[assignment]
        code, said = await watch(tmp_path / "r", url)
        assert (code, kinds(said)) == (1, ["tiles-wrong"])


class _Patched:
    """The checkpoint of one history beside the tiles of another."""

    def __init__(self, checkpoint: Callable[..., bytes | None], tiles: Callable[..., bytes | None]) -> None:
        self._checkpoint, self._tiles = checkpoint, tiles

    def served(self, path: str, size: int) -> bytes | None:
        return (self._tiles if path.startswith("tile/") else self._checkpoint)(path, size)


async def test_a_checkpoint_of_an_unknown_key_is_found(tmp_path: Path) -> None:
    async with exchanging() as (exchange, url):
        assert (await watch(tmp_path / "r", url))[0] == 0
        stranger = FakeLog()
        stranger.signer = notes.Ed25519Signer(ORIGIN, bytes(32), lambda _: bytes(64))
        exchange.log = stranger
        code, said = await watch(tmp_path / "r", url)
        assert (code, kinds(said)) == (1, ["not-signed"])


async def test_a_policy_of_ones_own_asks_for_its_quorum(tmp_path: Path) -> None:
    async with (
        exchanging() as (exchange, url),
        honest(tmp_path / "w", "w1.example", {ORIGIN: [LOG.signer.verifier]}, time.time) as (folder, at),
        httpx.AsyncClient() as http,
    ):
        file = tmp_path / "policy"
        trusted = policy.Witness(folder.signer.verifier, at)
        file.write_bytes(policy.policy_text([policy.Log(LOG.signer.verifier)], [trusted], 1))
        exchange.size = 9
        code, said = await watch(tmp_path / "r", url, "--policy", str(file))
        assert (code, said["witnessed"]) == (3, False)
        line = (await http.post(f"{at}/add-checkpoint", content=request_body(0, (), LOG.note(9)))).content
        exchange.size, exchange.witnessed = 12, LOG.note(9) + line
        code, said = await watch(tmp_path / "r", url, "--policy", str(file))
        assert (code, said["witnessed"], said["witnessed_by"]) == (0, True, ["w1.example"])


@pytest.mark.slow
async def test_a_regulator_is_a_witness_and_sees_what_it_cosigned(tmp_path: Path) -> None:
    """The log shows its witness one history and the public another."""
    port = free_port()
    async with exchanging() as (exchange, url):
        words = ("regulator", "witness", "--url", url, "--folder", "r", "--name", "reg.example", "--port", str(port))
        with running(*words, "--every", "0.5", "--lang", "en", cwd=tmp_path) as process:
            line = await asyncio.to_thread(first_line, process)
            assert line.startswith("witness reg.example+")
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
                await asyncio.sleep(1)
                shown = FakeLog(b"x", fork=8).note(9)
                answer = await http.post("/add-checkpoint", content=request_body(0, (), shown))
                assert answer.status_code == 200
                exchange.size = 20
                async with asyncio.timeout(20):
                    while not list((tmp_path / "r").glob("evidence/split-view-*")):
                        await asyncio.sleep(0.1)
            (file,) = (tmp_path / "r").glob("evidence/split-view-*")
            assert split.check(json.loads(file.read_text(encoding="utf-8")), [LOG.signer.verifier])
        assert process.returncode == 1


def _until(true: Callable[[], bool], limit_s: float = 20) -> None:
    began = time.monotonic()
    while True:
        with contextlib.suppress(httpx.TransportError):
            if true():
                return
        assert time.monotonic() < began + limit_s
        time.sleep(0.05)
