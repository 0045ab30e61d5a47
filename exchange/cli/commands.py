"""The command line: one parser, one module per command."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable, Mapping, Sequence

import uvloop

from exchange.cli import (
    admin,
    agreement,
    audit,
    demo,
    fsck,
    jobs,
    keys,
    ledger,
    migrate,
    price,
    sequencer,
    serve,
    settle,
    terms,
    trace,
    witness,
    worker,
)
from exchange.cli.regulator import command as regulator
from exchange.cli.tools import Tools
from exchange.kernel import logs
from exchange.kernel.db import WHERE
from exchange.kernel.embedded import EmbeddedError
from exchange.kernel.settings import BadSetting

COMMANDS = (
    serve,
    worker,
    sequencer,
    demo,
    migrate,
    settle,
    fsck,
    audit,
    keys,
    trace,
    admin,
    witness,
    regulator,
    jobs,
    price,
    agreement,
    terms,
    ledger,
)
Loader = Callable[[Mapping[str, str]], Tools]


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    made = argparse.ArgumentParser(
        prog="exchange",
        description="Corpus Exchange: an exchange for AI training data. 语料交易所。",
        epilog="Settings come from the environment; deploy/env.example and docs/settings.md list them.",
    )
    subs = made.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for module in COMMANDS:
        module.add(subs)
    return made


def main(arguments: Sequence[str], environment: Mapping[str, str], load: Loader) -> int:
    """Run one command; its exit code.

    errors   prints what is wrong with a setting, a flag or the database, and answers 2
    """
    chosen = parser().parse_args(arguments)
    try:
        made = load(environment)
        WHERE.set("cli")
        logs.configure(level=made.settings.process.log_level, pretty=sys.stderr.isatty())
        # A command says how it wants to run: most on uvloop, the demo without a loop.
        if getattr(chosen, "blocking", False):
            code: int = chosen.run(chosen, made)
            return code
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return int(runner.run(chosen.run(chosen, made)))
    except (BadSetting, EmbeddedError, OSError) as error:
        print(f"exchange: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
