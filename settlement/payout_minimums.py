"""How little is paid out: the least payout by currency and rail. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from exchange.kernel.money import Money, units_of
from settlement.payouts import Rail

DECEMBER = 12
_MINIMUM = re.compile(r"([A-Z]{3}):([a-z]+):([0-9]+(?:\.[0-9]{1,6})?)")


class BadMinimums(ValueError):
    """A list of minimums that cannot be read."""


@dataclass(frozen=True, slots=True)
class Minimums:
    """The least payouts.

    units    in millionths, by currency and rail
    """

    least: Mapping[tuple[str, Rail], int] = field(default_factory=dict)

    def small(self, amount: Money, rail: Rail, on: date) -> bool:
        """Whether a payout is too small to be made now; in December everything is paid."""
        return on.month != DECEMBER and amount.units < self.least.get((amount.currency, rail), 0)


def minimums_of(text: str) -> Minimums:
    """The minimums as the setting says them: `EUR:stripe:25,CNY:bank:100`.

    errors   BadMinimums
    """
    found: dict[tuple[str, Rail], int] = {}
    for part in filter(None, (one.strip() for one in text.split(","))):
        read = _MINIMUM.fullmatch(part)
        if read is None or read[2] not in tuple(Rail):
            raise BadMinimums(f"no minimum of a payout: {part}")
        if (read[1], Rail(read[2])) in found:
            raise BadMinimums(f"two minimums for {read[1]} by {read[2]}")
        found[read[1], Rail(read[2])] = units_of(read[3])
    return Minimums(found)


NONE = Minimums()
