"""What the operator's money desk has of the first tenant: nobody else may find any of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import partial

from exchange.flows.approvals import ask
from exchange.flows.call_provider import open_item
from exchange.flows.prove_money import prove_money
from exchange.flows.reconcile import reconcile_next, record_movements
from exchange.kernel import ids
from exchange.kernel.money import Money
from settlement.chargebacks import Chargeback, ChargebackState
from settlement.dunning import Case, Stage
from settlement.open_items import ItemKind, Opened
from settlement.recon import Item, Place
from settlement.store import dunning as stored_cases
from settlement.store import own_sweeps
from settlement.store.chargebacks import insert_chargeback
from settlement.store.own_sweeps import OwnSweep
from tests.support.api import Market, Party

_IBAN = {"scheme": "iban", "holder": "Works", "account": "DE89370400440532013000"}


async def furnish_money(m: Market, first: Mapping[str, Party], objects: Mapping[str, str]) -> dict[str, str]:
    """Something of every kind, by the names that routes use."""
    operator, db = await m.operator(), m.services.db
    await db.run(partial(open_item, opened=Opened(ItemKind.DISPUTE, "du_1Test", {"status": "needs_response"})))
    made = {"item": (await m.get(operator, "/operator/v1/open-items")).json()["items"][0]["id"]}
    asked = await db.run(lambda tx: ask(tx, operator.actor, "payout-batch", "bat_1", bytes(32)))
    # Of the operator alone; no portal shows them to anybody else.
    names = {"approval": "apv", "account": "bac", "batch": "bat", "line": "cdl"}
    made |= {name: ids.text(prefix, asked) for name, prefix in names.items()}
    for role in ("supplier", "assessor"):
        named = await m.done(first[role], f"/{role}/v1/bank-destinations", _IBAN)
        made |= {"destination": named["id"], f"destination@{role}": named["id"]}
    kept = await m.done(first["buyer"], "/buyer/v1/payment-methods", {"payment_method": "pm_card_visa"})
    made["payment_method"] = kept["id"]
    return made | await _taken_back(m, first, objects["payment"]) | await _books(m)


async def _taken_back(m: Market, first: Mapping[str, Party], payment: str) -> dict[str, str]:
    """A chargeback, and a case of dunning."""
    payer, db = first["buyer"].id, m.services.db
    day, money = db.clock.now(), Money(5_000_000, "CNY")
    name = ids.derived(day, "chargeback")
    case = Chargeback(
        name, "du_1Other", ids.parse("pay", payment), payer, None, money, "fraudulent",
        ChargebackState.NEEDS_RESPONSE, day, Money.zero("CNY"), due_at=day + timedelta(days=7),
    )  # fmt: skip
    await db.run(partial(insert_chargeback, one=case))
    dunned = Case(db.ids.new(day), payer, first["supplier"].id, "CNY", Stage.OPENED, day, day)
    await db.run(lambda tx: stored_cases.insert_case(tx, dunned))
    return {"chargeback": ids.text("cbk", name), "dunning_case": ids.text("dun", dunned.id)}


async def _books(m: Market) -> dict[str, str]:
    """A movement that stopped reconciliation, a proof, and own money that is to be taken."""
    db, now = m.services.db, m.services.db.clock.now()
    cny, zero = Money(-1_000_000, "CNY"), Money.zero("CNY")
    odd = Item("txn_1Test", "moon_landing", "other", cny, zero, cny, "", now, now)
    place = Place("stripe", "", "CNY")
    await db.run(lambda tx: record_movements(tx, place, [odd]))
    await db.run(partial(reconcile_next, place=place))
    made, _ = await db.run(lambda tx: prove_money(tx, {}, {}))
    sweep = OwnSweep(made[0].id, Money(1_000_000, "CNY"), "Commission", bytes(32), now)
    await db.run(lambda tx: own_sweeps.put_sweep(tx, sweep, made[0].id))
    return {"movement": odd.id, "proof": ids.text("rsc", made[0].id), "sweep": ids.text("rsc", sweep.id)}
