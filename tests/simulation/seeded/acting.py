"""How each input reaches the exchange: through the flow that its route or job calls, once under its own key."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import msgspec

from compliance.notes import Signer
from exchange.access.settings import AccessSettings
from exchange.access.usage import Events, GrantCache, read_events
from exchange.flows import seal_usage
from exchange.flows.accept_delivery import accept_delivery
from exchange.flows.cancel_order import cancel_order
from exchange.flows.convert_funds import ConversionWish, convert_funds
from exchange.flows.credit_bank_transfer import Credited, credit_bank_transfer, match_bank_entry
from exchange.flows.decide_rejection import decide_rejection
from exchange.flows.expire_holds import expire_holds
from exchange.flows.ingest_usage import Ingested
from exchange.flows.once import Answered, Command, Receipt, once
from exchange.flows.order_settlement import order_settlement
from exchange.flows.pay_advance import pay_advance
from exchange.flows.pay_out import PayOut, pay_out
from exchange.flows.publish_rates import RateWish, publish_rates
from exchange.flows.purchase import Purchase, purchase
from exchange.flows.record_transfer import TransferRecorded, TransferResult, record_transfer
from exchange.flows.refund_order import RefundWish, refund_order
from exchange.flows.reject_delivery import reject_delivery
from exchange.flows.report_usage import UsageWish, report_usage
from exchange.flows.sale import Sales
from exchange.flows.settle_period import Period
from exchange.flows.store_event import ProviderEvent, store_event
from exchange.flows.top_up import TopUp, top_up
from exchange.kernel import ids, jobs
from exchange.kernel.db import Database, Tx
from exchange.kernel.errors import Problem
from exchange.kernel.keys import Keyring
from exchange.kernel.money import Money
from exchange.settings import Settings
from exchange.worker.loop import run_one
from exchange.worker.steps import Steps
from settlement.acceptances import Ground, Outcome
from settlement.accounts import AccountKind, platform, wallet
from settlement.holds import Ended, Hold, HoldEnd
from settlement.holds import Outcome as HoldOutcome
from settlement.journals import Duplicate, Posted
from settlement.payments import BankEntry
from settlement.payouts import Rail
from settlement.refunds import Reason
from settlement.store import holds
from tests.simulation.seeded.drawing import Input
from tests.simulation.seeded.founding import Founded
from tests.simulation.seeded.ground import START
from tests.support.sequencing import sequencer

ORIGIN = "sim.example"
RATES = {("EUR", "CNY"): "7.812345678901", ("CNY", "EUR"): "0.127654321"}


@dataclass
class Desk:
    """What the outside world keeps: who there is, what each input was answered, and when things were bought."""

    founded: Founded
    seed: int
    clock: Callable[[], datetime]
    answers: dict[str, Any] = field(default_factory=dict)
    # What a sender writes once and sends again as it is.
    written: dict[str, Any] = field(default_factory=dict)
    bought_at: dict[str, datetime] = field(default_factory=dict)
    sent: dict[str, Input] = field(default_factory=dict)

    def uuid(self, name: str) -> UUID:
        """An id that the sender of an input chose."""
        return UUID(bytes=hashlib.sha256(f"{self.seed} {name}".encode()).digest()[:16], version=4)


@dataclass
class Process:
    """A process of the exchange: all that it holds in memory."""

    db: Database
    keyring: Keyring
    settings: Settings
    signers: tuple[Signer, ...]
    sales: Sales = field(default_factory=Sales)
    known: GrantCache = field(default_factory=lambda: GrantCache(100))

    async def work(self) -> bool:
        """Do one job, as the worker of this process does."""
        steps: Any = Steps(self.db, None, self.keyring, None, self.settings, self.sales, None)  # type: ignore[arg-type]
        return await run_one(self.db, steps.table())


async def act(process: Process, desk: Desk, one: Input) -> Any:
    """Send an input; its answer: a receipt as JSON holds it, or a Problem."""
    return await _ACTS[one.kind](process, desk, one)


async def _once(process: Process, desk: Desk, one: Input, who: str, flow: Callable[[Tx], Awaitable[Receipt]]) -> Any:
    command = Command(desk.founded.actor(who), one.kind, one.name, hashlib.sha256(one.name.encode()).digest())
    answered = await process.db.run(lambda tx: once(tx, command, 201, flow))
    return answered if isinstance(answered, Problem) else msgspec.json.decode(answered.body)


async def _top_up(process: Process, desk: Desk, one: Input) -> Any:
    wish = TopUp(Money(one.about["units"], one.about["currency"]), "card", "pm_card_visa")
    who = one.about["buyer"]
    return await _once(process, desk, one, who, lambda tx: top_up(tx, desk.founded.actor(who), wish))


async def _event(process: Process, desk: Desk, one: Input) -> Any:
    """Stripe tells; a job acts on it."""
    asked = desk.answers[one.about["of"]]
    payment = asked["id"] if asked["id"].startswith("pay_") else asked["payment"]
    money = Money.from_wire(asked["amount"] if "amount" in asked else asked["total"])
    what = {
        "id": f"pi_{payment}", "metadata": {"payment": payment}, "currency": money.currency.lower(),
        "amount_received": money.units // 10_000, "last_payment_error": {"code": "card_declined"},
    }  # fmt: skip
    kind = f"payment_intent.{one.about['word']}"
    body = json.dumps({"id": one.name, "type": kind, "data": {"object": what}}).encode()
    stored = await process.db.run(lambda tx: store_event(tx, ProviderEvent(one.name, kind, str(what["id"]), body)))
    return {"event": stored.event}


async def _bank(process: Process, desk: Desk, one: Input) -> Any:
    about = one.about
    named = ids.text("org", desk.founded.organisations[about["buyer"]]) if about["named"] else "thanks"
    entry = BankEntry(one.name, named, Money(about["units"], about["currency"]), START)
    operator = desk.founded.actor("operator")
    (answer,) = await process.db.run(lambda tx: credit_bank_transfer(tx, operator, [entry]))
    return {"entry": answer.entry} if isinstance(answer, Credited) else answer


async def _match(process: Process, desk: Desk, one: Input) -> Any:
    owner, operator = desk.founded.organisations[one.about["buyer"]], desk.founded.actor("operator")

    async def flow(tx: Tx) -> Credited | Problem:
        # The operator sees the entry in the list of those without an owner.
        found = await (await tx.driver()).fetchval(
            "SELECT id FROM settlement.bank_entry WHERE entry_ref = $1", one.about["entry"]
        )
        return await match_bank_entry(tx, operator, found, owner)

    return await _once(process, desk, one, "operator", flow)


async def _purchase(process: Process, desk: Desk, one: Input) -> Any:
    buyer = desk.founded.actor(one.about["buyer"])
    command = Command(buyer, "purchase", one.name, hashlib.sha256(one.name.encode()).digest())
    offer = desk.founded.offers[one.about["offer"]]
    way, card = ("card", "pm_card_visa") if one.about["card"] else ("wallet", None)
    wish = Purchase(command, offer, ("pretrain",), way, payment_method=card)  # type: ignore[arg-type]
    (answer,) = await process.db.run(lambda tx: purchase(tx, process.sales, process.keyring, [wish]))
    return msgspec.json.decode(answer.body) if isinstance(answer, Answered) else answer


async def _cancel(process: Process, desk: Desk, one: Input) -> Any:
    order, who = _order(desk, one), _buyer(desk, one)
    return await _once(process, desk, one, who, lambda tx: cancel_order(tx, desk.founded.actor(who), order))


async def _usage(process: Process, desk: Desk, one: Input) -> Any:
    order = one.about["order"]
    if one.about["batch"] not in desk.written:
        began, now = desk.bought_at[order], desk.clock()
        grant = desk.answers[order]["grant"]
        events = []
        for (number, quantity), age in zip(one.about["events"], one.about["ages"], strict=True):
            event = str(desk.uuid(f"event {number}"))
            at = desk.written.setdefault(event, began + max(now - began, timedelta()) * age)
            events.append(
                {"id": event, "subject": grant, "time": at.isoformat(), "data": {"meter": "records", "value": quantity}}
            )
        desk.written[one.about["batch"]] = json.dumps(events).encode()
    body = desk.written[one.about["batch"]]
    read = read_events(body, process.settings.access)
    assert isinstance(read, Events), read
    seller = desk.founded.market.offers[desk.answers[order]["offer_name"]].seller
    wish = UsageWish(desk.founded.actor(seller), one.about["batch"], hashlib.sha256(body).digest(), read)
    report = partial(report_usage, wishes=[wish], known=process.known, settings=process.settings.access)
    (answer,) = await process.db.run(report)
    return msgspec.json.decode(answer.answer) if isinstance(answer, Ingested) else answer


async def _refund(process: Process, desk: Desk, one: Input) -> Any:
    about = one.about
    source = about.get("source") or ("order", _order(desk, one))
    seller = about.get("seller") or desk.founded.market.offers[desk.answers[about["order"]]["offer_name"]].seller
    currency = about.get("currency") or desk.founded.market.offers[desk.answers[about["order"]]["offer_name"]].currency
    wish = RefundWish(source, Reason.GOODWILL, None if about["units"] is None else Money(about["units"], currency))
    return await _once(process, desk, one, seller, lambda tx: refund_order(tx, desk.founded.actor(seller), wish))


async def _accept(process: Process, desk: Desk, one: Input) -> Any:
    order, who = _order(desk, one), _buyer(desk, one)
    return await _once(process, desk, one, who, lambda tx: accept_delivery(tx, desk.founded.actor(who), order))


async def _reject(process: Process, desk: Desk, one: Input) -> Any:
    order, who = _order(desk, one), _buyer(desk, one)
    flow = lambda tx: reject_delivery(tx, desk.founded.actor(who), order, Ground.INCOMPLETE, bytes(range(32)))  # noqa: E731
    return await _once(process, desk, one, who, flow)


async def _decide(process: Process, desk: Desk, one: Input) -> Any:
    order, units = _order(desk, one), one.about["units"]
    outcome = Outcome.RELEASE if units == 0 else Outcome.REFUND
    currency = desk.founded.market.offers[desk.answers[one.about["order"]]["offer_name"]].currency
    amount = Money(units, currency) if units else None
    operator = desk.founded.actor("operator")
    return await _once(
        process, desk, one, "operator", lambda tx: decide_rejection(tx, operator, order, outcome, amount)
    )


async def _hold(process: Process, desk: Desk, one: Input) -> Any:
    about = one.about
    if one.name not in desk.written:
        hours = about["hours"]
        desk.written[one.name] = None if hours is None else desk.clock() + timedelta(hours=hours)
    account = wallet(desk.founded.organisations[about["buyer"]], about["currency"])
    hold = Hold(desk.uuid(one.name), account, about["units"], "escrow", None, desk.written[one.name])
    (answer,) = await process.db.run(lambda tx: holds.open_holds(tx, [hold]))
    return {"opened": isinstance(answer, Posted | Duplicate)}


async def _end_hold(process: Process, desk: Desk, one: Input) -> Any:
    units, about = one.about["units"], desk.sent[one.about["hold"]].about
    to = platform(AccountKind.REVENUE, about["currency"]) if units else None
    end = HoldEnd(desk.uuid(one.about["hold"]), HoldOutcome.SETTLED if units else HoldOutcome.VOIDED, to, units)
    (answer,) = await process.db.run(lambda tx: holds.end_holds(tx, [end]))
    return {"ended": isinstance(answer, Ended)}


async def _expire(process: Process, desk: Desk, one: Input) -> Any:
    return {"expired": await process.db.run(expire_holds) >= 0}


async def _rates(process: Process, desk: Desk, one: Input) -> Any:
    until = START + timedelta(days=90)
    wishes = [RateWish(sell, buy, value, "sim", until) for (sell, buy), value in RATES.items()]
    operator = desk.founded.actor("operator")
    return await _once(process, desk, one, "operator", lambda tx: publish_rates(tx, operator, wishes))


async def _convert(process: Process, desk: Desk, one: Input) -> Any:
    about, who = one.about, one.about["buyer"]
    (rate,) = [
        r for r in desk.answers[about["rates"]]["rates"] if (r["sell"], r["buy"]) == (about["sell"], about["buy"])
    ]
    wish = ConversionWish(
        AccountKind.WALLET, Money(about["units"], about["sell"]), about["buy"], ids.parse("rte", rate["id"]),
        START + timedelta(days=90),
    )  # fmt: skip
    return await _once(process, desk, one, who, lambda tx: convert_funds(tx, desk.founded.actor(who), wish))


async def _advance(process: Process, desk: Desk, one: Input) -> Any:
    payee, money = desk.founded.organisations[one.about["seller"]], Money(one.about["units"], one.about["currency"])
    operator = desk.founded.actor("operator")
    return await _once(process, desk, one, "operator", lambda tx: pay_advance(tx, operator, payee, money))


async def _settle(process: Process, desk: Desk, one: Input) -> Any:
    if one.name not in desk.written:
        now = desk.clock() - timedelta(minutes=5)  # the processes' clocks differ
        desk.written[one.name] = now.replace(minute=now.minute // 15 * 15, second=0, microsecond=0)
    period = Period(START - timedelta(hours=8), desk.written[one.name], one.about["currency"])
    operator = desk.founded.actor("operator")
    return await _once(process, desk, one, "operator", lambda tx: order_settlement(tx, operator, period))


async def _work(process: Process, desk: Desk, one: Input) -> Any:
    return {"done": await process.work()}


async def _seal(process: Process, desk: Desk, one: Input) -> Any:
    """The clock queues the days that are over."""

    async def queue(tx: Tx) -> int:
        days = await seal_usage.due_days(tx, settings=process.settings.access)
        now = tx.now.isoformat()
        await jobs.put(tx, *[jobs.Job("seal_usage", f"{day} {now}", {"day": day.isoformat()}) for day in days])
        return len(days)

    return {"queued": await process.db.run(queue)}


async def _log(process: Process, desk: Desk, one: Input) -> Any:
    head = await sequencer(process.db, process.signers, ORIGIN).step()
    return {"size": head.size if head is not None else None}


async def _payout(process: Process, desk: Desk, one: Input) -> Any:
    about = one.about
    wish = PayOut(desk.founded.organisations[about["payee"]], about["currency"], one.name, Rail(about["rail"]), "acct")

    async def flow(tx: Tx) -> Receipt:
        (answer,) = await pay_out(tx, [wish])
        return answer

    return await _once(process, desk, one, "operator", flow)


async def _transfer(process: Process, desk: Desk, one: Input) -> Any:
    payout, word = ids.parse("pot", desk.answers[one.about["payout"]]["id"]), one.about["word"]
    result = TransferResult(payout, word, one.about["payout"], "closed" if word == "failed" else None)
    (answer,) = await process.db.run(lambda tx: record_transfer(tx, [result]))
    return {"state": answer.state} if isinstance(answer, TransferRecorded) else answer


def _order(desk: Desk, one: Input) -> UUID:
    return ids.parse("ord", desk.answers[one.about["order"]]["id"])


def _buyer(desk: Desk, one: Input) -> str:
    return str(desk.answers[one.about["order"]]["buyer_name"])


_ACTS: dict[str, Callable[[Process, Desk, Input], Awaitable[Any]]] = {
    "top_up": _top_up,
    "event": _event,
    "bank": _bank,
    "match": _match,
    "purchase": _purchase,
    "cancel": _cancel,
    "usage": _usage,
    "refund": _refund,
    "accept": _accept,
    "reject": _reject,
    "decide": _decide,
    "hold": _hold,
    "end_hold": _end_hold,
    "expire": _expire,
    "rates": _rates,
    "convert": _convert,
    "advance": _advance,
    "settle": _settle,
    "work": _work,
    "seal": _seal,
    "log": _log,
    "payout": _payout,
    "transfer": _transfer,
}
ACCESS = AccessSettings()
