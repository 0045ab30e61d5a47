"""The incentive pool is given away once a month, and guarantors pay what months that are over were short of."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest_asyncio

from compliance.store import entries_of
from exchange.flows.accept_guarantee import GuaranteeAccepted, accept_guarantee
from exchange.flows.explain_statement import explain_entries
from exchange.flows.give_pool import PoolGiven, give_pool
from exchange.flows.pay_guarantees import pay_guarantees
from exchange.flows.refund_order import RefundReceipt, RefundWish, refund_order
from exchange.flows.set_pool_policy import PoolPolicyReceipt, set_pool_policy
from exchange.kernel import ids
from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Database, Tx
from exchange.kernel.errors import Problem
from exchange.kernel.keys import Keyring
from exchange.kernel.pages import PageRequest
from settlement.accounts import debt
from settlement.documents import Divided, make_statement
from settlement.pools import By, PoolWish
from settlement.recompute_statement import check
from settlement.refunds import Reason
from settlement.runs import Run
from settlement.store import audit, documents, guarantees, ledger, pools
from tests.support.ruled import purses, put_rule, ruled_offer, split_all, step, waterfall
from tests.support.settlement_market import BROKER, BUYER, ONE_OFF, OPERATOR, OTHER, SELLER, Market, actor, open_market

YUAN = 1_000_000
POOLED = step("pool", "share_of_gross", "pool", percent="10")
RUNS = actor(OPERATOR, "operator")


@pytest_asyncio.fixture
async def market(database: Database, keyring: Keyring) -> Market:
    made = await open_market(database, keyring)
    await made.fund(BUYER, 100_000 * YUAN)
    return made


async def set_policy(market: Market, by: By = By.SALES, percent: str = "100", month: str = "2026-01") -> Any:
    wish = PoolWish("CNY", month, by, percent)
    return await market.database.run(lambda tx: set_pool_policy(tx, RUNS, market.keyring, wish))


async def give(market: Market, month: str = "2026-01") -> Any:
    return await market.database.run(lambda tx: give_pool(tx, RUNS, "CNY", month))


async def refund(market: Market, order: str) -> None:
    wish = RefundWish(("order", ids.parse("ord", order)), Reason.GOODWILL, None)
    found = await market.database.run(lambda tx: refund_order(tx, actor(SELLER, "supplier"), wish))
    assert isinstance(found, RefundReceipt), found


async def sound(market: Market) -> None:
    assert await market.database.run(audit.check) == []


async def recomputed(market: Market, *payees: UUID) -> int:
    """How many lines of these payees' statements the stand-alone script works out again; all of them have to agree."""

    async def flow(tx: Tx) -> int:
        run = Run(tx.new_id(), tx.now - timedelta(days=31), tx.now, "CNY", 1, "running", tx.now)
        entries = await documents.unstated_entries(tx, payees, "CNY", run.seen_until)
        explained = await explain_entries(tx, entries, {}, {})
        lines = 0
        for payee in payees:
            made = make_statement(
                *(tx.new_id(), run, payee, (0, 1), entries[payee], Divided({}, {}), tx.now),
                shown=explained.lines[payee],
                rules=explained.rules[payee],
            )
            report = check(made.document)
            assert (report.differences, report.as_they_stand) == ([], [])
            lines += report.lines
        return lines

    return await market.database.run(flow)


async def test_a_month_of_the_pool_is_given_once_however_often_it_is_asked_for(
    market: Market, clock: FixedClock
) -> None:
    rule = await put_rule(market, waterfall(POOLED, per="month"))
    await ruled_offer(market, "ruled", rule, "one_off", ONE_OFF)
    await market.buy(BUYER, "ruled")
    clock.advance(60)
    await split_all(market, release=True)
    policy = await set_policy(market, percent="50")
    assert isinstance(policy, PoolPolicyReceipt), policy
    early = await give(market)
    assert isinstance(early, Problem)
    assert (early.slug, early.fields["why"].en) == ("pool-not-given", "the month is not over")
    clock.advance(20 * 86_400)
    answers = await asyncio.gather(*(give(market) for _ in range(3)))
    assert all(isinstance(one, PoolGiven) for one in answers), answers
    assert len({one.id for one in answers}) == 1
    assert (answers[0].available["amount"], answers[0].given["amount"]) == ("30.00", "15.00")
    assert await purses(market, "payable") == {"pool": 15 * YUAN, "seller": 285 * YUAN}
    assert await recomputed(market, SELLER) == 2
    async with market.database.read(actor(SELLER)) as tx:
        (mine,) = (await pools.own_shares(tx, actor(SELLER), PageRequest())).items
        assert len((await pools.list_policies(tx, PageRequest())).items) == 1
    assert (mine.month, mine.part.amount) == ("2026-01", 15 * YUAN)
    async with market.database.read(actor(OTHER)) as tx:
        assert (await pools.own_shares(tx, actor(OTHER), PageRequest())).items == []
    await sound(market)


async def test_a_pool_gives_nothing_without_policy_weights_or_money(market: Market, clock: FixedClock) -> None:
    def why(found: Any) -> str:
        assert isinstance(found, Problem), found
        assert found.slug == "pool-not-given"
        said: str = found.fields["why"].en
        return said

    rule = await put_rule(market, waterfall(POOLED, per="month"))
    await ruled_offer(market, "ruled", rule, "one_off", ONE_OFF)
    order = await market.buy(BUYER, "ruled")
    clock.advance(60)
    await split_all(market, release=True)
    assert why(await give(market)) == "no policy holds for this month"
    # Nothing that is sold here has a disclosed score.
    await set_policy(market, By.QUALITY)
    clock.advance(20 * 86_400)
    assert why(await give(market)) == "nobody has a weight in this month"
    await refund(market, order.id)
    clock.advance(60)
    await split_all(market, release=True)
    # What the pool held at the month's end went back since.
    assert why(await give(market)) == "the pool holds nothing to give"
    late = await set_policy(market)
    assert isinstance(late, Problem)
    assert (late.slug, late.fields["field"]) == ("pool-policy-invalid", "from_month")
    stranger = await market.database.run(lambda tx: give_pool(tx, actor(SELLER, "supplier"), "CNY", "2026-01"))
    assert isinstance(stranger, Problem)
    assert stranger.slug == "forbidden"
    await sound(market)


LEAST: dict[str, Any] = {
    **step("least", "guarantee", "member", BROKER, amount="100", per="month"),
    "guaranteed_by": "supplier",
}
SOME = step("b", "share_of_gross", "member", BROKER, percent="10", per="month")


def at(month: int, day: int = 1) -> datetime:
    return datetime(2026, month, day, tzinfo=UTC)


async def pay(market: Market, until: datetime) -> int:
    return len(await market.database.run(partial(pay_guarantees, currency="CNY", until=until)))


async def owed(market: Market, organisation: UUID) -> int:
    key = debt(organisation, "CNY")
    return -(await market.database.run(lambda tx: ledger.sums(tx, [key])))[key]


async def sell(market: Market, clock: FixedClock, offer: str = "ruled") -> str:
    order = await market.buy(BUYER, offer)
    clock.advance(60)
    await split_all(market, release=True)
    identity: str = order.id
    return identity


async def test_a_supplier_pays_what_its_months_were_short_of_also_months_without_a_sale(
    market: Market, clock: FixedClock
) -> None:
    # The step itself finds nothing left in a month: everything before it is given away.
    rest = step("all", "share_of_gross", "supplier", percent="90", per="month")
    rule = await put_rule(market, waterfall(SOME, rest, LEAST, per="month"))
    await ruled_offer(market, "ruled", rule, "one_off", ONE_OFF)
    assert await pay(market, at(2)) == 0
    order = await sell(market, clock)
    assert await pay(market, at(1, 31)) == 0
    assert await pay(market, at(2)) == 1
    assert await pay(market, at(2)) == 0
    assert await purses(market, "payable") == {"broker": 100 * YUAN, "seller": 200 * YUAN}
    # February and March: nothing was sold. The supplier has 200, and 0 are owed after both.
    clock.advance(80 * 86_400)
    assert await pay(market, at(4)) == 2
    assert await purses(market, "payable") == {"broker": 300 * YUAN}
    await refund(market, order)
    clock.advance(60)
    await split_all(market, release=True)
    assert await pay(market, at(4)) == 1
    # All of January went back: the payee has its guarantee of three months, the supplier owes that.
    assert await purses(market, "payable") == {"broker": 270 * YUAN + 30 * YUAN}
    assert (await owed(market, SELLER), await owed(market, BROKER)) == (300 * YUAN, 0)
    async with market.database.read(actor(BROKER)) as tx:
        shown = (await guarantees.own(tx, actor(BROKER), PageRequest())).items
    assert [(one.period, one.number, one.amount // YUAN) for one in reversed(shown)] == [
        ("2026-01", 1, 70),
        ("2026-02", 1, 100),
        ("2026-03", 1, 100),
        ("2026-01", 2, 30),
    ]
    assert await recomputed(market, SELLER, BROKER) >= 8
    async with market.database.read(actor(OTHER)) as tx:
        assert (await guarantees.own(tx, actor(OTHER), PageRequest())).items == []
    await sound(market)


async def test_the_exchange_pays_only_what_it_accepted_and_good_months_pay_back(
    market: Market, clock: FixedClock
) -> None:
    promised = {**LEAST, "guaranteed_by": "platform", "recouped": True}
    fee = step("fee", "share_of_gross", percent="90", per="month")
    rule = await put_rule(market, waterfall(SOME, fee, promised, per="month"))
    await ruled_offer(market, "ruled", rule, "one_off", ONE_OFF)
    await sell(market, clock)
    clock.advance(20 * 86_400)
    assert await pay(market, at(2)) == 0
    rule_id = ids.parse("rul", rule.id)
    asked = (await market.database.run(lambda tx: guarantees.waiting(tx, PageRequest()))).items
    assert [(one.rule_id, one.amount) for one in asked] == [(rule_id, 100 * YUAN)]
    accepted = await market.database.run(lambda tx: accept_guarantee(tx, RUNS, rule_id))
    assert isinstance(accepted, GuaranteeAccepted), accepted
    again = await market.database.run(lambda tx: accept_guarantee(tx, RUNS, rule_id))
    assert isinstance(again, Problem)
    assert again.slug == "guarantee-not-asked"
    assert (await market.database.run(lambda tx: guarantees.waiting(tx, PageRequest()))).items == []
    assert await pay(market, at(2)) == 1
    assert await purses(market, "payable") == {"platform": 200 * YUAN, "broker": 100 * YUAN}
    # Five sales in February give the payee 150: 50 of the 70 are earned back.
    for _ in range(5):
        await sell(market, clock)
    clock.advance(25 * 86_400)
    assert await pay(market, at(3)) == 1
    found = await purses(market, "payable")
    assert (found["broker"], found["platform"]) == (200 * YUAN, 200 * YUAN + 5 * 270 * YUAN + 50 * YUAN)
    assert await recomputed(market, BROKER) == 8
    await sound(market)


async def test_a_newer_version_takes_the_guarantee_over_and_both_count(market: Market, clock: FixedClock) -> None:
    rest = step("all", "share_of_gross", "supplier", percent="90", per="month")
    for name, amount in (("older", "100"), ("newer", "50")):
        rule = await put_rule(market, waterfall(SOME, rest, {**LEAST, "amount": amount}, per="month"))
        await ruled_offer(market, name, rule, "one_off", ONE_OFF)
        await sell(market, clock, name)
    # Both were written in January: the newer one promises, and what both gave counts: 60 of 50.
    assert await pay(market, at(2)) == 0
    assert await pay(market, at(3)) == 1
    assert (await purses(market, "payable"))["broker"] == 110 * YUAN
    await sound(market)


async def test_a_pool_is_given_to_more_sellers_than_one_entry_of_the_log_takes(
    market: Market, clock: FixedClock
) -> None:
    rule = await put_rule(market, waterfall(POOLED, per="month"))
    await ruled_offer(market, "ruled", rule, "one_off", ONE_OFF)
    await market.buy(BUYER, "ruled")
    clock.advance(60)
    await split_all(market, release=True)

    async def sell(tx: Tx) -> None:
        driver = await tx.driver()
        columns = await driver.fetch(
            "SELECT attname FROM pg_attribute WHERE attrelid = 'settlement.orders'::regclass AND attnum > 0 "
            "AND NOT attisdropped AND attgenerated = '' AND attidentity = ''"
        )
        new = {"id": "gen_random_uuid()", "seller_id": "gen_random_uuid()", "agreement_id": "gen_random_uuid()"}
        names = [row[0] for row in columns]
        values = ", ".join(new.get(name, f"o.{name}") for name in names)
        made = f"INSERT INTO settlement.orders ({', '.join(names)}) SELECT {values} FROM settlement.orders o, "
        await driver.execute(f"{made} generate_series(1, 300)")

    await market.database.run(sell)
    await set_policy(market, percent="50")
    clock.advance(20 * 86_400)
    given = await give(market)
    assert isinstance(given, PoolGiven), given
    entries = await market.database.run(lambda tx: entries_of(tx, given.id))
    named = [json.loads(one.envelope)["organisations"] for one in entries]
    assert len({who for one in named for who in one}) == 302
    assert [len(one) for one in named] == [256, 47]
