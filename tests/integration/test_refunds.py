"""Refunds give shares back in any size and order, with settlement runs and payouts in between."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
import pytest

from exchange.access.grants import GrantState
from exchange.access.store import grants
from exchange.flows.pay_out import PayoutReceipt
from exchange.flows.refund_order import RefundReceipt
from exchange.kernel import ids
from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Database, Tx
from exchange.kernel.keys import Keyring
from exchange.kernel.money import Money, units_of
from exchange.kernel.pages import PageRequest
from settlement import postings
from settlement.refunds import reversed_units, step
from settlement.splits import Role, Share, split
from settlement.store import audit, ledger, reads
from settlement.store import refunds as refund_store
from tests.support.refunding import (
    YUAN,
    accept,
    books,
    charges,
    furnished,
    of,
    paid_out,
    pay,
    refund,
    reject,
    run_to,
    sound,
)
from tests.support.settlement_market import (
    BROKER,
    BUYER,
    ONE_OFF,
    OPERATOR,
    OTHER,
    PER_RECORD,
    SELLER,
    actor,
)


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
    for charge in await charges(database):
        assert isinstance(await refund(market, ("charge", charge.id)), RefundReceipt)
    found = await books(database)
    assert found.pop("wallet") == 1_000 * YUAN
    # What was paid out to somebody before its refund is owed, less what later payouts netted; nothing else is left.
    outside = await paid_out(database)
    for name in ("seller", "broker"):
        purse = sum(found.pop(key, 0) for key in (name, f"{name} pending", f"{name} debt"))
        assert purse == -outside.get(name, 0)
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
    assert await charges(database) == []
    await sound(database)


async def test_a_refund_of_a_charge_makes_the_debt_smaller_first(
    database: Database, keyring: Keyring, clock: FixedClock
) -> None:
    market = await furnished(database, keyring, 6 * YUAN)
    order = await market.buy(BUYER, "per_use")
    await market.use(order.grant, 1_000, clock.now() + timedelta(minutes=5))
    clock.advance(20 * 86_400)
    await run_to(market, datetime(2026, 2, 1, tzinfo=UTC))
    (charge,) = await charges(database)
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
    assert (totals["fees"], totals["refunds"], totals["closing"]) == ("-60.00", "-80.00", "160.00")
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


async def test_a_card_s_fraction_of_a_coin_comes_back_with_the_rest(database: Database, keyring: Keyring) -> None:
    """Paid by card, whole coins were charged; what goes back is what was charged, and the rounding account ends at nothing."""
    market = await furnished(database, keyring)
    order_id, price, charged = UUID(int=77), Money(100_005_000, "CNY"), Money(100_000_000, "CNY")
    parts = split(
        price, [Share(Role.SUPPLIER, SELLER, 3), Share(Role.BROKER, BROKER, 1), Share(Role.PLATFORM, None, 1)]
    )
    await market.database.run(lambda tx: ledger.post(tx, [postings.card_purchase(order_id, charged, parts)]))
    found = await database.run(lambda tx: refund_store.paid_for(tx, [order_id]))
    paid = found[order_id]
    assert (paid.units, [units for _, units in paid.parts if units < 0]) == (charged.units, [-5_000])
    gone: dict[str, int] = {}
    for before, units in ((0, 33_333_333), (33_333_333, 1), (33_333_334, 66_666_666)):
        for account, given in step(paid, before, units):
            gone[account.kind] = gone.get(account.kind, 0) + given
    assert gone == {"pending": 80_004_000, "revenue": 20_001_000, "rounding": -5_000}
