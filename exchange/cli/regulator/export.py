"""exchange regulator export: the audit log of a scope, asked for, waited for, fetched and checked."""

from __future__ import annotations

import argparse
import hashlib
import time
from pathlib import Path
from typing import Any

from exchange.cli import bundles
from exchange.cli.output import add_json, bar, say
from exchange.cli.reading import Refused
from exchange.cli.regulator.session import CLIENT, SECRET, Session, refuse_no_folder
from exchange.cli.regulator.verify import add_known
from exchange.cli.regulator.watch import language_of
from exchange.cli.tools import Tools
from exchange.kernel.text import Text

ROUTE = "/regulator/v1/exports"
WAIT_S = 3600.0
_POLL_S = 0.5
_READ_BYTES = 1 << 20
_ASKED = Text("asked for {id}; to go on later: --id {id}", "已申请 {id}；如需稍后继续：--id {id}")
_MAKING, _FETCHING = Text("making", "生成中"), Text("downloading", "下载中")
_ENDED = Text("{id} is {state}: {problem}", "{id} 状态为 {state}：{problem}")
_ERASED = Text(
    "{id} was removed: personal data that it disclosed was erased since; ask for it anew",
    "{id} 已被移除：其披露的个人数据此后已被永久删除；请重新申请",
)
_SLOW = Text("{id} is still {state}; go on with --id {id}", "{id} 仍处于 {state} 状态；可用 --id {id} 继续")
_OTHER = Text(
    "what came is not the export ({found}); it was removed, try again", "下载内容与导出不符（{found}），已删除，请重试"
)
_SAVED = Text("saved {file} and {note}", "已保存 {file} 与 {note}")
# What the wish calls each flag.
_WISH = {
    "since": "since",
    "until": "until",
    "first": "from_index",
    "end": "to_index",
    "organisation": "organisation",
    "object": "object",
    "dataset": "dataset",
    "order": "order",
    "directive": "directive",
    "rule_set": "rule_set",
    "at": "checkpoint_size",
    "earlier": "earlier_size",
    "basis": "legal_basis",
}


def add(subs: Any) -> None:
    """Put the command into the parser."""
    words = (
        "Ask an exchange for its audit log, wait until the export is made, download it with its delivery note, and check both. "
        f"Needs {CLIENT} and {SECRET} in the environment. A download that was cut goes on where it was. Exit code 0: everything "
        "holds; 1: the export does not hold; 2: refused, or not to be had. "
        f"申请并下载交易所的审计日志导出包及其交付说明，随后核验。需在环境变量中设置 {CLIENT} 和 {SECRET}。下载中断后可续传。"
        "退出码 0：全部有效；1：核验不通过；2：被拒绝或无法取得。"
    )
    command = subs.add_parser("export", help="ask for an export, fetch it and check it", description=words)
    command.add_argument("--url", required=True, metavar="ORIGIN", help="the exchange, such as https://... 交易所地址")
    command.add_argument("--out", metavar="FILE", help="where the zip goes; named by its id if absent 保存位置")
    command.add_argument("--id", metavar="EXPORT", help="go on with an export asked for before 继续此前申请的导出")
    scope = command.add_argument_group("scope 范围")
    scope.add_argument("--since", metavar="TIME", help="RFC 3339 with a zone 起始时间")
    scope.add_argument("--until", metavar="TIME", help="RFC 3339 with a zone, not included 截止时间（不含）")
    scope.add_argument("--from", dest="first", type=int, metavar="N", help="first entry 起始序号")
    scope.add_argument("--to", dest="end", type=int, metavar="N", help="one past the last entry 截止序号（不含）")
    scope.add_argument("--organisation", metavar="ID", help="what concerns this organisation 相关机构")
    scope.add_argument("--object", metavar="ID", help="this object alone 仅此对象")
    about = scope.add_mutually_exclusive_group()
    about.add_argument("--dataset", metavar="ID", help="a dataset and all that belongs to it 数据集及其全部关联对象")
    about.add_argument("--order", metavar="ID", help="an order and all that belongs to it 订单及其全部关联对象")
    about.add_argument("--directive", metavar="ID", help="a directive and its subject 监管指令及其对象")
    scope.add_argument("--rule-set", metavar="NAME", help="decided under this rule set 所依据的规则版本")
    scope.add_argument("--action", action="append", metavar="ACTION", help="only these; more than once 操作类型")
    command.add_argument(
        "--format", action="append", metavar="NAME", help="csv, parquet, ocsf, prov; all if absent 格式"
    )
    command.add_argument("--at", type=int, metavar="SIZE", help="as of an older checkpoint 指定检查点条数")
    command.add_argument(
        "--earlier", type=int, metavar="SIZE", help="prove growth since this size 证明自此条数起的增长"
    )
    command.add_argument("--basis", metavar="TEXT", help="your legal basis 法律依据")
    command.add_argument(
        "--disclose",
        metavar="BASIS",
        help="open sealed personal data: LAW:ARTICLE or dir_... 披露依据：法律:条款或指令编号",
    )
    command.add_argument("--wait", type=float, default=WAIT_S, metavar="SECONDS", help="how long to wait 最长等待秒数")
    add_known(command)
    command.add_argument("--lang", choices=("en", "zh"), help="that of LANG if absent 语言")
    add_json(command)
    command.set_defaults(run=run, blocking=True)


def run(chosen: argparse.Namespace, tools: Tools) -> int:
    """Do it; the exit code says how it went."""
    language = language_of(chosen, tools)
    try:
        refuse_no_folder(chosen.out)
        with Session(chosen.url, tools.environment, language) as session:
            name = chosen.id or session.post(ROUTE, wish_of(chosen))["id"]
            if not chosen.json and not chosen.id:
                say({}, as_json=False, lines=[_ASKED.in_(language).format(id=name)])
            made = wait(session, name, chosen.wait, language, shown=not chosen.json)
            file = Path(chosen.out or f"{name}.zip")
            note = file.with_name(f"{file.name}.delivery.json")
            fetch(session, made, file, language, shown=not chosen.json)
            session.save(f"{ROUTE}/{name}/delivery", note)
        if not chosen.json:
            say({}, as_json=False, lines=[_SAVED.in_(language).format(file=file, note=note)])
        known = bundles.Known(chosen.log, chosen.witness, chosen.previous, str(note))
        return bundles.check(file, known, language, as_json=chosen.json)
    except Refused as error:
        say({"sound": None, "why": error.why.map()}, as_json=chosen.json, lines=[error.why.in_(language)])
        return 2


def wish_of(chosen: argparse.Namespace) -> dict[str, Any]:
    """The request's body; what was not given is not asked for."""
    wish = {name: getattr(chosen, flag) for flag, name in _WISH.items()}
    wish["disclosure"] = disclosure_of(chosen.disclose)
    lists = {"actions": chosen.action, "formats": chosen.format}
    return {name: value for name, value in {**wish, **lists}.items() if value is not None}


def disclosure_of(basis: str | None) -> dict[str, str] | None:
    """A basis as the request names it: a directive by its id, or a law and its article."""
    if basis is None:
        return None
    if basis.startswith("dir_"):
        return {"directive": basis}
    law, _, article = basis.partition(":")
    return {"law": law, "article": article}


def wait(session: Session, name: str, wait_s: float, language: str, *, shown: bool) -> dict[str, Any]:
    """Wait until an export is made, with a bar that says how far it is.

    errors   raises Refused where it failed, was cancelled, or takes longer
    """
    until = time.monotonic() + wait_s
    with bar(_MAKING.in_(language), shown=shown) as progress:
        while True:
            found: dict[str, Any] = session.get(f"{ROUTE}/{name}")
            progress.at(found["done"], found["total"])
            facts = {"id": name, "state": found["state"], "problem": found["problem"] or "-"}
            if found["state"] == "done":
                return found
            if found["state"] == "erased":
                raise Refused(Text(_ERASED.en.format(**facts), _ERASED.zh.format(**facts)))
            if found["state"] in ("failed", "cancelled"):
                raise Refused(Text(_ENDED.en.format(**facts), _ENDED.zh.format(**facts)))
            if time.monotonic() > until:
                raise Refused(Text(_SLOW.en.format(**facts), _SLOW.zh.format(**facts)))
            time.sleep(_POLL_S)


def fetch(session: Session, made: dict[str, Any], file: Path, language: str, *, shown: bool) -> None:
    """Download an export; one that was cut goes on, and what comes must be what was made.

    errors   raises Refused
    """
    size, sha256 = made["size_bytes"], made["sha256"]
    # Named by what it shall become, so that no other export is ever continued.
    half = file.with_name(f"{file.name}.{sha256[:16]}.part")
    with bar(_FETCHING.in_(language), shown=shown) as progress:
        session.resume(f"{ROUTE}/{made['id']}/file", half, size, f'"{sha256}"', lambda at: progress.at(at, size))
    digest = hashlib.sha256()
    with half.open("rb") as data:
        while chunk := data.read(_READ_BYTES):
            digest.update(chunk)
    if digest.hexdigest() != sha256:
        half.unlink()
        found = digest.hexdigest()
        raise Refused(Text(_OTHER.en.format(found=found), _OTHER.zh.format(found=found)))
    half.replace(file)
