"""The columns of a statement: into which of them each movement falls, so that opening and all columns are the closing sum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID

from settlement import postings
from settlement.orders import Source
from settlement.recompute_columns import COLUMNS

# Older statements stay as they were issued; recompute_columns.py says what each version has.
VERSION = 2
_NAMES, _COLUMN_OF, _WENT_BACK = COLUMNS[VERSION]
_NOTHING: Mapping[Any, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Entry:
    """A posting on a payee's payable account that no statement explains yet."""

    journal_id: UUID
    line: int
    kind: str
    source_id: UUID
    amount: int
    effective_at: datetime


@dataclass(frozen=True, slots=True)
class Totals:
    """The sums of a statement: closing = opening + all the others.

    shapes   taxes: on shares under self-billing, and on the exchange's fees; holds: what was reserved, below zero, and what
             came back; withheld: tax that was kept for an office, below zero
    """

    opening: int
    sales: int = 0
    fees: int = 0
    shares: int = 0
    refunds: int = 0
    taxes: int = 0
    holds: int = 0
    withheld: int = 0
    payouts: int = 0
    adjustments: int = 0

    def said(self) -> dict[str, int]:
        """All of them by name, the opening sum first."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @property
    def closing(self) -> int:
        """What the payee has on account at the end."""
        return sum(self.said().values())


def totals(
    payee_id: UUID,
    opening: int,
    entries: Sequence[Entry],
    sources: Mapping[UUID, Source],
    whole: Mapping[UUID, int] = _NOTHING,
) -> Totals:
    """Sort a payee's postings into the columns of a statement.

    A seller's release is shown as the whole sale and the fees taken off it; another payee's is a share. What went back
    before the release is a refund, as is what went back after it.

    shapes   whole: the payee's share of each source before anything went back, where it is more than what was released
    """
    sums = dict.fromkeys(_NAMES, 0)
    for entry in entries:
        released = entry.kind == postings.RELEASE
        share = whole.get(entry.source_id, entry.amount) if released else entry.amount
        sums[_WENT_BACK] += entry.amount - share
        source = sources.get(entry.source_id) if released else None
        if source is not None and source.seller_id == payee_id:
            sums["sales"] += source.gross.units
            sums["fees"] += share - source.gross.units
        else:
            sums[_COLUMN_OF.get(entry.kind, "adjustments")] += share
    return Totals(opening, **sums)
