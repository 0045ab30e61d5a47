"""Laws of what is shown in the object store: whoever reads a checkpoint finds every tile and bundle under it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from compliance import publishing, tiles
from compliance.tiles import WIDTH


def needed(size: int) -> set[str]:
    """Every full and every last tile and bundle of a log, by the definition."""
    found = set()
    level = 0
    while size >> (8 * level):
        for number in range(((size >> (8 * level)) + WIDTH - 1) // WIDTH):
            for name in (level, None) if level == 0 else (level,):
                found.add(tiles.path(name, number, tiles.width_at(level, number, size)))
        level += 1
    return found


@given(st.lists(st.integers(0, 3_000), min_size=1, max_size=12))
def test_all_that_a_checkpoint_covers_is_there_when_it_is_shown(steps: list[int]) -> None:
    shown: set[str] = set()
    size = 0
    for step in [*steps, 66_000 if sum(steps) % 5 == 0 else 1]:
        before, size = size, size + step
        shown |= {tiles.path(one.level, one.number, one.width) for one in publishing.grown(before, size)}
        assert needed(size) <= shown
        for folder in publishing.outgrown(before, size):
            shown = {one for one in shown if not one.startswith(f"{folder}/")}
        assert needed(size) <= shown
        # What is left over are partial tiles of the right edge only.
        edge = {one.partition(".p/")[0] for one in needed(size) if ".p/" in one}
        assert {one.partition(".p/")[0] for one in shown - needed(size)} <= edge


@given(st.integers(0, 10_000))
def test_nothing_is_shown_twice(size: int) -> None:
    assert list(publishing.grown(size, size)) == []
    assert list(publishing.outgrown(size, size)) == []
    paths = [tiles.path(one.level, one.number, one.width) for one in publishing.grown(0, size)]
    assert len(set(paths)) == len(paths)
    assert set(paths) == needed(size)
