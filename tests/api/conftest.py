"""A running exchange for each test module's tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.support.api import Market, market


@pytest_asyncio.fixture
async def exchange(database_url: str, tmp_path: Path) -> AsyncIterator[Market]:
    """The exchange on a socket, over a database of the test's own."""
    async with market(database_url, tmp_path, only=("supplier", "assessor")) as made:
        yield made
