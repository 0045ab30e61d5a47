"""exchange migrate: bring the database to the newest schema."""

from __future__ import annotations

import argparse
from typing import Any

from exchange.cli.output import add_json, say
from exchange.cli.tools import Tools


def add(subs: Any) -> None:
    """Put the command into the parser."""
    command = subs.add_parser(
        "migrate", help="bring the database up to date", description="Run the missing migrations."
    )
    add_json(command)
    command.set_defaults(run=run)


async def run(chosen: argparse.Namespace, tools: Tools) -> int:
    """Open the ground, which migrates, and say where it stands."""
    async with tools.ground(tools.settings) as on:
        where = "the embedded PostgreSQL" if on.server is not None else "the named PostgreSQL"
        say({"migrated": True, "database": where}, as_json=chosen.json, lines=[f"The schema in {where} is up to date."])
    return 0
