"""Directives in the database: what they bind, whom they reach, what is owed, and what happens when two act at once."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
import pytest_asyncio

from compliance import answer_store, directive_store, store
from compliance.answer_store import Evidence
from compliance.directives import Target
from exchange.flows import answer_directive, issue_directive, legal_hold
from exchange.flows.answer_directive import NoticeReceipt
from exchange.flows.issue_directive import DirectiveReceipt
from exchange.kernel import idempotency, ids
from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Database, Tx
from exchange.kernel.errors import Problem
from exchange.kernel.keys import Keyring
from exchange.kernel.pages import PageRequest
from tests.support.directives import REASON, order
from tests.support.settlement_market import BUYER, OTHER, SELLER, Market, actor, open_market

WATCH, RIVAL = UUID(int=0xAAA1), UUID(int=0xAAA2)
REGULATOR = actor(WATCH, "regulator")
TEXT = {"en": "See the file.", "zh": "见附件。"}


@pytest_asyncio.fixture
async def shop(database: Database, keyring: Keyring) -> Market:
    """A market in which one buyer holds a grant and another one does not."""
    made = await open_market(database, keyring)
    await made.fund(BUYER, 1_000_000_000)
    await made.fund(OTHER, 1_000_000_000)
    return made


async def issued(shop: Market, kind: str, *targets: tuple[str, UUID], **more: Any) -> UUID:
    """The id of a directive that was issued."""
    receipt = await shop.database.run(lambda tx: issue_directive.issue(tx, REGULATOR, order(kind, *targets, **more)))
    assert isinstance(receipt, DirectiveReceipt), receipt
    return ids.parse("dir", receipt.id)


async def told(shop: Market, directive: UUID) -> dict[UUID, dict[str, Any]]:
    """What each organisation was told."""
    page = await shop.database.run(lambda tx: directive_store.told_of(tx, directive, PageRequest(limit=200)))
    return {one.organisation_id: msgspec.json.decode(one.document) | {"id": one.id} for one in page.items}


async def state(shop: Market, directive: UUID) -> str:
    found = await shop.database.run(lambda tx: directive_store.find_directive(tx, directive))
    assert found is not None
    return found.state


def slug(answer: Any) -> str:
    return answer.slug if isinstance(answer, Problem) else "done"


async def actions(shop: Market, directive: UUID) -> list[str]:
    """What the log says was done to a directive."""
    entries = await shop.database.run(lambda tx: store.entries_of(tx, ids.text("dir", directive)))
    return [msgspec.json.decode(one.envelope)["action"] for one in entries]


async def test_what_binds_binds_until_it_is_lifted(shop: Market) -> None:
    assert shop.listing is not None
    listing, offer = ("listing", shop.listing), ("offer", shop.offers["monthly"])
    freeze = await issued(shop, "freeze", listing, offer)
    await issued(shop, "delist", offer)
    keep = await issued(shop, "preserve", listing)

    async def look(tx: Tx) -> tuple[set[UUID], set[UUID], dict[UUID, UUID]]:
        asked = [listing[1], offer[1], UUID(int=52)]
        return await store.frozen(tx, asked), await store.off_sale(tx, asked), await store.preserved(tx, asked)

    both = {listing[1], offer[1]}
    assert await shop.database.run(look) == (both, both, {listing[1]: keep})
    assert await shop.database.run(lambda tx: store.frozen(tx, [])) == set()
    assert (await shop.buy(BUYER, "one_off")).slug == "trade-frozen"
    for who, why in [(actor(BUYER, "buyer"), "regulator-only"), (actor(RIVAL, "regulator"), "not-found")]:
        assert slug(await shop.database.run(lambda tx, who=who: issue_directive.lift(tx, who, freeze))) == why
    lifted = await shop.database.run(lambda tx: issue_directive.lift(tx, REGULATOR, freeze))
    assert isinstance(lifted, DirectiveReceipt)
    assert lifted.state == "lifted"
    assert await shop.database.run(look) == (set(), {offer[1]}, {listing[1]: keep})
    assert slug(await shop.database.run(lambda tx: issue_directive.lift(tx, REGULATOR, freeze))) == (
        "directive-already-lifted"
    )
    assert await actions(shop, freeze) == ["directive.freeze", "directive.lift"]
    entries = await shop.database.run(lambda tx: store.entries_of(tx, ids.text("lst", listing[1])))
    assert [msgspec.json.decode(one.envelope)["action"] for one in entries] == ["directive.target"] * 2
    assert all(REASON["zh"] not in one.envelope.decode() for one in entries)
    assert not isinstance(await shop.buy(BUYER, "one_off"), Problem)


@pytest.mark.parametrize(
    "kind", ["organisation", "dataset", "revision", "listing", "offer", "agreement", "grant", "order"]
)
async def test_nothing_that_does_not_exist_is_directed(shop: Market, kind: str) -> None:
    wish = order("freeze", (kind, UUID(int=7)))
    answer = await shop.database.run(lambda tx: issue_directive.issue(tx, REGULATOR, wish))
    assert slug(answer) == "directive-target-unknown"
    assert await shop.database.run(lambda tx: directive_store.directives(tx)) == []


async def test_whom_a_directive_reaches(shop: Market) -> None:
    receipt = await shop.buy(BUYER, "monthly")
    assert shop.listing is not None
    bought = ids.parse("ord", receipt.id)
    (grant,) = await shop.database.run(lambda tx: _grants(tx, bought))
    for target in (
        ("listing", grant["listing_id"]),
        ("dataset", grant["dataset_id"]),
        ("revision", grant["revision_id"]),
        ("offer", grant["offer_id"]),
        ("grant", grant["id"]),
        ("order", bought),
        ("agreement", grant["agreement_id"]),
    ):
        reached = await told(shop, await issued(shop, "freeze", target))
        assert set(reached) == {SELLER, BUYER}, target
        assert reached[SELLER]["reason"] == REASON
        both = target[0] in ("grant", "order", "agreement")
        assert reached[BUYER]["reason"] == (REASON if both else None)
        assert [one["side"] for one in reached[BUYER]["targets"]] == ["buyer"]
    reached = await told(shop, await issued(shop, "freeze", ("organisation", BUYER)))
    assert {one: each["reason"] for one, each in reached.items()} == {BUYER: REASON, SELLER: None}
    # Somebody else's part of one directive is nobody's business.
    reached = await told(shop, await issued(shop, "delist", ("organisation", OTHER), ("listing", shop.listing)))
    assert {one: len(each["targets"]) for one, each in reached.items()} == {OTHER: 1, SELLER: 1, BUYER: 1}
    # Who is asked for something is the one whose it is; the other side is not told.
    later = shop.database.clock.now() + timedelta(days=1)
    reached = await told(shop, await issued(shop, "disclose", ("listing", shop.listing), deadline=later))
    assert set(reached) == {SELLER}
    assert reached[SELLER]["deadline"] is not None


async def _grants(tx: Tx, order_id: UUID) -> list[Any]:
    rows: list[Any] = await (await tx.driver()).fetch("SELECT * FROM access.grants WHERE order_id = $1", order_id)
    return rows


async def test_the_log_names_whom_a_directive_concerns_a_page_at_a_time(shop: Market) -> None:
    assert shop.listing is not None
    await shop.buy(BUYER, "monthly")
    directive = await issued(shop, "freeze", ("listing", shop.listing))
    name = ids.text("lst", shop.listing)
    async with shop.database.read(actor(BUYER, "buyer")) as tx:
        mine = await store.entries_of(tx, name)
    assert [ids.text("org", BUYER) in msgspec.json.decode(one.envelope)["organisations"] for one in mine] == [True]
    async with shop.database.read(actor(OTHER, "buyer")) as tx:
        assert await store.entries_of(tx, name) == []
        assert await store.entries_of(tx, ids.text("dir", directive)) == []


async def test_row_security_shows_each_its_own(shop: Market) -> None:
    assert shop.listing is not None
    await shop.buy(BUYER, "monthly")
    later = shop.database.clock.now() + timedelta(days=1)
    hidden = await issued(shop, "freeze", ("organisation", BUYER))
    await issued(shop, "disclose", ("organisation", BUYER), deadline=later)
    (notice,) = [one["id"] for one in (await told(shop, hidden)).values() if one["reason"]]
    tables = ("directive", "directive_target", "directive_notice", "directive_answer", "directive_file")
    seen = {}
    for who in (BUYER, SELLER, OTHER, WATCH):
        async with shop.database.read(actor(who)) as tx:
            driver = await tx.driver()
            seen[who] = [await driver.fetchval(f"SELECT count(*) FROM compliance.{one}") for one in tables]
            found = await directive_store.my_notice(tx, actor(who), notice)
            assert (found is not None) == (who == BUYER)
    # A frozen organisation is shown in the catalogue: its target is everybody's, and nothing else is.
    assert seen == {BUYER: [0, 1, 2, 0, 0], SELLER: [0, 1, 1, 0, 0], OTHER: [0, 1, 0, 0, 0], WATCH: [2, 1, 0, 0, 0]}


async def test_a_directive_is_confirmed_by_all_it_reached(shop: Market) -> None:
    await shop.buy(BUYER, "monthly")
    assert shop.listing is not None
    directive = await issued(shop, "freeze", ("listing", shop.listing))
    notices = {one: each["id"] for one, each in (await told(shop, directive)).items()}

    async def confirm(who: UUID, notice: UUID) -> Any:
        return await shop.database.run(lambda tx: answer_directive.acknowledge(tx, actor(who), notice))

    assert slug(await confirm(OTHER, notices[BUYER])) == "not-found"
    assert (await confirm(BUYER, notices[BUYER])).state == "issued"
    assert (await confirm(BUYER, notices[BUYER])).state == "issued"
    assert (await confirm(SELLER, notices[SELLER])).state == "acknowledged"
    given = await shop.database.run(lambda tx: answer_directive.answer(tx, actor(BUYER), notices[BUYER], TEXT, []))
    assert slug(given) == "directive-asks-nothing"
    assert await actions(shop, directive) == ["directive.freeze", *["directive.acknowledge"] * 2]
    await shop.database.run(lambda tx: issue_directive.lift(tx, REGULATOR, directive))
    assert slug(await confirm(SELLER, notices[SELLER])) == "directive-already-lifted"


async def test_an_answer_comes_with_files_and_may_come_late(shop: Market, clock: FixedClock) -> None:
    later = clock.now() + timedelta(hours=1)
    directive = await issued(shop, "inform", ("organisation", BUYER), ("organisation", SELLER), deadline=later)
    notices = {one: each["id"] for one, each in (await told(shop, directive)).items()}
    file = Evidence(UUID(int=900), "ledger.pdf", "application/pdf", bytes(32), 9)

    async def answer(who: UUID, text: dict[str, str], *files: Evidence) -> Any:
        return await shop.database.run(lambda tx: answer_directive.answer(tx, actor(who), notices[who], text, files))

    for nonsense in ({}, {"en": " "}, {"fr": "oui"}, {"en": "x" * 4_001}, {"en": "\x00"}):
        assert slug(await answer(BUYER, nonsense)) == "directive-answer-invalid"
    first = await answer(BUYER, TEXT, file)
    assert (first.state, first.late) == ("issued", False)
    assert await shop.database.run(answer_directive.expire) == 0
    clock.advance(3_601)
    assert await shop.database.run(answer_directive.expire) == 1
    assert await shop.database.run(answer_directive.expire) == 0
    assert await state(shop, directive) == "expired"
    last = await answer(SELLER, TEXT)
    assert (last.state, last.late) == ("answered", True)
    page = await shop.database.run(lambda tx: answer_store.answers_to(tx, directive, PageRequest(limit=9)))
    assert [(one.organisation_id, len(one.files)) for one in page.items] == [(BUYER, 1), (SELLER, 0)]
    assert await actions(shop, directive) == [
        "directive.inform",
        "directive.answer",
        "directive.expire",
        "directive.answer",
    ]
    for _ in range(answer_directive.ANSWERS_MAX - 1):
        assert isinstance(await answer(BUYER, TEXT), NoticeReceipt)
    assert slug(await answer(BUYER, TEXT)) == "directive-answers-full"


async def test_a_freeze_whose_deadline_passed_still_binds(shop: Market, clock: FixedClock) -> None:
    assert shop.listing is not None
    target = ("listing", shop.listing)
    directive = await issued(shop, "freeze", target, deadline=clock.now() + timedelta(minutes=1))
    clock.advance(61)
    assert await shop.database.run(answer_directive.expire) == 1
    assert (await shop.buy(BUYER, "one_off")).slug == "trade-frozen"
    (notice,) = (await told(shop, directive)).values()
    late = await shop.database.run(lambda tx: answer_directive.acknowledge(tx, actor(SELLER), notice["id"]))
    assert isinstance(late, NoticeReceipt)
    assert late.state == "acknowledged"
    found = await shop.database.run(lambda tx: directive_store.find_directive(tx, directive))
    assert found is not None
    assert found.expired_at is not None


async def test_of_two_that_act_at_once_one_is_first(shop: Market, clock: FixedClock) -> None:
    run = shop.database.run
    for _ in range(10):
        directive = await issued(shop, "inform", ("organisation", BUYER), deadline=clock.now() + timedelta(seconds=5))
        (notice,) = [one["id"] for one in (await told(shop, directive)).values()]
        clock.advance(6)
        outcomes = await asyncio.gather(
            run(lambda tx, one=directive: issue_directive.lift(tx, REGULATOR, one)),
            run(lambda tx, one=directive: issue_directive.lift(tx, REGULATOR, one)),
            run(lambda tx, one=notice: answer_directive.answer(tx, actor(BUYER), one, TEXT, [])),
            run(answer_directive.expire),
        )
        assert sorted(map(slug, outcomes[:2])) == ["directive-already-lifted", "done"]
        assert slug(outcomes[2]) in ("done", "directive-already-lifted")
        found = await run(lambda tx, one=directive: directive_store.find_directive(tx, one))
        assert found is not None
        assert found.state == "lifted"
        done = await actions(shop, directive)
        assert done.count("directive.lift") == 1
        assert done.count("directive.answer") == (slug(outcomes[2]) == "done")
        assert done.count("directive.expire") == (found.expired_at is not None)
        assert await run(lambda tx: store.preserved(tx)) == {}


async def test_a_lifting_leaves_another_directive_on_the_same_thing_in_force(shop: Market) -> None:
    assert shop.listing is not None
    target = ("listing", shop.listing)
    first = await issued(shop, "freeze", target)
    wish = order("freeze", target)
    _, second = await asyncio.gather(
        shop.database.run(lambda tx: issue_directive.lift(tx, REGULATOR, first)),
        shop.database.run(lambda tx: issue_directive.issue(tx, REGULATOR, wish)),
    )
    assert isinstance(second, DirectiveReceipt)
    assert await shop.database.run(lambda tx: store.frozen(tx, [target[1]])) == {target[1]}


async def test_who_begins_to_trade_in_the_scope_is_told_then(shop: Market) -> None:
    assert shop.listing is not None
    directive = await issued(shop, "preserve", ("listing", shop.listing))
    assert set(await told(shop, directive)) == {SELLER}
    await shop.buy(BUYER, "monthly")
    after = await shop.database.run(issue_directive.tell_more)
    assert after == directive
    assert await shop.database.run(lambda tx: issue_directive.tell_more(tx, after)) is None
    assert set(await told(shop, directive)) == {SELLER, BUYER}
    await shop.database.run(issue_directive.tell_more)
    assert await actions(shop, directive) == ["directive.preserve", "directive.told"]


async def test_what_is_preserved_is_not_forgotten_by_the_clock(shop: Market, clock: FixedClock) -> None:
    assert shop.listing is not None
    await shop.buy(BUYER, "monthly")
    await shop.buy(OTHER, "monthly")
    await _end_grants(shop, OTHER)
    directive = await issued(shop, "preserve", ("listing", shop.listing))
    clock.advance((idempotency.KEEP_DAYS + 1) * 86_400)
    assert await shop.database.run(legal_hold.forget_keys) == 1
    assert await shop.database.run(legal_hold.forget_keys) == 0
    await shop.database.run(legal_hold.forget_tokens)
    assert await shop.database.run(lambda tx: directive_store.deferred_by(tx, directive)) == ["idempotency-answers"]
    refused = await shop.database.run(lambda tx: legal_hold.refuse(tx, [BUYER]))
    assert refused is not None
    assert refused.fields["directive"] == ids.text("dir", directive)
    assert await shop.database.run(lambda tx: legal_hold.refuse(tx, [OTHER])) is None
    await shop.database.run(lambda tx: issue_directive.lift(tx, REGULATOR, directive))
    assert await shop.database.run(lambda tx: legal_hold.refuse(tx, [BUYER])) is None
    assert await shop.database.run(legal_hold.forget_keys) == 1
    assert (await actions(shop, directive)).count("directive.defer") == 1


async def _end_grants(shop: Market, buyer: UUID) -> None:
    async def flow(tx: Tx) -> None:
        await (await tx.driver()).execute("UPDATE access.grants SET state = 'ended' WHERE buyer_id = $1", buyer)

    await shop.database.run(flow)


async def test_the_question_of_a_purchase_reads_an_index_of_what_is_in_force(shop: Market) -> None:
    assert shop.listing is not None
    for _ in range(3):
        directive = await issued(shop, "freeze", ("listing", shop.listing))
        await shop.database.run(lambda tx, one=directive: issue_directive.lift(tx, REGULATOR, one))

    async def plan(tx: Tx) -> str:
        driver = await tx.driver()
        await driver.execute("SET LOCAL enable_seqscan = off")
        asked = store._DIRECTED.replace("$1", "'{}'").replace("$2", "'{freeze}'")
        return "\n".join(row[0] for row in await driver.fetch(f"EXPLAIN {asked}"))

    assert "directive_target_active" in await shop.database.run(plan)
    assert [Target("listing", shop.listing)] == [
        one
        for found in await shop.database.run(lambda tx: directive_store.directives(tx, limit=1))
        for one in found.targets
    ]
