"""exchange audit verify: hold the log against what was signed: whole, a range, one entry; or check an export's bundle."""

from __future__ import annotations

import argparse
import asyncio
import gc
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from compliance import notes
from compliance.auditing import Fault
from compliance.log import Known
from compliance.marks import parse_mark
from compliance.notes import BadNote
from exchange.cli import bundles, erasing
from exchange.cli.output import add_json, bar, say
from exchange.cli.reading import Refused
from exchange.cli.tools import Tools
from exchange.flows.audit_beside import audit_beside
from exchange.flows.audit_log import LogReport, Span, audit_log
from exchange.kernel.text import Text

_SHOWN = 20


def add(subs: Any) -> None:
    """Put the command into the parser."""
    command = subs.add_parser(
        "audit",
        help="verify the audit log, or an export of it; erase people",
        description="Verify the audit log; erase people and keep them erased. 核验审计日志；永久删除个人数据。",
    )
    actions = command.add_subparsers(dest="action", required=True, metavar="ACTION")
    words = (
        "Hold every entry against its leaf, the tiles and the signed checkpoints, and name each place that does not hold. "
        "Entries count from 0. Only reads; Ctrl-C ends it and says how far it was. Exit code 0: everything holds; 1: "
        "something does not; 2: it cannot be checked. "
        "将每个条目与其叶子、瓦片及已签署的检查点核对，并指出每一处不符。条目从 0 起计。只读；按 Ctrl-C 结束并说明进度。"
        "退出码 0：全部有效；1：有不符之处；2：无法核验。"
    )
    found = actions.add_parser("verify", help="check the whole log, a range, one entry, or a bundle", description=words)
    found.add_argument("--from", dest="first", type=int, metavar="N", help="only entries from this one on")
    found.add_argument("--to", dest="end", type=int, metavar="N", help="only entries before this one")
    found.add_argument("--entry", type=int, metavar="N", help="this entry alone")
    found.add_argument("--bundle", metavar="FILE", help="an export instead of the log: a zip or a folder; no database")
    found.add_argument(
        "--vkey", action="append", default=[], help="with --bundle: the log's key that you got elsewhere"
    )
    found.add_argument("--previous", metavar="FILE", help="a checkpoint that you kept: the log has to continue it")
    found.add_argument("--lang", choices=("en", "zh"), help="that of LANG if absent")
    add_json(found)
    command.set_defaults(run=run)
    erasing.add(actions)


async def run(chosen: argparse.Namespace, tools: Tools) -> int:
    """Verify; the exit code says what was found."""
    language = chosen.lang or tools.language
    try:
        if chosen.bundle is not None:
            return _bundle(chosen, language)
        return await _log(chosen, tools, language)
    except Refused as error:
        say({"sound": None, "why": error.why.map()}, as_json=chosen.json, lines=[error.why.in_(language)])
        return 2


# ---------------------------------------------------------------- a bundle


def _bundle(chosen: argparse.Namespace, language: str) -> int:
    if any(one is not None for one in (chosen.first, chosen.end, chosen.entry)):
        raise Refused(Text("a bundle is always checked whole", "导出包总是整体核验"))
    return bundles.check(
        Path(chosen.bundle), bundles.Known(chosen.vkey, (), chosen.previous), language, as_json=chosen.json
    )


# ---------------------------------------------------------------- the log


async def _log(chosen: argparse.Namespace, tools: Tools, language: str) -> int:
    # What is loaded by now stays: the collector of garbage need not look through it again and again.
    gc.freeze()
    span, report, begun = _span(chosen), LogReport(), time.monotonic()
    tools.refuse_absent()
    async with tools.ground(tools.settings) as on, tools.sequencing(on) as made:
        # Before the database is read: what is marked by now is in the log that is looked at.
        marks, known = await _marks(made), [*_previous(chosen), *(await made.witnessed() or ())]
        with bar(Text("verifying", "核验中").in_(language), shown=not chosen.json) as progress:

            async def at(done: int, total: int) -> None:
                progress.at(done, total)

            keys = notes.log_verifiers(on.keyring, made.origin)
            try:
                await audit_log(made.db, keys, made.origin, at, span=span, known=known, marks=marks, report=report)
                if span is None:
                    report.note(*await audit_beside(made.db))
            except asyncio.CancelledError:
                _tell(chosen, language, report, time.monotonic() - begun, broken=True)
                raise
    if not report.faults:
        _refuse_nothing(span, report, tools)
    _tell(chosen, language, report, time.monotonic() - begun, broken=False)
    return 1 if report.faults else 0


def _span(chosen: argparse.Namespace) -> Span | None:
    first, end = chosen.first, chosen.end
    if chosen.entry is not None:
        if first is not None or end is not None:
            raise Refused(Text("--entry stands alone", "--entry 须单独使用"))
        first, end = chosen.entry, chosen.entry + 1
    if first is None and end is None:
        return None
    span = Span(first or 0, end)
    if span.first < 0 or (span.end is not None and span.end <= span.first):
        raise Refused(Text("a range runs from an entry to a later one", "范围须由前至后"))
    if chosen.previous is not None:
        raise Refused(Text("--previous needs the whole log", "--previous 须核验整个日志"))
    return span


def _refuse_nothing(span: Span | None, report: LogReport, tools: Tools) -> None:
    """Say that there was nothing to check: that everything holds would be no lie, and would deceive."""
    if not report.size:
        where = tools.settings.home
        raise Refused(
            Text(
                f"there is no entry of a log here ({where}); name the exchange that you mean by EXCHANGE_HOME",
                f"此处（{where}）的日志没有任何条目；请以 EXCHANGE_HOME 指明要核验的交易所",
            )
        )
    if span is not None and span.first >= report.size:
        last = report.size - 1
        raise Refused(
            Text(
                f"there is no entry {span.first}: the log has {report.size:,}, from 0 to {last}",
                f"没有第 {span.first} 条：日志共 {report.size:,} 条，序号为 0 至 {last}",
            )
        )


async def _marks(made: Any) -> list[Known]:
    """What is written down outside the database: beside the process, and in the object store."""
    try:
        return list(await made.known())
    except BadNote as error:
        raise Refused(Text(f"a mark is no checkpoint: {error}", f"标记不是检查点：{error}")) from error


def _previous(chosen: argparse.Namespace) -> list[Known]:
    """The checkpoint that somebody kept, signed or not."""
    name, data = chosen.previous, bundles.kept(chosen.previous)
    try:
        return [] if data is None else [Known(name, parse_mark(data))]
    except BadNote as error:
        raise Refused(Text(f"{name} is no checkpoint", f"{name} 不是检查点")) from error


def _tell(chosen: argparse.Namespace, language: str, report: LogReport, took_s: float, *, broken: bool) -> None:
    answer = {
        "sound": not report.faults and not broken,
        "finished": not broken,
        "entries": {"from": report.first, "to": report.done},
        "size": report.size,
        "signed": report.signed,
        "checkpoints": report.checkpoints,
        "waiting": report.waiting,
        "took_s": round(took_s, 3),
        "faults": [_wire(one) for one in report.faults],
        "more_faults": report.more,
    }
    say(answer, as_json=chosen.json, lines=[one.in_(language) for one in _lines(report, took_s, broken=broken)])


def _lines(report: LogReport, took_s: float, *, broken: bool) -> Sequence[Text]:
    lines = [_line(one) for one in report.faults[:_SHOWN]]
    more = len(report.faults) - len(lines) + report.more
    if more:
        lines.append(Text(f"and {more:,} more; --json lists them", f"另有 {more:,} 处；--json 可列出"))
    looked, seconds = report.done - report.first, max(took_s, 1e-3)
    lines.append(
        Text(
            f"{looked:,} entries of a log of {report.size:,} ({report.signed:,} under a signed checkpoint), "
            f"{report.checkpoints:,} checkpoints, {took_s:.1f} s, {looked / seconds:,.0f} entries/s.",
            f"日志共 {report.size:,} 条（其中 {report.signed:,} 条在已签署的检查点之下），本次核验 {looked:,} 条、"
            f"{report.checkpoints:,} 个检查点，用时 {took_s:.1f} 秒，每秒 {looked / seconds:,.0f} 条。",
        )
    )
    if broken:
        go_on = f"exchange audit verify --from {report.done}"
        lines.append(Text(f"Broken off; go on with: {go_on}", f"已中断；可用以下命令继续：{go_on}"))
    elif report.faults:
        lines.append(Text("THE LOG DOES NOT HOLD.", "日志核验不通过。"))
    else:
        lines.append(Text("Everything holds.", "全部有效。"))
    return lines


def _line(one: Fault) -> Text:
    values = Text(f": {one.said}, should be {one.fact}", f"：{one.said}，应为 {one.fact}")
    more = values if one.fact else Text("", "")
    return Text(f"{one.place.en}: {one.what.en}{more.en}", f"{one.place.zh}：{one.what.zh}{more.zh}")


def _wire(one: Fault) -> dict[str, Any]:
    what, place = one.what.map(), one.place.map()
    return {"rule": one.rule, "entry": one.index, "place": place, "what": what, "said": one.said, "fact": one.fact}
