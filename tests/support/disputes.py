"""A market in which people disagree: a seller, a broker with a share, a buyer, two arbitrators, and a clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import Any

from exchange import main
from exchange.flows.disputing import record
from exchange.flows.open_payout_account import record_payout_account
from exchange.kernel import ids
from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Tx
from exchange.kernel.money import Money
from exchange.worker.loop import drain
from settlement import postings
from settlement.accounts import AccountKey, debt, held, payable, wallet
from settlement.disputes import Dispute, Kind, Move, State
from settlement.payout_accounts import PayoutAccountState
from settlement.payouts import Rail
from settlement.store import audit, disputes, ledger, payout_accounts
from tests.support.api import Market, Party
from tests.support.trade import component, offer_document, on_sale

CLAIM = {"en": "A tenth of the records is empty.", "zh": "十分之一的记录为空。"}
REPLY = {"en": "They are empty at the source, as described."}
WHY = {"en": "Both sides were heard.", "zh": "已听取双方意见。"}
COIN = 10_000


def cny(amount: str) -> dict[str, str]:
    """An amount as the API takes it."""
    return {"amount": amount, "currency": "CNY"}


@dataclass
class Court:
    """Everybody who takes part, and shortcuts to what they do over HTTP."""

    m: Market
    clock: FixedClock
    supplier: Party
    broker: Party
    buyer: Party
    stranger: Party
    arbitrators: list[Party]
    listing: str
    offers: dict[str, str] = field(default_factory=dict)

    async def buy(self, offer: str = "once", buyer: Party | None = None) -> dict[str, Any]:
        """Place an order from the wallet."""
        wish = {"offer": self.offers[offer], "purposes": ["pretrain"], "payment": "wallet"}
        return await self.m.done(buyer or self.buyer, "/buyer/v1/orders", wish)

    async def accepted(self) -> str:
        """An order whose delivery was accepted, so that its shares are payable."""
        order = str((await self.buy())["id"])
        await self.m.done(self.buyer, f"/buyer/v1/orders/{order}/acceptance")
        return order

    async def open(self, who: Party, kind: str, source: str, amount: str | None = None, **more: Any) -> str:
        """Open a dispute; its id."""
        wish: dict[str, Any] = {"kind": kind, "source": source, "words": CLAIM, **more}
        if amount is not None:
            wish["amount"] = cny(amount)
        made = await self.m.done(who, f"{self.portal(who)}/disputes", wish)
        assert made["state"] == "open", made
        return str(made["id"])

    async def do(self, who: Party, dispute: str, verb: str, body: Any = None, refused: str = "") -> Any:
        """One command of a party; it must succeed, or be refused with this problem."""
        return await self._post(who, f"{self.portal(who)}/disputes/{dispute}/{verb}", body, refused)

    async def rule(self, arbitrator: Party, dispute: str, verb: str, body: Any = None, refused: str = "") -> Any:
        """One command of an arbitrator."""
        return await self._post(arbitrator, f"/assessor/v1/cases/{dispute}/{verb}", body, refused)

    async def assign(self, dispute: str, arbitrator: Party, refused: str = "") -> Any:
        """The operator asks an arbitrator."""
        path = f"/operator/v1/disputes/{dispute}/arbitrator"
        return await self._post(await self.m.operator(), path, {"organisation": arbitrator.organisation}, refused)

    async def hear(self, dispute: str, arbitrator: Party, **award: Any) -> Any:
        """Assigned, taken up and decided."""
        await self.assign(dispute, arbitrator)
        await self.rule(arbitrator, dispute, "acceptance")
        return await self.rule(arbitrator, dispute, "decision", {"words": WHY, **award})

    async def show(self, who: Party, dispute: str) -> dict[str, Any]:
        """The dispute as a party reads it."""
        answer = await self.m.get(who, f"{self.portal(who)}/disputes/{dispute}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def days(self, days: float) -> None:
        """Let days pass, and the clock do what it does."""
        self.clock.advance(timedelta(days=days).total_seconds())
        schedule = main.schedule(self.m.services)
        await schedule.settle_disputes()
        await schedule.cover_disputes()

    async def pay_out(self, period: str) -> list[dict[str, Any]]:
        """Order payouts; they wait, as no Stripe is there."""
        wish = {"currency": "CNY", "period": period}
        done = await self.m.done(await self.m.operator(), "/operator/v1/payouts", wish)
        found: list[dict[str, Any]] = done["payouts"]
        return found

    async def money(self, *keys: AccountKey) -> list[int]:
        """What is in these accounts, in coins."""
        sums = await self.m.services.db.run(lambda tx: ledger.sums(tx, list(keys)))
        assert all(sums[key] % COIN == 0 for key in keys), sums
        return [sums[key] // COIN for key in keys]

    async def of(self, who: Party) -> dict[str, int]:
        """What an organisation has where, in coins; nothings left out."""
        made = {"payable": payable, "held": held, "debt": debt, "wallet": wallet}
        found = await self.money(*(one(who.id, "CNY") for one in made.values()))
        return {name: units for name, units in zip(made, found, strict=True) if units}

    async def sound(self) -> None:
        """The books agree with themselves."""
        assert await self.m.services.db.run(audit.check) == []

    def portal(self, who: Party) -> str:
        """Where a party disputes."""
        if who is self.supplier:
            return "/supplier/v1"
        return "/assessor/v1" if who is self.broker or who in self.arbitrators else "/buyer/v1"

    async def work(self) -> None:
        """Run every job that is due."""
        await drain(self.m.services.db, main.steps(self.m.services).table())

    async def _post(self, who: Party, path: str, body: Any, refused: str) -> Any:
        answer = await self.m.post(who, path, body)
        if refused:
            assert answer.json().get("type") == f"/problems/{refused}", f"{path}: {answer.text}"
        else:
            assert answer.status_code < 300, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()


async def court(m: Market, clock: FixedClock) -> Court:
    """Open it: one listing with an offer for once and one by use, of which the broker gets a share."""
    sale = await on_sale(m)
    broker = await m.join("broker")
    buyer, stranger = await m.join("buyer"), await m.join("buyer")
    arbitrators = [await m.join("arbitrator") for _ in range(2)]
    made = Court(m, clock, sale.supplier, broker, buyer, stranger, arbitrators, sale.listing)
    use = component({"type": "per_unit", "unit_price": "0.10"}, "records", "month")
    for code, document in (("once", offer_document()), ("use", offer_document("pay_per_use", use))):
        share = {"role": "broker", "weight": 1000, "organisation": broker.organisation}
        document["shares"] = [{"role": "supplier", "weight": 8000}, share, {"role": "platform", "weight": 1000}]
        wish = {"code": f"shared-{code}", "document": document}
        path = f"/supplier/v1/listings/{sale.listing}/offers"
        made.offers[code] = (await m.done(sale.supplier, path, wish))["id"]
    db = m.services.db

    async def furnish(tx: Tx) -> None:
        for one in (buyer, stranger):
            await ledger.post(tx, [postings.top_up(tx.new_id(), one.id, Money(5_000_000_000, "CNY"))])
        for n, payee in enumerate((sale.supplier, broker)):
            await payout_accounts.open_account(tx, payee.id, Rail.STRIPE, "CN")
            await record_payout_account(tx, payee.id, PayoutAccountState.ACTIVE, f"acct_{n}Test")

    await db.run(partial(furnish))
    return made


async def furnish_disputes(m: Market, parties: Mapping[str, Party], charge: str) -> dict[str, str]:
    """One dispute of buyer and supplier that the service provider arbitrates, and one of its own with the supplier."""
    buyer, supplier, provider = (parties[role] for role in ("buyer", "supplier", "assessor"))
    wish = {"kind": "usage", "source": charge, "amount": cny("0.10"), "words": CLAIM}
    found = {"dispute": (await m.done(buyer, "/buyer/v1/disputes", wish))["id"]}
    at = f"/buyer/v1/disputes/{found['dispute']}"
    file = {"name": "a.csv", "media_type": "text/csv", "content": "YQ=="}
    await m.done(buyer, f"{at}/evidence", {"title": WHY, "file": file})
    await m.done(buyer, f"{at}/escalation")
    found["dispute_evidence"] = (await m.get(buyer, at)).json()["evidence"][0]["id"]

    async def arbitrate(tx: Tx) -> None:
        case = await disputes.get_dispute(tx, ids.parse("dsp", found["dispute"]), lock=True)
        assert case is not None
        await disputes.move_dispute(tx, replace(case, arbitrator_id=provider.id))
        sides = supplier.id, provider.id, provider.id
        one = Dispute(
            tx.new_id(), Kind.SPLIT, "order", case.order_id, case.order_id, *sides, case.amount, State.OPEN, tx.now
        )
        await record(tx, one, Move.OPEN, provider.actor, None, CLAIM, new=True)
        found["dispute@assessor"] = ids.text("dsp", one.id)

    await m.services.db.run(arbitrate)
    at = f"/assessor/v1/disputes/{found['dispute@assessor']}"
    await m.done(provider, f"{at}/evidence", {"title": WHY, "file": file})
    found["dispute_evidence@assessor"] = (await m.get(provider, at)).json()["evidence"][0]["id"]
    return {**found, "case": found["dispute"], "case_evidence": found["dispute_evidence"]}
