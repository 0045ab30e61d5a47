"""A market whose ledger has seen everything: card and bank, two currencies, use, settlement, payouts, refunds, a debt."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from exchange.flows.convert_funds import ConversionReceipt, ConversionWish, convert_funds
from exchange.flows.credit_bank_transfer import Credited, credit_bank_transfer
from exchange.flows.pay_out import PayOut, PayoutReceipt, pay_out
from exchange.flows.publish_rates import RatesPublished, RateWish, publish_rates
from exchange.flows.record_payment import PaymentResult, Recorded, record_payment
from exchange.flows.record_transfer import TransferResult, record_transfer
from exchange.flows.refund_order import RefundReceipt, RefundWish, refund_order
from exchange.flows.settle_period import Period, RunProgress, settle_next, start_run
from exchange.flows.top_up import TopUp, TopUpReceipt, top_up
from exchange.kernel import ids
from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Database
from exchange.kernel.keys import Keyring
from exchange.kernel.money import Money
from settlement.accounts import AccountKind
from settlement.payments import BankEntry
from settlement.payouts import Rail
from settlement.refunds import Reason
from tests.support.settlement_market import BROKER, BUYER, OPERATOR, SELLER, Market, actor, open_market

YUAN = 1_000_000
SOURCE = 'ECB "reference" rates,\n2026-01-14: https://example.org'


@dataclass
class Traded:
    """The market, its clock, and the public ids of what happened in it, by name."""

    market: Market
    clock: FixedClock
    made: dict[str, str] = field(default_factory=dict)

    @property
    def database(self) -> Database:
        """Where it all lies."""
        return self.market.database

    async def card(self, name: str, units: int) -> None:
        """A top-up by card that succeeded."""
        wish = TopUp(Money(units, "CNY"), "card", "pm_card_visa")
        made = await self.database.run(lambda tx: top_up(tx, actor(BUYER, "buyer"), wish))
        assert isinstance(made, TopUpReceipt), made
        paid = [PaymentResult(ids.parse("pay", made.id), "succeeded", f"pi_{name}")]
        (done,) = await self.database.run(lambda tx: record_payment(tx, self.market.sales, paid))
        assert isinstance(done, Recorded), done
        self.made[name] = made.id

    async def bank(self, *entries: tuple[str, str, Money]) -> None:
        """Transfers that reached the bank: a reference of the bank's, what the payer wrote, how much."""
        told = [BankEntry(ref, text, amount, self.clock.now()) for ref, text, amount in entries]
        answers = await self.database.run(lambda tx: credit_bank_transfer(tx, actor(OPERATOR, "operator"), told))
        assert all(isinstance(one, Credited) for one in answers), answers

    async def buy(self, name: str, offer: str = "one_off") -> str:
        """An order from the wallet; the grant that it gave."""
        order = await self.market.buy(BUYER, offer)
        self.made[name] = order.id
        return str(order.grant)

    async def publish(self, *rates: tuple[str, str, str]) -> RatesPublished:
        """Rates for nine days from now on."""
        until = self.clock.now() + timedelta(days=9)
        wishes = [RateWish(sell, buy, value, SOURCE, until) for sell, buy, value in rates]
        made = await self.database.run(lambda tx: publish_rates(tx, actor(OPERATOR, "operator"), wishes))
        assert isinstance(made, RatesPublished), made
        return made

    async def convert(self, name: str, amount: Money, buy: str, rate: str) -> None:
        """A conversion of the buyer's wallet."""
        until = self.clock.now() + timedelta(hours=1)
        wish = ConversionWish(AccountKind.WALLET, amount, buy, ids.parse("rte", rate), until)
        done = await self.database.run(lambda tx: convert_funds(tx, actor(BUYER, "buyer"), wish))
        assert isinstance(done, ConversionReceipt), done
        self.made[name] = done.id

    async def settle(self) -> None:
        """A run over January."""
        start = self.clock.now().replace(month=1, day=1, hour=0, minute=0, second=0)
        found = await self.database.run(lambda tx: start_run(tx, Period(start, start.replace(month=2), "CNY")))
        while isinstance(found, RunProgress) and not found.finished:
            run_id = ids.parse("run", found.run)
            found = await self.database.run(lambda tx, run_id=run_id: settle_next(tx, self.market.sales, run_id))  # type: ignore[misc]
        assert isinstance(found, RunProgress), found

    async def pay(self, name: str, *, paid: bool, period: str = "2026-01") -> None:
        """The seller is paid by bank, or in vain."""
        (receipt,) = await self.database.run(lambda tx: pay_out(tx, [PayOut(SELLER, "CNY", period, Rail.BANK, "acct")]))
        assert isinstance(receipt, PayoutReceipt), receipt
        one = ids.parse("pot", receipt.id)
        end = TransferResult(one, "paid") if paid else TransferResult(one, "failed", None, "account_closed")
        for result in (TransferResult(one, "sent", f"ref-{name}"), end):
            await self.database.run(lambda tx, result=result: record_transfer(tx, [result]))  # type: ignore[misc]
        self.made[name] = receipt.id

    async def refund(self, name: str, order: str, units: int | None) -> None:
        """Part of an order, or all that is left of it, goes back."""
        amount = Money(units, "CNY") if units else None
        wish = RefundWish(("order", ids.parse("ord", self.made[order])), Reason.GOODWILL, amount)
        done = await self.database.run(lambda tx: refund_order(tx, actor(OPERATOR, "operator"), wish))
        assert isinstance(done, RefundReceipt), done
        self.made[name] = done.id


async def traded(database: Database, keyring: Keyring, clock: FixedClock) -> Traded:
    """Everything, over two months.

    The wallet is filled with 200 by card and 800 by bank, 80 + EUR 77.777777 later; `first` (300) is settled, paid out and then
    refunded in two parts, so that its payees owe it; `second` (300) is refunded before anything was settled; `kept` stays.
    """
    t = Traded(await open_market(database, keyring), clock)
    await t.card("card", 200 * YUAN)
    clock.advance(1)
    await t.bank(("B1", ids.text("org", BUYER), Money(800 * YUAN, "CNY")), ("B2", "nobody", Money(5 * YUAN, "EUR")))
    await t.bank(("B3", ids.text("org", BUYER), Money(77_777_777, "EUR")))
    clock.advance(1)
    await t.buy("first")
    grant = await t.buy("use", "per_use")
    await t.market.use(grant, 1_001, clock.now() + timedelta(minutes=5))
    rates = await t.publish(("EUR", "CNY", "7.812345678901"), ("CNY", "EUR", "0.12"))
    clock.advance(60)
    await t.convert("conversion", Money(11_111_111, "EUR"), "CNY", rates.rates[0].id)
    await t.convert("back", Money(YUAN, "CNY"), "EUR", rates.rates[1].id)
    clock.advance(20 * 86_400)
    await t.settle()
    await t.pay("came back", paid=False)
    clock.advance(86_400)
    await t.pay("payout", paid=True)
    await t.buy("second")
    await t.refund("half", "first", 100 * YUAN)
    clock.advance(3_600)
    await t.refund("rest", "first", None)
    await t.refund("whole", "second", None)
    await t.buy("kept")
    return t


__all__ = ["BROKER", "BUYER", "OPERATOR", "SELLER", "SOURCE", "YUAN", "Traded", "traded"]
