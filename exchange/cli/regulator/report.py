"""exchange regulator report: the reports of an exchange, asked for, fetched, checked; or read row by row."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from compliance import verify_report
from compliance.reports.kinds import KINDS, PAGED
from compliance.reports.shape import csv_head, csv_line
from compliance.verify_notes import Failed
from exchange.cli.output import say
from exchange.cli.reading import Refused
from exchange.cli.regulator.session import CLIENT, SECRET, Session, add_verb, refuse_no_folder
from exchange.cli.regulator.watch import language_of
from exchange.cli.tools import Tools
from exchange.kernel.text import Text

WAIT_S = 600.0


def add(subs: Any) -> None:
    """Put the command into the parser."""
    command = subs.add_parser(
        "report",
        help="ask for a report, fetch it and check it",
        description="The regulator's reports: transactions, transfers, persons abroad, records of processing, risk data, "
        f"intermediation log. Needs {CLIENT} and {SECRET} in the environment, except for kinds and verify. Exit code 0: done; "
        "1: a report does not hold; 2: refused. "
        "监管报告：交易与核验记录、数据提供记录、个人信息出境统计、处理活动记录、风险数据、中介活动日志。"
        "退出码 0：完成；1：报告核验不通过；2：被拒绝。",
    )
    verbs = command.add_subparsers(dest="verb", required=True, metavar="VERB")
    add_verb(verbs, "kinds", "what there is, and what each column means 报告种类与各列含义")
    asked = add_verb(verbs, "ask", "have one made, fetch it into a file, and check it 生成、下载并核验")
    asked.add_argument("kind", choices=sorted(KINDS))
    asked.add_argument("--out", metavar="FILE", help="where the zip goes; named by its id if absent 保存位置")
    asked.add_argument("--wait", type=float, default=WAIT_S, metavar="SECONDS", help="how long to wait 最长等待秒数")
    asked.add_argument(
        "--at", type=int, metavar="SIZE", help="as of an older checkpoint of so many entries 指定检查点条数"
    )
    read = add_verb(verbs, "rows", "read one that follows the log, row by row 逐行查阅")
    read.add_argument("kind", choices=PAGED)
    read.add_argument("--csv", action="store_true", help="as a table for a spreadsheet 输出表格")
    for one in (asked, read):
        one.add_argument("--url", required=True, metavar="ORIGIN", help="the exchange, such as https://... 交易所地址")
        one.add_argument("--year", type=int, help="a calendar year, Beijing time 自然年（北京时间）")
        one.add_argument("--since", metavar="TIME", help="RFC 3339 with a zone 起始时间")
        one.add_argument("--until", metavar="TIME", help="RFC 3339 with a zone, not included 截止时间（不含）")
    held = add_verb(verbs, "verify", "check a report without the exchange 离线核验")
    held.add_argument("file", metavar="FILE", help="the zip, or a folder with its files 报告文件")
    for one in (asked, held):
        one.add_argument(
            "--log", "--vkey", action="append", default=[], metavar="VKEY", help="the log's key, got elsewhere 日志公钥"
        )
    command.set_defaults(run=run, blocking=True)


def run(chosen: argparse.Namespace, tools: Tools) -> int:
    """Do it; the exit code says how it went."""
    language = language_of(chosen, tools)
    try:
        if chosen.verb == "kinds":
            return _kinds(chosen, language)
        if chosen.verb == "verify":
            return _verify(chosen, Path(chosen.file), language)
        with Session(chosen.url, tools.environment, language) as session:
            return _ask(chosen, session, language) if chosen.verb == "ask" else _rows(chosen, session)
    except Refused as error:
        say({"done": False, "why": error.why.map()}, as_json=chosen.json, lines=[error.why.in_(language)])
        return 2


def _kinds(chosen: argparse.Namespace, language: str) -> int:
    columns = {
        one.name: {column.name: column.wire() for column in one.columns} | {"title": one.title.map()}
        for one in KINDS.values()
    }
    lines: list[str] = []
    for one in KINDS.values():
        lines += [f"{one.name}: {one.title.in_(language)} ({one.article})", f"  {one.about.in_(language)}"]
        lines += [f"  {column.name}: {column.meaning.in_(language)} {column.serves}".rstrip() for column in one.columns]
    say(columns, as_json=chosen.json, lines=lines)
    return 0


def _ask(chosen: argparse.Namespace, session: Session, language: str) -> int:
    refuse_no_folder(chosen.out)
    wish = {
        "report": chosen.kind,
        "year": chosen.year,
        "since": chosen.since,
        "until": chosen.until,
        "checkpoint_size": chosen.at,
    }
    name = session.post("/regulator/v1/reports", wish)["id"]
    session.wait(f"/regulator/v1/reports/{name}", chosen.wait)
    file = Path(chosen.out or f"{name}.zip")
    session.save(f"/regulator/v1/reports/{name}/file", file)
    return _verify(chosen, file, language)


def _verify(chosen: argparse.Namespace, file: Path, language: str) -> int:
    if not file.exists():
        raise Refused(Text(f"there is no {file}", f"{file} 不存在"))
    try:
        lines = verify_report.verify(file, chosen.log)
    except Failed as error:
        faults = [{**one._asdict(), "told": {"en": one.told("en"), "zh": one.told("zh")}} for one in error.faults]
        say(
            {"sound": False, "file": str(file), "faults": faults},
            as_json=chosen.json,
            lines=[one.told(language) for one in error.faults],
        )
        return 1
    # The verifier says everything twice, English first.
    told = [str(file), *lines[language == "zh" :: 2], "OK"]
    say({"sound": True, "file": str(file), "faults": []}, as_json=chosen.json, lines=told)
    return 0


def _rows(chosen: argparse.Namespace, session: Session) -> int:
    kind = KINDS[chosen.kind]
    query = {"report": chosen.kind, "year": chosen.year, "since": chosen.since, "until": chosen.until, "limit": 200}
    if chosen.csv:
        sys.stdout.write(csv_head(kind).decode())
    for one in session.pages("/regulator/v1/report-rows", **query):
        cells = one["cells"]
        if chosen.csv:
            sys.stdout.write(csv_line(kind, cells).decode())
        else:
            lines = [f"{name}: {cells[name]}" for name in kind.names() if cells[name] not in (None, "")]
            say(one, as_json=chosen.json, lines=[*lines, ""])
    return 0
