"""A small market with money in it: one seller's offers, a broker's share, and buyers."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from exchange.access.store import seal
from exchange.flows.once import Answered, Command
from exchange.flows.purchase import OrderReceipt, Purchase, purchase
from exchange.flows.sale import Sales
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.canonical import canonical
from exchange.kernel.db import Database, Tx
from exchange.kernel.errors import Problem
from exchange.kernel.keys import Keyring
from exchange.kernel.money import Money
from settlement import postings
from settlement.store import ledger

SELLER, BROKER, BUYER, OTHER, OPERATOR = (UUID(int=0x5E11E00 + n) for n in range(5))
NAMES = {SELLER: "seller", BROKER: "broker", BUYER: "buyer", OTHER: "other"}
SHARES: list[dict[str, Any]] = [
    {"role": "supplier", "weight": 8000},
    {"role": "broker", "weight": 500, "organisation": ids.text("org", BROKER)},
    {"role": "platform", "weight": 1500},
]
ONE_OFF = {"id": "price", "meter": None, "period": None, "model": {"type": "one_off", "amount": "300.00"}}
MONTHLY = {
    "id": "fee",
    "meter": None,
    "period": "month",
    "model": {"type": "flat", "amount": "30.00", "in_advance": True},
}
PER_RECORD = {"id": "use", "meter": "records", "period": None, "model": {"type": "per_unit", "unit_price": "0.015"}}


def actor(organisation: UUID, *roles: str) -> Actor:
    """Somebody of this organisation."""
    return Actor(organisation, UUID(int=organisation.int + 100), frozenset(roles), frozenset(roles), "jti")


@dataclass
class Market:
    """Where trades of a test happen; offers by name."""

    database: Database
    keyring: Keyring
    offers: dict[str, UUID]
    sales: Sales
    keys: int = 0
    listing: UUID | None = None

    async def fund(self, buyer: UUID, units: int) -> None:
        """Put money into a wallet."""

        async def flow(tx: Tx) -> None:
            await ledger.post(tx, [postings.top_up(tx.new_id(), buyer, Money(units, "CNY"))])

        await self.database.run(flow)

    async def join(self, seller: UUID, country: str = "CN") -> None:
        """Let another seller in, with the offers monthly and per_use of its own: `monthly/<the last four digits of its id>`."""

        async def flow(tx: Tx) -> None:
            driver = await tx.driver()
            await driver.execute(
                "INSERT INTO parties.organisation (id, name, roles, country, state, created_at) "
                "VALUES ($1, '{}', ARRAY['supplier'], $2, 'verified', $3)",
                *(seller, country, tx.now),
            )
            listing = await _listing(driver, tx, seller)
            for name, kind, component in (("monthly", "subscription", MONTHLY), ("per_use", "pay_per_use", PER_RECORD)):
                made = await _offer(driver, tx, listing, name, kind, [component], seller)
                self.offers[f"{name}/{seller.hex[-4:]}"] = made

        await self.database.run(flow)

    async def offer(self, name: str, *components: dict[str, Any], kind: str = "subscription", **plan: Any) -> None:
        """Put another offer on the listing; `plan` holds discounts, limits, tax and the like, and perhaps the legal frame."""

        async def flow(tx: Tx) -> UUID:
            assert self.listing is not None
            return await _offer(await tx.driver(), tx, self.listing, name, kind, list(components), **plan)

        self.offers[name] = await self.database.run(flow)

    async def register_for_tax(self, organisation: UUID, scheme: str = "uscc", value: str = "") -> None:
        """Give an organisation a tax number of its country."""

        async def flow(tx: Tx) -> None:
            await (await tx.driver()).execute(
                "INSERT INTO parties.identifier (organisation_id, scheme, value, created_at) VALUES ($1, $2, $3, $4)",
                organisation,
                scheme,
                value or organisation.hex,
                tx.now,
            )

        await self.database.run(flow)

    async def classify(self, organisation: UUID, buyer_class: str) -> None:
        """Confirm what kind of buyer an organisation is."""

        async def flow(tx: Tx) -> None:
            await (await tx.driver()).execute(
                "UPDATE parties.organisation SET buyer_class = $2 WHERE id = $1", organisation, buyer_class
            )

        await self.database.run(flow)

    async def buy(
        self, buyer: UUID, offer: str, payment: Literal["wallet", "card", "account"] = "wallet", **more: Any
    ) -> Any:
        """Place one order; its receipt or problem."""
        wish = self.wish(buyer, offer, payment, **more)
        (answer,) = await self.database.run(lambda tx: purchase(tx, self.sales, self.keyring, [wish]))
        if isinstance(answer, Problem):
            return answer
        assert isinstance(answer, Answered)
        return msgspec.json.decode(answer.body, type=OrderReceipt)

    def wish(
        self, buyer: UUID, offer: str, payment: Literal["wallet", "card", "account"] = "wallet", **more: Any
    ) -> Purchase:
        """An order that nobody placed yet, with a key of its own."""
        self.keys += 1
        command = Command(
            actor(buyer, "buyer"), "purchase", f"key-{self.keys}", hashlib.sha256(b"%d" % self.keys).digest()
        )
        return Purchase(command, self.offers[offer], ("pretrain",), payment, **more)

    async def use(self, grant: str, records: int, at: datetime) -> None:
        """Report that records were read."""

        async def flow(tx: Tx) -> None:
            driver = await tx.driver()
            await seal.ensure_days(tx, [at.date()])
            await driver.execute(
                "INSERT INTO access.usage_record (source_id, event_id, grant_id, meter, at, quantity, batch_id) "
                "VALUES (1, $1, $2, 2, $3, $4, $1)",
                tx.new_id(),
                ids.parse("grt", grant),
                at,
                records,
            )

        await self.database.run(flow)


async def open_market(database: Database, keyring: Keyring) -> Market:
    """Parties, one listing, and the offers one_off, monthly and per_use."""
    offers = {
        "one_off": ("one_off", [ONE_OFF]),
        "monthly": ("subscription", [MONTHLY]),
        "per_use": ("pay_per_use", [PER_RECORD]),
    }
    made: dict[str, UUID] = {}
    listings: list[UUID] = []

    async def flow(tx: Tx) -> None:
        await seal.ensure_partitions(tx, 3)
        driver = await tx.driver()
        for organisation, role in ((SELLER, "supplier"), (BROKER, "broker"), (BUYER, "buyer"), (OTHER, "buyer")):
            await driver.execute(
                "INSERT INTO parties.organisation (id, name, roles, country, state, created_at) "
                "VALUES ($1, '{}', ARRAY[$2::text], 'CN', 'verified', $3)",
                organisation,
                role,
                tx.now,
            )
            await driver.execute(
                "INSERT INTO parties.client (id, organisation_id, label, secret_hash, scopes, created_at) "
                "VALUES ($1, $2, 'test', sha256('x'), '{}', $3)",
                actor(organisation).client_id,
                organisation,
                tx.now,
            )
        listing = await _listing(driver, tx)
        listings.append(listing)
        for name, (kind, components) in offers.items():
            made[name] = await _offer(driver, tx, listing, name, kind, components)

    await database.run(flow)
    return Market(database, keyring, made, Sales(), listing=listings[-1])


async def _listing(driver: Any, tx: Tx, seller: UUID = SELLER) -> UUID:
    dataset, revision, listing = tx.new_id(), tx.new_id(), tx.new_id()
    await driver.execute(
        "INSERT INTO catalog.dataset (id, supplier_id, title, description, modality, languages, personal_data, licence, "
        "provenance, synthetic_share, state, created_at) VALUES ($1, $2, '{}', '{}', 'text', '{zh}', 'none', 'MIT', '{}', 0, 'active', $3)",
        dataset,
        seller,
        tx.now,
    )
    await driver.execute(
        "INSERT INTO catalog.revision (id, dataset_id, supplier_id, number, manifest, sha256, size_bytes, assets_count, "
        "created_at) VALUES ($1, $2, $3, 1, $5::bytea, sha256($5::bytea), 1, 1, $4)",
        revision,
        dataset,
        seller,
        tx.now,
        b"m" if seller == SELLER else seller.bytes,
    )
    await driver.execute(
        "INSERT INTO catalog.listing (id, dataset_id, revision_id, supplier_id, state, title, summary, modality, languages, "
        "personal_data, licence, search, created_at, published_at) VALUES ($1, $2, $3, $4, 'published', '{}', '{}', 'text', '{zh}', 'none', 'MIT', '', $5, $5)",
        listing,
        dataset,
        revision,
        seller,
        tx.now,
    )
    return listing


async def _offer(
    driver: Any,
    tx: Tx,
    listing: UUID,
    code: str,
    kind: str,
    components: list[Any],
    seller: UUID = SELLER,
    **plan: Any,
) -> UUID:
    offer, frame = tx.new_id(), plan.pop("frame", None)
    document = canonical(
        {
            "type": "offer",
            "v": 1,
            "kind": kind,
            "currency": "CNY",
            "plan": {"type": "plan", "v": 1, "currency": "CNY", "time_zone": "UTC", "components": components, **plan},
            "terms": {"type": "terms", "v": 1, "prevailing_language": "zh", "spdx": "CC-BY-4.0"},
            "delivery": {"files": True, "rows": True},
            "shares": SHARES,
            **({} if frame is None else {"frame": frame}),
        }
    )
    await driver.execute(
        "INSERT INTO catalog.offer (id, listing_id, supplier_id, code, version, kind, currency, entry_units, document, sha256, "
        "created_at) VALUES ($1, $2, $3, $4, 1, $5, 'CNY', 0, $6, sha256($6), $7)",
        offer,
        listing,
        seller,
        code,
        kind,
        document,
        tx.now,
    )
    await driver.execute(
        "INSERT INTO catalog.offer_standing (offer_id, listing_id, supplier_id, code, state, changed_at) "
        "VALUES ($1, $2, $3, $4, 'current', $5)",
        offer,
        listing,
        seller,
        code,
        tx.now,
    )
    return offer
