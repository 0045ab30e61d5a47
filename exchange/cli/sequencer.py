"""exchange sequencer: the audit log's sequencer as a process of its own, and what an operator may do to it."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
from functools import partial
from typing import Any

from compliance.log import CounterBehind, LogBehind, MarkMissing
from compliance.notes import BadNote
from exchange.cli.output import add_json, say
from exchange.cli.serve import on_end_of_input
from exchange.cli.tools import Tools
from exchange.flows import checkpoint_log


def add(subs: Any) -> None:
    """Put the command into the parser."""
    command = subs.add_parser(
        "sequencer",
        aliases=["log"],
        help="sign the audit log; mend it after a restore",
        description="Put audit entries into the log and sign checkpoints. Any number may run; one works at a time.",
    )
    actions = command.add_subparsers(dest="action")
    running = actions.add_parser("run", help="sign the log until stopped (what `exchange sequencer` does by itself)")
    running.add_argument("--leashed", action="store_true", help=argparse.SUPPRESS)
    add_json(actions.add_parser("once", help="log and sign what waits now, then stop"))
    adopt = actions.add_parser(
        "adopt",
        help="make missing marks of the newest checkpoint anew from the database",
        description="Make marks that are missing anew from the database. Only where it is certain that the database was "
        "not set back: a log that was, signed on, is a second history. It is noted in the log.",
    )
    add_json(adopt)
    rebase = actions.add_parser(
        "rebase",
        help="begin a new count of transactions, after a restore from a dump",
        description="Log everything that waits and begin a new count of transactions. Writers wait meanwhile.",
    )
    add_json(rebase)
    command.set_defaults(run=run, leashed=False)


async def run(chosen: argparse.Namespace, tools: Tools) -> int:
    """Do it; 1 where the log may not be signed."""
    try:
        async with tools.ground(tools.settings) as on, tools.sequencing(on) as made:
            match chosen.action:
                case "once":
                    head = await made.step()
                    shown = await made.files.step() if head else None
                    answer: dict[str, Any] = {"size": head.size if head else None, "shown": shown}
                    lines = [f"The log has {head.size} leaves under its checkpoint." if head else _BUSY]
                case "adopt":
                    told = await made.adopt()
                    answer = {"adopted": told}
                    lines = [f"Made anew: {', '.join(told)}." if told else "No mark is missing."]
                case "rebase":
                    done = await made.db.run(partial(checkpoint_log.rebase, origin=made.origin))
                    answer = {"entries": done.new_leaves if done else None}
                    lines = [f"{done.new_leaves} entries logged; a new count begins." if done else _BUSY]
                case _:
                    await _work(chosen, made)
                    return 0
    except (LogBehind, MarkMissing, CounterBehind, BadNote) as error:
        say({"refused": str(error)}, as_json=chosen.json, lines=[f"The log may not be signed: {error}"])
        return 1
    say(answer, as_json=chosen.json, lines=lines)
    return 0


_BUSY = "Another sequencer is at work; nothing was done."


async def _work(chosen: argparse.Namespace, made: Any) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    if chosen.leashed:
        await on_end_of_input(stop)
    work = asyncio.create_task(made.run())
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait({work, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if work.done():
        work.result()
    work.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await work
