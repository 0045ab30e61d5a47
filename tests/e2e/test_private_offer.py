"""A private offer from the first request to the downloaded file, and what strangers see of it meanwhile: nothing."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from contracts.negotiation import Message, NegotiationState, Side, Verb, broken_at
from exchange import main
from exchange.flows.check_books import check_books
from exchange.kernel import ids
from exchange.kernel.canonical import canonical, sha256
from exchange.kernel.clock import FixedClock
from tests.support.api import Market, Party, market
from tests.support.months import go_to
from tests.support.negotiations import NOTE, Table, cheaper, fill, table
from tests.support.trade import CONTENT, component, offer_document

START = datetime(2026, 1, 15, 8, tzinfo=UTC)
CHEAP = {"amount": "240.00", "currency": "CNY"}
# What DSP 2025-1 requires of every answer about a negotiation.
DSP = {
    "type": "object",
    "required": ["@context", "@type", "providerPid", "consumerPid", "state"],
    "properties": {
        "@context": {"const": ["https://w3id.org/dspace/2025/1/context.jsonld"]},
        "@type": {"const": "ContractNegotiation"},
        "providerPid": {"type": "string", "pattern": "^urn:uuid:"},
        "consumerPid": {"type": "string", "pattern": "^urn:uuid:"},
        "state": {"enum": [state.value for state in NegotiationState]},
    },
}


@pytest.fixture
def clock() -> FixedClock:
    """A clock that stands still unless told."""
    return FixedClock(START)


@pytest.fixture
async def m(database_url: str, tmp_path: Path, clock: FixedClock) -> AsyncIterator[Market]:
    """A market on that clock."""
    async with market(database_url, tmp_path, clock=clock) as made:
        yield made


@dataclass(frozen=True, slots=True)
class Secret:
    """What must not show: ids and the name of a private offer, its negotiation, its quote, its price."""

    negotiation: str
    offer: str
    quote: str

    def shows_in(self, text: str) -> bool:
        """Whether any of it stands in a text."""
        return any(one in text for one in (self.negotiation, self.offer, self.quote, self.negotiation[4:], "240.00"))


async def talk(deal: Table) -> dict[str, Any]:
    """Request, offer, request, offer, acceptance, agreement: the last receipt."""
    m, seller = deal.market, deal.supplier
    frame = {"delivery": {"files": True, "rows": False}}
    await m.done(seller, deal.path("supplier", "offers"), {"changes": {"plan": cheaper("280.00")}, "note": NOTE})
    wish = {"changes": {"plan": cheaper("230.00"), **frame}, "purposes": ["pretrain", "evaluate"]}
    await m.done(deal.buyer, deal.path("buyer", "requests"), wish)
    await m.done(seller, deal.path("supplier", "offers"), {"changes": {"plan": cheaper("240.00")}})
    await m.done(deal.buyer, deal.path("buyer", "acceptance"), {})
    return await m.done(seller, deal.path("supplier", "agreement"), {})


async def test_a_negotiated_private_offer_is_bought_and_downloaded(m: Market) -> None:
    deal = await (await table(m, wallet=1_000)).begin()
    agreed = await talk(deal)
    assert (agreed["state"], agreed["total"]) == ("AGREED", CHEAP)
    ready = {"offer": agreed["offer"], "purposes": ["pretrain"], "payment": "wallet", "quote": agreed["quote"]}
    # Not past the negotiation: one deal, one order.
    assert (await m.post(deal.buyer, "/buyer/v1/orders", ready)).status_code == 409
    wrong = await m.post(deal.buyer, deal.path("buyer", "verification"), {"sha256": "0" * 64})
    assert (wrong.status_code, wrong.json()["type"]) == (409, "/problems/negotiation-differs")
    assert (await deal.send("verify")).json()["state"] == "VERIFIED"
    done = (await deal.send("finalize")).json()
    assert (done["state"], done["total"]) == ("FINALIZED", CHEAP)
    wallet = (await m.get(deal.buyer, "/buyer/v1/wallet")).json()
    assert "760.00" in json.dumps(wallet)
    await _download(m, deal.buyer, done["grant"])
    shown = await deal.show()
    assert (shown["order"], shown["agreement"]) == (done["order"], done["agreement"])
    await _history_holds(m, deal, shown, agreed)
    for verb in ("finalize", "terminate", "verify"):
        assert (await deal.send(verb)).json()["type"] == "/problems/negotiation-state"
    assert (await m.post(deal.buyer, "/buyer/v1/orders", ready)).status_code == 409
    origin = m.services.settings.process.log_origin
    assert await check_books(m.services.db, m.services.keyring, origin, _unheard) == []


async def _unheard(_what: str, _done: int, _total: int | None) -> None:
    """Nobody watches the check."""


async def _download(m: Market, buyer: Party, grant: str) -> None:
    token = (await m.done(buyer, f"/buyer/v1/grants/{grant}/tokens"))["token"]
    bearer = {"authorization": f"Bearer {token}", "x-purpose": "evaluate"}
    (asset,) = (await m.http.get("/data/v1/grant", headers=bearer)).json()["assets"]
    got = await m.http.get(f"/data/v1/assets/{asset['id']}", headers=bearer)
    assert got.content == CONTENT
    # What was negotiated about the delivery holds.
    rows = await m.http.get(f"/data/v1/assets/{asset['id']}/rows?limit=1", headers=bearer)
    assert 400 <= rows.status_code < 500, rows.text


async def _history_holds(m: Market, deal: Table, shown: dict[str, Any], agreed: dict[str, Any]) -> None:
    """Anybody who has the history can check it; the agreement binds the private offer; DSP readers understand it."""
    messages = [_message(deal, one) for one in shown["messages"]]
    assert broken_at(messages) is None
    said = ["request", "offer", "request", "offer", "accept", "agree", "verify", "finalize"]
    assert [one.verb.value for one in messages] == said
    assert shown["messages"][1]["document"]["note"] == NOTE
    assert shown["messages"][2]["document"]["proposal"]["changed"] == ["plan", "delivery", "purposes"]
    binding = shown["messages"][5]["document"]["binding"]
    agreement = (await m.get(deal.buyer, f"/buyer/v1/agreements/{shown['agreement']}")).json()
    assert binding["offer"]["sha256"] in json.dumps(agreement)
    (mine,) = (await m.get(deal.buyer, "/buyer/v1/private-offers")).json()["items"]
    assert (mine["offer"]["id"], mine["standing"]) == (agreed["offer"], "withdrawn")
    assert mine["offer"]["sha256"] == binding["offer"]["sha256"] == sha256(canonical(mine["offer"]["document"])).hex()
    for portal in ("buyer", "supplier"):
        dsp = (await m.get(deal.side(portal), deal.path(portal, "dsp"))).json()
        Draft202012Validator(DSP).validate(dsp)
        assert dsp["state"] == "FINALIZED"
        items = (await m.get(deal.side(portal), deal.path(portal, "dsp/messages"))).json()["items"]
        assert [one["@type"] for one in items][::4] == ["ContractRequestMessage", "ContractNegotiationEventMessage"]
        assert {one["providerPid"] for one in items} == {dsp["providerPid"]}


def _message(deal: Table, one: dict[str, Any]) -> Message:
    document = canonical(one["document"])
    return Message(
        id=ids.parse("neg", deal.id),
        negotiation_id=ids.parse("neg", deal.id),
        number=one["number"],
        sender=Side(one["by"]),
        organisation_id=None,
        client_id=None,
        verb=Verb(one["message"]),
        state=NegotiationState(one["state"]),
        document=document,
        sha256=bytes.fromhex(one["sha256"]),
        previous=None if one["previous"] is None else bytes.fromhex(one["previous"]),
        created_at=START,
    )


async def test_a_stranger_sees_nothing_of_a_private_offer_anywhere(m: Market) -> None:
    deal = await (await table(m, wallet=1_000)).begin()
    stranger, rival = await m.join("buyer"), await m.join("supplier")
    await fill(m, stranger, 1_000)
    held = (await m.done(stranger, "/buyer/v1/orders", _order(deal.sale.offer)))["grant"]
    agreed = await talk(deal)
    secret = Secret(deal.id, agreed["offer"], agreed["quote"])
    for step in ("AGREED", "VERIFIED", "FINALIZED"):
        assert (await deal.show())["state"] == step
        await _nothing_is_public(m, deal, secret)
        await _nothing_for(m, deal, stranger, rival, secret, held)
        await _nothing_in_the_rows(m, stranger, rival, secret)
        if step != "FINALIZED":
            await deal.send("verify" if step == "AGREED" else "finalize")
    # The counter-proof: the audience and the supplier do see it.
    assert secret.offer in (await m.get(deal.buyer, "/buyer/v1/private-offers")).text
    offers = await m.get(deal.supplier, f"/supplier/v1/listings/{deal.sale.listing}/offers")
    assert secret.offer in offers.text


def _order(offer: str, **more: Any) -> dict[str, Any]:
    return {"offer": offer, "purposes": ["pretrain"], "payment": "wallet", **more}


async def _nothing_is_public(m: Market, deal: Table, secret: Secret) -> None:
    """Whoever comes without a token, and asks for every form of everything."""
    listing = deal.sale.listing
    for path in (f"/catalog/v1/offers/{secret.offer}/price", f"/offers/{secret.offer}"):
        assert (await m.http.get(path)).status_code == 404, path
    assert (await m.http.get(f"/catalog/v1/offers/{secret.offer}/cost-recovery")).status_code == 404
    search = {"currency": "CNY", "price_max": "245.00"}
    assert (await m.get(None, "/catalog/v1/listings", **search)).json()["items"] == []
    paths = ["/", "/listings", "/transparency", "/log/checkpoint", "/catalog/v1/listings"]
    paths += [f"/listings/{listing}", f"/catalog/v1/listings/{listing}", f"/catalog/v1/listings/{listing}/auctions"]
    paths += [f"/catalog/v1/listings/{listing}{end}" for end in ("/dcat", "/croissant", ".jsonld")]
    for path in paths:
        for form in ("application/json", "text/html", "application/ld+json", "text/turtle"):
            answer = await m.http.get(path, headers={"accept": form})
            assert not secret.shows_in(answer.text), f"{path} as {form}"
    forecast = {"forecast": [{"bytes": 1}]}
    simulated = await m.http.post(f"/catalog/v1/listings/{listing}/simulations", json=forecast)
    assert not secret.shows_in(simulated.text)


async def _nothing_for(m: Market, deal: Table, stranger: Party, rival: Party, secret: Secret, held: str) -> None:
    """Other organisations that know the ids, because somebody told them."""
    ask = {"offer": secret.offer, "purposes": ["pretrain"]}
    for path, body in (
        ("/buyer/v1/quotes", ask),
        ("/buyer/v1/orders", _order(secret.offer)),
        ("/buyer/v1/orders", _order(secret.offer, quote=secret.quote)),
        ("/buyer/v1/negotiations", ask),
        (f"/buyer/v1/grants/{held}/change-offer", {"offer": secret.offer}),
        (f"/buyer/v1/negotiations/{secret.negotiation}/termination", {}),
    ):
        answer = await m.post(stranger, path, body)
        assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found"), f"{path}: {answer.text}"
    quoted = {**ask, "buyer": stranger.organisation, "amounts": {"x": "1"}, "expires_at": "2026-02-01T00:00:00Z"}
    auction = {"offer": secret.offer, "exclusive": "exclusive", "reserve": CHEAP, "closes_at": "2026-02-01T00:00:00Z"}
    for path, body in (("/supplier/v1/quotes", quoted), ("/supplier/v1/auctions", auction)):
        assert (await m.post(rival, path, body)).status_code == 404, path
    assert (await m.post(deal.supplier, "/supplier/v1/auctions", auction)).status_code == 409
    assert (await m.post(deal.supplier, "/supplier/v1/quotes", quoted)).status_code == 404
    for party, portal in ((stranger, "buyer"), (rival, "supplier")):
        for rest in ("", "/dsp", "/dsp/messages"):
            path = f"/{portal}/v1/negotiations/{secret.negotiation}{rest}"
            assert (await m.get(party, path)).status_code == 404, path
        assert (await m.get(party, f"/{portal}/v1/quotes/{secret.quote}")).status_code == 404
        for path in ("negotiations", "quotes"):
            assert not secret.shows_in((await m.get(party, f"/{portal}/v1/{path}")).text)
    assert (await m.get(stranger, "/buyer/v1/private-offers")).json()["items"] == []
    wish = {"listing": deal.sale.listing, "forecast": [{"bytes": 1}]}
    assert not secret.shows_in((await m.post(stranger, "/buyer/v1/simulations", wish)).text)


async def _nothing_in_the_rows(m: Market, stranger: Party, rival: Party, secret: Secret) -> None:
    """The second wall alone: statements without any filter of ours."""
    offer, negotiation = ids.parse("ofr", secret.offer), ids.parse("neg", secret.negotiation)
    for actor in (None, stranger.actor, rival.actor):
        async with m.services.db.read(actor) as tx:
            driver = await tx.driver()
            for name, column, value in (
                ("catalog.offer", "id", offer),
                ("catalog.offer_standing", "offer_id", offer),
                ("catalog.offer_audience", "offer_id", offer),
                ("contracts.negotiation", "id", negotiation),
                ("contracts.negotiation_message", "negotiation_id", negotiation),
            ):
                assert await driver.fetchval(f"SELECT count(*) FROM {name} WHERE {column} = $1", value) == 0, name


async def test_a_private_offer_to_a_named_organisation_and_its_renewal(m: Market, clock: FixedClock) -> None:
    start = await table(m, wallet=1_000)
    path = f"/supplier/v1/listings/{start.sale.listing}/private-offers"
    document = {**offer_document(), "plan": cheaper("200.00"), "terms": _year()}
    body = {"buyer": start.buyer.organisation, "document": document, "note": NOTE, "expires_at": "2026-01-25T00:00:00Z"}
    made = await m.done(start.supplier, path, body)
    assert made["state"] == "OFFERED"
    (seen,) = (await m.get(start.buyer, "/buyer/v1/negotiations")).json()["items"]
    assert (seen["id"], seen["possible"]) == (made["id"], ["request", "accept", "terminate"])
    deal = Table(m, start.sale, start.buyer, start.supplier, made["id"])
    for verb in ("accept", "agree", "verify", "finalize"):
        answer = await deal.send(verb)
        assert answer.status_code == 200, f"{verb}: {answer.text}"
    first = answer.json()
    clock.advance(30 * 24 * 3600.0)
    buyer, supplier = await go_to(m, clock, clock.now(), start.buyer, start.supplier)
    renewal = {"agreement": first["agreement"], "changes": {"plan": cheaper("180.00")}}
    again = await m.done(supplier, "/supplier/v1/negotiations", renewal)
    deal = Table(m, start.sale, buyer, supplier, again["id"])
    assert (await deal.show())["renews"] == first["agreement"]
    for verb in ("accept", "agree", "verify", "finalize"):
        answer = await deal.send(verb)
        assert answer.status_code == 200, f"{verb}: {answer.text}"
    grants = {one["id"]: one for one in (await m.get(buyer, "/buyer/v1/grants")).json()["items"]}
    assert grants[answer.json()["grant"]]["starts_at"] == grants[first["grant"]]["ends_at"]
    assert answer.json()["total"] == {"amount": "180.00", "currency": "CNY"}


async def test_the_buyer_never_pays_more_than_it_verified(m: Market, clock: FixedClock) -> None:
    clock.advance((datetime(2026, 1, 30, 8, tzinfo=UTC) - START).total_seconds())
    monthly = component({"type": "flat", "amount": "310.00", "in_advance": True, "prorate": True}, period="month")
    document = offer_document("subscription", monthly)
    start = await table(m, wallet=1_000)
    changes = {"kind": "subscription", "plan": {**document["plan"], "anchor": "calendar"}}
    deal = await start.begin(changes=changes)
    for verb in ("agree", "verify"):
        answer = await deal.send(verb)
        assert answer.status_code == 200, f"{verb}: {answer.text}"
    # Two days of January are left; on the first of February a whole month would be due.
    clock.advance(4 * 24 * 3600.0)
    buyer, supplier = await go_to(m, clock, clock.now(), start.buyer, start.supplier)
    late = Table(m, start.sale, buyer, supplier, deal.id)
    refused = await late.send("finalize")
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/price-above-verified"), refused.text
    assert (await late.show())["state"] == "VERIFIED"
    assert (await m.get(buyer, "/buyer/v1/orders")).json()["items"] == []


async def test_the_clock_ends_what_nobody_answers(m: Market, clock: FixedClock) -> None:
    start = await table(m, wallet=1_000)
    silent, agreed = await start.at("OFFERED"), await start.at("AGREED")
    clock.advance(14 * 24 * 3600.0 - 60)
    await main.schedule(m.services).negotiations()
    buyer, supplier = await go_to(m, clock, clock.now(), start.buyer, start.supplier)
    for one, state in ((silent, "OFFERED"), (agreed, "AGREED")):
        deal = Table(m, start.sale, buyer, supplier, one.id)
        assert (await deal.show())["state"] == state
    clock.advance(60)
    late = await Table(m, start.sale, buyer, supplier, silent.id).send("accept")
    assert (late.status_code, late.json()["type"]) == (409, "/problems/negotiation-expired")
    await main.schedule(m.services).negotiations()
    await main.schedule(m.services).negotiations()
    for one in (silent, agreed):
        shown = await Table(m, start.sale, buyer, supplier, one.id).show()
        assert shown["state"] == "TERMINATED"
        last = shown["messages"][-1]
        assert (last["by"], last["message"], last["document"]["reason"]) == ("exchange", "expire", {"code": "expired"})
    offers = (await m.get(supplier, f"/supplier/v1/listings/{start.sale.listing}/offers")).json()["items"]
    assert [one["standing"] for one in offers if one["code"].startswith("n-")] == ["withdrawn"]


def _year() -> dict[str, Any]:
    """Terms of the supplier's own that end after a year."""
    own = {"purposes": ["pretrain"], "commercial": True, "territory": "*", "duration": {"months": 12}}
    return {"type": "terms", "v": 1, "prevailing_language": "zh", "own": own}
