"""A seeded plan of what goes wrong: the same seed and the same requests give the same faults.

A decision is a hash of the seed, the fault's name and what it is about (an idempotency key and its
attempt, an event), never of a clock or of the order in which concurrent requests arrived.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256

NAMES = ("duplicate", "reorder", "timeout_after_commit", "rate_limit", "error_500")


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
        name, _, share = part.partition("=")
        if name not in NAMES:
            raise ValueError(f"unknown fault {name!r}; known: {', '.join(NAMES)}")
        rates[name] = float(share)
        if not 0 <= rates[name] <= 1:
            raise ValueError(f"{name} is a share between 0 and 1")
    return FaultPlan(seed, rates)
