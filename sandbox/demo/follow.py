"""One euro and one yuan, followed from the buyer to every payee, and back through a part of a refund and the whole."""

from __future__ import annotations

import shlex
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from sandbox.demo.client import DemoFailed
from sandbox.demo.market import Market
from sandbox.demo.telling import amount, money
from sandbox.demo.trade import Bought, Trade, by_bank, by_card, place

STAGES = ("bought", "settled", "partly", "whole")
# What is bought in each currency, what is paid in for it and how, and what goes back first.
EURO_TOP_UP, YUAN_TOP_UP = "106.00", "1272.00"
FIRST_BACK = {"EUR": "33.33", "CNY": "500.01"}
_EDGE = ("stripe", "bank")


@dataclass
class Followed:
    """An order whose money is followed, and where its money was after each stage, as the exchange's trace says."""

    currency: str
    bought: Bought
    stages: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def paid(self) -> Decimal:
        """All that was paid for the order."""
        return Decimal(self.bought.total["amount"])


def buy(trade: Trade) -> list[Followed]:
    """Pay in euro by card and yuan by bank, buy a copy with each, and see where the money is.

    errors   raises DemoFailed
    """
    market = trade.market
    with market.telling.step("follow", market.origin):
        by_card(trade, "euro by card", {"amount": EURO_TOP_UP, "currency": "EUR"})
        by_bank(trade, "yuan by bank", {"amount": YUAN_TOP_UP, "currency": "CNY"})
        found = [Followed("EUR", place(trade, "zh_poems", "once-eur", {}))]
        again = {"command": "order zh_poems once again"}
        found.append(Followed("CNY", place(trade, "zh_poems", "once", {}, name="zh_poems/again", **again)))
        for one in found:
            _stage(market, one, "bought")
    return found


def settled(trade: Trade, followed: list[Followed]) -> None:
    """See where the money is after acceptance and the settlement run.

    errors   raises DemoFailed
    """
    for one in followed:
        _stage(trade.market, one, "settled")


def give_back(trade: Trade, followed: list[Followed], home: Path) -> None:
    """Refund a part of each order, then all the rest, and see that nobody keeps anything but the buyer.

    errors   raises DemoFailed
    """
    market, telling = trade.market, trade.market.telling
    with telling.step("back", market.origin):
        for stage in STAGES[2:]:
            for one in followed:
                _refund(market, one, stage)
                _stage(market, one, stage)
        for one in followed:
            _nothing_is_left(market, one)
            _show_table(market, one)
        (euro,) = (row for row in market["buyer"].get("/buyer/v1/wallet")["balances"] if row["currency"] == "EUR")
        if Decimal(euro["amount"]) != Decimal(EURO_TOP_UP):
            raise DemoFailed(
                f"{EURO_TOP_UP} EUR were paid in, nothing was kept, and {euro['amount']} are in the wallet"
            )
        telling.say("line-by-line")
        for one in followed:
            telling.raw(command(one, home, telling.language))


def command(one: Followed, home: Path, language: str) -> str:
    """The command that shows every step of an order's money."""
    beside = Path(sys.executable).with_name("exchange")
    words = shlex.join(
        [str(beside) if beside.exists() else "exchange", "ledger", "trace", one.bought.order, "--lang", language]
    )
    return f"EXCHANGE_HOME={shlex.quote(str(home))} {words}"


def _refund(market: Market, one: Followed, stage: str) -> None:
    wish: dict[str, Any] = {"reason": "goodwill"}
    if stage == "partly":
        wish["amount"] = {"amount": FIRST_BACK[one.currency], "currency": one.currency}
    at = f"/supplier/v1/orders/{one.bought.order}/refunds"
    made = market["supplier"].do(f"refund {one.bought.order} {stage}", at, wish)
    if made["full"] != (stage == "whole"):
        raise DemoFailed(f"{made['id']} is {'' if made['full'] else 'not '}the whole of {one.bought.order}")
    telling = market.telling
    telling.say("refunded", amount=money(made["amount"]), paid=money(made["paid"]), refunded=money(made["refunded"]))


def _stage(market: Market, one: Followed, stage: str) -> None:
    """Ask where the order's money is, add it up again, and tell it for one unit."""
    told = market["operator"].get(f"/operator/v1/ledger/traces/{one.bought.order}")
    holders = _added_up(one, told)
    one.stages[stage] = holders
    telling, whole = market.telling, one.paid
    if stage == "bought":
        came: dict[str, Decimal] = defaultdict(Decimal)
        for row in told["origins"]:
            came[row["account"]["kind"]] += Decimal(row["amount"]["amount"])
        origins = telling.join(f"{telling.text(f'came.{kind}')} {amount(units)}" for kind, units in came.items())
        telling.say("came-from", order=one.bought.order, total=money(one.bought.total), origins=origins)
    places = {_who(row["account"]): row["account"]["kind"] for row in told["ends"]}
    parts = [
        telling.text(f"at.{places[who]}", who=_name(market, who), part=amount(round(held / whole, 6)))
        for who, held in holders.items()
        if held
    ]
    telling.say(f"stage.{stage}", currency=one.currency, parts=telling.join(parts))


def _added_up(one: Followed, told: dict[str, Any]) -> dict[str, Decimal]:
    """What each holder has: as the trace says, and once more as what came less what went in all of its steps."""
    moved: dict[str, Decimal] = defaultdict(Decimal)
    for step in told["steps"]:
        moved[_who(step["from_account"])] -= Decimal(step["amount"]["amount"])
        moved[_who(step["to_account"])] += Decimal(step["arrived"]["amount"])
    said = {row["organisation"] or row["account"]: Decimal(row["amount"]["amount"]) for row in told["holders"]}
    inside = {who: units for who, units in moved.items() if who not in _EDGE}
    began = {row["account"]["kind"] for row in told["origins"]}
    if said != inside or sum(said.values()) != one.paid or not began <= set(_EDGE):
        raise DemoFailed(f"the money of {one.bought.order} is with {said}, its steps say {inside}, it began at {began}")
    return said


def _nothing_is_left(market: Market, one: Followed) -> None:
    """After the full refund the buyer has the whole sum, and everybody who had a part has exactly nothing."""
    had, have = one.stages["bought"], one.stages["whole"]
    buyer = market["buyer"].organisation
    kept = {who: units for who, units in have.items() if who != buyer and units}
    if kept or have[buyer] != one.paid or set(had) != set(have):
        raise DemoFailed(f"after the full refund of {one.bought.order} there is still {kept}")
    market.telling.say("all-back", total=money(one.bought.total), payees=len(have) - 1)


def _show_table(market: Market, one: Followed) -> None:
    telling = market.telling
    rows = [[_name(market, who), *(amount(one.stages[stage][who]) for stage in STAGES)] for who in one.stages["whole"]]
    rows.append([telling.text("row.sum"), *(amount(sum(one.stages[stage].values(), Decimal())) for stage in STAGES)])
    heads = [telling.text("column.held", currency=one.currency), *(telling.text(f"column.{one}") for one in STAGES)]
    telling.table(heads, rows)


def values(market: Market, one: Followed, home: Path) -> dict[str, Any]:
    """The same as values: by stage, who held how much of the order's money."""
    return {
        "order": one.bought.order,
        "paid": one.bought.total["amount"],
        "command": command(one, home, market.telling.language),
        "stages": {
            stage: [{"who": _key(market, who), "amount": str(units)} for who, units in held.items()]
            for stage, held in one.stages.items()
        },
    }


def _who(account: dict[str, Any]) -> str:
    return str(account["organisation"] or account["kind"])


def _name(market: Market, who: str) -> str:
    return market.name(who) if who.startswith("org_") else market.telling.text(f"account.{who}")


def _key(market: Market, who: str) -> str:
    return next((key for key, party in market.parties.items() if party.organisation == who), who)
