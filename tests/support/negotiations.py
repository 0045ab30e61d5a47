"""Negotiations over HTTP: a table, both sides of it, and how to bring it to any state."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import httpx

from exchange.kernel.money import Money
from settlement import postings
from settlement.store import ledger
from tests.support.api import Market, Party
from tests.support.trade import OnSale, component, offer_document, on_sale

NOTE = {"zh": "我们只需要用于评测。"}
PRICE = "250.00"
# What each portal sends, by the message's name.
PATHS = {
    "request": ("buyer", "requests"),
    "accept": ("buyer", "acceptance"),
    "verify": ("buyer", "verification"),
    "offer": ("supplier", "offers"),
    "agree": ("supplier", "agreement"),
    "finalize": ("supplier", "finalization"),
}
# From a buyer's first request to each state.
WAYS = {
    "REQUESTED": (),
    "OFFERED": ("offer",),
    "ACCEPTED": ("offer", "accept"),
    "AGREED": ("offer", "accept", "agree"),
    "VERIFIED": ("offer", "accept", "agree", "verify"),
    "FINALIZED": ("offer", "accept", "agree", "verify", "finalize"),
    "TERMINATED": ("terminate",),
}


def cheaper(amount: str = PRICE) -> dict[str, Any]:
    """The plan of a one-off offer at another price."""
    plan: dict[str, Any] = offer_document("one_off", component({"type": "one_off", "amount": amount}))["plan"]
    return plan


@dataclass(frozen=True, slots=True)
class Table:
    """One negotiation with its two sides."""

    market: Market
    sale: OnSale
    buyer: Party
    supplier: Party
    id: str = ""

    def side(self, portal: str) -> Party:
        """Who sits in a portal."""
        return self.buyer if portal == "buyer" else self.supplier

    def path(self, portal: str, rest: str = "") -> str:
        """Where the negotiation is."""
        return f"/{portal}/v1/negotiations/{self.id}" + (f"/{rest}" if rest else "")

    async def begin(self, **wish: Any) -> Table:
        """A new negotiation, begun by the buyer, about a lower price."""
        body = {"offer": self.sale.offer, "purposes": ["pretrain"], "changes": {"plan": cheaper()}, **wish}
        made = await self.market.done(self.buyer, "/buyer/v1/negotiations", body)
        assert made["state"] == "REQUESTED"
        return replace(self, id=made["id"])

    async def at(self, state: str) -> Table:
        """A new negotiation in a state."""
        table = await self.begin()
        for verb in WAYS[state]:
            answer = await table.send(verb)
            assert answer.status_code == 200, f"{verb}: {answer.status_code} {answer.text}"
        assert (await table.show())["state"] == state
        return table

    async def send(self, verb: str, portal: str | None = None) -> httpx.Response:
        """Send a message as its side would, or from another portal."""
        own, rest = PATHS.get(verb, ("buyer", "termination"))
        portal = portal or own
        return await self.market.post(self.side(portal), self.path(portal, rest), await self.body(verb))

    async def body(self, verb: str) -> dict[str, Any]:
        """A valid body of a message."""
        if verb in ("request", "offer"):
            return {"changes": {"plan": cheaper("260.00")}, "note": NOTE}
        if verb == "verify":
            said = (await self.show())["messages"]
            return {"sha256": next((one["sha256"] for one in said if one["message"] == "agree"), "0" * 64)}
        return {}

    async def show(self, portal: str = "buyer") -> dict[str, Any]:
        """The negotiation with its history."""
        answer = await self.market.get(self.side(portal), self.path(portal))
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


async def fill(m: Market, buyer: Party, major: int) -> None:
    """Put money into a wallet."""
    money = postings.top_up(m.services.db.ids.new(m.services.db.clock.now()), buyer.id, Money(major * 1_000_000, "CNY"))
    await m.services.db.run(lambda tx: ledger.post(tx, [money]))


async def table(m: Market, *, wallet: int = 100_000) -> Table:
    """A listing on sale, its supplier, and a buyer with money."""
    sale, buyer = await on_sale(m), await m.join("buyer")
    if wallet:
        await fill(m, buyer, wallet)
    return Table(m, sale, buyer, sale.supplier)
