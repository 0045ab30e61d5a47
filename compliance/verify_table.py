"""The table of an export as it follows from the events: its columns, and cells that no spreadsheet takes for a formula.

A part of the script in each export; the standard library is all it needs. What is skipped and what is a sign stands here
as a fixed list, not as Unicode's categories: those differ between versions of Python, and the table's bytes may not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

COLUMNS = (
    "leaf_index,at,action,outcome,problem,organisation,client,member,object,object_version,agreement,rule_set,"
    "organisations,digests,node,where,sealed,id"
)
# What makes a formula in front of a cell, in every width and height that some program folds into the plain sign.
FORMULA = "=+@|%" "＝＋－＠｜％" "﹢﹣﹦﹪﹫﬩" "⁺⁻⁼₊₋₌" "−" "-"  # fmt: skip
# What programs skip before the sign, or cut a line at: controls, all kinds of spaces and invisible marks, quotes.
SKIPPED = (
    "\0-\x20\x7f-\xa0\xad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f"
    "\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb"
    "\"'`,;\u00ab\u00bb\u2018-\u201f\uff02\uff07\uff0c\uff1b"
)
# Where a program of another country begins the next cell, or one that knows no quotes the next line.
CUTS = ",;|\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029"
# A cell is led by a quote where it begins with what is skipped, a sign, or a function's name; or calls a program (DDE).
RISKY = re.compile(f"[{SKIPPED}{FORMULA}]|[A-Za-z_][A-Za-z0-9_.]*[ \t]*[(（]|[^|]*\\|")
INSIDE = re.compile(f"(?<=[{CUTS}])(?=[{SKIPPED}]*[{FORMULA}])")


def safe_cell(value: str) -> str:
    """A text that no spreadsheet takes for a formula, wherever it cuts the line.

    source   OWASP ASVS 5.0, 1.2.10; stricter: wide and small forms, what is skipped before a sign, signs after a separator
    """
    return ("'" if RISKY.match(value) else "") + INSIDE.sub("'", value)


def table_row(cells: Iterable[str]) -> bytes:
    """One line of the table: every cell in quotes, none of them a formula."""
    return ('"' + '","'.join(safe_cell(one).replace('"', '""') for one in cells) + '"\r\n').encode()


def table_cells(index: int, event: Mapping[str, Any]) -> list[str]:
    """What the table says of an event, in the order of the columns; an empty cell where it says nothing."""
    actor, thing = event["actor"], event["object"]
    digests = " ".join(f"{name}:{digest}" for name, digest in event["digests"].items())
    values = (
        index, event["at"], event["action"], event["outcome"], event["problem"], actor["organisation"], actor["client"],
        event.get("member"), thing["id"], thing["version"], event["agreement"], event["rule_set"],
        " ".join(event["organisations"]), digests, event["node"], event.get("where"), " ".join(event.get("sealed", [])),
        event["id"],
    )  # fmt: skip
    return ["" if value is None else str(value) for value in values]
