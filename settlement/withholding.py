"""Tax that is withheld from payouts: rules by pair of countries, certificates that lower them, and the arithmetic. Pure.

No rate is ours: the operator adopts a table of dated rules, each with its source. Under a table, a pair of countries
without a rule is not taxed at nothing: the payout waits. A rate of nothing is a rule.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from fractions import Fraction
from typing import Any
from uuid import UUID

from exchange.kernel.canonical import canonical
from exchange.kernel.money import Money, minor_digits

ABROAD = "abroad"
APPROVAL = "withholding-table"
_COUNTRY = re.compile(r"[A-Z]{2}")
_PLACES = 6


class BadRules(ValueError):
    """Rules that contradict themselves."""


class Income(StrEnum):
    """What a payee is paid for, in the eyes of the tax office: the use of its data, or work."""

    ROYALTY = "royalty"
    SERVICE = "service"


@dataclass(frozen=True, slots=True)
class Rule:
    """What is withheld from payments of one country to others, on the days when it holds, both ends included.

    shapes   payees: countries, or None: every other country than the payer's
    units    `rate` is a fraction of what is paid: 0.1 for 10 %; `valid_to` None: no end is known; `source_date`: of which
             day the text of the source is, as the operator says
    """

    payer: str
    payees: frozenset[str] | None
    income: Income
    rate: Decimal
    valid_from: date
    valid_to: date | None
    source: str
    source_date: date

    def holds(self, on: date) -> bool:
        """Whether it applies on that day."""
        return self.valid_from <= on and (self.valid_to is None or on <= self.valid_to)


@dataclass(frozen=True, slots=True)
class Certificate:
    """An office's paper that lowers what is withheld from a payee, on the days when it holds, both ends included."""

    id: UUID
    organisation_id: UUID
    payer: str
    income: Income
    rate: Decimal
    number: str
    valid_from: date
    valid_to: date

    def holds(self, on: date) -> bool:
        """Whether it counts on that day."""
        return self.valid_from <= on <= self.valid_to


@dataclass(frozen=True, slots=True)
class Withheld:
    """What a payout is, what is kept of it for an office, and what leaves; `certificate_id` where one lowered it."""

    gross: Money
    withheld: Money
    net: Money
    rate: Decimal
    rule: Rule
    certificate_id: UUID | None


@dataclass(frozen=True, slots=True)
class Rules:
    """A table as the operator adopts it: whose law, for what kind of income; a pair that no rule names has none.

    shapes   payer: two letters, or empty: nothing is withheld, which is a table too, so that it has its two persons
    """

    payer: str
    income: Income
    rules: tuple[Rule, ...]

    def find(self, payee: str, on: date) -> Rule | None:
        """The rule for a payment; one that names the payee's country goes before one for all abroad."""
        fits = [one for one in self.rules if one.holds(on)]
        named = next((one for one in fits if one.payees is not None and payee in one.payees), None)
        if named is not None or payee == self.payer or not _COUNTRY.fullmatch(payee):
            return named
        return next((one for one in fits if one.payees is None), None)


def withhold(gross: Money, rule: Rule, certificate: Certificate | None = None) -> Withheld:
    """What of a payout is withheld: the rule's rate, or the certificate's where that is lower.

    units    `gross` in whole coins, not below zero; rounded once, half to even, to whole coins
    """
    lowered = certificate is not None and certificate.rate < rule.rate
    rate = certificate.rate if certificate is not None and lowered else rule.rate
    coin: int = 10 ** (6 - minor_digits(gross.currency))
    if gross.units < 0 or gross.units % coin:
        raise ValueError("a payout is in whole coins and not below zero")
    kept = Money(round(Fraction(gross.units, coin) * Fraction(rate)) * coin, gross.currency)
    found = certificate.id if certificate is not None and lowered else None
    return Withheld(gross, kept, gross - kept, rate, rule, found)


def lowest(
    certificates: Sequence[Certificate], organisation_id: UUID, payer: str, income: Income, on: date
) -> Certificate | None:
    """The certificate that lowers most; of two alike the one that was recorded first."""
    fits = [
        one
        for one in certificates
        if (one.organisation_id, one.payer, one.income) == (organisation_id, payer, income) and one.holds(on)
    ]
    return min(fits, key=lambda one: (one.rate, one.id), default=None)


def load(document: Mapping[str, Any]) -> Rules:
    """Read a table and check that no payment has two rules.

    errors   BadRules
    """
    if (document["type"], document["v"]) != ("withholding_rules", 1):
        raise BadRules("no rules of withholding, or of a version we do not know")
    payer, income = document["payer"], Income(document["income"])
    rules = tuple(_rule(one, payer, income) for one in document["rules"])
    if payer and not _COUNTRY.fullmatch(payer):
        raise BadRules(f"a country is two capital letters: {payer}")
    if bool(payer) is not bool(rules):
        raise BadRules("a payer without rules holds every payout, and rules need a payer")
    for n, one in enumerate(rules):
        for other in rules[n + 1 :]:
            if _overlap(one, other):
                raise BadRules(f"two rules for one payment on one day: {one.source}; {other.source}")
    return Rules(payer, income, rules)


def written(rules: Mapping[str, Any]) -> bytes:
    """A table as it is kept and approved: canonical JSON of what `load` reads.

    errors   BadRules
    """
    document = {"type": "withholding_rules", "v": 1, **rules}
    load(document)
    return canonical(document)


def _rule(document: Mapping[str, Any], payer: str, income: Income) -> Rule:
    payees = document["payees"]
    try:
        rate = Decimal(document["percent"]).scaleb(-2)
        first, last = date.fromisoformat(document["from"]), document.get("to")
        end = None if last is None else date.fromisoformat(last)
        stated = date.fromisoformat(document["source_date"])
    except (InvalidOperation, ValueError) as error:
        raise BadRules(f"no rate or no day: {error}") from error
    countries = None if payees == ABROAD else frozenset(payees)
    if countries is not None and not (countries and all(_COUNTRY.fullmatch(one) for one in countries)):
        raise BadRules(f"countries are two capital letters: {sorted(countries)}")
    if not 0 <= rate < 1 or rate != round(rate, _PLACES):
        raise BadRules(f"a rate lies between 0 and 100 percent and has at most four places: {document['percent']}")
    source = document["source"].strip()
    if (end is not None and end < first) or not source:
        raise BadRules(f"a rule ends before it begins, or has no source: from {first}")
    return Rule(payer, countries, income, rate, first, end, source, stated)


def _overlap(one: Rule, other: Rule) -> bool:
    if (one.payees is None) is not (other.payees is None) or not (
        one.payees is None or other.payees is None or one.payees & other.payees
    ):
        return False
    return one.valid_from <= (other.valid_to or date.max) and other.valid_from <= (one.valid_to or date.max)
