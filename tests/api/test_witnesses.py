"""Witnesses over HTTP: the operator adds one, everybody sees what it cosigned, and an export counts as witnessed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import redirect_stdout
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest_asyncio

from compliance import cosign, notes, policy
from compliance.witness import Answer
from exchange import main
from exchange.cli import commands
from exchange.kernel.clock import SystemClock
from exchange.settings import load
from tests.support.api import Market, market
from tests.support.sequencing import sequence
from tests.support.witnesses import honest, served

WITNESSES = "/operator/v1/witnesses"


@pytest_asyncio.fixture
async def exchange(database_url: str, tmp_path: Path) -> AsyncIterator[Market]:
    """The exchange with the portals of this module; two witnesses are a quorum."""
    only = ("regulator", "operator", "log")
    async with market(database_url, tmp_path, only=only, EXCHANGE_LOG_QUORUM="2") as made:
        yield made


async def step(exchange: Market) -> None:
    """A checkpoint, and a round of asking for cosignatures."""
    made = exchange.services
    origin = made.settings.process.log_origin
    await sequence(made.db, [notes.log_signer(made.keyring, origin)], origin)
    # A machine with too much to do is no witness that is away.
    await replace(main.witnessing(made), limit_s=5).step()


async def watched(exchange: Market, folder: Path) -> tuple[int, dict[str, Any]]:
    """Two looks at the running exchange with the policy that it publishes; what the second one says."""
    url = str(exchange.http.base_url).rstrip("/")
    (folder / "policy").write_bytes((await exchange.http.get("/log/policy")).content)
    words = ("regulator", "watch", "--url", url, "--folder", str(folder / "r"), "--policy", str(folder / "policy"))

    def run() -> tuple[int, str]:
        with redirect_stdout(StringIO()) as out:
            code = commands.main([*words, "--json"], {}, lambda environment: main.tools(load(environment), environment))
        return code, out.getvalue()

    assert (await asyncio.to_thread(run))[0] == 0
    await step(exchange)
    code, out = await asyncio.to_thread(run)
    return code, json.loads(out)


async def test_an_export_counts_as_witnessed_once_enough_have_cosigned(exchange: Market, tmp_path: Path) -> None:
    services = exchange.services
    operator, regulator = await exchange.operator(), await exchange.join("regulator")
    origin = services.settings.process.log_origin
    keys = {origin: [notes.parse_vkey(line) for line in (await exchange.http.get("/log/vkey")).text.splitlines()]}
    now = SystemClock().now
    async with (
        honest(tmp_path / "1", "one.example", keys, lambda: now().timestamp()) as (one, at_one),
        honest(tmp_path / "2", "two.example", keys, lambda: now().timestamp()) as (two, at_two),
    ):
        added = await exchange.done(operator, WITNESSES, {"vkey": one.signer.verifier.vkey, "url": at_one + "/"})
        assert (added["name"], added["state"]) == ("one.example", "active")
        await step(exchange)
        export = await exchange.done(regulator, "/regulator/v1/exports", {})
        path = f"/regulator/v1/exports/{export['id']}"
        assert (await exchange.get(regulator, path)).json()["witnessed"] is False
        refused = await exchange.http.get("/log/witnessed")
        assert (refused.status_code, refused.json()["type"]) == (503, "/problems/log-not-witnessed")
        text = (await exchange.http.get("/log/policy")).content
        assert b"# 2 witnesses are needed, and there are 1" in text

        await exchange.done(operator, WITNESSES, {"vkey": two.signer.verifier.vkey, "url": at_two})
        await step(exchange)
        assert (await exchange.get(regulator, path)).json()["witnessed"] is True
        listed = (await exchange.get(regulator, "/regulator/v1/exports")).json()["items"]
        assert [item["witnessed"] for item in listed] == [True]

        trusted = policy.parse_policy((await exchange.http.get("/log/policy")).content)
        assert {item.url for item in trusted.witnesses.values()} == {at_one, at_two}
        for shown in ("/log/witnessed", "/log/checkpoint"):
            note = (await exchange.http.get(shown)).content
            assert trusted.signed(notes.parse_note(note))
            assert trusted.met(notes.parse_note(note)).quorum
            # The log's own line stays the first: who knows no cosignature reads the note as before.
            assert notes.open_checkpoint(note, origin, keys[origin]).size > 0

        code, said = await watched(exchange, tmp_path)
        assert (code, said["witnessed"], said["witnessed_by"]) == (0, True, ["one.example", "two.example"])
        compared = {one["where"]: one["size"] for one in said["compared"]}
        assert {"kept", at_one, at_two} < set(compared)
        assert len(compared) == 4

        shown = (await exchange.get(operator, WITNESSES)).json()["items"]
        assert [(item["name"], item["fault"]) for item in shown] == [("two.example", None), ("one.example", None)]
        assert all(item["cosigned_size"] > 0 for item in shown)
        removed = await exchange.done(operator, f"{WITNESSES}/{added['id']}/removal")
        assert removed["state"] == "removed"
        again = await exchange.post(operator, f"{WITNESSES}/{added['id']}/removal")
        assert (again.status_code, again.json()["type"]) == (409, "/problems/witness-already-removed")
        assert (await exchange.get(regulator, path)).json()["witnessed"] is False


async def test_a_witness_that_lies_is_shown_with_what_it_said(exchange: Market) -> None:
    operator = await exchange.operator()

    async def lie(method: str, _path: str, _body: bytes) -> Answer:
        return Answer(200, b"hello\n") if method == "POST" else Answer(404)

    async with served(lie) as url:
        wish = {"vkey": cosign.CosignVerifier("liar.example", bytes(range(32))).vkey, "url": url}
        added = await exchange.done(operator, WITNESSES, wish)
        await step(exchange)
    shown = (await exchange.get(operator, f"{WITNESSES}/{added['id']}")).json()
    assert (shown["fault"], shown["cosigned_size"]) == ("answer-malformed", 0)
    (caught,) = shown["caught"]
    assert (caught["fault"], caught["evidence"]) == ("answer-malformed", "hello\n")


async def test_what_is_no_witness_is_refused_in_both_languages(exchange: Market) -> None:
    operator = await exchange.operator()
    vkey = cosign.CosignVerifier("w.example", bytes(range(32))).vkey
    log_key = (await exchange.http.get("/log/vkey")).text.splitlines()[0]
    for wish in (
        {"vkey": log_key, "url": "http://w.example"},
        {"vkey": vkey.replace("w.example", "x.example"), "url": "http://w.example"},
        {"vkey": cosign.CosignVerifier("none", bytes(32)).vkey, "url": "http://w.example"},
        {"vkey": vkey, "url": "file:///etc/passwd"},
    ):
        refused = await exchange.post(operator, WITNESSES, wish)
        assert (refused.status_code, refused.json()["type"]) == (422, "/problems/witness-invalid")
        chinese = await exchange.post(operator, WITNESSES, wish, headers={"accept-language": "zh"})
        assert chinese.json()["title"] == "见证方无效"
        assert chinese.json()["detail"].isascii() is False
        assert "its" not in chinese.json()["detail"]
    assert (await exchange.get(operator, WITNESSES)).json()["items"] == []
    missing = await exchange.get(operator, f"{WITNESSES}/wit_01m80jwmabesg81hwe4cc73nw9")
    assert missing.status_code == 404
