"""exchange regulator watch: does the log show everybody the same, and does it only grow?"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx

from compliance.notes import BadNote, Verifier, parse_vkey
from compliance.policy import BadPolicy, Policy, parse_policy
from exchange.cli.output import add_json, say
from exchange.cli.regulator.client import TIMEOUT_S, Kept, Unreachable
from exchange.cli.regulator.looking import Looked, Watcher
from exchange.cli.tools import Tools
from exchange.kernel.settings import BadSetting
from exchange.kernel.text import Text

_FIRST = Text(
    "first look: the log's own word is taken for its key. Compare it with one that you got elsewhere: {keys}",
    "首次查看：公钥取自日志本身，请与从其他途径取得的公钥核对：{keys}",
)
_SIZE = Text(
    "{origin}: {size} entries, compared with {count} other checkpoints",
    "{origin}：{size} 条，已与其他 {count} 个检查点比对",
)
_AWAY = Text("not asked: {what}", "未能查询：{what}")
_WITNESSED = Text("witnessed by {names}", "见证方：{names}")
_NOT_WITNESSED = Text(
    "the quorum of the policy is not met; cosigned by: {names}", "未达到策略要求的见证数；已会签：{names}"
)
_SOUND = Text("OK: it only grew, and shows everybody the same", "OK：日志只增不改，各处所见一致")
_NOT_SOUND = Text("FAILED: {count} findings", "FAILED：发现 {count} 处问题")


def add(subs: Any) -> None:
    """Put the command into the parser."""
    command = subs.add_parser(
        "watch",
        help="compare what the log shows with what it showed before and elsewhere",
        description="Compare the log's checkpoint with the one kept in the folder, with those of its witnesses and of other "
        "places, and prove from its tiles that it only grew. Two histories are saved as evidence. Exit code 0: it holds; "
        "1: it does not, and the evidence is named; 2: it cannot be asked; 3: it holds, but the policy's quorum is not met. "
        "将日志检查点与此前保存的、见证方及其他来源的检查点比对，并由分块证明其只增不改；发现分叉即保存证据。退出码 0：无异常；"
        "1：有异常（指明证据）；2：无法查询；3：无异常，但未达到策略要求的见证数。",
    )
    add_watching(command)
    command.add_argument("--every", type=float, metavar="SECONDS", help="look again and again 循环查看的间隔秒数")
    add_json(command)
    command.set_defaults(run=run, blocking=True)


def add_watching(command: argparse.ArgumentParser) -> None:
    """Give a command what every watcher is told."""
    command.add_argument("--url", required=True, metavar="ORIGIN", help="the exchange, such as https://... 交易所地址")
    command.add_argument("--folder", required=True, metavar="FOLDER", help="what is kept between two looks 保存目录")
    command.add_argument(
        "--log",
        action="append",
        default=[],
        metavar="VKEY",
        help="the log's key, got elsewhere; more than once 日志公钥",
    )
    command.add_argument(
        "--also",
        action="append",
        default=[],
        metavar="PLACE",
        help="another place of the same log: an address or a folder with `checkpoint` in it 其他来源",
    )
    command.add_argument("--policy", metavar="FILE", help="the C2SP tlog-policy that you trust 您信任的策略文件")
    command.add_argument("--lang", choices=("en", "zh"), help="that of LANG if absent")


def run(chosen: argparse.Namespace, tools: Tools) -> int:
    """Look once, or until asked to stop; the exit code says what the last look found."""
    language = language_of(chosen, tools)
    with httpx.Client(timeout=TIMEOUT_S, follow_redirects=False) as http:
        watcher, given = watcher_of(chosen, http)
        while True:
            code = look(watcher, given, language, as_json=chosen.json)
            if chosen.every is None:
                return code
            time.sleep(chosen.every)


def look(watcher: Watcher, given: list[Verifier], language: str, *, as_json: bool) -> int:
    """Look once and say what was found."""
    try:
        seen = watcher.look(given)
    except (Unreachable, BadNote) as error:
        say({"unreachable": str(error)}, as_json=as_json, lines=[_AWAY.in_(language).format(what=error)])
        return 2
    say(seen.document(), as_json=as_json, lines=told(watcher, seen, language))
    return seen.code()


def watcher_of(chosen: argparse.Namespace, http: httpx.Client) -> tuple[Watcher, list[Verifier]]:
    """The watcher that a command asks for, and the keys that it brings along.

    errors   BadSetting
    """
    try:
        given = [parse_vkey(line) for line in chosen.log]
        trusted: Policy | None = None
        if chosen.policy is not None:
            trusted = parse_policy(Path(chosen.policy).read_bytes())
            given += [one.verifier for one in trusted.logs]
    except (BadNote, BadPolicy) as error:
        raise BadSetting(
            Text(f"a key or the policy cannot be read: {error}", f"公钥或策略文件无法读取：{error}")
        ) from None
    return Watcher(http, chosen.url.rstrip("/"), Kept(Path(chosen.folder)), chosen.also, trusted), given


def told(watcher: Watcher, seen: Looked, language: str) -> list[str]:
    """What a look found, in lines."""
    lines = []
    if seen.first:
        lines.append(believed(watcher.kept.verifiers(), language))
    facts = {"origin": seen.checkpoint.origin, "size": seen.checkpoint.size, "count": max(len(seen.sights) - 1, 0)}
    lines.append(_SIZE.in_(language).format(**facts))
    lines += [_AWAY.in_(language).format(what=one) for one in seen.away]
    if seen.witnessed is not None:
        words = _WITNESSED if seen.witnessed else _NOT_WITNESSED
        lines.append(words.in_(language).format(names=", ".join(sorted(seen.witnesses)) or "-"))
    lines += [one.say(language) for one in seen.findings]
    last = _NOT_SOUND if seen.findings else _SOUND
    return [*lines, last.in_(language).format(count=len(seen.findings))]


def believed(verifiers: Sequence[Verifier], language: str) -> str:
    """That the log's own word was taken for its keys."""
    return _FIRST.in_(language).format(keys=", ".join(one.vkey for one in verifiers))


def language_of(chosen: argparse.Namespace, tools: Tools) -> str:
    """The language that was asked for, or that of the terminal."""
    given = tools.environment
    words = given.get("LC_ALL") or given.get("LC_MESSAGES") or given.get("LANG") or ""
    return chosen.lang or ("zh" if words.lower().startswith("zh") else "en")
