"""exchange settle: run a settlement here and now, with a bar."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

import msgspec

from exchange.cli.output import add_json, bar, say
from exchange.cli.tools import Tools
from exchange.flows.preview_run import make_preview, prepare
from exchange.flows.settle_period import Period, start_run
from exchange.flows.settle_run import settle_run
from exchange.kernel import ids
from exchange.kernel.errors import Problem


def add(subs: Any) -> None:
    """Put the command into the parser."""
    command = subs.add_parser(
        "settle",
        help="settle a period",
        description="Turn use and orders of a period into charges, invoices, journals and statements. "
        "A run that was interrupted goes on where it stood.",
    )
    command.add_argument(
        "--from", dest="start", required=True, type=datetime.fromisoformat, help="2026-01-01T00:00+08:00"
    )
    command.add_argument("--to", dest="end", required=True, type=datetime.fromisoformat, help="exclusive")
    command.add_argument("--currency", required=True)
    command.add_argument("--region", help="only parties at home in this country, such as CN; all if not given")
    command.add_argument("--dry-run", action="store_true", help="show what a run would book; nothing is booked")
    command.add_argument(
        "--compare", metavar="RUN", help="with --dry-run: the closed run to compare with; the last one if not given"
    )
    add_json(command)
    command.set_defaults(run=run)


async def run(chosen: argparse.Namespace, tools: Tools) -> int:
    """Open the run or take up an open one, and do its parts until it is closed; or preview it."""
    async with tools.ground(tools.settings) as on, tools.opened(on) as made:
        period = Period(chosen.start, chosen.end, chosen.currency, chosen.region)
        if chosen.dry_run:
            return await _preview(chosen, made, period)
        at = await made.db.run(partial(start_run, period=period))
        with bar("settling", shown=not chosen.json) as progress:

            async def show(done: int, of: int) -> None:
                progress.at(done, of)

            if not isinstance(at, Problem):
                run_id, processes = ids.parse("run", at.run), tools.settings.settlement.run_processes
                at = await settle_run(made.db, made.sales, run_id, show, processes=processes)
    if isinstance(at, Problem):
        return _refused(chosen, at)
    if not at.finished:
        say(msgspec.to_builtins(at), as_json=chosen.json, lines=[f"{at.run} was {at.state} meanwhile."])
        return 1
    lines = [f"{at.run} is closed: {at.sellers[0]} sellers, {at.payees[0]} payees; the trial balance sums to zero."]
    say(msgspec.to_builtins(at), as_json=chosen.json, lines=lines)
    return 0


async def _preview(chosen: argparse.Namespace, made: Any, period: Period) -> int:
    """Show what the run would book, and how that differs from the run before."""
    try:
        against = None if chosen.compare is None else ids.parse("run", chosen.compare)
    except ids.BadId:
        say({"problem": "not-found"}, as_json=chosen.json, lines=[f"{chosen.compare} is no run."])
        return 1
    wanted = await made.db.run(partial(prepare, period=period, compare_with=against, made_by=None))
    if isinstance(wanted, Problem):
        return _refused(chosen, wanted)
    with bar("reading", shown=not chosen.json) as progress:

        async def show(done: int, total: int | None) -> None:
            progress.at(done, total)

        found = await make_preview(made.db, made.sales, wanted.id, show)
    if isinstance(found, Problem):
        return _refused(chosen, found)
    said = dict(found.summary or {})
    lines = [
        "Nothing was booked. A run now would book:",
        f"  {said['charges']} charges of {_money(said['charged'])}, {_money(said['owed'])} of them owed",
        f"  {_money(said['paid_from_wallets'])} from wallets",
        f"  {_money(said['payable'])} payable to payees; {said['held']} grants held back for a person to see",
        *_compared(said["compared"]),
        f"Line by line: GET /operator/v1/settlement-previews/{ids.text('prv', found.id)}/lines",
    ]
    say({"preview": ids.text("prv", found.id), **said}, as_json=chosen.json, lines=lines)
    return 0


def _compared(said: Mapping[str, Any] | None) -> list[str]:
    if said is None:
        return ["There is no earlier run to compare with."]
    parts = [f"{said[one]['lines']} {one} ({_money(said[one]['difference'])})" for one in ("new", "changed", "gone")]
    of = "all runs over the same period" if said["same_period"] else said["run"]
    return [f"Compared with {of}: {', '.join(parts)}, {said['unchanged']} unchanged."]


def _money(wire: Mapping[str, str]) -> str:
    return f"{wire['amount']} {wire['currency']}"


def _refused(chosen: argparse.Namespace, problem: Problem) -> int:
    said = {"problem": problem.slug, "detail": problem.detail("en")}
    say(said, as_json=chosen.json, lines=[problem.detail("en"), problem.remedy("en")])
    return 1
