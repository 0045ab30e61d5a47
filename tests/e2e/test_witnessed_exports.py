"""Exports and the processes that witness them: `exchange witness` twice, a quorum of two, and what the regulator's Python says."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import zipfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from compliance import cosign, notes
from compliance.verify_notes import canonical
from exchange import main
from exchange.main import steps
from exchange.worker.loop import drain
from sandbox.stripe.process import free_port
from tests.e2e.test_witnesses import first_line, running
from tests.support.api import Market, Party, market
from tests.support.bundles import resigned
from tests.support.exported import check_folder, check_outside
from tests.support.sequencing import sequence

EXPORTS = "/regulator/v1/exports"
NAMES = ("one.example", "two.example")


@dataclass
class Watched:
    """An exchange, its regulator, and the witnesses that run."""

    exchange: Market
    regulator: Party
    folder: Path
    vkeys: dict[str, str]
    ports: dict[str, int]

    @property
    def signer(self) -> notes.Ed25519Signer:
        """The log's."""
        services = self.exchange.services
        return notes.log_signer(services.keyring, services.settings.process.log_origin)

    @contextlib.asynccontextmanager
    async def witness(self, name: str) -> AsyncIterator[None]:
        """One of them as a process of its own, on its folder."""
        words = ("--folder", name, "--name", name, "--log", self.signer.verifier.vkey, "--port", str(self.ports[name]))
        with running("witness", *words, cwd=self.folder) as process:
            line = await asyncio.to_thread(first_line, process)
            self.vkeys[name] = line.split()[1]
            async with httpx.AsyncClient() as http, asyncio.timeout(20):
                while True:
                    with contextlib.suppress(httpx.TransportError):
                        await http.get(f"{self.address(name)}/vkey")
                        break
                    await asyncio.sleep(0.05)
            yield

    def address(self, name: str) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.ports[name]}"

    async def grow(self) -> int:
        """Something happens, and the log signs for it; the checkpoint's size."""
        await self.exchange.join("regulator")
        head = await sequence(self.exchange.services.db, [self.signer], self.signer.name)
        return head.size

    async def ask_witnesses(self) -> None:
        """A round of asking; a machine with too much to do is no witness that is away."""
        await replace(main.witnessing(self.exchange.services), limit_s=5).step()

    async def export(self, size: int) -> tuple[bytes, dict[str, Any]]:
        """The whole log at a checkpoint: the zip, and what its manifest says of witnesses."""
        asked = await self.exchange.done(self.regulator, EXPORTS, {"checkpoint_size": size, "formats": ["csv"]})
        services = self.exchange.services
        # Witnesses are waited for a moment before the making begins.
        async with asyncio.timeout(30):
            while (await self._state(asked["id"])) != "done":
                await drain(services.db, steps(services).table())
                await asyncio.sleep(0.1)
        answer = await self.exchange.get(self.regulator, f"{EXPORTS}/{asked['id']}/file")
        assert answer.status_code == 200
        with zipfile.ZipFile(BytesIO(answer.content)) as archive:
            said: dict[str, Any] = json.loads(archive.read("manifest.json"))["witnessed"]
        return answer.content, said

    async def _state(self, name: str) -> str:
        found: str = (await self.exchange.get(self.regulator, f"{EXPORTS}/{name}")).json()["state"]
        assert found in ("requested", "running", "done"), found
        return found


@pytest_asyncio.fixture
async def watched(database_url: str, tmp_path: Path) -> AsyncIterator[Watched]:
    """An exchange that needs two witnesses."""
    only = ("regulator", "operator", "oauth2")
    async with market(database_url, tmp_path / "home", only=only, EXCHANGE_LOG_QUORUM="2") as exchange:
        regulator = await exchange.join("regulator")
        yield Watched(exchange, regulator, tmp_path, {}, {name: free_port() for name in NAMES})


@pytest.mark.slow
async def test_an_export_says_who_cosigned_it_and_the_verifier_checks_them(watched: Watched, tmp_path: Path) -> None:
    operator, key = await watched.exchange.operator(), ("--vkey", watched.signer.verifier.vkey)
    async with watched.witness(NAMES[0]):
        async with watched.witness(NAMES[1]):
            # From here on the second one is away, and asked all the same.
            pass
        for name in NAMES:
            wish = {"vkey": watched.vkeys[name], "url": watched.address(name)}
            await watched.exchange.done(operator, "/operator/v1/witnesses", wish)
        given = [word for name in NAMES for word in ("--witness", watched.vkeys[name])]

        size = await watched.grow()
        data, said = await watched.export(size)
        assert said == {"cosigned_by": [], "needed": 2, "met": False}
        told = check_outside(tmp_path / "none", data, *key)
        assert (told.returncode, "NOT WITNESSED: cosigned by -, 2 needed" in told.stdout) == (0, True), told.stderr
        assert "未达到见证数" in told.stdout
        assert "NOT WITNESSED" in check_folder(tmp_path / "none", *key, *given).stdout

        await watched.ask_witnesses()
        data, said = await watched.export(size)
        assert said == {"cosigned_by": ["one.example"], "needed": 2, "met": False}
        for more in ((), given):
            told = check_outside(tmp_path / "one", data, *key, *more)
            assert told.returncode == 0, told.stderr
            assert "NOT WITNESSED: cosigned by one.example, 2 needed" in told.stdout

        async with watched.witness(NAMES[1]):
            await watched.ask_witnesses()
        data, said = await watched.export(size)
    assert said == {"cosigned_by": list(NAMES), "needed": 2, "met": True}
    # Both processes are gone: the bundle has all that is needed.
    for more in ((), given):
        told = check_outside(tmp_path / "two", data, *key, *more)
        assert told.returncode == 0, told.stderr
        assert "witnessed by one.example, two.example" in told.stdout
        assert "NOT WITNESSED" not in told.stdout
    strangers = [cosign.CosignVerifier(name, bytes([n + 1]) * 32).vkey for n, name in enumerate(NAMES)]
    told = check_folder(tmp_path / "two", *key, *(word for one in strangers for word in ("--witness", one)))
    assert (told.returncode, "NOT WITNESSED: cosigned by -, 2 needed" in told.stdout) == (0, True), told.stderr
    file = tmp_path / "two.zip"
    file.write_bytes(data)
    assert "witnessed by one.example, two.example" in check_folder(tmp_path / "two", str(file), *key).stdout
    _forge(tmp_path / "two", watched.signer, given)


def _forge(folder: Path, signer: notes.Ed25519Signer, given: list[str]) -> None:
    """Whatever is done to a cosignature has a place: by somebody on the way, and by whoever holds the log's key."""
    checkpoint, keys, manifest = (
        (folder / name).read_bytes() for name in ("checkpoint", "witnesses.vkey", "manifest.json")
    )
    lines = checkpoint.split(b"\n")
    at = [number for number, line in enumerate(lines) if b" one.example " in line or b" two.example " in line]
    assert len(at) == 2
    first, second = (lines[number].split(b" ")[2] for number in at)
    raw, other = base64.b64decode(first), base64.b64decode(second)

    def note(value: bytes, number: int = at[0]) -> bytes:
        words = lines[number].split(b" ")[:2]
        return b"\n".join([*lines[:number], b" ".join([*words, base64.b64encode(value)]), *lines[number + 1 :]])

    def flipped(place: int) -> bytes:
        return note(raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :])

    line = f"FAILED: checkpoint, line {at[0] + 1}"
    wrong, missing = f"{line}: the cosignature of one.example is wrong", "the cosignature of one.example is missing"
    cases = {
        "the time": (flipped(11), wrong),
        "the signature": (flipped(12), wrong),
        "its last bit": (flipped(75), wrong),
        "that of the other witness": (note(raw[:4] + other[4:]), wrong),
        "cut": (note(raw[:-1]), wrong),
        "a plain signature": (note(raw[:4] + raw[12:]), wrong),
        "another key's id": (flipped(0), f"FAILED: checkpoint: {missing}"),
        "none": (b"\n".join([*lines[: at[0]], *lines[at[0] + 1 :]]), f"FAILED: checkpoint: {missing}"),
    }
    for what, (text, place) in cases.items():
        (folder / "checkpoint").write_bytes(text)
        told = check_folder(folder)
        # On the way: the line is not the one that was signed.
        assert (told.returncode, line in told.stderr) == (1, True), (what, told.stderr)
        resigned(folder, signer)
        for more in ((), given):
            told = check_folder(folder, *more)
            assert (told.returncode, place in told.stderr) == (1, True), (what, told.stderr)
        (folder / "checkpoint").write_bytes(checkpoint)
        (folder / "manifest.json").write_bytes(manifest)
        resigned(folder, signer)
    only_two = keys.split(b"\n")[1] + b"\n"
    assert only_two.startswith(b"two.example+")
    (folder / "witnesses.vkey").write_bytes(only_two)
    resigned(folder, signer)
    told = check_folder(folder)
    assert (told.returncode, "FAILED: witnesses.vkey: the key of one.example" in told.stderr) == (1, True), told.stderr
    (folder / "witnesses.vkey").write_bytes(keys)
    # More witnesses needed than there are, and called witnessed all the same.
    claims = json.loads(manifest)
    claims["witnessed"]["needed"] = 3
    (folder / "manifest.json").write_bytes(canonical(claims))
    resigned(folder, signer)
    told = check_folder(folder)
    assert (told.returncode, "FAILED: manifest.json, line 1: counts its witnesses" in told.stderr) == (1, True)
    (folder / "manifest.json").write_bytes(manifest)
    resigned(folder, signer)
    assert check_folder(folder).returncode == 0
