"""What a statement's line of the incentive pool, or of a minimum guarantee, shows beside its amount. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from exchange.kernel import ids
from exchange.kernel.money import decimal_text
from settlement.guarantees import Guarantor
from settlement.pools import PoolPart


class Given(Protocol):
    """One supplier's part of a month's pool."""

    @property
    def distribution_id(self) -> UUID:
        """The month that was given."""

    @property
    def policy_id(self) -> UUID:
        """By which policy."""

    @property
    def month(self) -> str:
        """Such as 2026-01."""

    @property
    def part(self) -> PoolPart:
        """Its weight, and what that makes."""

    @property
    def total(self) -> int:
        """What was shared."""

    @property
    def whole(self) -> int:
        """The sum of all weights."""


class Made(Protocol):
    """One booking of a guarantee."""

    @property
    def id(self) -> UUID:
        """Its id."""

    @property
    def rule_id(self) -> UUID:
        """The version of the rule that promised."""

    @property
    def step(self) -> str:
        """Its step."""

    @property
    def period(self) -> str:
        """The month."""

    @property
    def supplier_id(self) -> UUID:
        """Whose rule it is."""

    @property
    def organisation_id(self) -> UUID:
        """The payee."""

    @property
    def guarantor(self) -> Guarantor:
        """Who pays."""

    @property
    def recouped(self) -> bool:
        """Whether good months pay back."""

    @property
    def promised(self) -> int:
        """What was promised."""

    @property
    def got(self) -> int:
        """What the month gave."""

    @property
    def outstanding(self) -> int:
        """What was topped up in months before."""

    @property
    def cumulative(self) -> int:
        """What the month comes to."""

    @property
    def amount(self) -> int:
        """What was booked of that now."""

    @property
    def owed(self) -> int:
        """What whoever gives had not."""

    @property
    def created_at(self) -> datetime:
        """When."""


def pool_line(one: Given) -> dict[str, Any]:
    """The supplier's weight among all, and what all shared: its own numbers give its amount again."""
    return {
        "source": ids.text("pds", one.distribution_id),
        "policy": ids.text("ppl", one.policy_id),
        "period": one.month,
        "shared": decimal_text(one.total),
        "weight": str(one.part.weight),
        "before": str(one.part.before),
        "weights": str(one.whole),
    }


def guarantee_line(payee_id: UUID, one: Made) -> dict[str, Any]:
    """What a month promised and gave, what it comes to, and what was booked of that now."""
    # Below zero the payee gives; what the side that gives had not, it owes.
    gives = one.organisation_id if one.amount < 0 else one.supplier_id
    return {
        "source": ids.text("gua", one.id),
        "rule": ids.text("rul", one.rule_id),
        "step": one.step,
        "period": one.period,
        "side": "payee" if one.organisation_id == payee_id else "guarantor",
        "guaranteed_by": one.guarantor.value,
        "promised": decimal_text(one.promised),
        "got": decimal_text(one.got),
        "recouped": one.recouped,
        "outstanding": decimal_text(one.outstanding),
        "cumulative": decimal_text(one.cumulative),
        "booked_before": decimal_text(one.cumulative - one.amount),
        "owed": decimal_text(one.owed if gives == payee_id else 0),
    }
