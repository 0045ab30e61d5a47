"""exchange witness: watch logs and cosign what only grew. Needs no database."""

from __future__ import annotations

import argparse
import asyncio
import signal
from pathlib import Path
from typing import Any

from compliance import policy, witness_folder
from compliance.notes import BadNote, Verifier, parse_vkey
from compliance.witness_folder import WitnessFolder
from exchange.cli.tools import Tools
from exchange.cli.witnessing import WitnessApp, refuse_taken, serve_witness
from exchange.kernel.settings import BadSetting
from exchange.kernel.text import Text

PORT = 8490


def add(subs: Any) -> None:
    """Put the command into the parser."""
    command = subs.add_parser(
        "witness",
        help="run a witness of audit logs",
        description="Run a witness (C2SP tlog-witness): it cosigns a log's checkpoint only if the log did nothing but grow "
        "since the last one. It needs a folder and no database; whoever runs it should not be the log's operator. "
        "运行见证方（C2SP tlog-witness）：仅当日志自上次以来只增不改时才会签。只需一个目录，无需数据库；不应由日志运营方自行运行。",
    )
    command.add_argument(
        "--folder", required=True, metavar="FOLDER", help="its key and what it has cosigned 密钥与记录目录"
    )
    command.add_argument("--name", help="its name, such as witness.example/w1; needed once 名称（首次必填）")
    command.add_argument(
        "--log", action="append", default=[], metavar="VKEY", help="a key of a log to watch; more than once 日志公钥"
    )
    command.add_argument("--policy", metavar="FILE", help="a C2SP tlog-policy whose logs are watched 策略文件")
    command.add_argument("--host", default="127.0.0.1")
    command.add_argument("--port", type=int, default=PORT)
    command.add_argument("--vkey", action="store_true", help="print the witness's key and leave 仅输出公钥")
    command.set_defaults(run=run)


async def run(chosen: argparse.Namespace, tools: Tools) -> int:
    """Serve until asked to stop.

    errors   BadSetting for a log's key or a policy that cannot be read; FolderFault
    """
    with witness_folder.opened(Path(chosen.folder), chosen.name) as folder:
        if chosen.vkey:
            print(folder.signer.verifier.vkey)
            return 0
        logs = known_logs(chosen.log, chosen.policy)
        stop = stop_event()
        refuse_taken(chosen.host, chosen.port)
        print(listens(folder, chosen, tools.language), flush=True)
        await serve_witness(WitnessApp(folder, logs), chosen.host, chosen.port, stop)
    return 0


def listens(folder: WitnessFolder, chosen: argparse.Namespace, language: str) -> str:
    """What a witness says of itself when it begins."""
    key, address = folder.signer.verifier.vkey, f"http://{chosen.host}:{chosen.port}"
    return Text(f"witness {key} listens on {address}", f"见证方 {key} 已在 {address} 监听").in_(language)


def known_logs(lines: list[str], file: str | None) -> dict[str, list[Verifier]]:
    """The keys of the logs to watch, by origin: the name of a log's key is the log's.

    errors   BadSetting
    """
    try:
        found = [parse_vkey(line) for line in lines]
        if file is not None:
            found += [one.verifier for one in policy.parse_policy(Path(file).read_bytes()).logs]
    except (BadNote, policy.BadPolicy) as error:
        raise BadSetting(Text(f"a log's key cannot be read: {error}", f"日志公钥无法读取：{error}")) from None
    if not found:
        raise BadSetting(
            Text("name a log to watch: --log VKEY, or --policy FILE", "请指明要见证的日志：--log VKEY 或 --policy FILE")
        )
    logs: dict[str, list[Verifier]] = {}
    for one in found:
        logs.setdefault(one.name, []).append(one)
    return logs


def stop_event() -> asyncio.Event:
    """An event that is set when the process is asked to end."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    return stop
