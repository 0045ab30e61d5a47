"""exchange regulator verify: is what an export says in the log? Needs no exchange, no database and no network."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from exchange.cli import bundles
from exchange.cli.output import add_json, say
from exchange.cli.reading import Refused
from exchange.cli.regulator.watch import language_of
from exchange.cli.tools import Tools


def add(subs: Any) -> None:
    """Put the command into the parser."""
    words = (
        "Check an export offline, as its own verifier does, and besides make each of its other forms again from the events and "
        "compare them byte by byte. Exit code 0: everything holds; 1: it does not, and each place is named; 2: it cannot be "
        "checked. 离线核验导出包：除包内核验程序所做的检查外，另由事件重新生成各种格式并逐字节比对。退出码 0：全部有效；"
        "1：不符（逐处指明）；2：无法核验。"
    )
    command = subs.add_parser("verify", help="check an export offline", description=words)
    command.add_argument("file", metavar="FILE", help="the zip, or a folder with its files 导出包或其目录")
    add_known(command)
    command.add_argument("--delivery", metavar="FILE", help="the delivery.json that came beside it 交付说明")
    command.add_argument("--lang", choices=("en", "zh"), help="that of LANG if absent 语言")
    add_json(command)
    command.set_defaults(run=run, blocking=True)


def add_known(command: argparse.ArgumentParser) -> None:
    """Give a command what its user may have got elsewhere."""
    command.add_argument(
        "--log", "--vkey", action="append", default=[], metavar="VKEY", help="the log's key, got elsewhere 日志公钥"
    )
    command.add_argument(
        "--witness", action="append", default=[], metavar="VKEY", help="a witness's key, got elsewhere 见证方公钥"
    )
    command.add_argument("--previous", metavar="FILE", help="a checkpoint that you kept 您保存的检查点")


def run(chosen: argparse.Namespace, tools: Tools) -> int:
    """Check it; the exit code says what was found."""
    language = language_of(chosen, tools)
    known = bundles.Known(chosen.log, chosen.witness, chosen.previous, chosen.delivery)
    try:
        return bundles.check(Path(chosen.file), known, language, as_json=chosen.json)
    except Refused as error:
        say({"sound": None, "why": error.why.map()}, as_json=chosen.json, lines=[error.why.in_(language)])
        return 2
