"""What a seed is: which faults Stripe has and how often, how slow it is there, and what is asked for in which round."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any

from sandbox.stripe.faults import NAMES

HOUR, DAY = 3_600.0, 86_400.0
# A round is longer than anything that it begins may take: a key's life, a bank's word on a dispute, a restriction.
ROUND_S = 12 * DAY
ROUNDS = 4
_CARDS = (
    *("pm_card_bypassPending", "pm_card_visa", "pm_card_visa", "pm_card_visa", "pm_card_chargeDeclined"),
    *("pm_card_createDispute", "pm_card_createDisputeProductNotReceived", "pm_card_createDisputeInquiry"),
)
_DEBITS = ("clears", "clears", "fails", "disputed", "no funds")
# What can be asked for, and how often beside the others.
_ACTS = {
    "top_up": 5,
    "debit": 2,
    "wallet_app": 2,
    "order_card": 6,
    "order_wallet": 3,
    "checkout": 2,
    "accept": 6,
    "refund_order": 3,
    "refund_card": 4,
    "pay_out": 5,
    "recover": 3,
    "answer": 4,
    "resend": 3,
    "restrict": 1,
    "bank_returns": 2,
    "reverse": 1,
    "cancel": 1,
    "own_money": 1,
    "reconcile": 1,
}


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that somebody does; `draw` makes its choices among what is there."""

    name: str
    number: int
    draw: Random

    def one(self, among: Any) -> Any:
        """One of these, or nothing where there is none."""
        found = list(among)
        return self.draw.choice(found) if found else None


@dataclass(frozen=True, slots=True)
class Plan:
    """All that a seed decides."""

    seed: int
    faults: dict[str, float]
    options: dict[str, Any]
    # Acts that are mixed with Stripe's news may come out in more ways than one: such a seed is audited, not lived twice.
    mixed: bool
    rounds: list[list[Act]] = field(default_factory=list)

    @property
    def rates(self) -> str:
        """The faults as the sandbox reads them."""
        return ",".join(f"{name}={share}" for name, share in self.faults.items())


def draw_plan(seed: int) -> Plan:
    """The plan of a seed."""
    draw = Random(f"payments/{seed}")
    names = draw.sample(NAMES, draw.randint(3, 8))
    faults = {name: draw.choice((0.03, 0.1, 0.25)) for name in names}
    # What keeps its 500 for a day, each time anew, never comes to an end where it is frequent.
    faults |= {name: min(faults[name], 0.1) for name in ("error_500_kept",) if name in faults}
    options = {
        "fee_bps": draw.choice((0, 290, 333)),
        "fee_fixed": draw.choice((0, 30)),
        "dispute_fee": draw.choice((0, 1_500)),
        "settle_s": draw.choice((0.0, 2 * DAY)),
        "debit_s": draw.choice((HOUR, 3 * DAY)),
        "payout_s": draw.choice((60.0, DAY)),
        "recipient_s": draw.choice((0.0, DAY)),
        "decide_s": draw.choice((60.0, DAY)),
        "late_s": draw.choice((600.0, 2 * DAY)),
        "commit_late_s": draw.choice((2.0, 40.0, 2 * HOUR)),
        "fail_late_s": draw.choice((HOUR, 3 * DAY)),
        "restricted_s": DAY,
        "hang_s": 0.0,
        "search_lag_s": 60.0,
        "payout_interval": "manual",
    }
    plan = Plan(seed, faults, options, mixed=draw.random() < 0.25)
    names, weights = list(_ACTS), list(_ACTS.values())
    number = 0
    for turn in range(ROUNDS):
        acts = []
        for name in [*_FIRST[turn], *draw.choices(names, weights, k=draw.randint(2, 5))]:
            number += 1
            acts.append(Act(name, number, Random(f"payments/{seed}/{number}")))
        plan.rounds.append(acts)
    return plan


# Without these a short life would often come to nothing.
_FIRST = {
    0: ("top_up", "order_card", "order_card"),
    1: ("accept", "refund_card"),
    2: ("pay_out",),
    3: ("accept", "pay_out"),
}


def card_of(draw: Random) -> str:
    """A test card of Stripe's."""
    return draw.choice(_CARDS)


def debit_of(draw: Random) -> str:
    """A kind of account that a debit is taken from."""
    return draw.choice(_DEBITS)
