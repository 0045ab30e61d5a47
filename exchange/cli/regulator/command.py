"""exchange regulator: what somebody who supervises an exchange does from outside, with nothing but its public address."""

from __future__ import annotations

from typing import Any

from exchange.cli.regulator import watch, witness

ACTIONS = (watch, witness)


def add(subs: Any) -> None:
    """Put the command into the parser."""
    command = subs.add_parser(
        "regulator",
        help="watch an exchange's log from outside",
        description="Watch an exchange's audit log from outside, and be its witness. Needs no database. "
        "从外部监督交易所的审计日志，并可作为见证方；无需数据库。",
    )
    actions = command.add_subparsers(dest="action", required=True)
    for module in ACTIONS:
        module.add(actions)
