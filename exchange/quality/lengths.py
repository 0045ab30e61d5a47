"""Quantiles of lengths from a histogram of bounded size."""

from __future__ import annotations

from collections import Counter

_EXACT_BITS = 10
QUANTILES = (5, 25, 50, 75, 95)


def _bucket(length: int) -> int:
    """The lower end of a length's bucket: itself below 1,024, else its ten leading bits."""
    shift = max(0, length.bit_length() - _EXACT_BITS)
    return length >> shift << shift


class Lengths:
    """Counts lengths: exact below 1,024, above it to less than 0.2 % too low; a few thousand buckets at most."""

    def __init__(self) -> None:
        """Start empty."""
        self._counts: Counter[int] = Counter()
        self._total = 0
        self._min: int | None = None
        self._max = 0

    def add(self, length: int) -> None:
        """Count one length >= 0."""
        self._counts[length if length < 1024 else _bucket(length)] += 1
        self._total += 1
        self._max = max(self._max, length)
        if self._min is None or length < self._min:
            self._min = length

    def summary(self) -> dict[str, int]:
        """The smallest, the greatest and the QUANTILES (nearest rank), as min, p5 ... p95, max; empty without lengths."""
        if self._min is None:
            return {}
        out = {"min": self._min}
        ordered = sorted(self._counts.items())
        for percent in QUANTILES:
            rank, seen = max(1, -(-self._total * percent // 100)), 0
            for length, count in ordered:
                seen += count
                if seen >= rank:
                    out[f"p{percent}"] = length
                    break
        out["max"] = self._max
        return out
