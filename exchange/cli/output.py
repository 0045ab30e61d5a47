"""How commands speak: lines for people, JSON for programs, a bar for what takes long."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

_COMMANDS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def add_json(command: argparse.ArgumentParser) -> None:
    """Give a command the flag --json."""
    command.add_argument("--json", action="store_true", help="print JSON and nothing else")


def add_language(command: argparse.ArgumentParser) -> None:
    """Give a command the flag --lang."""
    command.add_argument("--lang", choices=("en", "zh"), help="that of the environment if absent. 默认取环境语言")


def language_of(chosen: argparse.Namespace, environment: Mapping[str, str]) -> str:
    """The language to answer in, en or zh: of --lang, or else of LC_ALL, LC_MESSAGES or LANG."""
    said = environment.get("LC_ALL") or environment.get("LC_MESSAGES") or environment.get("LANG") or ""
    return str(chosen.lang or ("zh" if said.lower().startswith("zh") else "en"))


def say(value: Any, *, as_json: bool, lines: Sequence[str]) -> None:
    """Print a result in the form that was asked for."""
    if as_json:
        print(json.dumps(value, ensure_ascii=False, indent=2, default=str))
    else:
        # Names come from other people: what would command a terminal, or turn a text's direction, is spelled out.
        print(_COMMANDS.sub(lambda found: found[0].encode("unicode_escape").decode(), "\n".join(lines)))


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table."""
    made = Table(title=title, title_justify="left")
    for name in columns:
        made.add_column(name)
    for row in rows:
        made.add_row(*row)
    Console().print(made)


@contextmanager
def bar(what: str, *, shown: bool) -> Iterator[Bar]:
    """A progress bar on stderr, gone when the work is done."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    console = Console(file=sys.stderr)
    # A file that takes the words of a command wants no bar, nor the empty line that one leaves behind.
    unseen = not (shown and console.is_terminal)
    with Progress(*columns, console=console, transient=True, disable=unseen) as progress:
        yield Bar(progress, progress.add_task(what, total=None))


class Bar:
    """One bar under way."""

    def __init__(self, progress: Progress, task: Any) -> None:
        """Drive `task` of `progress`."""
        self._progress, self._task = progress, task

    def at(self, done: int, total: int | None, what: str | None = None) -> None:
        """Say how far it is."""
        self._progress.update(self._task, completed=done, total=total)
        if what is not None:
            self._progress.update(self._task, description=what)
