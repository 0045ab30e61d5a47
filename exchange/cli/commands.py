"""The command line: one parser, one module per command."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module

import uvloop

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
}
Loader = Callable[[Mapping[str, str]], Tools]


def parser(asked: str = "") -> argparse.ArgumentParser:
    """The whole command line; only the command that is `asked` for, if there is one of that name."""
    made = argparse.ArgumentParser(
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
    chosen = parser(next(iter(arguments), "")).parse_args(arguments)
    came_through = WHERE.set("cli")
    try:
        made = load(environment)
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
    finally:
        # Whoever calls a command from within a process goes on as who they are.
        WHERE.reset(came_through)
