"""A paper about money as values: what stands on it and in what order; a page and a PDF are both made of these."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from exchange.kernel.money import Money, decimal_text
from exchange.kernel.text import LocaleMap, Text, pick


@dataclass(frozen=True, slots=True)
class Box:
    """Lines under a title, one of a few side by side, such as a party; the first line is the strongest."""

    title: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Boxes:
    """Boxes side by side."""

    boxes: tuple[Box, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """Names with their values."""

    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its title, its share of the width, and whether it holds numbers, which stand to the right."""

    title: str
    width: int
    number: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """Cells, and below them lines over the whole width that explain them."""

    cells: tuple[str, ...]
    below: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """A table under a title; `indented`: what explains a row stands under its second cell."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    indented: bool = False


@dataclass(frozen=True, slots=True)
class Sum:
    """One step of an addition: what it is, how it comes about, the amount; the strong ones are results."""

    name: str
    how: str
    amount: str
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Sums:
    """An addition, step by step."""

    title: str
    rows: tuple[Sum, ...]


@dataclass(frozen=True, slots=True)
class Sentences:
    """Sentences under a title."""

    title: str
    texts: tuple[str, ...]


Block = Boxes | Facts | Table | Sums | Sentences


@dataclass(frozen=True, slots=True)
class Sheet:
    """A whole paper in one language.

    shapes   foot: what names it on each page; about: a word or two for the file's own description
    """

    language: str
    title: str
    number: str
    dated: date
    author: str
    foot: str
    blocks: tuple[Block, ...] = field(default=())
    about: str = ""


class Words:
    """What is said in one language, numbers included."""

    def __init__(self, language: str) -> None:
        """Speak this language."""
        self.language = language

    def __call__(self, english: str, chinese: str) -> str:
        """The one or the other."""
        return chinese if self.language == "zh" else english

    def of(self, text: Text | LocaleMap) -> str:
        """A text of ours in this language."""
        return text.in_(self.language) if isinstance(text, Text) else pick(text, [self.language])

    def law(self, text: LocaleMap) -> str:
        """A text in this language and, where it is another one, in English too: offices look for the very words."""
        said, english = self.of(text), pick(text, ["en"])
        return said if said == english else f"{said} {english}"

    def day(self, day: date) -> str:
        """A day as people write it."""
        return (
            f"{day.year} 年 {day.month} 月 {day.day} 日" if self.language == "zh" else f"{day.day} {day:%B} {day.year}"
        )

    def days(self, start: date, end: date) -> str:
        """From the first day to the last."""
        return f"{self.day(start)}{self(' to ', ' 至 ')}{self.day(end)}"

    def colon(self) -> str:
        """What stands between a name and its value."""
        return self(": ", "：")

    def joined(self, parts: Iterable[str]) -> str:
        """A list."""
        return self(", ", "、").join(parts)


def shown(amount: Money, least: int = 2) -> str:
    """An amount without its currency: thousands apart, exact, with at least so many decimals."""
    whole, _, rest = decimal_text(abs(amount.units)).partition(".")
    rest = rest.rstrip("0").ljust(least, "0")
    # A true minus, so that it is as wide as a digit.
    return f"{'−' if amount.units < 0 else ''}{int(whole):,}{'.' if rest else ''}{rest}"


def both_parts(names: Mapping[str, str]) -> tuple[str, ...]:
    """A name in all its languages, each once."""
    return tuple(dict.fromkeys(names.values()))
