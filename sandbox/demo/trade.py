"""The buyer's side of the trade: find, weigh, pay, order, check the agreement, use the data to the last unit of a quota."""

from __future__ import annotations

import base64
import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from sandbox.demo.client import DemoFailed, Refused
from sandbox.demo.clock import Clock
from sandbox.demo.goods import CURRENCY
from sandbox.demo.market import Market
from sandbox.demo.telling import money

CARD = "pm_card_visa"
CARD_TOP_UP, BANK_TOP_UP = "1500.00", "500.00"
READERS = 16
FORECAST = [
    {"records": 1_000, "bytes": 800_000},
    {"records": 8_000, "bytes": 6_000_000},
    {"records": 300, "bytes": 240_000},
]
PURPOSES = ["pretrain", "evaluate"]


@dataclass
class Bought:
    """An order that was placed, and what it gives."""

    order: str
    agreement: str
    grant: str
    total: dict[str, str]
    token: str = ""
    assets: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass
class Trade:
    """What the buyer holds so far."""

    market: Market
    clock: Clock
    bought: dict[str, Bought] = field(default_factory=dict)
    found: dict[str, dict[str, Any]] = field(default_factory=dict)


def buy(trade: Trade) -> None:
    """Everything from the search to the last record of a quota.

    errors   raises DemoFailed
    """
    telling, origin = trade.market.telling, trade.market.origin
    for name, step in (
        ("find", find),
        ("weigh", weigh),
        ("fund", fund),
        ("order", order),
        ("agree", agree),
        ("use", use),
        ("quota", exhaust),
    ):
        with telling.step(name, origin):
            step(trade)


def find(trade: Trade) -> None:
    """Search in both languages, and read what stands about the best match."""
    market, telling = trade.market, trade.market.telling
    for words, wanted in (("唐诗", "zh_poems"), ("union", "en_speeches"), ("企鹅", "penguins")):
        results = market.origin.get("/catalog/v1/listings", q=words)["items"]
        if not results or results[0]["id"] != market.shelf[wanted].listing:
            raise DemoFailed(f"the search for {words} did not find {wanted} first: {results}")
        first = results[0]
        telling.say(
            "found",
            words=words,
            count=len(results),
            title=telling.name(first["title"]),
            grade=first["grade"],
            score=first["score"],
        )
    page = trade.found["zh_poems"] = market.origin.get(f"/catalog/v1/listings/{market.shelf['zh_poems'].listing}")
    scores = telling.join(
        f"{telling.name(one['title'])} {one['score']}"
        for one in page["scorecard"]["document"]["dimensions"]
        if one["score"] is not None
    )
    telling.say("scorecard", scores=scores)
    for offer in page["offers"]:
        telling.say("offer", kind=telling.text(f"kind.{offer['code']}"), price=_joined(trade, offer["price"]))
    terms = page["offers"][0]["terms"]
    telling.say("terms", may=_joined(trade, terms["you_may"][:3]), must=_joined(trade, terms["you_must"][:2]))


def _joined(trade: Trade, texts: list[dict[str, str]]) -> str:
    mark = "; " if trade.market.telling.language == "en" else "；"
    return mark.join(trade.market.telling.name(one).rstrip(".。") for one in texts)


def weigh(trade: Trade) -> None:
    """Ask what three months would cost under each offer, and a quote that binds."""
    market, telling, buyer = trade.market, trade.market.telling, trade.market["buyer"]
    sale = market.shelf["zh_poems"]
    simulated = buyer.send("POST", "/buyer/v1/simulations", json={"listing": sale.listing, "forecast": FORECAST}).json()
    costs = telling.join(f"{telling.text('kind.' + one['code'])} {money(one['total'])}" for one in simulated["offers"])
    telling.say("simulated", records=f"{sum(month['records'] for month in FORECAST):,}", costs=costs)
    question = {"offer": sale.offers["once"], "purposes": PURPOSES}
    quote = buyer.do("quote", "/buyer/v1/quotes", question)
    telling.say("quoted", quote=quote["id"], total=money(quote["total"]), until=quote["expires_at"][:10])
    trade.found["quote"] = quote


def fund(trade: Trade) -> None:
    """Fill the wallet by card and by bank transfer."""
    telling = trade.market.telling
    by_card(trade, "top up by card", _wire(CARD_TOP_UP))
    by_bank(trade, "top up by bank", _wire(BANK_TOP_UP))
    telling.say("wallet", balance=telling.join(money(one) for one in _wallet(trade)))


def by_card(trade: Trade, command: str, wanted: dict[str, str]) -> None:
    """Fill the wallet by card: Stripe charges it, and says so by a signed webhook.

    errors   raises DemoFailed
    """
    wish = {"amount": wanted, "method": "card", "payment_method": CARD}
    paid = trade.market["buyer"].do(command, "/buyer/v1/top-ups", wish)
    wait_payment(trade, paid["id"])
    trade.market.telling.say("charged", amount=money(paid["amount"]), payment=paid["id"])


def by_bank(trade: Trade, command: str, wanted: dict[str, str]) -> None:
    """Fill the wallet by a bank transfer, which the operator's bank statement shows.

    errors   raises DemoFailed
    """
    market = trade.market
    asked = market["buyer"].do(command, "/buyer/v1/top-ups", {"amount": wanted, "method": "bank"})
    digest = hashlib.sha256(b"the account number stays with the bank").hexdigest()
    today, reference = trade.clock.now().date().isoformat(), asked["reference"]
    statement = (
        "booking_date,amount,currency,payer_name,payer_account_digest,reference,entry_id\n"
        f"{today},{wanted['amount']},{wanted['currency']},Yunqi AI Lab,{digest},{reference},demo-bank-{reference[-8:]}\n"
    )
    operator = market["operator"]
    imported = operator.send(
        "POST",
        "/operator/v1/bank-statements",
        content=statement.encode(),
        headers={"content-type": "text/csv", "idempotency-key": operator.key(f"bank statement {reference}")},
    ).json()
    if imported["credited"] != 1:
        raise DemoFailed(f"the bank statement was not credited: {imported}")
    wait_payment(trade, asked["id"])
    market.telling.say("transferred", amount=money(asked["amount"]), reference=reference)


def _wallet(trade: Trade) -> list[dict[str, str]]:
    held: list[dict[str, str]] = trade.market["buyer"].get("/buyer/v1/wallet")["balances"]
    return held


def wait_payment(trade: Trade, payment: str) -> None:
    """Wait until a payment has arrived.

    errors   raises DemoFailed
    """

    def ended() -> Any:
        found = trade.market["buyer"].get(f"/buyer/v1/payments/{payment}")
        if found["state"] == "failed":
            raise DemoFailed(f"payment {payment} failed: {found.get('failure')}")
        return found["state"] == "succeeded"

    trade.market.origin.wait(ended, f"payment {payment}")


def _wire(text: str) -> dict[str, str]:
    return {"amount": text, "currency": CURRENCY}


def order(trade: Trade) -> None:
    """Four orders: a copy and two plans from the wallet, a subscription by card. The first is sent twice on purpose."""
    telling, buyer = trade.market.telling, trade.market["buyer"]
    once = {"quote": trade.found["quote"]["id"]}
    bought = place(trade, "zh_poems", "once", once)
    wish = {"offer": trade.market.shelf["zh_poems"].offers["once"], "purposes": PURPOSES, "payment": "wallet", **once}
    headers = {"idempotency-key": buyer.key("order zh_poems once")}
    again = buyer.send("POST", "/buyer/v1/orders", json=wish, headers=headers)
    if again.headers.get("idempotency-replayed") != "true" or again.json()["id"] != bought.order:
        raise DemoFailed("the order that was sent twice was placed twice")
    telling.say("sent-twice", order=bought.order)
    _show_journal(trade, bought.order)
    place(trade, "en_speeches", "monthly", {"payment": "card", "payment_method": CARD})
    place(trade, "penguins", "monthly", {})
    place(trade, "zh_poems", "metered", {})
    telling.say("wallet", balance=telling.join(money(one) for one in _wallet(trade)))


def _show_journal(trade: Trade, name: str) -> None:
    """The lines in which a price was booked, as the operator's trace of the order shows them."""
    market, telling = trade.market, trade.market.telling
    traced = market["operator"].get(f"/operator/v1/orders/{name}/trace")
    booked = max((step["money"] for step in traced["steps"]), key=len)
    if sum(Decimal(line["amount"]["amount"]) for line in booked) or len(booked) < 2:
        raise DemoFailed(f"the journal of {name} is {booked}")
    whose = [
        market.name(line["organisation"]) if line["organisation"] else telling.text(f"account.{line['account']}")
        for line in booked
    ]
    parts = telling.join(f"{who} {money(line['amount'])}" for who, line in zip(whose, booked, strict=True))
    telling.say("six-lines", lines=len(booked), parts=parts)


def place(
    trade: Trade, goods: str, code: str, more: dict[str, str], *, name: str | None = None, command: str | None = None
) -> Bought:
    """Order one offer of a dataset and wait until it is paid; `name` keeps it apart from an earlier order of the same.

    errors   raises DemoFailed
    """
    market, telling, buyer = trade.market, trade.market.telling, trade.market["buyer"]
    sale = market.shelf[goods]
    wish = {"offer": sale.offers[code], "purposes": PURPOSES, "payment": "wallet", **more}
    receipt = buyer.do(command or f"order {goods} {code}", "/buyer/v1/orders", wish)
    order = receipt["id"]

    def paid() -> Any:
        return buyer.get(f"/buyer/v1/orders/{order}")["state"] == "paid"

    market.origin.wait(paid, f"order {order}")
    grant = receipt["grant"] or next(one["id"] for one in buyer.items("/buyer/v1/grants") if one["order"] == order)
    made = trade.bought[name or f"{goods}/{code}"] = Bought(order, receipt["agreement"], grant, receipt["total"])
    telling.say(
        "ordered",
        kind=telling.text(f"kind.{code}"),
        title=telling.name(sale.goods.title),
        total=money(receipt["total"]),
        way=telling.text(f"way.{wish['payment']}"),
        order=order,
    )
    return made


def agree(trade: Trade) -> None:
    """Check each agreement's signature with the exchange's published keys, and with nothing else of the exchange."""
    market, telling = trade.market, trade.market.telling
    keys = {key["kid"]: key for key in market.origin.get("/.well-known/jwks.json")["keys"]}
    for bought in trade.bought.values():
        agreement = market["buyer"].get(f"/buyer/v1/agreements/{bought.agreement}")
        document = base64.b64decode(agreement["document_base64"])
        public = Ed25519PublicKey.from_public_bytes(_base64url(keys[agreement["kid"]]["x"]))
        try:
            public.verify(base64.b64decode(agreement["signature"]), document)
        except InvalidSignature as error:
            raise DemoFailed(f"the signature of {bought.agreement} does not hold") from error
        said = json.loads(document)
        if (said["order"], said["price"]) != (bought.order, bought.total):
            raise DemoFailed(f"{bought.agreement} says {said['order']} for {said['price']}")
        telling.say(
            "agreement",
            agreement=bought.agreement,
            purposes=telling.join(said["purposes"]),
            sha256=hashlib.sha256(document).hexdigest()[:16],
            kid=agreement["kid"][:8],
        )


def _base64url(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def use(trade: Trade) -> None:
    """Take tokens; download a file in two ranges and check its hash; read rows under two plans."""
    telling = trade.market.telling
    for name, bought in trade.bought.items():
        issued = trade.market["buyer"].do(f"token {name}", f"/buyer/v1/grants/{bought.grant}/tokens")
        bought.token = issued["token"]
        opened = _data(trade, bought, "/data/v1/grant").json()
        bought.assets = {one["path"]: one for one in opened["assets"]}
    telling.say("tokens", count=len(trade.bought))
    copy = trade.bought["zh_poems/once"]
    asset = copy.assets["tang.jsonl"]
    at, size = f"/data/v1/assets/{asset['id']}", asset["size_bytes"]
    parts = [_data(trade, copy, at, range=f"bytes={span}") for span in (f"0-{size // 2 - 1}", f"{size // 2}-")]
    content = b"".join(part.content for part in parts)
    if [part.status_code for part in parts] != [206, 206] or hashlib.sha256(content).hexdigest() != asset["sha256"]:
        raise DemoFailed("the two ranges do not make the file whose hash was promised")
    first = json.loads(content.splitlines()[0])
    telling.say("downloaded", path=asset["path"], size=f"{len(content):,}", sha256=asset["sha256"][:16])
    telling.say("poem", title=first["title"], author=first["author"], line=first["text"].splitlines()[0])
    read = _read(trade, trade.bought["en_speeches/monthly"], 1_000)
    telling.say(
        "rows",
        title=telling.name(trade.market.shelf["en_speeches"].goods.title),
        rows=f"{read:,}",
        included=500,
        over=read - 500,
    )
    read = _read(trade, trade.bought["zh_poems/metered"], 700)
    telling.say("rows-metered", title=telling.name(trade.market.shelf["zh_poems"].goods.title), rows=f"{read:,}")


def _read(trade: Trade, bought: Bought, wanted: int) -> int:
    """Read records from the first file on, a hundred at a time, until `wanted` are here."""
    have = 0
    for asset in (one for one in bought.assets.values() if one["path"].endswith((".jsonl", ".csv"))):
        first, there = 0, 1
        while have < wanted and first < there:
            limit = min(100, wanted - have)
            answer = _data(trade, bought, f"/data/v1/assets/{asset['id']}/rows?from={first}&limit={limit}")
            first, there = first + limit, int(answer.headers["x-rows-total"])
            have += int(answer.headers["x-rows"])
    return have


def exhaust(trade: Trade) -> None:
    """Many readers at once take one record after another until the month's quota stops them all."""
    telling, bought = trade.market.telling, trade.bought["penguins/monthly"]
    asset = bought.assets["penguins.csv"]
    limit = trade.market.shelf["penguins"].goods.prices.included

    def reader(number: int) -> tuple[int, str]:
        got = 0
        while True:
            try:
                at = f"/data/v1/assets/{asset['id']}/rows?from={(number * 20 + got) % 340}&limit=1"
                got += int(_data(trade, bought, at).headers["x-rows"])
            except Refused as refused:
                return got, refused.slug

    with ThreadPoolExecutor(READERS) as pool:
        ended = list(pool.map(reader, range(READERS)))
    delivered, reasons = sum(got for got, _ in ended), {slug for _, slug in ended}
    if delivered != limit or reasons != {"quota-exhausted"}:
        raise DemoFailed(f"{delivered} records were delivered under a quota of {limit}; readers ended with {reasons}")
    telling.say("exhausted", readers=READERS, delivered=delivered, limit=limit)


def accept(trade: Trade) -> None:
    """Accept what was delivered, so that nobody waits for the end of the window."""
    telling, buyer = trade.market.telling, trade.market["buyer"]
    waiting = {one["order"]: one for one in buyer.items("/buyer/v1/inspections")}
    if set(waiting) != {one.order for one in trade.bought.values()}:
        raise DemoFailed(f"on hold for acceptance are {sorted(waiting)}")
    until = min(one["inspection_ends_at"] for one in waiting.values())
    telling.say("inspected", count=len(waiting), until=until[:10])
    for name, bought in trade.bought.items():
        said = buyer.do(f"accept {name}", f"/buyer/v1/orders/{bought.order}/acceptance")
        if said["standing"] != "accepted":
            raise DemoFailed(f"{bought.order} is {said['standing']} after it was accepted")
    if list(buyer.items("/buyer/v1/inspections")):
        raise DemoFailed("something is on hold after all was accepted")
    telling.say("accepted", count=len(waiting))


def _data(trade: Trade, bought: Bought, path: str, **headers: str) -> Any:
    sent = {"authorization": f"Bearer {bought.token}", "x-purpose": "pretrain", **headers}
    return trade.market.origin.send("GET", path, headers=sent)
