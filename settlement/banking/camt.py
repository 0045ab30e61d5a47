"""Bank statements in camt.053: read whole, summed up, and refused whole where they do not add up. Pure.

Elements are found by their local names, so versions .02 to .14 are read by one reader: what it uses stands at the same
place in all of them, but for the state of an entry, which is a text in the old ones and has a code in the new.
"""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from exchange.kernel.money import UNITS_MAX, BadMoney, Money
from settlement.banking.details import account_digest

FILE_BYTES_MAX = 32 * 1024 * 1024
ENTRIES_MAX = 50_000
_NAMESPACE = re.compile(r"\{urn:iso:std:iso:20022:tech:xsd:camt\.053\.001\.(0[2-9]|1[0-4])\}Document\Z")
_AMOUNT = re.compile(r"\s*\+?0*([0-9]{1,13})(?:\.([0-9]{0,6})0*)?\s*\Z")
_PATH = ("Document", "BkToCstmrStmt", "Stmt")
_REF_MAX, _TEXT_MAX = 100, 400
# Far below what the schema reaches; without an end each level would cost more than the one before.
_DEPTH_MAX = 64
FAULTS: dict[str, dict[str, str]] = {
    "too_large": {"en": "The file is larger than 32 MiB.", "zh": "文件超过 32 MiB。"},
    "too_many": {"en": "A statement has more than 50,000 entries.", "zh": "单份对账单的分录超过 50000 条。"},
    "not_xml": {"en": "The file is not well-formed XML, or has a DTD.", "zh": "文件不是格式正确的 XML，或含有 DTD。"},
    "too_deep": {"en": "Elements stand in one another more than 64 deep.", "zh": "元素嵌套超过 64 层。"},
    "not_camt": {
        "en": "The file is no camt.053 of version .02 to .14.",
        "zh": "文件不是 .02 至 .14 版本的 camt.053。",
    },
    "no_statement": {"en": "The file has no statement.", "zh": "文件中没有对账单。"},
    "no_account": {"en": "A statement names no account.", "zh": "对账单未注明账户。"},
    "no_reference": {"en": "A statement has no identification.", "zh": "对账单缺少编号。"},
    "balances": {
        "en": "A statement lacks its opening (OPBD) or closing (CLBD) booked balance.",
        "zh": "对账单缺少期初（OPBD）或期末（CLBD）已记账余额。",
    },
    "sum": {
        "en": "Opening balance and entries do not sum to the closing balance.",
        "zh": "期初余额与分录之和不等于期末余额。",
    },
    "amount": {"en": "An amount cannot be read.", "zh": "金额无法读取。"},
    "currency": {
        "en": "An entry is in another currency than the account.",
        "zh": "分录币种与账户币种不一致。",
    },
    "sign": {"en": "An entry is neither CRDT nor DBIT.", "zh": "分录既非 CRDT 也非 DBIT。"},
    "date": {"en": "An entry has no booking date.", "zh": "分录缺少记账日期。"},
}


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a file is refused whole; `reason` is a key of FAULTS, `where` names the statement and the entry."""

    reason: str
    where: str = ""

    @property
    def text(self) -> dict[str, str]:
        """The reason in English and Chinese."""
        return FAULTS[self.reason]


@dataclass(frozen=True, slots=True)
class Line:
    """One booked movement: of an entry, or of each transaction in it where the bank tells them apart.

    units    above zero it came in, below zero it went out; `counterparty` is the digest of the other account's number
    """

    entry_ref: str
    booked_on: date
    amount: Money
    remittance: tuple[str, ...] = ()
    end_to_end: str | None = None
    counterparty: bytes | None = None
    return_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement that adds up: opening and all lines are closing."""

    reference: str
    account: bytes
    opening: Money
    closing: Money
    lines: tuple[Line, ...]


class _Bad(Exception):
    def __init__(self, reason: str, where: str = "") -> None:
        super().__init__(reason)
        self.fault = Fault(reason, where)


def read_camt(content: bytes) -> tuple[Statement, ...] | Fault:
    """Read all statements of a file, or say why none of them is taken.

    errors   answers the first fault
    source   ISO 20022 camt.053.001.02 to .14, BankToCustomerStatement
    """
    if len(content) > FILE_BYTES_MAX:
        return Fault("too_large")
    try:
        statements = tuple(_statements(content))
    except (ParseError, DefusedXmlException, ValueError):
        return Fault("not_xml")
    except _Bad as bad:
        return bad.fault
    return statements or Fault("no_statement")


def _statements(content: bytes) -> Iterator[Statement]:
    path: list[str] = []
    made, inside = _Statement(), False
    # The reader forbids entities and external references; a DTD has no place in a bank's file either.
    for event, element in iterparse(io.BytesIO(content), events=("start", "end"), forbid_dtd=True):
        name = _local(element.tag)
        if event == "start":
            if not path and not _NAMESPACE.match(element.tag):
                raise _Bad("not_camt")
            path.append(name)
            if len(path) > _DEPTH_MAX:
                raise _Bad("too_deep")
            if len(path) == len(_PATH):
                inside = tuple(path) == _PATH
                made = _Statement()
            continue
        if inside and len(path) == len(_PATH):
            yield made.finished()
            inside = False
        elif inside and len(path) == len(_PATH) + 1:
            made.take(name, element)
            element.clear()
        elif len(path) < 3:
            element.clear()
        path.pop()


class _Statement:
    """What was read of a statement so far."""

    def __init__(self) -> None:
        self.reference, self.account, self.currency = "", b"", ""
        self.balances: dict[str, tuple[int, str]] = {}
        self.lines: list[Line] = []
        self.seen: Counter[str] = Counter()

    def take(self, name: str, element: Element) -> None:
        if name == "Id":
            self.reference = (element.text or "").strip()[:_REF_MAX]
        elif name == "Acct":
            number = _text(element, "Id", "IBAN") or _text(element, "Id", "Othr", "Id")
            self.account = account_digest(number) if number else b""
            self.currency = _text(element, "Ccy") or ""
        elif name == "Bal":
            kind = _text(element, "Tp", "CdOrPrtry", "Cd")
            if kind in ("OPBD", "PRCD", "CLBD"):
                self.balances.setdefault(kind, _signed(element, self.reference))
        elif name == "Ntry" and (_text(element, "Sts", "Cd") or _text(element, "Sts")) == "BOOK":
            if len(self.lines) >= ENTRIES_MAX:
                raise _Bad("too_many", self.reference)
            self._entry(element)

    def finished(self) -> Statement:
        if not self.reference:
            raise _Bad("no_reference")
        if not self.account:
            raise _Bad("no_account", self.reference)
        # A bank that gives the closing balance of the day before means the same by it.
        opening = self.balances.get("OPBD") or self.balances.get("PRCD")
        closing = self.balances.get("CLBD")
        if opening is None or closing is None:
            raise _Bad("balances", self.reference)
        currency = self.currency or opening[1]
        if {currency, opening[1], closing[1], *(line.amount.currency for line in self.lines)} != {currency}:
            raise _Bad("currency", self.reference)
        if opening[0] + sum(line.amount.units for line in self.lines) != closing[0]:
            raise _Bad("sum", self.reference)
        return Statement(
            self.reference, self.account, Money(opening[0], currency), Money(closing[0], currency), tuple(self.lines)
        )

    def _entry(self, element: Element) -> None:
        at = f"{self.reference} {len(self.lines) + 1}"
        units, currency = _signed(element, at)
        booked = _text(element, "BookgDt", "Dt") or (_text(element, "BookgDt", "DtTm") or "")[:10]
        try:
            booked_on = date.fromisoformat(booked)
        except ValueError as error:
            raise _Bad("date", at) from error
        own = _text(element, "NtryRef")
        # The servicer's reference is its own for all time; the entry's is of this statement.
        named = _text(element, "AcctSvcrRef") or f"{self.reference}/{own or len(self.lines) + 1}"
        parts = _parts(element, units, currency)
        lines = [self._line(part, named, booked_on, Money(share, currency), units) for part, share in parts]
        returned = lines[0].return_reason if len(lines) == 1 else None
        if returned is None and _text(element, "BkTxCd", "Domn", "Fmly", "SubFmlyCd") in ("RRTN", "RPCR"):
            lines = [replace(line, return_reason=line.return_reason or "NARR") for line in lines]
        if units:
            self.lines += lines

    def _line(self, part: Element | None, named: str, booked_on: date, amount: Money, units: int) -> Line:
        self.seen[named] += 1
        # Some banks give all transactions of an entry one reference, and some the same to two entries.
        ref = named[:_REF_MAX] if self.seen[named] == 1 else f"{named[: _REF_MAX - 8]}#{self.seen[named]}"
        if part is None:
            return Line(ref, booked_on, amount)
        other = "DbtrAcct" if units > 0 else "CdtrAcct"
        number = _text(part, "RltdPties", other, "Id", "IBAN") or _text(part, "RltdPties", other, "Id", "Othr", "Id")
        end_to_end = _text(part, "Refs", "EndToEndId")
        reason = _text(part, "RtrInf", "Rsn", "Cd") or _text(part, "RtrInf", "Rsn", "Prtry")
        words = [one.text or "" for one in _all(part, "RmtInf", "Ustrd")]
        words += [one.text or "" for one in _all(part, "RmtInf", "Strd", "CdtrRefInf", "Ref")]
        words += [one.text or "" for one in _all(part, "RmtInf", "Strd", "RfrdDocInf", "Nb")]
        return Line(
            ref,
            booked_on,
            amount,
            tuple(" ".join(one.split())[:_TEXT_MAX] for one in words if one.strip()),
            None if end_to_end in (None, "NOTPROVIDED") else end_to_end,
            account_digest(number) if number else None,
            reason,
        )


def _parts(element: Element, units: int, currency: str) -> list[tuple[Element | None, int]]:
    """The transactions of an entry with their shares, where they say so and add up; else the entry as one."""
    found = list(_all(element, "NtryDtls", "TxDtls"))
    if len(found) <= 1:
        return [(found[0] if found else None, units)]
    shares: list[tuple[Element | None, int]] = []
    for one in found:
        amount = next(_all(one, "Amt"), None)
        if amount is None:
            amount = next(_all(one, "AmtDtls", "TxAmt", "Amt"), None)
        if amount is None or amount.get("Ccy") != currency or not _AMOUNT.match(amount.text or ""):
            return [(None, units)]
        sign = _text(one, "CdtDbtInd")
        away = units < 0 if sign is None else sign == "DBIT"
        shares.append((one, -_units(amount.text or "") if away else _units(amount.text or "")))
    return (
        shares if sum(share for _, share in shares) == units and all(share for _, share in shares) else [(None, units)]
    )


def _signed(element: Element, where: str) -> tuple[int, str]:
    amount, sign = next(_all(element, "Amt"), None), _text(element, "CdtDbtInd")
    if amount is None or not _AMOUNT.match(amount.text or ""):
        raise _Bad("amount", where)
    if sign not in ("CRDT", "DBIT"):
        raise _Bad("sign", where)
    try:
        money = Money(_units(amount.text or ""), amount.get("Ccy") or "")
    except BadMoney as error:
        raise _Bad("amount", where) from error
    return (money.units if sign == "CRDT" else -money.units), money.currency


def _units(text: str) -> int:
    found = _AMOUNT.match(text)
    assert found is not None, "looked at before"
    return min(int(found[1]) * 1_000_000 + int((found[2] or "").ljust(6, "0")), UNITS_MAX)


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _all(element: Element, *path: str) -> Iterator[Element]:
    for child in element:
        if _local(child.tag) == path[0]:
            if len(path) == 1:
                yield child
            else:
                yield from _all(child, *path[1:])


def _text(element: Element, *path: str) -> str | None:
    found = next(_all(element, *path), None)
    text = (found.text or "").strip() if found is not None else ""
    return text or None
