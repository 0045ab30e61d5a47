"""Our rating against the independent oracle of tests/oracle, line by line, on random plans and uses.

`make check` compares 2,000 cases, `make test` 100,000 (ORACLE_CASES). ORACLE_SEED chooses others; a failure prints the
smallest case that still differs and the command that shows it again.
"""

from __future__ import annotations

import itertools
import os

import pytest

from tests.oracle.campaign import run

CASES = int(os.environ.get("ORACLE_CASES", "2000"))
SEED = int(os.environ.get("ORACLE_SEED", "1"))
PARTS = 8


@pytest.mark.parametrize("part", range(PARTS))
def test_random_plans_and_uses_cost_what_the_oracle_says(part: int) -> None:
    print(f"ORACLE_SEED={SEED} ORACLE_CASES={CASES}")
    wanted = -(-CASES // PARTS)
    seen = run(SEED, itertools.count(part, PARTS), wanted)
    assert seen.cases >= wanted
