"""Money as an integer number of millionths of the major unit, with its currency."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

UNITS_PER_MAJOR = 1_000_000
UNITS_MAX = 2**63 - 1
_CURRENCY = re.compile(r"[A-Z]{3}\Z")
_AMOUNT = re.compile(r"(-?)(0|[1-9][0-9]{0,12})(?:\.([0-9]{1,6}))?\Z")
# ISO 4217 minor unit digits where they are not 2 (amendment 177).
_MINOR_DIGITS = {
    **dict.fromkeys(
        [
            "BIF",
            "CLP",
            "DJF",
            "GNF",
            "ISK",
            "JPY",
            "KMF",
            "KRW",
            "PYG",
            "RWF",
            "UGX",
            "VND",
            "VUV",
            "XAF",
            "XOF",
            "XPF",
        ],
        0,
    ),
    **dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3),
}


# Codes whose form was checked before: at most 26 * 26 * 26 of them. A set is looked up faster than a pattern.
_seen: set[str] = set()


class BadMoney(ValueError):
    """An amount or a currency that cannot be money."""


class CurrencyMismatch(ValueError):
    """Two currencies met in one sum."""


class BadWeights(ValueError):
    """Weights that cannot share anything: none, negative, or all zero."""


class Rounding(StrEnum):
    """Where the last digit goes at a border (card charge, payout, printed invoice)."""

    HALF_EVEN = "half_even"
    DOWN = "down"
    UP = "up"


@dataclass(frozen=True, slots=True)
class Money:
    """An exact amount of one currency.

    units    millionths of the major unit, of every currency
    errors   BadMoney for a value outside 64 bits or a bad currency code, CurrencyMismatch between two currencies
    """

    units: int
    currency: str

    def __post_init__(self) -> None:
        """Refuse what the database could not hold."""
        if not -UNITS_MAX <= self.units <= UNITS_MAX:
            raise BadMoney("an amount does not fit 64 bits")
        if self.currency not in _seen:
            if not _CURRENCY.match(self.currency):
                raise BadMoney("a currency is three capital letters (ISO 4217)")
            _seen.add(self.currency)

    @classmethod
    def zero(cls, currency: str) -> Self:
        """Nothing, of `currency`."""
        return cls(0, currency)

    @classmethod
    def from_wire(cls, wire: Mapping[str, str]) -> Self:
        """Read `{"amount": "12.34", "currency": "EUR"}`.

        errors   BadMoney where the amount is no decimal string with at most six decimals
        """
        amount, currency = wire.get("amount"), wire.get("currency")
        if not isinstance(amount, str) or not isinstance(currency, str):
            raise BadMoney("money is an object with the strings amount and currency")
        return cls(units_of(amount), currency)

    def to_wire(self) -> dict[str, str]:
        """Write the amount with at least two decimals, or as many as it needs."""
        return {"amount": decimal_text(self.units), "currency": self.currency}

    def __str__(self) -> str:
        """The amount and the currency, for people."""
        return f"{decimal_text(self.units)} {self.currency}"

    def __add__(self, other: Money) -> Money:
        """The exact sum."""
        return Money(self.units + self._same(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        """The exact difference."""
        return Money(self.units - self._same(other), self.currency)

    def __neg__(self) -> Money:
        """The same amount in the other direction."""
        return Money(-self.units, self.currency)

    def __lt__(self, other: Money) -> bool:
        """Whether this is less, in the same currency."""
        return self.units < self._same(other)

    def __le__(self, other: Money) -> bool:
        """Whether this is not more, in the same currency."""
        return self.units <= self._same(other)

    def to_coins(self, rounding: Rounding) -> int:
        """The amount in the currency's smallest coin, rounded once; what papers and banks count in."""
        return to_minor(self, rounding)

    def _same(self, other: Money) -> int:
        if other.currency != self.currency:
            raise CurrencyMismatch(f"{self.currency} met {other.currency}")
        return other.units


def units_of(amount: str) -> int:
    """Read a decimal string as millionths.

    errors   BadMoney
    """
    found = _AMOUNT.match(amount)
    if not found:
        raise BadMoney("an amount is a decimal string with at most six decimals, such as 12.34")
    sign, major, fraction = found.groups()
    units = int(major) * UNITS_PER_MAJOR + int((fraction or "").ljust(6, "0"))
    return -units if sign else units


def decimal_text(units: int) -> str:
    """Write millionths as a decimal string with two to six decimals."""
    major, rest = divmod(abs(units), UNITS_PER_MAJOR)
    fraction = f"{rest:06d}".rstrip("0").ljust(2, "0")
    return f"{'-' if units < 0 else ''}{major}.{fraction}"


def allocate(total: Money, weights: Sequence[int]) -> list[Money]:
    """Split `total` by `weights` so that the parts sum to it exactly.

    shapes   n weights >= 0, not all zero -> n parts
    units    parts in total's currency; |part - exact share| < 1 unit
    errors   BadWeights
    source   Hamilton's method; Balinski and Young 1982, chapter 3
    """
    return [Money(part, total.currency) for part in allocate_units(total.units, weights)]


def allocate_units(total: int, weights: Sequence[int]) -> list[int]:
    """Split a number of millionths as `allocate` splits money.

    errors   BadWeights
    """
    whole = sum(weights)
    if whole <= 0 or min(weights) < 0:
        raise BadWeights("weights are integers >= 0, at least one above 0")
    sign = -1 if total < 0 else 1
    shares = [divmod(abs(total) * weight, whole) for weight in weights]
    parts = [share for share, _ in shares]
    left = abs(total) - sum(parts)
    if left:
        # The sort is stable: of equal remainders the first goes first.
        for position in sorted(range(len(weights)), key=lambda i: -shares[i][1])[:left]:
            parts[position] += 1
    return [sign * part for part in parts]


def minor_digits(currency: str) -> int:
    """How many decimals the currency's smallest coin has."""
    return _MINOR_DIGITS.get(currency, 2)


def round_to_minor(money: Money, mode: Rounding) -> Money:
    """Round to what can be paid in `money.currency`; the caller books the residue."""
    return from_minor(to_minor(money, mode), money.currency)


def to_minor(money: Money, mode: Rounding) -> int:
    """The amount in the currency's smallest coin, rounded once by `mode`."""
    unit: int = 10 ** (6 - minor_digits(money.currency))
    whole, rest = divmod(abs(money.units), unit)
    if mode is Rounding.UP:
        whole += rest > 0
    elif mode is Rounding.HALF_EVEN:
        whole += 2 * rest > unit or (2 * rest == unit and whole % 2 == 1)
    return -whole if money.units < 0 else whole


def from_minor(amount: int, currency: str) -> Money:
    """Money from a number of smallest coins, as card networks count."""
    factor: int = 10 ** (6 - minor_digits(currency))
    return Money(amount * factor, currency)
