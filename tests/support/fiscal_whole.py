"""Fiscal documents of any content, by a seed: any sums, taxes, parties, currencies, discounts and payments."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from random import Random

from exchange.kernel.money import Money
from settlement.fiscal import DocKind, FiscalDoc, Preceding, Writer, sales_series, self_billed_series
from settlement.fiscal_build import Head, Item, compose
from settlement.fiscal_words import vat_of
from tests.support.fiscal_samples import (
    AMERICAN,
    BEIJING,
    BOOKS,
    BUYER,
    CHINESE,
    EXEMPT,
    FRENCH,
    GERMAN,
    HOME,
    ISSUED,
    JAPANESE,
    NET_30,
    PERIOD,
    PLATFORM,
    REVERSE,
    UNREGISTERED,
    ZERO,
    Treated,
    named,
)

# Who sells to whom, and how that may be taxed: each on lines of its own, those of one list together.
_TRADES = (
    (GERMAN, BUYER, (HOME, BOOKS)),
    (GERMAN, FRENCH, (REVERSE,)),
    (FRENCH, GERMAN, (HOME, BOOKS, EXEMPT)),
    (CHINESE, BEIJING, (HOME, ZERO)),
    (AMERICAN, CHINESE, (UNREGISTERED,)),
    (JAPANESE, AMERICAN, (HOME,)),
)
_CURRENCIES = ("EUR", "USD", "CNY", "JPY", "KWD")
_WORDS = ('corpus & "data" <1>', "新闻语料·第三版", "Größe ≤ 5 TB", "用量 1,000 × 0.5")


def any_document(seed: Random, of_kind: DocKind | None = None) -> FiscalDoc:
    """The next document of a seed, of any kind or of this one."""
    seller, buyer, treated = seed.choice(_TRADES)
    currency = seed.choice(_CURRENCIES)
    kind = of_kind or seed.choice(list(DocKind))
    discounts = not kind.is_credit and seed.random() < 0.3
    items = [_item(seed, currency, treated) for _ in range(seed.randint(1, 12))]
    if discounts:
        big = max(items, key=lambda one: one.net.units)
        less = Money(-(big.net.units // 3), currency)
        items.append(replace(big, net=less, tax=_tax(less, big)))
    exact = sum((one.net + one.tax for one in items), Money.zero(currency))
    paid = Money(seed.choice([0, exact.units // 2, exact.units]), currency)
    self_billed = kind.is_self_billed
    head = Head(
        named("any", seed.random()), kind, Writer.BUYER if self_billed else Writer.EXCHANGE,
        (self_billed_series if self_billed else sales_series)(seller.organisation_id, 2026), ISSUED, seller,
        PLATFORM if self_billed else buyer, named("run"), paid=paid,
        due_on=None if kind.is_credit else date(2026, 12, 24), period=PERIOD, terms=NET_30,
        preceding=(Preceding(named("old"), "OLD-2026-000001", date(2026, 10, 2)),) if kind.is_credit else (),
        order_reference=seed.choice([None, "PO & 1"]), agreement_id=named("agreement") if self_billed else None,
    )  # fmt: skip
    return compose(head, items).numbered(seed.randint(1, 999_999))


def _item(seed: Random, currency: str, treated: tuple[Treated, ...]) -> Item:
    vat = vat_of(seed.choice(treated))
    net = Money(seed.choice([1, 10_000, seed.randint(0, 10**8), seed.randint(0, 10**12)]), currency)
    word = seed.choice(_WORDS)
    bare = Item(("charge", named("item", seed.random())), {"en": word, "zh": word}, net, net, vat, {"en": word}, PERIOD)
    return replace(bare, tax=_tax(net, bare))


def _tax(net: Money, of: Item) -> Money:
    return Money(round(net.units * of.vat.rate / 100), net.currency)
