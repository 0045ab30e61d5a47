"""`exchange audit erase`, `erasures` and `replay-erasures`, in both languages."""

from __future__ import annotations

import json
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from exchange.cli import commands
from exchange.cli.tools import Tools
from exchange.flows.erase_subject import complete_erasure
from exchange.kernel.db import Database
from exchange.kernel.keys import Keyring
from exchange.kernel.vault import StoredVault
from tests.support.api import settings_for
from tests.support.erasing import join, member_of, vault_in

Command = Any


@pytest.fixture
def vault(tmp_path: Path, keyring: Keyring) -> StoredVault:
    return vault_in(tmp_path, keyring)


@pytest.fixture
def audit(database: Database, vault: StoredVault, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs `exchange audit ...`: its exit code and what it prints."""

    @asynccontextmanager
    async def here(*_: Any, **__: Any) -> AsyncIterator[Any]:
        class Made:
            db = database

        Made.vault = vault  # type: ignore[attr-defined]
        yield Made

    tools = Tools(settings_for(tmp_path), here, here, None, None, None, None, {"LANG": "en_US.UTF-8"})  # type: ignore[arg-type]

    async def run(*arguments: object) -> tuple[int, str]:
        chosen = commands.parser().parse_args(["audit", *map(str, arguments)])
        return await chosen.run(chosen, tools), capsys.readouterr().out

    return run


async def test_a_person_is_erased_and_listed(database: Database, vault: StoredVault, audit: Command) -> None:
    assert await audit("erasures") == (0, "Nobody was erased.\n")
    who = await join(database, vault)
    assert await audit("erase", who.member) == (0, f"{who.member}: asked\n")
    code, out = await audit("erasures", "--json")
    (one,) = json.loads(out)
    assert (code, one["subject"], one["state"], one["erased_at"]) == (0, who.member, "asked", None)
    await vault.destroy(member_of(who))
    await database.run(partial(complete_erasure, subject_id=member_of(who)))
    assert await audit("erase", who.member, "--lang", "zh") == (0, f"{who.member}：已删除\n")
    code, out = await audit("erasures", "--lang", "zh")
    assert (code, out.split()[:2]) == (0, [who.member, "已删除"])


async def test_what_is_nobody_is_refused(audit: Command) -> None:
    code, out = await audit("erase", "li@example.com")
    assert (code, out) == (2, "li@example.com is no member's id\n")
    code, out = await audit("erase", "mem_00000000000000000000000000", "--json")
    assert (code, json.loads(out)["problem"]) == (1, "not-found")


async def test_an_export_tells_what_was_erased(
    database: Database, database_url: str, vault: StoredVault, audit: Command, tmp_path: Path
) -> None:
    who = await join(database, vault)
    entry = {"type": "audit-entry", "v": 2, "action": "erasure.completed", "object": {"id": who.member}}
    other = {"type": "audit-entry", "v": 2, "action": "erasure.requested", "object": {"id": who.organisation}}
    lines = b"".join(json.dumps(one).encode() + b"\n" for one in (other, entry, {"type": "audit-entry", "v": 1}))
    bundle = tmp_path / "export.zip"
    with zipfile.ZipFile(bundle, "w") as made:
        made.writestr("events.jsonl", lines)
    assert await audit("replay-erasures") == (0, "Erased again: 0 keys, 0 people.\n")
    assert await vault.key(member_of(who)) is not None
    assert await audit("replay-erasures", "--bundle", bundle) == (0, "Erased again: 1 keys, 1 people.\n")
    assert await audit("replay-erasures", "--bundle", bundle, "--lang", "zh") == (
        0,
        "重新删除：密钥 0 个，人员 0 名。\n",
    )
    folder = tmp_path / "opened"
    folder.mkdir()
    (folder / "events.jsonl").write_bytes(lines)
    assert (await audit("replay-erasures", "--bundle", folder))[0] == 0
    connection = await asyncpg.connect(database_url)
    assert await connection.fetchval("SELECT count(*) FROM parties.person WHERE member_id = $1", member_of(who)) == 0
    await connection.close()


@pytest.mark.parametrize("content", [b"", b"PK", None])
async def test_what_is_no_export_is_refused(audit: Command, tmp_path: Path, content: bytes | None) -> None:
    place = tmp_path / "none.zip"
    if content is not None:
        place.write_bytes(content)
    code, out = await audit("replay-erasures", "--bundle", place)
    assert (code, out) == (2, f"{place} is no export with events.jsonl\n")
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "events.jsonl").write_bytes(b"{not json\n")
    code, out = await audit("replay-erasures", "--bundle", tmp_path / "bad", "--lang", "zh")
    assert code == 2
