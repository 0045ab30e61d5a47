"""What end-to-end tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.stripe_worlds import serving


@pytest.fixture(scope="session")
def origin() -> Iterator[str]:
    """The address of one Stripe sandbox; each test opens a world of its own in it."""
    with serving() as address:
        yield address
