"""What the operator may set about money."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class StripeSettings:
    """How to reach Stripe; without `api_base` it is the real one, without a key there are no cards.

    units    timeout_s in seconds, for one request
    """

    api_key: str = field(default="", repr=False)
    webhook_secret: str = field(default="", repr=False)
    api_base: str | None = None
    timeout_s: float = 20.0


@dataclass(frozen=True, slots=True)
class SettlementSettings:
    """What happens to the books by the clock."""

    books_close_after_days: int = 0
    """How many days after a month's end (UTC) its books are closed where it is settled; 0 = only when told to."""
    provider_events_kept_days: int = 30
    """How many days the payload of a handled event of the payment provider is kept; it may name the card's holder."""
    previews_kept_days: int = 90
    """How many days the preview of a settlement run is kept."""
    run_processes: int = 2
    """How many processes do a large settlement run, the one that leads it included; 1 = that one alone."""
