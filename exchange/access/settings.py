"""What an operator may set."""

from __future__ import annotations

import msgspec


class AccessSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of metered use, leases and usage ingestion."""

    lease_ttl_s: int = 60
    """How long a serving process may keep units it reserved without touching them."""
    lease_share: int = 64
    """A process leases one part in so many of what is left of a quota."""
    lease_units_max: int = 1 << 40
    """No lease grows by more than this at once."""
    token_ttl_s: int = 86_400
    """How long a data-plane token lives at most; it never outlives its grant."""
    tokens_cached_max: int = 50_000
    """How many verified tokens one process remembers."""
    grants_cached_max: int = 200_000
    """How many grants one process remembers while it takes in usage."""
    events_max: int = 1_000
    """How many usage events one request may hold."""
    body_bytes_max: int = 1_048_576
    """How large one usage request may be."""
    future_s: int = 300
    """How far in the future an event may lie (clocks differ)."""
    age_days_max: int = 35
    """How old an event may be when it first arrives."""
    grace_s: int = 3_600
    """How long after its end a UTC day stays open for usage."""
    days_ahead: int = 3
    """How many days of usage partitions are made ahead."""
    window_days: int = 35
    """How many days before and after a day are looked through for events that stand under both, when it is sealed."""
    correction_days_max: int = 400
    """How old an event may be when it is corrected; its period is charged anew, whatever was invoiced since."""
    corrections_max: int = 20
    """How often one event may be corrected."""
    day_units_most: int = 10**13
    """How many units of a meter one grant plausibly uses in a UTC day; what is above is held for a person."""
    day_bytes_most: int = 10**17
    """The same for bytes."""
    day_use_times: int = 1_000
    """How many times its busiest day of the four weeks before a grant plausibly uses in a day."""
    day_use_least: int = 10**9
    """Days of up to so many units are never held for their history."""
