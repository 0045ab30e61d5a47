"""exchange regulator witness: cosign an exchange's log, and watch it at the same time."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from typing import Any

import httpx

from compliance import witness_folder
from compliance.notes import BadNote, Verifier
from compliance.witness import origin_path
from compliance.witness_folder import WitnessFolder
from exchange.cli.output import say
from exchange.cli.regulator.client import TIMEOUT_S, Unreachable
from exchange.cli.regulator.looking import Watcher
from exchange.cli.regulator.watch import add_watching, believed, language_of, told, watcher_of
from exchange.cli.tools import Tools
from exchange.cli.witness import PORT, listens, stop_event
from exchange.cli.witnessing import WitnessApp, refuse_taken, serve_witness

EVERY_S = 60.0


def add(subs: Any) -> None:
    """Put the command into the parser."""
    command = subs.add_parser(
        "witness",
        help="be a witness of the log, and watch it",
        description="Run a witness of one exchange's log and watch that log: what it shows to the witness is compared with "
        "what it shows to everybody. Give the printed key to the operator, who adds the witness. "
        "为某交易所的日志运行见证方并同时监督：比对其向见证方与向公众出示的内容。请将所输出的公钥交给运营方登记。",
    )
    add_watching(command)
    command.add_argument(
        "--name", help="the witness's name, such as regulator.example/w1; needed once 名称（首次必填）"
    )
    command.add_argument("--host", default="127.0.0.1")
    command.add_argument("--port", type=int, default=PORT)
    command.add_argument(
        "--every", type=float, default=EVERY_S, metavar="SECONDS", help="how often to look 查看间隔秒数"
    )
    command.set_defaults(run=run, json=False)


async def run(chosen: argparse.Namespace, tools: Tools) -> int:
    """Serve and look until asked to stop; 1 where a look found something.

    errors   BadSetting, FolderFault
    """
    language = language_of(chosen, tools)
    with (
        witness_folder.opened(Path(chosen.folder) / "witness", chosen.name) as folder,
        httpx.Client(timeout=TIMEOUT_S, follow_redirects=False) as http,
    ):
        watcher, given = watcher_of(chosen, http)
        first = not given and not watcher.kept.verifiers()
        verifiers = await asyncio.to_thread(watcher.believe, given)
        origin = verifiers[0].name
        stop = stop_event()
        app = WitnessApp(folder, {origin: verifiers})
        refuse_taken(chosen.host, chosen.port)
        print(listens(folder, chosen, language), flush=True)
        if first:
            print(believed(verifiers, language), flush=True)
        looking = asyncio.create_task(_look_on(watcher, given, folder, origin, language, chosen.every))
        try:
            await serve_witness(app, chosen.host, chosen.port, stop)
        finally:
            looking.cancel()
            found = (await asyncio.gather(looking, return_exceptions=True))[0]
    if isinstance(found, Exception):
        raise found
    return 1 if (Path(chosen.folder) / "evidence").exists() else 0


async def _look_on(
    watcher: Watcher, given: list[Verifier], folder: WitnessFolder, origin: str, language: str, every: float
) -> None:
    while True:
        own = folder.newest(origin_path(origin))
        try:
            seen = await asyncio.to_thread(watcher.look, given, own)
            say(seen.document(), as_json=False, lines=told(watcher, seen, language))
        except (Unreachable, BadNote) as error:
            say({}, as_json=False, lines=[str(error)])
        await asyncio.sleep(every)
