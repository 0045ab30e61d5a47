"""exchange regulator sample: draw records of a revision that anybody can draw again, judge them, check the evidence."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from compliance import verify_sample
from exchange.cli.output import say
from exchange.cli.reading import Refused
from exchange.cli.regulator.report import WAIT_S
from exchange.cli.regulator.session import CLIENT, SECRET, Session, add_verb, refuse_no_folder
from exchange.cli.regulator.watch import language_of
from exchange.cli.tools import Tools
from exchange.kernel.text import Text

_HOLDS = Text("{drawn} of {size} records, drawn again and proven: OK", "共 {size} 条，已重新抽取并证明 {drawn} 条：OK")
_JUDGED = Text(
    "{passed} of {n} passed: between {low} and {high} millionths (95 %)",
    "{n} 条中 {passed} 条合格：占比在百万分之 {low} 至 {high} 之间（95 %）",
)


def add(subs: Any) -> None:
    """Put the command into the parser."""
    command = subs.add_parser(
        "sample",
        help="draw a sample that anybody can draw again, and check its evidence",
        description="Samples of a dataset's records, drawn by a seed that is fixed before anything is read. Needs "
        f"{CLIENT} and {SECRET} in the environment, except for verify. Exit code 0: done; 1: the evidence does not hold; 2: "
        "refused. 数据集记录抽样：种子在读取前确定，任何人均可重新抽取。退出码 0：完成；1：证据不成立；2：被拒绝。",
    )
    verbs = command.add_subparsers(dest="verb", required=True, metavar="VERB")
    draw = add_verb(verbs, "draw", "draw, fetch the evidence, and check it 抽样、下载并核验证据")
    draw.add_argument("revision", metavar="REVISION", help="whose records 版本标识")
    draw.add_argument("--records", type=int, required=True, metavar="N", help="how many 抽取条数")
    draw.add_argument("--seed", metavar="HEX", help="32 bytes of your own; else from the newest checkpoint 自定种子")
    draw.add_argument("--out", metavar="FILE", help="where the evidence goes; named by its id if absent 保存位置")
    draw.add_argument("--wait", type=float, default=WAIT_S, metavar="SECONDS", help="how long to wait 最长等待秒数")
    judge = add_verb(verbs, "judge", "say once how many of the drawn passed 登记结果")
    judge.add_argument("sample", metavar="SAMPLE", help="which sample 样本标识")
    judge.add_argument("--passed", type=int, required=True, metavar="N", help="how many passed 合格条数")
    for one in (draw, judge):
        one.add_argument("--url", required=True, metavar="ORIGIN", help="the exchange, such as https://... 交易所地址")
    held = add_verb(verbs, "verify", "check evidence without the exchange 离线核验证据")
    held.add_argument("file", metavar="FILE", help="the evidence 证据文件")
    command.set_defaults(run=run, blocking=True)


def run(chosen: argparse.Namespace, tools: Tools) -> int:
    """Do it; the exit code says how it went."""
    language = language_of(chosen, tools)
    try:
        if chosen.verb == "verify":
            return _verify(chosen, Path(chosen.file), language)
        with Session(chosen.url, tools.environment, language) as session:
            return _draw(chosen, session, language) if chosen.verb == "draw" else _judge(chosen, session, language)
    except Refused as error:
        say({"done": False, "why": error.why.map()}, as_json=chosen.json, lines=[error.why.in_(language)])
        return 2


def _draw(chosen: argparse.Namespace, session: Session, language: str) -> int:
    refuse_no_folder(chosen.out)
    wish = {"records": chosen.records, "seed": chosen.seed}
    name = session.post(f"/regulator/v1/revisions/{chosen.revision}/samples", wish)["id"]
    session.wait(f"/regulator/v1/samples/{name}", chosen.wait)
    file = Path(chosen.out or f"{name}.json")
    session.save(f"/regulator/v1/samples/{name}/evidence", file)
    return _verify(chosen, file, language)


def _judge(chosen: argparse.Namespace, session: Session, language: str) -> int:
    judged = session.post(f"/regulator/v1/samples/{chosen.sample}/result", {"passed": chosen.passed})
    facts = {
        "passed": judged["passed"],
        "n": judged["n"],
        "low": judged["low_millionths"],
        "high": judged["high_millionths"],
    }
    say(judged, as_json=chosen.json, lines=[_JUDGED.in_(language).format(**facts)])
    return 0


def _verify(chosen: argparse.Namespace, file: Path, language: str) -> int:
    try:
        evidence = json.loads(file.read_text(encoding="utf-8"))
        faults = verify_sample.check(evidence)
    except OSError as error:
        raise Refused(Text(f"{file} cannot be read", f"无法读取 {file}")) from error
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        faults = [f"cannot be read ({error}) 无法读取"]
    if faults:
        say({"sound": False, "file": str(file), "faults": faults}, as_json=chosen.json, lines=[str(file), *faults])
        return 1
    drawn, size = len(evidence["drawn"]), evidence["frame"]["size"]
    holds = _HOLDS.in_(language).format(drawn=drawn, size=size)
    value = {"sound": True, "file": str(file), "drawn": drawn, "frame": evidence["frame"]["root"], "records": size}
    say(value, as_json=chosen.json, lines=[str(file), holds])
    return 0
