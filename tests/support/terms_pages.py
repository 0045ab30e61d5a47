"""The tables of docs/*/licence-terms.md, as the program would write them."""

from __future__ import annotations

from collections.abc import Callable

from contracts.frame import TITLES
from contracts.odrl_profile import ACTIONS, MAPPINGS, OUTPUT_VALUES
from contracts.rights import BREAKS, DUTIES, OUTPUTS, PURPOSES, WHENS

Rows = list[tuple[str, ...]]


def _purposes(language: str) -> Rows:
    return [(f"`{name}`", text.in_(language), f"`purpose` `cx:{name}`") for name, text in PURPOSES.items()]


def _outputs(language: str) -> Rows:
    return [
        (f"`{name}`", text.in_(language), f"`{BREAKS[name]}`", f"`cx:output` `{OUTPUT_VALUES[name]}`")
        for name, text in OUTPUTS.items()
    ]


def _duties(language: str) -> Rows:
    return [(f"`{name}`", text.in_(language), f"`{ACTIONS[name]}`") for name, text in DUTIES.items() if name in ACTIONS]


def _whens(language: str) -> Rows:
    return [(f"`{name}`", text.in_(language)) for name, text in WHENS.items()]


def _frame(language: str) -> Rows:
    return [(text.in_(language), f"`{name}`") for name, text in TITLES.items()]


def _mappings(_: str) -> Rows:
    def cell(term: str, vocabulary: str) -> str:
        (row,) = [row for row in MAPPINGS if (row.term, row.vocabulary) == (term, vocabulary)]
        return "–" if row.name is None else f"`{row.name}` ({row.relation})"

    return [(f"`{term}`", cell(term, "dpv"), cell(term, "aipref")) for term in [*PURPOSES, "commercial"]]


ROWS: dict[str, Callable[[str], Rows]] = {
    "purposes": _purposes,
    "outputs": _outputs,
    "duties": _duties,
    "whens": _whens,
    "frame": _frame,
    "mappings": _mappings,
}
