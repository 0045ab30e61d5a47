"""exchange trace: one trade through every room."""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

import msgspec

from exchange.cli.output import add_json, say
from exchange.cli.tools import Tools
from exchange.flows.show_trade import show_trade
from exchange.kernel import ids


def add(subs: Any) -> None:
    """Put the command into the parser."""
    command = subs.add_parser("trace", help="follow one order through every room", description="Follow one order.")
    command.add_argument("order", help="ord_...")
    command.add_argument("--lang", choices=("en", "zh"), default="en")
    add_json(command)
    command.set_defaults(run=run)


async def run(chosen: argparse.Namespace, tools: Tools) -> int:
    """Show the order's steps in the order in which they happened."""
    try:
        order_id = ids.parse("ord", chosen.order)
    except ids.BadId:
        say(
            {"problem": "not-found"},
            as_json=chosen.json,
            lines=[f"{chosen.order} is no order's id; ids start with ord_"],
        )
        return 1
    tools.refuse_absent()
    async with tools.ground(tools.settings) as on, tools.opened(on) as made:
        trade = await made.db.run(partial(show_trade, order_id=order_id))
    if trade is None:
        say({"problem": "not-found"}, as_json=chosen.json, lines=[f"there is no order {chosen.order}"])
        return 1
    lines = [f"{step.at:<33} {step.room:<11} {step.text[chosen.lang]}" for step in trade.steps]
    say(msgspec.to_builtins(trade), as_json=chosen.json, lines=lines)
    return 0
