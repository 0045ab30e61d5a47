"""Whether one licence lets a buyer do everything that another one does."""

from __future__ import annotations

from contracts.rights import EXCLUSIVITIES, Duration, Exclusivity, Rights
from contracts.terms import Terms

_MONTH_DAYS_MOST, _MONTH_DAYS_LEAST = 31, 28


def grants_no_less(one: Terms, other: Terms) -> bool:
    """Whether whoever holds `one` may do all that `other` allows, and must do nothing more; in doubt, no.

    shapes   for each alternative of `other`, one of `one`'s must be as wide
    """
    return all(
        any(_as_wide(_joined(mine), _joined(theirs)) for mine in one.alternatives) for theirs in other.alternatives
    )


def _joined(licences: tuple[Rights, ...]) -> Rights:
    """The licences of one alternative as one: what all of them allow, and what any of them asks."""
    commercial = [one.commercial for one in licences]
    places = [one.territory for one in licences if one.territory is not None]
    users = [one.users for one in licences if one.users is not None]
    lives = [one.duration for one in licences if one.duration is not None]
    return Rights(
        name="joined",
        purposes=frozenset.intersection(*(one.purposes - one.prohibits for one in licences)),
        commercial=False if False in commercial else None if None in commercial else True,
        territory=frozenset.intersection(*places) if places else None,
        duration=min(lives, key=lambda life: life.days + life.months * _MONTH_DAYS_LEAST, default=None),
        users=min(users, default=None),
        duties=frozenset.union(*(one.duties for one in licences)),
        sites=min((one.sites for one in licences if one.sites is not None), default=None),
        outputs=frozenset.union(*(one.outputs for one in licences)),
        exclusivity=_narrowest([one.exclusivity for one in licences]),
        details=tuple(detail for one in licences for detail in one.details),
    )


def _as_wide(one: Rights, other: Rights) -> bool:
    return (
        one.purposes >= other.purposes
        and (one.commercial is True or one.commercial == other.commercial or other.commercial is False)
        and (one.territory is None or (other.territory is not None and one.territory >= other.territory))
        and _as_long(one.duration, other.duration)
        and (one.users is None or (other.users is not None and one.users >= other.users))
        and (one.sites is None or (other.sites is not None and one.sites >= other.sites))
        and one.limits <= other.limits
        # The same duty with another time or another consequence may be harder: in doubt it is.
        and set(one.conditions) <= set(other.conditions)
        and _as_exclusive(one.exclusivity, other.exclusivity)
    )


def _narrowest(said: list[Exclusivity | None]) -> Exclusivity | None:
    """What remains of the exclusivity of licences that hold together: only what all of them say alike."""
    return said[0] if all(one == said[0] for one in said) else None


def _as_exclusive(one: Exclusivity | None, other: Exclusivity | None) -> bool:
    if other is None or other.kind == "none" or one == other:
        return True
    if one is None or EXCLUSIVITIES.index(one.kind) < EXCLUSIVITIES.index(other.kind):
        return False
    return one.months is None or (other.months is not None and one.months >= other.months)


def _as_long(one: Duration | None, other: Duration | None) -> bool:
    if one is None or other is None:
        return one is None
    if one == other:
        return True
    least = one.days + one.months * _MONTH_DAYS_LEAST
    return least >= other.days + other.months * _MONTH_DAYS_MOST or (
        one.days >= other.days and one.months >= other.months
    )
