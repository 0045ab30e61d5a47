"""An auction over HTTP: an offer that can be auctioned, its bidders, and a clock that only the test moves."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from exchange import main
from exchange.flows.register_organisation import Registered
from exchange.kernel.clock import FixedClock
from exchange.kernel.money import Money
from exchange.worker.loop import drain
from settlement import postings
from settlement.store import ledger
from tests.support.api import Market, Party
from tests.support.trade import component, offer_document, on_sale

AUCTIONED = offer_document("one_off", component({"type": "auction"}))


def amount(major: str, currency: str = "CNY") -> dict[str, str]:
    """An amount on the wire."""
    return {"amount": major, "currency": currency}


@dataclass
class AuctionHouse:
    """A listing with an offer to auction, its supplier, and buyers by name."""

    market: Market
    clock: FixedClock
    listing: str = ""
    offer: str = ""
    parties: dict[str, Party] = field(default_factory=dict)

    async def furnish(self, *buyers: str) -> None:
        """A published listing with the offer `sole`, and buyers."""
        sold = await on_sale(self.market)
        self.listing, self.parties["supplier"] = sold.listing, sold.supplier
        body = {"code": "sole", "document": AUCTIONED}
        made = await self.market.done(sold.supplier, f"/supplier/v1/listings/{sold.listing}/offers", body)
        self.offer = made["id"]
        for name in buyers:
            self.parties[name] = await self.market.join("buyer", name=name)

    async def pass_by(self, hours: float) -> None:
        """Let the clock run (or jump back), and let everybody sign in again."""
        self.clock.advance(timedelta(hours=hours).total_seconds())
        for name, party in self.parties.items():
            again = await self.market.sign_in(
                Registered(party.organisation, "verified", "", party.client), party.secret
            )
            self.parties[name] = replace(party, token=again.token)

    async def work(self) -> None:
        """What the worker does by the clock."""
        services = self.market.services
        await main.schedule(services).auctions()
        await drain(services.db, main.steps(services).table())

    async def fund(self, name: str, major: int) -> None:
        """Put money into a buyer's wallet."""
        db = self.market.services.db
        money = postings.top_up(db.ids.new(db.clock.now()), self.parties[name].id, Money(major * 10**6, "CNY"))
        await db.run(lambda tx: ledger.post(tx, [money]))

    async def open(self, reserve: str = "500.00", *, hours: int = 24, **more: Any) -> str:
        """Open an auction now."""
        ends: datetime = self.clock.now() + timedelta(hours=hours)
        wish = {
            "offer": self.offer,
            "exclusive": "exclusive",
            "reserve": amount(reserve),
            "closes_at": ends.isoformat(),
            **more,
        }
        made = await self.market.done(self.parties["supplier"], "/supplier/v1/auctions", wish)
        auction: str = made["id"]
        return auction

    async def bid(self, name: str, auction: str, major: str) -> tuple[int, dict[str, Any]]:
        """Bid for pretraining; status and answer."""
        wish = {"amount": amount(major), "purposes": ["pretrain"]}
        answer = await self.market.post(self.parties[name], f"/buyer/v1/auctions/{auction}/bids", wish)
        return answer.status_code, answer.json()

    async def seen(self, name: str, auction: str) -> dict[str, Any]:
        """The auction as one of its sides sees it."""
        portal = "supplier" if name == "supplier" else "buyer"
        answer = await self.market.get(self.parties[name], f"/{portal}/v1/auctions/{auction}")
        assert answer.status_code == 200, answer.text
        page: dict[str, Any] = answer.json()
        return page
