"""Rights out of files: our CSV, and ONIX for Books 3.0. Every mistake is named by its line."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from contracts import chain_form, onix
from contracts.chain import TRAINING, RightDraft
from contracts.chain_problems import RIGHTS_FILE
from exchange.kernel.errors import Problem
from exchange.kernel.text import Text

COLUMNS = (
    "subject",
    "id",
    "kind",
    "holder",
    "from",
    "until",
    "territory",
    "purposes",
    "training",
    "commercial",
    "sublicensable",
    "evidence_sha256",
    "covers",
    "field",
    "values",
)
MISTAKES_MAX = 100
ROWS_MAX = 50_000
_SHOWN = 5
_FLAGS = {"yes": True, "no": False, "": None}
_COVERS = ("dataset", "assets", "records", "range", "source")


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong in a line of a file, and in which column or element."""

    line: int
    column: str
    why: Text


@dataclass(frozen=True, slots=True)
class OnixWish:
    """What ONIX does not hold and the supplier says for all its products; None is not stated.

    shapes   where: "records" (by a field that holds the product's identifier) or "assets" (a path with {id} in it)
    """

    purposes: tuple[str, ...] = ()
    training: bool | None = None
    commercial: bool | None = None
    sublicensable: bool = False
    evidence: str | None = None
    until: str | None = None
    field: str = "isbn"
    path: str = ""


def read_csv(content: bytes) -> list[RightDraft] | list[Mistake]:
    """The rights of a CSV file with the header COLUMNS, or its mistakes; the same row twice is one right.

    shapes   lists are separated by ";" ; a flag is yes, no or empty; covers says how to read field and values
    source   RFC 4180
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return [Mistake(line, "", Text("is not UTF-8", "不是 UTF-8 编码"))]
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    drafts: dict[bytes, RightDraft] = {}
    mistakes: list[Mistake] = []
    try:
        if tuple(one.strip() for one in next(rows, [])) != COLUMNS:
            names = ",".join(COLUMNS)
            return [Mistake(1, "", Text(f"is not the header {names}", f"表头应为 {names}"))]
        begins = rows.line_num + 1
        for row in rows:
            line, begins = begins, rows.line_num + 1
            if not row:
                continue
            read = _row(row)
            if isinstance(read, RightDraft):
                drafts.setdefault(read.sha256, read)
            else:
                mistakes += [Mistake(line, column, why) for column, why in read]
            if len(mistakes) >= MISTAKES_MAX or len(drafts) > ROWS_MAX:
                break
    except csv.Error as error:
        mistakes.append(Mistake(rows.line_num, "", Text(f"is no CSV: {error}", f"不是有效的 CSV：{error}")))
    return _outcome(drafts, mistakes)


def read_onix(content: bytes, wish: OnixWish) -> list[RightDraft] | list[Mistake]:
    """The rights of the products of an ONIX 3.0 message, or its mistakes.

    ONIX names work, holder, territory and dates; purposes, consent and evidence are those of `wish`. Where a product
    reserves text and data mining, it passes on nothing for training, whatever `wish` says.
    """
    try:
        products = onix.products(content)
    except onix.BadOnix as error:
        return [Mistake(error.line, error.element, error.why)]
    drafts: dict[bytes, RightDraft] = {}
    mistakes: list[Mistake] = []
    for product in products:
        if product.faults:
            mistakes += [Mistake(line, element, why) for line, element, why in product.faults]
            continue
        read = chain_form.parse(_document(product, wish))
        if isinstance(read, RightDraft):
            drafts.setdefault(read.sha256, read)
        else:
            mistakes += [Mistake(product.line, one.field, one.why) for one in read]
    if not products:
        mistakes.append(Mistake(1, "Product", Text("is missing: the message has none", "缺失：消息中没有产品")))
    return _outcome(drafts, mistakes)


def refusal(mistakes: Sequence[Mistake]) -> Problem:
    """The problem that names every mistake by its line."""
    english = "; ".join(f"line {one.line}, {one.column or 'line'} {one.why.en}" for one in mistakes[:_SHOWN])
    chinese = "；".join(f"第 {one.line} 行 {one.column} {one.why.zh}" for one in mistakes[:_SHOWN])
    listed = [
        {"line": one.line, "column": one.column, "why": one.why.en, "why_zh": one.why.zh}
        for one in mistakes[:MISTAKES_MAX]
    ]
    return RIGHTS_FILE(count=len(mistakes), what=Text(english, chinese), mistakes=listed)


def _outcome(drafts: Mapping[bytes, RightDraft], mistakes: list[Mistake]) -> list[RightDraft] | list[Mistake]:
    if mistakes:
        return mistakes
    if not drafts:
        return [Mistake(1, "", Text("has no rows: there is nothing to declare", "没有数据行，无可声明的权利"))]
    if len(drafts) > ROWS_MAX:
        return [Mistake(1, "", Text(f"has more than {ROWS_MAX} rights", f"超过 {ROWS_MAX} 项权利"))]
    return list(drafts.values())


def _row(row: Sequence[str]) -> RightDraft | list[tuple[str, Text]]:
    if len(row) != len(COLUMNS):
        count = len(COLUMNS)
        return [("", Text(f"has {len(row)} cells and not {count}", f"有 {len(row)} 个单元格，应为 {count} 个"))]
    cells = dict(zip(COLUMNS, (one.strip() for one in row), strict=True))
    document: dict[str, Any] = {
        name: cells[name] or None for name in ("subject", "id", "kind", "holder", "from", "until")
    }
    document["evidence_sha256"] = cells["evidence_sha256"] or None
    places = cells["territory"]
    document["territory"] = "*" if places == "*" else _split(places) or None
    document["purposes"] = _split(cells["purposes"])
    wrong: list[tuple[str, Text]] = []
    for name in ("training", "commercial", "sublicensable"):
        if cells[name] not in _FLAGS:
            wrong.append((name, Text("is not yes, no or empty", "应为 yes、no 或留空")))
        document[name] = _FLAGS.get(cells[name])
    covers = _covers(cells)
    if isinstance(covers, tuple):
        wrong.append(covers)
    document["covers"] = {"dataset": True} if isinstance(covers, tuple) else covers
    read = chain_form.parse(document)
    if isinstance(read, list):
        wrong += [(one.field, one.why) for one in read]
    return wrong if wrong or isinstance(read, list) else read


def _covers(cells: Mapping[str, str]) -> dict[str, Any] | tuple[str, Text]:
    kind, field, values = cells["covers"], cells["field"], _split(cells["values"])
    if kind not in _COVERS:
        names = ", ".join(_COVERS)
        return "covers", Text(f"is not one of {names}", f"应为 {names} 之一")
    if kind in ("dataset", "assets") and field:
        return "field", Text(f"must be empty where covers is {kind}", f"covers 为 {kind} 时须留空")
    if kind not in ("dataset", "assets") and not field:
        return "field", Text(f"is missing where covers is {kind}", f"covers 为 {kind} 时不能为空")
    if (kind == "dataset") != (not values):
        return "values", Text("is empty exactly where covers is dataset", "仅当 covers 为 dataset 时留空")
    if kind == "range":
        first, dots, last = cells["values"].partition("..")
        if not (dots and first and last):
            return "values", Text("is no range such as 0001..0100", "应为范围，例如 0001..0100")
        return {"records": {"field": field, "from": first, "to": last}}
    if kind == "source":
        if len(values) != 1:
            return "values", Text("is exactly one value where covers is source", "covers 为 source 时须恰有一个值")
        return {"source": {"field": field, "value": values[0]}}
    if kind == "records":
        return {"records": {"field": field, "ids": values}}
    return {"assets": values} if kind == "assets" else {"dataset": True}


def _split(cell: str) -> list[str]:
    return list(dict.fromkeys(part for one in cell.split(";") if (part := one.strip())))


def _document(product: onix.Product, wish: OnixWish) -> dict[str, Any]:
    kept = [one for one in wish.purposes if not product.mining_reserved or one not in TRAINING]
    covers: dict[str, Any] = {"source": {"field": wish.field, "value": product.identifier}}
    if wish.path:
        covers = {"assets": [wish.path.replace("{id}", product.identifier)]}
    return {
        "subject": "work",
        "id": f"{product.scheme}:{product.identifier}",
        "kind": "copyright",
        "holder": product.holder,
        "from": product.published,
        "until": wish.until,
        "territory": product.territory,
        "purposes": kept,
        "training": False if product.mining_reserved else wish.training,
        "commercial": wish.commercial,
        "sublicensable": wish.sublicensable,
        "evidence_sha256": wish.evidence,
        "covers": covers,
    }
