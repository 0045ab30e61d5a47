"""Is this event in this bill: inclusion proofs against the sealed day, neighbours of what is not there, and nobody else's."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from exchange.flows import seal_usage
from exchange.kernel.clock import FixedClock
from tests.support.api import Market, Party, market
from tests.support.months import go_to, settle
from tests.support.outcomes import funded
from tests.support.trade import component, offer_document, on_sale

START = datetime(2026, 1, 15, 8, tzinfo=UTC)
DAY = "2026-01-15"
EVENTS = [str(uuid.UUID(int=n * 1000)) for n in range(1, 12)]


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(START)


@pytest.fixture
async def m(database_url: str, tmp_path: Path, clock: FixedClock) -> AsyncIterator[Market]:
    async with market(database_url, tmp_path, clock=clock) as made:
        access = made.services.settings.access
        await made.services.db.run(lambda tx: seal_usage.prepare_days(tx, settings=access))
        yield made


def root_of(leaf: str, index: int, size: int, hashes: list[str]) -> str:
    """What the guide tells a buyer to compute: RFC 9162, section 2.1.3.2."""
    node, at, last = sha256(b"\x00" + leaf.encode()).digest(), index, size - 1
    for one in map(bytes.fromhex, hashes):
        if at % 2 or at == last:
            node = sha256(b"\x01" + one + node).digest()
            while at % 2 == 0 and at:
                at, last = at // 2, last // 2
        else:
            node = sha256(b"\x01" + node + one).digest()
        at, last = at // 2, last // 2
    return node.hex()


def holds(proof: dict[str, Any]) -> bool:
    root = proof["root"]
    return bool(root_of(proof["leaf"], proof["index"], root["n"], proof["hashes"]) == root["root"])


async def billed(m: Market, clock: FixedClock, *, sealed: bool = True, rooted: bool = True) -> tuple[Party, Party, str]:
    """A buyer, another one, and the first one's invoice over eleven events."""
    buyer, other, _, invoice, _ = await sold(m, clock, sealed=sealed, rooted=rooted)
    return buyer, other, invoice


async def sold(
    m: Market, clock: FixedClock, *, sealed: bool = True, rooted: bool = True
) -> tuple[Party, Party, Party, str, str]:
    """The same, with the seller and the grant."""
    sale, buyer, other = await on_sale(m), await funded(m), await funded(m)
    priced = component({"type": "per_unit", "unit_price": "0.01"}, "records", "month")
    body = {"code": "metered", "document": offer_document("pay_per_use", priced)}
    offer = (await m.done(sale.supplier, f"/supplier/v1/listings/{sale.listing}/offers", body))["id"]
    wish = {"offer": offer, "purposes": ["pretrain"], "payment": "wallet"}
    order = await m.done(buyer, "/buyer/v1/orders", wish)
    await m.done(sale.supplier, "/supplier/v1/usage/sources", {})
    data = {"meter": "records", "value": 100}
    events = [
        {"id": one, "subject": order["grant"], "time": clock.now().isoformat(), "data": data} for one in EVENTS[::-1]
    ]
    assert (await m.post(sale.supplier, "/supplier/v1/usage/events", events)).json()["accepted"] == len(EVENTS)
    moment = datetime(2026, 2, 2, tzinfo=UTC)
    buyer, other, seller = await go_to(m, clock, moment, buyer, other, sale.supplier)
    if sealed:
        access = m.services.settings.access
        for _ in range(3):
            await m.services.db.run(lambda tx: seal_usage.seal_usage(tx, START.date(), settings=access))
    if sealed and rooted:
        assert await m.services.db.run(lambda tx: seal_usage.root_usage(tx, START.date())) == 1
    await settle(m, 2026, 1)
    (invoice,) = (await m.get(buyer, "/buyer/v1/invoices")).json()["items"]
    return buyer, other, seller, invoice["id"], order["grant"]


async def ask(m: Market, buyer: Party, invoice: str, event: str, day: str | None = None) -> dict[str, Any]:
    query = "" if day is None else f"?day={day}"
    answer = await m.get(buyer, f"/buyer/v1/invoices/{invoice}/events/{event}{query}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_each_event_of_a_bill_has_a_proof_that_a_few_lines_check(m: Market, clock: FixedClock) -> None:
    buyer, _, invoice = await billed(m, clock)
    for event in EVENTS:
        shown = await ask(m, buyer, invoice, event)
        assert (shown["in_invoice"], shown["at"][:10]) == (True, DAY)
        (proof,) = shown["proofs"]
        assert json.loads(proof["leaf"])["event"] == event
        assert proof["root"]["before_invoice"]
        assert holds(proof)
        assert not holds({**proof, "leaf": proof["leaf"].replace(":100,", ":101,")})
        assert [one["charge"][:4] for one in shown["charges"]] == ["chg_"]
        assert shown["roots"] == [proof["root"]]


async def test_an_event_that_is_not_there_lies_between_two_neighbours(m: Market, clock: FixedClock) -> None:
    buyer, _, invoice = await billed(m, clock)
    between, before = str(uuid.UUID(int=3500)), str(uuid.UUID(int=1))
    unnamed = await ask(m, buyer, invoice, between)
    assert (unnamed["in_invoice"], unnamed["proofs"]) == (False, [])
    shown = await ask(m, buyer, invoice, between, DAY)
    low, high = shown["proofs"]
    assert (shown["in_invoice"], low["index"] + 1) == (False, high["index"])
    assert json.loads(low["leaf"])["event"] < between < json.loads(high["leaf"])["event"]
    assert holds(low)
    assert holds(high)
    (first,) = (await ask(m, buyer, invoice, before, DAY))["proofs"]
    assert first["index"] == 0
    assert holds(first)
    assert (await ask(m, buyer, invoice, between, "2026-01-16"))["proofs"] == []


async def test_only_its_buyer_may_ask_and_only_by_an_event_id(m: Market, clock: FixedClock) -> None:
    buyer, other, invoice = await billed(m, clock)
    for party, event in ((other, EVENTS[0]), (buyer, "none")):
        assert (await m.get(party, f"/buyer/v1/invoices/{invoice}/events/{event}")).status_code == 404


async def test_an_event_of_a_day_that_is_not_sealed_is_said_to_be_without_proof(m: Market, clock: FixedClock) -> None:
    buyer, _, invoice = await billed(m, clock, sealed=False)
    shown = await ask(m, buyer, invoice, EVENTS[0])
    assert (shown["in_invoice"], shown["proofs"], shown["roots"]) == (True, [], [])
    assert "no proof" in shown["said"]["en"]


async def test_a_proof_that_is_asked_before_the_roots_are_written_is_told_to_wait(m: Market, clock: FixedClock) -> None:
    buyer, _, invoice = await billed(m, clock, rooted=False)
    for event, day in ((EVENTS[0], ""), (str(uuid.UUID(int=3500)), f"?day={DAY}")):
        answer = await m.get(buyer, f"/buyer/v1/invoices/{invoice}/events/{event}{day}")
        assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (409, "usage-roots-pending")
    assert await m.services.db.run(lambda tx: seal_usage.root_usage(tx, START.date())) == 1
    assert holds((await ask(m, buyer, invoice, EVENTS[0]))["proofs"][0])


async def test_a_corrected_event_is_seen_by_its_buyer_credited_and_proven_anew(m: Market, clock: FixedClock) -> None:
    buyer, other, seller, invoice, grant = await sold(m, clock)
    wrong = {"id": EVENTS[0], "time": START.isoformat(), "action": "amend", "value": 40, "reason": "counting_error"}
    path, at = "/supplier/v1/usage/corrections", f"/grants/{grant}/usage-corrections"
    assert (await m.post(seller, path, {"not": "a list"}, key="c0")).status_code == 400
    assert (await m.post(buyer, path, [wrong], key="c0")).status_code == 403
    taken = await m.post(seller, path, [wrong, {**wrong, "id": str(uuid.UUID(int=5))}], key="c1")
    assert taken.status_code == 200, taken.text
    assert (taken.json()["accepted"], taken.json()["refused"][0]["type"]) == (1, "usage-event-unknown")
    again = await m.post(seller, path, [wrong, {**wrong, "id": str(uuid.UUID(int=5))}], key="c1")
    assert (again.headers["idempotency-replayed"], again.json()) == ("true", taken.json())
    assert (await m.post(seller, path, [wrong], key="c1")).status_code == 409
    for party, side in ((buyer, "buyer"), (seller, "supplier")):
        (row,) = (await m.get(party, f"/{side}/v1{at}")).json()["items"]
        assert (row["event"], row["before"], row["quantity"], row["reason"]) == (EVENTS[0], 100, 40, "counting_error")
    assert (await m.get(other, f"/buyer/v1{at}")).status_code == 404
    access = m.services.settings.access
    await m.services.db.run(lambda tx: seal_usage.seal_usage(tx, START.date(), settings=access))
    assert await m.services.db.run(lambda tx: seal_usage.root_usage(tx, START.date())) == 1
    (proof,) = (await ask(m, buyer, invoice, EVENTS[0]))["proofs"]
    said = json.loads(proof["leaf"])
    assert (said["quantity"], said["reported"], said["correction"], proof["root"]["part"]) == (40, 100, 1, 1)
    assert holds(proof)
    (unchanged,) = (await ask(m, buyer, invoice, EVENTS[1]))["proofs"]
    assert "correction" not in json.loads(unchanged["leaf"])
    # The next month's settlement gives back 60 records at 0.01, in the period of the event.
    buyer, seller = await go_to(m, clock, datetime(2026, 3, 2, tzinfo=UTC), buyer, seller)
    await settle(m, 2026, 2)
    charges = (await m.get(seller, "/supplier/v1/charges")).json()["items"]
    credit, first = charges[0], charges[-1]
    assert (credit["amount"]["amount"], first["amount"]["amount"]) == ("-0.60", "11.00")
    assert len((await m.get(buyer, "/buyer/v1/invoices")).json()["items"]) == 2
