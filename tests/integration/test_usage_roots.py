"""Roots that are worked out in blocks, from hashes that the database made, are those of the leaves one by one."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest

from exchange.access.meters import Meter
from exchange.access.store import roots, seal
from exchange.kernel.actor import Actor
from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Database
from exchange.kernel.merkle import fold_level, leaf_hash, root_of
from tests.integration.test_access_usage import TODAY, event, ingest, registered, report, seal_day
from tests.support.access import SELLER, open_market


@pytest.mark.parametrize("leaves", [*range(1, 18), 63, 64, 65, 1_000])
def test_folding_by_level_gives_the_root(leaves: int) -> None:
    hashes = [sha256(b"%d" % n).digest() for n in range(leaves)]
    assert fold_level(b"".join(hashes)) == root_of(hashes)


@pytest.mark.parametrize("block", [1, 2, 8, 65_536])
async def test_roots_do_not_depend_on_how_the_leaves_come(
    database: Database, clock: FixedClock, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(roots, "BLOCK", block)
    granted: list[Any] = await open_market(database, {}, 3, meters=(Meter.TOKENS, Meter.RECORDS))
    sources, now = [await registered(database) for _ in range(2)], clock.now()
    for number, (grant, size) in enumerate(zip(granted, (1, 13, 40), strict=True)):
        for source in sources:
            said = [
                event(grant, 1_000 * number + n * 7 % 41, n, at=now, meter=("tokens", "records")[n % 2])
                for n in range(size)
            ]
            await ingest(database, report(source, f"{number}", said))
    clock.advance(18 * 3600)
    await seal_day(database)
    actor = Actor(SELLER, SELLER, frozenset(), frozenset(), "x")
    for grant, size in zip(granted, (1, 13, 40), strict=True):
        async with database.read(actor) as tx:
            found = await seal.roots_of(tx, actor, grant.id, TODAY, TODAY.replace(day=TODAY.day + 1))
        assert [(one.source_id, one.n) for one in found] == [(source.id, size) for source in sources]
        for one in found:
            leaves = await database.run(lambda tx, one=one: roots.leaves(tx, TODAY, one.source_id, one.grant_id))
            assert one.root == root_of(map(leaf_hash, leaves))
