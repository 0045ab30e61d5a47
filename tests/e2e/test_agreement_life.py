"""The life of agreements through HTTP: amended, renewed, passed on, suspended, lifted, terminated, with what it does to grants and downloads."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from contracts.lifecycle_store import suspended_among
from exchange.access.store import seal
from exchange.flows.check_books import check_books
from exchange.kernel import ids
from exchange.kernel.clock import FixedClock
from tests.support.api import Market, Party, market
from tests.support.directives import wish as frozen
from tests.support.months import go_to, settle
from tests.support.outcomes import funded
from tests.support.signing import WHY, own_key, sign_kept, verify_everything
from tests.support.trade import OnSale, component, offer_document, on_sale

START = datetime(2026, 1, 1, tzinfo=UTC)
LINE = json.dumps({"text": "白日依山尽，黄河入海流。" * 2_000}, ensure_ascii=False).encode() + b"\n"
LARGE = LINE * (40 * 1024 * 1024 // len(LINE))
TERMS = {
    "type": "terms",
    "v": 1,
    "prevailing_language": "zh",
    "own": {
        "purposes": ["pretrain", "fine_tune", "evaluate"],
        "commercial": True,
        "territory": ["CN", "SG"],
        "duration": {"months": 12},
    },
}
MONTHLY = component({"type": "flat", "amount": "31.00", "in_advance": True, "prorate": True}, None, "month")


class Scene:
    """A market with one supplier, one buyer, and offers to order."""

    def __init__(self, m: Market, clock: FixedClock, sale: OnSale, buyer: Party) -> None:
        self.m, self.clock, self.sale = m, clock, sale
        self.parties = {"supplier": sale.supplier, "buyer": buyer}

    async def offer(self, code: str, kind: str = "one_off", *parts: dict[str, Any]) -> str:
        body = {"code": code, "document": {**offer_document(kind, *parts), "terms": TERMS}}
        path = f"/supplier/v1/listings/{self.sale.listing}/offers"
        made: str = (await self.m.done(self.parties["supplier"], path, body))["id"]
        return made

    async def order(self, offer: str) -> dict[str, Any]:
        wish = {"offer": offer, "purposes": ["pretrain"], "payment": "wallet"}
        bought = await self.m.done(self.parties["buyer"], "/buyer/v1/orders", wish)
        await sign_kept(self.m)
        return bought

    async def propose(self, portal: str, agreement: str, **wish: Any) -> dict[str, Any]:
        path = f"/{portal.partition(' ')[0]}/v1/agreements/{agreement}/events"
        return await self.m.done(self.parties[portal], path, wish)

    async def refused(self, portal: str, agreement: str, **wish: Any) -> str:
        """The slug with which an event is refused; nothing of it is left."""
        before = (await self.life(portal, agreement))["events"]
        path = f"/{portal}/v1/agreements/{agreement}/events"
        answer = await self.m.post(self.parties[portal], path, wish)
        assert 400 <= answer.status_code < 500, answer.text
        assert (await self.life(portal, agreement))["events"] == before
        return str(answer.json()["type"]).removeprefix("/problems/")

    async def sign(self, portal: str, event: dict[str, Any], **given: str) -> dict[str, Any]:
        path = f"/{portal.partition(' ')[0]}/v1/agreement-events/{event['id']}/signatures"
        return await self.m.done(self.parties[portal], path, {"sha256": event["sha256"], **given})

    async def life(self, portal: str, agreement: str) -> dict[str, Any]:
        path = f"/{portal.partition(' ')[0]}/v1/agreements/{agreement}/events"
        answer = await self.m.get(self.parties[portal], path)
        assert answer.status_code == 200, answer.text
        shown: dict[str, Any] = answer.json()
        return shown

    async def grants(self, who: str = "buyer") -> dict[str, dict[str, Any]]:
        items = (await self.m.get(self.parties[who], "/buyer/v1/grants")).json()["items"]
        return {one["id"]: one for one in items}

    async def token(self, grant: str, who: str = "buyer") -> str:
        made = await self.m.done(self.parties[who], f"/buyer/v1/grants/{grant}/tokens")
        return str(made["token"])

    async def rows(self, token: str, purpose: str = "") -> httpx.Response:
        headers = {"authorization": f"Bearer {token}"} | ({"x-purpose": purpose} if purpose else {})
        opened = await self.m.http.get("/data/v1/grant", headers=headers)
        assert opened.status_code == 200, opened.text
        asset = opened.json()["assets"][0]["id"]
        return await self.m.http.get(f"/data/v1/assets/{asset}/rows?limit=2", headers=headers)

    async def later(self, at: datetime) -> None:
        names = list(self.parties)
        again = await go_to(self.m, self.clock, at, *self.parties.values())
        self.parties = dict(zip(names, again, strict=True))

    async def verified(self, agreement: str) -> dict[str, dict[str, bool]]:
        """Check every signature of the agreement and of its events by `cryptography` alone; which were kept."""
        organisations = [one.organisation for one in self.parties.values()]
        papers = (await self.m.get(self.parties["supplier"], f"/supplier/v1/agreements/{agreement}/signatures")).json()
        found = {"agreement": await verify_everything(self.m, papers, *organisations)}
        previous = papers["sha256"]
        for one in (await self.life("supplier", agreement))["events"]:
            document = json.loads(base64.b64decode(one["document_base64"]))
            assert document["agreement"] == {"id": agreement, "sha256": papers["sha256"]}
            found[one["kind"]] = await verify_everything(self.m, one, *organisations)
            if one["state"] == "in_force":
                assert document["previous"] == previous
                assert set(found[one["kind"]]) == {*document["must_sign"], "exchange"}
                previous = sha256(base64.b64decode(one["document_base64"])).hexdigest()
        return found

    async def books_are_sound(self) -> None:
        async def unheard(_what: str, _done: int, _total: int | None) -> None:
            return None

        services = self.m.services
        assert await check_books(services.db, services.keyring, services.settings.process.log_origin, unheard) == []


@pytest.fixture
def clock() -> FixedClock:
    """A clock that months pass on."""
    return FixedClock(START)


@pytest_asyncio.fixture
async def scene(database_url: str, tmp_path: Path, clock: FixedClock) -> AsyncIterator[Scene]:
    async with market(database_url, tmp_path, clock=clock) as m:
        await m.services.db.run(lambda tx: seal.ensure_partitions(tx, 3))
        yield Scene(m, clock, await on_sale(m), await funded(m))


async def test_an_amendment_binds_when_both_have_signed_it_and_changes_the_grant_at_once(scene: Scene) -> None:
    key = await own_key(scene.m, scene.parties["buyer"], "buyer")
    bought = await scene.order(await scene.offer("year"))
    agreement, grant = bought["agreement"], bought["grant"]
    document = (await scene.m.get(scene.parties["buyer"], f"/buyer/v1/agreements/{agreement}/signatures")).json()
    given = key.sign(base64.b64decode(document["document_base64"]))
    await scene.m.done(scene.parties["buyer"], f"/buyer/v1/agreements/{agreement}/signatures", given)
    token = await scene.token(grant)
    assert (await scene.rows(token)).status_code == 200
    assert (await scene.rows(token, "evaluate")).json()["type"] == "/problems/purpose-not-allowed"

    wider = {"kind": "amendment", "purposes": ["pretrain", "redistribute"]}
    assert await scene.refused("buyer", agreement, **wider) == "terms-forbid"
    assert await scene.refused("buyer", agreement, kind="amendment", territory=["SG"]) == "agreement-event-field"
    event = await scene.propose("buyer", agreement, kind="amendment", purposes=["evaluate"], territory=["CN"])
    assert (event["state"], event["missing"]) == ("proposed", ["buyer", "seller"])
    event = await scene.sign("supplier", event)
    assert (event["state"], event["missing"]) == ("proposed", ["buyer"])
    assert (await scene.rows(token)).status_code == 200, "nothing changes before the last signature"
    path = f"/buyer/v1/agreement-events/{event['id']}"
    alone = await scene.m.post(scene.parties["buyer"], f"{path}/signatures", {"sha256": event["sha256"]})
    assert alone.json()["type"] == "/problems/signature-missing"
    shown = (await scene.m.get(scene.parties["buyer"], path)).json()
    signed = await scene.sign("buyer", event, **key.sign(base64.b64decode(shown["document_base64"])))
    assert (signed["state"], signed["missing"]) == ("in_force", [])

    assert (await scene.rows(token)).json()["type"] == "/problems/purpose-not-allowed"
    assert (await scene.rows(token, "evaluate")).status_code == 200
    assert (await scene.grants())[grant]["purposes"] == ["evaluate"]
    life = await scene.life("supplier", agreement)
    assert (life["state"], life["signing"], life["purposes"], life["territory"]) == (
        "active",
        "signed",
        ["evaluate"],
        ["CN"],
    )
    assert await scene.verified(agreement) == {
        "agreement": {"exchange": False, "seller": True, "buyer": False},
        "amendment": {"seller": True, "buyer": False, "exchange": False},
    }


async def test_new_terms_that_both_sign_take_the_place_of_the_offers(scene: Scene) -> None:
    bought = await scene.order(await scene.offer("year"))
    own = {**TERMS["own"], "purposes": ["pretrain", "synthesise"]}  # type: ignore[dict-item]
    wish = {"kind": "amendment", "terms": {**TERMS, "own": own}, "purposes": ["pretrain", "synthesise"]}
    for nothing in ({"type": "terms"}, {}):
        assert await scene.refused("supplier", bought["agreement"], **{**wish, "terms": nothing}) == "terms-field-wrong"
    event = await scene.propose("supplier", bought["agreement"], **wish)
    assert (await scene.sign("buyer", event))["state"] == "in_force"
    assert (await scene.rows(await scene.token(bought["grant"]), "synthesise")).status_code == 200
    # From now on these terms say what an amendment may ask for.
    assert await scene.refused("buyer", bought["agreement"], kind="amendment", purposes=["evaluate"]) == "terms-forbid"


async def test_a_renewal_lets_the_grant_go_on(scene: Scene) -> None:
    bought = await scene.order(await scene.offer("year"))
    agreement, grant = bought["agreement"], bought["grant"]
    ends_at = datetime.fromisoformat((await scene.grants())[grant]["ends_at"])
    until = (ends_at + timedelta(days=90)).isoformat()
    event = await scene.propose("supplier", agreement, kind="renewal", ends_at=until)
    assert event["missing"] == ["buyer"]
    assert (await scene.sign("buyer", event))["state"] == "in_force"
    assert datetime.fromisoformat((await scene.grants())[grant]["ends_at"]) == ends_at + timedelta(days=90)
    await scene.later(ends_at + timedelta(days=1))
    await scene.m.services.db.run(lambda tx: seal.ensure_partitions(tx, 3))
    assert (await scene.rows(await scene.token(grant))).status_code == 200
    await scene.later(ends_at + timedelta(days=91))
    gone = await scene.m.post(scene.parties["buyer"], f"/buyer/v1/grants/{grant}/tokens")
    assert gone.json()["type"] == "/problems/grant-ended"
    assert (await scene.life("buyer", agreement))["state"] == "ended"
    assert await scene.refused("buyer", agreement, kind="renewal", ends_at=until) == "agreement-event-not-allowed"
    retired = await scene.propose("supplier", agreement, kind="retirement")
    assert retired["state"] == "in_force", "what is over is filed by one side"
    assert await scene.refused("buyer", agreement, kind="suspension", reason=WHY) == "agreement-event-not-allowed"


async def test_a_suspension_cuts_tokens_at_once_and_lifting_restores_them(scene: Scene) -> None:
    bought = await scene.order(await scene.offer("year"))
    agreement, token = bought["agreement"], await scene.token(bought["grant"])
    operator = await scene.m.operator()
    assert await scene.refused("buyer", agreement, kind="suspension", reason=WHY) == "agreement-event-not-allowed"
    assert await scene.refused("supplier", agreement, kind="suspension") == "agreement-event-field"
    event = await scene.propose("supplier", agreement, kind="suspension", reason=WHY)
    assert event["state"] == "in_force"
    # Paying a debt does not open what the agreement itself has suspended.
    known = ids.parse("agr", agreement)
    assert await scene.m.services.db.run(lambda tx: suspended_among(tx, [known])) == {known}
    assert (await scene.rows(token)).json()["type"] == "/problems/grant-suspended"
    taken = await scene.m.post(scene.parties["buyer"], f"/buyer/v1/grants/{bought['grant']}/tokens")
    assert taken.json()["type"] == "/problems/grant-suspended"
    told = (await scene.life("buyer", agreement))["events"][0]
    assert told["document"]["reason"] == WHY
    # The operator suspends on top, and the seller does not lift that.
    path = f"/operator/v1/agreements/{agreement}"
    held = await scene.m.done(operator, f"{path}/suspension", {"reason": WHY})
    assert held["state"] == "in_force"
    assert await scene.refused("supplier", agreement, kind="lifting", reason=WHY) == "agreement-event-not-allowed"
    assert (await scene.m.get(operator, f"{path}/events")).json()["state"] == "held"
    await scene.m.done(operator, f"{path}/lifting", {"reason": WHY})
    assert (await scene.rows(token)).status_code == 200, "the very same token opens again"
    assert await scene.m.services.db.run(lambda tx: suspended_among(tx, [known])) == set()
    kept = await scene.verified(agreement)
    assert kept["lifting"] == {"exchange": False}


@pytest.mark.parametrize("cut", ["suspension", "termination"])
async def test_a_running_download_is_cut(scene: Scene, cut: str) -> None:
    sale = await on_sale(scene.m, LARGE)
    scene = Scene(scene.m, scene.clock, sale, scene.parties["buyer"])
    bought = await scene.order(await scene.offer("year"))
    headers = {"authorization": f"Bearer {await scene.token(bought['grant'])}"}
    asset = (await scene.m.http.get("/data/v1/grant", headers=headers)).json()["assets"][0]["id"]
    more = {"ground": "breach"} if cut == "termination" else {}
    got = 0
    with pytest.raises(httpx.RemoteProtocolError):
        async with scene.m.http.stream("GET", f"/data/v1/assets/{asset}", headers=headers) as answer:
            assert answer.status_code == 200
            async for chunk in answer.aiter_raw():
                if not got:
                    event = await scene.propose("supplier", bought["agreement"], kind=cut, reason=WHY, **more)
                    assert event["state"] == "in_force"
                    # The server has sent what the sockets hold and waits; it asks again before it goes on.
                    await asyncio.sleep(1.2)
                got += len(chunk)
    assert 0 < got < len(LARGE)
    # What left is on record, and no more than that.
    used = (await scene.m.get(scene.parties["buyer"], f"/buyer/v1/grants/{bought['grant']}/usage")).json()
    assert used["grant"] == bought["grant"]
    if cut == "suspension":
        await scene.propose("supplier", bought["agreement"], kind="lifting", reason=WHY)
        whole = await scene.m.http.get(f"/data/v1/assets/{asset}", headers=headers)
        assert whole.content == LARGE
    else:
        again = await scene.m.http.get(f"/data/v1/assets/{asset}", headers=headers)
        assert again.json()["type"] == "/problems/grant-ended"


async def test_a_termination_for_breach_gives_back_what_was_paid_for_the_rest(scene: Scene) -> None:
    bought = await scene.order(await scene.offer("monthly", "subscription", MONTHLY))
    agreement, grant = bought["agreement"], bought["grant"]
    assert Decimal(bought["total"]["amount"]) == Decimal("31.00")
    await scene.later(START + timedelta(days=15, hours=12))
    event = await scene.propose("buyer", agreement, kind="termination", ground="breach", reason=WHY)
    assert event["state"] == "in_force"
    assert (await scene.grants())[grant]["state"] == "ended"
    assert (await scene.life("supplier", agreement))["state"] == "terminated"
    await scene.later(datetime(2026, 2, 2, tzinfo=UTC))
    await settle(scene.m, 2026, 1)
    charges = (await scene.m.get(scene.parties["buyer"], "/buyer/v1/charges")).json()["items"]
    # Half of January was paid for and not used.
    assert [one["amount"] for one in charges if one["grant"] == grant] == [{"amount": "-15.50", "currency": "CNY"}]
    await scene.books_are_sound()


async def test_a_notice_ends_a_subscription_with_a_paid_period_and_no_earlier(scene: Scene) -> None:
    bought = await scene.order(await scene.offer("monthly", "subscription", MONTHLY))
    agreement, grant = bought["agreement"], bought["grant"]
    notice = partial(scene.refused, "buyer", agreement, kind="termination", ground="notice", reason=WHY)
    for early in (START + timedelta(days=20), START + timedelta(days=40)):
        assert await notice(effective_at=early.isoformat()) == "notice-too-short"
        body = (await scene.m.post(scene.parties["buyer"], f"/buyer/v1/agreements/{agreement}/events", {
            "kind": "termination", "ground": "notice", "reason": WHY, "effective_at": early.isoformat()
        })).json()  # fmt: skip
        assert datetime.fromisoformat(body["earliest"]) == datetime(2026, 2, 1, tzinfo=UTC)
        assert datetime.fromisoformat(body["following"]) == datetime(2026, 2 if early.month == 1 else 3, 1, tzinfo=UTC)
    assert await scene.refused("supplier", agreement, kind="termination", ground="notice", reason=WHY) == (
        "agreement-event-field"
    )
    # Whoever names no moment gets the one that the refusals named.
    await scene.later(START + timedelta(minutes=59, seconds=59))
    end = datetime(2026, 2, 1, tzinfo=UTC)
    event = await scene.propose("buyer", agreement, kind="termination", ground="notice", reason=WHY)
    assert (event["state"], datetime.fromisoformat(event["effective_at"])) == ("in_force", end)
    life = await scene.life("buyer", agreement)
    assert (life["state"], datetime.fromisoformat(life["terminates_at"])) == ("ending", end)
    assert (await scene.rows(await scene.token(grant))).status_code == 200
    assert datetime.fromisoformat((await scene.grants())[grant]["ends_at"]) == end


async def test_the_earliest_moment_of_a_notice_may_be_sent_back_for_an_hour(scene: Scene) -> None:
    bought = await scene.order(await scene.offer("year"))
    path = f"/buyer/v1/agreements/{bought['agreement']}/events"
    wish = {"kind": "termination", "ground": "notice", "reason": WHY}
    soon = (START + timedelta(days=29)).isoformat()
    body = (await scene.m.post(scene.parties["buyer"], path, {**wish, "effective_at": soon})).json()
    assert body["type"] == "/problems/notice-too-short"
    earliest, until = (datetime.fromisoformat(body[name]) for name in ("earliest", "until"))
    assert (earliest.minute, earliest.second, earliest.microsecond) == (0, 0, 0)
    assert until - START >= timedelta(hours=1)
    assert body["earliest"] in body["remedy"]
    await scene.later(START + timedelta(minutes=59, seconds=59))
    event = await scene.propose("buyer", bought["agreement"], **wish, effective_at=body["earliest"])
    assert (event["state"], datetime.fromisoformat(event["effective_at"])) == ("in_force", earliest)


async def test_a_licence_passes_to_another_organisation_that_signs_too(scene: Scene) -> None:
    bought = await scene.order(await scene.offer("year"))
    agreement, grant = bought["agreement"], bought["grant"]
    old = await scene.token(grant)
    heir, strange = await scene.m.join("buyer"), await scene.m.join("supplier")
    wish = {"kind": "transfer", "successor": strange.organisation}
    assert await scene.refused("buyer", agreement, **wish) == "successor-unfit"
    at = (START + timedelta(days=2)).isoformat()
    event = await scene.propose("buyer", agreement, kind="transfer", successor=heir.organisation, effective_at=at)
    assert event["missing"] == ["seller", "successor"]
    scene.parties["buyer heir"] = heir
    listed = (await scene.m.get(heir, "/buyer/v1/agreement-events")).json()["items"]
    assert [(one["id"], one["missing"]) for one in listed] == [(event["id"], ["seller", "successor"])]
    assert (await scene.m.get(heir, f"/buyer/v1/agreements/{agreement}")).status_code == 404
    await scene.sign("buyer heir", event)
    assert (await scene.sign("supplier", event))["state"] == "in_force"
    assert (await scene.rows(old)).status_code == 200, "until the moment that was agreed"
    (new,) = (await scene.grants("buyer heir")).values()
    assert new["purposes"] == ["pretrain"]
    await scene.later(START + timedelta(days=2, minutes=1))
    await scene.m.services.db.run(lambda tx: seal.ensure_partitions(tx, 3))
    assert (await scene.rows(await scene.token(new["id"], "buyer heir"))).status_code == 200
    gone = await scene.m.post(scene.parties["buyer"], f"/buyer/v1/grants/{grant}/tokens")
    assert gone.json()["type"] == "/problems/grant-ended"
    shown = await scene.m.get(scene.parties["buyer heir"], f"/buyer/v1/agreements/{agreement}")
    assert shown.status_code == 200
    assert (await scene.life("buyer heir", agreement))["holder"] == heir.organisation
    # Who has passed it on has no say any more; who has it now does.
    path = f"/buyer/v1/agreements/{agreement}/events"
    assert (await scene.m.post(scene.parties["buyer"], path, {"kind": "retirement"})).status_code == 404
    kept = await scene.verified(agreement)
    assert kept["transfer"] == {"buyer": True, "seller": True, "successor": True, "exchange": False}
    await scene.books_are_sound()


async def test_what_still_costs_something_is_not_passed_on(scene: Scene) -> None:
    bought = await scene.order(await scene.offer("monthly", "subscription", MONTHLY))
    heir = await scene.m.join("buyer")
    wish = {"kind": "transfer", "successor": heir.organisation}
    assert await scene.refused("buyer", bought["agreement"], **wish) == "transfer-has-charges"


async def test_a_proposal_is_refused_withdrawn_overtaken_or_expires(scene: Scene) -> None:
    agreement = (await scene.order(await scene.offer("year")))["agreement"]
    wish = {"kind": "amendment", "purposes": ["evaluate"]}
    first = await scene.propose("buyer", agreement, **wish)
    path = "/{}/v1/agreement-events/{}/{}"
    buyer, supplier = scene.parties["buyer"], scene.parties["supplier"]
    own = await scene.m.post(buyer, path.format("buyer", first["id"], "refusal"), {})
    assert own.json()["type"] == "/problems/agreement-event-not-yours"
    wrong = await scene.m.post(supplier, path.format("supplier", first["id"], "signatures"), {"sha256": "0" * 64})
    assert wrong.json()["type"] == "/problems/agreement-event-field"
    refused = await scene.m.done(supplier, path.format("supplier", first["id"], "refusal"), {"reason": WHY})
    assert refused["state"] == "refused"
    second = await scene.propose("supplier", agreement, **wish)
    assert (await scene.m.done(supplier, path.format("supplier", second["id"], "withdrawal"), {}))["state"] == (
        "withdrawn"
    )
    third = await scene.propose("buyer", agreement, **wish)
    await scene.propose("supplier", agreement, kind="suspension", reason=WHY)
    fourth = await scene.propose("buyer", agreement, **wish, open_days=1)
    await scene.later(START + timedelta(days=2))
    states = [one["state"] for one in (await scene.life("buyer", agreement))["events"]]
    assert states == ["refused", "withdrawn", "overtaken", "in_force", "expired"]
    for one in (first, second, third, fourth):
        late = await scene.m.post(
            scene.parties["supplier"],
            path.format("supplier", one["id"], "signatures"),
            {"sha256": one["sha256"]},
        )
        assert (late.status_code, late.json()["type"]) == (409, "/problems/agreement-event-closed")


async def test_of_two_events_at_once_one_comes_into_force(scene: Scene) -> None:
    agreement = (await scene.order(await scene.offer("year")))["agreement"]
    proposals = [
        await scene.propose("buyer", agreement, kind="amendment", purposes=purposes)
        for purposes in (["evaluate"], ["fine_tune"], ["evaluate", "pretrain"])
    ]
    answers = await asyncio.gather(
        *[
            scene.m.post(
                scene.parties["supplier"],
                f"/supplier/v1/agreement-events/{one['id']}/signatures",
                {"sha256": one["sha256"]},
            )
            for one in proposals
        ],
        scene.m.post(
            scene.parties["supplier"],
            f"/supplier/v1/agreements/{agreement}/events",
            {"kind": "termination", "ground": "breach", "reason": WHY},
        ),
    )
    codes = sorted(answer.status_code for answer in answers[:3])
    assert codes in ([201, 409, 409], [409, 409, 409]), [answer.text for answer in answers]
    life = await scene.life("buyer", agreement)
    forced = [one for one in life["events"] if one["state"] == "in_force"]
    assert [one["number"] for one in forced] == list(range(1, len(forced) + 1))
    assert life["state"] == "terminated"
    await scene.verified(agreement)


async def test_what_is_frozen_is_neither_prolonged_nor_passed_on(scene: Scene) -> None:
    bought = await scene.order(await scene.offer("year"))
    agreement = bought["agreement"]
    heir, regulator = await scene.m.join("buyer"), await scene.m.join("regulator")
    passed = {"kind": "transfer", "successor": heir.organisation}
    longer = {"kind": "renewal", "ends_at": (START + timedelta(days=700)).isoformat()}
    proposed = await scene.propose("buyer", agreement, **passed)
    scene.parties["buyer heir"] = heir
    await scene.sign("buyer heir", proposed)
    sale = scene.sale
    for target in (
        bought["grant"],
        bought["id"],
        agreement,
        sale.revision,
        sale.dataset,
        sale.listing,
        bought["offer"],
    ):
        directive = await scene.m.done(regulator, "/regulator/v1/directives", frozen("freeze", target))
        for event in (passed, longer):
            assert await scene.refused("buyer", agreement, **event) == "trade-frozen", target
        path = f"/supplier/v1/agreement-events/{proposed['id']}/signatures"
        signed = await scene.m.post(scene.parties["supplier"], path, {"sha256": proposed["sha256"]})
        assert signed.json()["type"] == "/problems/trade-frozen", target
        await scene.m.done(regulator, f"/regulator/v1/directives/{directive['id']}/lifting")
    assert (await scene.sign("supplier", proposed))["state"] == "in_force"
