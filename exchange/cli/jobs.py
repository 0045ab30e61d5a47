"""exchange jobs: how much waits, runs, and died."""

from __future__ import annotations

import argparse
from typing import Any

from exchange.cli.output import add_json, say
from exchange.cli.tools import Tools
from exchange.kernel import jobs


def add(subs: Any) -> None:
    """Put the command into the parser."""
    command = subs.add_parser("jobs", help="count jobs by kind and state", description="Count jobs by kind and state.")
    add_json(command)
    command.set_defaults(run=run)


async def run(chosen: argparse.Namespace, tools: Tools) -> int:
    """Count."""
    tools.refuse_absent()
    async with tools.ground(tools.settings) as on, tools.opened(on) as made:
        counted = await made.db.run(jobs.waiting)
    rows = [{"kind": kind, "state": state, "count": count} for kind, state, count in counted]
    lines = [f"{row['count']:>8}  {row['state']:<10} {row['kind']}" for row in rows]
    say(rows, as_json=chosen.json, lines=lines or ["There are no jobs."])
    return 0
