"""The table of an export as it follows from the events: its columns, and cells that no spreadsheet takes for a formula.

A part of the script in each export; the standard library is all it needs. What may begin a cell, what is skipped and what is
a sign are fixed lists, not Unicode's categories: those differ between versions of Python, and the table's bytes may not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

COLUMNS = (
    "leaf_index,at,action,outcome,problem,organisation,client,member,object,object_version,agreement,rule_set,"
    "organisations,digests,node,where,sealed,id"
)
# Where a program of another country begins the next cell, or one that knows no quotes the next line.
CUTS = ",;|\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029"
# Only what begins so stays as it is; a quote leads everything else: signs, blanks, controls, and digits, because a version
# 1e5 or 2026-1 would be shown as a number or a date.
TEXT = re.compile("[A-Za-z_\u3400-\u4dbf\u4e00-\u9fff]|\\Z")
# … unless it is the name of a function, calls a program (DDE), or is taken for a truth value or a date after all.
NO_TEXT = re.compile(
    "[A-Za-z_][A-Za-z0-9_.]*[ \t]*[(（]|[^|]*\\||"
    "(?i:(?:true|false)[ \t]*\\Z|(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*[-./ ]*[0-9])"
)
# What makes a formula in front of a cell, in every width and height that some program folds into the plain sign.
FORMULA = "=+@|%" "＝＋－＠｜％" "﹢﹣﹦﹪﹫﬩" "⁺⁻⁼₊₋₌" "−" "-"  # fmt: skip
# What programs skip before the sign, or cut a line at: controls, all kinds of spaces and invisible marks, quotes.
SKIPPED = (
    "\0-\x20\x7f-\xa0\xad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f"
    "\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb"
    "\"'`,;\u00ab\u00bb\u2018-\u201f\uff02\uff07\uff0c\uff1b"
)
INSIDE = re.compile(f"(?<=[{CUTS}])(?=[{SKIPPED}]*[{FORMULA}])")
# The first two columns are a number and a moment, and may be taken for what they are.
MOMENT = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{6}Z\\Z")
NUMBER = re.compile(f"[0-9]+\\Z|{MOMENT.pattern}")


def safe_cell(value: str) -> str:
    """A text that no spreadsheet takes for anything but a text, wherever it cuts the line.

    source   OWASP ASVS 5.0, 1.2.10; stricter: wide and small forms, what is skipped before a sign, signs after a separator
    """
    stays = TEXT.match(value) and not NO_TEXT.match(value)
    return ("" if stays else "'") + INSIDE.sub("'", value)


def table_row(cells: Iterable[str]) -> bytes:
    """One line of the table: every cell in quotes, none of them a formula."""
    safe = [one if number < 2 and NUMBER.match(one) else safe_cell(one) for number, one in enumerate(cells)]
    return ('"' + '","'.join(one.replace('"', '""') for one in safe) + '"\r\n').encode()


def table_cells(index: int, event: Mapping[str, Any]) -> list[str]:
    """What the table says of an event, in the order of the columns; an empty cell where it says nothing."""
    actor, thing = event["actor"], event["object"]
    digests = " ".join(f"{name}:{digest}" for name, digest in event["digests"].items())
    values = (
        index, event["at"], event["action"], event["outcome"], event["problem"], actor["organisation"], actor["client"],
        event.get("member"), thing["id"], thing["version"], event["agreement"], event["rule_set"],
        " ".join(event["organisations"]), digests, event["node"], event.get("where"),
        " ".join(f"sha256:{one}" for one in event.get("sealed", [])),
        event["id"],
    )  # fmt: skip
    return ["" if value is None else str(value) for value in values]
