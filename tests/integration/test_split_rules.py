from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import msgspec
import pytest
import pytest_asyncio

from exchange.catalog.store import listings
from exchange.flows.accept_delivery import DeliveryStands, accept_delivery
from exchange.flows.claim_buyer import ClaimReceipt, claim_buyer
from exchange.flows.end_mandate import MandateEnd, end_mandate
from exchange.flows.pay_advance import AdvanceReceipt, pay_advance
from exchange.flows.put_mandate import MandateReceipt, put_mandate
from exchange.flows.put_split_rule import RuleCheck, check_split_rule
from exchange.flows.refund_order import RefundReceipt, RefundWish, refund_order
from exchange.flows.settle_period import Period
from exchange.flows.simulate_split import PastSales, SplitWish, past_sales, simulate_split
from exchange.kernel import ids
from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Database, Tx
from exchange.kernel.errors import Problem
from exchange.kernel.keys import Keyring
from exchange.kernel.money import Money
from exchange.kernel.pages import PageRequest
from settlement.mandates import MandateWish
from settlement.refunds import Reason
from settlement.splits import Role
from settlement.store import audit, mandates, split_bookings, split_rules
from settlement.waterfall import Key, Sold, Waterfall, apply
from settlement.waterfall_document import load
from tests.integration.test_settlement_run import settle
from tests.support.ruled import purses, put_rule, ruled_offer, split_all, step, waterfall
from tests.support.settlement_market import (
    BROKER,
    BUYER,
    ONE_OFF,
    OPERATOR,
    OTHER,
    PER_RECORD,
    SELLER,
    Market,
    actor,
    open_market,
)

YUAN = 1_000_000
FEE = step("fee", "share_of_gross", percent="10")
CAPPED = step("fee", "share_of_gross", percent="10", at_most="40.00", per="month")


@pytest_asyncio.fixture
async def market(database: Database, keyring: Keyring) -> Market:
    made = await open_market(database, keyring)
    await made.fund(BUYER, 100_000 * YUAN)
    return made


async def sell(market: Market, document: dict[str, Any], name: str = "ruled") -> None:
    await ruled_offer(market, name, await put_rule(market, document, name), "one_off", ONE_OFF)


async def refund(market: Market, order: str, units: int | None = None) -> None:
    amount = None if units is None else Money(units, "CNY")
    wish = RefundWish(("order", ids.parse("ord", order)), Reason.GOODWILL, amount)
    found = await market.database.run(lambda tx: refund_order(tx, actor(SELLER, "supplier"), wish))
    assert isinstance(found, RefundReceipt), found


async def sound(market: Market) -> None:
    assert await market.database.run(audit.check) == []


async def test_a_rule_of_weights_only_is_sold_like_shares_and_never_waits(market: Market) -> None:
    rule = await put_rule(market, waterfall(FEE, step("b", "share_of_net", "broker", BROKER, percent="5")))
    assert rule.stateless
    await ruled_offer(market, "plain", rule, "one_off", ONE_OFF)
    await market.buy(BUYER, "plain")
    assert await purses(market) == {"platform": 30 * YUAN, "broker": 13_500_000, "seller": 256_500_000}
    assert await split_all(market) == 0
    await sound(market)


async def test_a_cap_per_month_holds_over_many_sales_and_what_is_split_is_explained(
    market: Market, clock: FixedClock
) -> None:
    await sell(market, waterfall(CAPPED, per="month"))
    for _ in range(3):
        await market.buy(BUYER, "ruled")
    assert await purses(market) == {"clearing": 900 * YUAN}
    clock.advance(60)
    assert await split_all(market) == 3
    assert await purses(market) == {"platform": 40 * YUAN, "seller": 860 * YUAN}
    assert await split_all(market) == 0
    clock.advance(20 * 86_400)
    await market.buy(BUYER, "ruled")
    clock.advance(60)
    assert await split_all(market) == 1
    assert await purses(market) == {"platform": 70 * YUAN, "seller": 1_130 * YUAN}
    seller = actor(SELLER, "supplier")
    async with market.database.read(seller) as tx:
        mine = (await split_bookings.own_booked(tx, seller, PageRequest())).items
        all_ = (await split_bookings.own_booked(tx, seller, PageRequest(), of_mine=True)).items
    assert [(one.step, one.period, one.came_in, one.cumulative) for one in mine] == [
        ("rest", "2026-02", 270 * YUAN, 270 * YUAN),
        ("rest", "2026-01", 860 * YUAN, 860 * YUAN),
    ]
    assert sum(one.amount for one in all_) == 1_200 * YUAN
    async with market.database.read(actor(OTHER, "buyer")) as tx:
        assert (await split_bookings.own_booked(tx, actor(OTHER, "buyer"), PageRequest())).items == []
    await sound(market)


@pytest.mark.parametrize("seed", range(3))
async def test_batches_and_refunds_in_any_order_leave_what_one_split_leaves(
    market: Market, clock: FixedClock, seed: int
) -> None:
    chance = random.Random(seed)
    tiers = [{"up_to": "500", "percent": "5"}, {"up_to": "1000", "percent": "12.345678"}, {"percent": "20"}]
    rule = waterfall(
        step("visit", "fixed", amount="7.00"),
        CAPPED,
        step("bonus", "tiers", "member", OTHER, tiers=tiers, per="lifetime"),
        step("pool", "share_of_net", "pool", percent="3", per="lifetime"),
        per="lifetime",
    )
    await sell(market, rule, "often")
    kept: list[Sold] = []
    placed: list[tuple[str, int]] = []
    for _ in range(6):
        order, month = (await market.buy(BUYER, "often")).id, f"{clock.now():%Y-%m}"
        placed.append((order, 300 * YUAN))
        kept.append(Sold(ids.parse("ord", order), month, 300 * YUAN))
        if chance.random() < 0.6:
            clock.advance(60)
            await split_all(market)
        if chance.random() < 0.6:
            order, left = placed.pop(chance.randrange(len(placed)))
            back = chance.choice([left, chance.randrange(1, left)])
            await refund(market, order, back)
            placed += [(order, left - back)] if back < left else []
        clock.advance(chance.choice([60, 12 * 86_400]))
    await split_all(market)
    left_of = {ids.parse("ord", order): left for order, left in placed}
    wanted = apply(await rule_of(market), [replace(one, units=left_of.get(one.sale_id, 0)) for one in kept])
    assert await booked(market) == {part.key: part.cumulative for part in wanted if part.cumulative}
    for order, left in placed:
        await refund(market, order, left)
        clock.advance(60)
        if chance.random() < 0.5:
            await split_all(market)
    await split_all(market)
    assert await booked(market) == {}
    assert await purses(market) == {}
    await sound(market)


async def rule_of(market: Market) -> Waterfall:
    """The only rule that there is."""

    async def flow(tx: Tx) -> Waterfall:
        document: bytes = await (await tx.driver()).fetchval("SELECT document FROM settlement.split_rule")
        return load(document)

    return await market.database.run(flow)


async def booked(market: Market) -> dict[Key, int]:
    """What every step has given, in all, those that gave nothing left out."""

    async def flow(tx: Tx) -> dict[Key, int]:
        rows = await (await tx.driver()).fetch(
            "SELECT step, period, role, organisation_id, sum(amount)::bigint AS units FROM settlement.split_booked "
            "GROUP BY 1, 2, 3, 4 HAVING sum(amount) <> 0"
        )
        return {Key(row[0], row[1], Role(row[2]), row[3]): row[4] for row in rows}

    return await market.database.run(flow)


async def test_an_advance_is_earned_back_and_no_more_of_it_than_is_outstanding(
    market: Market, clock: FixedClock
) -> None:
    await sell(
        market,
        waterfall(FEE, step("back", "recoup", amount="400.00", percent="50", per="lifetime"), per="lifetime"),
    )
    paid = await market.database.run(
        lambda tx: pay_advance(tx, actor(OPERATOR, "operator"), SELLER, Money(200 * YUAN, "CNY"))
    )
    assert isinstance(paid, AdvanceReceipt)
    assert paid.outstanding == {"amount": "200.00", "currency": "CNY"}
    order = await market.buy(BUYER, "ruled")
    clock.advance(60)
    await split_all(market)
    # Of 270 that are left after the fee half goes against the advance.
    assert await purses(market) == {"platform": 30 * YUAN, "advance": -65 * YUAN, "seller": 135 * YUAN}
    await market.buy(BUYER, "ruled")
    clock.advance(60)
    await split_all(market)
    # The second time the rule would take 135 more, but only 65 are outstanding.
    assert await purses(market) == {"platform": 60 * YUAN, "seller": 340 * YUAN}
    await refund(market, order.id)
    clock.advance(60)
    await split_all(market)
    assert sum((await purses(market)).values()) == 100 * YUAN
    await sound(market)


async def test_what_is_released_at_once_is_payable_and_taken_back_from_there_or_owed(
    market: Market, clock: FixedClock
) -> None:
    await sell(market, waterfall(CAPPED, per="month"))
    order = await market.buy(BUYER, "ruled")
    clock.advance(60)
    assert await split_all(market, ready=set(), release=True) == 0
    ready = {ids.parse("ord", order.id)}
    assert await split_all(market, ready=ready, release=True) == 1
    assert await purses(market) == {"platform": 30 * YUAN}
    assert await purses(market, "payable") == {"platform": 30 * YUAN, "seller": 270 * YUAN}
    await refund(market, order.id, 100 * YUAN)
    clock.advance(60)
    # What comes later of a sale that was split waits for nobody.
    assert await split_all(market, ready=set(), release=True) == 1
    assert await purses(market, "payable") == {"platform": 20 * YUAN, "seller": 180 * YUAN}
    assert await purses(market) == {"platform": 20 * YUAN}
    await sound(market)


async def test_two_workers_split_each_line_once(market: Market, clock: FixedClock) -> None:
    await sell(market, waterfall(CAPPED, per="month"))
    for _ in range(6):
        await market.buy(BUYER, "ruled")
    clock.advance(60)
    done = await asyncio.gather(*(split_all(market) for _ in range(4)))
    assert sum(done) == 6
    assert await purses(market) == {"platform": 40 * YUAN, "seller": 1_760 * YUAN}
    await sound(market)


async def give_mandate(market: Market, broker: UUID, at: FixedClock, days: int = 10, tail: int = 1) -> UUID:
    wish = MandateWish(broker, "5", at.now(), at.now() + timedelta(days=days), tail)
    made = await market.database.run(partial(put_mandate, actor=actor(SELLER), keyring=market.keyring, wish=wish))
    assert isinstance(made, MandateReceipt), made
    return ids.parse("mnd", made.id)


async def claim(market: Market, broker: UUID, mandate: UUID, buyer: UUID = BUYER) -> ClaimReceipt | Problem:
    return await market.database.run(lambda tx: claim_buyer(tx, actor(broker), mandate, buyer, b"e" * 32))


async def second_broker(market: Market) -> None:
    async def flow(tx: Tx) -> None:
        await (await tx.driver()).execute(
            "UPDATE parties.organisation SET roles = '{broker,buyer}' WHERE id = $1", OTHER
        )

    await market.database.run(flow)


async def test_a_broker_is_paid_for_the_buyers_it_claimed_within_term_and_tail(
    market: Market, clock: FixedClock
) -> None:
    await sell(market, waterfall(FEE, step("intro", "mandate", "broker")))
    before = await market.buy(BUYER, "ruled")
    mandate = await give_mandate(market, BROKER, clock)
    clock.advance(60)
    made = await claim(market, BROKER, mandate)
    assert isinstance(made, ClaimReceipt)
    assert made.stands_until == "2026-02-25T08:00:00Z"
    counted = await market.buy(BUYER, "ruled")
    clock.advance(30 * 86_400)
    in_tail = await market.buy(BUYER, "ruled")
    clock.advance(30 * 86_400)
    after = await market.buy(BUYER, "ruled")
    clock.advance(60)
    assert await split_all(market) == 4
    assert await purses(market) == {"platform": 120 * YUAN, "broker": 30 * YUAN, "seller": 1_050 * YUAN}
    broker = actor(BROKER, "broker")
    async with market.database.read(broker) as tx:
        named = (await mandates.own_introduced(tx, broker, PageRequest())).items
    assert {ids.text("ord", one.order_id) for one in named} == {counted.id, in_tail.id}
    assert {one.mandate_id for one in named} == {mandate}
    assert before.id != after.id
    async with market.database.read(actor(BUYER)) as tx:
        assert (await mandates.own_claims(tx, actor(BUYER), PageRequest())).items == []
    await sound(market)


async def test_of_two_brokers_who_claim_one_buyer_the_first_in_force_wins(market: Market, clock: FixedClock) -> None:
    await second_broker(market)
    first, second = await give_mandate(market, BROKER, clock), await give_mandate(market, OTHER, clock, days=90)
    clock.advance(1)
    answers = await asyncio.gather(claim(market, BROKER, first), claim(market, OTHER, second))
    refused = [one for one in answers if isinstance(one, Problem)]
    assert [one.slug for one in refused] == ["buyer-claimed"]
    winner, loser = (BROKER, OTHER) if isinstance(answers[0], ClaimReceipt) else (OTHER, BROKER)
    again = await claim(market, winner, first if winner == BROKER else second)
    assert isinstance(again, Problem)
    assert again.slug == "buyer-claimed"
    stranger = await claim(market, loser, first if winner == BROKER else second)
    assert isinstance(stranger, Problem)
    assert stranger.slug == "not-found"
    itself = await claim(market, OTHER, second, OTHER)
    assert isinstance(itself, Problem)
    assert itself.slug == "mandate-invalid"
    clock.advance(45 * 86_400)
    if winner == BROKER:
        # Term and tail of the first are over; the other one's mandate still runs.
        assert isinstance(await claim(market, OTHER, second), ClaimReceipt)
    late = await claim(market, BROKER, first)
    assert isinstance(late, Problem)
    assert late.slug == "mandate-not-in-force"


@pytest.mark.parametrize("by", [SELLER, BROKER])
async def test_a_mandate_that_ends_early_pays_for_its_tail_and_leaves_the_buyer_to_others(
    market: Market, clock: FixedClock, by: UUID
) -> None:
    await second_broker(market)
    await sell(market, waterfall(FEE, step("intro", "mandate", "broker")))
    first = await give_mandate(market, BROKER, clock, days=300)
    other = await give_mandate(market, OTHER, clock, days=300)
    clock.advance(60)
    assert isinstance(await claim(market, BROKER, first), ClaimReceipt)
    await market.buy(BUYER, "ruled")
    clock.advance(86_400)

    async def end(who: UUID) -> Any:
        return await market.database.run(lambda tx: end_mandate(tx, actor(who), market.keyring, first))

    stranger = await end(OTHER)
    assert isinstance(stranger, Problem)
    assert stranger.slug == "not-found"
    ended = await end(by)
    assert isinstance(ended, MandateEnd), ended
    assert (ended.ends_at, ended.tail_until) == ("2026-01-16T08:01:00Z", "2026-02-16T08:01:00Z")
    for again in (await end(by), await claim(market, BROKER, first, OTHER)):
        assert isinstance(again, Problem)
        assert again.slug == "mandate-not-in-force"
    held = await claim(market, OTHER, other)
    assert isinstance(held, Problem)
    assert (held.slug, held.fields["until"]) == ("buyer-claimed", "2026-02-16T08:01:00Z")
    await market.buy(BUYER, "ruled")
    clock.advance(31 * 86_400)
    # The tail is over: the next order is nobody's, until the other broker claims the buyer.
    await market.buy(BUYER, "ruled")
    clock.advance(60)
    assert isinstance(await claim(market, OTHER, other), ClaimReceipt)
    await market.buy(BUYER, "ruled")
    clock.advance(60)
    assert await split_all(market) == 4
    found = await purses(market)
    assert (found["broker"], found["other"]) == (30 * YUAN, 15 * YUAN)
    async with market.database.read(actor(BROKER)) as tx:
        (shown,) = (await mandates.own_mandates(tx, actor(BROKER), PageRequest())).items
        (claimed,) = (await mandates.own_claims(tx, actor(BROKER), PageRequest())).items
    assert (shown.mandate.ended_early, shown.mandate.tail_until) == (True, claimed.stands_until)
    assert market.keyring.verify(shown.kid, shown.document, shown.signature)
    await sound(market)


async def test_a_rule_is_signed_by_the_exchange_and_read_by_whom_it_pays(market: Market) -> None:
    made = await put_rule(market, waterfall(step("b", "share_of_gross", "member", BROKER, percent="5")))
    rule_id = ids.parse("rul", made.id)
    for reader, seen in ((SELLER, True), (BROKER, True), (OTHER, False)):
        async with market.database.read(actor(reader)) as tx:
            found = await split_rules.visible_rule(tx, actor(reader), rule_id)
        assert (found is not None) == seen
        if found is not None:
            assert market.keyring.verify(found.kid, found.document, found.signature)
            assert load(found.document).steps[0].payees[0].organisation_id == BROKER
    with pytest.raises(AssertionError, match="split-rule-unchanged"):
        await put_rule(market, waterfall(step("b", "share_of_gross", "member", BROKER, percent="5")))
    changed = await put_rule(market, waterfall(step("b", "share_of_gross", "member", BROKER, percent="6")))
    assert (made.version, changed.version) == (1, 2)


async def test_a_check_lists_every_finding_and_keeps_nothing(market: Market) -> None:
    wrong = waterfall(
        step("a", "share_of_gross", "member", UUID(int=77), percent="60"),
        step("b", "share_of_gross", percent="50"),
        step("c", "share_of_gross", "upstream", percent="1") | {"payees": [{"role": "upstream", "of": "all"}]},
    )

    async def flow(tx: Tx) -> Any:
        assert market.listing is not None
        listing = await listings.find_listing(tx, market.listing)
        assert listing is not None
        found = await check_split_rule(tx, actor(SELLER), listing.dataset_id, wrong)
        return found, await split_rules.count(tx, listing.dataset_id)

    found, kept = await market.database.run(flow)
    assert isinstance(found, RuleCheck)
    assert {(one.code, one.step) for one in found.findings} == {
        ("payee-not-member", "a"),
        ("over-allocated", "b"),
        ("upstream-not-declared", "c"),
    }
    assert (found.ok, found.weights, kept) == (False, None, 0)


async def test_a_simulation_says_what_would_have_been_beside_what_was(market: Market, clock: FixedClock) -> None:
    await market.buy(BUYER, "one_off")
    back = await market.buy(BUYER, "one_off")
    await refund(market, back.id, 100 * YUAN)
    clock.advance(20 * 86_400)
    await market.buy(BUYER, "one_off")
    rule = waterfall(step("fee", "share_of_gross", percent="10", at_most="25.00", per="month"), per="month")
    wish = SplitWish(rule, "2026-01", "2026-02")

    async def flow(tx: Tx) -> Any:
        assert market.listing is not None
        listing = await listings.find_listing(tx, market.listing)
        assert listing is not None
        return await past_sales(tx, actor(SELLER), listing.dataset_id, wish)

    past = await market.database.run(flow)
    assert isinstance(past, PastSales), past
    found = simulate_split(past, wish)
    assert (found.sales, found.gross["amount"]) == (3, "800.00")
    seen = {(one.organisation or one.role): (one.got["amount"], one.would["amount"]) for one in found.payees}
    assert seen == {
        ids.text("org", SELLER): ("640.00", "750.00"),
        ids.text("org", BROKER): ("40.00", "0.00"),
        "platform": ("120.00", "50.00"),
    }
    assert [(one.step, one.period, one.amount["amount"]) for one in found.steps] == [
        ("fee", "2026-01", "25.00"),
        ("fee", "2026-02", "25.00"),
        ("rest", "2026-01", "475.00"),
        ("rest", "2026-02", "275.00"),
    ]
    msgspec.json.encode(found)


async def test_charges_that_waited_for_acceptance_are_split_with_it(market: Market, clock: FixedClock) -> None:
    rule = await put_rule(market, waterfall(CAPPED, per="month"))
    await ruled_offer(market, "use", rule, "pay_per_use", PER_RECORD)
    clock.advance(13 * 86_400)
    order = await market.buy(BUYER, "use")
    await market.use(order.grant, 20_000, clock.now() + timedelta(hours=1))
    clock.advance(5 * 86_400)
    start, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
    # At the end of January the buyer still inspects: the charge is made, and waits with its order.
    await settle(market, Period(start, end, "CNY"))
    assert await purses(market) == {"clearing": 300 * YUAN}
    order_id = ids.parse("ord", order.id)
    accepted = await market.database.run(lambda tx: accept_delivery(tx, actor(BUYER, "buyer"), order_id))
    assert isinstance(accepted, DeliveryStands), accepted
    assert await purses(market, "payable") == {"platform": 30 * YUAN, "seller": 270 * YUAN}
    await sound(market)
