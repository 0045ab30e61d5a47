"""The operator's portal on a socket: who may trade, money at the bank, settlement, payouts, jobs, checks, a trace."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest_asyncio

from exchange.flows.call_provider import open_item
from exchange.flows.register_organisation import Registered
from exchange.kernel import ids, jobs
from exchange.worker.loop import drain
from exchange.worker.steps import Steps
from settlement.bank_statement import COLUMNS
from settlement.open_items import ItemKind, Opened
from settlement.payout_accounts import PayoutAccountState
from settlement.payouts import Rail
from settlement.store import payout_accounts
from tests.support import settlement_market as trade
from tests.support.api import Market, Party, market

_QUARTER = timedelta(minutes=15)


@pytest_asyncio.fixture
async def exchange(database_url: str, tmp_path: Path) -> AsyncIterator[Market]:
    """The exchange with the portals of this module."""
    async with market(database_url, tmp_path, only=("operator", "buyer")) as made:
        yield made


@pytest_asyncio.fixture
async def shop(exchange: Market) -> trade.Market:
    """A seller's three offers in the running exchange."""
    return await trade.open_market(exchange.services.db, exchange.services.keyring)


def steps(exchange: Market) -> Steps:
    made = exchange.services
    return Steps(made.db, made.files, made.keyring, None, made.settings, made.sales, made.vault)


async def buy(exchange: Market, shop: trade.Market) -> tuple[Party, dict[str, Any]]:
    buyer = await exchange.join("buyer")
    await shop.fund(buyer.id, 1_000_000_000)
    wish = {"offer": ids.text("ofr", shop.offers["one_off"]), "purposes": ["pretrain"], "payment": "wallet"}
    return buyer, await exchange.done(buyer, "/buyer/v1/orders", wish)


async def test_an_organisation_is_seen_with_its_papers_and_decided_on(exchange: Market) -> None:
    operator = await exchange.operator()
    buyer = await exchange.join("buyer", verified=False)
    blob = await exchange.services.files.put(b"%PDF-1.4 licence")
    paper = {"kind": "business_licence", "media_type": "application/pdf", "content": "JVBERi0xLjQgbGljZW5jZQ=="}
    await exchange.done(buyer, "/buyer/v1/organisation/evidence", {"documents": [paper]})
    (row,) = (await exchange.get(operator, "/operator/v1/organisations", state="submitted")).json()["items"]
    assert row["id"] == buyer.organisation
    path = f"/operator/v1/organisations/{buyer.organisation}"
    detail = (await exchange.get(operator, path)).json()
    (evidence,) = detail["evidence"]
    assert evidence["sha256"] == blob.sha256.hex()
    file = await exchange.get(operator, f"{path}/evidence/{evidence['id']}")
    assert (file.content, file.headers["content-type"]) == (b"%PDF-1.4 licence", "application/octet-stream")
    assert file.headers["x-content-type-options"] == "nosniff"
    wish = {"decision": "verify", "reason": "The licence and the register agree."}
    assert (await exchange.done(operator, f"{path}/decisions", wish))["state"] == "verified"
    again = await exchange.post(operator, f"{path}/decisions", wish)
    assert again.json()["type"] == "/problems/state-conflict"
    away = await exchange.done(operator, f"{path}/decisions", {"decision": "suspend", "reason": "A complaint."})
    assert away["state"] == "suspended"
    assert [one["after"] for one in (await exchange.get(operator, path)).json()["decisions"]][-2:] == [
        "verified",
        "suspended",
    ]


async def test_a_buyer_class_is_claimed_shown_and_confirmed(exchange: Market) -> None:
    body = {
        "name": {"en": "Example University", "zh": "示例大学"},
        "roles": ["buyer"],
        "country": "CN",
        "identifiers": {"uscc": "91110108772551611J"},
        "contact": {"name": "Li Hua", "email": "li.hua@example.com"},
        "buyer_class": "academic",
    }
    joined = (await exchange.http.post("/catalog/v1/organisations", json=body)).json()
    made = Registered(joined["organisation"], joined["state"], joined["member"], joined["client"])
    buyer = await exchange.sign_in(made, joined["client_secret"])
    own = (await exchange.get(buyer, "/buyer/v1/organisation")).json()
    assert (own["buyer_class_claimed"], own["buyer_class"]) == ("academic", None)
    paper = {"kind": "register_extract", "media_type": "application/pdf", "content": "JVBERi0xLjQK"}
    await exchange.done(buyer, "/buyer/v1/organisation/evidence", {"documents": [paper]})
    operator = await exchange.operator()
    path = f"/operator/v1/organisations/{buyer.organisation}"
    row = (await exchange.get(operator, path)).json()["organisation"]
    assert (row["buyer_class_claimed"], row["buyer_class"]) == ("academic", None)
    wrong = await exchange.post(
        operator, f"{path}/decisions", {"decision": "reject", "reason": "No.", "buyer_class": "academic"}
    )
    assert (wrong.status_code, wrong.json()["type"]) == (422, "/problems/buyer-class-misplaced")
    wish = {"decision": "verify", "reason": "A university by its statute.", "buyer_class": "academic"}
    assert (await exchange.done(operator, f"{path}/decisions", wish))["buyer_class"] == "academic"
    detail = (await exchange.get(operator, path)).json()
    assert detail["organisation"]["buyer_class"] == "academic"
    assert [one["buyer_class"] for one in detail["decisions"]] == [None, "academic"]
    own = (await exchange.get(buyer, "/buyer/v1/organisation")).json()
    assert (own["buyer_class"], own["decisions"][-1]["buyer_class"]) == ("academic", "academic")
    answer = await exchange.http.post("/catalog/v1/organisations", json={**body, "buyer_class": "student"})
    assert answer.status_code == 400, answer.text


async def test_only_operators_come_in(exchange: Market) -> None:
    buyer = await exchange.join("buyer")
    for path in ("organisations", "jobs", "trial-balance", "findings", "settlement-runs", "directives"):
        assert (await exchange.get(buyer, f"/operator/v1/{path}")).status_code == 403
        assert (await exchange.get(None, f"/operator/v1/{path}")).status_code == 401


async def test_a_bank_statement_is_answered_line_by_line(exchange: Market) -> None:
    operator, buyer = await exchange.operator(), await exchange.join("buyer")
    digest = "ab" * 32
    rows = [
        f"2026-01-14,500.00,CNY,Lab,{digest},{buyer.organisation},BK-1",
        f"2026-01-14,20.00,CNY,Who,{digest},no name,BK-2",
        f"2026-01-14,-7.00,CNY,Rent,{digest},,BK-3",
        f"2026-01-14,nothing,CNY,Odd,{digest},,BK-4",
    ]
    body = "\n".join([",".join(COLUMNS), *rows, ""]).encode()

    async def hand_in(key: str, kind: str = "text/csv") -> Any:
        headers = {**operator.headers, "idempotency-key": key, "content-type": kind}
        return await exchange.http.post("/operator/v1/bank-statements", content=body, headers=headers)

    first = (await hand_in("a")).json()
    assert [one["outcome"] for one in first["lines"]] == ["credited", "unmatched", "outgoing", "refused"]
    again = (await hand_in("b")).json()
    assert (again["known"], again["credited"]) == (2, 0)
    assert (await hand_in("c", "application/json")).status_code == 415
    (waiting,) = (await exchange.get(operator, "/operator/v1/bank-entries/unmatched")).json()["items"]
    path = f"/operator/v1/bank-entries/{waiting['id']}/match"
    assert (await exchange.done(operator, path, {"organisation": buyer.organisation}))["entry"] == "BK-2"
    wallet = (await exchange.get(buyer, "/buyer/v1/wallet")).json()
    assert wallet["balances"] == [{"amount": "520.00", "currency": "CNY"}]
    assert (await exchange.get(operator, "/operator/v1/bank-entries/unmatched")).json()["items"] == []


async def test_what_no_rule_books_waits_for_the_operator_who_says_what_was_done(exchange: Market) -> None:
    operator = await exchange.operator()
    for subject in ("du_1", "du_2", "du_1"):
        opened = Opened(ItemKind.DISPUTE, subject, {"status": "needs_response"})
        await exchange.services.db.run(partial(open_item, opened=opened))
    page = (await exchange.get(operator, "/operator/v1/open-items", limit=1)).json()
    rest = (await exchange.get(operator, "/operator/v1/open-items", cursor=page["next_cursor"])).json()
    shown = [(one["kind"], one["subject"], one["seen"]) for one in (*page["items"], *rest["items"])]
    assert shown == [("dispute", "du_2", 1), ("dispute", "du_1", 2)]
    path = f"/operator/v1/open-items/{page['items'][0]['id']}/closing"
    note = {"note": "evidence sent"}
    buyer = await exchange.join("buyer")
    assert (await exchange.post(buyer, path, note)).status_code == 403
    assert (await exchange.done(operator, path, note))["id"] == page["items"][0]["id"]
    assert (await exchange.post(operator, path, note)).status_code == 404
    (left,) = (await exchange.get(operator, "/operator/v1/open-items")).json()["items"]
    assert left["subject"] == "du_1"


async def test_a_run_settles_payouts_follow_and_a_trace_tells_it_all(exchange: Market, shop: trade.Market) -> None:
    operator = await exchange.operator()
    buyer, placed = await buy(exchange, shop)
    await _move_back(exchange, placed["id"])
    accepted = await exchange.post(buyer, f"/buyer/v1/orders/{placed['id']}/acceptance")
    assert accepted.json()["standing"] == "accepted"
    end = datetime.now(UTC).replace(second=0, microsecond=0)
    end -= timedelta(minutes=end.minute % 15)
    wish = {
        "period_start": (end - timedelta(days=30)).isoformat(),
        "period_end": end.isoformat(),
        "currency": "CNY",
    }
    started = await exchange.done(operator, "/operator/v1/settlement-runs", wish)
    assert started["finished"] is False
    assert await drain(exchange.services.db, steps(exchange).table()) >= 1
    detail = (await exchange.get(operator, f"/operator/v1/settlement-runs/{started['run']}")).json()
    assert detail["run"]["state"] == "closed"
    assert {one["what"]: one["count"] for one in detail["results"]} == {"invoices": 1, "statements": 2}
    assert {one["closing"]["amount"] for one in detail["shares"]} == {"240.00", "15.00"}
    (row,) = (await exchange.get(operator, "/operator/v1/settlement-runs")).json()["items"]
    assert row["sellers"] == {"done": 1, "total": 1}
    await _account(exchange)
    paid = await exchange.done(operator, "/operator/v1/payouts", {"currency": "CNY", "period": "2026-01"})
    assert [one["amount"]["amount"] for one in paid["payouts"]] == ["240.00"]
    assert [one["problem"] for one in paid["left_out"]] == ["no-payout-account"]
    again = await exchange.done(operator, "/operator/v1/payouts", {"currency": "CNY", "period": "2026-01"})
    assert again["payouts"] == []
    (payout,) = (await exchange.get(operator, "/operator/v1/payouts")).json()["items"]
    assert payout["state"] == "created"
    (trial,) = (await exchange.get(operator, "/operator/v1/trial-balance")).json()["items"]
    assert (trial["balanced"], trial["sum"]["amount"]) == (True, "0.00")
    trace = (await exchange.get(operator, f"/operator/v1/orders/{placed['id']}/trace")).json()
    objects = [one["object"].split("_")[0] for one in trace["steps"]]
    assert {"agr", "ord", "jnl", "grt", "inv", "stm", "pot"} <= set(objects)
    for step in trace["steps"]:
        assert set(step["text"]) == {"en", "zh"}
    marked = {one["object"]: [mark["action"] for mark in one["audit"]] for one in trace["steps"] if one["audit"]}
    assert marked[placed["id"]] == ["purchase", "delivery.accept"]
    assert (await exchange.get(operator, "/operator/v1/orders/ord_01m80jwmabesg81hwe4cc73nw9/trace")).status_code == 404


async def test_the_check_of_all_facts_finds_nothing(exchange: Market, shop: trade.Market) -> None:
    operator = await exchange.operator()
    buyer, _ = await buy(exchange, shop)
    told = (await exchange.get(operator, "/operator/v1/findings")).json()
    assert told == {"sound": True, "findings": []}, buyer


async def test_a_listing_is_judged_suspended_and_resumed(exchange: Market, shop: trade.Market) -> None:
    operator = await exchange.operator()
    (row,) = (await exchange.get(operator, "/operator/v1/listings", state="published")).json()["items"]
    path = f"/operator/v1/listings/{row['id']}"
    rules = (await exchange.get(operator, f"{path}/publication")).json()["rules"]
    assert {one["rule"] for one in rules} >= {"supplier-verified", "certificate-valid"}
    why = {"reason": "The licence is being disputed."}
    assert (await exchange.done(operator, f"{path}/suspension", why))["state"] == "suspended"
    buyer = await exchange.join("buyer")
    await shop.fund(buyer.id, 1_000_000_000)
    wish = {"offer": ids.text("ofr", shop.offers["one_off"]), "purposes": ["pretrain"]}
    assert (await exchange.post(buyer, "/buyer/v1/orders", wish)).json()["type"] == "/problems/not-for-sale"
    assert (await exchange.post(operator, f"{path}/suspension", why)).status_code == 409
    assert (await exchange.done(operator, f"{path}/resumption", why))["state"] == "published"
    assert (await exchange.post(buyer, "/buyer/v1/orders", wish)).status_code == 201


async def test_a_dead_job_gets_another_chance(exchange: Market) -> None:
    operator = await exchange.operator()

    async def bury(tx: Any) -> str:
        (job_id,) = await jobs.put(tx, jobs.Job("seal_usage", "x", {"day": "2026-01-01"}, attempts_max=1))
        taken = await jobs.take(tx, ["seal_usage"])
        await jobs.fail(tx, taken, "no luck")
        return ids.text("job", job_id)

    name = await exchange.services.db.run(bury)
    (row,) = (await exchange.get(operator, "/operator/v1/jobs", state="dead")).json()["items"]
    assert (row["id"], row["error"]) == (name, "no luck")
    assert (await exchange.done(operator, f"/operator/v1/jobs/{name}/retry"))["state"] == "queued"
    assert (await exchange.post(operator, f"/operator/v1/jobs/{name}/retry")).status_code == 409
    assert (await exchange.done(operator, f"/operator/v1/jobs/{name}/cancellation"))["state"] == "cancelled"
    sealed = await exchange.done(operator, "/operator/v1/usage/seals", {"day": "2026-01-01"})
    assert (await exchange.get(operator, f"/operator/v1/jobs/{sealed['job']}")).json()["state"] == "queued"
    today = datetime.now(UTC).date().isoformat()
    refused = await exchange.post(operator, "/operator/v1/usage/seals", {"day": today})
    assert refused.json()["type"] == "/problems/day-not-over"


async def _move_back(exchange: Market, order: str) -> None:
    """Let an order have been paid an hour ago: a run settles only quarter-hours that are over."""

    async def flow(tx: Any) -> None:
        driver = await tx.driver()
        await driver.execute(
            "UPDATE settlement.orders SET paid_at = paid_at - interval '1 hour' WHERE id = $1", ids.parse("ord", order)
        )

    await exchange.services.db.run(flow)


async def _account(exchange: Market) -> None:
    """Give the seller an account that can be paid to."""

    async def flow(tx: Any) -> None:
        await payout_accounts.open_account(tx, trade.SELLER, Rail.STRIPE, "CN")
        await payout_accounts.move_account(
            tx,
            trade.SELLER,
            Rail.STRIPE,
            PayoutAccountState.ACTIVE,
            destination="acct_" + hashlib.md5(b"x").hexdigest(),
        )

    await exchange.services.db.run(flow)
