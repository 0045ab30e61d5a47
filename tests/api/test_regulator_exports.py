"""Exports over a socket, by hand and by the regulator's command: progress, ranges, deliveries, cancellation, other people."""

from __future__ import annotations

import asyncio
import io
import json
import zipfile
from collections.abc import AsyncIterator
from contextlib import redirect_stdout
from pathlib import Path

import pytest
import pytest_asyncio

from compliance import notes
from exchange.cli import commands
from exchange.main import steps, tools
from exchange.settings import load
from exchange.worker.loop import drain
from tests.support.api import Market, Party, market
from tests.support.sequencing import sequence

ROUTE = "/regulator/v1/exports"


@pytest_asyncio.fixture
async def exchange(database_url: str, tmp_path: Path) -> AsyncIterator[Market]:
    """The exchange with the regulator's portal."""
    async with market(database_url, tmp_path, only=("regulator", "buyer", "oauth2")) as made:
        yield made


@pytest_asyncio.fixture
async def regulator(exchange: Market) -> Party:
    """A regulator, and a log with a checkpoint."""
    made = await exchange.join("regulator")
    await exchange.join("buyer")
    await checkpoint(exchange)
    return made


async def checkpoint(exchange: Market) -> None:
    services = exchange.services
    origin = services.settings.process.log_origin
    await sequence(services.db, [notes.log_signer(services.keyring, origin)], origin)


async def work(exchange: Market) -> int:
    return await drain(exchange.services.db, steps(exchange.services).table())


async def test_a_range_goes_on_where_a_download_was_cut(exchange: Market, regulator: Party) -> None:
    asked = await exchange.done(regulator, ROUTE, {"legal_basis": "Case 1"})
    path = f"{ROUTE}/{asked['id']}"
    before = (await exchange.get(regulator, path)).json()
    assert (before["state"], before["done"], before["witnessed"]) == ("requested", 0, False)
    assert (await exchange.get(regulator, f"{path}/delivery")).json()["type"] == "/problems/export-not-ready"
    assert await work(exchange) == 1
    made = (await exchange.get(regulator, path)).json()
    assert (made["state"], made["done"]) == ("done", made["total"])
    whole = (await exchange.get(regulator, f"{path}/file")).content
    headers = {**regulator.headers, "range": f"bytes={len(whole) // 2}-", "if-range": f'"{made["sha256"]}"'}
    rest = await exchange.http.get(f"{path}/file", headers=headers)
    assert (rest.status_code, rest.content) == (206, whole[len(whole) // 2 :])
    assert rest.headers["content-range"] == f"bytes {len(whole) // 2}-{len(whole) - 1}/{len(whole)}"
    other = await exchange.http.get(f"{path}/file", headers={**headers, "if-range": '"another"'})
    assert (other.status_code, other.content) == (200, whole)
    beyond = await exchange.http.get(f"{path}/file", headers={**regulator.headers, "range": f"bytes={len(whole)}-"})
    assert beyond.status_code == 416
    said = (await exchange.get(regulator, f"{path}/delivery")).json()["delivery"]
    assert (said["id"], said["bundle"]["sha256"], said["legal_basis"]) == (asked["id"], made["sha256"], "Case 1")
    stranger = await exchange.join("regulator")
    for end in ("", "/file", "/delivery"):
        assert (await exchange.get(stranger, path + end)).status_code == 404
    assert (await exchange.post(stranger, f"{path}/cancellation")).status_code == 404
    late = await exchange.post(regulator, f"{path}/cancellation")
    assert late.json()["type"] == "/problems/export-ended"


async def test_a_cancelled_export_is_not_made(exchange: Market, regulator: Party) -> None:
    asked = await exchange.done(regulator, ROUTE, {})
    path = f"{ROUTE}/{asked['id']}"
    assert (await exchange.done(regulator, f"{path}/cancellation"))["state"] == "cancelled"
    assert await work(exchange) == 0
    assert (await exchange.get(regulator, path)).json()["state"] == "cancelled"


@pytest.mark.parametrize(
    "wish",
    [
        {"dataset": "ds_01m80jwmabesg81hwe4cc73nw9", "order": "ord_01m80jwmabesg81hwe4cc73nw9"},
        {"dataset": "nonsense"},
        {"formats": ["../etc"]},
        {"checkpoint_size": 10**6},
        {"rule_set": "a b"},
        {"disclosure": {}},
        {"disclosure": {"law": "mine", "article": "1"}},
        {"disclosure": {"law": "cn-dsl"}},
        {"disclosure": {"law": "cn-dsl", "article": "35", "name": "x"}},
        {"unknown": 1},
    ],
)
async def test_a_wish_that_makes_no_sense_is_refused(
    exchange: Market, regulator: Party, wish: dict[str, object]
) -> None:
    assert (await exchange.post(regulator, ROUTE, wish)).status_code == 400


async def test_a_disclosure_by_the_command(exchange: Market, regulator: Party, tmp_path: Path) -> None:
    environment = {"REGULATOR_CLIENT": regulator.client, "REGULATOR_SECRET": regulator.secret, "LANG": "C"}
    origin, file = str(exchange.http.base_url), tmp_path / "export.zip"

    def run(basis: str) -> tuple[int, str]:
        words = ["regulator", "export", "--url", origin, "--out", str(file), "--disclose", basis, "--json"]
        with redirect_stdout(io.StringIO()) as out:
            code = commands.main(words, environment, lambda given: tools(load(given), given))
        return code, out.getvalue()

    asking = asyncio.create_task(asyncio.to_thread(run, "cn-dsl:35"))
    while not asking.done():
        await work(exchange)
        await asyncio.sleep(0.05)
    assert asking.result()[0] == 0, asking.result()
    with zipfile.ZipFile(file) as archive:
        assert json.loads(archive.read("manifest.json"))["redacted"] is False
        found = [json.loads(line)["fields"] for line in archive.read("disclosed.jsonl").splitlines()]
    assert any("email" in one for one in found)
    (made,) = (await exchange.get(regulator, ROUTE)).json()["items"]
    assert made["disclosure"] == "cn-dsl"
    for basis in ("cn-dsl", "mine:1", "dir_01m80jwmabesg81hwe4cc73nw9"):
        assert (await asyncio.to_thread(run, basis))[0] == 2
    wish = {"disclosure": {"directive": "dir_01m80jwmabesg81hwe4cc73nw9"}}
    assert (await exchange.post(regulator, ROUTE, wish)).json()["type"] == "/problems/disclosure-directive-unfit"


async def test_the_command_asks_fetches_goes_on_and_checks(exchange: Market, regulator: Party, tmp_path: Path) -> None:
    environment = {"REGULATOR_CLIENT": regulator.client, "REGULATOR_SECRET": regulator.secret, "LANG": "C"}
    origin = str(exchange.http.base_url)
    vkey = (await exchange.http.get("/log/vkey")).text.splitlines()[0]
    file = tmp_path / "export.zip"

    def run(*words: str) -> tuple[int, str]:
        with redirect_stdout(io.StringIO()) as out:
            code = commands.main(["regulator", *words, "--json"], environment, lambda given: tools(load(given), given))
        return code, out.getvalue()

    asking = asyncio.create_task(
        asyncio.to_thread(run, "export", "--url", origin, "--out", str(file), "--log", vkey, "--basis", "Case 2")
    )
    while not asking.done():
        await work(exchange)
        await asyncio.sleep(0.05)
    code, said = asking.result()
    assert code == 0, said
    assert json.loads(said)["sound"] is True
    note = tmp_path / "export.zip.delivery.json"
    (name,) = [json.loads(note.read_bytes())["delivery"]["id"]]

    # Cut in the middle: the second half is fetched, and the whole is what it was.
    whole = file.read_bytes()
    sha256 = (await exchange.get(regulator, f"{ROUTE}/{name}")).json()["sha256"]
    (tmp_path / f"export.zip.{sha256[:16]}.part").write_bytes(whole[: len(whole) // 2])
    file.unlink()
    again = ("export", "--url", origin, "--out", str(file), "--log", vkey, "--id", name)
    assert (await asyncio.to_thread(run, *again))[0] == 0
    assert file.read_bytes() == whole
    # Half of something else: it is thrown away, not taken for the export.
    (tmp_path / f"export.zip.{sha256[:16]}.part").write_bytes(bytes(len(whole) // 2))
    file.unlink()
    assert (await asyncio.to_thread(run, *again))[0] == 2
    assert (await asyncio.to_thread(run, *again))[0] == 0

    checked = ("verify", str(file), "--log", vkey, "--delivery", str(note))
    assert (await asyncio.to_thread(run, *checked))[0] == 0
    folder = tmp_path / "out"
    with zipfile.ZipFile(file) as archive:
        archive.extractall(folder)
    path = folder / "events.ocsf.jsonl"
    path.write_bytes(path.read_bytes().replace(b"aud_", b"auf_", 1))
    code, said = await asyncio.to_thread(run, "verify", str(folder), "--log", vkey)
    assert (code, json.loads(said)["faults"][0]["file"]) == (1, "events.ocsf.jsonl")
    assert (await asyncio.to_thread(run, "verify", str(tmp_path / "nothing.zip")))[0] == 2
    environment["REGULATOR_SECRET"] = "wrong"
    assert (await asyncio.to_thread(run, *again))[0] == 2
