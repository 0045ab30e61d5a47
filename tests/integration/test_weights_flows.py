"""From sealed revisions of several suppliers to a signed weight vector, on a real database and a real file store."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Any
from uuid import UUID

import msgspec
import pytest
import pytest_asyncio
from sqlalchemy import text

from compliance import store as audit
from exchange.catalog import revisions
from exchange.catalog.datasets import Dataset, DatasetDraft, register
from exchange.catalog.revisions import Asset, Sealed
from exchange.catalog.settings import CatalogSettings
from exchange.catalog.store import datasets as catalog
from exchange.flows import measure_contribution as measuring
from exchange.flows.measure_contribution import WeightsMeasured, measure_contribution
from exchange.flows.order_weights import (
    Prepared,
    WeightsOrdered,
    answer_weights,
    order_weights,
    prepare,
    resume_weights,
)
from exchange.flows.profile_revision import profile_revision
from exchange.kernel import ids as id_texts
from exchange.kernel import jobs
from exchange.kernel.actor import Actor
from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Database, Tx
from exchange.kernel.errors import Problem
from exchange.kernel.files import FileStore
from exchange.kernel.keys import Keyring
from exchange.kernel.pages import PageRequest
from exchange.quality import store as quality
from exchange.quality.record_digests import METHOD, RecordDigests
from settlement import contribution
from settlement.store import weights
from settlement.weight_orders import WeightWish

RECORDS = {"a": range(60), "b": range(40, 90), "c": (1, 2, 3, 200)}


def lines(numbers: Any) -> bytes:
    return b"".join(json.dumps({"text": f"record number {n}"}).encode() + b"\n" for n in numbers)


@dataclass(frozen=True)
class World:
    """Three suppliers with a sealed revision each, sealed an hour apart, and an operator."""

    suppliers: dict[str, Actor]
    revisions: dict[str, UUID]
    operator: Actor

    def wish(self, names: str = "abc", **more: Any) -> WeightWish:
        wanted = [id_texts.text("rev", self.revisions[name]) for name in names]
        return msgspec.convert({"subject": "joint", "revisions": wanted, **more}, WeightWish)


async def _supplier(tx: Tx, asset: Asset, role: str = "supplier") -> tuple[Actor, UUID]:
    organisation_id = tx.new_id()
    await tx.conn.execute(
        text(
            "INSERT INTO parties.organisation (id, name, roles, country, state, created_at) "
            "VALUES (:id, '{\"en\": \"x\"}', :roles, 'CN', 'verified', :now)"
        ),
        {"id": organisation_id, "roles": [role], "now": tx.now},
    )
    words = {"en": "Poems", "zh": "诗歌"}
    settings = CatalogSettings()
    draft = DatasetDraft(words, words, "text", ("zh",), "none", "MIT", words)
    dataset = register(draft, new_id=tx.new_id(), supplier_id=organisation_id, now=tx.now, settings=settings)
    assert isinstance(dataset, Dataset)
    await catalog.insert_dataset(tx, dataset)
    sealed = revisions.seal(dataset, [asset], None, new_id=tx.new_id(), now=tx.now, settings=settings)
    assert isinstance(sealed, Sealed)
    await catalog.insert_revision(tx, sealed, [])
    return _actor(tx, organisation_id, role), sealed.revision.id


def _actor(tx: Tx, organisation_id: UUID, role: str) -> Actor:
    return Actor(organisation_id, tx.new_id(), frozenset({role}), frozenset({role}), "jti")


@pytest_asyncio.fixture
async def world(database: Database, files: FileStore, clock: FixedClock) -> World:
    suppliers, made = {}, {}
    for name, numbers in RECORDS.items():
        blob = await files.put(lines(numbers))
        asset = Asset(f"{name}.jsonl", blob.sha256, blob.size_bytes, "application/x-ndjson", "centre")
        suppliers[name], made[name] = await database.run(partial(_supplier, asset=asset))
        clock.advance(3600)
    operator = await database.run(_operator)
    return World(suppliers, made, operator)


async def _operator(tx: Tx) -> Actor:
    return _actor(tx, tx.new_id(), "operator")


async def _ordered(database: Database, actor: Actor, wish: WeightWish) -> WeightsOrdered:
    receipt = await _tried(database, actor, wish)
    assert isinstance(receipt, WeightsOrdered), receipt
    return receipt


async def _tried(database: Database, actor: Actor, wish: WeightWish) -> WeightsOrdered | Problem:
    prepared = prepare(actor, wish)
    return prepared if isinstance(prepared, Problem) else await database.run(partial(_order, actor, prepared))


async def _order(actor: Actor, prepared: Prepared, tx: Tx) -> WeightsOrdered | Problem:
    return await order_weights(tx, actor, prepared)


async def _unwatched(_done: int, _total: int) -> None:
    """Progress that nobody watches."""


async def _measured(database: Database, files: FileStore, keyring: Keyring, name: str) -> WeightsMeasured:
    order_id = id_texts.parse("wgt", name)
    receipt = await measure_contribution(database, files, keyring, order_id, _unwatched)
    assert isinstance(receipt, WeightsMeasured), receipt
    return receipt


async def test_the_operator_has_a_product_measured(
    database: Database, files: FileStore, keyring: Keyring, world: World
) -> None:
    ordered = await _ordered(database, world.operator, world.wish())
    assert (ordered.state, ordered.asked) == ("measuring", [])
    assert ordered.job is not None
    receipt = await _measured(database, files, keyring, ordered.id)
    assert (receipt.version, receipt.made) == (1, True)
    order_id = id_texts.parse("wgt", ordered.id)
    vector = await database.run(lambda tx: weights.find_vector(tx, order_id))
    inputs = await database.run(lambda tx: weights.find_inputs(tx, order_id))
    assert vector is not None
    assert inputs is not None
    assert contribution.holds(vector, inputs, keyring.verify)
    # a had 60 first, b 30 more, c one more and three of a's.
    assert [(one.organisation_id, one.value) for one in vector.players] == [
        (world.suppliers[name].organisation_id, value) for name, value in (("a", 60), ("b", 30), ("c", 1))
    ]
    assert sum(share.weight for share in vector.shares()) == 1_000_000_000
    stated = msgspec.json.decode(inputs)
    assert [one["records"] for one in stated["sources"]] == [60, 50, 4]
    assert stated["patterns"] == [["1", 37], ["2", 30], ["3", 20], ["4", 1], ["5", 3]]
    entries = await database.run(lambda tx: audit.entries_of(tx, ordered.id))
    assert [msgspec.json.decode(one.envelope)["action"] for one in entries] == ["weights.order", "weights.measured"]
    again = await _measured(database, files, keyring, ordered.id)
    assert again == msgspec.structs.replace(receipt, made=False)


@pytest.mark.parametrize("method", ["tuples", "shapley"])
async def test_sql_counts_what_python_counts(
    database: Database, files: FileStore, keyring: Keyring, world: World, method: str
) -> None:
    wish = world.wish(method=method, duplicates="shared")
    ordered = await _ordered(database, world.operator, wish)
    await _measured(database, files, keyring, ordered.id)
    vector = await database.run(lambda tx: weights.find_vector(tx, id_texts.parse("wgt", ordered.id)))
    assert vector is not None
    holders = {n: [name for name, numbers in RECORDS.items() if n in numbers] for n in range(201)}
    for name, one in zip("abc", vector.players, strict=True):
        assert one.value == sum(Fraction(1, len(who)) for who in holders.values() if name in who)


async def test_versions_of_a_subject_have_no_gap(
    database: Database, files: FileStore, keyring: Keyring, world: World
) -> None:
    versions = []
    for actor, subject in ((world.operator, "joint"), (world.operator, "joint"), (world.operator, "other")):
        ordered = await _ordered(database, actor, msgspec.structs.replace(world.wish(), subject=subject))
        versions.append((await _measured(database, files, keyring, ordered.id)).version)
    assert versions == [1, 2, 1]


async def test_nobody_is_compared_before_all_agreed(
    database: Database, files: FileStore, keyring: Keyring, world: World
) -> None:
    await _publish(database, world, "bc")
    a, b, c = (world.suppliers[name] for name in "abc")
    ordered = await _ordered(database, a, world.wish())
    assert (ordered.state, ordered.job) == ("waiting", None)
    assert set(ordered.asked) == {id_texts.text("org", one.organisation_id) for one in (b, c)}
    order_id, digest = id_texts.parse("wgt", ordered.id), bytes.fromhex(ordered.sha256)
    early = await measure_contribution(database, files, keyring, order_id, _unwatched)
    assert isinstance(early, Problem)
    assert early.slug == "weights-state"

    async def answered(actor: Actor, sha256: bytes = digest, *, agrees: bool = True) -> str:
        said = await database.run(lambda tx: answer_weights(tx, actor, order_id, sha256, agrees=agrees))
        return said.slug if isinstance(said, Problem) else said.state

    assert await answered(a) == "not-found"
    assert await answered(world.operator) == "not-found"
    assert await answered(b, bytes(32)) == "weights-state"
    assert await answered(b) == "waiting"
    assert await answered(b) == "weights-state"
    assert await answered(c) == "measuring"
    assert await _jobs(database) == 1
    await _measured(database, files, keyring, ordered.id)
    assert await answered(c) == "weights-state"


async def test_one_refusal_ends_an_order(database: Database, world: World) -> None:
    await _publish(database, world, "bc")
    ordered = await _ordered(database, world.suppliers["a"], world.wish())
    order_id, digest = id_texts.parse("wgt", ordered.id), bytes.fromhex(ordered.sha256)
    b, c = world.suppliers["b"], world.suppliers["c"]
    refused = await database.run(lambda tx: answer_weights(tx, b, order_id, digest, agrees=False))
    assert isinstance(refused, WeightsOrdered)
    assert refused.state == "declined"
    late = await database.run(lambda tx: answer_weights(tx, c, order_id, digest, agrees=True))
    assert isinstance(late, Problem)
    assert await _jobs(database) == 0


async def test_what_is_not_published_does_not_exist_for_others(database: Database, world: World) -> None:
    a = world.suppliers["a"]
    for wish in (world.wish(), msgspec.structs.replace(world.wish(), revisions=["rev_" + "0" * 26])):
        answer = await _tried(database, a, wish)
        assert isinstance(answer, Problem)
        assert answer.slug == "not-found"
    await _publish(database, world, "bc")
    answer = await _tried(database, a, world.wish("bc"))
    assert isinstance(answer, Problem)
    assert answer.slug == "weights-invalid"
    answer = await _tried(database, a, world.wish(same_owner=[["x", "y"]]))
    assert isinstance(answer, Problem)
    assert answer.slug == "forbidden"


async def test_organisations_that_the_operator_joins_are_one(
    database: Database, files: FileStore, keyring: Keyring, world: World
) -> None:
    names = [id_texts.text("org", world.suppliers[name].organisation_id) for name in "ac"]
    ordered = await _ordered(database, world.operator, world.wish(same_owner=[names]))
    await _measured(database, files, keyring, ordered.id)
    vector = await database.run(lambda tx: weights.find_vector(tx, id_texts.parse("wgt", ordered.id)))
    assert vector is not None
    assert [one.value for one in vector.players] == [61, 30]
    for groups in ([names[:1]], [names, names], [[names[0], id_texts.text("org", world.operator.organisation_id)]]):
        wish = world.wish(same_owner=groups)
        answer = await _tried(database, world.operator, wish)
        assert isinstance(answer, Problem)
        assert answer.fields["field"] == "same_owner"


class Stopped(Exception):
    """The job was cancelled."""


async def test_a_cancelled_measurement_goes_on_where_it_was(
    database: Database, files: FileStore, keyring: Keyring, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measuring, "_ROWS_AT_ONCE", 3)
    ordered = await _ordered(database, world.operator, world.wish())
    order_id = id_texts.parse("wgt", ordered.id)
    seen: list[tuple[int, int]] = []

    async def stop_in_the_second_revision(done: int, total: int) -> None:
        seen.append((done, total))
        if done > len(lines(RECORDS["a"])):
            raise Stopped

    with pytest.raises(Stopped):
        await measure_contribution(database, files, keyring, order_id, stop_in_the_second_revision)
    revisions_ = list(world.revisions.values())
    kept = await database.run(lambda tx: weights.record_sets(tx, revisions_, METHOD))
    assert set(kept) == {world.revisions["a"]}
    assert sorted(seen) == seen
    read: list[bytes] = []

    class Watched:
        def open_range(self, sha256: bytes, start: int = 0, end: int | None = None) -> Any:
            read.append(sha256)
            return files.open_range(sha256, start, end)

    receipt = await measure_contribution(database, Watched(), keyring, order_id, _unwatched)
    assert isinstance(receipt, WeightsMeasured)
    assert [hashlib.sha256(lines(RECORDS[name])).digest() for name in "bc"] == read


async def test_an_order_can_be_taken_up_again_until_it_is_measured(
    database: Database, files: FileStore, keyring: Keyring, world: World
) -> None:
    ordered = await _ordered(database, world.operator, world.wish())
    order_id = id_texts.parse("wgt", ordered.id)
    assert ordered.job is not None
    job_id = id_texts.parse("job", ordered.job)
    await database.run(lambda tx: jobs.cancel(tx, job_id))
    stranger = await database.run(lambda tx: resume_weights(tx, world.suppliers["a"], order_id))
    assert isinstance(stranger, Problem)
    assert stranger.slug == "not-found"
    again = await database.run(lambda tx: resume_weights(tx, world.operator, order_id))
    assert isinstance(again, WeightsOrdered)
    assert again.job not in {None, ordered.job}
    assert again.attribution == ordered.attribution
    await _measured(database, files, keyring, ordered.id)
    late = await database.run(lambda tx: resume_weights(tx, world.operator, order_id))
    assert isinstance(late, Problem)
    assert late.slug == "weights-state"


async def test_digests_that_were_erased_are_read_again(
    database: Database, files: FileStore, keyring: Keyring, world: World
) -> None:
    first = await _ordered(database, world.operator, world.wish())
    await _measured(database, files, keyring, first.id)
    erase = text("DELETE FROM settlement.record_digests WHERE revision_id = :id")
    await database.run(lambda tx: tx.conn.execute(erase, {"id": world.revisions["b"]}))
    second = await _ordered(database, world.operator, world.wish())
    await _measured(database, files, keyring, second.id)
    found = [
        await database.run(lambda tx, name=name: weights.find_inputs(tx, id_texts.parse("wgt", name)))
        for name in (first.id, second.id)
    ]
    assert found[0] == found[1] is not None


async def test_members_see_their_vectors_and_nobody_elses(
    database: Database, files: FileStore, keyring: Keyring, world: World
) -> None:
    ordered = await _ordered(database, world.operator, world.wish("ab"))
    await _measured(database, files, keyring, ordered.id)
    order_id = id_texts.parse("wgt", ordered.id)
    seen = {}
    for name, actor in world.suppliers.items():
        async with database.read(actor) as tx:
            page = await weights.visible(tx, actor, PageRequest())
            inputs = await weights.visible_inputs(tx, actor, order_id)
            rows = await (await tx.driver()).fetch("SELECT revision_id FROM settlement.record_set")
        seen[name] = ([one.order.id for one in page.items], inputs is not None, {row[0] for row in rows})
    assert seen == {
        "a": ([order_id], True, {world.revisions["a"]}),
        "b": ([order_id], True, {world.revisions["b"]}),
        "c": ([], False, set()),
    }


async def test_record_digests_count_what_the_scorecard_counts(
    database: Database, files: FileStore, world: World
) -> None:
    content = (
        lines([1, 2, 2, 3]) + b'{"text": "record   number\\t1"}\n\n{"text": ""}\nnot json\n' + b'{"text": "\xff"}\n'
    )
    digests, spilled = RecordDigests(), RecordDigests(in_memory_max=1)
    for one in (digests, spilled):
        one.begin("x.jsonl", "application/x-ndjson", bytes(32))
        for at in range(0, len(content), 7):
            one.feed(content[at : at + 7])
        one.end()
    found = list(digests.ordered())
    assert found == list(spilled.ordered()) == sorted(set(found))
    assert len(found) == 3
    receipt = await profile_revision(database, files, world.revisions["a"])
    assert not isinstance(receipt, Problem)
    card = await database.run(lambda tx: quality.latest_scorecard(tx, world.revisions["a"]))
    assert card is not None
    signals = msgspec.json.decode(card.document)["signals"]
    assert signals["records"] - signals["duplicate_records"] == 60


def test_a_file_without_records_is_one_record() -> None:
    digests = RecordDigests()
    for sha256 in (b"a" * 32, b"b" * 32, b"a" * 32):
        digests.begin("x.png", "image/png", sha256)
        assert not digests.reads
        digests.end()
    assert len(list(digests.ordered())) == 2


def test_rows_hold_sorted_digests_by_part() -> None:
    found = sorted(hashlib.blake2b(str(n).encode(), digest_size=16).digest() for n in range(3_000))
    rows = list(measuring.rows_of(iter(found)))
    assert b"".join(row[2] for row in rows) == b"".join(found)
    assert len({row[:2] for row in rows}) == len(rows)
    assert all(row[2][0] >> 4 == row[0] and len(row[2]) <= 16 * weights.DIGESTS_PER_ROW for row in rows)


async def _publish(database: Database, world: World, names: str) -> None:
    """Put listings on show, as far as these flows look."""
    insert = text(
        "INSERT INTO catalog.listing (id, dataset_id, revision_id, supplier_id, state, title, summary, modality, languages, "
        "personal_data, licence, search, created_at, published_at) SELECT :id, r.dataset_id, r.id, r.supplier_id, 'published', '{}', '{}', "
        "'text', '{zh}', 'none', 'MIT', '', :now, :now FROM catalog.revision r WHERE r.id = :revision"
    )

    async def put(tx: Tx) -> None:
        for name in names:
            await tx.conn.execute(insert, {"id": tx.new_id(), "revision": world.revisions[name], "now": tx.now})

    await database.run(put)


async def _jobs(database: Database) -> int:
    found = text("SELECT count(*) FROM kernel.job WHERE kind = 'measure-contribution'")

    async def count(tx: Tx) -> int:
        return int((await tx.conn.execute(found)).scalar_one())

    return await database.run(count)
