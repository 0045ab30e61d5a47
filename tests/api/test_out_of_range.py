"""Questions about values that no column can hold."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.support.api import Market, market

PATHS = [
    (None, "/catalog/v1/listings?licence=%00"),
    (None, "/log/tile/0/x999/x999/x999/x999/x999/x999/x999/999"),
    ("regulator", "/regulator/v1/audit-entries?object_id=%00"),
    ("regulator", "/regulator/v1/audit-entries?action=%00"),
    ("regulator", "/regulator/v1/audit-entries?since=0001-01-01T00:00:00%2B14:00"),
    ("regulator", "/regulator/v1/audit-entries?until=9999-12-31T23:59:59-14:00"),
    ("regulator", "/regulator/v1/audit-entries?cursor=OTIyMzM3MjAzNjg1NDc3NTgwOA"),
    ("regulator", "/regulator/v1/checkpoint?size=9223372036854775808"),
    ("operator", "/operator/v1/jobs?kind=%00"),
]


@pytest_asyncio.fixture
async def exchange(database_url: str, tmp_path: Path) -> AsyncIterator[Market]:
    """The exchange with the portals of this module."""
    async with market(database_url, tmp_path, only=("regulator", "operator")) as made:
        yield made


@pytest.mark.parametrize(("role", "path"), PATHS)
async def test_a_value_out_of_range_is_no_mistake_of_ours(exchange: Market, role: str | None, path: str) -> None:
    headers = {}
    if role is not None:
        headers = (await exchange.operator() if role == "operator" else await exchange.join(role)).headers
    answer = await exchange.http.get(path, headers=headers)
    assert 400 <= answer.status_code < 500, answer.text
