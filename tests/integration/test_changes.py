"""Changes of offer and trials: who may leave what and when, and that nothing is had twice for one price."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from compliance import directive_store
from exchange.access.meters import Meter
from exchange.access.problems import GRANT_ENDED
from exchange.access.reads import Read, refusal
from exchange.access.store import grants, reading
from exchange.flows.ask_quote import ACTION, Question, ask_quotes
from exchange.flows.change_offer import Change, OfferChanged, change_offer
from exchange.flows.end_grant import GrantEnded, end_grant
from exchange.flows.issue_quote import QuoteReceipt
from exchange.flows.once import Answered, Command
from exchange.flows.purchase import OrderReceipt, purchase
from exchange.kernel import ids
from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Database, Tx
from exchange.kernel.errors import Problem
from exchange.kernel.keys import Keyring
from settlement.accounts import wallet
from settlement.store import ledger, orders
from tests.support import access
from tests.support.directives import standing
from tests.support.settlement_market import BUYER, ONE_OFF, OTHER, PER_RECORD, Market, actor, open_market

YUAN = 1_000_000
FEE: dict[str, Any] = {
    "id": "fee",
    "meter": None,
    "period": "month",
    "model": {"type": "flat", "amount": "31.00", "in_advance": True, "prorate": True},
}
LARGE = {**FEE, "model": {**FEE["model"], "amount": "62.00"}}
USE = {**PER_RECORD, "period": "month"}
INCLUDED = {**USE, "model": {"type": "included", "quantity": 1_000, "overage": None}}
TIERS = {
    **USE,
    "model": {"type": "graduated", "tiers": [{"up_to": 10, "unit_price": "0"}, {"unit_price": "0.1"}]},
}
CAP = {"id": "most", "type": "maximum", "period": "month", "amount": "60"}


async def opened(database: Database, keyring: Keyring) -> Market:
    market = await open_market(database, keyring)
    for buyer in (BUYER, OTHER):
        await market.fund(buyer, 10_000 * YUAN)
    await market.offer("small", FEE)
    await market.offer("large", LARGE)
    return market


async def changed(market: Market, grant: str | None, offer: str) -> OfferChanged | Problem:
    wish = Change(ids.parse("grt", grant or ""), market.offers[offer])
    buyer = actor(BUYER, "buyer")
    return await market.database.run(lambda tx: change_offer(tx, market.sales, market.keyring, buyer, wish))


async def refused(market: Market, grant: str | None, offer: str) -> str:
    answer = await changed(market, grant, offer)
    assert isinstance(answer, Problem), answer
    assert answer.detail("en")
    assert answer.detail("zh")
    return answer.slug


async def moment(market: Market, grant: str | None, offer: str) -> str:
    answer = await changed(market, grant, offer)
    assert isinstance(answer, OfferChanged), answer
    return answer.changes_at


async def ended(market: Market, grant: str | None) -> GrantEnded:
    grant_id, buyer = ids.parse("grt", grant or ""), actor(BUYER, "buyer")
    answer = await market.database.run(lambda tx: end_grant(tx, market.sales, buyer, grant_id))
    assert isinstance(answer, GrantEnded), answer
    return answer


async def money(market: Market) -> int:
    key = wallet(BUYER, "CNY")
    return (await market.database.run(lambda tx: ledger.sums(tx, [key])))[key]


async def test_of_changes_at_once_one_is_made_and_the_others_see_it(
    database: Database, keyring: Keyring, clock: FixedClock
) -> None:
    market = await opened(database, keyring)
    order = await market.buy(BUYER, "small")
    clock.advance(86_400)
    answers = await asyncio.gather(*(changed(market, order.grant, "large") for _ in range(4)))
    slugs = [one.slug for one in answers if isinstance(one, Problem)]
    assert slugs == ["grant-ends-already"] * 3
    assert await money(market) == (10_000 - 31 - 62) * YUAN


async def test_an_end_and_a_change_at_once_leave_one_end(
    database: Database, keyring: Keyring, clock: FixedClock
) -> None:
    market = await opened(database, keyring)
    order = await market.buy(BUYER, "per_use")
    clock.advance(86_400)
    change, end = await asyncio.gather(
        changed(market, order.grant, "large"), ended(market, order.grant), return_exceptions=True
    )
    assert isinstance(end, GrantEnded), end
    paid = 62 if isinstance(change, OfferChanged) else 0
    assert await money(market) == (10_000 - paid) * YUAN


async def test_a_grant_changes_to_another_offer_and_only_after_it_began(
    database: Database, keyring: Keyring, clock: FixedClock
) -> None:
    market = await opened(database, keyring)
    order = await market.buy(BUYER, "small")
    assert await refused(market, order.grant, "small") == "same-offer"
    first = await changed(market, order.grant, "large")
    assert isinstance(first, OfferChanged)
    assert await refused(market, first.order.grant, "small") == "change-too-early"
    clock.advance(900)
    assert await refused(market, order.grant, "large") == "grant-ended"
    assert await moment(market, first.order.grant, "small") == "2026-01-15T08:30:00Z"


@pytest.mark.parametrize(
    ("name", "parts", "plan"),
    [
        ("included", (FEE, INCLUDED), {}),
        ("tiers", (FEE, TIERS), {}),
        ("cap", (FEE, USE), {"limits": [CAP]}),
        ("bands", (FEE, USE), {"discounts": [{"id": "v", "type": "volume", "bands": [{"from": "1", "percent": "5"}]}]}),
    ],
)
async def test_what_is_counted_over_a_period_is_left_at_its_end(
    database: Database, keyring: Keyring, clock: FixedClock, name: str, parts: Any, plan: Any
) -> None:
    market = await opened(database, keyring)
    await market.offer(name, *parts, **plan)
    order = await market.buy(BUYER, "small")
    clock.advance(86_400)
    # Into such an offer at once, out of it at the end of the period that is paid.
    first = await changed(market, order.grant, name)
    assert isinstance(first, OfferChanged)
    assert first.changes_at == "2026-01-16T08:15:00Z"
    clock.advance(86_400)
    second = await changed(market, first.order.grant, "small")
    assert isinstance(second, OfferChanged)
    assert second.changes_at == "2026-02-16T08:15:00Z"
    assert await refused(market, first.order.grant, "large") == "grant-ends-already"
    found = await database.run(lambda tx: grants.load(tx, [ids.parse("grt", second.order.grant or "")]))
    assert found.popitem()[1].starts_at == datetime(2026, 2, 16, 8, 15, tzinfo=UTC)


async def test_what_is_counted_for_life_is_ended_instead(database: Database, keyring: Keyring) -> None:
    market = await opened(database, keyring)
    await market.offer("life", FEE, {**INCLUDED, "period": None})
    order = await market.buy(BUYER, "life")
    assert await refused(market, order.grant, "small") == "counted-for-life"


async def test_suspended_ended_and_frozen_grants_do_not_change(database: Database, keyring: Keyring) -> None:
    market = await opened(database, keyring)
    suspended, gone, frozen = [await market.buy(BUYER, name) for name in ("small", "one_off", "small")]
    await database.run(lambda tx: grants.suspend(tx, [ids.parse("grt", suspended.grant)]))
    await ended(market, gone.grant)
    order_id = ids.parse("ord", frozen.id)

    async def freeze(tx: Tx) -> None:
        await directive_store.put_directive(tx, standing(tx.new_id(), "freeze", ("order", order_id), OTHER, tx.now))

    await database.run(freeze)
    assert await refused(market, suspended.grant, "large") == "grant-suspended"
    assert await refused(market, gone.grant, "large") == "grant-ended"
    assert await refused(market, frozen.grant, "large") == "trade-frozen"


async def test_tokens_of_the_old_grant_stop_with_the_change(
    database: Database, keyring: Keyring, clock: FixedClock
) -> None:
    market = await opened(database, keyring)
    order = await market.buy(BUYER, "small")
    grant_id = ids.parse("grt", order.grant)
    grant = (await database.run(lambda tx: grants.load(tx, [grant_id])))[grant_id]
    jti = database.ids.new(clock.now())
    await database.run(lambda tx: grants.insert_tokens(tx, [(jti, grant, clock.now() + timedelta(days=1))]))
    read = Read(access.claims_of(grant, jti), "pretrain", ((Meter.RECORDS, 1),), known=True)

    async def answer() -> Problem | None:
        async def flow(tx: Tx) -> Problem | None:
            (standing,), _ = await reading.standings(tx, [(grant_id, jti)])
            return refusal(read, standing, tx.now)

        return await database.run(flow)

    assert await moment(market, order.grant, "large") == "2026-01-15T08:15:00Z"
    clock.advance(899)
    assert await answer() is None
    clock.advance(1)
    problem = await answer()
    assert problem is not None
    assert problem.slug == GRANT_ENDED(grant="").slug


async def trial(database: Database, keyring: Keyring) -> Market:
    market = await opened(database, keyring)
    await market.offer("trial", FEE, trial={"days": 30})
    return market


async def test_a_trial_runs_once_for_each_buyer(database: Database, keyring: Keyring) -> None:
    market = await trial(database, keyring)
    first = await market.buy(BUYER, "trial")
    assert first.total["amount"] == "0.00"
    await ended(market, first.grant)
    again = await market.buy(BUYER, "trial")
    assert again.total["amount"] == "31.00"
    order = await database.run(lambda tx: orders.get_orders(tx, [ids.parse("ord", again.id)]))
    assert order.popitem()[1].price_basis == b'{"trial_used":true}'
    assert (await market.buy(OTHER, "trial")).total["amount"] == "0.00"
    # Another offer of the listing was never tried.
    await market.offer("other", ONE_OFF, trial={"days": 30})
    assert (await market.buy(BUYER, "other")).total["amount"] == "0.00"


async def test_of_orders_at_once_one_has_the_trial(database: Database, keyring: Keyring) -> None:
    market = await trial(database, keyring)
    wishes = [market.wish(BUYER, "trial") for _ in range(6)]

    async def place(part: list[Any]) -> list[str]:
        answers = await database.run(lambda tx: purchase(tx, market.sales, keyring, part))
        assert all(isinstance(one, Answered) for one in answers), answers
        bodies = [one.body for one in answers if isinstance(one, Answered)]
        return [msgspec.json.decode(body, type=OrderReceipt).total["amount"] for body in bodies]

    # Two in each of three transactions.
    paid = await asyncio.gather(*(place(wishes[n : n + 2]) for n in (0, 2, 4)))
    assert sorted(amount for part in paid for amount in part) == ["0.00", *["31.00"] * 5]


async def test_a_quote_with_a_trial_is_good_for_the_first_order_only(database: Database, keyring: Keyring) -> None:
    market = await trial(database, keyring)

    async def ask(key: str) -> QuoteReceipt:
        command = Command(actor(BUYER, "buyer"), ACTION, key, bytes(32))
        question = Question(command, market.offers["trial"], ("pretrain",))
        (answer,) = await database.run(lambda tx: ask_quotes(tx, market.sales, keyring, [question]))
        assert isinstance(answer, Answered), answer
        return msgspec.json.decode(answer.body, type=QuoteReceipt)

    one, two = await ask("one"), await ask("two")
    assert one.total["amount"] == two.total["amount"] == "0.00"
    assert (await market.buy(BUYER, "trial", quote_id=ids.parse("qte", one.id))).total["amount"] == "0.00"
    refusal = await market.buy(BUYER, "trial", quote_id=ids.parse("qte", two.id))
    assert refusal.slug == "trial-used"
    three = await ask("three")
    assert three.total["amount"] == "31.00"
    assert (await market.buy(BUYER, "trial", quote_id=ids.parse("qte", three.id))).total["amount"] == "31.00"
