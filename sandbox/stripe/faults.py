"""A seeded plan of what goes wrong: the same seed and the same requests give the same faults.

A decision is a hash of the seed, the fault's name and what it is about (an idempotency key and its
attempt, an event, what a movement of money is for), never of a clock or of the order in which concurrent
requests arrived. What a bank does later is about the payout or the refund of the caller's own, not about
the try of it that went through: how many it took is a matter of timing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256

# What may happen to a request. Kept under its idempotency key: error_500_kept and error_500_committed, as at Stripe.
REQUESTS = {
    "rate_limit": "429 before any work",
    "conflict_409": "409 before any work, as if the key were in use",
    "error_500_lost": "500 before any work, kept nowhere",
    "error_500_kept": "500, nothing done, and the key answers the same 500 until it expires",
    "error_500_committed": "500, all done, and the key answers the same 500 until it expires",
    "timeout_before": "nothing is done and nothing is heard",
    "timeout_after_commit": "all is done and nothing is heard",
    "commit_late": "nothing is heard, and it is done only some seconds later; until then its key is in use",
}
EVENTS = {
    "duplicate": "an event comes twice",
    "reorder": "an event comes after later ones",
    "late": "an event comes much later",
    "lost_event": "an event never comes; it is in the list of events",
}
MONEY = {
    "payout_fails_after_paid": "a paid payout comes back",
    "reversal_short": "the payee's money went to their bank just before a transfer is to be reversed",
    "refund_fails": "a refund comes back",
    "charge_disputed": "a payer disputes a charge",
    "account_restricted": "an account may receive no transfers for a while",
}
NAMES = (*REQUESTS, *EVENTS, *MONEY)
# An earlier name.
_ALIAS = {"error_500": "error_500_lost"}


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """How often each fault happens, as a share between 0 and 1."""

    seed: int = 0
    rates: dict[str, float] = field(default_factory=dict)

    def hits(self, name: str, *about: object) -> bool:
        """Whether `name` happens to this request or event."""
        rate = self.rates.get(name, 0.0)
        return rate > 0 and self.share(name, *about) < rate

    def share(self, name: str, *about: object) -> float:
        """A number in [0, 1) that depends on the seed and the arguments only."""
        text = "\x1f".join([str(self.seed), name, *map(str, about)])
        return int.from_bytes(sha256(text.encode()).digest()[:6]) / 2**48


def parse_faults(text: str, seed: int) -> FaultPlan:
    """Read `duplicate=0.2,reorder=0.1`.

    errors   ValueError for an unknown fault or a share outside 0..1
    """
    rates: dict[str, float] = {}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        given, _, share = part.partition("=")
        name = _ALIAS.get(given, given)
        if name not in NAMES:
            raise ValueError(f"unknown fault {name!r}; known: {', '.join(NAMES)}")
        rates[name] = float(share)
        if not 0 <= rates[name] <= 1:
            raise ValueError(f"{name} is a share between 0 and 1")
    return FaultPlan(seed, rates)
