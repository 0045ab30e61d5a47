"""exchange keys: list the signing keys, or add a new one that signs from now on."""

from __future__ import annotations

import argparse
from typing import Any

from exchange.cli.output import add_json, say
from exchange.cli.tools import Tools
from exchange.kernel import keys


def add(subs: Any) -> None:
    """Put the command into the parser."""
    command = subs.add_parser("keys", help="list and rotate signing keys", description="List and rotate signing keys.")
    actions = command.add_subparsers(dest="action", required=True)
    listing = actions.add_parser("list", help="every key, oldest first")
    add_json(listing)
    rotate = actions.add_parser("rotate", help="add a key that signs from the next start on; old ones still verify")
    rotate.add_argument("purpose", choices=keys.PURPOSES)
    add_json(rotate)
    command.set_defaults(run=run)


async def run(chosen: argparse.Namespace, tools: Tools) -> int:
    """List, or rotate and list."""
    settings = tools.settings
    if chosen.action == "rotate":
        keys.save(settings.keys, keys.new_key(chosen.purpose, settings.clock().now()))
    there = keys.load(settings.keys, node_id=settings.process.node_id).keys() if settings.keys.exists() else []
    newest = {key.purpose: key.kid for key in there}
    rows = [
        {
            "purpose": key.purpose,
            "kid": key.kid,
            "since": key.created_at.isoformat(),
            "signs": newest[key.purpose] == key.kid,
        }
        for key in there
    ]
    lines = [
        f"{row['purpose']:<12} {row['kid']}  since {row['since']}{'  signs' if row['signs'] else ''}" for row in rows
    ]
    say(rows, as_json=chosen.json, lines=lines or ["There are no keys yet; the first start makes them."])
    return 0
