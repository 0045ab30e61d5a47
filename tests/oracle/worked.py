"""The worked examples of docs/en/pricing.md and docs/zh/pricing.md, as values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from tests.oracle.billing import Key
from tests.oracle.cases import Case, Uses
from tests.oracle.spans import spans, zone_of

DOCS = Path(__file__).resolve().parents[2] / "docs"
_BLOCK = re.compile(r"^```yaml price-example\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#{2,} (.*)$", re.MULTILINE)
_NAMES = {"plan", "buyer", "from", "until", "ends", "use", "booked", "lines", "due", "currency", "taxed"}
AT_THE_ORDER = "at the order"


@dataclass(frozen=True)
class Example:
    """One example: the case, and the amounts that the page promises, in millionths."""

    name: str
    case: Case
    currency: str
    at_the_order: Mapping[str, int]
    lines: Mapping[Key, int]
    booked: Mapping[Key, int]
    due: Mapping[Key, int]
    taxed: Mapping[str, str]


def blocks(language: str) -> list[tuple[str, str]]:
    """The heading above each example of the page, and its YAML."""
    page = (DOCS / language / "pricing.md").read_text("utf-8")
    headings = [(found.start(), found[1]) for found in _HEADING.finditer(page)]
    return [([name for at, name in headings if at < found.start()][-1], found[1]) for found in _BLOCK.finditer(page)]


def examples(language: str) -> list[Example]:
    """Every example of the page."""
    return [_example(f"{language} {number} {name}", text) for number, (name, text) in enumerate(blocks(language))]


def _example(name: str, text: str) -> Example:
    # As the plan stands, and again with every number kept as it was written.
    plan = yaml.safe_load(text)["plan"]
    page: dict[str, Any] = yaml.load(text, yaml.BaseLoader)
    assert set(page) <= _NAMES, name
    lines: dict[str, Any] = dict(page["lines"])
    now = _units_of(lines.pop(AT_THE_ORDER, {}))
    shown = [_place(heading) for heading in [*lines, *page.get("use", {}), *page.get("due", {})]]
    starts_at = _moment(plan, page.get("from", "2026-01-01 00:00"))
    ends_at = _moment(plan, page["ends"]) if "ends" in page else None
    until = _moment(plan, page["until"]) if "until" in page else _end(plan, starts_at, ends_at, shown)
    uses: Uses = {
        _place(head): {m: Decimal(used) for m, used in use.items()} for head, use in page.get("use", {}).items()
    }
    return Example(
        name,
        Case(plan, _basis(page.get("buyer", {})), starts_at, ends_at, until, uses),
        page.get("currency", plan["currency"]),
        now,
        _lines(lines),
        _lines(page.get("booked", {})),
        _lines(page.get("due", lines)),
        page.get("taxed", {}),
    )


def _basis(buyer: dict[str, Any]) -> dict[str, Any]:
    return {name: int(value) if name == "term_months" else value for name, value in buyer.items()}


def _place(heading: str) -> tuple[str | None, int]:
    unit, _, number = heading.partition(" ")
    return (None, 0) if unit == "once" else (unit, int(number) - 1)


def _lines(page: dict[str, Any]) -> dict[Key, int]:
    return {
        (name, _place(heading)[1]): units for heading, lines in page.items() for name, units in _units_of(lines).items()
    }


def _units_of(lines: dict[str, str]) -> dict[str, int]:
    return {name: int(Decimal(amount) * 1_000_000) for name, amount in lines.items()}


def _moment(plan: dict[str, Any], text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=zone_of(plan)).astimezone(UTC)


def _end(
    plan: dict[str, Any], starts_at: datetime, ends_at: datetime | None, shown: list[tuple[str | None, int]]
) -> datetime:
    """When the last period that is shown has ended."""
    later = spans(plan, starts_at, starts_at + timedelta(days=800), ends_at)
    ends = [span.end for span in later if (span.unit, span.index) in shown and span.end is not None]
    return max(ends, default=starts_at + timedelta(days=1))
