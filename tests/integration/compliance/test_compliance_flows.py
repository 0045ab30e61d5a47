"""Directives that bind, and the regulator's own views."""

from __future__ import annotations

from uuid import UUID

import pytest

from exchange.kernel.actor import Actor
from exchange.kernel.db import Database, Tx

BUYER, SELLER, THIRD, WATCH = (UUID(int=i) for i in range(1, 5))


def actor(organisation: UUID, *roles: str) -> Actor:
    return Actor(organisation, UUID(int=99), frozenset(roles), frozenset(), "jti")


REGULATOR = actor(WATCH, "regulator")


@pytest.mark.parametrize("role", ["app", "portal", "regulator"])
async def test_the_regulators_views_are_the_regulators(database: Database, role: str) -> None:
    views = ("audit_entry", "audit_leaf", "checkpoint", "directive", "export")

    async def look(tx: Tx) -> list[bool]:
        driver = await tx.driver()
        rows = await driver.fetch(
            "SELECT has_table_privilege('regulator.' || v, 'SELECT') FROM unnest($1::text[]) v", views
        )
        return [row[0] for row in rows]

    if role == "regulator":
        async with database.inspect() as tx:
            assert all(await look(tx))
        return
    if role == "app":
        seen = await database.run(lambda tx: _has_usage(tx))
    else:
        async with database.read(None) as tx:
            seen = await _has_usage(tx)
    assert not seen


async def _has_usage(tx: Tx) -> bool:
    found: bool = await (await tx.driver()).fetchval("SELECT has_schema_privilege('regulator', 'USAGE')")
    return found
