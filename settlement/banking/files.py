"""What a bank is handed to pay: an order list, written in the form that the bank reads. Same list, same bytes. Pure."""

from __future__ import annotations

import csv
import functools
import io
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import sepaxml
from sepaxml import SepaTransfer
from text_unidecode import unidecode

from exchange.kernel.money import Money, Rounding, decimal_text, to_minor
from settlement.banking.details import BankDetails, formula_like

PAIN_SCHEMA = "pain.001.001.09"
# One SEPA credit transfer is at most this.
SEPA_MOST_CENTS = 99_999_999_999
# source: European Payments Council, EPC217-08: the characters that every bank takes.
_NOT_SEPA = re.compile(r"[^A-Za-z0-9/\-?:().,'+ ]")
_COLUMNS = ("收款人名称", "收款账号", "开户行", "联行号(CNAPS)", "金额", "币种", "用途", "客户流水号")


class FileForm(StrEnum):
    """The form of a batch's file."""

    PAIN = "pain.001"
    CSV_GB18030 = "csv-gb18030"
    CSV_UTF8 = "csv-utf8"

    @property
    def media_type(self) -> str:
        """As HTTP names it."""
        return {
            FileForm.PAIN: "application/xml",
            FileForm.CSV_GB18030: "text/csv; charset=gb18030",
            FileForm.CSV_UTF8: "text/csv; charset=utf-8",
        }[self]


@dataclass(frozen=True, slots=True)
class PayOrder:
    """One payment: whom, how much, and the name under which it comes back in the bank's statement."""

    name: str
    to: BankDetails
    amount: Money
    words: str


@dataclass(frozen=True, slots=True)
class OrderList:
    """Payments out of one account on one day."""

    name: str
    debtor: BankDetails
    execution_date: date
    orders: Sequence[PayOrder]


def sepa_text(text: str, most: int = 70) -> str:
    """A text as a SEPA file carries it: transliterated to the characters that every bank takes."""
    return " ".join(_NOT_SEPA.sub(" ", unidecode(text)).split())[:most].strip()


def bank_name_of(name: str) -> str:
    """One of our ids as a bank carries it: underscores are not among SEPA's characters."""
    return name.replace("_", "-")


def pain001(wanted: OrderList, at: datetime) -> bytes:
    """The list as pain.001.001.09, valid against its schema; the same list of the same moment is the same bytes.

    errors   ValueError for a list that cannot be SEPA: another currency, an amount out of range
    source   ISO 20022 pain.001.001.09; EPC132-08
    """
    debtor = wanted.debtor
    config: dict[str, Any] = {
        "name": sepa_text(debtor.holder),
        "IBAN": debtor.account,
        "BIC": debtor.bank,
        "batch": True,
        "currency": "EUR",
    }
    file = _Transfer(config, schema=PAIN_SCHEMA, clean=True)
    for one in wanted.orders:
        cents = to_minor(one.amount, Rounding.DOWN)
        if one.amount.currency != "EUR" or not 0 < cents <= SEPA_MOST_CENTS or cents * 10_000 != one.amount.units:
            raise ValueError(f"{one.name}: {one.amount} is no SEPA payment")
        payment: dict[str, Any] = {
            "name": sepa_text(one.to.holder),
            "IBAN": one.to.account,
            "amount": cents,
            "execution_date": wanted.execution_date,
            "description": sepa_text(one.words, 140),
            "endtoend_id": bank_name_of(one.name),
        }
        # The library writes over what it is given, so each payment is a dictionary of its own.
        file.add_payment(payment | ({"BIC": one.to.bank} if one.to.bank else {}))
    content = file.named(bank_name_of(wanted.name), at)
    _schema().validate(content.decode())
    return content


class _Transfer(SepaTransfer):  # type: ignore[misc]
    """The library's file with names and times that are handed in, and each payment booked alone."""

    def named(self, name: str, at: datetime) -> bytes:
        self._finalize_batch()
        # What follows is then done once: exporting would finalize again.
        self._batches.clear()
        root = self._xml
        for tag, text in (
            ("MsgId", name),
            ("CreDtTm", at.strftime("%Y-%m-%dT%H:%M:%S")),
            ("PmtInfId", name),
            ("BtchBookg", "false"),
        ):
            for element in root.iter(tag):
                element.text = text
        exported: bytes = self.export(validate=False)
        return exported


@functools.cache
def _schema() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import xmlschema  # slow to import, and needed by whoever writes files alone

        return xmlschema.XMLSchema(str(Path(sepaxml.__file__).parent / "schemas" / f"{PAIN_SCHEMA}.xsd"))


def cn_csv(wanted: OrderList, form: FileForm) -> bytes:
    """The list as the table that Chinese banks' portals take: every cell quoted, so account numbers stay texts.

    errors   ValueError for another currency than CNY, and for a cell that a spreadsheet takes for a formula
    """
    out = io.StringIO(newline="")
    rows = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    rows.writerow(_COLUMNS)
    for one in wanted.orders:
        if one.amount.currency != "CNY":
            raise ValueError(f"{one.name}: {one.amount} is not in CNY")
        to = one.to
        cells = (
            to.holder,
            to.account,
            to.bank_name,
            to.bank,
            decimal_text(one.amount.units),
            "CNY",
            one.words,
            one.name,
        )
        # Such names are refused when they are given; a payee's name is never written other than it is.
        if any(formula_like(cell) for cell in cells):
            raise ValueError(f"{one.name}: a cell begins like a formula")
        rows.writerow(cells)
    if form is FileForm.CSV_UTF8:
        return out.getvalue().encode("utf-8-sig")
    return out.getvalue().encode("gb18030")


def written(wanted: OrderList, form: FileForm, at: datetime) -> bytes:
    """The list in a form.

    errors   ValueError
    """
    return pain001(wanted, at) if form is FileForm.PAIN else cn_csv(wanted, form)
