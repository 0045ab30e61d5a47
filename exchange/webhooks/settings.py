"""What the operator may set about webhooks."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WebhookSettings:
    """How what happens is told to others' addresses.

    units    seconds, days, bytes
    """

    loopback: bool = False
    """Whether endpoints on this very machine are taken, over plain HTTP and on any port; only in a sandbox."""
    endpoints_max: int = 10
    """Endpoints that one organisation may have in one portal."""
    kept_days: int = 30
    """How many days a message and its deliveries are kept, and can be sent again."""
    connect_timeout_s: float = 5.0
    """How long finding an address and connecting may take."""
    answer_timeout_s: float = 15.0
    """How long one delivery may take in all."""
    in_flight_max: int = 128
    """Deliveries that one worker has under way at once."""
    endpoint_in_flight_max: int = 8
    """Of those, how many to one endpoint; to one that fails, it is one at a time."""
    disable_after_days: int = 5
    """After how many days without one success an endpoint is disabled."""
