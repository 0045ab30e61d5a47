"""Puts what a seed drew into its database: parties, listings, rules, offers, mandates and who reports use."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from exchange.access.store import usage
from exchange.catalog.offers import OfferRequest
from exchange.catalog.store import listings
from exchange.flows.claim_buyer import ClaimReceipt, claim_buyer
from exchange.flows.put_mandate import MandateReceipt, put_mandate
from exchange.flows.put_split_rule import RuleReceipt, put_split_rule
from exchange.flows.resolve_split import with_split_rule
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.canonical import canonical
from exchange.kernel.db import Database, Tx
from exchange.kernel.keys import Keyring
from settlement.mandates import MandateWish
from tests.simulation.seeded.spec import EXCHANGE, MILLION, Market, Offer, Step

_FIRST = 0x51_0000
OPERATOR = UUID(int=_FIRST - 1)


@dataclass
class Founded:
    """Where the parties and offers of a market are in its database."""

    market: Market
    organisations: dict[str, UUID] = field(default_factory=dict)
    offers: dict[str, UUID] = field(default_factory=dict)

    def actor(self, party: str) -> Actor:
        """Somebody of this party."""
        organisation = OPERATOR if party == "operator" else self.organisations[party]
        roles = frozenset({role_of(party)})
        return Actor(organisation, UUID(int=organisation.int + 0x1000), roles, roles, "jti")

    def party(self, organisation: UUID | None) -> str:
        """Whose organisation it is."""
        return next((name for name, one in self.organisations.items() if one == organisation), EXCHANGE)


def role_of(party: str) -> str:
    """As what a party takes part."""
    return {"seller": "supplier", "buyer": "buyer", "broker": "broker"}.get(party.rstrip("0123456789"), party)


def amount(units: int) -> str:
    """Millionths as the API writes money."""
    return f"{units // MILLION}.{units % MILLION:06d}"


async def found(db: Database, keyring: Keyring, market: Market) -> Founded:
    """Everything that is there before the first input."""
    made = Founded(market, {name: UUID(int=_FIRST + n) for n, name in enumerate(market.parties)})

    async def flow(tx: Tx) -> None:
        driver = await tx.driver()
        for name in market.parties:
            who = made.actor(name)
            await driver.execute(
                "INSERT INTO parties.organisation (id, name, roles, country, state, created_at) "
                "VALUES ($1, '{}', ARRAY[$2::text], 'CN', 'verified', $3)",
                *(who.organisation_id, role_of(name), tx.now),
            )
            await driver.execute(
                "INSERT INTO parties.client (id, organisation_id, label, secret_hash, scopes, created_at) "
                "VALUES ($1, $2, 'sim', sha256('x'), '{}', $3)",
                *(who.client_id, who.organisation_id, tx.now),
            )
        for seller in market.sellers:
            who = made.actor(seller)
            await usage.register_source(tx, who.organisation_id, who.client_id)
            listing, dataset = await _listing(driver, tx, who.organisation_id)
            for offer in market.offers.values():
                if offer.seller == seller:
                    made.offers[offer.name] = await _offer(tx, made, keyring, (listing, dataset), offer)
        for (seller, buyer), (broker, percent) in market.introduced.items():
            await _introduce(tx, made, keyring, seller, buyer, broker, percent)

    await db.run(flow)
    return made


async def _listing(driver: Any, tx: Tx, seller: UUID) -> tuple[UUID, UUID]:
    dataset, revision, listing = tx.new_id(), tx.new_id(), tx.new_id()
    await driver.execute(
        "INSERT INTO catalog.dataset (id, supplier_id, title, description, modality, languages, personal_data, licence, "
        "provenance, synthetic_share, state, created_at) "
        "VALUES ($1, $2, '{}', '{}', 'text', '{zh}', 'none', 'MIT', '{}', 0, 'active', $3)",
        *(dataset, seller, tx.now),
    )
    await driver.execute(
        "INSERT INTO catalog.revision (id, dataset_id, supplier_id, number, manifest, sha256, size_bytes, assets_count, "
        "created_at) VALUES ($1, $2, $3, 1, $4, sha256($4), 1, 1, $5)",
        *(revision, dataset, seller, revision.bytes, tx.now),
    )
    await driver.execute(
        "INSERT INTO catalog.listing (id, dataset_id, revision_id, supplier_id, state, title, summary, modality, languages, "
        "personal_data, licence, search, created_at, published_at) "
        "VALUES ($1, $2, $3, $4, 'published', '{}', '{}', 'text', '{zh}', 'none', 'MIT', '', $5, $5)",
        *(listing, dataset, revision, seller, tx.now),
    )
    return listing, dataset


async def _offer(tx: Tx, made: Founded, keyring: Keyring, on: tuple[UUID, UUID], offer: Offer) -> UUID:
    document: dict[str, Any] = {
        "type": "offer", "v": 1, "kind": {"once": "one_off", "metered": "pay_per_use"}.get(offer.kind, "subscription"),
        "currency": offer.currency, "plan": _plan(offer),
        "terms": {"type": "terms", "v": 1, "prevailing_language": "zh", "spdx": "CC-BY-4.0"},
        "delivery": {"files": True, "rows": True},
    }  # fmt: skip
    listing_id, dataset_id = on
    if offer.rule:
        rule = _rule(made, offer)
        put = await put_split_rule(tx, made.actor(offer.seller), keyring, dataset_id, offer.name, rule)
        assert isinstance(put, RuleReceipt), put
        listing = await listings.find_listing(tx, listing_id)
        assert listing is not None
        document["split_rule"] = {"id": put.id, "sha256": put.sha256}
        resolved = await with_split_rule(tx, listing, OfferRequest(listing_id, offer.name, document))
        assert isinstance(resolved, OfferRequest), resolved
        document = dict(resolved.document)
    else:
        document["shares"] = [
            {"role": role, "weight": weight, **({"organisation": _org(made, who)} if role == "broker" else {})}
            for role, who, weight in offer.shares
        ]
    body, offer_id, driver = canonical(document), tx.new_id(), await tx.driver()
    seller = made.organisations[offer.seller]
    await driver.execute(
        "INSERT INTO catalog.offer (id, listing_id, supplier_id, code, version, kind, currency, entry_units, document, "
        "sha256, created_at) VALUES ($1, $2, $3, $4, 1, $5, $6, 0, $7, $8, $9)",
        *(offer_id, listing_id, seller, offer.name, document["kind"], offer.currency),
        *(body, hashlib.sha256(body).digest(), tx.now),
    )
    await driver.execute(
        "INSERT INTO catalog.offer_standing (offer_id, listing_id, supplier_id, code, state, changed_at) "
        "VALUES ($1, $2, $3, $4, 'current', $5)",
        *(offer_id, listing_id, seller, offer.name, tx.now),
    )
    return offer_id


def _plan(offer: Offer) -> dict[str, Any]:
    part: dict[str, Any] = {"id": "price", "meter": None, "period": None}
    if offer.kind == "once":
        part["model"] = {"type": "one_off", "amount": amount(offer.price)}
    elif offer.kind == "monthly":
        part |= {"period": "month", "model": {"type": "flat", "amount": amount(offer.price), "in_advance": True}}
    else:
        tiers = [
            {"unit_price": amount(price), **({} if up_to is None else {"up_to": up_to})} for up_to, price in offer.tiers
        ]
        part |= {"meter": "records", "model": {"type": "graduated", "tiers": tiers}}
    return {"type": "plan", "v": 1, "currency": offer.currency, "time_zone": "UTC", "components": [part]}


def _rule(made: Founded, offer: Offer) -> dict[str, Any]:
    steps = [_step(made, one) for one in offer.rule]
    return {"type": "waterfall", "v": 1, "currency": offer.currency, "time_zone": "UTC", "steps": steps}


def _step(made: Founded, one: Step) -> dict[str, Any]:
    found: dict[str, Any] = {"id": one.name, "op": one.op, "per": one.per}
    if one.op == "recoup":
        # The exchange takes it, for the advance that it paid the supplier.
        found["payees"] = [{"role": "platform"}]
    elif one.payee in (EXCHANGE, "pool"):
        found["payees"] = [{"role": "platform" if one.payee == EXCHANGE else "pool"}]
    elif one.payee:
        role = role_of(one.payee)
        found["payees"] = [{"role": role, **({} if role == "supplier" else {"organisation": _org(made, one.payee)})}]
    if one.op == "mandate":
        found["payees"] = [{"role": "broker"}]
    if one.op in ("share_of_gross", "share_of_net", "recoup"):
        found["percent"] = amount(one.percent)
    if one.op in ("fixed", "recoup"):
        found["amount"] = amount(one.amount)
    elif one.amount:
        found["at_most"] = amount(one.amount)
    if one.bands:
        found["tiers"] = [
            {"percent": amount(percent), **({} if up_to is None else {"up_to": amount(up_to)})}
            for up_to, percent in one.bands
        ]
    return found


async def _introduce(
    tx: Tx, made: Founded, keyring: Keyring, seller: str, buyer: str, broker: str, percent: int
) -> None:
    ends = tx.now + timedelta(days=300)
    wish = MandateWish(made.organisations[broker], amount(percent), tx.now, ends, 0)
    mandate = await put_mandate(tx, made.actor(seller), keyring, wish)
    assert isinstance(mandate, MandateReceipt), mandate
    claim = await claim_buyer(
        tx, made.actor(broker), ids.parse("mnd", mandate.id), made.organisations[buyer], bytes(range(32))
    )
    assert isinstance(claim, ClaimReceipt), claim


def _org(made: Founded, party: str) -> str:
    return ids.text("org", made.organisations[party])
