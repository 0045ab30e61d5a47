"""Random plan documents: valid under pricing/plan.schema.json, small and large, with every model and modifier."""

from __future__ import annotations

from decimal import Decimal
from hashlib import sha256
from random import Random
from typing import Any

from tests.oracle.binding import price_list

UNITS = ("day", "week", "month", "year")
ZONES = (
    "Asia/Shanghai",
    "Asia/Shanghai",
    "Europe/Berlin",
    "America/New_York",
    "Pacific/Apia",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "America/Sao_Paulo",
    "America/Havana",
    "UTC",
)
METERS = ("bytes", "records", "tokens", "requests", "files", "media_seconds", "compute_minutes", "x_frames")
CLASSES = ("academic", "small_company", "large_company", "public_body")
EVALUATOR = "org_01k8z0000000000000000000aa"
CODE = "Spring-26"
OTHER_CODE = "Autumn"
OF_USE = ("per_unit", "graduated", "volume", "package", "included", "base_pack", "cost_recovery", "free")
ONCE = ("one_off", "one_off", "pay_what_you_want", "negotiated", "auction", "credits", "outcome", "milestone", "free")
EACH_PERIOD = ("flat", "flat", "flat", "instalments", "credits", "free")


def plan_document(random: Random) -> dict[str, Any]:
    """A plan of one to six components; about half have discounts or limits, a fifth have price lists."""
    cadences = random.sample([None, *UNITS, "month"], random.choice((1, 1, 2, 3)))
    components = [
        _component(random, f"c{number}", random.choice(cadences)) for number in range(random.choice((1, 1, 2, 3, 4, 6)))
    ]
    plan: dict[str, Any] = {"type": "plan", "v": 1, "currency": "CNY", "components": components}
    if random.random() < 0.8:
        plan["time_zone"] = random.choice(ZONES)
    if random.random() < 0.4:
        plan["anchor"] = random.choice(("calendar", "calendar", "agreement"))
    if random.random() < 0.15:
        plan["trial"] = {"days": random.choice((1, 7, 14, 31))}
    if random.random() < 0.1:
        plan["tax"] = {"included": random.random() < 0.5, "category": "digital_service"}
    _link_credits(random, components)
    if random.random() < 0.4:
        limits = [_limit(random, f"l{number}", components) for number in range(random.choice((1, 1, 2, 3)))]
        plan["limits"] = _narrow_first(limits)
    if random.random() < 0.5:
        plan["discounts"] = _discounts(random, components)
    _leave_no_margin(plan)
    if random.random() < 0.2:
        plan["price_lists"] = _price_lists(random, plan)
    return plan


def _leave_no_margin(plan: dict[str, Any]) -> None:
    """Minimums and commitments are refused beside components that recover costs."""
    if any(one["model"]["type"] == "cost_recovery" for one in plan["components"]):
        for name, raising in (("limits", "minimum"), ("discounts", "commitment")):
            plan[name] = [one for one in plan.get(name, []) if one["type"] != raising]


def basis_document(random: Random, plan: dict[str, Any]) -> dict[str, Any]:
    """Choices that the plan allows: a currency, a class, a commitment, a term, a coupon, the amounts it needs."""
    basis: dict[str, Any] = {}
    currencies = [one["currency"] for one in plan.get("price_lists", []) if "currency" in one]
    if currencies and random.random() < 0.6:
        basis["currency"] = random.choice(currencies)
    if random.random() < 0.4:
        basis["buyer_class"] = random.choice(CLASSES)
    thresholds = [d["at_least"] for d in plan.get("discounts", []) if d["type"] == "commitment"]
    if thresholds and random.random() < 0.7:
        basis["commitment"] = str(int(random.choice(thresholds)) + random.choice((0, 0, 1, 250)))
    if any(d["type"] == "term" for d in plan.get("discounts", [])) and random.random() < 0.8:
        basis["term_months"] = random.choice((1, 6, 11, 12, 13, 24, 36))
    codes = [OTHER_CODE if "valid_from" in d else CODE for d in plan.get("discounts", []) if d["type"] == "coupon"]
    if codes and random.random() < 0.7:
        basis["coupon"] = random.choice((str, str.lower, str.upper))(random.choice(codes))
    models = _models_for(plan, basis)
    amounts = {}
    for name, model in models.items():
        if model["type"] in ("negotiated", "auction"):
            amounts[name] = amount(random)
        elif model["type"] == "pay_what_you_want" and random.random() < 0.6:
            amounts[name] = _add(model["floor"], random.choice(("0", "0.000001", "12.5")))
    if amounts:
        basis["amounts"] = amounts
    return basis


def price(random: Random) -> str:
    """A price from 10^-12 to thousands, as text without needless zeros."""
    kind = random.random()
    if kind < 0.1:
        return "0.000000000001"
    if kind < 0.15:
        return "0"
    if kind < 0.45:
        return plain(random.randrange(10 ** random.randint(1, 12)), 12)
    if kind < 0.75:
        return plain(random.randrange(10**6), 4)
    return str(random.randrange(2_000))


def amount(random: Random) -> str:
    """An amount of money with up to six decimals."""
    kind = random.random()
    if kind < 0.05:
        return "0"
    if kind < 0.1:
        return "0.000001"
    if kind < 0.4:
        return plain(random.randrange(10 ** random.randint(1, 10)), 6)
    if kind < 0.7:
        return plain(random.randrange(10**6), 2)
    return str(random.randrange(5_000))


def quantity(random: Random) -> int:
    """A whole number from 1 to 10^15, most often small."""
    if random.random() < 0.03:
        return 10**15
    return random.randint(1, random.choice((3, 100, 3_000, 10**7)))


def plain(value: int, places: int) -> str:
    """`value` with `places` decimals, as the schema wants it."""
    text = f"{value // 10**places}.{value % 10**places:0{places}d}".rstrip("0")
    return text.rstrip(".")


def _component(random: Random, name: str, period: str | None) -> dict[str, Any]:
    metered = random.random() < 0.6
    kind = random.choice(OF_USE if metered else ONCE if period is None else EACH_PERIOD)
    component: dict[str, Any] = {
        "id": name,
        "meter": random.choice(METERS[: random.choice((2, 8))]) if metered else None,
        "period": period,
        "model": model(random, kind),
    }
    if metered and random.random() < 0.15:
        component["data_class"] = random.choice(("medical", "legal"))
    return component


def model(random: Random, kind: str) -> dict[str, Any]:
    """A model of this kind."""
    return {"type": kind, **_FIELDS[kind](random)}


def _tiers(random: Random) -> dict[str, Any]:
    ends = sorted({quantity(random) for _ in range(random.choice((0, 1, 1, 2, 3, 6)))})
    named = random.random() < 0.3
    tiers: list[dict[str, Any]] = []
    below = 0
    for end in [*ends, None]:
        tier: dict[str, Any] = {"from": below} if named and below else {}
        if end is not None:
            tier["up_to"] = below = end
        tiers.append({**tier, "unit_price": price(random)})
    return {"tiers": tiers}


def _flat(random: Random) -> dict[str, Any]:
    fields: dict[str, Any] = {"amount": amount(random)}
    if random.random() < 0.6:
        fields["in_advance"] = random.random() < 0.5
    if random.random() < 0.6:
        fields["prorate"] = random.random() < 0.8
    return fields


def _included(random: Random) -> dict[str, Any]:
    over = random.choice((None, "per_unit", "graduated", "volume", "package"))
    return {"quantity": quantity(random), "overage": over and model(random, over)}


def _base_pack(random: Random) -> dict[str, Any]:
    return {
        "base": {"size": quantity(random), "amount": amount(random)},
        "increment": {"size": quantity(random), "amount": amount(random)},
    }


def _cost_recovery(random: Random) -> dict[str, Any]:
    costs = [{"title": {"en": "cost", "zh": "成本"}, "amount": amount(random)} for _ in range(random.randint(1, 3))]
    return {"costs": costs, "quantity": quantity(random)}


def _milestone(random: Random) -> dict[str, Any]:
    model: dict[str, Any] = {"amount": str(random.randint(0, 10**6))}
    if random.random() < 0.5:
        model |= {"due": random.choice(("acceptance", "date")), "after_days": random.randint(0, 90)}
    return model


def _outcome(random: Random) -> dict[str, Any]:
    floor = random.randrange(1_000)
    return {
        "metric": {"en": "accuracy", "zh": "准确率"},
        "unit": "point",
        "baseline": plain(random.randrange(10_000), 2),
        "direction": random.choice(("up", "down")),
        "unit_price": amount(random),
        "floor": str(floor),
        "cap": str(floor + random.randrange(1, 10_000)),
        "evaluator": EVALUATOR,
    }


def _named(random: Random) -> dict[str, Any]:
    floor = amount(random)
    return {"floor": floor, "suggested": _add(floor, random.choice(("0", "1", "0.5")))}


def _credits(random: Random) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "amount": amount(random),
        "credit": str(random.randint(1, 3_000)) if random.random() < 0.7 else plain(random.randint(1, 10**9), 6),
        "valid_days": random.choice((1, 7, 28, 30, 31, 90, 365)),
    }
    if random.random() < 0.4:
        fields["priority"] = random.choice((1, 50, 100, 200))
    return fields


_FIELDS: dict[str, Any] = {
    "one_off": lambda r: {"amount": amount(r)},
    "flat": _flat,
    "per_unit": lambda r: {"unit_price": price(r)},
    "graduated": _tiers,
    "volume": _tiers,
    "package": lambda r: {"size": quantity(r), "amount": amount(r)},
    "included": _included,
    "base_pack": _base_pack,
    "instalments": lambda r: {"amount": amount(r), "count": r.choice((2, 3, 7, 12, 36))},
    "free": lambda _: {},
    "pay_what_you_want": _named,
    "negotiated": lambda r: {"guide": amount(r)} if r.random() < 0.5 else {},
    "auction": lambda _: {},
    "credits": _credits,
    "cost_recovery": _cost_recovery,
    "outcome": _outcome,
    "milestone": _milestone,
}


def _link_credits(random: Random, components: list[dict[str, Any]]) -> None:
    """Credits pay some of what is metered; where nothing is, there are none."""
    metered = [component["id"] for component in components if component["meter"] is not None]
    for component in components:
        if component["model"]["type"] != "credits":
            continue
        if not metered:
            component["model"] = model(random, "one_off" if component["period"] is None else "flat")
        elif random.random() < 0.3:
            component["model"]["components"] = random.sample(metered, random.randint(1, len(metered)))


def _limit(random: Random, name: str, components: list[dict[str, Any]]) -> dict[str, Any]:
    period = random.choice(components)["period"]
    limit: dict[str, Any] = {
        "id": name,
        "type": random.choice(("minimum", "maximum")),
        "period": period,
        "amount": amount(random) if random.random() < 0.5 else str(random.randrange(1, 3_000)),
    }
    if random.random() < 0.4:
        limit["prorate"] = random.random() < 0.7
    if random.random() < 0.3:
        limit["components"] = _some(random, [c["id"] for c in components if c["period"] == period])
    return limit


def _narrow_first(limits: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """At most one minimum of a period names components, and it comes first: what two that overlap mean is left open."""
    narrow: dict[Any, dict[str, Any]] = {}
    for limit in limits:
        if limit["type"] == "minimum" and "components" in limit and narrow.setdefault(limit["period"], limit) != limit:
            del limit["components"]
    return sorted(limits, key=lambda limit: "components" not in limit)


def _discounts(random: Random, components: list[dict[str, Any]]) -> list[dict[str, Any]]:
    period = random.choice(components)["period"]
    kinds = random.choices(("volume", "commitment", "term", "buyer_class", "coupon"), k=random.choice((1, 2, 3, 5)))
    if period is None:
        kinds = [kind for kind in kinds if kind != "commitment"]
    found: list[dict[str, Any]] = []
    seen: set[Any] = set()
    for number, kind in enumerate(kinds):
        discount = {"id": f"d{number}", "type": kind, **_discount(random, kind, period)}
        if kind != "commitment" and random.random() < 0.25:
            discount["components"] = _some(random, [component["id"] for component in components])
        # Two discounts for the same threshold would say nothing about which holds; two coupons of one code are refused.
        told_apart = (discount.get(name) for name in ("at_least", "months", "code_sha256"))
        threshold = (kind, next((one for one in told_apart if one is not None), number))
        if threshold not in seen:
            seen.add(threshold)
            found.append(discount)
    return found


def _discount(random: Random, kind: str, period: str | None) -> dict[str, Any]:
    percent = random.choice(("5", "10", "12.5", "33.3333", "50", "0.01", "100"))
    if kind == "volume":
        ends = sorted(random.sample(range(5_000), random.choice((1, 2, 4))))
        return {
            "bands": [{"from": str(end), "percent": random.choice(("1", "2.5", "5", "10", "33.3"))} for end in ends]
        }
    if kind == "commitment":
        return {"period": period, "at_least": str(random.choice((100, 500, 1000, 2500))), "percent": percent}
    if kind == "term":
        return {"months": random.choice((6, 12, 24)), "percent": percent}
    if kind == "buyer_class":
        return {"classes": random.sample(CLASSES, random.randint(1, 2)), "percent": percent}
    code = random.choice((CODE, CODE, OTHER_CODE))
    coupon: dict[str, Any] = {"code_sha256": sha256(code.upper().encode()).hexdigest(), "percent": percent}
    if random.random() < 0.4:
        coupon["periods"] = random.randint(1, 3)
    if code == OTHER_CODE:
        coupon["valid_from"] = "2011-01-01T00:00:00Z"
    return coupon


def _price_lists(random: Random, plan: dict[str, Any]) -> list[dict[str, Any]]:
    components = plan["components"]
    found: list[dict[str, Any]] = []
    amounts_named = any(d["type"] in ("volume", "commitment") for d in plan.get("discounts", []))
    if not amounts_named and random.random() < 0.7:
        for buyer_class in random.choice(((None,), (None, "academic"), ("academic", None))):
            found.append(_list(random, plan, components, "USD", buyer_class))
    if random.random() < 0.6:
        found.append(_list(random, plan, _some(random, components), None, random.choice(CLASSES)))
    return found


def _list(
    random: Random, plan: dict[str, Any], priced: list[dict[str, Any]], currency: str | None, buyer_class: str | None
) -> dict[str, Any]:
    one: dict[str, Any] = {"models": {}}
    for component in priced:
        own = component["model"]
        fresh = model(random, own["type"])
        if own["type"] == "credits" and "components" in own:
            fresh["components"] = own["components"]
        one["models"][component["id"]] = fresh
    if currency is not None:
        one["currency"] = currency
    if buyer_class is not None:
        one["buyer_class"] = buyer_class
    limits = {limit["id"]: amount(random) for limit in plan.get("limits", [])}
    if limits and (currency is not None or random.random() < 0.5):
        one["limits"] = limits
    return one


def _models_for(plan: dict[str, Any], basis: dict[str, Any]) -> dict[str, dict[str, Any]]:
    models = price_list(plan, basis.get("currency", plan["currency"]), basis.get("buyer_class")).get("models", {})
    return {component["id"]: models.get(component["id"], component["model"]) for component in plan["components"]}


def _some(random: Random, items: list[Any]) -> list[Any]:
    kept = set(random.sample(range(len(items)), random.randint(1, len(items))))
    return [item for number, item in enumerate(items) if number in kept]


def _add(one: str, other: str) -> str:
    return plain(int((Decimal(one) + Decimal(other)) * 10**6), 6)
