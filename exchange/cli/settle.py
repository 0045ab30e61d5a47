"""exchange settle: run a settlement here and now, with a bar."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from functools import partial
from typing import Any

import msgspec

from exchange.cli import flags
from exchange.cli.output import add_json, add_language, bar, language_of, say
from exchange.cli.reading import Refused
from exchange.cli.tools import Tools
from exchange.flows.preview_run import make_preview, prepare
from exchange.flows.settle_period import Period, start_run
from exchange.flows.settle_run import settle_run
from exchange.kernel import ids
from exchange.kernel.errors import Problem
from exchange.kernel.text import Text

_DIFFERENCES = ("new", "changed", "gone")
_CLOSED = Text(
    "{run} is closed: {sellers} sellers, {payees} payees; the trial balance sums to zero.",
    "{run} 已结算完毕：供应方 {sellers} 个，收款方 {payees} 个；试算平衡为零。",
)
_MEANWHILE = Text("{run} was {state} meanwhile.", "{run} 在此期间变为 {state}。")
_SHOWN = Text(
    """Nothing was booked. A run now would book:
  {charges} charges of {charged}, {owed} of them owed
  {paid_from_wallets} from wallets
  {payable} payable to payees; {held} grants held back for a person to see
{compared}
Line by line: GET /operator/v1/settlement-previews/{preview}/lines""",
    """未入账任何内容。此刻结算将入账：
  费用 {charges} 笔，合计 {charged}，其中未付 {owed}
  钱包支付 {paid_from_wallets}
  应付收款方 {payable}；另有 {held} 个授权暂缓，待人工查看
{compared}
逐行查看：GET /operator/v1/settlement-previews/{preview}/lines""",
)
_NO_OTHER = Text("There is no earlier run to compare with.", "没有可供比较的先前批次。")
_SAME_PERIOD = Text("all runs over the same period", "同一期间的全部批次")
_COMPARED = Text(
    "Compared with {of}: {new} new ({new_by}), {changed} changed ({changed_by}), {gone} gone ({gone_by}), {unchanged} unchanged.",
    "与{of}相比：新增 {new} 行（{new_by}），变动 {changed} 行（{changed_by}），消失 {gone} 行（{gone_by}），未变 {unchanged} 行。",
)


def add(subs: Any) -> None:
    """Put the command into the parser."""
    command = subs.add_parser(
        "settle",
        help="settle a period",
        description="Turn use and orders of a period into charges, invoices, journals and statements. "
        "A run that was interrupted goes on where it stood. 将一个期间的用量与订单结算为费用、发票、分录与对账单；中断的批次会从原处继续。",
    )
    command.add_argument("--from", dest="start", required=True, metavar="TIME", help="2026-01-01T00:00+08:00, or a day")
    command.add_argument("--to", dest="end", required=True, metavar="TIME", help="exclusive. 不含该时刻")
    command.add_argument("--zone", metavar="Asia/Shanghai", default="UTC", help="whose days; UTC if absent")
    command.add_argument("--currency", required=True)
    command.add_argument("--region", help="only parties at home in this country, such as CN; all if not given")
    command.add_argument("--dry-run", action="store_true", help="show what a run would book; nothing is booked")
    command.add_argument(
        "--compare", metavar="RUN", help="with --dry-run: the closed run to compare with; the last one if not given"
    )
    add_language(command)
    add_json(command)
    command.set_defaults(run=run)


async def run(chosen: argparse.Namespace, tools: Tools) -> int:
    """Open the run or take up an open one, and do its parts until it is closed; or preview it."""
    language = language_of(chosen, tools.environment)
    try:
        period = _period(chosen)
        tools.refuse_absent()
        async with tools.ground(tools.settings) as on, tools.opened(on) as made:
            done = _preview if chosen.dry_run else _settle
            return await done(chosen, tools, made, period)
    except Refused as refused:
        say({"problem": "bad-flag", "why": refused.why.map()}, as_json=chosen.json, lines=[refused.why.in_(language)])
        return 2


def _period(chosen: argparse.Namespace) -> Period:
    start, end = (flags.moment(one, chosen.zone) for one in (chosen.start, chosen.end))
    assert start is not None  # the parser demands both
    assert end is not None
    return Period(start, end, flags.currency(chosen.currency), chosen.region)


async def _settle(chosen: argparse.Namespace, tools: Tools, made: Any, period: Period) -> int:
    at = await made.db.run(partial(start_run, period=period))
    with bar("settling", shown=not chosen.json) as progress:

        async def show(done: int, of: int) -> None:
            progress.at(done, of)

        if not isinstance(at, Problem):
            run_id, processes = ids.parse("run", at.run), tools.settings.settlement.run_processes
            at = await settle_run(made.db, made.sales, run_id, show, processes=processes)
    language = language_of(chosen, tools.environment)
    if isinstance(at, Problem):
        return _refused(chosen, at, language)
    lines = [
        (_CLOSED if at.finished else _MEANWHILE)
        .in_(language)
        .format(run=at.run, state=at.state, sellers=at.sellers[0], payees=at.payees[0])
    ]
    say(msgspec.to_builtins(at), as_json=chosen.json, lines=lines)
    return 0 if at.finished else 1


async def _preview(chosen: argparse.Namespace, tools: Tools, made: Any, period: Period) -> int:
    """Show what the run would book, and how that differs from the run before."""
    language = language_of(chosen, tools.environment)
    try:
        against = None if chosen.compare is None else ids.parse("run", chosen.compare)
    except ids.BadId as error:
        why = Text(
            f"{chosen.compare} is no run's id; ids start with run_", f"{chosen.compare} 不是批次标识符，应以 run_ 开头"
        )
        raise Refused(why) from error
    wanted = await made.db.run(partial(prepare, period=period, compare_with=against, made_by=None))
    if isinstance(wanted, Problem):
        return _refused(chosen, wanted, language)
    with bar("reading", shown=not chosen.json) as progress:

        async def show(done: int, total: int | None) -> None:
            progress.at(done, total)

        found = await make_preview(made.db, made.sales, wanted.id, show)
    if isinstance(found, Problem):
        return _refused(chosen, found, language)
    said, preview = dict(found.summary or {}), ids.text("prv", found.id)
    amounts = {name: _money(said[name]) for name in ("charged", "owed", "paid_from_wallets", "payable")}
    words = said | amounts | {"preview": preview, "compared": _compared(said["compared"], language)}
    shown = _SHOWN.in_(language).format(**words)
    say({"preview": preview, **said}, as_json=chosen.json, lines=shown.splitlines())
    return 0


def _compared(said: Mapping[str, Any] | None, language: str) -> str:
    if said is None:
        return _NO_OTHER.in_(language)
    counts = {one: said[one]["lines"] for one in _DIFFERENCES} | {
        f"{one}_by": _money(said[one]["difference"]) for one in _DIFFERENCES
    }
    of = _SAME_PERIOD.in_(language) if said["same_period"] else said["run"]
    return _COMPARED.in_(language).format(of=of, unchanged=said["unchanged"], **counts)


def _money(wire: Mapping[str, str]) -> str:
    return f"{wire['amount']} {wire['currency']}"


def _refused(chosen: argparse.Namespace, problem: Problem, language: str) -> int:
    said = {"problem": problem.slug, "detail": problem.detail(language)}
    say(said, as_json=chosen.json, lines=[problem.detail(language), problem.remedy(language)])
    return 1
