"""Minimum guarantees: what a payee is short of in each month that is over, who pays it, and what is taken back later. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class Guarantor(StrEnum):
    """Who pays what a month's sales do not."""

    SUPPLIER = "supplier"
    PLATFORM = "platform"


@dataclass(frozen=True, slots=True)
class Promise:
    """A step of a version of a rule that guarantees a payee an amount of each month.

    units    millionths
    """

    rule_id: UUID
    step: str
    supplier_id: UUID
    organisation_id: UUID
    guarantor: Guarantor
    amount: int
    recouped: bool
    currency: str


@dataclass(frozen=True, slots=True)
class Month:
    """What one month promised a payee and what the rule's steps per month gave it."""

    period: str
    promised: int
    got: int
    recouped: bool


@dataclass(frozen=True, slots=True)
class TopUp:
    """What the guarantor owes of one month in all: below zero where an earlier top-up is earned back.

    units    millionths; `outstanding` is what was topped up in the months before and not earned back
    """

    month: Month
    outstanding: int
    cumulative: int


def topped_up(months: Sequence[Month]) -> list[TopUp]:
    """What each month's guarantee comes to, from all months that are over, in their order.

    A month that gave less than was promised is topped up. One that gave more earns back, where the rule says so, what is
    outstanding. It is a function of what the months gave, so late sales and refunds come out right whenever they come.
    """
    found: list[TopUp] = []
    outstanding = 0
    for month in months:
        cumulative = due(month.promised, month.got, outstanding, recouped=month.recouped)
        found.append(TopUp(month, outstanding, cumulative))
        outstanding += cumulative
    return found


def due(promised: int, got: int, outstanding: int, *, recouped: bool) -> int:
    """What a guarantor pays for one month, or gets back.

    units    millionths; what went back beyond what came in is not made good
    """
    short = promised - max(got, 0)
    if short > 0:
        return short
    return -min(outstanding, -short) if recouped else 0
