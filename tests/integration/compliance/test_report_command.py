"""`exchange regulator report` and `sample` in a process of their own, against an exchange on a socket."""

from __future__ import annotations

import asyncio
import csv
import io
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from compliance import notes
from exchange import main
from exchange.worker.loop import drain
from tests.support.api import Market, Party, market
from tests.support.sequencing import sequence
from tests.support.trade import on_sale


@pytest_asyncio.fixture
async def exchange(database_url: str, tmp_path: Path) -> AsyncIterator[Market]:
    """The exchange with all its portals."""
    async with market(database_url, tmp_path / "home") as made:
        yield made


async def command(m: Market, party: Party | None, folder: Path, *arguments: str) -> tuple[int, str]:
    """Run the command while the worker's jobs run beside; its exit code and what it said."""
    environment = {"PATH": os.defpath, "PYTHONPATH": os.pathsep.join(sys.path), "LANG": "en"}
    if party is not None:
        environment |= {"REGULATOR_CLIENT": party.client, "REGULATOR_SECRET": party.secret}
    url = ["--url", str(m.http.base_url)] if arguments[1] not in ("kinds", "verify") else []
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "exchange", "regulator", *arguments, *url),
        cwd=folder,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said = asyncio.create_task(process.communicate())
    while not said.done():
        await drain(m.services.db, main.steps(m.services).table())
        await asyncio.sleep(0.05)
    out, _ = await said
    assert process.returncode is not None
    return process.returncode, out.decode()


async def checkpoint(m: Market) -> notes.Ed25519Signer:
    origin = m.services.settings.process.log_origin
    signer = notes.log_signer(m.services.keyring, origin)
    await sequence(m.services.db, [signer], origin)
    return signer


@pytest.mark.slow
async def test_reports_and_samples_are_fetched_and_checked(exchange: Market, tmp_path: Path) -> None:
    m, regulator = exchange, await exchange.join("regulator")
    sold = await on_sale(m)
    signer = await checkpoint(m)

    code, said = await command(
        *(m, regulator, tmp_path, "report", "ask", "intermediation", "--out", "r.zip", "--log", signer.verifier.vkey)
    )
    assert (code, said.splitlines()[-1]) == (0, "OK"), said
    code, said = await command(m, None, tmp_path, "report", "verify", "r.zip", "--lang", "zh")
    assert (code, "公钥随报告提供" in said) == (0, True)
    whole = (tmp_path / "r.zip").read_bytes()
    (tmp_path / "r.zip").write_bytes(whole[: len(whole) // 2])
    code, said = await command(m, None, tmp_path, "report", "verify", "r.zip")
    assert (code, "r.zip" in said) == (1, True)

    code, said = await command(m, regulator, tmp_path, "report", "rows", "transactions", "--csv")
    assert code == 0
    assert [row[:3] for row in csv.reader(io.StringIO(said))] == [["leaf_index", "entry", "ordered_at"]]
    await _refusals(m, regulator, tmp_path)

    code, said = await command(
        m, regulator, tmp_path, "sample", "draw", sold.revision, "--records", "10", "--out", "s.json"
    )
    assert (code, "OK" in said) == (0, True), said
    sample = (await m.get(regulator, "/regulator/v1/samples")).json()["items"][0]["id"]
    code, said = await command(m, regulator, tmp_path, "sample", "judge", sample, "--passed", "10")
    assert (code, "10 of 10 passed" in said) == (0, True), said
    text = (tmp_path / "s.json").read_text(encoding="utf-8")
    (tmp_path / "s.json").write_text(text.replace('"place":', '"plase":', 1), encoding="utf-8")
    code, said = await command(m, None, tmp_path, "sample", "verify", "s.json")
    assert (code, "Traceback" in said) == (1, False)


async def _refusals(m: Market, regulator: Party, folder: Path) -> None:
    cases: list[tuple[Party | None, tuple[str, ...], str]] = [
        (None, ("report", "ask", "risk"), "REGULATOR_CLIENT"),
        (regulator, ("report", "ask", "cross-border"), "calendar year"),
        (await m.join("buyer"), ("report", "ask", "risk"), "regulator"),
        (regulator, ("sample", "draw", "rev_nonsense", "--records", "5"), "no such object"),
    ]
    for party, arguments, words in cases:
        code, said = await command(m, party, folder, *arguments)
        assert (code, words in said, "Traceback" in said) == (2, True, False), said
    code, said = await command(m, None, folder, "report", "verify", "nowhere.zip")
    assert (code, "nowhere.zip" in said) == (2, True)


async def test_kinds_are_told_without_an_exchange(exchange: Market, tmp_path: Path) -> None:
    told: dict[str, Any] = {}
    for language in ("en", "zh"):
        code, told[language] = await command(exchange, None, tmp_path, "report", "kinds", "--lang", language)
        assert code == 0
    assert "Data Security Law" in told["en"]
    assert "交易及核验记录" in told["zh"]
