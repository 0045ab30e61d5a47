"""Which papers a run's account asks for: sales apart from what is given back, one paper for each document that is corrected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from exchange.kernel.money import Money
from settlement.fiscal import (
    Category,
    DocKind,
    FiscalDoc,
    Party,
    Period,
    Preceding,
    Writer,
    coins,
    fee_series,
    sales_series,
    self_billed_series,
)
from settlement.fiscal_build import Earlier, Head, Item, compose, tax_step
from settlement.fiscal_words import (
    CREDITED,
    NET_OF_SHARES,
    ON_ACCOUNT,
    TERMS,
    Vat,
    corrects,
    fees_line,
    shares_line,
    vat_of,
)
from settlement.fiscal_zones import zone_of

# What is not paid when it is billed is to be paid within so many days.
DUE_DAYS = 30
_MOMENT = timedelta(microseconds=1)
Source = tuple[str, UUID]


class About(StrEnum):
    """What a paper bills: a sale to its buyer, the exchange's fee to a seller, or a payee's share to the exchange."""

    SALE = "sale"
    FEE = "fee"
    SHARE = "share"


class Sold(msgspec.Struct, frozen=True):
    """One thing that was sold, or given back (below zero), with how it was taxed.

    shapes   corrects: the order or charge whose paper it corrects; treatment None: not taxed, as nobody is registered;
             order_reference: the number under which the buyer ordered; due_on: as its own terms say, None: as papers do
    units    millionths; `paid` of net and tax together
    """

    source: Source
    name: dict[str, str]
    net: int
    tax: int
    paid: int
    treatment: dict[str, Any] | None = None
    description: dict[str, str] | None = None
    start: datetime | None = None
    end: datetime | None = None
    corrects: Source | None = None
    order_reference: str | None = None
    due_on: date | None = None


class Account(msgspec.Struct, frozen=True):
    """All that one run bills between two parties: what papers are made of.

    shapes   account_id, number: the run's invoice or the payee's statement
    """

    about: About
    seller_id: UUID
    buyer_id: UUID
    currency: str
    run_id: UUID
    account_id: UUID
    number: int
    start: datetime
    end: datetime
    sold: tuple[Sold, ...] = ()

    @property
    def payee_id(self) -> UUID:
        """Whom a source is billed for only once: the seller of a sale, the one who pays a fee, the payee of a share."""
        return self.buyer_id if self.about is About.FEE else self.seller_id


@dataclass(frozen=True, slots=True)
class Original:
    """The paper on which a source stands, and how it and each of its lines was taxed there."""

    preceding: Preceding
    vat: Vat
    lines: Mapping[Source, tuple[Category, Decimal]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Given:
    """What credit notes gave back of one paper so far.

    units    millionths, exact: without tax by source, and with tax in all
    """

    nets: Mapping[Source, int] = field(default_factory=dict)
    total: int = 0

    def then(self, sheet: Sheet, doc: FiscalDoc) -> Given:
        """What they gave back once this one is issued too."""
        nets = dict(self.nets)
        for one in sheet.sold:
            assert one.corrects is not None, "a credit note on a paper says what it gives back"
            nets[one.corrects] = nets.get(one.corrects, 0) + one.net
        return Given(nets, self.total + doc.exact.units)


NONE_GIVEN = Given()


@dataclass(frozen=True, slots=True)
class Sides:
    """Who stands on the papers, and under which agreement where one is needed."""

    seller: Party
    buyer: Party
    agreement_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Sheet:
    """One paper that is asked for: what stands on it, all above zero, and what it corrects."""

    credit: bool
    sold: tuple[Sold, ...]
    original: Original | None = None


def first_sheets(account: Account) -> list[Sheet]:
    """The papers on what corrects nothing; what comes to less than nothing is a credit note, and nothing asks for none."""
    groups: dict[tuple[bool, str | None, date | None], list[Sold]] = {}
    for one in account.sold:
        if one.corrects is None:
            groups.setdefault((_outside(one), one.order_reference, one.due_on), []).append(one)
    sheets = []
    for found in groups.values():
        if not any(one.net for one in found):
            continue
        credit = sum(one.net + one.tax for one in found) < 0
        sheets.append(Sheet(credit, tuple(_turned(one) if credit else one for one in found)))
    return sheets


def later_sheets(account: Account, originals: Mapping[Source, Original]) -> tuple[list[Sheet], list[Sold]]:
    """The papers on what corrects others, one for each of those, what is given back apart from what is added.

    shapes   -> the papers, and what gives back something that stands on no paper; what only adds is a sale of its own
    """
    groups: dict[tuple[UUID, bool, bool, str | None], list[Sold]] = {}
    named: dict[UUID, Original] = {}
    lost: list[Sold] = []
    alone: list[Sold] = []
    for one in account.sold:
        if one.corrects is None:
            continue
        original = originals.get(one.corrects)
        if original is None:
            (lost if one.net + one.tax < 0 else alone).append(one)
            continue
        named[original.preceding.id] = original
        key = (original.preceding.id, one.net + one.tax < 0, _outside(one), one.order_reference)
        groups.setdefault(key, []).append(one)
    sheets = [
        Sheet(credit, tuple(_turned(one) if credit else one for one in found), named[document])
        for (document, credit, *_), found in groups.items()
    ]
    free = [msgspec.structs.replace(one, corrects=None) for one in alone]
    return [*sheets, *first_sheets(msgspec.structs.replace(account, sold=tuple(free)))], lost


def write_sheet(
    account: Account, sheet: Sheet, sides: Sides, document_id: UUID, at: datetime, given: Given = NONE_GIVEN
) -> FiscalDoc:
    """The paper without its number.

    shapes   given: what was given back before of the paper that a credit note corrects
    units    fees and shares are taxed here, on the sum in whole coins; sales as the order or charge was
    """
    zone = zone_of(sides.seller.country)
    on = at.astimezone(zone).date()
    self_billed = account.about is About.SHARE
    series = _SERIES[account.about](account.payee_id, on.year)
    of_sale = account.about is About.SALE
    earlier = _earlier(account, sheet, given)
    items = _sale_items(account, sheet, zone, given) if of_sale else _sum_items(account, sheet, earlier, given)
    exact = sum((item.net + item.tax for item in items), Money.zero(account.currency))
    paid = Money(sum(one.paid for one in sheet.sold), account.currency) if of_sale else exact
    original = sheet.original.preceding if sheet.original else None
    return compose(
        Head(
            id=document_id,
            kind=_kind(sheet.credit, self_billed=self_billed),
            writer=_WRITERS[account.about],
            series=series,
            issued_on=on,
            seller=sides.seller,
            buyer=sides.buyer,
            run_id=account.run_id,
            paid=paid,
            # What is billed after its day is due at once: a paper cannot be due before it is there (CX-10).
            due_on=None if sheet.credit else max(on, sheet.sold[0].due_on or on + timedelta(days=DUE_DAYS)),
            period=_period(account.start, account.end, zone),
            preceding=(original,) if original else (),
            notes=(corrects(original.number),) if original else (),
            terms=_terms(account, sheet, coins(exact) != coins(paid)),
            order_reference=sheet.sold[0].order_reference,
            agreement_id=sides.agreement_id,
            earlier=earlier,
        ),
        items,
    )


_SERIES = {About.SALE: sales_series, About.FEE: fee_series, About.SHARE: self_billed_series}
_WRITERS = {About.SALE: Writer.EXCHANGE, About.FEE: Writer.SELLER, About.SHARE: Writer.BUYER}


def _terms(account: Account, sheet: Sheet, due: bool) -> Mapping[str, str] | None:
    if account.about is not About.SALE:
        return NET_OF_SHARES
    if sheet.credit:
        return CREDITED
    if sheet.sold[0].due_on is not None:
        return ON_ACCOUNT if due else None
    return TERMS if due else None


def _kind(credit: bool, *, self_billed: bool) -> DocKind:
    if self_billed:
        return DocKind.SELF_BILLED_CREDIT if credit else DocKind.SELF_BILLED
    return DocKind.CREDIT_NOTE if credit else DocKind.INVOICE


def _earlier(account: Account, sheet: Sheet, given: Given) -> Earlier | None:
    """What rounding goes on from: only what gives back of another paper has something before it."""
    if not sheet.credit or sheet.original is None:
        return None
    bases: dict[tuple[Category, Decimal], Money] = {}
    whole = sheet.original.vat.category, sheet.original.vat.rate
    if account.about is About.SALE:
        for source, units in given.nets.items():
            key = sheet.original.lines.get(source, whole)
            bases[key] = bases.get(key, Money.zero(account.currency)) + coins(Money(units, account.currency))
    else:
        bases[whole] = coins(Money(sum(given.nets.values()), account.currency))
    return Earlier(bases, Money(given.total, account.currency))


def _sale_items(account: Account, sheet: Sheet, zone: ZoneInfo, given: Given) -> list[Item]:
    gone = dict(given.nets)
    items = []
    for one in sheet.sold:
        before = None
        if sheet.credit and sheet.original is not None and one.corrects is not None:
            before = Money(gone.get(one.corrects, 0), account.currency)
            gone[one.corrects] = before.units + one.net
        items.append(
            Item(
                source=one.source,
                name=one.name,
                net=Money(one.net, account.currency),
                tax=Money(one.tax, account.currency),
                vat=vat_of(one.treatment),
                description=one.description,
                period=_period(one.start, one.end, zone) if one.start and one.end else None,
                before=before,
            )
        )
    return items


def _sum_items(account: Account, sheet: Sheet, earlier: Earlier | None, given: Given) -> list[Item]:
    """One line for all: the statement names each share and fee with its arithmetic."""
    net = Money(sum(one.net for one in sheet.sold), account.currency)
    # What is given back is taxed as that was taxed.
    vat = sheet.original.vat if sheet.original else vat_of(sheet.sold[0].treatment)
    words = shares_line if account.about is About.SHARE else fees_line
    name = words(len({one.source for one in sheet.sold if one.net}), account.number, back=sheet.credit)
    before = Money(sum(given.nets.values()) if earlier else 0, account.currency)
    tax = tax_step(coins(before), coins(before + net) - coins(before), vat.rate)
    return [Item(("statement", account.account_id), name, net, tax, vat, before=before if earlier else None)]


def _period(start: datetime, end: datetime, zone: ZoneInfo) -> Period:
    first: date = start.astimezone(zone).date()
    return Period(first, max(first, (end - _MOMENT).astimezone(zone).date()))


def _outside(one: Sold) -> bool:
    return vat_of(one.treatment).category is Category.OUTSIDE


def _turned(one: Sold) -> Sold:
    return msgspec.structs.replace(one, net=-one.net, tax=-one.tax, paid=-one.paid)
