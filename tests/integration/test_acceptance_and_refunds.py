"""Acceptance holds shares, refunds give them back: in the database, with settlement runs and payouts in between."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest

from exchange.access.grants import GrantState
from exchange.access.store import grants
from exchange.flows.accept_delivery import DeliveryStands, accept_delivery
from exchange.flows.decide_rejection import RejectionDecided, decide_rejection
from exchange.flows.pay_out import PayOut, PayoutReceipt, pay_out
from exchange.flows.refund_order import RefundReceipt, RefundWish, refund_order
from exchange.flows.reject_delivery import reject_delivery
from exchange.flows.settle_period import Period, RunProgress, settle_next, start_run
from exchange.kernel import ids
from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Database, Tx
from exchange.kernel.errors import Problem
from exchange.kernel.keys import Keyring
from exchange.kernel.money import Money, units_of
from exchange.kernel.pages import PageRequest
from settlement.acceptances import Ground, Outcome
from settlement.accounts import AccountKind, debt, payable, pending, platform, receivable, wallet
from settlement.payouts import Rail
from settlement.refunds import Reason, reversed_units
from settlement.store import acceptances, audit, ledger, reads
from settlement.store import refunds as refund_store
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

START = datetime(2026, 1, 1, tzinfo=UTC)
YUAN = 1_000_000
DIGEST = bytes(range(32))
SHARES = {"seller": 240 * YUAN, "broker": 15 * YUAN, "revenue": 45 * YUAN}


async def run_to(market: Market, end: datetime) -> RunProgress:
    """A whole run from the year's start to `end`, part by part."""
    found = await market.database.run(lambda tx: start_run(tx, Period(START, end, "CNY")))
    while isinstance(found, RunProgress) and not found.finished:
        run_id = ids.parse("run", found.run)
        found = await market.database.run(lambda tx, run_id=run_id: settle_next(tx, market.sales, run_id))  # type: ignore[misc]
    assert isinstance(found, RunProgress), found
    return found


async def books(database: Database) -> dict[str, int]:
    keys = {
        "wallet": wallet(BUYER, "CNY"),
        "owed": receivable(BUYER, "CNY"),
        "seller pending": pending(SELLER, "CNY"),
        "broker pending": pending(BROKER, "CNY"),
        "seller": payable(SELLER, "CNY"),
        "broker": payable(BROKER, "CNY"),
        "seller debt": debt(SELLER, "CNY"),
        "broker debt": debt(BROKER, "CNY"),
        "revenue": platform(AccountKind.REVENUE, "CNY"),
        "tax": platform(AccountKind.TAX, "CNY"),
    }
    found = await database.run(lambda tx: ledger.sums(tx, list(keys.values())))
    return {name: found[key] for name, key in keys.items() if found[key]}


async def sound(database: Database) -> None:
    assert await database.run(audit.check) == []


async def accept(market: Market, order: Any, buyer: UUID = BUYER) -> Any:
    who, order_id = actor(buyer, "buyer"), ids.parse("ord", order.id)
    return await market.database.run(lambda tx: accept_delivery(tx, who, order_id))


async def reject(market: Market, order: Any) -> Any:
    who, order_id = actor(BUYER, "buyer"), ids.parse("ord", order.id)
    return await market.database.run(lambda tx: reject_delivery(tx, who, order_id, Ground.INCOMPLETE, DIGEST))


async def decide(market: Market, order: Any, outcome: Outcome, units: int | None = None) -> Any:
    who, order_id = actor(OPERATOR, "operator"), ids.parse("ord", order.id)
    amount = None if units is None else Money(units, "CNY")
    return await market.database.run(lambda tx: decide_rejection(tx, who, order_id, outcome, amount))


async def refund(market: Market, source: tuple[str, UUID], units: int | None = None, **more: Any) -> Any:
    who = more.pop("who", actor(SELLER, "supplier"))
    amount = None if units is None else Money(units, "CNY")
    wish = RefundWish(source, more.pop("reason", Reason.GOODWILL), amount, **more)
    return await market.database.run(lambda tx: refund_order(tx, who, wish))


def of(order: Any) -> tuple[str, UUID]:
    return "order", ids.parse("ord", order.id)


async def pay(market: Market, who: UUID, period: str) -> Any:
    wish = PayOut(who, "CNY", period, Rail.BANK, "account")
    (answer,) = await market.database.run(lambda tx: pay_out(tx, [wish]))
    return answer


async def furnished(database: Database, keyring: Keyring, units: int = 1_000 * YUAN) -> Market:
    market = await open_market(database, keyring)
    await market.fund(BUYER, units)
    return market


async def test_shares_wait_for_the_window_and_silence_then_releases_them(
    database: Database, keyring: Keyring, clock: FixedClock
) -> None:
    market = await furnished(database, keyring)
    await market.buy(BUYER, "one_off")
    bought_at = clock.now()
    clock.advance(30 * 86_400)
    # Cut a quarter-hour before the window ends: invoiced, and nothing released, whenever the run is made.
    end = bought_at + timedelta(days=7) - timedelta(minutes=bought_at.minute % 15, seconds=bought_at.second)
    end = end.replace(microsecond=0)
    await run_to(market, end - timedelta(minutes=15))
    assert await books(database) == {
        "wallet": 700 * YUAN,
        "seller pending": SHARES["seller"],
        "broker pending": SHARES["broker"],
        "revenue": SHARES["revenue"],
    }
    seller = actor(SELLER, "supplier")
    async with database.read(seller) as tx:
        assert len((await reads.list_invoices(tx, seller, PageRequest(), selling=True)).items) == 1
    await sound(database)
    await run_to(market, end + timedelta(minutes=15))
    assert await books(database) == {"wallet": 700 * YUAN, **SHARES}
    async with database.read(seller) as tx:
        assert len((await reads.list_invoices(tx, seller, PageRequest(), selling=True)).items) == 1
    await sound(database)


async def test_an_accepted_delivery_is_released_at_once_and_only_once(
    database: Database, keyring: Keyring, clock: FixedClock
) -> None:
    market = await furnished(database, keyring)
    order = await market.buy(BUYER, "one_off")
    stranger = await accept(market, order, OTHER)
    assert isinstance(stranger, Problem)
    assert stranger.slug == "not-found"
    answer = await accept(market, order)
    assert isinstance(answer, DeliveryStands)
    assert answer.standing == "accepted"
    assert await books(database) == {"wallet": 700 * YUAN, **SHARES}
    again = await accept(market, order)
    assert isinstance(again, Problem)
    assert again.slug == "acceptance-state"
    assert (await reject(market, order)).slug == "acceptance-state"
    clock.advance(20 * 86_400)
    await run_to(market, datetime(2026, 2, 1, tzinfo=UTC))
    assert await books(database) == {"wallet": 700 * YUAN, **SHARES}
    await sound(database)


@pytest.mark.parametrize("how", ["accepted", "released", "refunded", "partly"])
async def test_a_rejected_delivery_is_held_until_it_is_decided(
    database: Database, keyring: Keyring, clock: FixedClock, how: str
) -> None:
    market = await furnished(database, keyring)
    order = await market.buy(BUYER, "one_off")
    assert (await decide(market, order, Outcome.RELEASE)).slug == "acceptance-state", "nobody rejected it yet"
    assert (await reject(market, order)).standing == "rejected"
    assert (await reject(market, order)).slug == "acceptance-state"
    clock.advance(40 * 86_400)
    await run_to(market, datetime(2026, 2, 1, tzinfo=UTC))
    held = await books(database)
    assert (held["seller pending"], held["broker pending"]) == (SHARES["seller"], SHARES["broker"])
    await sound(database)
    match how:
        case "accepted":
            assert (await accept(market, order)).standing == "accepted"
            expected = {"wallet": 700 * YUAN, **SHARES}
        case "released":
            done = await decide(market, order, Outcome.RELEASE)
            assert isinstance(done, RejectionDecided)
            assert done.refund is None
            expected = {"wallet": 700 * YUAN, **SHARES}
        case "refunded":
            done = await decide(market, order, Outcome.REFUND)
            assert done.refunded["amount"] == "300.00"
            expected = {"wallet": 1_000 * YUAN}
        case _:
            assert (await decide(market, order, Outcome.REFUND, 301 * YUAN)).slug == "refund-too-large"
            done = await decide(market, order, Outcome.REFUND, 100 * YUAN)
            assert done.refund is not None
            expected = {"wallet": 800 * YUAN, "seller": 160 * YUAN, "broker": 10 * YUAN, "revenue": 30 * YUAN}
    assert await books(database) == expected
    assert (await decide(market, order, Outcome.RELEASE)).slug == "acceptance-state"
    await run_to(market, datetime(2026, 2, 2, tzinfo=UTC))
    assert await books(database) == expected
    await sound(database)


async def test_where_silence_refuses_nothing_is_released_by_itself(
    database: Database, keyring: Keyring, clock: FixedClock
) -> None:
    market = await furnished(database, keyring)
    frame = {"acceptance": {"days": 3, "silence": "refuses"}}
    await market.offer("framed", ONE_OFF, kind="one_off", frame=frame)
    order = await market.buy(BUYER, "framed")
    clock.advance(500 * 86_400)
    await run_to(market, datetime(2027, 5, 1, tzinfo=UTC))
    assert (await books(database))["seller pending"] == SHARES["seller"]
    assert (await reject(market, order)).slug == "acceptance-state", "the window is over"
    assert (await decide(market, order, Outcome.RELEASE)).outcome == "release"
    assert await books(database) == {"wallet": 700 * YUAN, **SHARES}
    await sound(database)


async def test_charges_wait_with_their_order_and_are_released_with_it(
    database: Database, keyring: Keyring, clock: FixedClock
) -> None:
    market = await furnished(database, keyring)
    order = await market.buy(BUYER, "per_use")
    await market.use(order.grant, 1_000, clock.now() + timedelta(minutes=5))
    clock.advance(3 * 86_400)
    end = clock.now().replace(minute=0, second=0, microsecond=0)
    await run_to(market, end)
    found = await books(database)
    assert found == {"wallet": 985 * YUAN, "seller pending": 12 * YUAN, "broker pending": 750_000, "revenue": 2_250_000}
    await sound(database)
    assert (await accept(market, order)).standing == "accepted"
    found = await books(database)
    assert found == {"wallet": 985 * YUAN, "seller": 12 * YUAN, "broker": 750_000, "revenue": 2_250_000}
    # What is used after the acceptance is released by the run that charges it.
    await market.use(order.grant, 1_000, clock.now() + timedelta(minutes=5))
    clock.advance(86_400)
    await run_to(market, end + timedelta(days=1))
    assert (await books(database))["seller"] == 24 * YUAN
    await sound(database)


@pytest.mark.parametrize("when", ["waiting", "released", "paid out"])
async def test_a_full_refund_leaves_every_payee_at_nothing(
    database: Database, keyring: Keyring, clock: FixedClock, when: str
) -> None:
    market = await furnished(database, keyring)
    order = await market.buy(BUYER, "one_off")
    if when != "waiting":
        await accept(market, order)
    if when == "paid out":
        assert isinstance(await pay(market, SELLER, "2026-01"), PayoutReceipt)
    first = await refund(market, of(order), 100 * YUAN + 1)
    assert isinstance(first, RefundReceipt)
    assert (first.full, first.grant_ends_at) == (False, None)
    await sound(database)
    rest = await refund(market, of(order))
    assert (rest.full, rest.refunded["amount"]) == (True, "300.00")
    paid_out = {"seller debt": -240 * YUAN} if when == "paid out" else {}
    assert await books(database) == {"wallet": 1_000 * YUAN, **paid_out}
    (grant,) = await database.run(lambda tx: grants.of_orders(tx, [of(order)[1]]))
    assert grant.state is GrantState.ENDED
    assert (await refund(market, of(order), 1)).slug == "refund-too-large"
    clock.advance(20 * 86_400)
    await run_to(market, datetime(2026, 2, 1, tzinfo=UTC))
    assert await books(database) == {"wallet": 1_000 * YUAN, **paid_out}
    await sound(database)


async def test_the_next_payout_nets_what_a_refund_left_owing(
    database: Database, keyring: Keyring, clock: FixedClock
) -> None:
    market = await furnished(database, keyring)
    first = await market.buy(BUYER, "one_off")
    await accept(market, first)
    await pay(market, SELLER, "a")
    await refund(market, of(first), 200 * YUAN)
    assert (await books(database))["seller debt"] == -160 * YUAN
    assert (await pay(market, SELLER, "b")).slug == "nothing-payable"
    second = await market.buy(BUYER, "one_off")
    await accept(market, second)
    receipt = await pay(market, SELLER, "c")
    assert receipt.amount["amount"] == "80.00"
    found = await books(database)
    assert "seller debt" not in found
    assert "seller" not in found
    await sound(database)
    clock.advance(20 * 86_400)
    await run_to(market, datetime(2026, 2, 1, tzinfo=UTC))
    await sound(database)
    seller = actor(SELLER, "supplier")
    async with database.read(seller) as tx:
        (statement,) = (await reads.list_statements(tx, seller, PageRequest())).items
    assert statement.closing.units == 0


async def test_who_may_refund_what(database: Database, keyring: Keyring) -> None:
    market = await furnished(database, keyring)
    order = await market.buy(BUYER, "one_off")
    for stranger in (actor(OTHER, "buyer"), actor(BROKER, "broker"), actor(BUYER, "buyer")):
        assert (await refund(market, of(order), 1, who=stranger)).slug == "not-found"
    assert (await refund(market, ("order", UUID(int=7)))).slug == "not-found"
    assert (await refund(market, ("charge", UUID(int=7)))).slug == "not-found"
    assert (await refund(market, of(order), 300 * YUAN + 1)).slug == "refund-too-large"
    assert (await refund(market, of(order), 0)).slug == "refund-too-large"
    free = await market.buy(BUYER, "per_use")
    assert (await refund(market, of(free))).slug == "refund-too-large"
    operator = actor(OPERATOR, "operator")
    assert isinstance(await refund(market, of(order), 1, who=operator), RefundReceipt)
    await sound(database)


@pytest.mark.parametrize("writers", [2, 8, 64])
async def test_concurrent_refunds_never_pass_what_was_paid(
    database: Database, keyring: Keyring, clock: FixedClock, writers: int
) -> None:
    market = await furnished(database, keyring)
    order = await market.buy(BUYER, "one_off")
    share = 300 * YUAN // writers + 1
    asked = [refund(market, of(order), share) for _ in range(writers)]
    answers = await asyncio.gather(*asked, accept(market, order), pay(market, SELLER, "x"))
    made = [one for one in answers[:writers] if isinstance(one, RefundReceipt)]
    assert len(made) == writers - 1
    assert len({one.refunded["amount"] for one in made}) == len(made)
    assert (await books(database))["wallet"] == 700 * YUAN + share * (writers - 1)
    await refund(market, of(order))
    left = await books(database)
    assert left["wallet"] == 1_000 * YUAN
    assert all("debt" in name for name in left if name != "wallet")
    await sound(database)


@pytest.mark.parametrize("seed", range(4))
async def test_any_order_of_refunds_acceptance_runs_and_payouts_balances(
    database: Database, keyring: Keyring, clock: FixedClock, seed: int
) -> None:
    chance = random.Random(seed)
    market = await furnished(database, keyring)
    await market.offer("odd", {**ONE_OFF, "model": {"type": "one_off", "amount": "100.000007"}}, PER_RECORD)
    order = await market.buy(BUYER, "odd")
    await market.use(order.grant, 333, clock.now() + timedelta(minutes=5))
    left, day, period = 100_000_007, 0, 0
    while left:
        match chance.choice(["refund", "refund", "accept", "reject", "run", "pay"]):
            case "refund":
                units = min(left, chance.choice([1, 3, 17, chance.randint(1, left), left // 2 or 1]))
                assert isinstance(await refund(market, of(order), units), RefundReceipt)
                left -= units
            case "accept":
                await accept(market, order)
            case "reject":
                await reject(market, order)
            case "run":
                day += 2
                clock.advance(2 * 86_400)
                await run_to(market, datetime(2026, 1, 15, tzinfo=UTC) + timedelta(days=day))
            case _:
                period += 1
                await pay(market, chance.choice([SELLER, BROKER]), f"p{period}")
        found = await books(database)
        assert not [name for name, units in found.items() if units < 0 and "debt" not in name]
        await sound(database)
    for charge in await _charges(database):
        assert isinstance(await refund(market, ("charge", charge.id)), RefundReceipt)
    found = await books(database)
    assert found.pop("wallet") == 1_000 * YUAN
    # What was paid out to somebody before its refund is owed, less what later payouts netted; nothing else is left.
    paid_out = await _paid_out(database)
    for name in ("seller", "broker"):
        purse = sum(found.pop(key, 0) for key in (name, f"{name} pending", f"{name} debt"))
        assert purse == -paid_out.get(name, 0)
    assert found == {}
    await sound(database)


async def test_a_refunded_subscription_is_charged_and_given_back_no_more(
    database: Database, keyring: Keyring, clock: FixedClock
) -> None:
    market = await furnished(database, keyring)
    order = await market.buy(BUYER, "monthly")
    clock.advance(10 * 86_400)
    assert (await refund(market, of(order))).full
    clock.advance(50 * 86_400)
    await run_to(market, datetime(2026, 3, 1, tzinfo=UTC))
    assert await books(database) == {"wallet": 1_000 * YUAN}
    await sound(database)


async def test_a_refund_and_a_give_back_for_unused_time_are_not_paid_twice(
    database: Database, keyring: Keyring, clock: FixedClock
) -> None:
    market = await furnished(database, keyring)
    order = await market.buy(BUYER, "monthly")
    await refund(market, of(order), 29 * YUAN, grant_ends_at=clock.now() + timedelta(days=3))
    clock.advance(50 * 86_400)
    await run_to(market, datetime(2026, 3, 1, tzinfo=UTC))
    # Most of the month would come back once more: held for a person to see, and nothing moves.
    assert (await books(database))["wallet"] == 999 * YUAN
    assert await _charges(database) == []
    await sound(database)


async def test_a_refund_of_a_charge_makes_the_debt_smaller_first(
    database: Database, keyring: Keyring, clock: FixedClock
) -> None:
    market = await furnished(database, keyring, 6 * YUAN)
    order = await market.buy(BUYER, "per_use")
    await market.use(order.grant, 1_000, clock.now() + timedelta(minutes=5))
    clock.advance(20 * 86_400)
    await run_to(market, datetime(2026, 2, 1, tzinfo=UTC))
    (charge,) = await _charges(database)
    assert (await books(database))["owed"] == -9 * YUAN
    answer = await refund(market, ("charge", charge.id), 10 * YUAN)
    assert answer.source == ids.text("chg", charge.id)
    found = await books(database)
    assert "owed" not in found
    assert found["wallet"] == YUAN
    await sound(database)
    await run_to(market, datetime(2026, 2, 2, tzinfo=UTC))
    assert await books(database) == {"wallet": YUAN, "seller": 4 * YUAN, "broker": 250_000, "revenue": 750_000}
    await refund(market, ("charge", charge.id))
    assert await books(database) == {"wallet": 6 * YUAN}
    await sound(database)


async def test_invoices_and_statements_show_what_went_back_and_still_close(
    database: Database, keyring: Keyring, clock: FixedClock
) -> None:
    market = await furnished(database, keyring)
    await market.register_for_tax(SELLER)
    order = await market.buy(BUYER, "one_off")
    assert order.total["amount"] == "318.00"
    await refund(market, of(order), 106 * YUAN)
    clock.advance(20 * 86_400)
    await run_to(market, datetime(2026, 2, 1, tzinfo=UTC))
    seller = actor(SELLER, "supplier")
    async with database.read(seller) as tx:
        (invoice,) = (await reads.list_invoices(tx, seller, PageRequest(), selling=True)).items
        (statement,) = (await reads.list_statements(tx, seller, PageRequest())).items
    said = msgspec.json.decode(invoice.document)
    assert [(line["kind"], line["amount"]["amount"]) for line in said["lines"]] == [
        ("order", "300.00"),
        ("refund", "-100.00"),
    ]
    assert said["lines"][1]["corrects"] == order.id
    assert ([one["amount"]["amount"] for one in said["tax"]], said["total"]["amount"]) == (["12.00"], "212.00")
    said = msgspec.json.decode(statement.document)
    totals = {name: amount["amount"] for name, amount in said["totals"].items()}
    assert totals["sales"] == "300.00"
    assert (totals["fees"], totals["adjustments"], totals["closing"]) == ("-60.00", "-80.00", "160.00")
    (line,) = said["lines"]
    assert (line["share"]["amount"], line["refunded"]["amount"], line["amount"]["amount"]) == (
        "240.00",
        "80.00",
        "160.00",
    )
    await refund(market, of(order))
    clock.advance(28 * 86_400)
    await run_to(market, datetime(2026, 3, 1, tzinfo=UTC))
    async with database.read(seller) as tx:
        later = (await reads.list_invoices(tx, seller, PageRequest(), selling=True)).items[0]
        newest = (await reads.list_statements(tx, seller, PageRequest())).items[0]
    assert later.total == Money(-212 * YUAN, "CNY")
    (line,) = msgspec.json.decode(newest.document)["lines"]
    parts = [units_of(part) for part in line["parts"]]
    before, after = (reversed_units(parts, units_of(line[name]["amount"])) for name in ("before", "after"))
    own = sum(after[int(n)] - before[int(n)] for n in line["own"])
    assert own == units_of(line["taken"]["amount"]) == -units_of(line["amount"]["amount"]) == 160 * YUAN
    assert (line["of"], line["owed"]["amount"], newest.closing.units) == (order.id, "0.00", 0)
    assert await books(database) == {"wallet": 1_000 * YUAN}
    await sound(database)


async def test_what_waits_is_listed_for_both_sides_and_nobody_else(
    database: Database, keyring: Keyring, clock: FixedClock
) -> None:
    market = await furnished(database, keyring)
    order = await market.buy(BUYER, "one_off")
    other = await market.buy(BUYER, "one_off")
    await reject(market, other)
    await refund(market, of(order), 5)
    for who, selling, seen in ((BUYER, False, 2), (SELLER, True, 2), (OTHER, False, 0), (BROKER, True, 0)):
        async with database.read(actor(who)) as tx:
            page = await acceptances.deliveries(tx, actor(who), PageRequest(), selling=selling)
            assert len(page.items) == seen
            back = await refund_store.list_refunds(tx, actor(who), PageRequest(), selling=selling)
            assert len(back.items) == seen // 2
            assert (await acceptances.find_delivery(tx, actor(who), of(order)[1], selling=selling) is None) == (
                not seen
            )
    rejected = await database.run(lambda tx: acceptances.open_deliveries(tx, PageRequest(), rejected=True))
    assert [one.order.id for one in rejected.items] == [of(other)[1]]
    await accept(market, order)
    async with database.read(actor(BUYER)) as tx:
        page = await acceptances.deliveries(tx, actor(BUYER), PageRequest())
    assert [[fact.said.value for fact in one.facts] for one in page.items] == [["rejected"]]


async def test_fsck_finds_refunds_that_do_not_add_up(database: Database, keyring: Keyring) -> None:
    market = await furnished(database, keyring)
    order = await market.buy(BUYER, "one_off")
    await refund(market, of(order), 10)

    async def forged(tx: Tx) -> list[str]:
        await (await tx.driver()).execute(
            "INSERT INTO settlement.refund (id, source_kind, source_id, order_id, buyer_id, seller_id, number, amount_units, "
            "cumulative_units, paid_units, tax_units, receivable_units, currency, reason, explanation, created_at) "
            "SELECT $1, source_kind, source_id, order_id, buyer_id, seller_id, 3, 7, 99, paid_units, 0, 0, currency, 'other', "
            "'{}', now() FROM settlement.refund",
            tx.new_id(),
        )
        await (await tx.driver()).execute(
            "INSERT INTO settlement.acceptance (id, order_id, buyer_id, seller_id, said, organisation_id, created_at) "
            "SELECT $1, order_id, seller_id, buyer_id, 'accepted', buyer_id, now() FROM settlement.refund LIMIT 1",
            tx.new_id(),
        )
        return sorted({one.rule for one in await audit.check(tx)})

    assert await database.run(forged) == [
        "refund-has-its-journal",
        "refund-reverses-each-part",
        "refunds-add-up",
        "said-of-a-delivery-in-order",
    ]


async def _charges(database: Database) -> list[Any]:
    buyer = actor(BUYER, "buyer")
    async with database.read(buyer) as tx:
        return list((await reads.list_charges(tx, buyer, PageRequest())).items)


async def _paid_out(database: Database) -> dict[str, int]:
    async def look(tx: Tx) -> dict[str, int]:
        rows = await (await tx.driver()).fetch(
            "SELECT organisation_id, sum(amount_units)::bigint FROM settlement.payout GROUP BY 1"
        )
        names = {SELLER: "seller", BROKER: "broker"}
        return {names[row[0]]: row[1] for row in rows}

    return await database.run(look)
