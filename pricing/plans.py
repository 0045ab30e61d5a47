"""Price plans: the document a supplier writes, and the value it becomes once it is understood."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from exchange.kernel.canonical import canonical, sha256_hex
from exchange.kernel.errors import Problem
from exchange.kernel.money import Money
from exchange.kernel.schemas import Shape, pointer
from exchange.kernel.text import Text
from pricing import models
from pricing.exact import decimal, to_units
from pricing.models import Flat, Included, Metered, Model, OneOff, Package, PerUnit, Tier
from pricing.problems import PLAN_FIELD

SHAPE = Shape.load("pricing", "plan.schema.json")
PLAN_SCHEMA = SHAPE.schema
DEFAULT_TIME_ZONE = "Asia/Shanghai"

_NO_METER = Text("must be null: this model does not measure use", "必须为 null：该模式不计量使用")
_NO_PERIOD = Text("must be null: a one-off amount has no period", "必须为 null：一次性金额没有周期")
_NEEDS_METER = Text("must name what is measured, such as records", "必须指定计量项，例如 records")
_NEEDS_PERIOD = Text("must name how often the amount is due, such as month", "必须指定收费周期，例如 month")
_TWICE = Text("is used by an earlier component; each needs its own", "已被前面的组件使用；每个组件须有唯一名称")
_OPEN = Text(
    "must be absent on the last tier, so that every use has a price", "最后一档不得设上限，以保证任何用量都有价格"
)
_CLOSED = Text("is missing: only the last tier may be open", "缺失：只有最后一档可以不设上限")
_RISING = Text("must be above the tier before it", "必须大于前一档的上限")
_NO_ZONE = Text(
    "is no time zone; write an IANA name such as Asia/Shanghai", "不是有效时区；请使用 IANA 名称，例如 Asia/Shanghai"
)


class BadPlan(ValueError):
    """A stored plan that no longer parses: a defect, since none is stored unchecked."""


@dataclass(frozen=True, slots=True)
class Component:
    """One part of a price: what is measured, over which period, and how it is charged."""

    id: str
    meter: str | None
    period: str | None
    model: Model
    title: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class DueNow:
    """What one component asks for when the order is placed."""

    component: Component
    exact: Decimal
    amount: Money


@dataclass(frozen=True, slots=True)
class Allowance:
    """Use that a plan includes: `stops` says whether use ends there (True) or costs overage (False)."""

    meter: str
    quantity: int
    period: str | None
    stops: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """A price plan that was checked and understood.

    shapes   cadences: the distinct periods of its components (None: the whole agreement), each rated on its own
    units    sha256: lower-case hex of the document's canonical bytes
    """

    currency: str
    time_zone: ZoneInfo
    components: tuple[Component, ...]
    sha256: str
    cadences: tuple[str | None, ...]
    by_cadence: Mapping[str | None, tuple[Component, ...]]
    due_now: tuple[DueNow, ...]
    due_now_total: Money

    @property
    def meters(self) -> tuple[str, ...]:
        """The meters it charges for, each once, in the order of its components."""
        return tuple(dict.fromkeys(c.meter for c in self.components if c.meter is not None))

    def allowances(self) -> list[Allowance]:
        """The included quantities, for whoever enforces quotas."""
        return [
            Allowance(c.meter, int(c.model.quantity), c.period, c.model.overage is None)
            for c in self.components
            if c.meter is not None and isinstance(c.model, Included)
        ]


def parse(document: object) -> Plan | list[Problem]:
    """Check a plan document and understand it, or say which fields are wrong and what would be right.

    shapes   a non-empty list of problems, at most 20 from the schema
    """
    wrongs = [PLAN_FIELD(field=wrong.field, why=wrong.why) for wrong in SHAPE.wrongs(document)]
    if wrongs or not isinstance(document, dict):
        return wrongs
    return _meaning(document) or _understand(document)


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


def _meaning(document: dict[str, Any]) -> list[Problem]:
    found = []
    if "time_zone" in document and not _zone_exists(document["time_zone"]):
        found.append(PLAN_FIELD(field="/time_zone", why=_NO_ZONE))
    seen: set[str] = set()
    for number, component in enumerate(document["components"]):
        at, model = ("components", number), component["model"]
        if component["id"] in seen:
            found.append(PLAN_FIELD(field=pointer(*at, "id"), why=_TWICE))
        seen.add(component["id"])
        found += _meter_and_period(component, at)
        found += _tiers(model, (*at, "model"))
        if model["type"] == "included" and model["overage"] is not None:
            found += _tiers(model["overage"], (*at, "model", "overage"))
    return found


def _meter_and_period(component: dict[str, Any], at: tuple[object, ...]) -> list[Problem]:
    kind, meter, period = component["model"]["type"], component["meter"], component["period"]
    rules = [
        (kind in ("one_off", "flat") and meter is not None, "meter", _NO_METER),
        (kind not in ("one_off", "flat") and meter is None, "meter", _NEEDS_METER),
        (kind == "one_off" and period is not None, "period", _NO_PERIOD),
        (kind == "flat" and period is None, "period", _NEEDS_PERIOD),
    ]
    return [PLAN_FIELD(field=pointer(*at, name), why=why) for broken, name, why in rules if broken]


def _tiers(model: dict[str, Any], at: tuple[object, ...]) -> list[Problem]:
    found: list[Problem] = []
    tiers, before = model.get("tiers", []), 0
    for number, tier in enumerate(tiers):
        field = pointer(*at, "tiers", number, "up_to")
        end = tier.get("up_to")
        if number == len(tiers) - 1:
            found += [PLAN_FIELD(field=field, why=_OPEN)] if end is not None else []
        elif end is None:
            found.append(PLAN_FIELD(field=field, why=_CLOSED))
        elif end <= before:
            found.append(PLAN_FIELD(field=field, why=_RISING))
        before = end if end is not None else before
    return found


def _zone_exists(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        # ZoneInfo raises each of these for some wrong name: a path, a folder, an unknown key.
        return False
    return True


def _understand(document: dict[str, Any]) -> Plan:
    components = tuple(_component(item) for item in document["components"])
    cadences = tuple(dict.fromkeys(c.period for c in components))
    currency = document["currency"]
    due = tuple(
        DueNow(c, c.model.amount, Money(to_units(c.model.amount), currency))
        for c in components
        if isinstance(c.model, OneOff) or (isinstance(c.model, Flat) and c.model.in_advance)
    )
    return Plan(
        currency=currency,
        time_zone=ZoneInfo(document.get("time_zone", DEFAULT_TIME_ZONE)),
        components=components,
        sha256=sha256_hex(canonical(document)),
        cadences=cadences,
        by_cadence={unit: tuple(c for c in components if c.period == unit) for unit in cadences},
        due_now=due,
        due_now_total=sum((item.amount for item in due), Money.zero(currency)),
    )


def _component(item: dict[str, Any]) -> Component:
    return Component(item["id"], item["meter"], item["period"], _model(item["model"]), item.get("title", {}))


def _model(item: dict[str, Any]) -> Model:
    kind = item["type"]
    if kind == "one_off":
        return OneOff(decimal(item["amount"]))
    if kind == "flat":
        return Flat(decimal(item["amount"]), item.get("in_advance", True))
    if kind == "included":
        overage = item["overage"]
        return Included(decimal(item["quantity"]), None if overage is None else _metered(overage))
    return _metered(item)


def _metered(item: dict[str, Any]) -> Metered:
    kind = item["type"]
    if kind == "per_unit":
        return PerUnit(decimal(item["unit_price"]))
    if kind == "package":
        return Package(decimal(item["size"]), decimal(item["amount"]))
    tiers = [
        Tier(None if tier.get("up_to") is None else decimal(tier["up_to"]), decimal(tier["unit_price"]))
        for tier in item["tiers"]
    ]
    return models.graduated(tiers) if kind == "graduated" else models.volume(tiers)
