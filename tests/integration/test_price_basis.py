"""What fixes a price: choices, classes, coupons, quotes and tax, from the order to the books."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from contracts import store as contracts
from exchange.catalog.store.listings import load_offers
from exchange.flows.ask_quote import ACTION, Question, ask_quotes
from exchange.flows.check_books import check_books
from exchange.flows.issue_quote import QuoteReceipt, issue_quote
from exchange.flows.once import Answered, Command
from exchange.flows.purchase import OrderReceipt, purchase
from exchange.flows.record_payment import PaymentResult, record_payment
from exchange.kernel import ids
from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Database, Tx
from exchange.kernel.errors import Problem
from exchange.kernel.keys import Keyring
from exchange.kernel.money import Money
from pricing.basis import EMPTY, Basis, coupon_digest
from settlement import postings
from settlement.accounts import AccountKind, pending, platform, wallet
from settlement.checks import Finding
from settlement.orders import Order
from settlement.store import ledger, orders, payments
from tests.support.settlement_market import BROKER, BUYER, ONE_OFF, OTHER, SELLER, Market, actor, open_market

YUAN = 1_000_000
GIFT = {
    "id": "gift",
    "meter": None,
    "period": None,
    "model": {"type": "pay_what_you_want", "floor": "5", "suggested": "20"},
}
LICENCE = {"id": "licence", "meter": None, "period": None, "model": {"type": "negotiated"}}
PRORATED = {
    "id": "fee",
    "meter": None,
    "period": "month",
    "model": {"type": "flat", "amount": "31.00", "in_advance": True, "prorate": True},
}
HALF = {"id": "half", "type": "buyer_class", "classes": ["academic", "public_body"], "percent": "50"}
COUPON = {
    "id": "spring",
    "type": "coupon",
    "code_sha256": coupon_digest("SPRING"),
    "percent": "10",
    "valid_until": "2026-01-20T00:00:00Z",
}
DOLLARS = {"currency": "USD", "models": {"price": {"type": "one_off", "amount": "45"}}}


async def order_of(market: Market, receipt: OrderReceipt) -> tuple[Order, dict[str, Any]]:
    """An order as it is kept, and its agreement."""

    async def flow(tx: Tx) -> tuple[Order, dict[str, Any]]:
        order_id = ids.parse("ord", receipt.id)
        order = (await orders.get_orders(tx, [order_id]))[order_id]
        agreed = (await contracts.find_agreements(tx, [order.agreement_id]))[order.agreement_id]
        return order, msgspec.json.decode(agreed.document)

    return await market.database.run(flow)


async def bought(market: Market, offer: str, **more: Any) -> tuple[Order, dict[str, Any]]:
    receipt = await market.buy(BUYER, offer, **more)
    assert isinstance(receipt, OrderReceipt), receipt
    return await order_of(market, receipt)


async def refused(market: Market, offer: str, **more: Any) -> str:
    problem = await market.buy(BUYER, offer, **more)
    assert isinstance(problem, Problem), problem
    assert problem.detail("en")
    assert problem.detail("zh")
    return problem.slug


async def findings(market: Market) -> list[Finding]:
    """What `exchange fsck` says of this market's orders and books."""

    async def quiet(*_: Any) -> None:
        return None

    return await check_books(market.database, market.keyring, "test", quiet)


async def sums(market: Market) -> dict[str, int]:
    keys = {
        "wallet": wallet(BUYER, "CNY"),
        "seller": pending(SELLER, "CNY"),
        "broker": pending(BROKER, "CNY"),
        "revenue": platform(AccountKind.REVENUE, "CNY"),
        "tax": platform(AccountKind.TAX, "CNY"),
    }
    found = await market.database.run(lambda tx: ledger.sums(tx, list(keys.values())))
    return {name: found[key] for name, key in keys.items()}


async def opened(database: Database, keyring: Keyring, units: int = 10_000 * YUAN) -> Market:
    market = await open_market(database, keyring)
    await market.fund(BUYER, units)
    return market


async def quoted(market: Market, keyring: Keyring, name: str, choices: Basis = EMPTY) -> QuoteReceipt:
    """A quote that the buyer asked for."""
    market.keys += 1
    command = Command(actor(BUYER, "buyer"), ACTION, f"quote-{market.keys}", bytes(32))
    question = Question(command, market.offers[name], ("pretrain",), (), choices)
    (answer,) = await market.database.run(lambda tx: ask_quotes(tx, market.sales, keyring, [question]))
    assert isinstance(answer, Answered), answer
    return msgspec.json.decode(answer.body, type=QuoteReceipt)


async def test_a_plain_order_has_neither_basis_nor_tax(database: Database, keyring: Keyring) -> None:
    market = await opened(database, keyring)
    order, document = await bought(market, "one_off")
    assert (order.price_basis, order.tax_units, order.tax, order.net) == (None, 0, None, order.price)
    assert "basis" not in document


async def test_the_buyer_chooses_a_currency_of_the_price_lists(database: Database, keyring: Keyring) -> None:
    market = await opened(database, keyring)
    await market.offer("abroad", ONE_OFF, kind="one_off", price_lists=[DOLLARS])

    async def dollars(tx: Tx) -> None:
        await ledger.post(tx, [postings.top_up(tx.new_id(), BUYER, Money(100 * YUAN, "USD"))])

    await database.run(dollars)
    order, document = await bought(market, "abroad", choices=Basis(currency="USD"))
    assert order.price == Money(45 * YUAN, "USD")
    assert document["basis"] == {"currency": "USD"} == msgspec.json.decode(order.price_basis or b"")
    assert document["price"] == {"amount": "45.00", "currency": "USD"}
    # The offer's own currency is no choice.
    order, document = await bought(market, "abroad", choices=Basis(currency="CNY"))
    assert (order.price, order.price_basis) == (Money(300 * YUAN, "CNY"), None)
    assert await refused(market, "abroad", choices=Basis(currency="EUR")) == "currency-not-offered"
    assert await findings(market) == []


async def test_a_class_counts_as_it_was_verified_and_only_where_the_plan_asks(
    database: Database, keyring: Keyring
) -> None:
    market = await opened(database, keyring)
    await market.offer("classes", ONE_OFF, kind="one_off", discounts=[HALF])
    assert (await bought(market, "classes"))[0].price.units == 300 * YUAN
    # What somebody says of itself counts for nothing.
    order, _ = await bought(market, "classes", choices=Basis(buyer_class="academic"))
    assert (order.price.units, order.price_basis) == (300 * YUAN, None)
    await market.classify(BUYER, "academic")
    order, document = await bought(market, "classes")
    assert order.price.units == 150 * YUAN
    assert document["basis"] == {"buyer_class": "academic"}
    assert "basis" not in (await bought(market, "one_off"))[1]


async def test_a_coupon_holds_for_new_orders_in_its_time_and_in_quotes_until_they_expire(
    database: Database, keyring: Keyring, clock: FixedClock
) -> None:
    market = await opened(database, keyring)
    await market.offer("coupon", ONE_OFF, kind="one_off", discounts=[COUPON])
    spring = Basis(coupon=coupon_digest("spring"))
    assert (await bought(market, "coupon", choices=spring))[0].price.units == 270 * YUAN
    assert await refused(market, "coupon", choices=Basis(coupon=coupon_digest("WINTER"))) == "coupon-invalid"
    quote = await quoted(market, keyring, "coupon", spring)
    clock.advance(6 * 86_400)
    assert await refused(market, "coupon", choices=spring) == "coupon-invalid"
    order, document = await bought(market, "coupon", quote_id=ids.parse("qte", quote.id))
    assert order.price.units == 270 * YUAN
    assert document["basis"] == {"coupon": coupon_digest("SPRING")}


async def test_the_buyer_names_amounts_only_where_the_plan_lets_it(database: Database, keyring: Keyring) -> None:
    market = await opened(database, keyring)
    await market.offer("gift", GIFT, kind="one_off")
    await market.offer("talks", LICENCE, kind="one_off")
    assert (await bought(market, "gift"))[0].price.units == 20 * YUAN
    order, document = await bought(market, "gift", choices=Basis(amounts={"gift": Decimal("7.5")}))
    assert (order.price.units, document["basis"]) == (7_500_000, {"amounts": {"gift": "7.5"}})
    assert await refused(market, "gift", choices=Basis(amounts={"gift": Decimal(4)})) == "price-below-floor"
    assert await refused(market, "one_off", choices=Basis(amounts={"price": Decimal(1)})) == "choice-invalid"
    assert await refused(market, "talks", choices=Basis(amounts={"licence": Decimal(1)})) == "choice-invalid"
    assert await refused(market, "talks") == "price-not-agreed"


async def issued(market: Market, offer: str, buyer: UUID, basis: Basis, until: datetime) -> QuoteReceipt:
    async def flow(tx: Tx) -> QuoteReceipt | Problem:
        found = (await load_offers(tx, [market.offers[offer]]))[market.offers[offer]]
        return await issue_quote(
            tx, market.sales, market.keyring, found, buyer, basis,
            purposes=("pretrain",), expires_at=until, concerning="talks-1",
        )  # fmt: skip

    quote = await market.database.run(flow)
    assert isinstance(quote, QuoteReceipt), quote
    return quote


async def test_a_negotiated_price_is_a_quote_that_its_buyer_alone_may_order_with(
    database: Database, keyring: Keyring, clock: FixedClock
) -> None:
    market = await opened(database, keyring)
    await market.offer("talks", LICENCE, kind="one_off", discounts=[HALF])
    await market.offer("other", LICENCE, kind="one_off")
    until, basis = clock.now() + timedelta(days=3), Basis(amounts={"licence": Decimal("1234.56")})
    receipt = await issued(market, "talks", BUYER, basis, until)
    quote_id = ids.parse("qte", receipt.id)
    row = await database.run(lambda tx: contracts.find_quote(tx, quote_id))
    assert row is not None
    document = msgspec.json.decode(row.document)
    assert receipt.total == document["total"] == document["net"] == {"amount": "1234.56", "currency": "CNY"}
    assert (document["basis"], document["purposes"]) == ({"amounts": {"licence": "1234.56"}}, ["pretrain"])
    assert (document["tax"], document["concerning"]) == ([], "talks-1")
    assert [line["component"] for line in document["lines"]] == ["licence"]
    assert keyring.verify(row.kid, row.document, row.signature)
    stranger = await market.buy(OTHER, "talks", quote_id=quote_id)
    assert isinstance(stranger, Problem)
    assert stranger.slug == "not-found"
    assert await refused(market, "other", quote_id=quote_id) == "quote-mismatch"
    chosen = Basis(amounts={"licence": Decimal(1)})
    assert await refused(market, "talks", quote_id=quote_id, choices=chosen) == "quote-has-choices"
    # The class of the day of the quote stays, whatever the buyer becomes later.
    await market.classify(BUYER, "academic")
    order, document = await bought(market, "talks", quote_id=quote_id)
    assert order.price.units == 1_234_560_000
    assert document["basis"] == {"amounts": {"licence": "1234.56"}}
    cheaper = await issued(market, "talks", BUYER, basis, until)
    assert cheaper.total["amount"] == "617.28"
    clock.advance(3 * 86_400)
    assert await refused(market, "talks", quote_id=quote_id) == "quote-used"
    assert await refused(market, "talks", quote_id=ids.parse("qte", cheaper.id)) == "quote-expired"
    assert await findings(market) == []


async def test_tax_comes_on_top_or_is_inside_and_shares_are_split_from_the_net(
    database: Database, keyring: Keyring
) -> None:
    market = await opened(database, keyring)
    await market.register_for_tax(SELLER)
    await market.offer("inside", ONE_OFF, kind="one_off", tax={"included": True})
    order, document = await bought(market, "one_off")
    assert (order.price.units, order.tax_units, order.net.units) == (318 * YUAN, 18 * YUAN, 300 * YUAN)
    assert order.tax is not None
    assert (order.tax["code"], order.tax["rate"], order.tax["included"]) == ("standard", "0.06", False)
    assert document["price"]["amount"] == "318.00"
    assert await sums(market) == {
        "wallet": (10_000 - 318) * YUAN,
        "seller": 240 * YUAN,
        "broker": 15 * YUAN,
        "revenue": 45 * YUAN,
        "tax": 18 * YUAN,
    }
    inside, _ = await bought(market, "inside")
    assert (inside.price.units, inside.tax_units) == (300 * YUAN, 16_981_132)
    found = await sums(market)
    assert found["tax"] == 18 * YUAN + 16_981_132
    assert found["seller"] + found["broker"] + found["revenue"] == 300 * YUAN + inside.net.units
    assert await findings(market) == []


async def test_tax_on_an_order_by_card_is_booked_when_it_is_paid(database: Database, keyring: Keyring) -> None:
    market = await opened(database, keyring)
    await market.register_for_tax(SELLER)
    receipt = await market.buy(BUYER, "one_off", "card")
    assert receipt.total["amount"] == "318.00"
    said = [PaymentResult(ids.parse("pay", receipt.payment), "succeeded", "pi_1")]
    await database.run(lambda tx: record_payment(tx, market.sales, said))
    assert (await sums(market))["tax"] == 18 * YUAN
    assert (await sums(market))["seller"] == 240 * YUAN
    assert await findings(market) == []


async def test_a_card_is_charged_whole_coins_and_the_fraction_that_tax_leaves_is_booked(
    database: Database, keyring: Keyring
) -> None:
    market = await opened(database, keyring)
    await market.register_for_tax(SELLER)
    await market.offer("odd", {**ONE_OFF, "model": {"type": "one_off", "amount": "299.99"}}, kind="one_off")
    receipt = await market.buy(BUYER, "odd", "card")
    assert receipt.total["amount"] == "317.9894"
    payment_id = ids.parse("pay", receipt.payment)
    known = await database.run(lambda tx: payments.get_payments(tx, [payment_id]))
    assert known[payment_id].amount.units == 317_980_000
    said = [PaymentResult(payment_id, "succeeded", "pi_1")]
    await database.run(lambda tx: record_payment(tx, market.sales, said))
    rounding = platform(AccountKind.ROUNDING, "CNY")
    assert await database.run(lambda tx: ledger.sums(tx, [rounding])) == {rounding: -9_400}
    assert await findings(market) == []


async def test_a_buyer_abroad_pays_no_tax_and_the_order_says_why(database: Database, keyring: Keyring) -> None:
    market = await opened(database, keyring)
    await market.register_for_tax(SELLER)

    async def move(tx: Tx) -> None:
        await (await tx.driver()).execute("UPDATE parties.organisation SET country = 'DE' WHERE id = $1", BUYER)

    await database.run(move)
    order, _ = await bought(market, "one_off")
    assert (order.price.units, order.tax_units) == (300 * YUAN, 0)
    assert order.tax is not None
    assert order.tax["code"] in ("zero", "outside_scope")
    quote = await quoted(market, keyring, "one_off")
    row = await database.run(lambda tx: contracts.find_quote(tx, ids.parse("qte", quote.id)))
    assert row is not None
    (line,) = msgspec.json.decode(row.document)["tax"]
    assert (line["code"], line["taxable"]["amount"], line["amount"]["amount"]) == (order.tax["code"], "300.00", "0.00")
    assert line["explain"]["text"]["zh"]


async def test_a_calendar_s_first_month_costs_the_part_that_is_left_of_it(
    database: Database, keyring: Keyring, clock: FixedClock
) -> None:
    market = await opened(database, keyring)
    await market.offer("calendar", PRORATED, anchor="calendar")
    # 15 January 08:00 UTC: 16 days and 16 hours of 31 days are left.
    assert (await bought(market, "calendar"))[0].price.units == 16_666_667
    clock.advance(10 * 86_400)
    assert (await bought(market, "calendar"))[0].price.units == 6_666_667
    await market.offer("trial", PRORATED, trial={"days": 14})
    assert (await bought(market, "trial"))[0].price.units == 0
    assert await findings(market) == []


async def test_fsck_finds_a_price_and_a_tax_that_were_changed_afterwards(
    database: Database, database_url: str, keyring: Keyring
) -> None:
    market = await opened(database, keyring)
    await market.register_for_tax(SELLER)
    await bought(market, "one_off")
    assert await findings(market) == []
    connection = await asyncpg.connect(database_url)
    await connection.execute("UPDATE settlement.orders SET tax_units = tax_units + 1, price_basis = '{}'")
    await connection.close()
    rules = {finding.rule for finding in await findings(market)}
    assert {"order-is-as-agreed", "order-price-follows-from-its-plan", "tax-is-on-its-account"} <= rules


async def test_a_basis_reads_back_as_it_was_written() -> None:
    basis = Basis("USD", "academic", Decimal(1000), 12, coupon_digest("A"), {"a": Decimal("1.5")}, trial_used=True)
    again = Basis.from_document(msgspec.json.decode(msgspec.json.encode(basis.document())))
    assert again == basis
    assert replace(again, amounts={}) != basis


async def test_a_quote_is_good_for_one_order_within_a_batch_and_at_once(database: Database, keyring: Keyring) -> None:
    market = await opened(database, keyring)
    quotes = [ids.parse("qte", (await quoted(market, keyring, "one_off")).id) for _ in range(2)]
    wishes = [market.wish(BUYER, "one_off", quote_id=quotes[0]) for _ in range(3)]
    answers = await database.run(lambda tx: purchase(tx, market.sales, keyring, wishes))
    assert [one.slug if isinstance(one, Problem) else one.status for one in answers] == [
        201,
        "quote-used",
        "quote-used",
    ]

    raced = await asyncio.gather(*(market.buy(BUYER, "one_off", quote_id=quotes[1]) for _ in range(4)))
    assert sorted(isinstance(answer, Problem) for answer in raced) == [False, True, True, True]
