"""One trade after another through the public API, by a client that repeats what was not answered and keeps its own books.

Nothing here asks the exchange what it believes: the books hold what was acknowledged, and how often it was asked.
"""

from __future__ import annotations

import hashlib
import json
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import httpx

from sandbox.demo.clock import Clock
from tests.e2e.lives import Lives
from tests.support.api import Party
from tests.support.trade import CONTENT, DATASET, STATEMENT, SUMMARY, TITLE, component, offer_document

ATTEMPTS_MAX = 40
WAIT_S_MAX = 30.0
ONCE, PER_RECORD, EVENT_RECORDS = Decimal("300.00"), Decimal("0.25"), 7
ROWS = 5
CARD = "pm_card_visa"


@dataclass
class Books:
    """What one honest client knows."""

    commands: Counter[tuple[str, str]] = field(default_factory=Counter)
    payments: dict[str, Decimal] = field(default_factory=dict)
    by_card: set[str] = field(default_factory=set)
    orders: dict[str, tuple[str, Decimal]] = field(default_factory=dict)
    grants: dict[str, str] = field(default_factory=dict)
    asked: Counter[tuple[str, str]] = field(default_factory=Counter)
    answered: Counter[tuple[str, str]] = field(default_factory=Counter)
    reported: Counter[str] = field(default_factory=Counter)
    payouts: dict[str, Decimal] = field(default_factory=dict)
    repeated: int = 0

    def wallet(self) -> Decimal:
        """What must be in the wallet before any use is charged."""
        spent = sum((total for way, total in self.orders.values() if way == "wallet"), Decimal())
        return sum(self.payments.values(), Decimal()) - spent


@dataclass
class Trader:
    """All parties of the trade, on one connection each."""

    lives: Lives
    parties: dict[str, Party]
    seed: int
    books: Books = field(default_factory=Books)
    tokens: dict[str, str] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    died: Counter[str] = field(default_factory=Counter)
    _http: httpx.Client = field(default_factory=lambda: httpx.Client(trust_env=False, timeout=30, verify=False))
    _keys: int = 0

    def close(self) -> None:
        """Hang up."""
        self._http.close()

    # ------------------------------------------------------------------ asking

    def step(self, name: str, do: Callable[[], Any], points: list[int] | None = None) -> Any:
        """Do one step of the trade; the server dies after each of `points` statements, one life after the other."""
        before, deaths = self.lives.statements(), self.lives.deaths
        self.lives.points = list(points or [])
        self.lives.arm()
        done = do()
        self.lives.points = []
        self.lives.die_after(0)
        self.sizes[name] = self.lives.statements() - before
        if self.lives.deaths > deaths:
            self.died[name] += self.lives.deaths - deaths
        return done

    def send(
        self, who: str | None, method: str, path: str, *, told: Callable[[], None] = lambda: None, **more: Any
    ) -> httpx.Response:
        """Send a request until it is answered; the same request each time. `told` hears of every attempt."""
        headers = dict(more.pop("headers", {}))
        if who is not None:
            headers["authorization"] = f"Bearer {self.token(who)}"
        for attempt in range(ATTEMPTS_MAX):
            told()
            self.books.repeated += attempt > 0
            try:
                answer = self._http.request(method, self.lives.origin + path, headers=headers, **more)
            except httpx.TransportError:
                self.lives.again()
                continue
            assert answer.status_code != 500, f"{method} {path}: {answer.text}"
            if answer.status_code == 503:
                # Its database was killed under it: a new life, as a supervisor would give it.
                self.lives.again()
                continue
            return answer
        raise TimeoutError(f"{method} {path} was never answered")

    def do(self, who: str, path: str, body: Any = None, *, action: str = "", named: str = "id", **more: Any) -> Any:
        """One command under a key of its own, repeated under that key until it is answered."""
        headers = {"idempotency-key": self.key(), **more.pop("headers", {})}
        if body is not None:
            more["json"] = body
        answer = self.send(who, "POST", path, headers=headers, **more)
        assert answer.status_code < 300, f"{path}: {answer.status_code} {answer.text}"
        said = answer.json()
        if action:
            self.books.commands[action, said[named]] += 1
        return said

    def get(self, who: str, path: str) -> Any:
        """Read."""
        answer = self.send(who, "GET", path)
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    def key(self) -> str:
        """A fresh Idempotency-Key."""
        self._keys += 1
        return f"{self.seed}-{self._keys}"

    def token(self, who: str) -> str:
        """The party's access token; forget it in `tokens` to have another one."""
        if who not in self.tokens:
            party = self.parties[who]
            answer = self.send(
                None,
                "POST",
                "/oauth2/token",
                data={"grant_type": "client_credentials"},
                auth=(party.client, party.secret),
            )
            assert answer.status_code == 200, answer.text
            self.tokens[who] = answer.json()["access_token"]
        return self.tokens[who]

    def wait(self, what: Callable[[], Any]) -> Any:
        """Ask until there is something."""
        until = time.monotonic() + WAIT_S_MAX
        while not (found := what()):
            if time.monotonic() > until:
                raise TimeoutError("waited in vain")
            time.sleep(0.03)
        return found

    def job(self, who: str, prefix: str, name: str) -> Any:
        """The result of a job."""

        def ended() -> Any:
            found = self.get(who, f"{prefix}/jobs/{name}")
            assert found["state"] not in ("dead", "cancelled"), found
            return found if found["state"] == "done" else None

        return self.wait(ended)

    # ------------------------------------------------------------------ the trade

    def open(self, points: Callable[[str], list[int]]) -> None:
        """Once: the supplier's payout account and its source of usage."""

        def account() -> None:
            made = self.do("supplier", "/supplier/v1/payout-accounts")
            self.job("supplier", "/supplier/v1", made["job"])

        self.step("payout account", account, points("payout account"))
        source = lambda: self.do("supplier", "/supplier/v1/usage/sources", {})  # noqa: E731
        self.step("usage source", source, points("usage source"))

    def round(self, points: Callable[[str], list[int]]) -> None:
        """One whole trade, from a new dataset to its last row."""
        books, at = self.books, "/supplier/v1"

        def step(name: str, do: Callable[[], Any]) -> Any:
            return self.step(name, do, points(name))

        dataset = step("dataset", lambda: self.do("supplier", f"{at}/datasets", DATASET, action="dataset.register"))
        upload = step("upload", lambda: self._upload(dataset["id"]))
        step("upload part", lambda: self._send_part(upload["id"]))
        finish = lambda: self.do("supplier", f"{at}/uploads/{upload['id']}/completion")  # noqa: E731
        step("upload completion", finish)
        books.commands["upload.complete", upload["id"]] += 1
        revision = step("revision", lambda: self._revision(dataset["id"], upload["id"]))
        listing = step("listing", lambda: self._listing(revision))
        once = step("offer", lambda: self._offer(listing, "once", offer_document()))
        model = component({"type": "per_unit", "unit_price": str(PER_RECORD)}, "records", "month")
        metered = step("second offer", lambda: self._offer(listing, "use", offer_document("pay_per_use", model)))
        step("certificate", lambda: self._certificate(revision))
        step("publication", lambda: self.do("supplier", f"{at}/listings/{listing}/publication"))
        books.commands["listing.publish", listing] += 1
        step("top-up by card", lambda: self._top_up("card", Decimal("700.00")))
        step("top-up by bank", lambda: self._top_up("bank", Decimal("50.00")))
        bought = step("purchase", lambda: self.buy(once, "wallet"))
        used = step("metered purchase", lambda: self.buy(metered, "wallet"))
        carded = step("card purchase", lambda: self.buy(once, "card"))
        token, asset = step("token", lambda: self._take_token(bought))
        step("download", lambda: self._download(bought, token, asset))
        token, asset = step("second token", lambda: self._take_token(used))
        step("rows", lambda: self._rows(used, token, asset))
        step("usage report", lambda: self._report(used))
        for name, grant in (("acceptance", bought), ("metered acceptance", used), ("card acceptance", carded)):
            step(name, lambda grant=grant: self._accept(books.grants[grant]))  # type: ignore[misc]

    def _upload(self, dataset: str) -> Any:
        wish = {"path": "poems.jsonl", "size_bytes": len(CONTENT), "sha256": hashlib.sha256(CONTENT).hexdigest()}
        return self.do("supplier", f"/supplier/v1/datasets/{dataset}/uploads", wish, action="upload.open")

    def _send_part(self, upload: str) -> None:
        path = f"/supplier/v1/uploads/{upload}"
        while (offset := int(self.send("supplier", "HEAD", path).headers["upload-offset"])) < len(CONTENT):
            headers = {"upload-offset": str(offset)}
            part = CONTENT[offset : offset + len(CONTENT) // 2 + 1]
            sent = self.send("supplier", "PATCH", path, content=part, headers=headers)
            # A part that was taken before its answer was lost is answered 409 the second time: ask, and go on.
            assert sent.status_code in (204, 409), sent.text

    def _revision(self, dataset: str, upload: str) -> str:
        path = f"/supplier/v1/datasets/{dataset}/revisions"
        sealed = self.do("supplier", path, {"uploads": [upload]}, action="revision.seal")
        self.job("supplier", "/supplier/v1", sealed["job"])
        return str(sealed["id"])

    def _listing(self, revision: str) -> str:
        wish = {"revision": revision, "title": TITLE, "summary": SUMMARY}
        return str(self.do("supplier", "/supplier/v1/listings", wish, action="listing.draft")["id"])

    def _offer(self, listing: str, code: str, document: Any) -> str:
        path = f"/supplier/v1/listings/{listing}/offers"
        return str(self.do("supplier", path, {"code": code, "document": document}, action="offer.version")["id"])

    def _certificate(self, revision: str) -> None:
        path, wish = (
            f"/supplier/v1/revisions/{revision}/assessments",
            {"assessor": self.parties["assessor"].organisation},
        )
        asked = self.do("supplier", path, wish, action="assessment.requested", named="assessment")["assessment"]
        self.do("assessor", f"/assessor/v1/assessments/{asked}/acceptance")
        self.books.commands["assessment.accepted", asked] += 1
        wish = {"statement": STATEMENT, "scope": "full", "valid_days": 365}
        self.do("assessor", f"/assessor/v1/assessments/{asked}/certificate", wish)

    def _top_up(self, method: str, amount: Decimal) -> None:
        wish: dict[str, Any] = {"amount": {"amount": str(amount), "currency": "CNY"}, "method": method}
        if method == "card":
            wish["payment_method"] = CARD
        asked = self.do("buyer", "/buyer/v1/top-ups", wish, action="wallet.top-up")
        if method == "bank":
            self._import(asked["reference"], amount)
        self.books.payments[asked["id"]] = amount
        if method == "card":
            self.books.by_card.add(asked["id"])
        self.wait(lambda: self.get("buyer", f"/buyer/v1/payments/{asked['id']}")["state"] == "succeeded")

    def _import(self, reference: str, amount: Decimal) -> None:
        digest = hashlib.sha256(b"an account").hexdigest()
        statement = (
            "booking_date,amount,currency,payer_name,payer_account_digest,reference,entry_id\n"
            f"{datetime.now(UTC).date()},{amount},CNY,Buyer,{digest},{reference},entry-{reference[-20:]}\n"
        )
        headers = {"content-type": "text/csv"}
        said = self.do("operator", "/operator/v1/bank-statements", headers=headers, content=statement.encode())
        assert said["credited"] == 1, said

    def buy(self, offer: str, way: str) -> str:
        """Order, and wait for the grant."""
        wish = {"offer": offer, "purposes": ["pretrain"], "payment": way}
        if way == "card":
            wish["payment_method"] = CARD
        said = self.do("buyer", "/buyer/v1/orders", wish, action="purchase")
        order = str(said["id"])
        self.books.orders[order] = (way, Decimal(said["total"]["amount"]))

        def granted() -> Any:
            return next(
                (one["id"] for one in self.get("buyer", "/buyer/v1/grants")["items"] if one["order"] == order), None
            )

        grant = str(said["grant"] or self.wait(granted))
        self.books.grants[grant] = order
        return grant

    def _accept(self, order: str) -> None:
        self.do("buyer", f"/buyer/v1/orders/{order}/acceptance", action="delivery.accept", named="order")

    def _take_token(self, grant: str) -> tuple[str, str]:
        token = ""
        while not token:
            # A token is shown once: where the answer was lost, another one is taken.
            token = self.do("buyer", f"/buyer/v1/grants/{grant}/tokens", action="token.grant", named="grant")["token"]
        headers = {"authorization": f"Bearer {token}"}
        (asset,) = self.send(None, "GET", "/data/v1/grant", headers=headers).json()["assets"]
        return token, asset["id"]

    def _download(self, grant: str, token: str, asset: str) -> None:
        half = len(CONTENT) // 2
        for start, end in ((0, half), (half, len(CONTENT))):
            headers = {"authorization": f"Bearer {token}", "range": f"bytes={start}-{end - 1}"}

            def told(size: int = end - start) -> None:
                self.books.asked[grant, "bytes"] += size

            got = self.send(None, "GET", f"/data/v1/assets/{asset}", headers=headers, told=told)
            assert (got.status_code, got.content) == (206, CONTENT[start:end]), got.text
            self.books.answered[grant, "bytes"] += end - start

    def _rows(self, grant: str, token: str, asset: str) -> None:
        headers = {"authorization": f"Bearer {token}"}

        def told() -> None:
            self.books.asked[grant, "records"] += ROWS

        for first in (0, ROWS, 2 * ROWS):
            path = f"/data/v1/assets/{asset}/rows?from={first}&limit={ROWS}"
            got = self.send(None, "GET", path, headers=headers, told=told)
            assert (got.status_code, got.content.count(b"\n")) == (200, ROWS), got.text
            self.books.answered[grant, "records"] += ROWS

    def _report(self, grant: str) -> None:
        chance = random.Random(f"{self.seed}/{self._keys}")
        events = [self._event(grant, chance) for _ in range(10)]
        key, content = self.key(), json.dumps(events).encode()
        for _ in range(2):
            headers = {"idempotency-key": key, "content-type": "application/json"}
            said = self.send("supplier", "POST", "/supplier/v1/usage/events", content=content, headers=headers).json()
            assert (said["accepted"], said["refused"]) == (len(events), []), said
        self.books.reported[grant] += len(events) * EVENT_RECORDS
        self.books.commands["usage.report", said["batch"]] += 1

    def _event(self, grant: str, chance: random.Random) -> dict[str, Any]:
        return {
            "specversion": "1.0",
            "id": str(UUID(int=chance.getrandbits(128), version=4)),
            "source": "gpu",
            "type": "exchange.usage",
            "subject": grant,
            "time": datetime.now(UTC).isoformat(),
            "data": {"meter": "records", "value": EVENT_RECORDS},
        }

    # ------------------------------------------------------------------ the month's end

    def close_month(self, began: datetime, points: Callable[[str], list[int]]) -> None:
        """Seal, settle, pay out, export."""
        clock = Clock(self.lives.home / "clock")
        start = began.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        end = (start + timedelta(days=32)).replace(day=1)
        days = sorted({began.date(), clock.now().date()})
        clock.advance_to(end + timedelta(hours=2))
        self.tokens.clear()
        for day in days:
            self.step("seal", lambda day=day: self._seal(day.isoformat()), points("seal"))  # type: ignore[misc]
        self.step("settlement", lambda: self._settle(start, end), points("settlement"))
        self.step("payout", lambda: self._pay(f"{start:%Y-%m}"), points("payout"))
        self.step("export", lambda: self._export(start, end), points("export"))

    def _seal(self, day: str) -> None:
        ordered = self.do("operator", "/operator/v1/usage/seals", {"day": day})
        self.job("operator", "/operator/v1", ordered["job"])

    def _settle(self, start: datetime, end: datetime) -> None:
        wish = {"period_start": start.isoformat(), "period_end": end.isoformat(), "currency": "CNY"}
        run = self.do("operator", "/operator/v1/settlement-runs", wish, action="settlement.start", named="run")["run"]
        self.wait(lambda: self.get("operator", f"/operator/v1/settlement-runs/{run}")["run"]["state"] == "closed")

    def _pay(self, period: str) -> None:
        ordered = self.do("operator", "/operator/v1/payouts", {"currency": "CNY", "period": period})
        for payout in ordered["payouts"]:
            self.books.payouts[payout["id"]] = Decimal(payout["amount"]["amount"])
        assert self.books.payouts, ordered

        def paid() -> bool:
            return all(
                one["state"] in ("sent", "paid") for one in self.get("supplier", "/supplier/v1/payouts")["items"]
            )

        self.wait(paid)

    def _export(self, start: datetime, end: datetime) -> None:
        wish = {"since": start.isoformat(), "until": end.isoformat(), "legal_basis": "crash test"}
        asked = self.do("regulator", "/regulator/v1/exports", wish, action="export.request")
        at = f"/regulator/v1/exports/{asked['id']}"
        self.wait(lambda: self.get("regulator", at)["state"] == "done")
        assert self.send("regulator", "GET", f"{at}/file").content[:2] == b"PK"
