"""Directives that bind, and the regulator's own views."""

from __future__ import annotations

from uuid import UUID

import pytest

from compliance import directive_store, store
from exchange.flows import issue_directive
from exchange.kernel import ids as kernel_ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Database, Tx
from exchange.kernel.errors import Problem

BUYER, SELLER, THIRD, WATCH = (UUID(int=i) for i in range(1, 5))


def actor(organisation: UUID, *roles: str) -> Actor:
    return Actor(organisation, UUID(int=99), frozenset(roles), frozenset(), "jti")


REGULATOR = actor(WATCH, "regulator")


async def test_directives_bind_until_they_are_lifted(database: Database) -> None:
    listing, other = UUID(int=50), UUID(int=51)
    for kind in ("freeze", "delist", "preserve"):
        receipt = await database.run(
            lambda tx, kind=kind: issue_directive.issue(tx, REGULATOR, kind, "listing", listing, {"zh": "涉嫌侵权"})
        )
        assert not isinstance(receipt, Problem)
    await database.run(lambda tx: issue_directive.issue(tx, REGULATOR, "delist", "listing", other, {"en": "expired"}))

    async def look(tx: Tx) -> tuple[set[UUID], set[UUID], set[UUID]]:
        asked = [listing, other, UUID(int=52)]
        return await store.frozen(tx, asked), await store.off_sale(tx, asked), await store.preserved(tx, asked)

    assert await database.run(look) == ({listing}, {listing, other}, {listing})
    assert await database.run(lambda tx: store.frozen(tx, [])) == set()
    async with database.inspect() as tx:
        listed = await directive_store.directives(tx, active_only=True)
        assert [one.kind for one in listed] == ["delist", "preserve", "delist", "freeze"]
        freeze = next(one for one in listed if one.kind == "freeze")
        assert freeze.reason == {"zh": "涉嫌侵权"}
        driver = await tx.driver()
        assert await driver.fetchval("SELECT count(*) FROM regulator.directive WHERE state = 'active'") == 4
    for who, slug in [(actor(BUYER, "buyer"), "regulator-only"), (actor(THIRD, "regulator"), "not-found")]:
        refused = await database.run(lambda tx, who=who: issue_directive.lift(tx, who, freeze.id))
        assert isinstance(refused, Problem)
        assert refused.slug == slug
    lifted = await database.run(lambda tx: issue_directive.lift(tx, REGULATOR, freeze.id))
    assert not isinstance(lifted, Problem)
    assert (lifted.state, lifted.target) == ("lifted", kernel_ids.text("lst", listing))
    again = await database.run(lambda tx: issue_directive.lift(tx, REGULATOR, freeze.id))
    assert isinstance(again, Problem)
    assert again.slug == "directive-already-lifted"
    assert await database.run(look) == (set(), {listing, other}, {listing})
    entries = await database.run(lambda tx: store.entries_of(tx, kernel_ids.text("dir", freeze.id)))
    assert len(entries) == 2
    assert all("侵权" not in one.envelope.decode() for one in entries)


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
