"""exchange fsck: recompute everything from the facts."""

from __future__ import annotations

import argparse
import dataclasses
from typing import Any

from exchange.cli.output import add_json, bar, say
from exchange.cli.tools import Tools
from exchange.flows.check_books import check_books


def add(subs: Any) -> None:
    """Put the command into the parser."""
    command = subs.add_parser(
        "fsck",
        help="check that all facts agree",
        description="Recompute balances, journals, grants, quotas, documents and the log's root from the facts.",
    )
    add_json(command)
    command.set_defaults(run=run)


async def run(chosen: argparse.Namespace, tools: Tools) -> int:
    """Check; 0 when nothing was found, else 1."""
    tools.refuse_absent()
    async with tools.ground(tools.settings) as on, tools.opened(on) as made:
        with bar("checking", shown=not chosen.json) as progress:

            async def at(what: str, done: int, total: int | None) -> None:
                progress.at(done, total, what)

            found = await check_books(made.db, made.keyring, tools.settings.process.log_origin, at)
    lines = [f"{one.rule}: {one.subject}: says {one.said}, the facts say {one.fact}" for one in found]
    answer = {"findings": [dataclasses.asdict(one) for one in found], "sound": not found}
    say(answer, as_json=chosen.json, lines=lines or ["All facts agree: nothing found."])
    return 1 if found else 0
