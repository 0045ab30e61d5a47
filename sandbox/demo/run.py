"""The whole demo against a running exchange."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sandbox.demo import follow, hooks, money, papers, regulate, settle, trade
from sandbox.demo.client import Origin
from sandbox.demo.clock import Clock
from sandbox.demo.credentials import Credentials
from sandbox.demo.market import seed
from sandbox.demo.telling import Telling
from sandbox.demo.trade import Trade


def run(origin: Origin, credentials: Credentials, telling: Telling, home: Path) -> dict[str, Any]:
    """Fill the market, trade, settle, export; say who got what, and give it as values.

    shapes   `home` is the server's: its clock is moved, and the export is put there
    errors   raises DemoFailed at the first thing that is not as it should be
    """
    clock = Clock(home / "clock")
    began = clock.now()
    month = began.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    market = seed(origin, credentials, telling)
    told = Trade(market, clock)
    with hooks.listening() as there:
        with telling.step("ready", origin):
            found = money.ready(told)
            hooks.subscribe(told, there)
        trade.buy(told)
        followed = follow.buy(told)
        with telling.step("accept", origin):
            trade.accept(told)
        with telling.step("told", origin):
            found.told["told"] = hooks.hear(told, there)
    settle.close_month(told, began, followed, home)
    with telling.step("fiscal", origin):
        money.credit_notes(told, found, home / "papers")
    settle.pay(told, f"{month:%Y-%m}")
    with telling.step("dispute", origin):
        money.open_dispute(told, found)
    with telling.step("decide", origin):
        money.decide(told, found)
    with telling.step("batch", origin):
        money.batch(told, found, home / "bank")
    with telling.step("prove", origin):
        money.prove(told, found)
    settle.balance(told)
    bundle, line = regulate.export(told, month, home / "export")
    agreements, check = papers.take_home(told, home / "agreements")
    got = []
    for currency in sorted({one.currency for one in followed}):
        rows = settle.who_got_what(told, currency)
        telling.opening("who", currency=currency)
        telling.table([telling.text("column.who"), telling.text("column.amount")], rows)
        got += [{"who": who, "amount": amount, "currency": currency} for who, amount in rows]
    return {
        "steps": telling.steps,
        "who_got_what": got,
        "followed": {one.currency: follow.values(market, one, home) for one in followed},
        "money": found.told,
        "export": str(bundle),
        "verify": line,
        "agreements": [str(one) for one in agreements],
        "verify_agreement": check,
        "http_calls": origin.calls,
    }
