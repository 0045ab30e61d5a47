"""The script that recomputes weight vectors, as one file that anybody can run."""

from __future__ import annotations

from exchange.kernel.stand_alone import joined

NAME = "recompute_weights.py"
# Each after those that it needs.
_PARTS = (
    "exchange/kernel/ed25519.py",
    "settlement/shapley.py",
    "settlement/tuples.py",
    "settlement/knn_shapley.py",
    "settlement/weighing.py",
)


def script() -> bytes:
    """The text of the stand-alone script, the same bytes for one release."""
    return joined(f"settlement/{NAME}", _PARTS)
