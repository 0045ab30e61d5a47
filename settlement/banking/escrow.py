"""What a supervising bank is told of escrow: which orders' money it has to hold, and what is to move there or back. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from exchange.kernel import ids
from exchange.kernel.money import Money

_COLUMNS = ("line", "order", "milestone", "buyer", "seller", "amount", "currency", "until")


@dataclass(frozen=True, slots=True)
class Reserved:
    """Money that is reserved for a milestone, by a hold on the buyer's wallet."""

    order_id: UUID
    milestone: str
    buyer_id: UUID
    seller_id: UUID
    amount: Money
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Instruction:
    """All that is reserved in a currency, against what the bank last stated it holds.

    units    `to_move` above zero goes to the escrow account, below zero comes back to the clients' account
    """

    at: datetime
    stated: Money
    reserved: Sequence[Reserved]

    @property
    def held(self) -> Money:
        """The sum of what is reserved."""
        return Money(sum(one.amount.units for one in self.reserved), self.stated.currency)

    @property
    def to_move(self) -> Money:
        """What is missing at the bank, or too much there."""
        return self.held - self.stated


def instruction_csv(wanted: Instruction) -> bytes:
    """The instruction as a table: the reserved sums, their total, what the bank stated, and what is to move."""
    out = io.StringIO(newline="")
    rows = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    rows.writerow(_COLUMNS)
    for one in wanted.reserved:
        until = one.until.isoformat() if one.until else ""
        sides = ids.text("org", one.buyer_id), ids.text("org", one.seller_id)
        rows.writerow(["hold", ids.text("ord", one.order_id), one.milestone, *sides, *_cells(one.amount), until])
    for name, money in (("held", wanted.held), ("stated", wanted.stated), ("move", wanted.to_move)):
        rows.writerow([name, "", "", "", "", *_cells(money), wanted.at.isoformat()])
    return out.getvalue().encode("utf-8-sig")


def _cells(money: Money) -> tuple[str, str]:
    wire = money.to_wire()
    return wire["amount"], wire["currency"]
