"""What the market says when it opens."""

from __future__ import annotations

from pathlib import Path

from exchange.cli.market import FIRST_READS
from sandbox.demo.parties import BY_KEY

ROUTES = (Path(__file__).parents[2] / "docs" / "routes.md").read_text()


def test_every_organisation_of_the_market_has_a_first_read_that_is_a_route() -> None:
    assert set(FIRST_READS) == {"operator", *BY_KEY}
    assert [path for path in FIRST_READS.values() if f"| GET | `{path}` |" not in ROUTES] == []
