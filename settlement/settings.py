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
