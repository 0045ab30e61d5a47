from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from exchange.flows.credit_bank_transfer import Credited, credit_bank_transfer, match_bank_entry
from exchange.flows.pay_out import PayOut, PayoutReceipt, pay_out
from exchange.flows.record_payment import PaymentResult, Recorded, record_payment
from exchange.flows.record_transfer import TransferRecorded, TransferResult, record_transfer
from exchange.flows.settle_period import Period, RunProgress, settle_next, start_run
from exchange.flows.top_up import TopUp, TopUpReceipt, top_up
from exchange.kernel import ids
from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Database, Tx
from exchange.kernel.errors import Problem
from exchange.kernel.keys import Keyring
from exchange.kernel.money import Money
from exchange.kernel.pages import PageRequest
from settlement.accounts import AccountKind, payable, pending, platform, wallet
from settlement.payments import BankEntry
from settlement.payouts import Rail
from settlement.store import audit, ledger, payments, reads
from tests.support.settlement_market import BROKER, BUYER, OPERATOR, OTHER, SELLER, Market, actor, open_market

JANUARY = Period(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC), "CNY")
YUAN = 1_000_000


async def settle(market: Market, period: Period = JANUARY) -> RunProgress:
    """A whole run, part by part."""
    found = await market.database.run(lambda tx: start_run(tx, period))
    while isinstance(found, RunProgress) and not found.finished:
        run_id = ids.parse("run", found.run)
        found = await market.database.run(lambda tx, run_id=run_id: settle_next(tx, market.sales, run_id))
    assert isinstance(found, RunProgress), found
    return found


async def balances(database: Database) -> dict[str, int]:
    keys = {
        "wallet": wallet(BUYER, "CNY"),
        "seller pending": pending(SELLER, "CNY"),
        "seller": payable(SELLER, "CNY"),
        "broker": payable(BROKER, "CNY"),
        "revenue": platform(AccountKind.REVENUE, "CNY"),
    }
    found = await database.run(lambda tx: ledger.sums(tx, list(keys.values())))
    return {name: found[key] for name, key in keys.items()}


async def sound(database: Database) -> None:
    assert await database.run(audit.check) == []


async def count(database: Database, table: str) -> int:
    async def look(tx: Tx) -> int:
        return int(await (await tx.driver()).fetchval(f"SELECT count(*) FROM settlement.{table}"))

    return await database.run(look)


async def test_a_month_of_trade_is_settled_once_and_everybody_can_recompute_it(
    database: Database, keyring: Keyring, clock: FixedClock
) -> None:
    market = await open_market(database, keyring)
    await market.fund(BUYER, 1_000 * YUAN)
    order = await market.buy(BUYER, "one_off")
    per_use = await market.buy(BUYER, "per_use")
    assert (order.state, per_use.state) == ("paid", "paid")
    await market.use(per_use.grant, 1_001, clock.now() + timedelta(minutes=5))
    clock.advance(20 * 86_400)
    assert (await settle(market)).sellers == (1, 1)
    # 300.00 for the order, 1,001 x 0.015 = 15.015 for use; 80 : 5 : 15.
    whole = 300_000_000 + 15_015_000
    assert await balances(database) == {
        "wallet": 1_000 * YUAN - whole,
        "seller pending": 0,
        "seller": whole * 80 // 100,
        "broker": whole * 5 // 100,
        "revenue": whole * 15 // 100,
    }
    await sound(database)
    before = [await count(database, table) for table in ("posting", "charge", "invoice", "statement")]
    again = await settle(market)
    assert again.finished
    assert [await count(database, table) for table in ("posting", "charge", "invoice", "statement")] == before
    await _documents(database, whole)


async def _documents(database: Database, whole: int) -> None:
    seller, request = actor(SELLER, "supplier"), PageRequest()
    async with database.read(seller) as tx:
        (statement,) = (await reads.list_statements(tx, seller, request)).items
        (invoice,) = (await reads.list_invoices(tx, seller, request, selling=True)).items
        (charge,) = (await reads.list_charges(tx, seller, request, selling=True)).items
    said = msgspec.json.decode(statement.document)
    assert Money.from_wire(said["totals"]["sales"]).units == whole
    assert Money.from_wire(said["totals"]["fees"]).units == -whole // 5
    assert statement.closing == Money(whole * 80 // 100, "CNY")
    assert [(line["amount"]["amount"], line["gross"]["amount"]) for line in said["lines"]] == [
        ("240.00", "300.00"),
        ("12.012", "15.015"),
    ]
    assert said["lines"][0]["explain"][0]["text"]["zh"] == "供应方: 300.00 CNY x 8000 / 10000 = 240.00 CNY"
    assert (invoice.number, invoice.total.units) == (1, whole)
    assert (charge.quantity, charge.amount.units) == ("1001", 15_015_000)
    buyer = actor(BUYER, "buyer")
    async with database.read(buyer) as tx:
        assert [one.id for one in (await reads.list_invoices(tx, buyer, request)).items] == [invoice.id]
        assert (await reads.list_statements(tx, buyer, request)).items == []
    stranger = actor(OTHER, "buyer")
    async with database.read(stranger) as tx:
        assert await reads.find_invoice(tx, stranger, invoice.id) is None
        assert (await reads.list_charges(tx, stranger, request)).items == []


async def test_late_use_is_charged_by_the_next_run_with_its_own_period(
    database: Database, keyring: Keyring, clock: FixedClock
) -> None:
    market = await open_market(database, keyring)
    await market.fund(BUYER, 100 * YUAN)
    per_use = await market.buy(BUYER, "per_use")
    at = clock.now() + timedelta(minutes=5)
    await market.use(per_use.grant, 100, at)
    clock.advance(20 * 86_400)
    await settle(market)
    await market.use(per_use.grant, 10, at)
    assert (await settle(market)).finished
    found = await balances(database)
    assert found["wallet"] == 100 * YUAN - 110 * 15_000
    assert await count(database, "charge") == 2
    await sound(database)


async def test_a_subscription_s_next_month_is_charged_and_its_first_was_paid_by_the_order(
    database: Database, keyring: Keyring, clock: FixedClock
) -> None:
    market = await open_market(database, keyring)
    await market.fund(BUYER, 100 * YUAN)
    order = await market.buy(BUYER, "monthly")
    assert order.total["amount"] == "30.00"
    clock.advance(50 * 86_400)
    await settle(market)
    assert await count(database, "charge") == 0
    await settle(market, Period(JANUARY.end, datetime(2026, 3, 1, tzinfo=UTC), "CNY"))
    assert (await balances(database))["wallet"] == 40 * YUAN
    assert (await balances(database))["seller"] == 48 * YUAN
    await sound(database)


async def test_what_the_wallet_does_not_cover_is_owed_and_its_shares_wait(
    database: Database, keyring: Keyring, clock: FixedClock
) -> None:
    market = await open_market(database, keyring)
    per_use = await market.buy(BUYER, "per_use")
    await market.use(per_use.grant, 1_000, clock.now() + timedelta(minutes=5))
    await market.fund(BUYER, 6 * YUAN)
    clock.advance(20 * 86_400)
    await settle(market)
    found = await balances(database)
    assert (found["wallet"], found["seller"], found["seller pending"]) == (0, 0, 12 * YUAN)
    await sound(database)
    await market.fund(BUYER, 20 * YUAN)
    await settle(market)
    found = await balances(database)
    assert (found["wallet"], found["seller"], found["seller pending"]) == (11 * YUAN, 12 * YUAN, 0)
    await sound(database)


async def test_a_run_goes_on_after_a_crash_at_any_part_and_two_workers_do_no_part_twice(
    database: Database, keyring: Keyring, clock: FixedClock
) -> None:
    market = await open_market(database, keyring)
    await market.fund(BUYER, 1_000 * YUAN)
    await market.buy(BUYER, "one_off")
    clock.advance(20 * 86_400)
    started = await database.run(lambda tx: start_run(tx, JANUARY))
    assert isinstance(started, RunProgress)
    run_id = ids.parse("run", started.run)

    async def dies(tx: Tx) -> None:
        await settle_next(tx, market.sales, run_id)
        raise RuntimeError

    for _ in range(4):
        with pytest.raises(RuntimeError):
            await database.run(dies)
        steps = (database.run(lambda tx: settle_next(tx, market.sales, run_id)) for _ in range(3))
        last = (await asyncio.gather(*steps))[-1]
        assert isinstance(last, RunProgress)
    assert last.finished
    assert (await balances(database))["seller"] == 240 * YUAN
    await sound(database)


async def test_periods_that_cannot_be_settled(database: Database, keyring: Keyring) -> None:
    market = await open_market(database, keyring)
    found = await database.run(lambda tx: start_run(tx, JANUARY))
    assert isinstance(found, Problem)
    assert found.slug == "period-invalid"
    week = Period(JANUARY.start, datetime(2026, 1, 8, tzinfo=UTC), "CNY")
    assert isinstance(await database.run(lambda tx: start_run(tx, week)), RunProgress)
    other = Period(JANUARY.start, datetime(2026, 1, 9, tzinfo=UTC), "CNY")
    refused = await database.run(lambda tx: start_run(tx, other))
    assert isinstance(refused, Problem)
    assert refused.slug == "run-open"
    assert (await settle(market, week)).finished


async def test_a_card_order_is_paid_once_however_often_stripe_says_so(database: Database, keyring: Keyring) -> None:
    market = await open_market(database, keyring)
    order = await market.buy(BUYER, "one_off", "card")
    assert (order.state, order.grant) == ("awaiting_payment", None)
    payment_id = ids.parse("pay", order.payment)
    said = [
        PaymentResult(payment_id, state, "pi_1") for state in ("processing", "succeeded", "succeeded", "processing")
    ]  # type: ignore[arg-type]
    first = await database.run(lambda tx: record_payment(tx, market.sales, said))
    assert [isinstance(one, Recorded) and (one.state, one.replayed) for one in first] == [
        ("processing", False),
        ("succeeded", False),
        ("succeeded", True),
        ("succeeded", True),
    ]
    later = [PaymentResult(payment_id, "failed"), PaymentResult(payment_id, "succeeded")]
    second = await database.run(lambda tx: record_payment(tx, market.sales, later))
    assert isinstance(second[0], Problem)
    assert isinstance(second[1], Recorded)
    assert second[1].replayed
    buyer = actor(BUYER, "buyer")
    async with database.read(buyer) as tx:
        found = await reads.find_order(tx, buyer, ids.parse("ord", order.id))
    assert found is not None
    assert found.state == "paid"
    assert (await balances(database))["seller pending"] == 240 * YUAN
    await sound(database)


async def test_top_ups_by_card_and_by_bank(database: Database, keyring: Keyring) -> None:
    market = await open_market(database, keyring)
    buyer, operator = actor(BUYER, "buyer"), actor(OPERATOR, "operator")
    by_card = await _top_up(database, buyer, TopUp(Money(50 * YUAN, "CNY"), "card", "pm_card_visa"))
    assert by_card.reference is None
    result = PaymentResult(ids.parse("pay", by_card.id), "succeeded", "pi_2")
    both = await asyncio.gather(
        *(database.run(lambda tx: record_payment(tx, market.sales, [result])) for _ in range(4))
    )
    assert sorted(one[0].replayed for one in both if isinstance(one[0], Recorded)) == [False, True, True, True]
    by_bank = await _top_up(database, buyer, TopUp(Money(7 * YUAN, "CNY"), "bank"))
    entries = [
        BankEntry("E1", f"top up {by_bank.reference}", Money(7 * YUAN, "CNY"), JANUARY.start),
        BankEntry("E2", ids.text("org", BUYER), Money(2 * YUAN, "CNY"), JANUARY.start),
        BankEntry("E3", "who am I", Money(9 * YUAN, "CNY"), JANUARY.start),
    ]
    for replayed in (False, True):
        told = await database.run(lambda tx: credit_bank_transfer(tx, operator, entries))
        assert [isinstance(one, Credited) and (one.organisation is not None, one.replayed) for one in told] == [
            (True, replayed),
            (True, replayed),
            (False, replayed),
        ]
    assert (await balances(database))["wallet"] == 59 * YUAN
    (waiting,) = await database.run(payments.unmatched_bank_entries)
    assert isinstance(await database.run(lambda tx: match_bank_entry(tx, operator, waiting.id, BUYER)), Credited)
    assert isinstance(await database.run(lambda tx: match_bank_entry(tx, operator, waiting.id, BUYER)), Problem)
    assert (await balances(database))["wallet"] == 68 * YUAN
    changed = [BankEntry("E3", "who am I", Money(8 * YUAN, "CNY"), JANUARY.start)]
    (refused,) = await database.run(lambda tx: credit_bank_transfer(tx, operator, changed))
    assert isinstance(refused, Problem)
    await sound(database)


async def test_payouts_are_sent_once_and_come_back_when_they_fail(
    database: Database, keyring: Keyring, clock: FixedClock
) -> None:
    market = await open_market(database, keyring)
    await market.fund(BUYER, 1_000 * YUAN)
    await market.buy(BUYER, "one_off")
    per_use = await market.buy(BUYER, "per_use")
    await market.use(per_use.grant, 1, clock.now() + timedelta(minutes=5))
    clock.advance(20 * 86_400)
    run = await settle(market)
    wish = PayOut(SELLER, "CNY", run.run, Rail.BANK, "acct_1")
    tries = await asyncio.gather(*(database.run(lambda tx: pay_out(tx, [wish, wish])) for _ in range(3)))
    made = [one for answers in tries for one in answers if isinstance(one, PayoutReceipt)]
    assert [one.amount["amount"] for one in made] == ["240.01"]
    payout_id = ids.parse("pot", made[0].id)
    # 0.012 is the seller's part of one record: 0.002 is less than a coin and stays.
    assert (await balances(database))["seller"] == 2_000
    failed = [TransferResult(payout_id, "sent", "tr_1"), TransferResult(payout_id, "failed", None, "account_closed")]
    for _ in range(2):
        answers = await database.run(lambda tx: record_transfer(tx, failed))
        assert isinstance(answers[1], TransferRecorded)
    assert (await balances(database))["seller"] == 240_012_000
    (again,) = await database.run(lambda tx: pay_out(tx, [wish]))
    assert isinstance(again, PayoutReceipt)
    paid = [TransferResult(ids.parse("pot", again.id), "paid", "tr_2")] * 2
    answers = await database.run(lambda tx: record_transfer(tx, paid))
    assert [isinstance(one, TransferRecorded) and one.replayed for one in answers] == [False, True]
    (nothing,) = await database.run(lambda tx: pay_out(tx, [PayOut(SELLER, "CNY", "next", Rail.BANK, "acct_1")]))
    assert isinstance(nothing, Problem)
    await settle(market)
    seller = actor(SELLER, "supplier")
    async with database.read(seller) as tx:
        last, first = (await reads.list_statements(tx, seller, PageRequest())).items
    totals: dict[str, Any] = msgspec.json.decode(last.document)["totals"]
    assert (totals["opening"]["amount"], totals["payouts"]["amount"]) == ("240.012", "-240.01")
    assert (first.closing.units, last.closing.units) == (240_012_000, 2_000)
    await sound(database)


async def test_fsck_finds_what_was_tampered_with(database: Database, database_url: str, keyring: Keyring) -> None:
    import asyncpg

    market = await open_market(database, keyring)
    await market.fund(BUYER, 1_000 * YUAN)
    await market.buy(BUYER, "one_off")
    await sound(database)
    connection = await asyncpg.connect(database_url)
    await connection.execute("UPDATE settlement.balance SET posted = posted + 5")
    await connection.execute("UPDATE settlement.orders SET state = 'cancelled', paid_at = NULL")
    await connection.execute("ALTER TABLE settlement.posting DISABLE TRIGGER ALL")
    await connection.execute("UPDATE settlement.posting SET amount = amount + 1 WHERE line = 2")
    await connection.close()
    found = {finding.rule for finding in await database.run(audit.check)}
    assert {
        "balance-is-sum-of-postings",
        "paid-order-has-one-purchase",
        "journal-sums-to-zero",
        "ledger-sums-to-zero",
    } <= found


async def _top_up(database: Database, who: Any, wish: TopUp) -> TopUpReceipt:
    found = await database.run(lambda tx: top_up(tx, who, wish))
    assert isinstance(found, TopUpReceipt), found
    return found
