"""Whatever is asked of the sandbox under whatever faults: its own checks find nothing, and a seed repeats to the last byte."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
from random import Random
from typing import Any
from urllib.parse import urlencode

import pytest

from sandbox.stripe import checkout, doors
from sandbox.stripe.events import listen
from sandbox.stripe.faults import NAMES
from sandbox.stripe.serving import Answer, Asked, serve
from sandbox.stripe.wire import Refusal
from sandbox.stripe.world import PLATFORM, World

SEEDS = range(24)
STEPS = 60
_METHODS = (
    *("pm_card_visa", "pm_card_visa", "pm_card_visa", "pm_card_chargeDeclined", "pm_card_createDispute"),
    *("pm_card_createDisputeInquiry", "pm_card_bypassPending"),
)
_OPTIONS = {
    "fee_bps": 290,
    "dispute_fee": 1_500,
    "settle_s": 172_800,
    "debit_s": 259_200,
    "payout_s": 86_400,
    "decide_s": 86_400,
    "recipient_s": 86_400,
    "fail_late_s": 200_000,
    "late_s": 90_000,
    "commit_late_s": 40,
}


class Life:
    """One seed's client: it asks at random, comes again with the same key after a fault, and lets time pass."""

    def __init__(self, seed: int) -> None:
        self.draw = Random(seed)
        rates = ",".join(f"{name}=0.08" for name in NAMES)
        self.world: World = doors.build({"seed": seed, "faults": rates, "options": _OPTIONS})
        listen(self.world, "held:", "whsec_p", "platform")
        listen(self.world, "held:", "whsec_c", "connect")
        self.letters: list[Any] = []
        self.codes: dict[int, int] = {}

    def ask(self, method: str, path: str, account: str = PLATFORM, **params: Any) -> Answer:
        key = f"k{self.world.count('asked')}" if method == "POST" else None
        asked = Asked(method, f"/v1/{path}", urlencode(params), account, key)
        for _ in range(6):
            answer = serve(self.world, asked)
            self.codes[answer.status] = self.codes.get(answer.status, 0) + 1
            if answer.status not in (409, 429, 500) and not answer.lost:
                break
            self.world.advance(self.draw.choice((1, 20, 60)))
        return answer

    def one(self, kind: str) -> Any:
        found = self.world.every(kind)
        return self.draw.choice(found) if found else {"id": "none", "charge": "none"}

    def step(self) -> None:
        draw, amount = self.draw, self.draw.randrange(60, 9_000)
        money: dict[str, Any] = {"amount": amount, "currency": "eur"}
        act = draw.randrange(13)
        if act <= 2:
            how: dict[str, Any] = {
                "payment_method": draw.choice(_METHODS),
                "confirm": "true",
                "transfer_group": f"g{act}",
            }
            self.ask("POST", "payment_intents", **money, **how)
        elif act == 3:
            self.ask("POST", "accounts", country="DE", **_RECIPIENT)
        elif act == 4:
            self.ask("POST", "transfers", **money, destination=self.one("account")["id"])
        elif act == 5:
            tied: dict[str, Any] = {
                "destination": self.one("account")["id"],
                "source_transaction": self.one("charge")["id"],
            }
            self.ask("POST", "transfers", **money, **tied)
        elif act == 6:
            self.ask("POST", f"transfers/{self.one('transfer')['id']}/reversals", amount=amount // 2)
        elif act == 7:
            self.ask("POST", "refunds", amount=amount // 2, charge=self.one("charge")["id"])
        elif act == 8:
            self.ask("POST", "payouts", self.one("account")["id"], **money)
        elif act == 9:
            words = draw.choice(("winning_evidence", "losing_evidence", "other"))
            self.ask("POST", f"disputes/{self.one('dispute')['id']}", **{"evidence[uncategorized_text]": words})
        elif act == 10:
            self.session(amount)
        elif act == 11:
            self.ask("GET", "balance_transactions", limit=100)
        else:
            self.world.advance(draw.choice((60, 90_000, 180_000)))
            self.letters += doors.do(self.world, "deliver", {"n": 50})["letters"]

    def session(self, amount: int) -> None:
        line: dict[str, Any] = {
            "line_items[0][price_data][currency]": "eur",
            "line_items[0][price_data][unit_amount]": amount,
        }
        self.ask("POST", "checkout/sessions", mode="payment", success_url="https://x.test", **line)
        session = self.one("checkout.session")
        if session["id"] != "none":
            way = self.draw.choice(("sepa_debit:clears", "sepa_debit:fails", "sepa_debit:disputed", "pm_card_visa"))
            with contextlib.suppress(Refusal):
                checkout.pay(self.world, session["id"], way, "http://sandbox")

    def lived(self) -> str:
        for _ in range(STEPS):
            self.step()
            assert self.world.check() == []
        self.world.advance(30 * 86_400)
        assert self.world.check() == []
        told = json.dumps([self.world.state(), self.letters], sort_keys=True)
        return hashlib.sha256(told.encode()).hexdigest()


_RECIPIENT = {"capabilities[transfers][requested]": "true", "tos_acceptance[service_agreement]": "recipient"}


@functools.cache
def once(seed: int) -> tuple[Life, str]:
    life = Life(seed)
    return life, life.lived()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_life_keeps_every_invariant_and_can_be_lived_again(seed: int) -> None:
    assert Life(seed).lived() == once(seed)[1]


def test_the_lives_meet_every_kind_of_movement_and_refusal() -> None:
    met: set[str] = set()
    for seed in SEEDS:
        life, _ = once(seed)
        met |= {entry["type"] for entry in life.world.every("balance_transaction")}
        met |= {f"refund {one['status']}" for one in life.world.every("refund")}
        met |= {f"dispute {one['status']}" for one in life.world.every("dispute")}
        met |= {f"payout {one['status']}" for one in life.world.every("payout")}
        met |= {str(code) for code in life.codes}
    assert {
        "charge",
        "payment",
        "refund",
        "transfer",
        "transfer_refund",
        "payment_refund",
        "adjustment",
        "payout",
    } <= met
    assert {"payout_failure", "refund_failure", "refund failed", "dispute won", "dispute lost", "payout paid"} <= met
    assert {"200", "400", "402", "404", "409", "429", "500", "504"} <= met


def test_the_checks_can_fail() -> None:
    life = Life(0)
    life.lived()
    entry = next(one for one in life.world.every("balance_transaction") if one["type"] == "transfer")
    entry["amount"] += 1
    assert len(life.world.check()) >= 2
