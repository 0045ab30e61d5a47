"""The proof of clients' money: the ledger against what others say lies at each place, and clients' money against all of it. Pure.

A difference has a name each, or it is a difference: what the provider moved and we have not booked, what we booked and
the provider has not moved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any

from exchange.kernel.canonical import canonical
from exchange.kernel.money import Money
from settlement.accounts import AccountKind

# What clients own, or an office: none of it is the exchange's.
CLIENTS = (
    AccountKind.WALLET,
    AccountKind.HELD,
    AccountKind.PENDING,
    AccountKind.PAYABLE,
    AccountKind.IN_TRANSIT,
    AccountKind.SUSPENSE,
    AccountKind.CLEARING,
    AccountKind.POOL,
    AccountKind.WITHHELD,
    AccountKind.TAX,
)
# Where money lies or is on its way; the first two are stated by somebody else.
PLACES = (AccountKind.STRIPE, AccountKind.BANK, AccountKind.SWEEP, AccountKind.RESERVE, AccountKind.DISPUTED)
STATED = (AccountKind.STRIPE, AccountKind.BANK)
# What others owe. Buyers' debts are waited for by the shares of what they bought; the others' were paid out of the exchange's own.
OWED = (AccountKind.RECEIVABLE, AccountKind.CREDIT, AccountKind.ADVANCE, AccountKind.DEBT)
LENT = (AccountKind.ADVANCE, AccountKind.DEBT)
# What is left is the exchange's own.
OWN = (
    AccountKind.REVENUE,
    AccountKind.FEES,
    AccountKind.ROUNDING,
    AccountKind.INPUT_TAX,
    AccountKind.CONVERSION,
)
SHOWN_MAX = 500


class Side(StrEnum):
    """Who has it and who does not."""

    THEIRS = "theirs"
    OURS = "ours"


@dataclass(frozen=True, slots=True)
class Stated:
    """What somebody outside says lies at a place, and since when we know."""

    place: AccountKind
    money: Money
    at: datetime
    source: str
    known_at: datetime


@dataclass(frozen=True, slots=True)
class TimingItem:
    """One side has it, the other not yet: a movement (txn_...) or a journal (jnl_...).

    units    above zero: there is more by it
    """

    side: Side
    ref: str
    kind: str
    units: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Timing:
    """All of one side: how many they are, what they come to, and the oldest of them."""

    count: int = 0
    units: int = 0
    shown: tuple[TimingItem, ...] = ()


@dataclass(frozen=True, slots=True)
class PlaceProof:
    """One place: what the ledger says, what is stated, and what stands between, by name."""

    place: AccountKind
    ledger: Money
    stated: Stated | None
    theirs: Timing = field(default_factory=Timing)
    ours: Timing = field(default_factory=Timing)

    @property
    def difference(self) -> int:
        """What nothing explains; 0 where nobody states anything.

        units    above zero: more is there than the books and what stands between say
        """
        if self.stated is None:
            return 0
        return self.stated.money.units - (self.ledger.units + self.theirs.units - self.ours.units)


@dataclass(frozen=True, slots=True)
class Unbacked:
    """What the books count as the exchange's own, and no money stands behind.

    units    `unpaid` is revenue of what buyers have not paid yet, `lost` what chargebacks took and nobody gave
    """

    unpaid: int = 0
    lost: int = 0


@dataclass(frozen=True, slots=True)
class Proof:
    """One currency on one day.

    What lies at the places is what clients are owed, plus the exchange's own, less what others owe. Shares of what a buyer has
    not paid wait and need no money; so the exchange's own money is what is left of revenue, fees and the like, less
    what it lent (debts, advances), revenue that nobody has paid yet, and chargebacks that are lost and not covered.

    units    `sums` is the ledger by kind in its own sign
    """

    day: date
    currency: str
    at: datetime
    sums: Mapping[AccountKind, int]
    places: Sequence[PlaceProof]
    unbacked: Unbacked = field(default_factory=Unbacked)

    @property
    def difference(self) -> int:
        """What nothing explains, of all places, without its sign."""
        return sum(abs(one.difference) for one in self.places)

    @property
    def own(self) -> int:
        """What of the money at these places is the exchange's; below zero where clients' money is missing.

        What went out and nobody has explained is taken to be lost until somebody has.
        """
        booked = sum(self.sums.get(kind, 0) for kind in (*OWN, *LENT)) + min(0, self.sums.get(AccountKind.SUSPENSE, 0))
        return booked - self.unbacked.unpaid - self.unbacked.lost

    @property
    def short(self) -> int:
        """How much of clients' money is not there."""
        return max(0, -self.own)

    @property
    def complete(self) -> bool:
        """Whether somebody stated what lies at each place where something does."""
        return all(one.stated is not None or not one.ledger.units for one in self.places)

    def document(self) -> bytes:
        """The proof as canonical bytes."""

        def wire(units: int) -> str:
            return Money(units, self.currency).to_wire()["amount"]

        return canonical(
            {
                "type": "money-proof",
                "v": 1,
                "day": self.day.isoformat(),
                "currency": self.currency,
                "at": _time(self.at),
                "places": [_place(one, wire) for one in self.places],
                "between": {kind.value: wire(-self.sums.get(kind, 0)) for kind in PLACES if kind not in STATED},
                "clients": {kind.value: wire(self.sums.get(kind, 0)) for kind in CLIENTS},
                "owed": {kind.value: wire(-self.sums.get(kind, 0)) for kind in OWED},
                "own": {kind.value: wire(self.sums.get(kind, 0)) for kind in OWN},
                "unbacked": {"unpaid": wire(self.unbacked.unpaid), "lost": wire(self.unbacked.lost)},
                "own_total": wire(self.own),
                "short": wire(self.short),
                "difference": wire(self.difference),
                "complete": self.complete,
            }
        )


def _place(one: PlaceProof, wire: Any) -> dict[str, Any]:
    stated = one.stated
    return {
        "place": one.place.value,
        "ledger": wire(one.ledger.units),
        "stated": None
        if stated is None
        else {"amount": wire(stated.money.units), "at": _time(stated.at), "source": stated.source},
        "theirs": _timing(one.theirs, wire),
        "ours": _timing(one.ours, wire),
        "difference": wire(one.difference),
    }


def _timing(timing: Timing, wire: Any) -> dict[str, Any]:
    return {
        "count": timing.count,
        "amount": wire(timing.units),
        "oldest": [
            {"ref": one.ref, "kind": one.kind, "amount": wire(one.units), "at": _time(one.at)} for one in timing.shown
        ],
    }


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
