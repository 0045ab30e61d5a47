"""The table of tax rates: which rate each country asks for what, from which day to which, and where that is written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from importlib import resources
from typing import Any

from exchange.kernel.text import Text

_DAY = timedelta(days=1)


class BadTable(ValueError):
    """A rate table that contradicts itself: a defect, since it comes with the program."""


class Code(StrEnum):
    """How a sale is taxed."""

    STANDARD = "standard"
    REDUCED = "reduced"
    ZERO = "zero"
    REVERSE_CHARGE = "reverse_charge"
    EXEMPT = "exempt"
    OUTSIDE_SCOPE = "outside_scope"
    NOT_REGISTERED = "not_registered"


@dataclass(frozen=True, slots=True)
class Rate:
    """One rate and the days on which it holds, both ends included.

    units    `rate` is a fraction of the net price: 0.19 for 19 %; `valid_to` None: no end is known
    """

    category: str
    code: Code
    rate: Decimal
    valid_from: date
    valid_to: date | None
    source: str

    def holds(self, on: date) -> bool:
        """Whether the rate applies on that day."""
        return self.valid_from <= on and (self.valid_to is None or on <= self.valid_to)


@dataclass(frozen=True, slots=True)
class Country:
    """A country or region with a tax law of its own.

    shapes   `eu`: first and last day as a member state; `no_tax`: why there is none; `export`: the code of sales abroad
    """

    code: str
    name: Text
    tax: Text
    eu: tuple[date, date | None] | None
    export: tuple[Code, str] | None
    no_tax: tuple[Text, str] | None
    rates: Mapping[str, tuple[Rate, ...]]

    def in_eu(self, on: date) -> bool:
        """Whether it is an EU member state on that day (for the VAT area; the United Kingdom left it with 2020)."""
        return self.eu is not None and self.eu[0] <= on and (self.eu[1] is None or on <= self.eu[1])

    def rate(self, category: str, on: date) -> Rate | None:
        """The rate for a category on a day; None when the table has none."""
        return next((one for one in self.rates.get(category, ()) if one.holds(on)), None)


@dataclass(frozen=True, slots=True, eq=False)
class RateTable:
    """All countries we know rates of. A country that is not here has no rate, not a rate of zero."""

    as_of: date
    categories: Mapping[str, Text]
    aliases: Mapping[str, str]
    countries: Mapping[str, Country]

    def find(self, country: str) -> Country | None:
        """The country whose tax law holds there: France's in Monaco."""
        return self.countries.get(self.aliases.get(country, country))


def load(document: Mapping[str, Any]) -> RateTable:
    """Read a rate table and check that no day has two rates for the same thing.

    errors   BadTable
    """
    if (document["type"], document["v"]) != ("tax_rates", 1):
        raise BadTable("not a rate table, or of a version we do not know")
    categories = {name: Text(**words) for name, words in document["categories"].items()}
    countries = {code: _country(code, one, categories) for code, one in document["countries"].items()}
    aliases: dict[str, str] = document["aliases"]
    if set(aliases) & set(countries) or not set(aliases.values()) <= set(countries):
        raise BadTable("an alias stands for a country of the table and is none itself")
    return RateTable(date.fromisoformat(document["as_of"]), categories, aliases, countries)


def _country(code: str, document: Mapping[str, Any], categories: Mapping[str, Text]) -> Country:
    eu, export, no_tax = document.get("eu"), document.get("export"), document.get("no_tax")
    rates: dict[str, tuple[Rate, ...]] = {}
    for one in map(_rate, document["rates"]):
        earlier = rates.get(one.category, ())
        if one.category not in categories:
            raise BadTable(f"{code}: {one.category} is no category of this table")
        if earlier and (earlier[-1].valid_to is None or one.valid_from != earlier[-1].valid_to + _DAY):
            raise BadTable(f"{code}: the rate from {one.valid_from} does not follow the one before it day by day")
        rates[one.category] = (*earlier, one)
    if (no_tax is None) is not bool(rates) or (no_tax is None) is not (export is not None):
        raise BadTable(f"{code}: either rates and a rule for sales abroad, or the reason why there is no tax")
    return Country(
        code,
        Text(**document["name"]),
        Text(**document["tax"]),
        (date.fromisoformat(eu["from"]), _day(eu.get("to"))) if eu else None,
        (_export(code, export["code"]), export["source"]) if export else None,
        (Text(**no_tax["note"]), no_tax["source"]) if no_tax else None,
        rates,
    )


def _rate(document: Mapping[str, Any]) -> Rate:
    rate, code = Decimal(document["percent"]).scaleb(-2), Code(document["code"])
    first, last = date.fromisoformat(document["from"]), _day(document.get("to"))
    if code not in (Code.STANDARD, Code.REDUCED, Code.ZERO) or (rate == 0) is not (code is Code.ZERO):
        raise BadTable(f"a rate is standard or reduced, or zero and nothing, not {code} of {rate}")
    if not 0 <= rate < 1 or (last is not None and last < first):
        raise BadTable(f"no rate and no stretch of time: {rate} from {first} to {last}")
    return Rate(document["category"], code, rate, first, last, document["source"])


def _export(country: str, code: str) -> Code:
    if code not in (Code.ZERO, Code.OUTSIDE_SCOPE):
        raise BadTable(f"{country}: sales abroad are zero rated or outside the scope, not {code}")
    return Code(code)


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


RATES = load(json.loads(resources.files("pricing").joinpath("tax_rates.json").read_text(encoding="utf-8")))
