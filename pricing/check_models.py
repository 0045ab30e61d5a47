"""The curve of each charge model of measured use."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from pricing.check_curves import Curve, Stepped, constant, curve
from pricing.models import CostRecovery, Free, Graduated, Included, Metered, Package, Packs, PerUnit, Volume


def shape_of(model: Metered) -> Curve | Stepped:
    """The price of a model over whole quantities; equal to `model.cost` at every one of them."""
    if isinstance(model, Included):
        return _after(model)
    if isinstance(model, Packs):
        pack = model.increment
        return Stepped(Fraction(model.base_amount), int(model.base_size), int(pack.size), Fraction(pack.amount))
    if isinstance(model, Package):
        return Stepped(Fraction(0), 0, int(model.size), Fraction(model.amount))
    if isinstance(model, Free):
        return constant(0)
    if isinstance(model, CostRecovery):
        return curve([(0, 0)], Fraction(model.total) / model.units)
    if isinstance(model, PerUnit):
        return curve([(0, 0)], model.unit_price)
    if isinstance(model, Graduated):
        corners = zip((int(start) for start in model.starts), model.bases, strict=True)
        return curve(corners, model.tiers[-1].unit_price)
    return _volume(model, 0)


def _volume(model: Volume, moved: int) -> Curve:
    corners: list[tuple[int, Fraction]] = [(0, Fraction(0)), (moved, Fraction(0))]
    for number, end in enumerate(int(end) for end in model.ends):
        corners.append((moved + end, end * Fraction(model.tiers[number].unit_price)))
        corners.append((moved + end + 1, (end + 1) * Fraction(model.tiers[number + 1].unit_price)))
    return curve(corners, model.tiers[-1].unit_price)


def _after(model: Included) -> Curve | Stepped:
    """The overage's price, moved to where the included quantity ends."""
    rest, moved = model.overage, int(model.quantity)
    if rest is None:
        return constant(0)
    if isinstance(rest, Package):
        return Stepped(Fraction(0), moved, int(rest.size), Fraction(rest.amount))
    if isinstance(rest, Volume):
        return _volume(rest, moved)
    inner = shape_of(rest)
    assert isinstance(inner, Curve)
    corners = [
        (0, Fraction(0)),
        *((moved + x, Fraction(y, inner.scale)) for x, y in zip(inner.corners, inner.values, strict=True)),
    ]
    return curve(corners, Fraction(inner.slopes[-1], inner.scale))


def floor_of(model: Metered) -> Decimal:
    """What a component of measured use costs in a period without any."""
    return model.base_amount if isinstance(model, Packs) else Decimal(0)
