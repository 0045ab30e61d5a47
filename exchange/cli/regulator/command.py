"""exchange regulator: what somebody who supervises an exchange does from outside, with nothing but its public address."""

from __future__ import annotations

from typing import Any

from exchange.cli.regulator import direct, export, report, sample, verify, watch, witness

ACTIONS = (watch, witness, export, verify, report, sample, direct)


def add(subs: Any) -> None:
    """Put the command into the parser."""
    command = subs.add_parser(
        "regulator",
        help="watch an exchange's log from outside, export it and check it",
        description="Watch an exchange's audit log from outside, be its witness, fetch exports and check them. Needs no database. "
        "从外部监督交易所的审计日志，可作为见证方，可下载并核验导出包；无需数据库。",
    )
    actions = command.add_subparsers(dest="action", required=True)
    for module in ACTIONS:
        module.add(actions)
