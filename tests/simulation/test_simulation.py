"""One short simulation with a fixed seed; `make sim SEED=7` runs longer ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.simulation.auditor import parts_of
from tests.simulation.market import Size, simulate


@pytest.mark.slow
@pytest.mark.xdist_group("simulation")
def test_the_auditor_s_books_agree_with_the_exchange(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = simulate(1, tmp_path / "home", Size(actions=8, crashes=1))
    with capsys.disabled():
        print("", *told.lines, sep="\n")
    assert told.findings == []


def test_the_auditor_splits_by_largest_remainder() -> None:
    assert parts_of(100, (("a", 1), ("b", 1), ("c", 1))) == {"a": 34, "b": 33, "c": 33}
    assert parts_of(5, (("a", 1), ("b", 3), ("a", 1))) == {"a": 2, "b": 3}
