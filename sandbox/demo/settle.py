"""The end of the month: use is sealed, charged, split and paid out; every sum is made again by the one it concerns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from sandbox.demo import follow
from sandbox.demo.client import DemoFailed, Party
from sandbox.demo.follow import Followed
from sandbox.demo.goods import CURRENCY
from sandbox.demo.market import PAYEES
from sandbox.demo.parties import BY_KEY
from sandbox.demo.telling import amount, money
from sandbox.demo.trade import Trade

_AFTER_MIDNIGHT = timedelta(hours=2)
_MILLIONTH = Decimal("0.000001")


def close_month(trade: Trade, began: datetime, followed: list[Followed], home: Path) -> None:
    """Everything from the last day of the month to everybody's money.

    errors   raises DemoFailed
    """
    telling, origin = trade.market.telling, trade.market.origin
    start = began.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    end = next_month(trade.clock.now())
    with telling.step("month", origin):
        _pass_time(trade, began, end)
    with telling.step("settle", origin):
        for currency in (CURRENCY, *(one.currency for one in followed if one.currency != CURRENCY)):
            settle(trade, start, end, currency)
        _show_invoices(trade)
        follow.settled(trade, followed)
    follow.give_back(trade, followed, home)


def pay(trade: Trade, period: str) -> None:
    """The payees add their statements up again and are paid.

    errors   raises DemoFailed
    """
    with trade.market.telling.step("pay", trade.market.origin):
        for key in PAYEES:
            _recompute(trade, key)
        pay_out(trade, CURRENCY, period)


def balance(trade: Trade) -> None:
    """The exchange's books: they sum to zero and agree with all facts.

    errors   raises DemoFailed
    """
    with trade.market.telling.step("balance", trade.market.origin):
        _show_balance(trade)


def next_month(moment: datetime) -> datetime:
    """The first moment of the month after, in UTC."""
    first = moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (first + timedelta(days=32)).replace(day=1)


def _pass_time(trade: Trade, began: datetime, end: datetime) -> None:
    """Move the sandbox's clock into the next month, and have the days of use sealed."""
    operator, telling = trade.market["operator"], trade.market.telling
    last = trade.clock.now()
    trade.clock.advance_to(end + _AFTER_MIDNIGHT)
    operator.token(fresh=True)
    telling.say("clock", before=f"{last:%Y-%m-%d %H:%M}", after=f"{trade.clock.now():%Y-%m-%d %H:%M}")
    days = {began.date(), last.date()}
    for day in sorted(days):
        ordered = operator.do(f"seal {day}", "/operator/v1/usage/seals", {"day": day.isoformat()})
        operator.job(ordered["job"], "/operator/v1", telling.progress("sealing", day=day))
        telling.say("sealed-day", day=day)
    grant = trade.bought["en_speeches/monthly"].grant
    for root in trade.market["buyer"].get(f"/buyer/v1/grants/{grant}/usage")["roots"]:
        telling.say("root", records=root["records"], grant=grant, root=root["root"][:16])


def settle(trade: Trade, start: datetime, end: datetime, currency: str) -> None:
    """Have a period settled in a currency, and wait until its run is closed.

    errors   raises DemoFailed
    """
    operator, telling = trade.market["operator"], trade.market.telling
    wish = {"period_start": _instant(start), "period_end": _instant(end), "currency": currency}
    run = operator.do(f"settle {currency} {start.date()}", "/operator/v1/settlement-runs", wish)["run"]

    def closed() -> Any:
        found = operator.get(f"/operator/v1/settlement-runs/{run}")["run"]
        return found if found["state"] == "closed" else None

    ended = trade.market.origin.wait(closed, f"settlement run {run}")
    parts = {side: ended[side]["done"] for side in ("sellers", "payees")}
    telling.say("settled", run=run, currency=currency, start=start.date(), end=end.date(), **parts)


def _show_invoices(trade: Trade) -> None:
    buyer, telling = trade.market["buyer"], trade.market.telling
    for charge in buyer.items("/buyer/v1/charges"):
        telling.say("charge", amount=money(charge["amount"]), explanation=telling.name(charge["explanation"]))
    for invoice in buyer.items("/buyer/v1/invoices"):
        document = buyer.get(f"/buyer/v1/invoices/{invoice['id']}")["document"]
        lines = [*document["lines"], *document["tax"]]
        total = sum((Decimal(line["amount"]["amount"]) for line in lines), Decimal())
        if total != Decimal(invoice["total"]["amount"]):
            raise DemoFailed(f"the lines of {invoice['id']} sum to {total}")
        seller = trade.market.name(invoice["seller"])
        telling.say("invoice", seller=seller, total=money(invoice["total"]), lines=len(lines), invoice=invoice["id"])
        for line in document["tax"]:
            telling.say(
                "invoice-tax",
                tax=telling.name(line["name"]),
                taxable=money(line["taxable"]),
                amount=money(line["amount"]),
            )


def _recompute(trade: Trade, key: str) -> None:
    """A payee adds its statement up again: each sale split by the weights that stand beside it."""
    party, telling, portal = trade.market[key], trade.market.telling, BY_KEY[key].portal
    for row in party.items(f"{portal}/statements"):
        document = party.get(f"{portal}/statements/{row['id']}")["document"]
        sums: dict[str, Decimal] = defaultdict(Decimal)
        for line in document["lines"]:
            got = Decimal(line["amount"]["amount"])
            sums["lines"] += got
            if line["kind"] == "release" and _own_part(line) != got:
                raise DemoFailed(f"{row['id']}: {line['source']} gives {got}, and by its weights {_own_part(line)}")
        closing = Decimal(document["totals"]["opening"]["amount"]) + sums["lines"]
        if closing != Decimal(row["closing"]["amount"]):
            raise DemoFailed(f"{row['id']} closes with {row['closing']}, and its lines make {closing}")
        role = telling.text(f"role.{key}")
        telling.say("statement", role=role, closing=money(row["closing"]), lines=len(document["lines"]))


def _own_part(line: dict[str, Any]) -> Decimal:
    """What the payee's roles get of a line, by largest remainder over all weights."""
    weights = [share["weight"] for share in line["shares"]]
    parts = largest_remainder(int(Decimal(line["gross"]["amount"]) / _MILLIONTH), weights)
    mine = {one["role"] for one in line["explain"]}
    units = sum(part for part, share in zip(parts, line["shares"], strict=True) if share["role"] in mine)
    return units * _MILLIONTH


def largest_remainder(units: int, weights: Sequence[int]) -> list[int]:
    """Split `units` by weights so that the parts sum to it (Hamilton's method, ties to the first)."""
    whole = sum(weights)
    parts = [units * weight // whole for weight in weights]
    order = sorted(range(len(weights)), key=lambda n: (-(units * weights[n] % whole), n))
    for n in order[: units - sum(parts)]:
        parts[n] += 1
    return parts


def pay_out(trade: Trade, currency: str, period: str, *, by_bank: bool = True) -> list[dict[str, Any]]:
    """Order a payout for everybody to whom money is owed, and wait until each has left; those ordered.

    shapes   by_bank False: who is paid by the bank is not waited for, as that takes a batch
    errors   raises DemoFailed
    """
    operator, telling = trade.market["operator"], trade.market.telling
    ordered = operator.do(
        f"pay out {currency} {period}", "/operator/v1/payouts", {"currency": currency, "period": period}
    )
    if ordered["left_out"]:
        raise DemoFailed(f"not paid: {ordered['left_out']}")
    payouts: list[dict[str, Any]] = ordered["payouts"]
    for key in PAYEES:
        party, portal = trade.market[key], BY_KEY[key].portal
        for payout in payouts:
            if payout["organisation"] == party.organisation and (by_bank or payout["rail"] != "bank"):
                paid = trade.market.origin.wait(partial(_paid, party, portal, payout["id"]), payout["id"])
                telling.say(
                    "paid-out",
                    role=telling.text(f"role.{key}"),
                    amount=money(paid["amount"]),
                    rail=paid["rail"].capitalize(),
                )
    return payouts


# The money has left the exchange: it lies at the payee's account with the provider, or at its bank already.
_GONE = ("sent", "paid")


def _paid(party: Party, portal: str, payout: str) -> Any:
    found = next(one for one in party.items(f"{portal}/payouts") if one["id"] == payout)
    if found["state"] == "failed":
        raise DemoFailed(f"{payout} failed: {found['failure']}")
    return found if found["state"] in _GONE else None


def _show_balance(trade: Trade) -> None:
    """The trial balance sums to zero, and who got what."""
    operator, telling = trade.market["operator"], trade.market.telling
    for trial in operator.get("/operator/v1/trial-balance")["items"]:
        currency = trial["currency"]
        total = sum((Decimal(line["sum"]["amount"]) for line in trial["accounts"]), Decimal())
        if total or not trial["balanced"]:
            raise DemoFailed(f"the trial balance of {currency} is {total}")
        rows = [
            [telling.text(f"account.{line['account']}"), amount(Decimal(line["sum"]["amount"]))]
            for line in trial["accounts"]
        ]
        telling.table([telling.text("column.account"), currency], [row for row in rows if row[1] != "0.00"])
        telling.say("zero", currency=currency)
    found = operator.get("/operator/v1/findings")
    if not found["sound"]:
        raise DemoFailed(f"the facts do not agree: {found['findings']}")
    telling.say("sound")


def who_got_what(trade: Trade, currency: str) -> list[list[str]]:
    """The rows of a last table: who, and how much came or went; what came in less what went out is nothing.

    errors   raises DemoFailed where money is missing
    """
    market, telling = trade.market, trade.market.telling
    buyer = market["buyer"]
    paid = (one["amount"] for one in buyer.items("/buyer/v1/payments") if one["state"] == "succeeded")
    rows = [(telling.text("row.paid"), -_total(paid, currency))]
    rows.append((telling.text("row.wallet"), _total(buyer.get("/buyer/v1/wallet")["balances"], currency)))
    for key in (*PAYEES, "arbitrator"):
        party, portal = market[key], BY_KEY[key].portal
        got = (one["amount"] for one in party.items(f"{portal}/payouts") if one["state"] in _GONE)
        rows.append((telling.text("row.payee", role=telling.text(f"role.{key}")), _total(got, currency)))
    trials = market["operator"].get("/operator/v1/trial-balance")["items"]
    trial = [line for one in trials if one["currency"] == currency for line in one["accounts"]]
    kept = (
        ("row.rest", "payable"),
        ("row.fee", "revenue"),
        ("row.tax", "tax"),
        ("row.input-tax", "input_tax"),
        ("row.rounding", "rounding"),
    )
    for row, account in kept:
        sums = (line["sum"] for line in trial if line["account"] == account)
        rows.append((telling.text(row), _total(sums, currency)))
    rows = [row for row in rows if row[1]]
    left = sum((value for _, value in rows), Decimal())
    if left:
        raise DemoFailed(f"{left} {currency} are unaccounted for")
    return [[who, amount(value)] for who, value in [*rows, (telling.text("row.sum"), left)]]


def _total(amounts: Iterable[dict[str, str]], currency: str) -> Decimal:
    return sum((Decimal(one["amount"]) for one in amounts if one["currency"] == currency), Decimal())


def _instant(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
