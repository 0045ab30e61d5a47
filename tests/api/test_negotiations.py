"""Negotiations through HTTP: every message in every state from both sides, and what an illegal one leaves behind."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest_asyncio

from contracts.negotiation import TRANSITIONS, NegotiationState, Side, Verb
from exchange.kernel.clock import FixedClock
from tests.support.api import Market, market
from tests.support.negotiations import PATHS, WAYS, cheaper, fill, table
from tests.support.trade import component, offer_document

SIDES = {"buyer": Side.CONSUMER, "supplier": Side.PROVIDER}
SPOKEN = (*PATHS, "terminate")


@pytest_asyncio.fixture
async def m(database_url: str, tmp_path: Path, clock: FixedClock) -> AsyncIterator[Market]:
    """A market on a clock of the test's own."""
    async with market(database_url, tmp_path, clock=clock, only=("supplier", "assessor", "buyer")) as made:
        yield made


def slug(answer: Any) -> str:
    """The problem's name."""
    return str(answer.json().get("type", "")).rpartition("/")[2]


async def counted(m: Market) -> Counter[str]:
    """How many rows each table has that a negotiation may touch, audit entries and keys left out."""
    names: tuple[str, ...] = (
        "contracts.negotiation_message",
        "contracts.quote",
        "contracts.agreement",
        "catalog.offer",
    )
    names += ("catalog.offer_audience", "settlement.orders", "access.grants", "settlement.journal")

    async def count(tx: Any) -> Counter[str]:
        driver = await tx.driver()
        return Counter({name: await driver.fetchval(f"SELECT count(*) FROM {name}") for name in names})

    return await m.services.db.run(count)


async def test_every_message_in_every_state_from_both_sides(m: Market) -> None:
    start = await table(m)
    wrong, legal = [], 0
    for state in WAYS:
        ready = await start.at(state)
        for portal, side in SIDES.items():
            for verb in SPOKEN:
                target = TRANSITIONS.get((NegotiationState(state), side, Verb(verb)))
                one = ready if target is None else await start.at(state)
                before, rows = await one.show(), await counted(m)
                answer = await one.send(verb, portal)
                after = await one.show()
                case = f"{state} {portal} {verb}: {answer.status_code} {answer.text[:200]}"
                if target is not None:
                    legal += 1
                    if answer.status_code != 200 or after["state"] != target.value:
                        wrong.append(case)
                    if (
                        len(after["messages"]) != len(before["messages"]) + 1
                        or after["messages"][:-1] != before["messages"]
                    ):
                        wrong.append(f"history of {case}")
                    continue
                # A portal has no way at all for what only the other side may say.
                spoken_here = verb == "terminate" or PATHS[verb][0] == portal
                expected = (409, "negotiation-state") if spoken_here else (404, "not-found")
                if (answer.status_code, slug(answer)) != expected:
                    wrong.append(case)
                if after != before or await counted(m) != rows:
                    wrong.append(f"changed something: {case}")
    assert not wrong, "\n".join(wrong)
    assert legal == sum(1 for (state, side, _) in TRANSITIONS if state is not None and side is not Side.EXCHANGE)


async def test_of_two_acceptances_at_once_one_counts(m: Market) -> None:
    start = await table(m)
    for _ in range(3):
        one = await start.at("OFFERED")
        answers = await asyncio.gather(*[one.send("accept") for _ in range(4)])
        assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
        assert {slug(answer) for answer in answers if answer.status_code == 409} == {"negotiation-state"}
        shown = await one.show()
        assert [message["message"] for message in shown["messages"]] == ["request", "offer", "accept"]


async def test_acceptance_against_termination_leaves_one_of_the_two(m: Market) -> None:
    start = await table(m)
    for _ in range(4):
        one = await start.at("OFFERED")
        accepted, left = await asyncio.gather(one.send("accept"), one.send("terminate", "supplier"))
        said = [message["message"] for message in (await one.show())["messages"][2:]]
        # The supplier may leave an accepted negotiation, the buyer may accept no ended one.
        assert left.status_code == 200
        assert said == (["accept", "terminate"] if accepted.status_code == 200 else ["terminate"])
        assert accepted.status_code in (200, 409)


async def test_both_sides_at_once_from_every_open_state(m: Market) -> None:
    """Whatever two messages meet: the history is one line of legal steps, and who was refused changed nothing."""
    start = await table(m)
    for state in ("REQUESTED", "OFFERED", "ACCEPTED", "AGREED", "VERIFIED"):
        one = await start.at(state)
        before = len((await one.show())["messages"])
        sent = [("terminate", "buyer"), ("terminate", "supplier")]
        sent += [(verb, portal) for verb, (portal, _) in PATHS.items()]
        answers = await asyncio.gather(*[one.send(verb, portal) for verb, portal in sent])
        assert all(answer.status_code in (200, 409) for answer in answers), [answer.text for answer in answers]
        shown = await one.show()
        done = sum(1 for answer in answers if answer.status_code == 200)
        assert len(shown["messages"]) == before + done >= before + 1
        at: NegotiationState | None = None
        for message in shown["messages"]:
            step = at, Side(message["by"]), Verb(message["message"])
            assert TRANSITIONS[step].value == message["state"]
            at = NegotiationState(message["state"])


async def test_two_finalizations_at_once_place_one_order(m: Market) -> None:
    one = await (await table(m)).at("VERIFIED")
    answers = await asyncio.gather(*[one.send("finalize") for _ in range(3)])
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409]
    orders = (await m.get(one.buyer, "/buyer/v1/orders")).json()["items"]
    assert len(orders) == 1


async def test_a_repeated_message_is_answered_once_more_and_said_once(m: Market) -> None:
    one = await (await table(m)).at("OFFERED")
    first = await m.post(one.buyer, one.path("buyer", "acceptance"), {}, key="same")
    again = await m.post(one.buyer, one.path("buyer", "acceptance"), {}, key="same")
    assert (first.json(), again.headers["idempotency-replayed"]) == (again.json(), "true")
    assert len((await one.show())["messages"]) == 3


async def test_an_order_that_cannot_be_paid_leaves_the_negotiation_verified(m: Market) -> None:
    one = await (await table(m, wallet=0)).at("VERIFIED")
    before = await counted(m)
    refused = await one.send("finalize")
    assert (refused.status_code, slug(refused)) == (409, "negotiation-not-ordered")
    # The supplier learns nothing of the buyer's balance.
    assert "0.00" not in refused.text
    assert (await one.show())["state"] == "VERIFIED"
    assert await counted(m) == before
    await fill(m, one.buyer, 1_000)
    assert (await one.send("finalize")).status_code == 200


async def test_who_sits_on_neither_side_finds_no_negotiation(m: Market) -> None:
    one = await (await table(m)).at("REQUESTED")
    # The supplier has a buyer's portal, too; in it this negotiation is not.
    both = await m.join("supplier", "buyer")
    strangers = [both, await m.join("buyer")]
    for stranger in strangers:
        for verb in (*PATHS, "terminate"):
            portal, rest = PATHS.get(verb, ("buyer", "termination"))
            if portal == "supplier" and stranger is not both:
                continue
            answer = await m.post(stranger, one.path(portal, rest), await one.body(verb))
            assert (answer.status_code, slug(answer)) == (404, "not-found"), verb
    assert len((await one.show())["messages"]) == 1


async def test_a_supplier_with_a_buyers_portal_cannot_speak_for_the_buyer(m: Market) -> None:
    start = await table(m)
    seller = await m.join("supplier", "buyer")
    one = await start.at("REQUESTED")
    answer = await m.post(seller, one.path("buyer", "termination"), {})
    assert answer.status_code == 404
    own = {"offer": start.sale.offer, "purposes": ["pretrain"]}
    assert slug(await m.post(start.supplier, "/buyer/v1/negotiations", own)) == "forbidden"


async def test_proposed_terms_are_checked_as_those_of_a_public_offer(m: Market) -> None:
    one = await (await table(m)).at("OFFERED")
    before = await one.show()
    terms = {"type": "terms", "v": 1, "prevailing_language": "zh", "spdx": "Not-A-Licence"}
    shares = [{"role": "supplier", "weight": 10000}]
    priceless = offer_document("one_off", component({"type": "negotiated"}))["plan"]
    wrong: list[tuple[dict[str, Any], int]] = [
        ({"changes": {"terms": terms}}, 422),
        ({"changes": {"plan": {"type": "plan"}}}, 422),
        ({"changes": {"delivery": {"files": False, "rows": False}}}, 422),
        ({"changes": {"currency": "USD"}}, 422),
        ({"changes": {"kind": "subscription"}}, 422),
        ({"changes": {"shares": shares}}, 422),
        ({"changes": {"v": 2}}, 422),
        ({"changes": {"plan": None}}, 422),
        ({"changes": {"frame": {"governing_law": 7}}}, 422),
        ({"amounts": {"c_one_off": "5"}}, 422),
        ({"purposes": ["world_peace"]}, 422),
        ({"note": {"fr": "Non"}}, 422),
        ({"note": {"en": " "}}, 422),
        ({"expires_at": "2020-01-01T00:00:00Z"}, 422),
        ({"expires_at": "2027-01-01T00:00:00Z"}, 422),
        ({"changes": {"plan": 1.5}}, 422),
        ({"terms": {}}, 400),
    ]
    seen = []
    for body, status in wrong:
        answer = await m.post(one.buyer, one.path("buyer", "requests"), body)
        if answer.status_code != status:
            seen.append(f"{body}: {answer.status_code} {answer.text[:200]}")
    assert seen == []
    assert await one.show() == before
    # A buyer may leave a price open, a supplier may not.
    assert (await m.post(one.buyer, one.path("buyer", "requests"), {"changes": {"plan": priceless}})).status_code == 200
    refused = await m.post(one.supplier, one.path("supplier", "offers"), {})
    assert slug(refused) == "price-not-agreed"
    assert slug(await one.send("agree")) == "price-not-agreed"
    priced = {"amounts": {"c_negotiated": "77.00"}, "changes": {"shares": offer_document()["shares"]}}
    assert (await m.post(one.supplier, one.path("supplier", "offers"), priced)).status_code == 200
    for verb in ("accept", "agree", "verify", "finalize"):
        answer = await one.send(verb)
        assert answer.status_code == 200, f"{verb}: {answer.text}"
    assert answer.json()["total"] == {"amount": "77.00", "currency": "CNY"}


async def test_a_pair_has_a_bounded_number_of_open_negotiations(m: Market) -> None:
    start = await table(m)
    body = {"offer": start.sale.offer, "purposes": ["pretrain"]}
    answers = await asyncio.gather(*[m.post(start.buyer, "/buyer/v1/negotiations", body) for _ in range(24)])
    assert Counter(answer.status_code for answer in answers) == {201: 20, 409: 4}
    assert {slug(answer) for answer in answers if answer.status_code == 409} == {"negotiations-too-many"}
    first = next(answer.json()["id"] for answer in answers if answer.status_code == 201)
    await replace(start, id=first).send("terminate")
    assert (await m.post(start.buyer, "/buyer/v1/negotiations", body)).status_code == 201


async def test_private_offers_are_for_named_verified_organisations(m: Market) -> None:
    start = await table(m)
    path = f"/supplier/v1/listings/{start.sale.listing}/private-offers"
    unverified = await m.join("buyer", verified=False)
    document = {**offer_document(), "plan": cheaper()}
    regulator = await m.join("regulator")
    for body, expected in (
        ({"buyer": unverified.organisation, "document": document}, (422, "negotiation-buyer-unfit")),
        ({"buyer": regulator.organisation, "document": document}, (422, "negotiation-buyer-unfit")),
        ({"buyer": start.supplier.organisation, "document": document}, (409, "own-offer")),
        ({"buyer": "org_00000000000000000000000000", "document": document}, (422, "negotiation-buyer-unfit")),
        ({"buyer": start.buyer.organisation, "document": {}}, (422, "offer-invalid")),
        ({"buyer": start.buyer.organisation, "document": document, "purposes": ["redistribute"]}, (201, "")),
    ):
        answer = await m.post(start.supplier, path, body)
        assert (answer.status_code, slug(answer)) == expected, answer.text
    other = await m.join("supplier")
    stolen = await m.post(other, path, {"buyer": start.buyer.organisation, "document": document})
    assert stolen.status_code == 404
    shown = (await m.get(start.buyer, "/buyer/v1/negotiations", state="OFFERED")).json()["items"]
    assert len(shown) == 1
    assert (await m.get(start.buyer, "/buyer/v1/negotiations", state="REQUESTED")).json()["items"] == []


async def test_a_negotiation_names_its_purposes_by_known_words(m: Market) -> None:
    start = await table(m)
    for purposes in ({}, {"purposes": ["pretraining"]}):
        body = {"offer": start.sale.offer, "changes": {"plan": cheaper()}, **purposes}
        answer = await m.post(start.buyer, "/buyer/v1/negotiations", body)
        assert (answer.status_code, slug(answer), answer.json()["field"]) == (422, "negotiation-invalid", "purposes")
        assert "fine_tune, " in answer.json()["detail"]
    assert "did you mean pretrain?" in answer.json()["detail"]


async def test_a_negotiation_begins_from_an_offer_or_an_agreement_and_not_from_both(m: Market) -> None:
    start = await table(m)
    order = {"offer": start.sale.offer, "purposes": ["pretrain"], "payment": "wallet"}
    agreement = (await m.done(start.buyer, "/buyer/v1/orders", order))["agreement"]
    for body, status in (
        ({}, 400),
        ({"offer": start.sale.offer, "agreement": agreement}, 400),
        ({"offer": "ofr_00000000000000000000000000"}, 404),
        ({"agreement": "agr_00000000000000000000000000"}, 404),
        ({"agreement": agreement}, 201),
    ):
        assert (await m.post(start.buyer, "/buyer/v1/negotiations", body)).status_code == status, body
    (one,) = (await m.get(start.supplier, "/supplier/v1/negotiations")).json()["items"]
    assert (one["renews"], one["based_on"]) == (agreement, start.sale.offer)
    foreign = await m.join("supplier")
    assert (await m.post(foreign, "/supplier/v1/negotiations", {"agreement": agreement})).status_code == 404
