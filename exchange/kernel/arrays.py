"""Arrays as parameters of SQL, written by us: the driver looks at every element of a list in Python."""

from __future__ import annotations

from collections.abc import Iterable


def numbers(values: Iterable[int]) -> str:
    """Whole numbers as one array literal, for a parameter written `$1::text::bigint[]`."""
    return f"{{{','.join(map(str, values))}}}"
