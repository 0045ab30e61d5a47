"""The same export by other processes: another zone, locale and hash seed, killed and gone on with, cancelled, two at once."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import sys
from functools import partial
from pathlib import Path

import pytest

from benchmarks.exporter import keyring
from compliance import notes
from compliance.scopes import Scope
from exchange.flows import export_audit
from exchange.flows.export_audit import Details, ExportCancelled
from exchange.kernel import ids
from exchange.kernel.db import Database
from tests.support.exported import ORIGIN, REGULATOR, THIRD, actor, asked, check_folder, check_outside, fill, known

ROOT = Path(__file__).resolve().parents[2]
SIZE = 1100
# What a process might take from around it: the order of its sets, its zone, the alphabet of its locale, its default encoding.
AROUND = {
    "plain": {"PYTHONHASHSEED": "0", "TZ": "UTC", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "east": {"PYTHONHASHSEED": "4242", "TZ": "Asia/Kathmandu", "LC_ALL": "zh_CN.UTF-8", "LANGUAGE": "zh"},
    "west": {"PYTHONHASHSEED": "7", "TZ": "America/St_Johns", "LC_ALL": "tr_TR.UTF-8", "COLUMNS": "20"},
}
SCOPES = {
    "complete": Scope(to_index=SIZE),
    "selection": Scope(actions=("purchase",), to_index=SIZE),
}


class Workers:
    """Worker processes on one database."""

    def __init__(self, url: str, folder: Path) -> None:
        self._url, self._folder = url, folder

    async def make(self, export: str, around: str, store: str, die_at: int = 0) -> tuple[int, str]:
        """Run one on a file store: its exit code, and the hash that it says."""
        folder = self._folder / store
        folder.mkdir(exist_ok=True)
        words = ["-m", "tests.e2e.exporting_process", self._url, str(folder), export, str(die_at)]
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *words,
            cwd=ROOT,
            env={"PATH": os.defpath, "PYTHONPATH": str(ROOT), "HOME": str(self._folder), **AROUND[around]},
            stdout=asyncio.subprocess.PIPE,
        )
        out, _ = await process.communicate()
        assert process.returncode is not None
        return process.returncode, out.decode().strip()

    def bundle(self, store: str, sha256: str) -> bytes:
        """What a file store holds."""
        found = [
            one
            for one in (self._folder / store).rglob("*")
            if one.is_file() and sha256 in one.as_posix().replace("/", "")
        ]
        (data,) = {one.read_bytes() for one in found}
        assert hashlib.sha256(data).hexdigest() == sha256
        return data


@pytest.mark.slow
@pytest.mark.parametrize("scope", SCOPES.values(), ids=SCOPES)
async def test_whatever_makes_it_the_bytes_are_the_same(
    database: Database, database_url: str, tmp_path: Path, scope: Scope
) -> None:
    signer = notes.log_signer(keyring(), ORIGIN)
    await fill(database, signer, 0, SIZE)
    workers, wanted = Workers(database_url, tmp_path), Details(checkpoint_size=SIZE)

    async def ask(who: int = 0) -> str:
        requester = actor(THIRD, "regulator") if who else REGULATOR
        return ids.text("exp", await asked(database, requester, scope, wanted))

    # Each with a file store of its own, so that it finds nothing of the others.
    found = [await workers.make(await ask(), around, around) for around in AROUND]
    assert [code for code, _ in found] == [0, 0, 0]
    (sha256,) = {said for _, said in found}
    data = workers.bundle("plain", sha256)
    assert {workers.bundle(around, sha256) for around in AROUND} == {data}
    told = check_outside(tmp_path / "out", data, "--vkey", signer.verifier.vkey)
    assert told.returncode == 0, told.stderr

    # Killed in the middle, and gone on with by another; killed again while it is put together.
    export = await ask()
    for around, die_at in (("east", 2), ("plain", 2), ("west", 3)):
        assert (await workers.make(export, around, "killed", die_at))[0] == -signal.SIGKILL
    assert await workers.make(export, "plain", "killed") == (0, sha256)

    # Cancelled half-way, and asked for again.
    export = await ask()
    assert (await workers.make(export, "west", "cancelled", 2))[0] == -signal.SIGKILL
    cancel = partial(export_audit.cancel, actor=REGULATOR, export_id=ids.parse("exp", export))
    assert isinstance(await database.run(cancel), ExportCancelled)
    assert await workers.make(await ask(), "east", "cancelled") == (0, sha256)

    # Two workers at once for two that ask alike, and two for the same export, as when one is taken for dead.
    alike = [await ask(0), await ask(1)]
    pair = await asyncio.gather(*map(workers.make, alike, ("east", "west"), ("both", "both")))
    assert (0, sha256) in pair
    # Whose pieces the other one has put away already fails, and is tried again, as the queue of jobs does.
    failed = [name for name, (code, _) in zip(alike, pair, strict=True) if code]
    assert [await workers.make(name, "plain", "both") for name in failed] == [(0, sha256)] * len(failed)
    export = await ask()
    twice = await asyncio.gather(*(workers.make(export, around, "twice") for around in ("plain", "west")))
    assert (0, sha256) in twice
    assert {said for _, said in twice} <= {sha256, ""}
    kept = await known(database, ids.parse("exp", export))
    assert (kept.state, (kept.sha256 or b"").hex()) == ("done", sha256)
    assert workers.bundle("twice", sha256) == data
    assert check_folder(tmp_path / "out").returncode == 0
