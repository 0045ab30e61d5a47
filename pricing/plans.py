"""Price plans: the document a supplier writes, checked and understood."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from exchange.kernel.errors import Problem
from exchange.kernel.schemas import Shape
from pricing.basis import EMPTY
from pricing.components import Allowance as Allowance
from pricing.components import Component as Component
from pricing.components import Plan as Plan
from pricing.meaning import meaning
from pricing.problems import PLAN_FIELD
from pricing.understanding import understand

SHAPE = Shape.load("pricing", "plan.schema.json")
PLAN_SCHEMA = SHAPE.schema


class BadPlan(ValueError):
    """A stored plan that no longer parses: a defect, since none is stored unchecked."""


def parse(document: object) -> Plan | list[Problem]:
    """Check a plan document and understand it for a buyer who chose nothing, or say which fields are wrong.

    shapes   a non-empty list of problems, at most 20 from the schema, each with what would be right
    """
    wrongs = [PLAN_FIELD(field=wrong.field, why=wrong.why) for wrong in SHAPE.wrongs(document)]
    if wrongs or not isinstance(document, dict):
        return wrongs
    return meaning(document) or understand(document, EMPTY)


def load(document: Mapping[str, Any]) -> Plan:
    """Understand a plan that was checked when it was stored.

    errors   BadPlan
    """
    plan = parse(document)
    if isinstance(plan, Plan):
        return plan
    raise BadPlan("; ".join(problem.detail("en") for problem in plan))


class PlanCache:
    """The plans used last, by the digest of whatever fact holds them (an offer), so that each is parsed once."""

    def __init__(self, size_max: int = 4096) -> None:
        """Keep at most `size_max` plans."""
        self._size_max = size_max
        self._plans: OrderedDict[bytes, Plan] = OrderedDict()

    def get(self, digest: bytes, document: Mapping[str, Any]) -> Plan:
        """The plan behind `digest`, parsed from `document` at first use.

        errors   BadPlan
        """
        plan = self._plans.get(digest)
        if plan is None:
            plan = self._plans[digest] = load(document)
            if len(self._plans) > self._size_max:
                self._plans.popitem(last=False)
        return plan
