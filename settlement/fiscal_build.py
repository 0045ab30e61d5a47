"""From exact amounts to a fiscal document: rounding to coins, groups of tax, sums, and the words that belong on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

from exchange.kernel.money import Money
from exchange.kernel.text import LocaleMap
from settlement.fiscal import (
    Category,
    DocKind,
    DocLine,
    DocTotals,
    FiscalDoc,
    LegalId,
    Note,
    Party,
    Period,
    Preceding,
    VatGroup,
    Writer,
    coin,
    coins,
)
from settlement.fiscal_words import GIVEN_BACK, IN_SELLERS_NAME, PAID, SELF_BILLING, Vat, exact_sum, rounded_together

_ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class Item:
    """Something that was sold, or given back, with its exact amounts.

    shapes   source: kind and id of what it is about
    units    net and tax in millionths, above zero on credit notes too; below zero it is a discount among sales; before: the
             exact net that was given back of the same thing before
    """

    source: tuple[str, UUID]
    name: LocaleMap
    net: Money
    tax: Money
    vat: Vat
    description: LocaleMap | None = None
    period: Period | None = None
    before: Money | None = None


@dataclass(frozen=True, slots=True)
class Earlier:
    """What earlier papers gave back of the one that a credit note corrects: rounding goes on from there.

    So all of them together give back what was billed and never a coin more, line by line, in tax and in sum.

    units    `bases` in whole coins, by category and rate; `total` is exact, with tax
    """

    bases: Mapping[tuple[Category, Decimal], Money]
    total: Money


@dataclass(frozen=True, slots=True)
class Head:
    """What a document says besides its lines; `paid` is exact, None where nothing was paid."""

    id: UUID
    kind: DocKind
    writer: Writer
    series: str
    issued_on: date
    seller: Party
    buyer: Party
    run_id: UUID | None = None
    paid: Money | None = None
    due_on: date | None = None
    tax_point: date | None = None
    period: Period | None = None
    preceding: tuple[Preceding, ...] = ()
    notes: tuple[Note, ...] = ()
    terms: LocaleMap | None = None
    order_reference: str | None = None
    agreement_id: UUID | None = None
    earlier: Earlier | None = None


def compose(head: Head, items: Sequence[Item]) -> FiscalDoc:
    """A document without a number from what goes on it.

    shapes   items: at least one, all of one currency; those outside the scope of tax stand alone (BR-O-11)
    units    each line and each group's tax is rounded once, half to even, to whole coins, on credit notes together with
             earlier ones; what the ledger differs by is `rounding`, so that what is due is the ledger's sum
    """
    currency = items[0].net.currency
    lines = tuple(_line(number, item) for number, item in enumerate(items, 1))
    groups = _groups(items, lines, head.earlier)
    zero = Money.zero(currency)
    net, tax = (sum((one.base for one in groups), zero), sum((one.tax for one in groups), zero))
    exact = sum((item.net + item.tax for item in items), zero)
    with_tax = net + tax
    worth = step(head.earlier.total, exact) if head.earlier else coins(exact)
    rounding = worth - with_tax
    paid = zero if head.paid is None else worth if head.paid == exact else coins(head.paid)
    if head.earlier and paid.units > worth.units:
        paid = worth
    totals = DocTotals(net, net, tax, with_tax, paid, rounding, with_tax - paid + rounding)
    seller, buyer = _shown(head.seller, head.buyer, groups)
    return FiscalDoc(
        id=head.id,
        kind=head.kind,
        writer=head.writer,
        series=head.series,
        number=0,
        issued_on=head.issued_on,
        currency=currency,
        seller=seller,
        buyer=buyer,
        lines=lines,
        groups=groups,
        totals=totals,
        exact=exact,
        run_id=head.run_id,
        due_on=head.due_on if totals.due.units > 0 else None,
        tax_point=head.tax_point,
        period=head.period,
        preceding=head.preceding,
        notes=(*_notes(head, exact), *_together(head, items, lines, groups, worth - coins(exact)), *head.notes),
        terms=head.terms if totals.due.units > 0 else head.terms or (GIVEN_BACK if head.kind.is_credit else PAID),
        order_reference=head.order_reference,
        agreement_id=head.agreement_id,
    )


def step(before: Money, amount: Money) -> Money:
    """An amount in whole coins where `before` of the same was rounded already: all steps together are rounded once."""
    return coins(before + amount) - coins(before)


def _line(number: int, item: Item) -> DocLine:
    net = step(item.before, item.net) if item.before is not None else coins(item.net)
    off = abs(abs(item.net.units) - abs(net.units))
    # What was rounded with what went before may be a whole coin off its exact amount: then that is its price.
    price = Decimal(abs(item.net.units if off * 2 <= coin(net.currency).units else net.units)).scaleb(-6)
    return DocLine(
        number=number,
        source=item.source,
        name=item.name,
        # What was metered has steps and tiers, so the line is one piece at its price; how it came about is in the words.
        quantity=-_ONE if item.net.units < 0 else _ONE,
        price=price,
        net=net,
        exact=item.net,
        category=item.vat.category,
        rate=item.vat.rate,
        description=item.description,
        period=item.period,
    )


def _groups(items: Sequence[Item], lines: Sequence[DocLine], earlier: Earlier | None) -> tuple[VatGroup, ...]:
    currency = items[0].net.currency
    sums: dict[tuple[Category, Decimal], tuple[Vat, Money, Money]] = {}
    for item, line in zip(items, lines, strict=True):
        key = (line.category, line.rate)
        vat, base, exact = sums.get(key, (item.vat, Money.zero(currency), Money.zero(currency)))
        sums[key] = (vat, base + line.net, exact + item.tax)
    before = earlier.bases if earlier else {}
    zero = Money.zero(currency)
    return tuple(
        VatGroup(vat.category, vat.rate, base, tax_step(before.get(key, zero), base, vat.rate), exact, vat.reason, vat.reason_code)
        for key, (vat, base, exact) in sums.items()
    )  # fmt: skip


def tax_step(before: Money, base: Money, rate: Decimal) -> Money:
    """The tax on a base where the tax on `before` was given back already; with nothing before it is `tax_of`."""
    return tax_of(before + base, rate) - tax_of(before, rate)


def tax_of(base: Money, rate: Decimal) -> Money:
    """The tax on a group (BT-117): base times rate, rounded half to even to whole coins."""
    exact = Fraction(base.units) * Fraction(rate) / 100
    # One rounding only: to coins, from the exact fraction.
    unit = coin(base.currency).units
    return Money(round(exact / unit) * unit, base.currency)


def _shown(seller: Party, buyer: Party, groups: Sequence[VatGroup]) -> tuple[Party, Party]:
    """The parties as a paper may name them: outside the scope of tax no number for it stands there (BR-O-02)."""
    if all(group.category is not Category.OUTSIDE for group in groups):
        return seller, buyer
    seller = replace(seller, vat_id=None, tax_id=seller.tax_id or seller.vat_id)
    legal = buyer.legal_id or (LegalId(buyer.vat_id) if buyer.vat_id else None)
    return seller, replace(buyer, vat_id=None, legal_id=legal)


def _together(
    head: Head, items: Sequence[Item], lines: Sequence[DocLine], groups: Sequence[VatGroup], off: Money
) -> list[Note]:
    """That rounding went on from earlier papers, where it shows."""
    if head.earlier is None or not head.earlier.total.units:
        return []
    apart = any(line.net != coins(item.net) for line, item in zip(lines, items, strict=True))
    apart = apart or any(group.tax != tax_of(group.base, group.rate) for group in groups)
    return [rounded_together(head.earlier.total)] if apart or off.units else []


def _notes(head: Head, exact: Money) -> list[Note]:
    notes = []
    if head.writer is Writer.BUYER:
        notes.append(SELF_BILLING)
    elif head.writer is Writer.EXCHANGE:
        notes.append(IN_SELLERS_NAME)
    if coins(exact) != exact:
        notes.append(exact_sum(exact))
    return notes
