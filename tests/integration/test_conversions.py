"""Rates and conversions in the database: published together, used once, refused when they lapsed, sound afterwards."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from exchange.flows.convert_funds import ConversionReceipt, ConversionWish, convert_funds, quote_conversions
from exchange.flows.publish_rates import RatesPublished, RateWish, publish_rates
from exchange.kernel import ids
from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Database, TryAgain, Tx
from exchange.kernel.errors import Problem
from exchange.kernel.money import Money
from settlement.accounts import AccountKey, AccountKind, payable, platform, wallet
from settlement.journals import Journal, Line
from settlement.store import audit, ledger, rates
from tests.support.settlement_market import BUYER, OPERATOR, OTHER, SELLER, actor

YUAN = 1_000_000
SOURCE = "ECB euro foreign exchange reference rates, 2026-01-14"


async def publish(database: Database, *wishes: tuple[str, str, str], **more: Any) -> RatesPublished | Problem:
    until = database.clock.now() + timedelta(hours=24)
    made = [
        RateWish(sell, buy, value, SOURCE, more.get("valid_to", until), more.get("valid_from"))
        for sell, buy, value in wishes
    ]
    return await database.run(lambda tx: publish_rates(tx, actor(OPERATOR, "operator"), made))


async def fund(database: Database, key: AccountKey, units: int) -> None:
    async def flow(tx: Tx) -> None:
        one = tx.new_id()
        lines = (Line(platform(AccountKind.BANK, key.currency), -units, one), Line(key, units, one))
        await ledger.post(tx, [Journal("bank_credit" if key.kind is AccountKind.WALLET else "test", one, lines)])

    await database.run(flow)


async def convert(
    database: Database,
    organisation: UUID,
    amount: Money,
    buy: str,
    rate: str,
    kind: AccountKind = AccountKind.WALLET,
    **more: Any,
) -> ConversionReceipt | Problem:
    role = "buyer" if kind is AccountKind.WALLET else "supplier"
    wish = ConversionWish(
        kind, amount, buy, ids.parse("rte", rate), more.get("expires_at", database.clock.now() + timedelta(hours=1))
    )
    return await database.run(lambda tx: convert_funds(tx, actor(organisation, more.get("role", role)), wish))


async def held(database: Database, *keys: AccountKey) -> list[int]:
    found = await database.run(lambda tx: ledger.sums(tx, list(keys)))
    return [found[key] for key in keys]


async def first(database: Database, *wishes: tuple[str, str, str], **more: Any) -> str:
    made = await publish(database, *wishes, **more)
    assert isinstance(made, RatesPublished), made
    return made.rates[0].id


async def test_a_conversion_moves_both_currencies_at_once_and_says_at_which_rate(
    database: Database, clock: FixedClock
) -> None:
    await fund(database, wallet(BUYER, "EUR"), 100 * YUAN)
    rate = await first(database, ("EUR", "CNY", "7.812345678901"), ("CNY", "EUR", "0.12"))
    clock.advance(60)
    (quoted,) = await database.run(lambda tx: quote_conversions(tx, None, "CNY", Money(10_000_001, "EUR")))
    assert ids.text("rte", quoted.rate.id) == rate
    done = await convert(database, BUYER, Money(10_000_001, "EUR"), "CNY", rate, expires_at=quoted.expires_at)
    assert isinstance(done, ConversionReceipt), done
    assert quoted.converted is not None
    assert not isinstance(quoted.converted, Problem)
    assert done.bought == quoted.converted.bought.to_wire() == {"amount": "78.123464", "currency": "CNY"}
    assert (done.rate, done.value, done.source) == (rate, "7.812345678901", SOURCE)
    exact = 10_000_001 * 7_812_345_678_901
    assert exact == 78_123_464 * 10**12 + done.remainder
    keys = [
        wallet(BUYER, "EUR"),
        platform(AccountKind.CONVERSION, "EUR"),
        platform(AccountKind.CONVERSION, "CNY"),
        wallet(BUYER, "CNY"),
    ]
    assert await held(database, *keys) == [89_999_999, 10_000_001, -78_123_464, 78_123_464]
    trial = await database.run(audit.trial_balance)
    assert {currency: sum(sums.values()) for currency, sums in trial.items()} == {"CNY": 0, "EUR": 0}


async def test_a_rate_that_ended_or_was_followed_converts_nothing(database: Database, clock: FixedClock) -> None:
    await fund(database, wallet(BUYER, "EUR"), 100 * YUAN)
    old = await first(database, ("EUR", "CNY", "7.8"))
    clock.advance(60)
    new = await first(database, ("EUR", "CNY", "7.7"))
    euro = Money(YUAN, "EUR")
    for rate, more in ((old, {}), (new, {"expires_at": clock.now()}), (ids.text("rte", UUID(int=7)), {})):
        refused = await convert(database, BUYER, euro, "CNY", rate, **more)
        assert isinstance(refused, Problem)
        assert refused.slug == "rate-lapsed"
    assert isinstance(await convert(database, BUYER, euro, "CNY", new), ConversionReceipt)
    wrong_way = await convert(database, BUYER, euro, "USD", new)
    assert isinstance(wrong_way, Problem)
    clock.advance(86_400)
    # The newer one has ended, and the older one, which would hold still, does not come back.
    await publish(database, ("EUR", "CNY", "7.6"), valid_to=clock.now() + timedelta(seconds=1))
    clock.advance(1)
    assert await database.run(lambda tx: quote_conversions(tx, "EUR", "CNY", None)) == []


async def test_rates_are_published_together_or_not_at_all(database: Database, clock: FixedClock) -> None:
    refused = await publish(database, ("EUR", "CNY", "7.8"), ("CNY", "EUR", "0.1283"))
    assert isinstance(refused, Problem)
    assert (refused.slug, refused.fields["gain"]) == ("rate-round-trip", "1.000740")
    assert "CNY" in str(refused.fields["round"])
    for wishes, slug in (
        ([("EUR", "CNY", "7.8"), ("EUR", "CNY", "7.9")], "rate-exists"),
        ([("EUR", "CNY", "7.8"), ("EUR", "EUR", "1")], "rate-invalid"),
        ([("EUR", "CNY", "7.8"), ("EUR", "USD", "1e3")], "rate-invalid"),
    ):
        problem = await publish(database, *wishes)
        assert isinstance(problem, Problem)
        assert problem.slug == slug
        for language in ("en", "zh"):
            assert problem.detail(language)
    past = await publish(database, ("EUR", "CNY", "7.8"), valid_from=clock.now() - timedelta(seconds=1))
    assert isinstance(past, Problem)
    assert past.slug == "rate-invalid"
    assert await database.run(lambda tx: rates.standing(tx, tx.now)) == []
    stranger = [RateWish("EUR", "CNY", "7.8", SOURCE, clock.now() + timedelta(hours=1))]
    forbidden = await database.run(lambda tx: publish_rates(tx, actor(BUYER, "buyer"), stranger))
    assert isinstance(forbidden, Problem)
    assert forbidden.slug == "forbidden"
    coming = clock.now() + timedelta(hours=2)
    await first(database, ("EUR", "CNY", "7.8"), valid_from=coming)
    again = await publish(database, ("EUR", "CNY", "7.9"), valid_from=coming)
    assert isinstance(again, Problem)
    assert again.slug == "rate-exists"
    # What comes later counts too: at that moment the two would make a round that gains.
    generous = await publish(database, ("CNY", "EUR", "0.1283"))
    assert isinstance(generous, Problem)
    assert generous.slug == "rate-round-trip"


async def test_nobody_converts_more_than_there_is(database: Database, clock: FixedClock) -> None:
    await fund(database, wallet(BUYER, "EUR"), 10 * YUAN)
    await fund(database, payable(SELLER, "EUR"), 10 * YUAN)
    rate = await first(database, ("EUR", "CNY", "7.8"), ("EUR", "JPY", "0.0000005"))
    clock.advance(1)
    dear = await convert(database, BUYER, Money(10 * YUAN + 1, "EUR"), "CNY", rate)
    assert isinstance(dear, Problem)
    assert (dear.slug, dear.fields["available"]) == ("wallet-insufficient", "10.00 EUR")
    owed = await convert(database, SELLER, Money(10 * YUAN + 1, "EUR"), "CNY", rate, AccountKind.PAYABLE)
    assert isinstance(owed, Problem)
    assert (owed.slug, owed.fields["available"]) == ("payable-insufficient", "10.00 EUR")
    nothing = await convert(database, OTHER, Money(YUAN, "EUR"), "CNY", rate, AccountKind.PAYABLE)
    assert isinstance(nothing, Problem)
    assert nothing.slug == "payable-insufficient"
    for units in (0, -YUAN):
        none = await convert(database, BUYER, Money(units, "EUR"), "CNY", rate)
        assert isinstance(none, Problem)
        assert none.slug == "conversion-amount"
    role = await convert(database, SELLER, Money(YUAN, "EUR"), "CNY", rate, AccountKind.PAYABLE, role="buyer")
    assert isinstance(role, Problem)
    assert role.slug == "forbidden"
    await fund(database, AccountKey(SELLER, AccountKind.DEBT, "EUR"), -4 * YUAN)
    less = await convert(database, SELLER, Money(7 * YUAN, "EUR"), "CNY", rate, AccountKind.PAYABLE)
    assert isinstance(less, Problem)
    assert less.fields["available"] == "6.00 EUR"
    assert isinstance(
        await convert(database, SELLER, Money(6 * YUAN, "EUR"), "CNY", rate, AccountKind.PAYABLE), ConversionReceipt
    )


async def test_writers_side_by_side_never_take_a_payable_below_what_is_there(
    database: Database, clock: FixedClock
) -> None:
    await fund(database, payable(SELLER, "EUR"), 10 * YUAN)
    rate = await first(database, ("EUR", "CNY", "7.8"))
    clock.advance(1)
    done = await asyncio.gather(
        *(convert(database, SELLER, Money(3 * YUAN, "EUR"), "CNY", rate, AccountKind.PAYABLE) for _ in range(8))
    )
    assert sum(isinstance(one, ConversionReceipt) for one in done) == 3
    assert await held(database, payable(SELLER, "EUR"), payable(SELLER, "CNY")) == [YUAN, 3 * 23_400_000]


async def test_a_rate_cannot_begin_at_a_moment_that_was_converted_at(database: Database, clock: FixedClock) -> None:
    await fund(database, wallet(BUYER, "EUR"), 10 * YUAN)
    rate = await first(database, ("EUR", "CNY", "7.8"))
    clock.advance(1)
    assert isinstance(await convert(database, BUYER, Money(YUAN, "EUR"), "CNY", rate), ConversionReceipt)

    with pytest.raises(TryAgain):
        await first(database, ("EUR", "CNY", "7.9"))
    clock.advance(1)
    await first(database, ("EUR", "CNY", "7.9"))


async def test_the_schema_works_the_arithmetic_out_again(
    database: Database, database_url: str, clock: FixedClock
) -> None:
    await fund(database, wallet(BUYER, "EUR"), 10 * YUAN)
    rate = await first(database, ("EUR", "CNY", "7.8"))
    clock.advance(1)
    done = await convert(database, BUYER, Money(YUAN, "EUR"), "CNY", rate)
    assert isinstance(done, ConversionReceipt)
    connection = await asyncpg.connect(database_url)
    try:
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.execute(
                "INSERT INTO settlement.conversion SELECT gen_random_uuid(), organisation_id, kind, rate_id, value, source, sell, "
                "sold_units, buy, bought_units + 1, remainder, converted_at FROM settlement.conversion"
            )
    finally:
        await connection.close()


async def test_the_auditor_sees_a_conversion_at_another_rate(
    database: Database, database_url: str, clock: FixedClock
) -> None:
    await fund(database, wallet(BUYER, "EUR"), 10 * YUAN)
    old = await first(database, ("EUR", "CNY", "7.8"))
    clock.advance(60)
    new = await first(database, ("EUR", "CNY", "7.8"))
    done = await convert(database, BUYER, Money(YUAN, "EUR"), "CNY", new)
    assert isinstance(done, ConversionReceipt)
    rules = {"conversion-has-its-journal", "conversion-is-at-the-rate-in-force"}

    async def found() -> set[str]:
        return {one.rule for one in await database.run(audit.check)} & rules

    assert await found() == set()
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute("ALTER TABLE settlement.conversion DISABLE TRIGGER USER")
        await connection.execute("UPDATE settlement.conversion SET rate_id = $1", ids.parse("rte", old))
        assert await found() == {"conversion-is-at-the-rate-in-force"}
        await connection.execute(
            "UPDATE settlement.conversion SET id = gen_random_uuid(), rate_id = $1", ids.parse("rte", new)
        )
        assert await found() == {"conversion-has-its-journal"}
    finally:
        await connection.close()
