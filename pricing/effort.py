"""How much looking one check of a plan is worth: a plan of many tiers must not keep everybody else waiting.

Work is counted, not timed, so that the same plan always gets the same findings.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

# About a second and a half: one is what joining a corner of a price with the price there takes, some microseconds.
WORK_MAX = 150_000
# While others wait, such as in a transaction that keeps a plan.
WORK_BRIEF = 40_000
_left: ContextVar[list[int] | None] = ContextVar("left", default=None)


class Exhausted(Exception):
    """More work was asked for than was allowed."""


@contextmanager
def within(work: int) -> Iterator[None]:
    """Allow the block so much work in all.

    errors   Exhausted, out of the block, where that does not suffice
    """
    token = _left.set([work])
    try:
        yield
    finally:
        _left.reset(token)


def spend(work: int) -> None:
    """Count work that is about to be done; nothing where nobody counts.

    errors   Exhausted
    """
    left = _left.get()
    if left is None:
        return
    left[0] -= work
    if left[0] < 0:
        raise Exhausted
