"""From a dataset to a published listing, against PostgreSQL and a folder of files."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from exchange.catalog.browsing import SearchFilter
from exchange.catalog.datasets import DatasetDraft
from exchange.catalog.listings import ListingDraft, ListingState
from exchange.catalog.offers import OfferRequest, OfferStanding
from exchange.catalog.receive import finish, receive
from exchange.catalog.settings import CatalogSettings
from exchange.catalog.store import listings, portal, public
from exchange.catalog.uploads import UploadRequest
from exchange.flows.draft_listing import ListingReceipt, draft_listing
from exchange.flows.register_dataset import DatasetReceipt, register_dataset
from exchange.flows.seal_revision import RevisionReceipt, SealRevision, seal_revision
from exchange.flows.upload_asset import UploadReceipt, abandon_upload, complete_upload, expire_uploads, open_upload
from exchange.flows.version_offer import OfferReceipt, version_offer
from exchange.kernel import ids as names
from exchange.kernel.actor import Actor
from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Database
from exchange.kernel.errors import Problem
from exchange.kernel.files import FileStore
from exchange.kernel.money import Money
from exchange.kernel.pages import PageRequest

SETTINGS = CatalogSettings()
SUPPLIER = Actor(UUID(int=101), UUID(int=1), frozenset({"supplier"}), frozenset({"supplier"}), "a")
RIVAL = Actor(UUID(int=102), UUID(int=2), frozenset({"supplier"}), frozenset({"supplier"}), "b")
BUYER = Actor(UUID(int=103), UUID(int=3), frozenset({"buyer"}), frozenset({"buyer"}), "c")
TITLE = {"en": "Three hundred Tang poems", "zh": "唐诗三百首"}
ABOUT = {"en": "Classical Chinese poetry with authors.", "zh": "带作者信息的中国古典诗歌语料库。"}
DRAFT = DatasetDraft(TITLE, ABOUT, "text", ("zh-Hans", "en"), "none", "MIT", ABOUT)
SHARES = [{"role": "supplier", "weight": 8800}, {"role": "platform", "weight": 1200}]
TERMS: dict[str, Any] = {"type": "terms", "v": 1, "prevailing_language": "zh", "spdx": "CC-BY-4.0"}
PLAN: dict[str, Any] = {
    "type": "plan",
    "v": 1,
    "currency": "CNY",
    "time_zone": "Asia/Shanghai",
    "components": [
        {
            "id": "price",
            "title": {"en": "Price", "zh": "价格"},
            "meter": None,
            "period": None,
            "model": {"type": "one_off", "amount": "300.00"},
        }
    ],
}
DOCUMENT: dict[str, Any] = {
    "type": "offer",
    "v": 1,
    "kind": "one_off",
    "currency": "CNY",
    "plan": PLAN,
    "terms": TERMS,
    "delivery": {"files": True, "rows": True},
    "shares": SHARES,
}


async def stream(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), 7):
        yield content[start : start + 7]


def slug(answer: object) -> str:
    assert isinstance(answer, Problem), answer
    return answer.slug


async def registered(database: Database, actor: Actor = SUPPLIER, draft: DatasetDraft = DRAFT) -> UUID:
    receipt = await database.run(lambda tx: register_dataset(tx, actor, draft, SETTINGS))
    assert isinstance(receipt, DatasetReceipt), receipt
    return names.parse("ds", receipt.id)


async def opened(database: Database, dataset: UUID, path: str, content: bytes, actor: Actor = SUPPLIER) -> UUID:
    request = UploadRequest(dataset, path, len(content), hashlib.sha256(content).digest())
    receipt = await database.run(lambda tx: open_upload(tx, actor, request, SETTINGS))
    assert isinstance(receipt, UploadReceipt), receipt
    return names.parse("upl", receipt.id)


async def sent(
    database: Database, files: FileStore, upload_id: UUID, content: bytes, actor: Actor = SUPPLIER
) -> UploadReceipt | Problem:
    """What the app's handler does with the bytes of an upload."""
    async with database.read(actor) as tx:
        upload = await portal.own_upload(tx, actor, upload_id)
    assert upload is not None
    end = await receive(files, upload, 0, stream(content), database.clock.now())
    assert end == len(content), end
    blob = await finish(files, upload)
    assert not isinstance(blob, Problem)
    receipt = await database.run(lambda tx: complete_upload(tx, actor, upload_id, blob.sha256))
    await files.discard(upload_id)
    return receipt


async def uploaded(database: Database, files: FileStore, dataset: UUID, path: str, content: bytes) -> UUID:
    upload_id = await opened(database, dataset, path, content)
    receipt = await sent(database, files, upload_id, content)
    assert isinstance(receipt, UploadReceipt), receipt
    assert receipt.state == "complete"
    return upload_id


async def sealed(database: Database, dataset: UUID, *uploads: UUID, keep: tuple[str, ...] = ()) -> RevisionReceipt:
    command = SealRevision(dataset, uploads, keep)
    receipt = await database.run(lambda tx: seal_revision(tx, SUPPLIER, command, SETTINGS))
    assert isinstance(receipt, RevisionReceipt), receipt
    return receipt


async def drafted(database: Database, revision: str, title: dict[str, str] = TITLE) -> UUID:
    draft = ListingDraft(names.parse("rev", revision), title, ABOUT)
    receipt = await database.run(lambda tx: draft_listing(tx, SUPPLIER, draft, SETTINGS))
    assert isinstance(receipt, ListingReceipt), receipt
    return names.parse("lst", receipt.id)


async def offered(database: Database, listing: UUID, code: str = "once", amount: str = "300.00") -> OfferReceipt:
    component = {**PLAN["components"][0], "model": {"type": "one_off", "amount": amount}}
    document = {**DOCUMENT, "plan": {**PLAN, "components": [component]}}
    receipt = await database.run(
        lambda tx: version_offer(tx, SUPPLIER, OfferRequest(listing, code, document), SETTINGS)
    )
    assert isinstance(receipt, OfferReceipt), receipt.detail("en")
    return receipt


async def published(database: Database, listing_id: UUID) -> None:
    """Publish without the rules: they have their own test."""

    async def move(tx: Any) -> None:
        found = await listings.lock_listing(tx, listing_id)
        assert found is not None
        await listings.set_listing(tx, replace(found, state=ListingState.PUBLISHED, published_at=tx.now))

    await database.run(move)


async def test_a_revision_is_uploaded_sealed_and_found_by_its_hash(database: Database, files: FileStore) -> None:
    dataset = await registered(database)
    contents = {"b/唐.jsonl": b'{"a":1}\n' * 50, "a.txt": b"hello"}
    uploads = [await uploaded(database, files, dataset, path, content) for path, content in contents.items()]
    receipt = await sealed(database, dataset, *uploads)
    assert (receipt.number, receipt.assets, receipt.size_bytes) == (1, 2, sum(map(len, contents.values())))
    revision_id = names.parse("rev", receipt.id)
    async with database.read(SUPPLIER) as tx:
        revision = await portal.own_revision(tx, SUPPLIER, revision_id)
        assets = (await portal.own_assets(tx, SUPPLIER, revision_id, PageRequest())).items
    assert revision is not None
    assert hashlib.sha256(revision.manifest).hexdigest() == receipt.sha256
    assert [stored.asset.path for stored in assets] == ["a.txt", "b/唐.jsonl"]
    for stored in assets:
        content = b"".join([chunk async for chunk in files.open_range(stored.asset.sha256)])
        assert content == contents[stored.asset.path]
    again = await uploaded(database, files, dataset, "A.txt", b"other")
    command = SealRevision(dataset, [again], ["a.txt"])
    assert slug(await database.run(lambda tx: seal_revision(tx, SUPPLIER, command, SETTINGS))) == "path-taken"
    second = await sealed(database, dataset, again, keep=("b/唐.jsonl",))
    assert (second.number, second.assets) == (2, 2)
    same = SealRevision(dataset, [], ["A.txt", "b/唐.jsonl"])
    assert slug(await database.run(lambda tx: seal_revision(tx, SUPPLIER, same, SETTINGS))) == "revision-unchanged"


async def test_a_revision_never_changes(database: Database, files: FileStore) -> None:
    dataset = await registered(database)
    await sealed(database, dataset, await uploaded(database, files, dataset, "a", b"a"))
    for table in ("revision", "asset"):

        async def change(tx: Any, table: str = table) -> None:
            driver = await tx.driver()
            await driver.execute(f"UPDATE catalog.{table} SET size_bytes = 0")

        with pytest.raises(asyncpg.PostgresError):
            await database.run(change)


async def test_false_bytes_give_the_upload_up(database: Database, files: FileStore) -> None:
    dataset = await registered(database)
    upload_id = await opened(database, dataset, "a", b"right")
    assert slug(await sent(database, files, upload_id, b"wrong")) == "upload-hash-mismatch"
    async with database.read(SUPPLIER) as tx:
        upload = await portal.own_upload(tx, SUPPLIER, upload_id)
    assert upload is not None
    assert upload.state == "abandoned"
    await opened(database, dataset, "a", b"right")


async def test_receiving_says_where_to_go_on(database: Database, files: FileStore, clock: FixedClock) -> None:
    dataset = await registered(database)
    upload_id = await opened(database, dataset, "a", b"0123456789")
    async with database.read(SUPPLIER) as tx:
        upload = await portal.own_upload(tx, SUPPLIER, upload_id)
    assert upload is not None
    assert await receive(files, upload, 0, stream(b"01234"), clock.now()) == 5
    wrong = await receive(files, upload, 3, stream(b"3456789"), clock.now())
    assert isinstance(wrong, Problem)
    assert (wrong.slug, wrong.fields) == ("upload-offset", {"expected": 5})
    assert slug(await finish(files, upload)) == "upload-incomplete"
    assert slug(await receive(files, upload, 5, stream(b"56789+"), clock.now())) == "upload-too-large"
    assert await database.run(expire_uploads) == []
    clock.advance(SETTINGS.upload_ttl_s)
    assert slug(await receive(files, upload, 5, stream(b"5"), clock.now())) == "upload-not-open"
    assert await database.run(expire_uploads) == [upload_id]
    assert await database.run(expire_uploads) == []
    await opened(database, dataset, "A", b"the path is free after the upload expired")


async def test_paths_of_waiting_uploads_do_not_collide_even_at_once(database: Database) -> None:
    dataset = await registered(database)
    requests = [UploadRequest(dataset, path, 1) for path in ("data", "DATA", "data/x", "Data")]
    answers = await asyncio.gather(
        *(database.run(lambda tx, one=one: open_upload(tx, SUPPLIER, one, SETTINGS)) for one in requests)
    )
    won = [answer for answer in answers if isinstance(answer, UploadReceipt)]
    assert len(won) == 1
    assert {slug(answer) for answer in answers if answer not in won} == {"path-taken"}
    upload_id = names.parse("upl", won[0].id)
    given_up = await database.run(lambda tx: abandon_upload(tx, SUPPLIER, upload_id))
    assert isinstance(given_up, UploadReceipt)
    await opened(database, dataset, "data/x", b"1")


async def test_two_sealers_at_once_make_one_revision(database: Database, files: FileStore) -> None:
    dataset = await registered(database)
    upload_id = await uploaded(database, files, dataset, "a", b"a")
    command = SealRevision(dataset, [upload_id])
    answers = await asyncio.gather(
        *(database.run(lambda tx: seal_revision(tx, SUPPLIER, command, SETTINGS)) for _ in range(4))
    )
    assert sum(isinstance(answer, RevisionReceipt) for answer in answers) == 1
    assert {slug(answer) for answer in answers if isinstance(answer, Problem)} == {"upload-not-open"}


async def test_what_is_anothers_does_not_exist(database: Database, files: FileStore) -> None:
    dataset = await registered(database)
    upload_id = await uploaded(database, files, dataset, "a", b"a")
    revision = await sealed(database, dataset, upload_id)
    listing = await drafted(database, revision.id)
    rev = names.parse("rev", revision.id)
    theirs = UploadRequest(dataset, "b", 1)
    for answer in (
        await database.run(lambda tx: open_upload(tx, RIVAL, theirs, SETTINGS)),
        await database.run(lambda tx: complete_upload(tx, RIVAL, upload_id, b"x" * 32)),
        await database.run(lambda tx: abandon_upload(tx, RIVAL, upload_id)),
        await database.run(lambda tx: seal_revision(tx, RIVAL, SealRevision(dataset, [upload_id]), SETTINGS)),
        await database.run(lambda tx: draft_listing(tx, RIVAL, ListingDraft(rev, TITLE, ABOUT), SETTINGS)),
        await database.run(lambda tx: version_offer(tx, RIVAL, OfferRequest(listing, "x", DOCUMENT), SETTINGS)),
    ):
        assert slug(answer) == "not-found"
    async with database.read(RIVAL) as tx:
        assert await portal.own_dataset(tx, RIVAL, dataset) is None
        # The second wall alone, without our own filter: reading as the owner from the rival's connection.
        assert await portal.own_dataset(tx, SUPPLIER, dataset) is None
        assert await portal.own_upload(tx, SUPPLIER, upload_id) is None
        assert await portal.own_revision(tx, SUPPLIER, rev) is None
        assert await portal.own_listing(tx, SUPPLIER, listing) is None
        assert not (await portal.own_assets(tx, SUPPLIER, rev, PageRequest())).items
    async with database.read(None) as tx:
        assert await public.shelf(tx, listing) is None


async def test_offers_are_versions_of_which_the_newest_is_sold(database: Database, files: FileStore) -> None:
    dataset = await registered(database)
    revision = await sealed(database, dataset, await uploaded(database, files, dataset, "a", b"a"))
    listing = await drafted(database, revision.id)
    first = await offered(database, listing)
    assert (first.version, first.entry_price) == (1, {"amount": "300.00", "currency": "CNY"})
    repeated = OfferRequest(listing, "once", DOCUMENT)
    assert slug(await database.run(lambda tx: version_offer(tx, SUPPLIER, repeated, SETTINGS))) == "offer-unchanged"
    second = await offered(database, listing, amount="350.00")
    assert second.version == 2
    ids = [names.parse("ofr", receipt.id) for receipt in (first, second)]
    loaded = await database.run(lambda tx: listings.load_offers(tx, [*ids, UUID(int=9), ids[0]]))
    assert set(loaded) == set(ids)
    assert [loaded[one].standing for one in ids] == [OfferStanding.SUPERSEDED, OfferStanding.CURRENT]
    assert [loaded[one].for_sale for one in ids] == [False, False]
    await published(database, listing)
    loaded = await database.run(lambda tx: listings.load_offers(tx, ids))
    assert [loaded[one].for_sale for one in ids] == [False, True]
    offer = loaded[ids[1]]
    assert (offer.supplier_id, offer.dataset_id) == (SUPPLIER.organisation_id, dataset)
    assert hashlib.sha256(offer.document).digest() == offer.sha256
    assert offer.revision_sha256.hex() == revision.sha256


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "subscription"},
        {"kind": "pay_per_use"},
        {"currency": "EUR"},
        {"plan": {"currency": "CNY"}},
        {"terms": {"anything": True}},
    ],
)
async def test_an_offer_that_nobody_understands_is_refused(
    database: Database, files: FileStore, change: dict[str, Any]
) -> None:
    dataset = await registered(database)
    revision = await sealed(database, dataset, await uploaded(database, files, dataset, "a", b"a"))
    listing = await drafted(database, revision.id)
    request = OfferRequest(listing, "x", {**DOCUMENT, **change})
    answer = await database.run(lambda tx: version_offer(tx, SUPPLIER, request, SETTINGS))
    assert slug(answer) in {"offer-invalid", "plan-field-wrong", "terms-field-wrong"}


async def test_search_finds_both_languages_and_only_what_is_published(database: Database, files: FileStore) -> None:
    dataset = await registered(database)
    revision = await sealed(database, dataset, await uploaded(database, files, dataset, "a", b"a"))
    poems = await drafted(database, revision.id)
    speeches = await drafted(database, revision.id, {"en": "Presidential speeches", "zh": "总统演讲稿"})
    hidden = await drafted(database, revision.id, {"en": "Hidden poems", "zh": "隐藏的唐诗"})
    await offered(database, poems)
    await offered(database, speeches, amount="900.00")
    for listing in (poems, speeches):
        await published(database, listing)

    async def find(words: str = "", **filters: Any) -> list[UUID]:
        async with database.read(None) as tx:
            page = await public.search(tx, SearchFilter(words, **filters), PageRequest())
        return [found.listing.id for found in page.items]

    assert (await find("唐詩"))[0] == poems
    assert (await find("TANG poem"))[0] == poems
    assert (await find("演讲"))[0] == speeches
    assert await find("总统的演说") == [], "every character has to be there"
    assert await find("presidential 演講稿") == [speeches]
    assert await find("' | ! & :*") == await find()
    assert hidden not in await find("隐藏")
    assert set(await find()) == {poems, speeches}
    assert await find("唐诗", modality="image") == []
    assert set(await find(language="zh", licence="MIT", modality="text", kind="one_off")) == {poems, speeches}
    assert await find(language="z") == []
    assert await find(kind="subscription") == []
    assert await find(price_max=Money(300_000_000, "CNY")) == [poems]
    assert await find(price_max=Money(900_000_000, "EUR")) == []
    async with database.read(BUYER) as tx:
        shelf = await public.shelf(tx, poems)
        offers = await public.offers(tx, [poems, speeches, hidden])
        assets = await public.assets(tx, poems, PageRequest())
        assert (await public.assets(tx, hidden, PageRequest())).items == []
    assert shelf is not None
    assert [offer.code for offer in shelf.offers] == ["once"]
    assert [len(found) for found in offers.values()] == [1, 1, 0]
    assert [stored.asset.path for stored in assets.items] == ["a"]


@pytest.mark.parametrize("words", ["", "poems"])
async def test_pages_of_a_search_meet_every_listing_once(database: Database, files: FileStore, words: str) -> None:
    dataset = await registered(database)
    revision = await sealed(database, dataset, await uploaded(database, files, dataset, "a", b"a"))
    made = set()
    for number in range(7):
        listing = await drafted(database, revision.id, {"en": f"poems {'poems ' * (number % 3)}", "zh": "诗"})
        await published(database, listing)
        made.add(listing)
    seen: list[UUID] = []
    cursor = None
    while True:
        from exchange.kernel.pages import page_request

        async with database.read(None) as tx:
            page = await public.search(tx, SearchFilter(words), page_request(3, cursor))
        seen += [found.listing.id for found in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert len(seen) == 7
    assert set(seen) == made


async def test_only_a_supplier_registers_and_licences_are_known_or_own(database: Database) -> None:
    assert slug(await database.run(lambda tx: register_dataset(tx, BUYER, DRAFT, SETTINGS))) == "forbidden"
    unknown = replace(DRAFT, licence="Nobody-Knows-1.0")
    assert slug(await database.run(lambda tx: register_dataset(tx, SUPPLIER, unknown, SETTINGS))) == "dataset-invalid"
    for licence in ("LicenseRef-Acme-1", "MIT OR CC-BY-4.0"):
        await registered(database, draft=replace(DRAFT, licence=licence))


async def test_every_step_leaves_an_audit_entry(database: Database, database_url: str, files: FileStore) -> None:
    dataset = await registered(database)
    revision = await sealed(database, dataset, await uploaded(database, files, dataset, "a", b"a"))
    await offered(database, await drafted(database, revision.id))
    connection = await asyncpg.connect(database_url.replace("postgresql+asyncpg", "postgresql"))
    actions = [row[0] for row in await connection.fetch("SELECT action FROM compliance.audit_entry ORDER BY seq")]
    await connection.close()
    assert actions == [
        "dataset.register",
        "upload.open",
        "upload.complete",
        "revision.seal",
        "listing.draft",
        "offer.version",
    ]


async def test_a_batch_of_offers_is_one_statement(database: Database) -> None:
    seen: list[str] = []

    async def load(tx: Any) -> None:
        driver = await tx.driver()
        driver.add_query_logger(lambda query: seen.append(query.query))
        await listings.load_offers(tx, [UUID(int=number) for number in range(500)])

    await database.run(load)
    assert len([query for query in seen if "catalog.offer" in query]) == 1


async def test_words_are_looked_up_in_the_index_though_rows_are_secured(database_url: str) -> None:
    asked = "EXPLAIN SELECT l.id FROM catalog.listing l WHERE l.state = 'published' AND l.search @@ 'a'::tsquery"
    connection = await asyncpg.connect(database_url.replace("postgresql+asyncpg", "postgresql"))
    await connection.execute("DROP INDEX catalog.listing_newest; SET enable_seqscan = off")
    plans = []
    for role in ("exchange_migrate", "exchange_portal"):
        await connection.execute(f"SET ROLE {role}")
        plans.append("\n".join(row[0] for row in await connection.fetch(asked)))
        await connection.execute("RESET ROLE")
    await connection.close()
    assert "Index Cond: (search" in plans[0], "catalog.matching runs as its owner and uses the index"
    assert "Index Cond: (search" not in plans[1], "if the portal could too, catalog.matching would not be needed"


async def test_tables_say_what_the_migration_made(database_url: str) -> None:
    from exchange.catalog.tables import metadata

    connection = await asyncpg.connect(database_url.replace("postgresql+asyncpg", "postgresql"))
    rows = await connection.fetch(
        "SELECT table_name, column_name, is_nullable = 'YES' FROM information_schema.columns "
        "WHERE table_schema = 'catalog' ORDER BY table_name, ordinal_position"
    )
    await connection.close()
    in_database: dict[str, list[tuple[str, bool]]] = {}
    for table, column, nullable in rows:
        in_database.setdefault(table, []).append((column, nullable))
    assert in_database == {
        table.name: [(column.name, bool(column.nullable)) for column in table.columns]
        for table in sorted(metadata.tables.values(), key=lambda table: table.name)
    }
