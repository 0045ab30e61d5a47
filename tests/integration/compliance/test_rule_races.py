"""Rules of directives when two act at once: nothing slips between an order and a registration, nothing stays bound after a lifting."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest_asyncio

from compliance import store
from compliance.directive_rules import MATCHED_MAX, Rule
from exchange.catalog.datasets import DatasetDraft
from exchange.catalog.settings import CatalogSettings
from exchange.flows import directive_rules, issue_directive
from exchange.flows.issue_directive import DirectiveReceipt
from exchange.flows.register_dataset import DatasetReceipt, register_dataset
from exchange.kernel import ids
from exchange.kernel.db import Database, Tx
from exchange.kernel.errors import Problem
from exchange.kernel.keys import Keyring
from tests.support.directives import order
from tests.support.settlement_market import SELLER, Market, actor, open_market

REGULATOR = actor(UUID(int=0xAAA1), "regulator")
SUPPLIER = actor(SELLER, "supplier")
WISH = replace(order("freeze"), rules=(Rule(licence="CC0-1.0"),))
WORDS = {"en": "words", "zh": "文字"}
DRAFT = DatasetDraft(WORDS, WORDS, "text", ("zh",), "none", "CC0-1.0", WORDS)


@pytest_asyncio.fixture
async def shop(database: Database, keyring: Keyring) -> Market:
    """A market with one dataset, which meets no rule of these tests."""
    return await open_market(database, keyring)


async def register(tx: Tx) -> UUID:
    made = await register_dataset(tx, SUPPLIER, DRAFT, CatalogSettings())
    assert isinstance(made, DatasetReceipt), made
    return ids.parse("ds", made.id)


async def issue(tx: Tx) -> UUID:
    made = await issue_directive.issue(tx, REGULATOR, WISH)
    assert isinstance(made, DirectiveReceipt), made
    return ids.parse("dir", made.id)


async def frozen(shop: Market, *datasets: UUID) -> list[bool]:
    found = await shop.database.run(lambda tx: store.frozen(tx, datasets))
    return [one in found for one in datasets]


async def in_turn(shop: Market, first: Any, then: Any) -> tuple[Any, Any]:
    """`then` begins after `first` has written and before it commits."""
    wrote, go = asyncio.Event(), asyncio.Event()

    async def held(tx: Tx) -> Any:
        made = await first(tx)
        wrote.set()
        await go.wait()
        return made

    one = asyncio.create_task(shop.database.run(held))
    await wrote.wait()
    other = asyncio.create_task(shop.database.run(then))
    await asyncio.sleep(0.2)
    assert not other.done(), "it did not wait"
    go.set()
    return await one, await other


async def test_what_is_being_registered_when_the_directive_is_issued_is_bound(shop: Market) -> None:
    dataset, _ = await in_turn(shop, register, issue)
    assert await frozen(shop, dataset) == [True]


async def test_what_is_registered_while_the_directive_is_being_issued_is_bound(shop: Market) -> None:
    _, dataset = await in_turn(shop, issue, register)
    assert await frozen(shop, dataset) == [True]


async def test_a_lifting_frees_what_joins_at_that_moment(shop: Market) -> None:
    for lifting_first in (False, True):
        directive = await shop.database.run(issue)

        async def lift(tx: Tx, directive: UUID = directive) -> Any:
            return await issue_directive.lift(tx, REGULATOR, directive)

        made = await (in_turn(shop, lift, register) if lifting_first else in_turn(shop, register, lift))
        (dataset,) = [one for one in made if isinstance(one, UUID)]
        assert await frozen(shop, dataset) == [False]


async def test_two_that_register_at_once_both_join(shop: Market) -> None:
    await shop.database.run(issue)
    found = await asyncio.gather(*(shop.database.run(register) for _ in range(6)))
    assert await frozen(shop, *found) == [True] * 6


async def test_a_rule_that_catches_too_much_is_refused_whole(shop: Market, monkeypatch: Any) -> None:
    assert MATCHED_MAX == 5_000
    for _ in range(3):
        await shop.database.run(register)
    monkeypatch.setattr(directive_rules, "MATCHED_MAX", 2)
    refused = await shop.database.run(lambda tx: issue_directive.issue(tx, REGULATOR, WISH))
    assert isinstance(refused, Problem)
    assert refused.slug == "directive-catches-too-much"
    monkeypatch.setattr(directive_rules, "MATCHED_MAX", 3)
    await shop.database.run(issue)
