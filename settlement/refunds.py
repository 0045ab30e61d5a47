"""Refunds: how much of what was paid goes back, and how much of it each payee gives. Path-independent, by whole units.

Whatever the sizes and the order of partial refunds, the parts that were given back are a function of their sum alone;
when the sum is all that was paid, every payee has given back exactly what it got.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from typing import Any
from uuid import UUID

from exchange.kernel import ids
from exchange.kernel.money import Money, decimal_text
from exchange.kernel.text import LocaleMap
from settlement.accounts import AccountKey, AccountKind, debt, payable

# Whoever pays stands on these accounts; all other lines of a sale say who got it.
_PAYERS = frozenset({AccountKind.WALLET, AccountKind.RECEIVABLE, AccountKind.CREDIT, AccountKind.STRIPE})


class BadRefund(ValueError):
    """A refund of nothing, or of more than was paid: a defect, as flows refuse both first."""


class Reason(StrEnum):
    """Why money goes back; the list is closed, so that it can be counted."""

    REJECTED = "rejected"
    GOODWILL = "goodwill"
    DUPLICATE = "duplicate"
    NOT_DELIVERED = "not_delivered"
    DEFECT = "defect"
    WRONG_CHARGE = "wrong_charge"
    REVOKED = "revoked"
    BREACH = "breach"
    CHARGEBACK = "chargeback"
    OTHER = "other"


REASONS: Mapping[Reason, LocaleMap] = {
    Reason.REJECTED: {"en": "the delivery was rejected", "zh": "验收被拒"},
    Reason.GOODWILL: {"en": "goodwill", "zh": "善意退款"},
    Reason.DUPLICATE: {"en": "bought twice", "zh": "重复购买"},
    Reason.NOT_DELIVERED: {"en": "not delivered", "zh": "未交付"},
    Reason.DEFECT: {"en": "the data have a defect", "zh": "数据存在缺陷"},
    Reason.WRONG_CHARGE: {"en": "wrongly charged", "zh": "计费有误"},
    Reason.REVOKED: {"en": "data that were paid for were revoked", "zh": "已付费的数据被撤回"},
    Reason.BREACH: {"en": "a promised level was not kept", "zh": "未达到承诺的水平"},
    Reason.CHARGEBACK: {"en": "the payer's bank took the money back", "zh": "付款方银行拒付追回"},
    Reason.OTHER: {"en": "another reason", "zh": "其他原因"},
}


@dataclass(frozen=True, slots=True)
class Paid:
    """What was paid for one order or charge and who got it, by account, in the order of the journal's lines.

    units    millionths; `parts` sum to what was paid; those below zero (a fraction of a coin) were given, not got
    """

    currency: str
    parts: tuple[tuple[AccountKey, int], ...]

    @property
    def units(self) -> int:
        """All that was paid."""
        return sum(units for _, units in self.parts)


@dataclass(frozen=True, slots=True)
class Refund:
    """A refund that was made: the `number`-th of its order or charge, `cumulative` of `paid` gone back with it.

    shapes   source_kind order | charge; cause: what brought it about, once per cause and source; made_by None: a rule
    units    `tax_units` are the millionths of `amount` that are tax; `receivable_units` those that only made a debt smaller
    """

    id: UUID
    source_kind: str
    source_id: UUID
    order_id: UUID
    buyer_id: UUID
    seller_id: UUID
    number: int
    amount: Money
    cumulative_units: int
    paid_units: int
    tax_units: int
    receivable_units: int
    reason: Reason
    explanation: Mapping[str, Any]
    created_at: datetime
    cause_id: UUID | None = None
    made_by: UUID | None = None

    @property
    def full(self) -> bool:
        """Whether nothing is left to give back."""
        return self.cumulative_units == self.paid_units

    @property
    def net(self) -> Money:
        """The refund without the tax in it: what the next invoice or credit note takes off."""
        return Money(self.amount.units - self.tax_units, self.amount.currency)


@dataclass(frozen=True, slots=True)
class GivenBack:
    """A refund with what was paid: all that a payee needs to work out its part again."""

    refund: Refund
    paid: Paid

    def line(self, payee_id: UUID, amount: int) -> dict[str, Any]:
        """What a statement says of a payee's part: parts of the sale, which are its own, and the sums before and after.

        shapes   amounts as decimal strings; `own` counts the parts from 0; `taken` = what `reversed_units` gives for the
                 own parts after less before; `owed` is what of it was not there and became debt
        units    `amount` is the posting on the payee's account, below zero
        """
        one, currency = self.refund, self.paid.currency
        before = one.cumulative_units - one.amount.units
        own = [
            n
            for n, (account, _) in enumerate(self.paid.parts)
            if account.organisation_id == payee_id and account.kind is AccountKind.PENDING
        ]
        weights = [units for _, units in self.paid.parts]
        earlier, now = reversed_units(weights, before), reversed_units(weights, one.cumulative_units)
        taken = sum(now[n] - earlier[n] for n in own)
        return {
            "source": ids.text("rfd", one.id),
            "of": ids.text("ord" if one.source_kind == "order" else "chg", one.source_id),
            "before": Money(before, currency).to_wire(),
            "after": Money(one.cumulative_units, currency).to_wire(),
            "parts": [decimal_text(units) for units in weights],
            "own": [str(n) for n in own],
            "taken": Money(taken, currency).to_wire(),
            "owed": Money(taken + amount, currency).to_wire(),
        }


def paid_by(lines: Sequence[tuple[AccountKey, int]]) -> Paid:
    """Who got what of a sale, from the lines of its journal.

    shapes   (account, amount) of each line, in order; an account that stands there twice counts once
    """
    sums: dict[AccountKey, int] = {}
    for account, amount in lines:
        if account.kind not in _PAYERS:
            sums[account] = sums.get(account, 0) + amount
    return Paid(lines[0][0].currency, tuple((account, units) for account, units in sums.items() if units))


def reversed_units(weights: Sequence[int], cumulative: int) -> list[int]:
    """How much of each part of a sale has gone back once `cumulative` of the whole has.

    Non-decreasing in `cumulative` for each part, so no refund ever gives a payee anything; all of it at the end.

    shapes   n weights, their sum above zero -> n parts that sum to `cumulative`; a part has the sign of its weight
    units    millionths; every part lies between nothing and its weight
    errors   BadRefund for less than nothing or more than the whole
    source   Webster's method (Sainte-Lague), which is house monotone: Balinski and Young 1982, chapters 3 and 5
    """
    whole = sum(weights)
    if whole <= 0 or not 0 <= cumulative <= whole:
        raise BadRefund(f"{cumulative} of {whole}")
    # What was given along with the sale (weights below zero) comes back in proportion, rounded down.
    given = -sum(weight for weight in weights if weight < 0)
    back = given * cumulative // whole
    got = _webster([max(weight, 0) for weight in weights], cumulative + back)
    returned = _webster([max(-weight, 0) for weight in weights], back)
    return [plus - minus for plus, minus in zip(got, returned, strict=True)]


def _webster(weights: Sequence[int], seats: int) -> list[int]:
    """Divisor method of odd numbers: start at the rounded quotas, then add or take unit by unit, ties to the first."""
    whole = sum(weights)
    if not seats:
        return [0] * len(weights)
    parts = [(2 * weight * seats + whole) // (2 * whole) for weight in weights]
    indexes = [n for n, weight in enumerate(weights) if weight]
    while (left := seats - sum(parts)) != 0:
        if left > 0:
            best = max(indexes, key=lambda n: (Fraction(weights[n], 2 * parts[n] + 1), -n))
            parts[best] += 1
        else:
            worst = min((n for n in indexes if parts[n]), key=lambda n: (Fraction(weights[n], 2 * parts[n] - 1), -n))
            parts[worst] -= 1
    return parts


def step(paid: Paid, before: int, amount: int) -> list[tuple[AccountKey, int]]:
    """What each account gives back in the step from `before` to `before + amount` refunded.

    shapes   accounts that give nothing are left out
    errors   BadRefund
    """
    if amount <= 0:
        raise BadRefund(f"a refund of {amount}")
    weights = [units for _, units in paid.parts]
    earlier, now = reversed_units(weights, before), reversed_units(weights, before + amount)
    given = [(account, b - a) for (account, _), a, b in zip(paid.parts, earlier, now, strict=True)]
    return [(account, units) for account, units in given if units]


def taken_from(
    given: Sequence[tuple[AccountKey, int]], released: bool, available: Mapping[AccountKey, int]
) -> list[tuple[AccountKey, int]]:
    """From which accounts a step is taken: pending while it waits there, else payable, and what is not there is owed.

    shapes   available: what each payable account holds; signs as in `given`: above zero is taken
    units    millionths; nothing is ever taken from payable beyond what it holds
    """
    found: list[tuple[AccountKey, int]] = []
    left = {key: max(units, 0) for key, units in available.items()}
    for account, units in given:
        if account.kind is not AccountKind.PENDING or not released:
            found.append((account, units))
            continue
        assert account.organisation_id is not None
        key = payable(account.organisation_id, account.currency)
        there = min(units, left.get(key, 0))
        left[key] = left.get(key, 0) - there
        owed = debt(account.organisation_id, account.currency)
        found += [(one, part) for one, part in ((key, there), (owed, units - there)) if part]
    return found


def tax_in(paid: Paid, tax_units: int, before: int, amount: int) -> int:
    """How much of a step is tax; all steps of a full refund sum to the tax that was paid.

    units    millionths; `tax_units` of what was paid are tax, and more may stand on that account as a share
    """
    weights = [units for _, units in paid.parts]
    booked = sum(units for account, units in paid.parts if account.kind is AccountKind.TAX)
    if not tax_units or booked <= 0:
        return 0

    def gone(cumulative: int) -> int:
        parts = reversed_units(weights, cumulative)
        on_account = sum(
            part for part, (account, _) in zip(parts, paid.parts, strict=True) if account.kind is AccountKind.TAX
        )
        return on_account * tax_units // booked

    return gone(before + amount) - gone(before)


def after_start(ends_at: datetime, starts_at: datetime) -> datetime:
    """When a use that began at `starts_at` can end at the earliest, if it is to end at `ends_at`."""
    return max(ends_at, starts_at + timedelta(microseconds=1))


def prorated(paid_units: int, parts: Sequence[tuple[int, int]]) -> int:
    """A fraction of what was paid, several fractions one after the other, rounded down once at the end.

    shapes   (numerator, denominator), each between nothing and the whole
    units    millionths
    errors   BadRefund for a fraction outside
    """
    share = Fraction(1)
    for numerator, denominator in parts:
        if denominator <= 0 or not 0 <= numerator <= denominator:
            raise BadRefund(f"{numerator}/{denominator}")
        share *= Fraction(numerator, denominator)
    return int(paid_units * share)


# A licence without end is written off in a straight line over three years of 365 days.
UNENDING = timedelta(days=3 * 365)


@dataclass(frozen=True, slots=True)
class Revoked:
    """What of a sale was revoked, when: the parts of the rule `revocation-v1`.

    shapes   ends_at None: a licence without end
    units    `once_units` of `price_units` were paid once and for all; bytes of the revision that was bought
    """

    starts_at: datetime
    ends_at: datetime | None
    at: datetime
    once_units: int
    price_units: int
    bytes_revoked: int
    bytes_all: int

    @property
    def whole(self) -> bool:
        """Whether nothing of the data is left."""
        return self.bytes_revoked == self.bytes_all

    def credit(self, paid: Money) -> tuple[int, dict[str, Any]]:
        """What goes back of what is still paid: what was paid once, for the time that is left, for the bytes that went.

        What a plan charges by time or use is not in it: where the use ends, the next settlement gives that back itself.

        shapes   millionths, and the arithmetic that `recompute` repeats
        """
        until = self.starts_at + UNENDING if self.ends_at is None else self.ends_at
        at = min(max(self.at, self.starts_at), until)
        time = (int((until - at).total_seconds()), int((until - self.starts_at).total_seconds()))
        parts = {
            "once": (self.once_units, self.price_units),
            "seconds": time,
            "bytes": (self.bytes_revoked, self.bytes_all),
        }
        units = prorated(paid.units, list(parts.values())) if all(below for _, below in parts.values()) else 0
        said = {
            "rule": "revocation-v1",
            "paid": paid.to_wire(),
            "starts_at": _instant(self.starts_at),
            "revoked_at": _instant(at),
            "until": _instant(until),
            "parts": {name: [str(above), str(below)] for name, (above, below) in parts.items()},
            "amount": Money(units, paid.currency).to_wire(),
        }
        return units, said


def recompute(said: Mapping[str, Any]) -> Money:
    """Work out a credit once more from its explanation alone.

    errors   BadRefund, BadMoney
    """
    paid = Money.from_wire(said["paid"])
    parts = [(int(above), int(below)) for above, below in said["parts"].values()]
    return Money(prorated(paid.units, parts), paid.currency)


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
