"""What the platform reports of its sellers: yearly for DAC7, quarterly for China's State Council Decree 810. Pure.

The sums are those of the sellers' own statements, so a seller can hold a report against what it was sent.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from exchange.kernel.money import decimal_text

TYPE, VERSION = "seller_report", 1
QUARTERS = 4
_MONTHS = 3
EUROPE = frozenset(
    [
        "AT",
        "BE",
        "BG",
        "CY",
        "CZ",
        "DE",
        "DK",
        "EE",
        "ES",
        "FI",
        "FR",
        "GR",
        "HR",
        "HU",
        "IE",
        "IT",
        "LT",
        "LU",
        "LV",
        "MT",
        "NL",
        "PL",
        "PT",
        "RO",
        "SE",
        "SI",
        "SK",
    ]
)
# In a spreadsheet a cell that begins so is a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
SUMS = ("gross", "refunds", "fees", "withheld", "net")
_COLUMNS = (
    ("organisation", "平台内经营者编号"),
    ("name", "名称"),
    ("country", "国家（地区）"),
    ("number", "统一社会信用代码或税号"),
    ("quarter", "季度"),
    ("currency", "币种"),
    ("gross", "收入总额"),
    ("refunds", "退款金额"),
    ("fees", "平台费用"),
    ("withheld", "代扣税款"),
    ("net", "收入净额"),
    ("activities", "交易笔数"),
    ("state", "状态"),
)


class ReportKind(StrEnum):
    """For which rule: the one is of a year, the other of a quarter."""

    DAC7 = "dac7"
    DECREE_810 = "decree-810"


@dataclass(frozen=True, slots=True)
class Stretch:
    """A year (quarter 0) or a quarter of it, in UTC."""

    year: int
    quarter: int

    @property
    def name(self) -> str:
        """As it is written."""
        return f"{self.year}-Q{self.quarter}" if self.quarter else str(self.year)

    @property
    def start(self) -> datetime:
        """Its first moment."""
        return datetime(self.year, (max(self.quarter, 1) - 1) * _MONTHS + 1, 1, tzinfo=UTC)

    @property
    def end(self) -> datetime:
        """The first moment after it."""
        last = self.quarter or QUARTERS
        return datetime(self.year + last // QUARTERS, last % QUARTERS * _MONTHS + 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Seller:
    """A seller as it is reported: who, and by quarter what its statements say, in millionths.

    shapes   quarters: quarter -> gross, refunds, fees, withheld (all lower what is left, none below zero by its nature) and
             the count of released sales
    """

    id: str
    who: Mapping[str, Any]
    quarters: Mapping[int, tuple[int, int, int, int, int]]


def report(
    kind: ReportKind,
    stretch: Stretch,
    currency: str,
    operator: Mapping[str, Any],
    sellers: Sequence[Seller],
    before: tuple[Mapping[str, Any], str] | None,
) -> dict[str, Any]:
    """A report as a document; one that corrects another says of each seller what changed.

    A seller that fell out of a correction stays, with sums of nothing.

    shapes   before: the report that is corrected and its SHA-256 as hex
    """
    number = before[0]["number"] + 1 if before else 1
    known = {one["organisation"]: one for one in before[0]["sellers"]} if before else {}
    said = {one.id: _seller(one) for one in sellers}
    for name, old in known.items():
        if name not in said:
            gone = [
                {**dict.fromkeys(SUMS, "0.00"), "quarter": one["quarter"], "activities": 0} for one in old["quarters"]
            ]
            said[name] = {**{key: old[key] for key in ("organisation", "who")}, "quarters": gone}
    rows = [_marked(said[name], known.get(name), number) for name in sorted(said)]
    return {
        "type": TYPE,
        "v": VERSION,
        "kind": kind.value,
        "period": stretch.name,
        "currency": currency,
        "number": number,
        "corrects": before[1] if before else None,
        "operator": dict(operator),
        "sellers": rows,
    }


def _seller(one: Seller) -> dict[str, Any]:
    quarters = []
    for quarter, (gross, refunds, fees, withheld, count) in sorted(one.quarters.items()):
        amounts = (gross, refunds, fees, withheld, gross - refunds - fees)
        sums = dict(zip(SUMS, map(decimal_text, amounts), strict=True))
        quarters.append({"quarter": quarter, **sums, "activities": count})
    return {"organisation": one.id, "who": dict(one.who), "quarters": quarters}


def _marked(said: dict[str, Any], old: Mapping[str, Any] | None, number: int) -> dict[str, Any]:
    if old is None:
        return said | {"state": "new", "ref": number, "corrects": None}
    if all(said[name] == old[name] for name in ("who", "quarters")):
        return said | {"state": "same", "ref": old["ref"], "corrects": None}
    return said | {"state": "corrected", "ref": number, "corrects": old["ref"]}


def table(document: Mapping[str, Any]) -> bytes:
    """The report as CSV for the tax office's form: a line of names in English, one in Chinese, one per seller and quarter."""
    text = io.StringIO()
    out = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    out.writerows(zip(*_COLUMNS, strict=True))
    for seller in document["sellers"]:
        who = seller["who"]
        for quarter in seller["quarters"]:
            row = {**who, **quarter, **{key: seller[key] for key in ("organisation", "state")}}
            row["currency"] = document["currency"]
            out.writerow([_cell(row.get(name), amount=name in SUMS) for name, _ in _COLUMNS])
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def _cell(value: object, *, amount: bool) -> str:
    said = "" if value is None else str(value)
    return f"'{said}" if said.startswith(_FORMULA) and not amount else said
