"""Obligations through HTTP: bought, due, reminded of, shown, overdue, waived; and questions that are kept."""

from __future__ import annotations

import asyncio
import html
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest_asyncio

from contracts import odrl
from exchange import main
from exchange.access.store import seal
from exchange.flows.register_organisation import Registered
from exchange.kernel.canonical import canonical, sha256_hex
from exchange.kernel.clock import FixedClock
from tests.support.api import Market, Party, market
from tests.support.outcomes import REASON, funded
from tests.support.trade import OnSale, offer_document, on_sale

TERMS: dict[str, Any] = {
    "type": "terms",
    "v": 1,
    "prevailing_language": "zh",
    "own": {
        "purposes": ["pretrain", "evaluate"],
        "prohibits": ["redistribute"],
        "commercial": True,
        "territory": ["CN"],
        "duration": {"months": 3},
        "attribution": True,
        "audit_right": True,
        "delete_within_days": 30,
        "users": 10,
        "duties": [
            {
                "duty": "report_use",
                "when": "yearly",
                "within_days": 10,
                "else": [{"duty": "notify", "within_days": 5}],
            }
        ],
    },
}
MONTHLY = {**TERMS, "own": {**TERMS["own"], "report_every": "month"}}
del MONTHLY["own"]["duties"]
PROOF = {"sha256": "ab" * 32, "note": {"en": "The report of the month", "zh": "当月使用报告"}}


@pytest_asyncio.fixture
async def clock() -> FixedClock:
    return FixedClock(datetime(2026, 1, 15, 8, tzinfo=UTC))


@pytest_asyncio.fixture
async def m(database_url: str, tmp_path: Path, clock: FixedClock) -> AsyncIterator[Market]:
    only = ("supplier", "assessor", "buyer")
    async with market(database_url, tmp_path, only=only, clock=clock) as made:
        await made.services.db.run(lambda tx: seal.ensure_partitions(tx, 3))
        yield made


class Deal:
    """An agreement under terms with duties, and its two sides at any time."""

    def __init__(
        self, m: Market, clock: FixedClock, sale: OnSale, buyer: Party, order: dict[str, Any], offer: str
    ) -> None:
        self.m, self.clock, self.sale, self.buyer = m, clock, sale, buyer
        self.supplier, self.order, self.offer = sale.supplier, order, offer
        self.agreement: str = order["agreement"]

    async def later(self, days: float) -> None:
        """Some days pass; both sign in again, the schedule does its work."""
        self.clock.advance(timedelta(days=days).total_seconds())
        self.buyer, self.supplier = [await _again(self.m, one) for one in (self.buyer, self.supplier)]
        await main.schedule(self.m.services).obligations()

    async def owed(self, path: str, portal: str = "buyer", **query: str) -> list[dict[str, Any]]:
        party = self.buyer if portal == "buyer" else self.supplier
        answer = await self.m.get(party, f"/{portal}/v1/obligations", **query)
        assert answer.status_code == 200, answer.text
        return sorted([one for one in answer.json()["items"] if one["path"] == path], key=lambda one: one["number"])

    async def told(self, portal: str = "buyer") -> list[tuple[str, str]]:
        party = self.buyer if portal == "buyer" else self.supplier
        items = (await self.m.get(party, f"/{portal}/v1/obligation-notices")).json()["items"]
        return [(one["obligation"], one["kind"]) for one in items]


async def _again(m: Market, party: Party) -> Party:
    return await m.sign_in(Registered(party.organisation, "verified", "", party.client), party.secret)


async def dealt(m: Market, clock: FixedClock, terms: dict[str, Any] = MONTHLY) -> Deal:
    sale, buyer = await on_sale(m), await funded(m)
    body = {"code": "duties", "document": {**offer_document(), "terms": terms}}
    offer = (await m.done(sale.supplier, f"/supplier/v1/listings/{sale.listing}/offers", body))["id"]
    wish = {"offer": offer, "purposes": ["pretrain"], "payment": "wallet"}
    order = await m.done(buyer, "/buyer/v1/orders", wish)
    deal = Deal(m, clock, sale, buyer, order, offer)
    await deal.later(0)
    return deal


async def test_from_the_purchase_to_evidence_and_to_what_is_overdue(m: Market, clock: FixedClock) -> None:
    deal = await dealt(m, clock)
    (report,) = await deal.owed("report_use")
    assert (report["state"], report["rhythm"], report["agreement"]) == ("open", "periodic", deal.agreement)
    assert report["due_at"].startswith("2026-02-15")
    assert report["text"] == {"en": "report how it was used every month", "zh": "每月报告使用情况"}
    assert [one["state"] for one in await deal.owed("attribution")] == ["open"]
    assert await deal.told() == []
    await deal.later(0)
    assert len(await deal.owed("report_use")) == 1, "the same again makes nothing new"

    await deal.later(25)
    (report,) = await deal.owed("report_use", state="due")
    assert await deal.told() == [(report["id"], "due")]
    assert await deal.told("supplier") == []
    path = f"/buyer/v1/obligations/{report['id']}"
    shown = await m.done(deal.buyer, f"{path}/evidence", PROOF)
    assert shown["state"] == "fulfilled"
    detail = (await m.get(deal.supplier, f"/supplier/v1/obligations/{report['id']}")).json()
    assert [(one["id"], one["sha256"], one["note"]) for one in detail["evidence"]] == [
        (shown["evidence"], PROOF["sha256"], PROOF["note"])
    ]
    assert [one["state"] for one in detail["steps"]] == ["open", "due", "fulfilled"]
    again = await m.post(deal.buyer, f"{path}/evidence", PROOF)
    assert (again.status_code, again.json()["type"]) == (409, "/problems/obligation-closed")

    await deal.later(35)
    first, second, third = await deal.owed("report_use")
    assert [one["state"] for one in (first, second, third)] == ["fulfilled", "overdue", "open"]
    assert (second["id"], "overdue") in await deal.told("supplier")
    asked = {"agreement": deal.agreement, "purpose": "pretrain", "territory": "CN", "users": 3}
    answer = await m.done(deal.buyer, "/buyer/v1/questions", asked)
    (one,) = answer["answers"]
    assert (answer["verdict"], [reason["rule"] for reason in one["reasons"]]) == ("deny", ["duty/report_use"])
    waived = await m.done(deal.supplier, f"/supplier/v1/obligations/{second['id']}/waiver", {"reason": REASON})
    assert waived["state"] == "waived"
    answer = await m.done(deal.buyer, "/buyer/v1/questions", asked)
    assert answer["verdict"] == "permit", answer


async def test_the_last_period_ends_with_the_agreement_and_deletion_follows(m: Market, clock: FixedClock) -> None:
    deal = await dealt(m, clock)
    (deletion,) = await deal.owed("delete_at_end")
    assert deletion["due_at"].startswith("2026-05-15")
    await deal.later(200)
    reports = await deal.owed("report_use")
    assert [one["number"] for one in reports] == [1, 2, 3]
    assert {one["state"] for one in reports} == {"overdue"}
    assert [one["state"] for one in await deal.owed("delete_at_end")] == ["overdue"]


async def test_a_consequence_begins_with_the_breach(m: Market, clock: FixedClock) -> None:
    own = {**TERMS["own"], "duration": {"months": 24}}
    deal = await dealt(m, clock, {**TERMS, "own": own})
    (report,) = await deal.owed("report_use")
    assert report["due_at"].startswith("2027-01-25")
    await deal.later(376)
    (follows,) = await deal.owed("report_use/notify")
    assert (follows["consequence_of"], follows["rhythm"]) == (report["id"], "dated")
    assert datetime.fromisoformat(follows["due_at"]) == clock.now() + timedelta(days=5)
    assert follows["state"] == "due"
    done = await m.done(deal.buyer, f"/buyer/v1/obligations/{follows['id']}/evidence", PROOF)
    assert done["state"] == "fulfilled"
    assert [one["number"] for one in await deal.owed("report_use")] == [1, 2]


async def test_an_audit_is_due_when_the_supplier_asks(m: Market, clock: FixedClock) -> None:
    deal = await dealt(m, clock)
    (audit,) = await deal.owed("allow_audit", "supplier")
    mine, theirs = f"/buyer/v1/obligations/{audit['id']}", f"/supplier/v1/obligations/{audit['id']}"
    early = await m.post(deal.buyer, f"{mine}/evidence", PROOF)
    assert early.json()["type"] == "/problems/obligation-not-asked"
    undated = await m.post(deal.supplier, f"{theirs}/demand", {"reason": REASON})
    assert (undated.status_code, undated.json()["type"]) == (422, "/problems/obligation-demand-wrong")
    wish = {"reason": REASON, "due_at": (clock.now() + timedelta(days=20)).isoformat()}
    assert (await m.done(deal.supplier, f"{theirs}/demand", wish))["state"] == "open"
    assert await deal.told() == [(audit["id"], "asked")]
    assert (await m.done(deal.buyer, f"{mine}/evidence", PROOF))["state"] == "fulfilled"
    assert [one["state"] for one in await deal.owed("allow_audit")] == ["fulfilled", "open"]
    (standing,) = await deal.owed("attribution")
    shown = await m.done(deal.buyer, f"/buyer/v1/obligations/{standing['id']}/evidence", PROOF)
    assert shown["state"] == "open", "what holds all the time is never done with"


async def test_questions_name_their_rules_and_are_kept(m: Market, clock: FixedClock) -> None:
    deal = await dealt(m, clock)
    full = {"territory": "CN", "users": 5, "commercial": True}
    asked = await m.done(deal.buyer, "/buyer/v1/questions", {"offer": deal.offer, "purpose": "pretrain", **full})
    assert (asked["verdict"], asked["allowed"]) == ("permit", True)
    assert asked["answers"][0]["must"]
    denied = await m.done(deal.buyer, "/buyer/v1/questions", {"offer": deal.offer, "purpose": "redistribute", **full})
    assert (denied["verdict"], denied["answers"][0]["reasons"][0]["rule"]) == ("deny", "purpose")
    unknown = await m.done(deal.buyer, "/buyer/v1/questions", {"offer": deal.offer, "purpose": "pretrain"})
    assert unknown["verdict"] == "unknown"
    listing = await m.done(
        deal.buyer, "/buyer/v1/questions", {"listing": deal.sale.listing, "purpose": "pretrain", **full}
    )
    assert {one["offer"] for one in listing["answers"]} == {deal.offer, deal.sale.offer}
    other = {"grant": deal.order["grant"], "purpose": "evaluate", **full}
    bought = await m.done(deal.buyer, "/buyer/v1/questions", other)
    assert [one["rule"] for one in bought["answers"][0]["reasons"]] == ["purposes"], "it was bought to pretrain only"
    kept = (await m.get(deal.buyer, "/buyer/v1/questions")).json()["items"]
    assert len(kept) == 5
    shown = (await m.get(deal.buyer, f"/buyer/v1/questions/{asked['id']}")).json()
    assert sha256_hex(canonical(shown["document"])) == shown["sha256"] == asked["sha256"]
    both = await m.post(
        deal.buyer, "/buyer/v1/questions", {"offer": deal.offer, "listing": deal.sale.listing, "purpose": "pretrain"}
    )
    assert both.json()["type"] == "/problems/question-subject-wrong"


async def test_a_renewed_agreement_is_asked_about_by_its_present_end(m: Market, clock: FixedClock) -> None:
    deal = await dealt(m, clock)
    until = clock.now() + timedelta(days=180)
    wish = {"kind": "renewal", "ends_at": until.isoformat()}
    event = await m.done(deal.buyer, f"/buyer/v1/agreements/{deal.agreement}/events", wish)
    shown = (await m.get(deal.buyer, f"/buyer/v1/agreement-events/{event['id']}")).json()
    assert (shown["must_sign"], shown["missing"]) == (["buyer", "seller"], ["seller"])
    assert [one["role"] for one in shown["signatures"]] == ["buyer"]
    signed = {"sha256": event["sha256"]}
    await m.done(deal.supplier, f"/supplier/v1/agreement-events/{event['id']}/signatures", signed)

    async def reasons(subject: dict[str, str], after: timedelta) -> dict[str, str]:
        question = {"purpose": "pretrain", "territory": "CN", "users": 5, "commercial": True}
        at = (until - timedelta(days=180) + after).isoformat()
        answer = await m.done(deal.buyer, "/buyer/v1/questions", {**subject, **question, "at": at})
        return {one["rule"]: one["verdict"] for one in answer["answers"][0]["reasons"]}

    # The terms say three months.
    for subject in ({"agreement": deal.agreement}, {"grant": deal.order["grant"]}):
        assert "duration" not in {
            rule: said for rule, said in (await reasons(subject, timedelta(days=120))).items() if said != "permit"
        }
        over = await reasons(subject, timedelta(days=181))
        assert (over["duration"], over["state"]) == ("deny", "deny")


async def test_the_end_of_an_agreement_moves_its_dates(m: Market, clock: FixedClock) -> None:
    deal = await dealt(m, clock)
    wish = {"kind": "retirement", "reason": REASON}
    event = await m.done(deal.buyer, f"/buyer/v1/agreements/{deal.agreement}/events", wish)
    await m.done(deal.supplier, f"/supplier/v1/agreement-events/{event['id']}/signatures", {"sha256": event["sha256"]})
    await deal.later(0)
    (deletion,) = await deal.owed("delete_at_end")
    assert datetime.fromisoformat(deletion["due_at"]) - clock.now() <= timedelta(days=30)


async def test_an_amendment_changes_what_is_still_open(m: Market, clock: FixedClock) -> None:
    deal = await dealt(m, clock)
    own = {name: value for name, value in MONTHLY["own"].items() if name not in ("attribution", "report_every")}
    wish = {"kind": "amendment", "terms": {**MONTHLY, "own": {**own, "delete_within_days": 60}}}
    event = await m.done(deal.supplier, f"/supplier/v1/agreements/{deal.agreement}/events", wish)
    await m.done(deal.buyer, f"/buyer/v1/agreement-events/{event['id']}/signatures", {"sha256": event["sha256"]})
    await deal.later(0)
    assert [one["state"] for one in await deal.owed("report_use")] == ["waived"]
    assert [one["state"] for one in await deal.owed("attribution")] == ["waived"]
    (deletion,) = await deal.owed("delete_at_end")
    assert (deletion["state"], deletion["due_at"][:10]) == ("open", "2026-06-14")


async def test_who_takes_over_a_licence_takes_over_what_is_owed(m: Market, clock: FixedClock) -> None:
    deal = await dealt(m, clock)
    heir = await m.join("buyer")
    wish = {"kind": "transfer", "successor": heir.organisation}
    event = await m.done(deal.buyer, f"/buyer/v1/agreements/{deal.agreement}/events", wish)
    for party, portal in ((heir, "buyer"), (deal.supplier, "supplier")):
        await m.done(party, f"/{portal}/v1/agreement-events/{event['id']}/signatures", {"sha256": event["sha256"]})
    await deal.later(0)
    assert await deal.owed("report_use") == []
    owed = (await m.get(heir, "/buyer/v1/obligations", agreement=deal.agreement)).json()["items"]
    assert {one["path"] for one in owed} == {"attribution", "report_use", "delete_at_end", "allow_audit"}
    report = next(one["id"] for one in owed if one["path"] == "report_use")
    path = f"/buyer/v1/obligations/{report}/evidence"
    assert (await m.post(deal.buyer, path, PROOF)).status_code == 404
    assert (await m.done(heir, path, PROOF))["state"] == "fulfilled"


async def test_two_answers_at_once_close_an_obligation_once(m: Market, clock: FixedClock) -> None:
    deal = await dealt(m, clock)
    (report,) = await deal.owed("report_use")
    path = f"v1/obligations/{report['id']}"
    answers = await asyncio.gather(
        *(m.post(deal.buyer, f"/buyer/{path}/evidence", PROOF) for _ in range(3)),
        m.post(deal.supplier, f"/supplier/{path}/waiver", {"reason": REASON}),
    )
    assert sorted(one.status_code // 100 for one in answers) == [2, 4, 4, 4]
    steps = (await m.get(deal.buyer, f"/buyer/{path}")).json()["steps"]
    assert len(steps) == 2


async def test_an_offers_terms_are_a_page_and_a_document_for_everybody(m: Market, clock: FixedClock) -> None:
    deal = await dealt(m, clock)
    shown = (await m.http.get(f"/catalog/v1/offers/{deal.offer}/terms")).json()
    assert shown["document"] == MONTHLY
    assert shown["sha256"] == sha256_hex(canonical(MONTHLY))
    again, policy = odrl.terms_of(shown["policy"]), shown["policy"]
    assert isinstance(again, dict)
    assert odrl.offer(again, policy["@id"], target=policy["target"]) == policy
    assert all(section["missing"] for section in shown["frame"] if section["key"] == "governing_law")
    headings = {"en": ("You may", "You may not", "You must"), "zh": ("您可以", "您不得", "您必须")}
    for language, words in headings.items():
        page = (await m.http.get(f"/offers/{deal.offer}/terms", params={"lang": language})).text
        sentences = [*shown["plain"]["you_may"], *shown["plain"]["you_may_not"], *shown["plain"]["you_must"]]
        sentences += [*shown["plain"]["unclear"], *(one for part in shown["frame"] for one in part["sentences"])]
        said = html.unescape(page)
        assert [one[language] for one in sentences if one[language] not in said] == []
        assert all(f"<h3>{word}</h3>" in page for word in words)
    assert (await m.http.get(f"/offers/{deal.offer[:-1]}x/terms")).status_code == 404


async def test_terms_are_checked_and_shown_before_they_are_used(m: Market, clock: FixedClock) -> None:
    supplier = await m.join("supplier")
    path = "/supplier/v1/terms/check"
    good = (await m.http.post(path, json={"terms": MONTHLY}, headers=supplier.headers)).json()
    assert (good["ok"], good["problems"]) == (True, [])
    assert (await m.http.post(path, json=MONTHLY, headers=supplier.headers)).json()["terms"] == good["terms"]
    assert {"en": "report how it was used every month", "zh": "每月报告使用情况"} in good["terms"]["you_must"]
    assert all(section["missing"] for section in good["frame"] if section["key"] == "governing_law")
    wrong = {**MONTHLY, "own": {**MONTHLY["own"], "prohibits": ["pretrain"]}}
    bad = (await m.http.post(path, json={"terms": wrong, "frame": {"forum": 1}}, headers=supplier.headers)).json()
    assert not bad["ok"]
    assert {(one["in"], one["field"]) for one in bad["problems"]} == {("terms", "/own/prohibits"), ("frame", "/forum")}
