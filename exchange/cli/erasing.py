"""exchange audit erase, erasures, replay-erasures: people whose data is erased for good, and stays so after a restore."""

from __future__ import annotations

import argparse
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from compliance import sealed_store
from exchange.cli.output import add_json, say
from exchange.cli.reading import Refused
from exchange.cli.tools import Tools
from exchange.flows.erase_subject import request_erasure
from exchange.flows.replay_erasures import erased_in, replay_erasures
from exchange.kernel import ids
from exchange.kernel.errors import Problem
from exchange.kernel.text import Text

_EVENTS = "events.jsonl"
_STATES = {"asked": Text("asked", "已申请"), "erased": Text("erased", "已删除")}


def add(actions: Any) -> None:
    """Put the actions into the parser of `exchange audit`."""
    erase = actions.add_parser(
        "erase",
        help="erase a person's data for good",
        description="Have a person's key destroyed; the worker does it. The log and its proofs stay as they are. "
        "永久删除某人的个人数据：由后台进程销毁其密钥，日志及其证明不受影响。",
    )
    erase.add_argument("member", metavar="MEMBER", help="the person's id, mem_...")
    listed = actions.add_parser(
        "erasures", help="list erasures", description="Erasures asked for and complete. 列出个人数据删除记录。"
    )
    replay = actions.add_parser(
        "replay-erasures",
        help="after a restore: erase again what was erased",
        description="Carry out again every erasure that database, key folder or an export of the log remembers. Each start "
        "does so without the export. 恢复备份后，按数据库、密钥目录或审计导出的记载重新执行全部删除；每次启动也会自动执行（不读导出包）。",
    )
    replay.add_argument(
        "--bundle",
        metavar="FILE",
        help="an export made after the erasures: needed where database and keys both came back old",
    )
    for one in (erase, listed, replay):
        one.add_argument("--lang", choices=("en", "zh"), help="that of LANG if absent")
        add_json(one)
    erase.set_defaults(run=_erase)
    listed.set_defaults(run=_list)
    replay.set_defaults(run=_replay)


async def _erase(chosen: argparse.Namespace, tools: Tools) -> int:
    try:
        member_id = ids.parse("mem", chosen.member)
    except ids.BadId:
        why = Text(f"{chosen.member} is no member's id", f"{chosen.member} 不是成员标识")
        say({"why": why.map()}, as_json=chosen.json, lines=[why.in_(chosen.lang or tools.language)])
        return 2
    tools.refuse_absent()
    async with tools.ground(tools.settings) as on, tools.opened(on) as made:
        answer = await made.db.run(lambda tx: request_erasure(tx, None, member_id))
    language = chosen.lang or tools.language
    if isinstance(answer, Problem):
        lines = [answer.detail(language)]
        say({"problem": answer.slug, "detail": answer.detail(language)}, as_json=chosen.json, lines=lines)
        return 1
    words = Text(f"{answer.subject}: {answer.state}", f"{answer.subject}：{_STATES[answer.state].zh}")
    say(msgspec.to_builtins(answer), as_json=chosen.json, lines=[words.in_(language)])
    return 0


async def _list(chosen: argparse.Namespace, tools: Tools) -> int:
    language, rows, before = chosen.lang or tools.language, [], None
    tools.refuse_absent()
    async with tools.ground(tools.settings) as on, tools.opened(on) as made:
        while page := await made.db.run(lambda tx, at=before: sealed_store.erasures(tx, before=at, limit=1_000)):
            rows += page
            before = page[-1].id
    wire = [
        {
            "subject": one.name,
            "organisation": ids.text("org", one.organisation_id),
            "state": one.state,
            "asked_at": one.asked_at.isoformat() if one.asked_at else None,
            "erased_at": one.erased_at.isoformat() if one.erased_at else None,
        }
        for one in rows
    ]
    lines = [
        f"{one['subject']}  {_STATES[str(one['state'])].in_(language)}  {one['erased_at'] or one['asked_at']}"
        for one in wire
    ]
    none = Text("Nobody was erased.", "尚无删除记录。")
    say(wire, as_json=chosen.json, lines=lines or [none.in_(language)])
    return 0


async def _replay(chosen: argparse.Namespace, tools: Tools) -> int:
    language = chosen.lang or tools.language
    try:
        told = _told(chosen.bundle) if chosen.bundle else set()
    except Refused as error:
        say({"why": error.why.map()}, as_json=chosen.json, lines=[error.why.in_(language)])
        return 2
    tools.refuse_absent()
    async with tools.ground(tools.settings) as on, tools.opened(on) as made:
        done = await replay_erasures(made.db, made.vault, told)
    words = Text(
        f"Erased again: {done.keys} keys, {done.subjects} people.",
        f"重新删除：密钥 {done.keys} 个，人员 {done.subjects} 名。",
    )
    say(msgspec.to_builtins(done), as_json=chosen.json, lines=[words.in_(language)])
    return 0


def _told(name: str) -> set[UUID]:
    try:
        return set(erased_in(_lines(name)))
    except (ValueError, AttributeError) as error:
        raise Refused(Text(f"{name} has an entry that is none", f"{name} 中有无法识别的条目")) from error


def _lines(name: str) -> Iterable[bytes]:
    """The entries in an export: a zip, or a folder."""
    place = Path(name)
    try:
        if place.is_dir():
            data: Sequence[bytes] = (place / _EVENTS).read_bytes().splitlines()
        else:
            with zipfile.ZipFile(place) as bundle, bundle.open(_EVENTS) as member:
                data = list(member)
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise Refused(Text(f"{name} is no export with {_EVENTS}", f"{name} 不是含 {_EVENTS} 的导出包")) from error
    return data
