"""Conversion: rates with a validity, what an amount becomes at one, and the one journal that books it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

from exchange.kernel.money import BadMoney, CurrencyMismatch, Money
from exchange.kernel.text import Text
from settlement.accounts import AccountKey, AccountKind, platform
from settlement.journals import Journal, Line

CONVERSION = "conversion"
DIGITS = 12
SCALE = 10**DIGITS
VALIDITY_DAYS_MAX = 366
SOURCE_LENGTH_MAX = 200
# Whose money may be changed, and where the other currency goes: the same kind of account of the same organisation.
CONVERTIBLE = frozenset({AccountKind.WALLET, AccountKind.PAYABLE})
_VALUE = re.compile(r"(0|[1-9][0-9]{0,11})(?:\.([0-9]{1,12}))?\Z")

Pair = tuple[str, str]


class BadRate(ValueError):
    """A rate that cannot be: no positive decimal of at most twelve decimals, one currency, or a validity that ends first."""

    def __init__(self, why: Text) -> None:
        """Say `why`."""
        super().__init__(why.en)
        self.why = why


class Ambiguous(ValueError):
    """Two rates of one pair begin at the same moment; the schema lets none in."""


_ONE_CURRENCY = Text("a rate is between two currencies", "汇率须在两种不同币种之间")
_BACKWARDS = Text("a rate begins before it ends", "汇率的生效时间须早于失效时间")
_TOO_LONG = Text(f"a rate holds for at most {VALIDITY_DAYS_MAX} days", f"汇率有效期最长为 {VALIDITY_DAYS_MAX} 天")
_NO_SOURCE = Text(f"a source has 1 to {SOURCE_LENGTH_MAX} characters", f"来源说明须为 1 至 {SOURCE_LENGTH_MAX} 个字符")
_NO_VALUE = Text(
    "a value is a decimal above 0 with at most twelve digits before and twelve after the point, such as 7.8123",
    "汇率值须为大于 0 的十进制数，小数点前后各不超过十二位，例如 7.8123",
)


@dataclass(frozen=True, slots=True)
class Rate:
    """One unit of `sell` buys `value` of `buy`, from `valid_from` on and before `valid_to`.

    A rate goes in one direction; the way back is another rate, so that a spread can stand between them.

    units    exact: at most twelve digits before the point and twelve after it
    """

    id: UUID
    sell: str
    buy: str
    value: Decimal
    valid_from: datetime
    valid_to: datetime
    source: str
    published_by: UUID
    published_at: datetime

    def __post_init__(self) -> None:
        """Refuse what could not be a rate."""
        if self.sell == self.buy:
            raise BadRate(_ONE_CURRENCY)
        if not self.valid_from < self.valid_to:
            raise BadRate(_BACKWARDS)
        if (self.valid_to - self.valid_from).days > VALIDITY_DAYS_MAX:
            raise BadRate(_TOO_LONG)
        if not 1 <= len(self.source) <= SOURCE_LENGTH_MAX:
            raise BadRate(_NO_SOURCE)

    @property
    def pair(self) -> Pair:
        """What is sold and what is bought."""
        return (self.sell, self.buy)

    @property
    def scaled(self) -> int:
        """The value as an integer number of 10^-12."""
        return int(self.value.scaleb(DIGITS))


@dataclass(frozen=True, slots=True)
class Converted:
    """What an amount becomes: `bought`, and what is lost to rounding.

    units    `remainder` is the rest in 10^-12 of a millionth, 0 <= remainder < 10^12: less than one unit
    """

    bought: Money
    remainder: int


@dataclass(frozen=True, slots=True)
class Conversion:
    """A conversion that was booked: whose money, at which rate, what for what."""

    id: UUID
    organisation_id: UUID
    kind: AccountKind
    rate_id: UUID
    value: Decimal
    source: str
    sold: Money
    bought: Money
    remainder: int
    converted_at: datetime


def value_of(text: str) -> Decimal:
    """Read a rate's value from its decimal text.

    errors   BadRate for zero, a sign, an exponent, or more than twelve digits on either side of the point
    """
    found = _VALUE.match(text)
    value = Decimal(text) if found else Decimal(0)
    if not value:
        raise BadRate(_NO_VALUE)
    return value


def value_text(value: Decimal) -> str:
    """Write a rate's value without an exponent and without zeros at its end."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def convert(amount: Money, rate: Rate) -> Converted:
    """What `amount` buys at `rate`, rounded down to a whole unit: against the customer by less than one millionth.

    errors   CurrencyMismatch where the amount is not of the currency that the rate sells; BadMoney for a negative amount,
             and where the result is beyond 64 bits
    """
    if amount.currency != rate.sell:
        raise CurrencyMismatch(f"{amount.currency} met a rate for {rate.sell}")
    if amount.units < 0:
        raise BadMoney("less than nothing cannot be converted")
    units, remainder = divmod(amount.units * rate.scaled, SCALE)
    return Converted(Money(units, rate.buy), remainder)


def journal_of(one: Conversion) -> Journal:
    """The journal of a conversion: balanced in each currency, through the exchange's conversion account of each."""
    holder = one.organisation_id
    sold, bought = one.sold, one.bought
    lines = (
        Line(AccountKey(holder, one.kind, sold.currency), -sold.units, one.id),
        Line(platform(AccountKind.CONVERSION, sold.currency), sold.units, one.id),
        Line(platform(AccountKind.CONVERSION, bought.currency), -bought.units, one.id),
        Line(AccountKey(holder, one.kind, bought.currency), bought.units, one.id),
    )
    return Journal(CONVERSION, one.id, lines)


def in_force(rates: Iterable[Rate], at: datetime) -> dict[Pair, Rate]:
    """The rate of each pair at a moment: the one that began last; none where that one has ended.

    A rate that begins while another holds ends it, so there is never more than one, and no gap is filled by an older one.

    errors   Ambiguous where two rates of a pair begin at the same moment
    """
    last: dict[Pair, Rate] = {}
    for rate in rates:
        if rate.valid_from > at:
            continue
        before = last.get(rate.pair)
        if before is not None and before.valid_from == rate.valid_from:
            raise Ambiguous(f"two rates of {rate.sell} for {rate.buy} begin at {rate.valid_from.isoformat()}")
        if before is None or before.valid_from < rate.valid_from:
            last[rate.pair] = rate
    return {pair: rate for pair, rate in last.items() if at < rate.valid_to}


def stands_until(rate: Rate, rates: Iterable[Rate]) -> datetime:
    """When a rate ends: at its own end, or when the next one of its pair begins, as far as is known."""
    later = [one.valid_from for one in rates if one.pair == rate.pair and one.valid_from > rate.valid_from]
    return min([rate.valid_to, *later])


def money_pump(rates: Sequence[Rate], fresh: Sequence[Rate]) -> tuple[Rate, ...] | None:
    """A round of conversions that would come back with more than it began with, while one of `fresh` holds; else None.

    Looked for at every moment from the first fresh rate on at which a rate begins or ends.

    shapes   `rates` holds what is in force or begins later, `fresh` included
    source   Bellman and Ford on products: Cormen et al. 2022, chapter 22.1 and problem 22-3 (arbitrage)
    """
    if not fresh:
        return None
    start, end = min(one.valid_from for one in fresh), max(one.valid_to for one in fresh)
    moments = sorted({at for one in rates for at in (one.valid_from, one.valid_to) if start <= at < end} | {start})
    for at in moments:
        found = _gaining_round(in_force(rates, at))
        if found:
            return found
    return None


def _gaining_round(edges: Mapping[Pair, Rate]) -> tuple[Rate, ...] | None:
    currencies = sorted({currency for pair in edges for currency in pair})
    best = dict.fromkeys(currencies, Fraction(1))
    came: dict[str, Rate] = {}
    if not edges:
        return None
    for _ in currencies:
        changed = ""
        for pair in sorted(edges):
            rate = edges[pair]
            gained = best[rate.sell] * Fraction(rate.scaled, SCALE)
            if gained > best[rate.buy]:
                best[rate.buy], came[rate.buy], changed = gained, rate, rate.buy
        if not changed:
            return None
    # Still better after as many passes as there are currencies: walk back until a currency comes twice.
    for _ in currencies:
        changed = came[changed].sell
    found = [came[changed]]
    while found[-1].sell != changed:
        found.append(came[found[-1].sell])
    return tuple(reversed(found))
