"""Two tenants of each role: the first has one of everything that a trade leaves behind, the second has nothing."""

from __future__ import annotations

import hashlib
import re
import uuid
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import Any

from compliance.cosign import CosignVerifier
from contracts.rights import PURPOSES
from exchange import main
from exchange.access.plausibility import Aside, Why
from exchange.access.store import aside as stored_asides
from exchange.access.store import seal
from exchange.flows.open_payout_account import record_payout_account
from exchange.flows.register_organisation import Registered
from exchange.kernel import ids
from exchange.kernel.clock import FixedClock
from exchange.kernel.money import Money
from exchange.worker.loop import drain
from settlement import mandates, postings
from settlement.fiscal_papers import About
from settlement.mandates import MandateWish
from settlement.payout_accounts import PayoutAccountState
from settlement.store import ledger
from settlement.store import mandates as stored_mandates
from tests.api.tenants_money import furnish_money
from tests.support.api import Market, Party
from tests.support.directives import wish
from tests.support.disputes import furnish_disputes
from tests.support.efapiao_samples import exported
from tests.support.fiscal_kept import between, keep
from tests.support.outcomes import REASON, measured_now, outcome
from tests.support.trade import (
    CONTENT,
    DATASET,
    STATEMENT,
    SUMMARY,
    TITLE,
    certified,
    component,
    measured,
    offer_document,
    on_sale,
    uploaded,
)

# A right that lets everything be passed on.
RIGHT: dict[str, Any] = {
    "subject": "work",
    "id": "w1",
    "kind": "copyright",
    "holder": "We",
    "territory": "*",
    "purposes": sorted(PURPOSES),
    "training": True,
    "commercial": True,
    "sublicensable": True,
    "covers": {"dataset": True},
}
CONTRACT: dict[str, Any] = {
    "apiVersion": "v3.1.0",
    "kind": "DataContract",
    "id": "poems",
    "version": "1",
    "status": "active",
    "schema": [{"name": "poems", "quality": [{"metric": "rowCount", "mustBeLessThan": 1}]}],
}
PROFILE = {"legal_name": {"en": "Corpus Works Ltd"}, "address": ["Hauptstrasse 5"], "city": "Berlin"}
RELIEF = {
    "payer": "CN",
    "income": "royalty",
    "rate": "0.05",
    "number": "1",
    "valid_from": "2026-01-01",
    "valid_to": "2026-12-31",
}
TABLE: dict[str, Any] = {
    "payer": "CN",
    "rules": [
        {
            "payees": "abroad",
            "percent": "10",
            "valid_from": "2020-01-01",
            "source": "EXAMPLE",
            "source_date": "2020-01-01",
        }
    ],
}
SPLIT: dict[str, Any] = {
    "type": "waterfall",
    "v": 1,
    "currency": "CNY",
    "steps": [
        {"id": "fee", "op": "fixed", "amount": "1", "payees": [{"role": "platform"}]},
        {"id": "rest", "op": "residual", "payees": [{"role": "supplier"}]},
    ],
}
WITNESS = CosignVerifier("witness.example/w1", bytes(range(32)))
ROLES = ("supplier", "buyer", "assessor", "regulator")
# Whatever an id is of: a prefix, and 26 digits of its base 32.
_ID = re.compile(r"\b[a-z]{2,4}_[0-9a-hjkmnp-tv-z]{26}\b")


@dataclass
class Tenants:
    """The first tenant's objects by the names that routes use, the tenants, and tokens of every doubtful kind."""

    market: Market
    first: dict[str, Party] = field(default_factory=dict)
    second: dict[str, Party] = field(default_factory=dict)
    old: dict[str, str] = field(default_factory=dict)
    objects: dict[str, str] = field(default_factory=dict)
    unpublished: dict[str, str] = field(default_factory=dict)
    grant_token: str = ""
    old_grant_token: str = ""

    def filled(self, path: str, role: str) -> str:
        """A route's path with the first tenant's ids in it."""

        def value(found: re.Match[str]) -> str:
            name = found[1]
            if name == "client":
                party = self.market._operator if role == "operator" else self.first[role]
                assert party is not None, "it has signed in"
                return party.client
            if name == "member":
                return self.first[role if role in self.first else "buyer"].member
            name = {"listing_id": "listing", "named": "order"}.get(name, name)
            if name in ("rest", "usage_event", "milestone"):
                return {"rest": "000", "milestone": "stage"}.get(name, str(uuid.UUID(int=1)))
            return self.named(name, role)

        return re.sub(r"\{(\w+)(?::\w+)?\}", value, path)

    def named(self, name: str, role: str) -> str:
        """An object of the first tenant; for suppliers one that was never published, as what is published is public."""
        own = self.objects.get(f"{name}@{role}")
        if own is not None:
            return own
        return self.unpublished.get(name, self.objects[name]) if role == "supplier" else self.objects[name]

    def secrets(self) -> set[str]:
        """Ids that no stranger may see in any answer: everything of the first tenant that was not published."""
        published = {
            "listing",
            "revision",
            "dataset",
            "scorecard",
            "certificate",
            "offer",
            "asset",
            "auction",
            "key",
            "rate",
            "witness",
        }
        own = {value for name, value in self.objects.items() if name not in published}
        own |= set(self.unpublished.values())
        return own | {party.client for party in self.first.values()} | {self.first["buyer"].organisation}


def ids_in(text: str) -> set[str]:
    """Every id that stands in an answer."""
    return set(_ID.findall(text))


async def furnish(market: Market, clock: FixedClock) -> Tenants:
    """Make both tenants, and carry one trade of the first through all rooms."""
    t = Tenants(market)
    services = market.services
    await services.db.run(lambda tx: seal.ensure_partitions(tx, 3))
    sold = await on_sale(market)
    t.first |= {"supplier": sold.supplier, "assessor": sold.assessor}
    for role in ("buyer", "regulator"):
        t.first[role] = await market.join(role)
    for role in ROLES:
        t.second[role] = await market.join(role)
    t.old = {role: party.token for role, party in t.first.items()} | {"operator": (await market.operator()).token}
    for name in ("dataset", "revision", "scorecard", "certificate", "listing", "offer"):
        t.objects[name] = getattr(sold, name)
    await _supply(t)
    await _buy(t)
    clock.advance(timedelta(days=40).total_seconds())
    await _sign_in_again(t)
    await _close(t, clock)
    await _listen(t)
    return t


async def _listen(t: Tenants) -> None:
    """A webhook in each portal, with a message on its way; and an overdue case."""
    for role in ("supplier", "buyer", "assessor"):
        made = await t.market.done(t.first[role], f"/{role}/v1/webhooks", {"url": "https://hooks.example.com/in"})
        sent = await t.market.done(t.first[role], f"/{role}/v1/webhooks/{made['id']}/test")
        t.objects |= {f"webhook@{role}": made["id"], f"message@{role}": sent["message"]}


async def _supply(t: Tenants) -> None:
    m, supplier = t.market, t.first["supplier"]
    at = f"/supplier/v1/datasets/{t.objects['dataset']}"
    t.objects["upload"] = (await m.done(supplier, f"{at}/uploads", {"path": "more.txt", "size_bytes": 10}))["id"]
    path = f"/supplier/v1/revisions/{t.objects['revision']}"
    wish = {"assessor": t.first["assessor"].organisation}
    second = await uploaded(m, supplier, t.objects["dataset"], "second.jsonl", CONTENT)
    await m.done(supplier, f"{at}/revisions", {"uploads": [second]})
    await drain(m.services.db, main.steps(m.services).table())
    t.objects["assessment"] = (await m.done(supplier, f"{path}/assessments", wish))["assessment"]
    await m.done(supplier, "/supplier/v1/usage/sources", {})
    await _keep_back(t)
    await _weigh(t)
    await _share(t)
    per_record = component({"type": "per_unit", "unit_price": "0.5"}, "records", "month")
    body = {"code": "use", "document": offer_document("pay_per_use", per_record)}
    offer = await m.done(supplier, f"/supplier/v1/listings/{t.objects['listing']}/offers", body)
    t.objects["metered"] = offer["id"]
    await _auction(t)
    wish = {"code": "kept", "title": TITLE, "document": offer_document()["plan"]}
    t.objects["plan"] = (await m.done(supplier, "/supplier/v1/plans", wish))["id"]


async def _weigh(t: Tenants) -> None:
    """A weight vector of what was never published, measured."""
    m, supplier = t.market, t.first["supplier"]
    wish = {"subject": "own", "revisions": [t.unpublished["revision"]]}
    t.objects["vector"] = (await m.done(supplier, "/supplier/v1/weight-vectors", wish))["id"]
    await drain(m.services.db, main.steps(m.services).table())


async def _share(t: Tenants) -> None:
    """A split rule of what was never published, and a mandate to the service provider, who is a broker too."""
    m, supplier, broker = t.market, t.first["supplier"], t.first["assessor"]
    path = f"/supplier/v1/datasets/{t.unpublished['dataset']}/split-rules"
    payees = [{"role": "assessor", "organisation": broker.organisation}]
    paid = {"id": "check", "op": "share_of_gross", "percent": "1", "payees": payees}
    document = {**SPLIT, "steps": [paid, *SPLIT["steps"]]}
    t.objects["rule"] = (await m.done(supplier, path, {"code": "main", "document": document}))["id"]
    at = m.services.db.clock.now()
    wish = MandateWish(broker.id, "5", at, at + timedelta(days=300), 2)
    made = mandates.make(m.services.db.ids.new(at), supplier.id, wish, at)
    assert isinstance(made, mandates.Mandate)
    signed = mandates.SignedMandate(made, mandates.write(made), b"0" * 32, "kid", b"0" * 64)
    await m.services.db.run(lambda tx: stored_mandates.insert_mandate(tx, signed))
    t.objects["mandate"] = ids.text("mnd", made.id)
    claim = {"buyer": t.first["buyer"].organisation, "evidence_sha256": "ab" * 32}
    await m.done(broker, f"/assessor/v1/mandates/{t.objects['mandate']}/claims", claim)


async def _auction(t: Tenants) -> None:
    """An auction with a secret reserve that stays open as long as the test lives."""
    m, supplier = t.market, t.first["supplier"]
    body = {"code": "sole", "document": offer_document("one_off", component({"type": "auction"}))}
    offer = await m.done(supplier, f"/supplier/v1/listings/{t.objects['listing']}/offers", body)
    ends = m.services.db.clock.now() + timedelta(days=80)
    wish = {"offer": offer["id"], "exclusive": "exclusive", "closes_at": ends.isoformat(), "reserve_public": False}
    reserve = {"amount": "500.00", "currency": "CNY"}
    t.objects["auction"] = (await m.done(supplier, "/supplier/v1/auctions", {**wish, "reserve": reserve}))["id"]


async def _keep_back(t: Tenants) -> None:
    """A second dataset with all that belongs to it, whose listing stays a draft."""
    m, supplier, assessor = t.market, t.first["supplier"], t.first["assessor"]
    dataset = (await m.done(supplier, "/supplier/v1/datasets", DATASET))["id"]
    upload = await uploaded(m, supplier, dataset, "back.jsonl", CONTENT)
    revision, scorecard = await measured(m, supplier, dataset, upload)
    certificate = await certified(m, supplier, assessor, revision)
    wish = {"revision": revision, "title": TITLE, "summary": SUMMARY}
    listing = (await m.done(supplier, "/supplier/v1/listings", wish))["id"]
    body = {"code": "once", "document": offer_document()}
    offer = (await m.done(supplier, f"/supplier/v1/listings/{listing}/offers", body))["id"]
    open_upload = await m.done(
        supplier, f"/supplier/v1/datasets/{dataset}/uploads", {"path": "a.txt", "size_bytes": 10}
    )
    t.unpublished |= {"dataset": dataset, "revision": revision, "scorecard": scorecard, "certificate": certificate}
    t.unpublished |= {"listing": listing, "offer": offer, "upload": open_upload["id"]}
    declared = await m.done(supplier, f"/supplier/v1/datasets/{dataset}/rights", {"rights": [RIGHT]})
    t.objects["right"] = declared["rights"][0]
    await m.done(supplier, f"/supplier/v1/datasets/{dataset}/data-contract", CONTRACT)


async def _hold_use(t: Tenants) -> None:
    """A day of the first tenant's grant with more use than is plausible."""
    m, at = t.market, t.market.services.db.clock.now()
    sides = t.first["buyer"].id, t.first["supplier"].id
    one = m.services.db.ids.new(at)
    grant = ids.parse("grt", t.objects["grant"])
    made = Aside(one, grant, at.date(), 2, 1, 9, 5, Why.ABSOLUTE, *sides, at)
    await m.services.db.run(lambda tx: stored_asides.insert(tx, made))
    t.objects["exception"] = ids.text("hlu", one)


async def _buy(t: Tenants) -> None:
    m, buyer = t.market, t.first["buyer"]
    money = postings.top_up(m.services.db.ids.new(m.services.db.clock.now()), buyer.id, Money(900_000_000, "CNY"))
    await m.services.db.run(lambda tx: ledger.post(tx, [money]))
    wish: dict[str, Any] = {"amount": {"amount": "50.00", "currency": "CNY"}, "method": "bank"}
    t.objects["payment"] = (await m.done(buyer, "/buyer/v1/top-ups", wish))["id"]
    question = {"offer": t.objects["offer"], "purposes": ["pretrain"]}
    t.objects["quote"] = (await m.done(buyer, "/buyer/v1/quotes", question))["id"]
    for offer in (t.objects["offer"], t.objects["metered"]):
        wish = {"offer": offer, "purposes": ["pretrain"], "payment": "wallet"}
        bought = await m.done(buyer, "/buyer/v1/orders", wish)
    t.objects |= {"order": bought["id"], "agreement": bought["agreement"], "grant": bought["grant"]}
    bid = {"amount": {"amount": "600.00", "currency": "CNY"}, "purposes": ["pretrain"]}
    t.objects["bid"] = (await m.done(buyer, f"/buyer/v1/auctions/{t.objects['auction']}/bids", bid))["id"]
    await _convert(t)
    await _hold_use(t)
    t.objects["measurement"] = (await _measurement(t))["id"]
    await _negotiate(t)
    await _notice(t)
    await _owe(t)
    await _sign(t)
    await _breach(t)
    token = await _grant_token(t)
    t.old_grant_token = token["token"]
    opened = await m.http.get("/data/v1/grant", headers={"authorization": f"Bearer {token['token']}"})
    t.objects["asset"] = opened.json()["assets"][0]["id"]
    rows = f"/data/v1/assets/{t.objects['asset']}/rows?limit=4"
    assert (await m.http.get(rows, headers={"authorization": f"Bearer {token['token']}"})).status_code == 200


async def _convert(t: Tenants) -> None:
    """A rate, which everybody who trades may see, and a conversion at it, which nobody else may."""
    m, buyer = t.market, t.first["buyer"]
    until = (m.services.db.clock.now() + timedelta(days=300)).isoformat()
    wish = {"sell": "CNY", "buy": "EUR", "value": "0.125", "source": "A bank", "valid_to": until}
    made = await m.done(await m.operator(), "/operator/v1/rates", {"rates": [wish]})
    t.objects["rate"] = made["rates"][0]["id"]
    body = {
        "amount": {"amount": "8.00", "currency": "CNY"},
        "buy": "EUR",
        "rate": t.objects["rate"],
        "expires_at": until,
    }
    t.objects["conversion"] = (await m.done(buyer, "/buyer/v1/conversions", body))["id"]


async def _notice(t: Tenants) -> None:
    """A right to a file that the buyer holds, declared and withdrawn beside one that stays."""
    m, supplier = t.market, t.first["supplier"]
    path = f"/supplier/v1/datasets/{t.objects['dataset']}/rights"
    part = {**RIGHT, "id": "w2", "covers": {"assets": ["poems.jsonl"]}}
    declared = await m.done(supplier, path, {"rights": [RIGHT, part]})
    await m.done(supplier, f"{path}/{declared['rights'][1]}/withdrawal", {"reason": REASON})
    told = (await m.get(t.first["buyer"], "/buyer/v1/rights-notices")).json()["items"]
    t.objects["notice"] = told[0]["id"]


async def _breach(t: Tenants) -> None:
    """A data contract that the next revision breaks, of which the buyer is told."""
    m, supplier = t.market, t.first["supplier"]
    path = f"/supplier/v1/datasets/{t.objects['dataset']}"
    await m.done(supplier, f"{path}/data-contract", CONTRACT)
    upload = await uploaded(m, supplier, t.objects["dataset"], "third.jsonl", CONTENT + b'{"text": "1"}\n')
    await measured(m, supplier, t.objects["dataset"], upload)
    told = (await m.get(t.first["buyer"], "/buyer/v1/breaches")).json()["items"]
    t.objects["breach"] = told[0]["id"]


async def _owe(t: Tenants) -> None:
    """What the buyer owes, something shown for it; and a question that it asked."""
    m, buyer = t.market, t.first["buyer"]
    await main.schedule(m.services).obligations()
    owed = (await m.get(buyer, "/buyer/v1/obligations")).json()["items"]
    t.objects["obligation"] = owed[0]["id"]
    shown = {"sha256": "ab" * 32, "note": STATEMENT}
    path = f"/buyer/v1/obligations/{t.objects['obligation']}/evidence"
    t.objects["proof"] = (await m.done(buyer, path, shown))["evidence"]
    question = {"agreement": t.objects["agreement"], "purpose": "pretrain"}
    t.objects["question"] = (await m.done(buyer, "/buyer/v1/questions", question))["id"]


async def _measurement(t: Tenants) -> dict[str, Any]:
    """A measurement between all three, that nobody has answered."""
    m, evaluator = t.market, t.first["assessor"]
    body = {"code": "result", "document": offer_document("one_off", outcome(evaluator.organisation))}
    offer = await m.done(t.first["supplier"], f"/supplier/v1/listings/{t.objects['listing']}/offers", body)
    wish = {"offer": offer["id"], "purposes": ["pretrain"], "payment": "wallet"}
    grant = (await m.done(t.first["buyer"], "/buyer/v1/orders", wish))["grant"]
    return await m.done(evaluator, "/assessor/v1/measurements", measured_now(m, grant))


async def _sign(t: Tenants) -> None:
    """Kept keys of both sides, an agreement signed by them, and an event that waits for the other side."""
    m, buyer = t.market, t.first["buyer"]
    await main.schedule(m.services).signatures()
    keys = (await m.get(buyer, "/buyer/v1/signing-keys")).json()["items"]
    wish = {"kind": "retirement", "open_days": 90}
    event = await m.done(buyer, f"/buyer/v1/agreements/{t.objects['agreement']}/events", wish)
    t.objects |= {"key": keys[0]["id"], "event": event["id"]}


async def _negotiate(t: Tenants) -> None:
    """A negotiation that was agreed: a private offer and its quote wait for the buyer."""
    m, at = t.market, "negotiations"
    wish = {"offer": t.objects["offer"], "purposes": ["pretrain"], "note": STATEMENT}
    one: str = (await m.done(t.first["buyer"], f"/buyer/v1/{at}", wish))["id"]
    body = {"expires_at": (m.services.db.clock.now() + timedelta(days=80)).isoformat()}
    agreed = await m.done(t.first["supplier"], f"/supplier/v1/{at}/{one}/agreement", body)
    t.objects |= {"negotiation": one, "private": agreed["offer"]}


async def _grant_token(t: Tenants) -> dict[str, Any]:
    made = await t.market.done(t.first["buyer"], f"/buyer/v1/grants/{t.objects['grant']}/tokens")
    t.objects["token"], t.grant_token = made["id"], made["token"]
    return made


async def _sign_in_again(t: Tenants) -> None:
    m = t.market
    for party in (*t.first.values(), *t.second.values(), await m.operator()):
        again = await m.sign_in(Registered(party.organisation, "verified", "", party.client), party.secret)
        for known in (t.first, t.second):
            known.update({role: replace(one, token=again.token) for role, one in known.items() if one == party})
        if party == m._operator:
            m._operator = replace(party, token=again.token)


async def _papers(t: Tenants) -> None:
    """An invoice of the supplier to the buyer, and what the exchange wrote in the service provider's place."""
    db, operator = t.market.services.db, await t.market.operator()
    sale = between("380 china", t.first["supplier"].id, t.first["buyer"].id)
    share = between("389 china", t.first["assessor"].id, operator.id)
    for about, doc in ((About.SALE, sale), (About.SHARE, share)):
        await keep(db, about, doc)
    t.objects["fapiao_export"] = ids.text("efx", await exported(db, operator.actor, sale))
    t.objects |= {"document": ids.text("doc", sale.id), "document@assessor": ids.text("doc", share.id)}


async def _close(t: Tenants, clock: FixedClock) -> None:
    m, operator, supplier = t.market, await t.market.operator(), t.first["supplier"]
    work = partial(drain, m.services.db, main.steps(m.services).table())
    end = clock.now().replace(day=1, hour=0, minute=0)
    start = (end - timedelta(days=1)).replace(day=1)
    used = clock.now() - timedelta(days=40)
    await m.done(operator, "/operator/v1/usage/seals", {"day": used.date().isoformat()})
    await work()
    wish: dict[str, Any] = {"period_start": start.isoformat(), "period_end": end.isoformat(), "currency": "CNY"}
    t.objects["run"] = (await m.done(operator, "/operator/v1/settlement-runs", wish))["run"]
    t.objects["preview"] = (await m.done(operator, "/operator/v1/settlement-previews", wish))["preview"]
    await work()
    opened = await m.done(supplier, "/supplier/v1/payout-accounts")
    t.objects["job"] = opened["job"]
    active = partial(record_payout_account, state=PayoutAccountState.ACTIVE, destination="acct_1Test")
    await m.services.db.run(lambda tx: active(tx, supplier.id))
    ordered = await m.done(operator, "/operator/v1/payouts", {"currency": "CNY", "period": "2026-01"})
    t.objects["payout"] = ordered["payouts"][0]["id"]
    for name, path in (("invoice", "/buyer/v1/invoices"), ("charge", "/buyer/v1/charges")):
        t.objects[name] = (await m.get(t.first["buyer"], path)).json()["items"][0]["id"]
    await _papers(t)
    offered = (await m.get(supplier, "/supplier/v1/self-billing")).json()["sha256"]
    agreed = await m.done(supplier, "/supplier/v1/self-billing/acceptance", {"sha256": offered})
    t.objects["self_billing"] = agreed["agreement"]
    wanted = {"kind": "dac7", "year": 2025, "currency": "CNY"}
    t.objects["seller_report"] = (await m.done(operator, "/operator/v1/seller-reports", wanted))["id"]
    table = await m.done(operator, "/operator/v1/withholding-tables", TABLE)
    second = await m.another_client(operator)
    await m.done(second, f"/operator/v1/approvals/{table['approval']}/approval", {})
    t.objects["table"] = table["id"]
    await m.done(operator, f"/operator/v1/withholding-tables/{table['id']}/adoption")
    relief = RELIEF | {"organisation": supplier.organisation}
    t.objects["relief"] = (await m.done(operator, "/operator/v1/withholding-reliefs", relief))["id"]
    t.objects["statement"] = (await m.get(supplier, "/supplier/v1/statements")).json()["items"][0]["id"]
    await _watch(t)
    await _grant_token(t)


async def _directed(t: Tenants, regulator: Party) -> None:
    """A directive that asks the supplier, the buyer and the assessor; the buyer has answered it with a file."""
    m = t.market
    asked = [t.first[role].organisation for role in ("supplier", "buyer", "assessor")]
    ordered = wish("disclose", *asked, now=m.services.db.clock.now())
    t.objects["directive"] = (await m.done(regulator, "/regulator/v1/directives", ordered))["id"]
    for role in ("supplier", "buyer", "assessor"):
        (told,) = (await m.get(t.first[role], f"/{role}/v1/directive-notices")).json()["items"]
        t.objects[f"directive_notice@{role}"] = told["id"]
    t.objects["directive_notice"] = t.objects["directive_notice@buyer"]
    at = f"/buyer/v1/directive-notices/{t.objects['directive_notice@buyer']}/answers"
    file = {"name": "ledger.pdf", "media_type": "application/pdf", "content": "JVBERi0xLjcK"}
    t.objects["answer"] = (await m.done(t.first["buyer"], at, {"text": REASON, "files": [file]}))["answer"]
    (given,) = (await m.get(regulator, f"/regulator/v1/directives/{t.objects['directive']}/answers")).json()["items"]
    t.objects["directive_file"] = given["files"][0]["id"]


async def _draw(t: Tenants) -> None:
    """A sample that the assessor draws of what the buyer bought; its supplier and its buyer may check it."""
    m, assessor = t.market, t.first["assessor"]
    await m.done(assessor, f"/assessor/v1/assessments/{t.objects['assessment']}/acceptance")
    path = f"/assessor/v1/revisions/{t.objects['revision']}/samples"
    t.objects["sample"] = (await m.done(assessor, path, {"records": 5}))["id"]


async def _watch(t: Tenants) -> None:
    m, regulator = t.market, t.first["regulator"]
    made = m.services
    await main.sequencer(made.settings, made.db, made.keyring, made.files).step()
    t.objects["export"] = (await m.done(regulator, "/regulator/v1/exports", {}))["id"]
    t.objects["report"] = (await m.done(regulator, "/regulator/v1/reports", {"report": "transactions"}))["id"]
    await _draw(t)
    await drain(m.services.db, main.steps(m.services).table())
    await _directed(t, regulator)
    line = f"2026-01-16,5.00,CNY,Somebody,{hashlib.sha256(b'x').hexdigest()},unknown,BK-1"
    head = "booking_date,amount,currency,payer_name,payer_account_digest,reference,entry_id"
    operator = await m.operator()
    witness = {"vkey": WITNESS.vkey, "url": "http://127.0.0.1:9"}
    t.objects["witness"] = (await m.done(operator, "/operator/v1/witnesses", witness))["id"]
    headers = {**operator.headers, "content-type": "text/csv", "idempotency-key": "bank"}
    await m.http.post("/operator/v1/bank-statements", content=f"{head}\n{line}\n".encode(), headers=headers)
    t.objects["entry"] = (await m.get(operator, "/operator/v1/bank-entries/unmatched")).json()["items"][0]["id"]
    t.objects |= await furnish_money(m, t.first, t.objects)
    t.objects |= await furnish_disputes(m, t.first, t.objects["charge"])
    for role in ("supplier", "buyer", "assessor"):
        for party in (t.first[role], t.second[role]):
            await m.done(party, f"/{role}/v1/profile", PROFILE)
    supplier = t.first["supplier"]
    t.objects["organisation"] = supplier.organisation
    t.objects["evidence"] = (await m.get(supplier, "/supplier/v1/organisation")).json()["evidence"][0]["id"]
