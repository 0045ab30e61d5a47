"""How the demo speaks: one block per step, in plain words, with what it took."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, TextIO
from unicodedata import east_asian_width

from sandbox.demo.client import Origin
from sandbox.demo.texts import TEXTS


class Telling:
    """Prints each step as it happens and remembers it for --json."""

    def __init__(self, language: str = "en", out: TextIO | None = None, *, quiet: bool = False) -> None:
        """Speak `language` ("en" or "zh") to `out`; `quiet` only remembers."""
        self.language, self.steps = language, list[dict[str, Any]]()
        self._out, self._quiet = out or sys.stdout, quiet
        self._place = 0 if language == "en" else 1

    def text(self, key: str, **values: Any) -> str:
        """A text of the demo in the chosen language."""
        return TEXTS[key][self._place].format(**values)

    def name(self, texts: Mapping[str, str]) -> str:
        """A text that the exchange gave in both languages."""
        return texts.get(self.language) or next(iter(texts.values()))

    def join(self, parts: Iterable[str]) -> str:
        """Parts of one line, apart by the language's comma."""
        return (", " if self.language == "en" else "，").join(parts)

    def say(self, key: str, **values: Any) -> None:
        """One line of the present step."""
        self.raw(self.text(key, **values))

    def opening(self, key: str, **values: Any) -> None:
        """One line that belongs to no step."""
        self._print(self.text(key, **values))

    def raw(self, line: str) -> None:
        """One line that is no text of ours: a table's row, a command to copy."""
        if self.steps:
            self.steps[-1]["lines"].append(line)
        self._print(f"   {line}")

    @contextmanager
    def step(self, key: str, origin: Origin) -> Iterator[None]:
        """A block: its title, its lines, and at its end the seconds and HTTP calls it took."""
        title = self.text(key)
        self.steps.append({"step": key, "title": title, "lines": []})
        self._print(f"\n{len(self.steps)}. {title}")
        began, calls = time.monotonic(), origin.calls
        yield
        took, made = time.monotonic() - began, origin.calls - calls
        self.steps[-1] |= {"seconds": round(took, 2), "http_calls": made}
        self._print("   " + self.text("took", seconds=f"{took:.1f}", calls=made))

    def progress(self, key: str, **values: Any) -> Callable[[int, int | None], None]:
        """A line that is overwritten while something long runs; only on a terminal."""
        what = self.text(key, **values)

        def at(done: int, total: int | None) -> None:
            if not self._quiet and self._out.isatty():
                of = f" / {total:,}" if total else ""
                self._out.write(f"\r   {what} {done:,}{of} \x1b[K" if done else "\r\x1b[K")
                self._out.flush()

        return at

    def table(self, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """A table whose last columns are aligned to the right."""
        rows = _aligned(rows)
        widths = [max(_width(row[column]) for row in (heads, *rows)) for column in range(len(heads))]
        for row in (heads, ["-" * width for width in widths], *rows):
            cells = [
                _pad(cell, width, right=column > 0)
                for column, (cell, width) in enumerate(zip(row, widths, strict=True))
            ]
            self.raw("  ".join(cells).rstrip())

    def _print(self, line: str) -> None:
        if not self._quiet:
            print(line, file=self._out, flush=True)


def money(wire: Mapping[str, str]) -> str:
    """An amount of money for a person: at least two decimals, thousands apart."""
    return f"{amount(Decimal(wire['amount']))} {wire['currency']}"


def amount(value: Decimal) -> str:
    """A number of money with at least two decimals and no needless zeros."""
    cents = value.quantize(Decimal("0.01"))
    return f"{cents:,}" if cents == value else f"{value.normalize():,f}"


def _aligned(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    """Fill numbers with blanks on the right, so that their points stand below each other."""
    columns = [list(column) for column in zip(*rows, strict=True)]
    for number, column in enumerate(columns[1:], 1):
        places = [len(cell.partition(".")[2]) for cell in column]
        columns[number] = [cell + " " * (max(places) - own) for cell, own in zip(column, places, strict=True)]
    return [list(row) for row in zip(*columns, strict=True)]


def _width(text: str) -> int:
    return sum(2 if east_asian_width(sign) in "WF" else 1 for sign in text)


def _pad(text: str, width: int, *, right: bool) -> str:
    space = " " * (width - _width(text))
    return space + text if right else text + space
