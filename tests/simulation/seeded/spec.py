"""What a seed's market is made of and what was accepted in it, in plain numbers: shared by the market and its auditor.

Money is whole millionths, parties have names, times are datetimes. Nothing here knows the exchange.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

EXCHANGE = "exchange"
MILLION = 1_000_000


@dataclass(frozen=True)
class Step:
    """One step of a split rule: op, what it takes, over what it counts, and who gets it.

    units    percent in millionths of a percent; amount in millionths
    """

    name: str
    op: str
    per: str
    payee: str
    percent: int = 0
    amount: int = 0
    bands: tuple[tuple[int | None, int], ...] = ()


@dataclass(frozen=True)
class Offer:
    """What is sold: `once` at a price, `metered` by tiers over the whole agreement, `monthly` in advance by a fee.

    shapes   shares in the order of roles (suppliers, brokers, assessors, the exchange); tiers: (up to, price of one)
    """

    name: str
    seller: str
    currency: str
    kind: str
    price: int = 0
    tiers: tuple[tuple[int | None, int], ...] = ()
    shares: tuple[tuple[str, str, int], ...] = ()
    rule: tuple[Step, ...] = ()


@dataclass(frozen=True)
class Bought:
    """A paid order."""

    order: str
    offer: str
    buyer: str
    units: int
    rail: str  # wallet, or stripe where a card paid
    at: datetime


@dataclass(frozen=True)
class Used:
    """One event of use that was taken in."""

    event: str
    order: str
    quantity: int


@dataclass(frozen=True)
class Moved:
    """Money that moved between two accounts for a reason of its own: (party, kind of account) each."""

    what: str
    currency: str
    units: int
    source: tuple[str, str]
    target: tuple[str, str]


@dataclass(frozen=True)
class Refunded:
    """Money that went back of an order or of a charge, by id."""

    source: str
    units: int


@dataclass(frozen=True)
class Converted:
    """Money that became another currency, by the rate that was asked for."""

    party: str
    account: str
    sold: str
    units: int
    bought: str
    rate: str


Fact = Bought | Used | Moved | Refunded | Converted


@dataclass
class Accepted:
    """Everything that was accepted, once each: by the name of its input."""

    facts: dict[str, tuple[Fact, ...]] = field(default_factory=dict)

    def all(self) -> list[Fact]:
        """All facts, in the order in which they were told."""
        return [fact for facts in self.facts.values() for fact in facts]


@dataclass
class Market:
    """The parties and offers that a seed drew."""

    sellers: tuple[str, ...]
    brokers: tuple[str, ...]
    buyers: tuple[str, ...]
    offers: dict[str, Offer]
    introduced: dict[tuple[str, str], tuple[str, int]] = field(default_factory=dict)

    @property
    def parties(self) -> tuple[str, ...]:
        """Everybody."""
        return (*self.sellers, *self.brokers, *self.buyers)
