"""Fiscal documents: invoices, credit notes and self-billed ones, as EN 16931 means them; every form of a paper is made of these.

A document is written once, as canonical JSON; XML, PDF and pages are functions of it. Names of fields follow the standard's
business terms (BT-1, BG-3 and so on), which the comments name.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from exchange.kernel import ids
from exchange.kernel.money import Money, minor_digits
from exchange.kernel.text import LocaleMap, pick

# EN 16931 knows two decimals at most; a currency with three is written with two.
DIGITS_MAX = 2


class DocKind(StrEnum):
    """What a document is (BT-3).

    source   UNTDID 1001
    """

    INVOICE = "380"
    CREDIT_NOTE = "381"
    SELF_BILLED = "389"
    SELF_BILLED_CREDIT = "261"

    @property
    def is_credit(self) -> bool:
        """Whether it gives back: its amounts stand above zero all the same."""
        return self in (DocKind.CREDIT_NOTE, DocKind.SELF_BILLED_CREDIT)

    @property
    def is_self_billed(self) -> bool:
        """Whether the buyer writes it in the seller's place."""
        return self in (DocKind.SELF_BILLED, DocKind.SELF_BILLED_CREDIT)


class Category(StrEnum):
    """How a line is taxed (BT-151, BT-118).

    source   UNCL 5305
    """

    STANDARD = "S"
    ZERO = "Z"
    EXEMPT = "E"
    REVERSE_CHARGE = "AE"
    EXPORT = "G"
    OUTSIDE = "O"


class Writer(StrEnum):
    """Who writes the paper: its seller, its buyer (self-billing), or the exchange in its seller's name."""

    SELLER = "seller"
    BUYER = "buyer"
    EXCHANGE = "exchange"


@dataclass(frozen=True, slots=True)
class LegalId:
    """A number in a public register (BT-30, BT-47); `scheme` is its ISO 6523 code where there is one."""

    value: str
    scheme: str | None = None


@dataclass(frozen=True, slots=True)
class Party:
    """A seller or buyer as it stands on a paper, from one version of its profile (BG-4, BG-7).

    shapes   vat_id: with its country's letters (BT-31, BT-48); tax_id: the number of a tax office without them (BT-32,
             sellers only); profile_version: the version that was read
    """

    organisation_id: UUID
    legal_name: LocaleMap
    language: str
    address: tuple[str, ...]
    city: str
    postcode: str
    subdivision: str
    country: str
    vat_id: str | None = None
    tax_id: str | None = None
    legal_id: LegalId | None = None
    profile_version: int = 0

    @property
    def name(self) -> str:
        """The name under which it is registered (BT-27, BT-44)."""
        return pick(self.legal_name, [self.language])

    @property
    def other_name(self) -> str | None:
        """Its name in the other of our languages, where it has another one (BT-28, BT-45)."""
        others = [text for language, text in sorted(self.legal_name.items()) if text != self.name]
        return others[0] if others else None


@dataclass(frozen=True, slots=True)
class Period:
    """Days from the first to the last, both included (BG-14, BG-26)."""

    start: date
    end: date


@dataclass(frozen=True, slots=True)
class DocLine:
    """One line (BG-25).

    shapes   number: its place, from 1 (BT-126); source: what it is about, as kind and id; name, description: BT-153, BT-154
    units    `net` in whole coins is quantity times price, rounded half to even once (BT-131); `exact` is what stands in the
             ledger; `rate` in percent; a negative quantity is a discount
    """

    number: int
    source: tuple[str, UUID]
    name: LocaleMap
    quantity: Decimal
    price: Decimal
    net: Money
    exact: Money
    category: Category
    rate: Decimal
    description: LocaleMap | None = None
    unit: str = "C62"
    period: Period | None = None


@dataclass(frozen=True, slots=True)
class VatGroup:
    """The tax on all lines of one category and rate (BG-23).

    units    `base` is the sum of the lines, `tax` is base times rate, rounded half to even to whole coins; `exact` is the tax
             that stands in the ledger
    """

    category: Category
    rate: Decimal
    base: Money
    tax: Money
    exact: Money
    reason: LocaleMap | None = None
    reason_code: str | None = None


@dataclass(frozen=True, slots=True)
class DocTotals:
    """The sums of a document (BG-22), all in whole coins.

    units    due = with_tax - paid + rounding; `rounding` is what the ledger's exact sum differs from with_tax by
    """

    lines: Money
    without_tax: Money
    tax: Money
    with_tax: Money
    paid: Money
    rounding: Money
    due: Money


@dataclass(frozen=True, slots=True)
class Preceding:
    """A document that this one corrects (BG-3)."""

    id: UUID
    number: str
    issued_on: date


@dataclass(frozen=True, slots=True)
class Note:
    """A sentence on a paper in our languages (BT-22); `subject` says what about (BT-21, UNTDID 4451)."""

    text: LocaleMap
    subject: str | None = None


@dataclass(frozen=True, slots=True)
class FiscalDoc:
    """One paper, immutable once it has its number.

    shapes   number is 0 until one is taken; run_id: the settlement run that it came from; due_on: BT-9; tax_point: BT-7;
             period: BG-14; order_reference: the buyer's purchase order (BT-13); terms: BT-20; vat_in: the tax in the
             currency in which it is accounted for (BT-6, BT-111), where that is another one; agreement_id: the self-billing
             agreement under which it is written
    units    `exact` is what the ledger says the document is worth, in millionths
    """

    id: UUID
    kind: DocKind
    writer: Writer
    series: str
    number: int
    issued_on: date
    currency: str
    seller: Party
    buyer: Party
    lines: tuple[DocLine, ...]
    groups: tuple[VatGroup, ...]
    totals: DocTotals
    exact: Money
    run_id: UUID | None = None
    due_on: date | None = None
    tax_point: date | None = None
    period: Period | None = None
    preceding: tuple[Preceding, ...] = ()
    notes: tuple[Note, ...] = ()
    terms: LocaleMap | None = None
    order_reference: str | None = None
    vat_in: Money | None = None
    agreement_id: UUID | None = None

    @property
    def name(self) -> str:
        """The number as people and offices read it (BT-1)."""
        return doc_number(self.series, self.number)

    def numbered(self, number: int) -> FiscalDoc:
        """The same document with the number that it took."""
        return replace(self, number=number)


def sales_series(seller_id: UUID, year: int) -> str:
    """The number series of what is issued in a seller's name in a year; the run's own accounts have another."""
    return f"INV/{ids.text('org', seller_id)}/{year}"


def fee_series(payee_id: UUID, year: int) -> str:
    """The number series of the exchange's own invoices to one payee in a year: a series each, so that none waits for another."""
    return f"FEE/{ids.text('org', payee_id)}/{year}"


def self_billed_series(supplier_id: UUID, year: int) -> str:
    """The number series of what a supplier's customer, the exchange, writes in its place in a year."""
    return f"SB/{ids.text('org', supplier_id)}/{year}"


def doc_number(series: str, number: int) -> str:
    """A number as papers show it: `INV-K7Q2M4XZ-2026-000001`, by the last letters of the seller's id."""
    kind, organisation, year = series.split("/")
    return f"{kind}-{organisation[-8:].upper()}-{year}-{number:06d}"


def digits(currency: str) -> int:
    """How many decimals amounts of a currency have on a paper."""
    return min(minor_digits(currency), DIGITS_MAX)


def coins(money: Money) -> Money:
    """An amount rounded half to even to what a paper can show."""
    unit = 10 ** (6 - digits(money.currency))
    whole, rest = divmod(abs(money.units), unit)
    whole += 2 * rest > unit or (2 * rest == unit and whole % 2 == 1)
    return Money(-whole * unit if money.units < 0 else whole * unit, money.currency)


def coin(currency: str) -> Money:
    """The smallest amount of a currency on a paper."""
    return Money(10 ** (6 - digits(currency)), currency)


def amount_text(money: Money) -> str:
    """An amount as XML shows it: with the currency's decimals and a point.

    errors   ValueError for an amount that is not in whole coins
    """
    places = digits(money.currency)
    unit = 10 ** (6 - places)
    whole, rest = divmod(abs(money.units), unit)
    if rest:
        raise ValueError(f"{money} is not in whole coins")
    sign = "-" if money.units < 0 else ""
    if not places:
        return f"{sign}{whole}"
    major, minor = divmod(whole, 10**places)
    return f"{sign}{major}.{minor:0{places}d}"


def both(text: LocaleMap) -> str:
    """A text in all its languages, English first, for fields that hold one string."""
    first = pick(text, ["en"])
    rest = [one for _, one in sorted(text.items()) if one != first]
    return " / ".join([first, *rest])


def decimal_plain(value: Decimal) -> str:
    """A number without exponent and without needless zeros."""
    text = format(value.normalize(), "f")
    return "0" if text == "-0" else text


def percent(rate: str | Decimal) -> Decimal:
    """A fraction such as 0.19 as percent, as documents keep it."""
    return (Decimal(rate) * 100).normalize() + 0
