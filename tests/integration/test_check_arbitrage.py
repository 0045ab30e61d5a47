"""A supplier's own offers against each other, over PostgreSQL and the two walls."""

from __future__ import annotations

import hashlib
from typing import Any
from uuid import UUID

from sqlalchemy import insert, update

from exchange.catalog import tables
from exchange.flows.check_arbitrage import ArbitrageReceipt, check_arbitrage
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.canonical import canonical, sha256
from exchange.kernel.db import Database, Tx
from exchange.kernel.errors import Problem

SUPPLIER = Actor(UUID(int=901), UUID(int=1), frozenset({"supplier"}), frozenset({"supplier"}), "a")
RIVAL = Actor(UUID(int=902), UUID(int=2), frozenset({"supplier"}), frozenset({"supplier"}), "b")
TEXT = {"en": "Poems", "zh": "诗"}
OWN = {"purposes": ["pretrain"], "commercial": True, "territory": "*", "duration": None}


class Shop:
    """Rows of one supplier, as the flows write them."""

    def __init__(self, tx: Tx, supplier: UUID) -> None:
        self.tx, self.supplier = tx, supplier

    async def put(self, table: Any, **row: Any) -> UUID:
        made = row.pop("id", None) or self.tx.new_id()
        await self.tx.conn.execute(insert(table).values(id=made, supplier_id=self.supplier, **row))
        return UUID(str(made))

    async def dataset(self) -> UUID:
        return await self.put(
            tables.dataset,
            title=TEXT,
            description=TEXT,
            modality="text",
            languages=["en"],
            personal_data="none",
            licence="MIT",
            provenance=TEXT,
            synthetic_share=0,
            state="active",
            created_at=self.tx.now,
        )

    async def listing(self, dataset: UUID, number: int, *contents: str, state: str = "published") -> UUID:
        """A revision with files of these contents, on sale; a file's name does not matter."""
        manifest = repr((dataset, number, contents)).encode()
        revision = await self.put(
            tables.revision,
            dataset_id=dataset,
            number=number,
            manifest=manifest,
            sha256=sha256(manifest),
            size_bytes=1,
            assets_count=len(contents),
            created_at=self.tx.now,
        )
        for position, content in enumerate(contents):
            await self.put(
                tables.asset,
                revision_id=revision,
                position=position,
                path=f"{number}/{position}",
                sha256=hashlib.sha256(content.encode()).digest(),
                size_bytes=1,
                media_type="text/plain",
                node_id="centre",
            )
        return await self.put(
            tables.listing,
            dataset_id=dataset,
            revision_id=revision,
            state=state,
            title=TEXT,
            summary=TEXT,
            modality="text",
            languages=["en"],
            personal_data="none",
            licence="MIT",
            search="",
            created_at=self.tx.now,
            published_at=self.tx.now,
        )

    async def offer(self, listing: UUID, code: str, amount: str, kind: str = "one_off", **changes: Any) -> UUID:
        model = {"type": "one_off", "amount": amount}
        if kind != "one_off":
            model = {"type": "flat", "amount": amount}
        component = {"id": "c", "meter": None, "period": None if kind == "one_off" else "month", "model": model}
        document = {
            "type": "offer",
            "v": 1,
            "kind": kind,
            "currency": changes.get("currency", "CNY"),
            "plan": {"type": "plan", "v": 1, "currency": changes.get("currency", "CNY"), "components": [component]},
            "terms": {"type": "terms", "v": 1, "prevailing_language": "zh", "own": {**OWN, **changes.get("own", {})}},
            "delivery": {"files": True, "rows": changes.get("rows", True)},
            "shares": [],
        }
        body = canonical(document)
        made = await self.put(
            tables.offer,
            listing_id=listing,
            code=code,
            version=1,
            kind=kind,
            currency=document["currency"],
            entry_units=0,
            document=body,
            sha256=sha256(body),
            created_at=self.tx.now,
        )
        standing = {"offer_id": made, "listing_id": listing, "supplier_id": self.supplier, "code": code}
        standing |= {"state": "current", "changed_at": self.tx.now}
        await self.tx.conn.execute(insert(tables.offer_standing).values(**standing))
        return made


async def checked(database: Database, listing: UUID, actor: Actor = SUPPLIER) -> ArbitrageReceipt:
    async with database.read(actor) as tx:
        found = await check_arbitrage(tx, actor, listing)
    assert isinstance(found, ArbitrageReceipt), found
    return found


async def test_revisions_subsets_and_bundles_that_undercut_are_named(database: Database) -> None:
    made: dict[str, UUID] = {}

    async def flow(tx: Tx) -> None:
        shop = Shop(tx, SUPPLIER.organisation_id)
        poems, songs = await shop.dataset(), await shop.dataset()
        made["all"] = await shop.listing(poems, 2, "a", "b", "c", "d")
        made["old"] = await shop.listing(poems, 1, "a", "b", "c")
        made["rest"] = await shop.listing(songs, 1, "d", "e")
        made["draft"] = await shop.listing(songs, 2, "d", state="draft")
        await shop.offer(made["all"], "whole", "1000")
        await shop.offer(made["all"], "monthly", "1", kind="subscription")
        await shop.offer(made["old"], "whole", "600")
        await shop.offer(made["old"], "study", "10", own={"purposes": ["research"]})
        await shop.offer(made["old"], "abroad", "10", currency="USD")
        await shop.offer(made["old"], "files-only", "10", rows=False)
        await shop.offer(made["rest"], "whole", "300")
        await shop.offer(made["draft"], "whole", "5")
        # Another supplier gives the same files away: nobody's arbitrage but the market's.
        rival = Shop(tx, RIVAL.organisation_id)
        theirs = await rival.listing(await rival.dataset(), 1, "a", "b", "c", "d")
        made["rival"] = theirs
        await rival.offer(theirs, "gift", "0")

    await database.run(flow)
    found = await checked(database, made["all"])
    assert not found.ok
    (one,) = found.findings
    assert (one.instead_of.code, one.instead_of.price["amount"]) == ("whole", "1000.00")
    assert [(part.listing, part.price["amount"]) for part in one.buy] == [
        (ids.text("lst", made["old"]), "600.00"),
        (ids.text("lst", made["rest"]), "300.00"),
    ]
    assert (one.cost["amount"], one.saves["amount"], one.cheapest) == ("900.00", "100.00", True)
    assert "whole costs 1000.00 CNY" in one.why["en"]
    assert "合计仅 900.00 CNY" in one.why["zh"]
    # The same finding is told where a part is looked at; a listing that nobody can buy yet counts when it is asked for.
    assert [each.cost["amount"] for each in (await checked(database, made["rest"])).findings] == ["900.00"]
    draft = await checked(database, made["draft"])
    assert [each.cost["amount"] for each in draft.findings] == ["605.00"]
    assert (await checked(database, made["rival"], RIVAL)).ok


async def test_a_listing_of_somebody_else_is_not_there(database: Database) -> None:
    made: dict[str, UUID] = {}

    async def flow(tx: Tx) -> None:
        shop = Shop(tx, SUPPLIER.organisation_id)
        made["mine"] = await shop.listing(await shop.dataset(), 1, "a")
        made["offer"] = await shop.offer(made["mine"], "whole", "10")

    await database.run(flow)
    async with database.read(RIVAL) as tx:
        answer = await check_arbitrage(tx, RIVAL, made["mine"])
    assert isinstance(answer, Problem)
    assert answer.slug == "not-found"
    assert (await checked(database, made["mine"])).offers_compared == 1

    async def withdraw(tx: Tx) -> None:
        statement = update(tables.offer_standing).where(tables.offer_standing.c.offer_id == made["offer"])
        await tx.conn.execute(statement.values(state="superseded"))

    await database.run(withdraw)
    assert (await checked(database, made["mine"])).offers_compared == 0
