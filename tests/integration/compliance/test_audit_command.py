"""`exchange audit verify`: the whole log, a range, one entry, a bundle; what it says in both languages, and when it is broken off."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from compliance import notes, tree_store
from compliance.marks import FileMark
from exchange.cli import commands
from exchange.cli.tools import Tools
from exchange.flows import audit_lanes
from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Database, DatabaseUrls
from exchange.kernel.files import FileStore
from exchange.kernel.keys import Keyring
from exchange.process import Ground
from exchange.settings import Settings
from exchange.worker.log_files import StoreMark
from exchange.worker.sequencer import Sequencer
from tests.integration.compliance.test_superuser import edit
from tests.support.api import settings_for
from tests.support.bundles import VKEY, bundle
from tests.support.logged import logged
from tests.support.sequencing import sequencer

Command = Any


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_for(tmp_path)


@pytest_asyncio.fixture
async def audit(
    database: Database,
    database_url: str,
    keyring: Keyring,
    clock: FixedClock,
    settings: Settings,
    capsys: pytest.CaptureFixture[str],
) -> Command:
    """Runs `exchange audit verify ...`: its exit code and what it prints."""
    origin = settings.process.log_origin
    settings.home.mkdir(parents=True, exist_ok=True)
    marks = [FileMark(settings.home / "log.mark"), StoreMark(FileStore.open(settings.files))]
    await logged(database, keyring, clock, origin, marks=marks)

    @asynccontextmanager
    async def ground(_: Settings) -> AsyncIterator[Ground]:
        yield Ground(settings, DatabaseUrls.from_one(database_url), keyring, None)

    @asynccontextmanager
    async def sequencing(on: Ground) -> AsyncIterator[Sequencer]:
        yield sequencer(database, [notes.log_signer(on.keyring, origin)], origin, marks=marks)

    environment = {"LANG": "en_US.UTF-8"}
    tools = Tools(settings, ground, None, None, None, None, None, environment, sequencing)  # type: ignore[arg-type]

    async def run(*arguments: object) -> tuple[int, str]:
        chosen = commands.parser().parse_args(["audit", "verify", *map(str, arguments)])
        return await chosen.run(chosen, tools), capsys.readouterr().out

    return run


async def test_a_sound_log_holds_whole_in_part_and_by_entry(audit: Command) -> None:
    code, out = await audit()
    assert code == 0
    assert "700 entries of a log of 700 (700 under a signed checkpoint), " in out
    assert out.endswith("Everything holds.\n")
    code, out = await audit("--lang", "zh")
    assert code == 0
    assert out.endswith("全部有效。\n")
    for arguments, looked in (
        (("--from", 290, "--to", 310), (290, 310)),
        (("--entry", 5), (5, 6)),
        (("--from", 600), (600, 700)),
    ):
        code, out = await audit(*arguments, "--json")
        found = json.loads(out)
        assert (code, found["sound"], found["finished"]) == (0, True, True)
        assert tuple(found["entries"].values()) == looked


async def test_what_does_not_hold_is_told_in_both_languages(audit: Command, database_url: str) -> None:
    await edit(database_url, "UPDATE compliance.audit_entry SET action = 'refund' WHERE object_id = 'ord_260'")
    code, out = await audit()
    assert code == 1
    assert (
        "entry 260, column action: the column says something else than the envelope: refund, should be purchase" in out
    )
    assert "THE LOG DOES NOT HOLD." in out
    code, out = await audit("--entry", 260, "--lang", "zh")
    assert code == 1
    assert "条目 260，action 列：该列与信封内容不符：refund，应为 purchase" in out
    code, out = await audit("--json")
    (first, *_) = json.loads(out)["faults"]
    assert (first["rule"], first["entry"], first["place"]["zh"]) == ("log-column", 260, "条目 260，action 列")
    assert (await audit("--from", 261))[0] == 0


async def test_a_kept_checkpoint_and_the_mark_are_held_against_the_log(
    audit: Command, database: Database, settings: Settings, tmp_path: Path
) -> None:
    note = await database.run(lambda tx: tree_store.checkpoint(tx, size=300))
    assert note is not None
    kept = tmp_path / "kept"
    kept.write_bytes(note)
    assert (await audit("--previous", kept))[0] == 0
    (settings.home / "log.mark").write_bytes(note.replace(b"\n300\n", b"\n3000\n"))
    code, out = await audit()
    assert code == 1
    assert "file, checkpoint of 3,000 entries: a longer log was signed before" in out
    kept.write_bytes(b"300")
    assert (await audit("--previous", kept))[0] == 2
    (settings.home / "log.mark").write_bytes(b"300")
    code, out = await audit()
    assert code == 2
    assert "a mark is no checkpoint" in out
    (settings.home / "log.mark").unlink()
    code, out = await audit()
    assert code == 1
    assert "state of centre, marks: the mark that must be in this place is missing: none, should be file" in out


async def test_nothing_is_never_said_to_hold(audit: Command, database: Database) -> None:
    code, out = await audit("--entry", 99_999)
    assert (code, "there is no entry 99999: the log has" in out) == (2, True), out
    code, out = await audit("--from", 99_999, "--lang", "zh")
    assert (code, "没有第 99999 条" in out, "全部有效" in out) == (2, True, False), out


async def test_an_empty_log_is_no_log_that_holds(
    database_url: str, database: Database, keyring: Keyring, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.home.mkdir(parents=True, exist_ok=True)

    @asynccontextmanager
    async def ground(_: Settings) -> AsyncIterator[Ground]:
        yield Ground(settings, DatabaseUrls.from_one(database_url), keyring, None)

    origin = settings.process.log_origin

    @asynccontextmanager
    async def sequencing(on: Ground) -> AsyncIterator[Sequencer]:
        yield sequencer(database, [notes.log_signer(on.keyring, origin)], origin)

    tools = Tools(settings, ground, None, None, None, None, None, {}, sequencing)  # type: ignore[arg-type]
    chosen = commands.parser().parse_args(["audit", "verify"])
    assert await chosen.run(chosen, tools) == 2
    out = capsys.readouterr().out
    assert "EXCHANGE_HOME" in out
    assert "Everything holds" not in out


async def test_a_bundle_is_checked_without_a_database(audit: Command, tmp_path: Path) -> None:
    folder = await bundle(tmp_path, size=20)
    assert (await audit("--bundle", tmp_path / "export.zip", "--vkey", VKEY))[0] == 0
    code, out = await audit("--bundle", folder, "--vkey", VKEY, "--lang", "zh")
    assert code == 0
    assert "20 条事件形式规范并已证明在日志中（没有缺口）" in out
    events = folder / "events.jsonl"
    events.write_bytes(events.read_bytes().replace(b"purchase", b"purchasf", 1))
    code, out = await audit("--bundle", folder, "--vkey", VKEY, "--lang", "zh")
    assert (code, out) == (1, "events.jsonl 第 1 行（条目 0）：此行已被改动\n")
    code, out = await audit("--bundle", folder, "--vkey", VKEY, "--json")
    assert json.loads(out)["faults"][0]["line"] == 1
    assert (await audit("--bundle", tmp_path / "none"))[0] == 2
    code, out = await audit("--bundle", folder, "--vkey", "bad", "--lang", "zh")
    assert (code, "不是公钥" in out) == (2, True), out


@pytest.mark.parametrize(
    "wrong", [("--entry", 3, "--from", 1), ("--from", 5, "--to", 5), ("--from", -1), ("--bundle", ".", "--entry", 1)]
)
async def test_flags_without_a_meaning_are_refused(audit: Command, wrong: tuple[object, ...]) -> None:
    code, out = await audit(*wrong, "--lang", "zh")
    assert code == 2
    assert out.strip()


async def test_ctrl_c_ends_it_cleanly_and_says_how_to_go_on(
    audit: Command, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first part is looked at; then somebody presses Ctrl-C, which the loop makes a cancellation of."""
    monkeypatch.setattr(audit_lanes, "TILES_PER_PART", 1)
    task = asyncio.create_task(audit())
    while len(asyncio.all_tasks()) < 3 and not task.done():
        await asyncio.sleep(0)
    await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    out = capsys.readouterr().out
    assert "Broken off; go on with: exchange audit verify --from " in out
