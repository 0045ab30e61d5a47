"""exchange settle: run a settlement here and now, with a bar."""

from __future__ import annotations

import argparse
from datetime import datetime
from functools import partial
from typing import Any

import msgspec

from exchange.cli.output import add_json, bar, say
from exchange.cli.tools import Tools
from exchange.flows.settle_period import Period, settle_next, start_run
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
    add_json(command)
    command.set_defaults(run=run)


async def run(chosen: argparse.Namespace, tools: Tools) -> int:
    """Open the run or take up an open one, and do its parts until it is closed."""
    async with tools.ground(tools.settings) as on, tools.opened(on) as made:
        period = Period(chosen.start, chosen.end, chosen.currency)
        at = await made.db.run(partial(start_run, period=period))
        with bar("settling", shown=not chosen.json) as progress:
            while not isinstance(at, Problem) and not at.finished:
                run_id = ids.parse("run", at.run)
                at = await made.db.run(partial(settle_next, sales=made.sales, run_id=run_id))
                if not isinstance(at, Problem):
                    progress.at(at.sellers[0] + at.payees[0], at.sellers[1] + at.payees[1])
    if isinstance(at, Problem):
        say(
            {"problem": at.slug, "detail": at.detail("en")},
            as_json=chosen.json,
            lines=[at.detail("en"), at.remedy("en")],
        )
        return 1
    lines = [f"{at.run} is closed: {at.sellers[0]} sellers, {at.payees[0]} payees; the trial balance sums to zero."]
    say(msgspec.to_builtins(at), as_json=chosen.json, lines=lines)
    return 0
