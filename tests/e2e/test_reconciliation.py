"""Every movement at Stripe finds its journal or stops, through the real SDK against the sandbox; and clients' money is proved."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest_asyncio

from exchange.flows.approvals import Decided, decide
from exchange.flows.refund_to_card import CardRefundReceipt, refund_to_card
from exchange.flows.resolve_stop import StopResolution, propose_resolution
from exchange.kernel import ids, jobs
from exchange.kernel.actor import Actor
from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Database
from exchange.kernel.jobs import Job
from exchange.kernel.keys import Keyring
from exchange.kernel.metrics import exposition
from exchange.kernel.money import Money
from exchange.kernel.pages import PageRequest
from exchange.worker.recon_steps import PROVE_MONEY, RECONCILE
from settlement.accounts import AccountKind
from settlement.approvals import ApprovalState
from settlement.payments import PaymentState
from settlement.recon_templates import Remedy
from settlement.store import audit, payments, recon
from settlement.store.proofs import list_proofs, proof_document
from settlement.store.recon import ItemRow
from tests.support.settlement_market import BUYER, OPERATOR, actor
from tests.support.stripe_market import KEY, YUAN, Desk, desk_at
from tests.support.stripe_story import story, with_fees
from tests.support.superuser import edit

FIRST = actor(OPERATOR, "operator")
SECOND = Actor(OPERATOR, UUID(int=OPERATOR.int + 101), FIRST.roles, FIRST.scopes, "jti2")


@pytest_asyncio.fixture
async def desk(database: Database, clock: FixedClock, keyring: Keyring) -> AsyncIterator[Desk]:
    """A seller with 240.00 to be paid, an account at Stripe; Stripe takes 2.9 %."""
    async with desk_at(database, clock, "--payout-s", "0.1", "--fee-bps", "290", "--dispute-fee", "1500") as made:
        await made.earn(keyring)
        yield made


async def door(desk: Desk, name: str, **asked: Any) -> dict[str, Any]:
    """What a test makes happen at Stripe."""
    headers = {"authorization": f"Bearer {KEY}"}
    reply = await desk.line.http.post(f"{desk.line.target}/_sandbox/{name}", json=asked, headers=headers)
    assert reply.is_success, reply.text
    made: dict[str, Any] = reply.json()
    return made


async def inject(desk: Desk, kind: str, amount: int, source: str | None = None, **more: Any) -> str:
    """A movement of any type on our balance at Stripe."""
    asked = {"type": kind, "amount": amount, "source": source, "currency": "cny", **more}
    return str((await door(desk, "transaction", **asked))["id"])


async def run(desk: Desk, kind: str = RECONCILE) -> dict[str, Any]:
    """One reconciliation, or one proof; what it says."""
    name = f"test:{desk.database.ids.new(desk.clock.now())}"
    (job_id,) = await desk.database.run(lambda tx: jobs.put(tx, Job(kind, name, {})))
    await desk.work()
    found = await desk.database.run(lambda tx: jobs.listed(tx, kind=kind))
    job = next(one for one in found if one.id == job_id)
    assert job.result is not None, job.error
    return job.result


async def items(desk: Desk) -> dict[str, ItemRow]:
    page = await desk.database.run(partial(recon.list_items, request=PageRequest(200), open_only=False))
    return {one.item.id: one for one in page.items}


async def logged(desk: Desk) -> list[str]:
    """What the log has of stops, in its order."""
    rows = await desk.rows("SELECT envelope FROM compliance.audit_entry ORDER BY seq")
    actions = [msgspec.json.decode(row[0])["action"] for row in rows]
    return [one for one in actions if one.startswith("reconciliation.")]


def alarmed() -> float:
    """How often the alarm went off that an alert watches."""
    said = re.search(r'exchange_open_items_total{kind="reconciliation-stopped"} (\S+)', exposition().decode())
    return float(said[1]) if said else 0.0


async def held(desk: Desk) -> dict[str, int]:
    """The exchange's own accounts, in coins."""
    sums = (await desk.database.run(audit.trial_balance))["CNY"]
    kinds = ("stripe", "fees", "sweep", "reserve", "disputed", "suspense")
    return {kind: sums[kind] // 10_000 for kind in kinds if sums.get(kind)}


async def there(desk: Desk) -> int:
    """What Stripe says lies there, in coins."""
    said = await desk.ask("GET", "/v1/balance")
    return sum(one["amount"] for one in (*said["available"], *said["pending"]) if one["currency"] == "cny")


async def proofs(desk: Desk) -> list[dict[str, Any]]:
    """The proofs so far, newest first."""
    page = await desk.database.run(partial(list_proofs, request=PageRequest(200)))
    documents = [await desk.database.run(partial(proof_document, proof_id=one.id)) for one in page.items]
    return [msgspec.json.decode(one) for one in documents if one is not None]


async def test_every_movement_finds_its_journal_whoever_comes_first(desk: Desk) -> None:
    await desk.fill_stripe(500 * YUAN)
    paid = await desk.top_up(100 * YUAN)
    await desk.work()
    # Its answer is lost, nobody tells of it, and its job is given up: only reconciliation sees that the money is there.
    lost = await desk.top_up(50 * YUAN)
    desk.line.trouble("POST /v1/payment_intents", "lost")
    await desk.work()
    await desk.order_payout()
    await desk.work()
    await inject(desk, "stripe_fee", -150)
    await inject(desk, "reserve_hold", -2_000)
    await inject(desk, "payment_network_reserve_release", 500)
    said = await run(desk)
    assert (said["new"], said["stopped"]) == (7, {})
    made = await items(desk)
    states = {(one.item.type, one.state) for one in made.values()}
    assert states == {
        ("topup", "booked"),
        ("charge", "matched"),
        ("transfer", "matched"),
        ("stripe_fee", "booked"),
        ("reserve_hold", "booked"),
        ("payment_network_reserve_release", "booked"),
    }
    known = await desk.database.run(partial(payments.get_payments, payment_ids=[paid, lost]))
    assert {one.state for one in known.values()} == {PaymentState.SUCCEEDED}
    # 2.9 % of 100.00 and 50.00, and 1.50. What the market's wallets were filled with never was at Stripe: 1,000.00.
    assert await held(desk) == {
        "stripe": -100_000 - await there(desk),
        "fees": -585,
        "sweep": 50_000,
        "reserve": -1_500,
    }
    # The late answer, the webhooks and all of it again change nothing.
    before = await desk.database.run(audit.trial_balance)
    await desk.work_later()
    assert (await run(desk))["new"] == 0
    assert await desk.database.run(audit.trial_balance) == before
    await desk.sound()


async def test_what_goes_back_is_matched_with_what_its_flows_book(desk: Desk) -> None:
    paid = await desk.top_up(100 * YUAN)
    other = await desk.top_up(60 * YUAN)
    await desk.work()
    wish = partial(refund_to_card, payment_id=paid, amount=Money(40 * YUAN, "CNY"))
    refund = await desk.database.run(lambda tx: wish(tx, actor(BUYER, "buyer")))
    assert isinstance(refund, CardRefundReceipt), refund
    await desk.work()
    # Nobody tells of the chargeback: reconciliation is the first to see it.
    (charge,) = [one for one in await desk.there("/v1/charges") if one["metadata"]["payment"] == ids.text("pay", other)]
    await door(desk, "dispute", charge=charge["id"])
    said = await run(desk)
    assert said["stopped"] == {}
    states = {one.item.type: one.state for one in (await items(desk)).values()}
    assert states == {"charge": "matched", "refund": "matched", "adjustment": "matched"}
    assert await held(desk) == {
        "stripe": -100_000 - await there(desk),
        "fees": -290 - 174 - 1_500,
        "disputed": -6_000,
    }
    await door(desk, "return_refund", refund=(await desk.there("/v1/refunds"))[0]["id"])
    assert (await run(desk))["stopped"] == {}
    assert (await held(desk))["stripe"] == -100_000 - await there(desk)
    await desk.sound()


async def test_an_unmapped_type_stops_alerts_and_books_nothing_until_two_have_settled_it(desk: Desk) -> None:
    await desk.fill_stripe(500 * YUAN)
    await run(desk)
    before = await desk.database.run(audit.trial_balance)
    assert await logged(desk) == []
    odd = await inject(desk, "climate_order_purchase", -700, "climorder_1")
    fee = await inject(desk, "stripe_fee", -150)
    alarms = alarmed()
    said = await run(desk)
    assert alarmed() == alarms + 1
    assert await desk.rows("SELECT count(*) FROM settlement.open_item WHERE closed_at IS NULL") == [(1,)]
    assert said["stopped"] == {"CNY": "type-not-ours: climate_order_purchase"}
    assert await desk.database.run(audit.trial_balance) == before
    opened = (await desk.items())["reconciliation-stopped"]
    assert (opened.what.subject, opened.what.about["reason"]) == (odd, "type-not-ours")
    made = await items(desk)
    assert (made[odd].state, made[fee].state) == ("stopped", "waiting")
    assert await logged(desk) == ["reconciliation.stop"]
    # It stays so, and everything else goes on: a top-up is booked by its own flow.
    await desk.top_up(10 * YUAN)
    await desk.work()
    assert (await run(desk))["stopped"] != {}
    assert (await items(desk))[fee].state == "waiting"

    propose = partial(
        propose_resolution, txn_id=odd, remedy=Remedy.SUSPENSE, organisation_id=None, note="Ordered by hand"
    )
    asked = await desk.database.run(lambda tx: propose(tx, FIRST))
    assert isinstance(asked, StopResolution), asked
    assert (await run(desk))["stopped"], "one alone settles nothing"
    approval = ids.parse("apv", asked.approval)
    own = await desk.database.run(lambda tx: decide(tx, FIRST, approval, ApprovalState.APPROVED))
    assert not isinstance(own, Decided)
    await desk.database.run(lambda tx: decide(tx, SECOND, approval, ApprovalState.APPROVED))
    said = await run(desk)
    assert (said["stopped"], said["done"]) == ({}, 3)
    made = await items(desk)
    assert (made[odd].state, made[fee].state) == ("resolved", "booked")
    assert "reconciliation-stopped" not in await desk.items()
    assert (await held(desk))["suspense"] == -700
    assert await logged(desk) == ["reconciliation.stop", "reconciliation.resolve", "reconciliation.go-on"]
    await desk.sound()


async def test_what_is_not_ours_stops_its_own_currency_and_no_other(database: Database, clock: FixedClock) -> None:
    odd = {
        "EUR": (("moon_landing", 100, None), "type-unknown: moon_landing"),
        "USD": (("charge", 100, "ch_nobody"), "object-unknown: ch_nobody"),
        "GBP": (("adjustment", -100, "xx_1"), "source-unknown: xx_1"),
        "HKD": (("transfer", 100, "tr_1"), "sign-differs: 1.00 HKD"),
        "SGD": (("transfer", -100, "tr_1"), "not-booked: tr_1"),
    }
    async with desk_at(database, clock) as desk:
        for currency, ((kind, amount, source), _) in odd.items():
            await inject(desk, kind, amount, source, currency=currency.lower())
        await inject(desk, "stripe_fee", -150)
        assert (await run(desk))["stopped"] == {currency: said for currency, (_, said) in odd.items()}
        assert await desk.database.run(audit.trial_balance) == {"CNY": {"fees": -1_500_000, "stripe": 1_500_000}}


async def test_clients_money_is_proved_by_name_and_a_difference_is_an_alarm(desk: Desk) -> None:
    await desk.fill_stripe(500 * YUAN)
    await desk.top_up(100 * YUAN)
    await desk.work()
    said = await run(desk, PROVE_MONEY)
    (proof,) = await proofs(desk)
    place = proof["places"][0]
    # The market's wallets were filled past Stripe: the books have 1,000.00 more there, and it stands by its name.
    assert (place["place"], place["difference"], proof["difference"]) == ("stripe", "0.00", "0.00")
    assert (place["ours"]["count"], place["ours"]["amount"]) == (1, "1000.00")
    assert (place["theirs"]["count"], said["differs"]) == (0, {})
    assert proof["between"]["sweep"] == "-500.00"

    # Stripe moves what it does not list: nothing explains it.
    def less(body: dict[str, Any]) -> None:
        body["available"][0]["amount"] -= 123

    # Reconciled, and asked once more: the balance, its list, and the balance.
    for _ in range(3):
        desk.line.trouble(
            "GET /v1/balance", "changed", lambda body: less(body) if body["object"] == "balance" else None
        )
    said = await run(desk, PROVE_MONEY)
    assert said["differs"] == {"CNY": "1.23 CNY"}
    assert (await desk.items())["money-differs"].what.subject == "CNY"
    # What waits behind a stop has its name.
    odd = await inject(desk, "climate_order_purchase", -700, "climorder_1")
    said = await run(desk, PROVE_MONEY)
    assert said["differs"] == {}
    assert "money-differs" not in await desk.items()
    (place, *_) = (await proofs(desk))[0]["places"]
    assert place["theirs"]["oldest"][0] | {"at": ""} == {
        "ref": odd,
        "kind": "climate_order_purchase",
        "amount": "-7.00",
        "at": "",
    }
    assert AccountKind.STRIPE.value == place["place"]
    await desk.sound()


async def test_fsck_finds_what_no_journal_moved(desk: Desk, database_url: str) -> None:
    await desk.fill_stripe(500 * YUAN)
    fee = await inject(desk, "stripe_fee", -150)
    await run(desk, PROVE_MONEY)
    await desk.sound()

    async def found() -> set[str]:
        return {one.rule for one in await desk.database.run(audit.check)}

    await edit(database_url, f"UPDATE settlement.recon_item SET net_units = net_units - 1 WHERE txn_id = '{fee}'")
    await edit(database_url, "UPDATE settlement.money_proof SET document = document || 'x'::bytea")
    assert await found() == {"movement-is-its-journals", "proof-has-its-hash"}
    await edit(database_url, f"DELETE FROM settlement.recon_journal WHERE txn_id = '{fee}'")
    await edit(database_url, f"DELETE FROM settlement.recon_done WHERE txn_id = '{fee}'")
    await edit(database_url, "UPDATE settlement.recon_cursor SET recorded = 0")
    assert await found() == {"movement-waits-or-is-done", "movements-are-counted", "proof-has-its-hash"}


async def test_what_stripe_settles_in_another_currency_is_matched_over_conversion(
    origin: str, database_url: str, tmp_path: Path
) -> None:
    """Yuan are paid, euros lie at Stripe: a refund that comes back, a dispute that is won and one that is lost."""
    async with story(origin, database_url, tmp_path, **with_fees(settle_in="eur", fx_ppm=128_370)) as s:
        buyer, operator = await s.m.join("buyer"), await s.m.operator()
        payment = await s.top_up(buyer, "500.01")
        back = {"amount": {"amount": "33.33", "currency": "CNY"}}
        await s.m.done(buyer, f"/buyer/v1/payments/{payment}/card-refunds", back)
        await s.work()
        (refund,) = (await s.stripe.v1.refunds.list_async()).data
        await s.stripe.door("return_refund", refund=refund.id)
        await s.work()
        for note in ("winning_evidence", "losing_evidence"):
            await s.later(60)
            await s.top_up(buyer, "70.07", payment_method="pm_card_createDispute")
            case = (await s.items(operator, "/operator/v1/chargebacks"))[0]
            await s.m.done(operator, f"/operator/v1/chargebacks/{case['id']}/answer", {"note": note})
            await s.work()
        await s.m.services.db.run(lambda tx: jobs.put(tx, Job(PROVE_MONEY, "test", {})))
        await s.work()
        assert (await s.show(operator, "/operator/v1/reconciliation/stops"))["items"][0]["movement"] is None
        made = await s.items(operator, "/operator/v1/reconciliation/movements?limit=200")
        assert {one["state"] for one in made} == {"matched"}
        found: dict[str, set[int]] = {}
        for one in made:
            found.setdefault(one["type"], set()).add(len(one["journals"]))
        # The payment, its way into euros, its fee; what went back with its way, and what came back of it with its own.
        # What a bank takes has a fee, what it gives back has none.
        assert found == {"charge": {3}, "refund": {2}, "refund_failure": {2}, "adjustment": {2, 3}}
        proofs = await s.items(operator, "/operator/v1/money-proofs")
        assert {one["currency"]: one["difference"]["amount"] for one in proofs} == {"CNY": "0.00", "EUR": "0.00"}
        await s.agree()
