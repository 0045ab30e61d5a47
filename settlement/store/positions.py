"""The exchange's open positions: what conversions took in of each currency less what they gave out, and their limits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from exchange.kernel.db import Tx
from settlement.accounts import AccountKey, AccountKind, platform
from settlement.store import periods

# An id can run a few milliseconds ahead of the clock that it was made by.
_AHEAD = timedelta(minutes=1)
_NEWEST = """
SELECT DISTINCT ON (currency) currency, limit_units, set_by, created_at FROM settlement.position_limit
WHERE $1::text[] IS NULL OR currency = ANY($1) ORDER BY currency, id DESC"""
# Conversions of a currency with a limit come one after the other; of all others nobody waits for anybody.
_LOCK = "SELECT pg_advisory_xact_lock(7291, hashtext(c)) FROM unnest($1::text[]) AS c ORDER BY hashtext(c)"
_SET = (
    "INSERT INTO settlement.position_limit (id, currency, limit_units, set_by, created_at) VALUES ($1, $2, $3, $4, $5)"
)
_CURRENCIES = "SELECT currency FROM settlement.account WHERE organisation_id IS NULL AND kind = 'conversion'"


@dataclass(frozen=True, slots=True)
class PositionLimit:
    """The newest limit of a currency, in either direction; None: it was lifted.

    units    millionths
    """

    currency: str
    units: int | None
    set_by: UUID
    set_at: datetime


async def limits(tx: Tx, currencies: Iterable[str] | None = None) -> dict[str, PositionLimit]:
    """The newest limit of each currency that ever had one; of these currencies, or of all."""
    wanted = None if currencies is None else sorted(currencies)
    rows = await (await tx.driver()).fetch(_NEWEST, wanted)
    return {row[0]: PositionLimit(*row) for row in rows}


async def set_limit(tx: Tx, currency: str, units: int | None, set_by: UUID) -> None:
    """Write a new limit; call `rates.publish_alone` first, so that no conversion is under way that has not seen it."""
    await (await tx.driver()).execute(_SET, tx.new_id(), currency, units, set_by, tx.now)


async def positions(tx: Tx, currencies: Iterable[str]) -> dict[str, int]:
    """What is open of each currency now: above zero it was taken in, below zero given out.

    units    millionths
    """
    keys: Mapping[str, AccountKey] = {one: platform(AccountKind.CONVERSION, one) for one in sorted(currencies)}
    held = await periods.balances_at(tx, list(keys.values()), tx.now + _AHEAD)
    return {one: held[key] for one, key in keys.items()}


async def currencies(tx: Tx) -> list[str]:
    """Every currency that was ever converted."""
    return [row[0] for row in await (await tx.driver()).fetch(_CURRENCIES)]


async def limited(tx: Tx, moved: Mapping[str, int]) -> tuple[str, int, int] | None:
    """The first currency whose position `moved` would take further over its limit, with that position and the limit.

    Whoever asks holds the limited currencies until its transaction ends, so that nobody else's conversion is missed.

    shapes   moved: by currency, what a conversion takes in (above zero) or gives out
    units    millionths
    """
    known = {one: limit.units for one, limit in (await limits(tx, moved)).items() if limit.units is not None}
    if not known:
        return None
    await (await tx.driver()).execute(_LOCK, sorted(known))
    standing = await positions(tx, known)
    for currency, most in known.items():
        after = standing[currency] + moved[currency]
        # What brings a position that is too far out already closer to nothing is always welcome.
        if abs(after) > most and abs(after) > abs(standing[currency]):
            return currency, standing[currency], most
    return None
