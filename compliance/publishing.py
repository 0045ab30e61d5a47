"""Which files show the log to those who read the object store, in the layout of c2sp.org/tlog-tiles. Pure.

Full tiles and bundles are written once. A partial one is written for each checkpoint that ends in it, and may go when it is
full: readers then take the full one.
"""

from __future__ import annotations

from collections.abc import Iterator

from compliance.tiles import HEIGHT, WIDTH, Address, path, width_at

CHECKPOINT = "checkpoint"


def grown(old: int, new: int) -> Iterator[Address]:
    """The tiles and bundles that a log of `new` leaves has and one of `old` had not, lowest level first, bundles after level 0.

    shapes   0 <= old <= new
    """
    level = 0
    while new >> (HEIGHT * level):
        for number in _numbers(old >> (HEIGHT * level), new >> (HEIGHT * level)):
            width = width_at(level, number, new)
            yield Address(level, number, width)
            if level == 0:
                yield Address(None, number, width)
        level += 1


def outgrown(old: int, new: int) -> Iterator[str]:
    """The folders of partial tiles and bundles that are full since."""
    level = 0
    while old >> (HEIGHT * level):
        had, has = old >> (HEIGHT * level), new >> (HEIGHT * level)
        if had % WIDTH and has // WIDTH > had // WIDTH:
            for name in (level, None) if level == 0 else (level,):
                yield f"{path(name, had // WIDTH)}.p"
        level += 1


def _numbers(had: int, has: int) -> range:
    """The tiles of a level that differ between `had` and `has` hashes."""
    return range(0) if had == has else range(had // WIDTH, (has + WIDTH - 1) // WIDTH)
