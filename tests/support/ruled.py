"""Offers of the small market whose money is split by a rule."""

from __future__ import annotations

import hashlib
from typing import Any
from uuid import UUID

from exchange.catalog.offers import OfferRequest
from exchange.catalog.store import listings
from exchange.flows.apply_split_rules import apply_rules
from exchange.flows.put_split_rule import RuleReceipt, put_split_rule
from exchange.flows.resolve_split import with_split_rule
from exchange.kernel import ids
from exchange.kernel.canonical import canonical
from exchange.kernel.db import Tx
from settlement.accounts import AccountKind, advance, payable, pending, platform
from settlement.store import ledger
from tests.support.settlement_market import BROKER, OTHER, SELLER, Market, actor

SUPPLIER: list[dict[str, Any]] = [{"role": "supplier"}]


def waterfall(*steps: dict[str, Any], per: str = "sale", **more: Any) -> dict[str, Any]:
    """A rule of these steps whose rest is the supplier's."""
    rest = {"id": "rest", "op": "residual", "per": per, "payees": SUPPLIER}
    return {"type": "waterfall", "v": 1, "currency": "CNY", "steps": [*steps, rest], **more}


def step(name: str, op: str, role: str = "platform", organisation: UUID | None = None, **more: Any) -> dict[str, Any]:
    """A step with one payee."""
    named = {} if organisation is None else {"organisation": ids.text("org", organisation)}
    return {"id": name, "op": op, "payees": [{"role": role, **named}], **more}


async def put_rule(market: Market, document: dict[str, Any], code: str = "main") -> RuleReceipt:
    """Have the market's dataset ruled by a document."""

    async def flow(tx: Tx) -> Any:
        assert market.listing is not None
        listing = await listings.find_listing(tx, market.listing)
        assert listing is not None
        return await put_split_rule(tx, actor(SELLER, "supplier"), market.keyring, listing.dataset_id, code, document)

    found = await market.database.run(flow)
    assert isinstance(found, RuleReceipt), found
    return found


async def ruled_offer(market: Market, name: str, rule: RuleReceipt, kind: str, *components: dict[str, Any]) -> None:
    """Sell under a rule: the offer is resolved as a real one is."""
    plan = {"type": "plan", "v": 1, "currency": "CNY", "time_zone": "UTC", "components": list(components)}
    document = {
        "type": "offer", "v": 1, "kind": kind, "currency": "CNY", "plan": plan,
        "terms": {"type": "terms", "v": 1, "prevailing_language": "zh", "spdx": "CC-BY-4.0"},
        "delivery": {"files": True, "rows": True}, "split_rule": {"id": rule.id, "sha256": rule.sha256},
    }  # fmt: skip

    async def flow(tx: Tx) -> UUID:
        assert market.listing is not None
        listing = await listings.find_listing(tx, market.listing)
        assert listing is not None
        found = await with_split_rule(tx, listing, OfferRequest(listing.id, name, document))
        assert isinstance(found, OfferRequest), found
        body = canonical(dict(found.document))
        driver, offer = await tx.driver(), tx.new_id()
        await driver.execute(
            "INSERT INTO catalog.offer (id, listing_id, supplier_id, code, version, kind, currency, entry_units, document, "
            "sha256, created_at) VALUES ($1, $2, $3, $4, 1, $5, 'CNY', 0, $6, $7, $8)",
            *(offer, listing.id, SELLER, name, kind, body, hashlib.sha256(body).digest(), tx.now),
        )
        await driver.execute(
            "INSERT INTO catalog.offer_standing (offer_id, listing_id, supplier_id, code, state, changed_at) "
            "VALUES ($1, $2, $3, $4, 'current', $5)",
            *(offer, listing.id, SELLER, name, tx.now),
        )
        return offer

    market.offers[name] = await market.database.run(flow)


async def split_all(market: Market, **more: Any) -> int:
    """Split whatever waits, each time in a transaction of its own; how many lines."""
    total = 0
    while done := await market.database.run(lambda tx: apply_rules(tx, "CNY", tx.now, **more)):
        total += done
    return total


async def purses(market: Market, kind: str = "pending") -> dict[str, int]:
    """What everybody has, those with nothing left out."""
    account = {"pending": pending, "payable": payable}[kind]
    keys = {
        "clearing": platform(AccountKind.CLEARING, "CNY"),
        "platform": platform(AccountKind.REVENUE, "CNY"),
        "pool": platform(AccountKind.POOL, "CNY"),
        "seller": account(SELLER, "CNY"),
        "broker": account(BROKER, "CNY"),
        "other": account(OTHER, "CNY"),
        "advance": advance(SELLER, "CNY"),
    }
    found = await market.database.run(lambda tx: ledger.sums(tx, list(keys.values())))
    return {name: found[key] for name, key in keys.items() if found[key]}
