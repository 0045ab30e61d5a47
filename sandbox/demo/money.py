"""Money beside the trade: papers for the tax office, a dispute, a bank's payout batch with four eyes, the daily proof."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from sandbox.demo.banking import CURRENCY, EXCHANGE_IBAN, PAYEE_IBAN, Entry, payments, statement
from sandbox.demo.client import DemoFailed, Party, Refused
from sandbox.demo.follow import YUAN_TOP_UP
from sandbox.demo.market import PAYEES
from sandbox.demo.parties import BY_KEY, CAST, OPERATOR
from sandbox.demo.settle import pay_out, settle
from sandbox.demo.telling import money
from sandbox.demo.trade import BANK_TOP_UP, Trade, place, wait_payment

DISPUTED, GIVEN_BACK, TRANSFERRED = "60.00", "40.00", "100.00"
CLAIM = {"en": "Half of the poems have no author.", "zh": "半数诗歌缺少作者。"}
REPLY = {"en": "They are anonymous at the source, as described.", "zh": "原始资料即为佚名，已在说明中注明。"}
REASONS = {
    "en": "The description names the gap, but not its size.",
    "zh": "说明提及缺失，但未说明其规模。",
}
# Where the parties have their seats, by country: address, city, postcode.
_SEATS = {
    "CN": (["88 Zhangjiang Road"], "Shanghai", "201203"),
    "SG": (["1 Raffles Place"], "Singapore", "048616"),
    "DE": (["Jungfernstieg 7"], "Hamburg", "20354"),
}
_DESK, _OUT = "/operator/v1/disputes", "/operator/v1/payout-batches"


@dataclass
class Money:
    """What these steps leave for those after them and for `--json`."""

    second: Party
    told: dict[str, Any] = field(default_factory=dict)
    dispute: str = ""
    closing: Decimal = Decimal()


def ready(trade: Trade) -> Money:
    """Everybody says what stands on papers, payees let the exchange write theirs, and the operator gets a second pair of eyes.

    errors   raises DemoFailed
    """
    market, telling, operator = trade.market, trade.market.telling, trade.market["operator"]
    seats = [(one.key, one.portal, one.country, {"en": one.en, "zh": one.zh}) for one in CAST if one.key != "regulator"]
    seats.append(("operator", "/operator/v1", "CN", dict(zip(("en", "zh"), OPERATOR, strict=True))))
    for key, portal, country, name in seats:
        address, city, postcode = _SEATS[country]
        wish = {
            "legal_name": name,
            "address": address,
            "city": city,
            "postcode": postcode,
            "language": telling.language,
        }
        market[key].do("profile", f"{portal}/profile", wish)
    telling.say("profiles", count=len(seats))
    for key in PAYEES:
        at = f"{BY_KEY[key].portal}/self-billing"
        market[key].do("self-billing", f"{at}/acceptance", {"sha256": market[key].get(at)["sha256"]})
    telling.say("self-billing", count=len(PAYEES))
    wish = {"label": "second", "scopes": ["operator"]}
    made = operator.do("second client", "/operator/v1/clients", wish)
    market.credentials.keep("second", operator.organisation, made["client"], made["client_secret"])
    second = market.credentials.party("second", market.origin)
    telling.say("second", client=made["client"])
    account = {"scheme": "iban", "holder": BY_KEY["arbitrator"].en, "account": PAYEE_IBAN, "bank": "COBADEFFXXX"}
    asked = market["arbitrator"].do("bank account", "/assessor/v1/bank-destinations", account)
    _approve(second, asked["approval"])
    telling.say("destination", role=telling.text("role.arbitrator"), last4=asked["last4"])
    return Money(second)


def _approve(who: Party, approval: str) -> None:
    who.do(f"approve {approval}", f"/operator/v1/approvals/{approval}/approval", {})


def credit_notes(trade: Trade, found: Money, home: Path) -> None:
    """Settle the day of the refunds, and read what the tax office would: invoices, credit notes, self-billed papers.

    errors   raises DemoFailed
    """
    market, telling, buyer = trade.market, trade.market.telling, trade.market["buyer"]
    start = trade.clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    end = start + timedelta(days=1)
    trade.clock.advance_to(end + timedelta(minutes=1))
    market["operator"].token(fresh=True)
    for currency in ("CNY", "EUR"):
        settle(trade, start, end, currency)
    kinds: dict[str, list[str]] = {}
    for one in reversed(list(buyer.items("/buyer/v1/documents"))):
        kinds.setdefault(one["kind"], []).append(one["id"])
        document = buyer.get(f"/buyer/v1/documents/{one['id']}")["document"]
        said = {"number": one["number"], "seller": market.name(one["seller"]), "total": money(one["total"])}
        if one["kind"] == "381":
            telling.say("paper-381", original=document["preceding"][0]["number"], **said)
        else:
            telling.say(f"paper-{one['kind']}", **said)
    for key in PAYEES:
        portal = BY_KEY[key].portal
        for one in sorted(market[key].items(f"{portal}/documents", kind="389"), key=lambda one: str(one["number"])):
            kinds.setdefault("389", []).append(one["id"])
            role = telling.text(f"role.{key}")
            telling.say("paper-389", role=role, number=one["number"], total=money(one["total"]))
    missing = list(market["operator"].items("/operator/v1/documents/missing"))
    if missing or not {"380", "381", "389"} <= set(kinds):
        raise DemoFailed(f"papers are {kinds}, and missing are {missing}")
    home.mkdir(parents=True, exist_ok=True)
    note = kinds["381"][0]
    for name in ("cii.xml", "paper.pdf"):
        content = buyer.send("GET", f"/buyer/v1/documents/{note}/{name}").content
        (home / f"{note}.{name}").write_bytes(content)
    code = ElementTree.parse(home / f"{note}.cii.xml").find("{*}ExchangedDocument/{*}TypeCode")  # noqa: S314
    if code is None or code.text != "381":
        raise DemoFailed(f"the credit note {note} does not say in its XML that it is one")
    telling.say("paper-kept", path=home / f"{note}.paper.pdf")
    found.told["papers"] = {kind: len(of) for kind, of in kinds.items()}


def open_dispute(trade: Trade, found: Money) -> None:
    """The buyer disputes a part of an order: that part of everybody's share is held at once, and the rest is paid out.

    errors   raises DemoFailed
    """
    market, telling = trade.market, trade.market.telling
    buyer, supplier = market["buyer"], market["supplier"]
    again = {"name": "zh_poems/disputed", "command": "order zh_poems disputed"}
    bought = place(trade, "zh_poems", "once-eur", {}, **again)
    buyer.do("accept disputed", f"/buyer/v1/orders/{bought.order}/acceptance")
    wish = {"kind": "quality", "source": bought.order, "amount": _euro(DISPUTED), "words": CLAIM}
    found.dispute = one = buyer.do("dispute", "/buyer/v1/disputes", wish)["id"]
    telling.say("disputed", dispute=one, amount=money(_euro(DISPUTED)), words=telling.name(CLAIM))
    held = [row for row in market["operator"].get(f"{_DESK}/{one}")["holds"] if row["live"]]
    if not held or any(row["held"] != row["wanted"] for row in held):
        raise DemoFailed(f"of {one} are held {held}")
    shares = telling.join(f"{market.name(row['organisation'])} {money(row['held'])}" for row in held)
    telling.say("dispute-held", shares=shares)
    supplier.do("dispute answer", f"/supplier/v1/disputes/{one}/answers", {"words": REPLY})
    evidence = {"title": CLAIM, "log": bought.order}
    buyer.do("dispute evidence", f"/buyer/v1/disputes/{one}/evidence", evidence)
    telling.say("dispute-answered", words=telling.name(REPLY))
    pay_out(trade, CURRENCY, f"{trade.clock.now():%Y-%m}")


def decide(trade: Trade, found: Money) -> None:
    """An arbitrator decides, both sides give up an appeal, and the money moves by the decision.

    errors   raises DemoFailed
    """
    market, telling, one = trade.market, trade.market.telling, found.dispute
    arbitrator, operator = market["arbitrator"], market["operator"]
    mine = {"buyer": f"/buyer/v1/disputes/{one}", "supplier": f"/supplier/v1/disputes/{one}"}
    market["buyer"].do("escalate", f"{mine['buyer']}/escalation")
    wish = {"organisation": arbitrator.organisation}
    operator.do("assign", f"{_DESK}/{one}/arbitrator", wish)
    arbitrator.do("take up", f"/assessor/v1/cases/{one}/acceptance")
    telling.say("arbitrator", name=market.name(arbitrator.organisation))
    award = {"words": REASONS, "refund": _euro(GIVEN_BACK)}
    arbitrator.do("decide", f"/assessor/v1/cases/{one}/decision", award)
    telling.say("decided", refund=money(_euro(GIVEN_BACK)), words=telling.name(REASONS))
    for key, at in mine.items():
        ended = market[key].do("waive", f"{at}/waiver")
    shown = operator.get(f"{_DESK}/{one}")
    if (ended["state"], ended["outcome"]) != ("closed", "decided") or any(row["live"] for row in shown["holds"]):
        raise DemoFailed(f"{one} is {ended} after both gave up an appeal")
    for row in shown["moved"]:
        who = market.name(row["giver"]) if row["giver"] else ""
        telling.say(f"moved.{row['kind']}", **{"who": who} if who else {}, amount=money(row["amount"]))
    found.told["dispute"] = {"id": one, "outcome": ended["outcome"], "moved": shown["moved"]}


def _euro(text: str) -> dict[str, str]:
    return {"amount": text, "currency": CURRENCY}


def batch(trade: Trade, found: Money, home: Path) -> None:
    """What the decision set free is paid; who has an account at a bank is paid by a file that two have looked at.

    errors   raises DemoFailed
    """
    market, telling, operator = trade.market, trade.market.telling, trade.market["operator"]
    details = {"scheme": "iban", "holder": "Corpus Exchange", "account": EXCHANGE_IBAN, "bank": "PSSTFRPPXXX"}
    wish = {"kind": "client", "currency": CURRENCY, "details": details}
    account = operator.do("bank account", "/operator/v1/bank-accounts", wish)["id"]
    _transfer(trade, found, account)
    ordered = pay_out(trade, CURRENCY, f"{trade.clock.now():%Y-%m}-b", by_bank=False)
    (payout,) = [one for one in ordered if one["rail"] == "bank"]
    day = (trade.clock.now() + timedelta(days=1)).date().isoformat()
    drawn = operator.do("draw up", _OUT, {"currency": CURRENCY, "execution_date": day})
    at = f"{_OUT}/{drawn['id']}"
    telling.say("batched", batch=drawn["id"], count=drawn["count"], total=money(drawn["total"]))
    telling.say("batch-own", said=_refusal(telling, operator, drawn["approval"]))
    _approve(found.second, drawn["approval"])
    operator.do("release", f"{at}/release")

    def exported() -> Any:
        return operator.get(at)["state"] == "exported"

    market.origin.wait(exported, f"the file of {drawn['id']}")
    file = home / f"{drawn['id']}.pain.001.xml"
    home.mkdir(parents=True, exist_ok=True)
    file.write_bytes(operator.send("GET", f"{at}/file").content)
    ((reference, amount, iban),) = payments(file.read_bytes())
    if (iban, amount) != (PAYEE_IBAN, Decimal(payout["amount"]["amount"])):
        raise DemoFailed(f"the file pays {amount} to {iban}, and ordered was {payout}")
    telling.say("batch-file", path=file)
    _hand_in(trade, found, account, Entry("demo-out-1", -amount, end_to_end=reference))
    paid = next(one for one in market["arbitrator"].items("/assessor/v1/payouts") if one["id"] == payout["id"])
    if paid["state"] != "paid":
        raise DemoFailed(f"{payout['id']} is {paid['state']} after its statement")
    telling.say("batch-paid", role=telling.text("role.arbitrator"), amount=money(paid["amount"]))
    found.told["batch"] = {"file": str(file), "total": drawn["total"], "payout": paid["state"]}


def _refusal(telling: Any, operator: Party, approval: str) -> str:
    try:
        _approve(operator, approval)
    except Refused as refused:
        if refused.slug == "approval-own":
            return str(refused.problem["title"])
        raise
    raise DemoFailed("who drew a batch up approved it alone")


def _transfer(trade: Trade, found: Money, account: str) -> None:
    """Money of the buyer comes to the account, as the bank's camt.053 says."""
    buyer, telling = trade.market["buyer"], trade.market.telling
    asked = buyer.do("euro by bank", "/buyer/v1/top-ups", {"amount": _euro(TRANSFERRED), "method": "bank"})
    _hand_in(trade, found, account, Entry("demo-in-1", Decimal(TRANSFERRED), words=asked["reference"]))
    wait_payment(trade, asked["id"])
    telling.say("camt", amount=money(asked["amount"]), reference=asked["reference"])


def _hand_in(trade: Trade, found: Money, account: str, entry: Entry) -> None:
    """Hand a statement in, and wait until it was matched."""
    operator = trade.market["operator"]
    content = statement(f"{entry.reference}-st", found.closing, [entry], trade.clock.now())
    headers = {"content-type": "application/xml", "idempotency-key": operator.key(entry.reference)}
    at = f"/operator/v1/bank-accounts/{account}/statements"
    (taken,) = operator.send("POST", at, content=content, headers=headers).json()["statements"]
    result = operator.job(taken["job"], "/operator/v1")
    if result["unmatched"] or result["entries"] != 1:
        raise DemoFailed(f"the statement {taken['id']} was matched as {result}")
    found.closing += entry.amount


def prove(trade: Trade, found: Money) -> None:
    """Clients' money is there: at each place, what others state against the books, to the millionth.

    errors   raises DemoFailed
    """
    operator, telling = trade.market["operator"], trade.market.telling
    bank = Decimal(BANK_TOP_UP) + Decimal(YUAN_TOP_UP)
    now = trade.clock.now().isoformat().replace("+00:00", "Z")
    wish = {"place": "bank", "balance": {"amount": f"{bank:.2f}", "currency": "CNY"}, "at": now}
    operator.do("state balance", "/operator/v1/stated-balances", wish)
    operator.job(operator.do("prove", "/operator/v1/money-proofs")["job"], "/operator/v1")
    for currency in ("CNY", CURRENCY):
        newest = operator.get("/operator/v1/money-proofs", currency=currency)["items"][0]
        wrong = [Decimal(newest[name]["amount"]) for name in ("difference", "short")]
        if any(wrong) or not newest["complete"]:
            raise DemoFailed(f"the proof of {currency} says {newest}")
        document = operator.get(f"/operator/v1/money-proofs/{newest['id']}")
        for where in (one for one in document["places"] if one["stated"]):
            said = {"stated": where["stated"]["amount"], "ledger": where["ledger"]}
            shown = {name: money({"amount": one, "currency": currency}) for name, one in said.items()}
            telling.say("proof-place", account=telling.text(f"account.{where['place']}"), **shown)
        telling.say("proof", currency=currency, day=newest["day"], sha256=newest["sha256"][:16])
        found.told.setdefault("proofs", []).append(document)
