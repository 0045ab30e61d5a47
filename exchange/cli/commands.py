"""The command line: one parser, one module per command."""

from __future__ import annotations

import argparse
import asyncio
import os
import select
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module

import uvloop

from exchange.cli.output import say
from exchange.cli.parsing import PARSERS, language_asked
from exchange.cli.reading import Refused, away
from exchange.cli.tools import Tools
from exchange.kernel import logs
from exchange.kernel.db import WHERE
from exchange.kernel.embedded import EmbeddedError
from exchange.kernel.settings import BadSetting

# In the order in which help shows them. Each is imported only when it is asked for: what one command needs of the exchange,
# another one does not.
COMMANDS = {
    "serve": "exchange.cli.serve",
    "worker": "exchange.cli.worker",
    "sequencer": "exchange.cli.sequencer",
    "demo": "exchange.cli.demo",
    "migrate": "exchange.cli.migrate",
    "settle": "exchange.cli.settle",
    "fsck": "exchange.cli.fsck",
    "audit": "exchange.cli.audit",
    "keys": "exchange.cli.keys",
    "trace": "exchange.cli.trace",
    "admin": "exchange.cli.admin",
    "witness": "exchange.cli.witness",
    "regulator": "exchange.cli.regulator.command",
    "jobs": "exchange.cli.jobs",
    "price": "exchange.cli.price",
    "agreement": "exchange.cli.agreement",
    "terms": "exchange.cli.terms",
    "ledger": "exchange.cli.ledger",
    "money": "exchange.cli.money",
}
# What a shell says of a program whose reader ended before it did, such as `head`.
READER_LEFT = 141
Loader = Callable[[Mapping[str, str]], Tools]


def parser(asked: str = "", language: str = "en") -> argparse.ArgumentParser:
    """The whole command line; only the command that is `asked` for, if there is one of that name."""
    made = PARSERS[language](
        prog="exchange",
        description="Corpus Exchange: an exchange for AI training data. 语料交易所。",
        epilog="Settings come from the environment; deploy/env.example and docs/settings.md list them.",
    )
    subs = made.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name in [asked] if asked in COMMANDS else COMMANDS:
        import_module(COMMANDS[name]).add(subs)
    return made


def main(arguments: Sequence[str], environment: Mapping[str, str], load: Loader) -> int:
    """Run one command; its exit code.

    errors   prints what is wrong with a setting, a flag or the database, and answers 2
    """
    try:
        return _run(arguments, environment, load)
    except KeyboardInterrupt:
        # Also while it still loads what it needs: whoever ends a command wants no list of where it was.
        return 130


def _run(arguments: Sequence[str], environment: Mapping[str, str], load: Loader) -> int:
    language = language_asked(arguments, environment)
    chosen = parser(next(iter(arguments), ""), language).parse_args(arguments)
    came_through = WHERE.set("cli")
    try:
        made = load(environment)
        logs.configure(level=made.settings.process.log_level, pretty=sys.stderr.isatty())
        # A command says how it wants to run: most on uvloop, the demo without a loop.
        if getattr(chosen, "blocking", False):
            code = int(chosen.run(chosen, made))
        else:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                code = int(runner.run(chosen.run(chosen, made)))
        sys.stdout.flush()
        return code
    except Refused as refused:
        as_json = getattr(chosen, "json", False)
        print(f"exchange: {refused.why.in_(language)}", file=sys.stderr)
        if as_json:
            say({"why": refused.why.map()}, as_json=True, lines=[])
        return 2
    except (BadSetting, EmbeddedError, OSError) as error:
        if isinstance(error, BrokenPipeError) and _reader_left():
            return READER_LEFT
        print(f"exchange: {away(error).in_(language)}", file=sys.stderr)
        return 2
    finally:
        # Whoever calls a command from within a process goes on as who they are.
        WHERE.reset(came_through)


def _reader_left() -> bool:
    """Whether nobody reads what is printed any more; what is left of it then goes nowhere, without a word."""
    try:
        out = sys.stdout.fileno()
    except ValueError:  # an output that is no file of the system's
        return False
    looked = select.poll()
    looked.register(out, 0)
    if not any(event & select.POLLERR for _, event in looked.poll(0)):
        return False
    os.dup2(os.open(os.devnull, os.O_WRONLY), out)
    return True
