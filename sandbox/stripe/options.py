"""How one Stripe behaves where Stripe itself has settings, prices or waiting times."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, fields
from typing import Any

_TEXTS = {
    "fee_bps": "Stripe's fee on a charge, in hundredths of a percent",
    "fee_fixed": "Stripe's fee on a charge, in smallest coins",
    "dispute_fee": "Stripe's fee on a dispute, in smallest coins",
    "settle_in": "the one currency that the platform's balance is kept in, such as eur; empty for each its own",
    "fx_ppm": "what a coin of another currency settles for, in millionths of a coin",
    "settle_s": "how long a charge stays pending in the balance",
    "debit_s": "how long a SEPA debit takes to clear or fail",
    "payout_s": "how long a payout takes",
    "recipient_s": "how much longer a transfer to a recipient account stays pending (at Stripe 24 hours)",
    "payout_interval": "payouts of new accounts unless they say otherwise: manual, daily, weekly, monthly",
    "dispute_due_s": "how long evidence may be sent",
    "decide_s": "how long the payer's bank thinks about evidence",
    "hang_s": "how long a lost answer keeps silent; who still waits gets a proxy's 504",
    "late_s": "how late an event may come",
    "commit_late_s": "how much later commit_late does its work",
    "fail_late_s": "how long after its success a payout or refund comes back, or a charge is disputed",
    "restricted_s": "how long a restriction of an account lasts",
    "search_lag_s": "how old an object is before a search finds it (at Stripe up to a minute)",
    "key_life_s": "how long an idempotency key is remembered",
    "per_endpoint": "requests a second to one endpoint before 429; 0 for no limit (at Stripe 25)",
    "per_second": "requests a second before 429; 0 for no limit (at Stripe 25 in test mode, 100 live)",
    "require_onboarding": "accounts need their onboarding link visited",
}


@dataclass(frozen=True, slots=True)
class Options:
    """The defaults suit a demo: everything happens within a second or two."""

    fee_bps: int = 0
    fee_fixed: int = 0
    dispute_fee: int = 0
    settle_in: str = ""
    fx_ppm: int = 130_000
    settle_s: float = 0.0
    debit_s: float = 0.5
    payout_s: float = 0.5
    recipient_s: float = 0.0
    payout_interval: str = "daily"
    dispute_due_s: float = 7 * 86_400.0
    decide_s: float = 1.0
    hang_s: float = 30.0
    late_s: float = 2.0
    commit_late_s: float = 2.0
    fail_late_s: float = 1.0
    restricted_s: float = 60.0
    search_lag_s: float = 0.0
    key_life_s: float = 86_400.0
    per_endpoint: int = 0
    per_second: int = 0
    require_onboarding: bool = False


def offer(reader: argparse.ArgumentParser) -> None:
    """Every option as a flag of the command line."""
    for one in fields(Options):
        flag = f"--{one.name.replace('_', '-')}"
        if isinstance(one.default, bool):
            reader.add_argument(flag, action="store_true", help=_TEXTS[one.name])
        else:
            reader.add_argument(flag, type=type(one.default), default=one.default, help=_TEXTS[one.name])


def chosen(given: dict[str, Any]) -> Options:
    """Options from names and values, as the command line or a test's own door gives them.

    errors   ValueError for an unknown name or a value of another type
    """
    known = {one.name: type(one.default) for one in fields(Options)}
    for name, value in given.items():
        if name not in known or not isinstance(value, known[name] if known[name] is not float else (int, float)):
            raise ValueError(f"no option {name!r} that may be {value!r}; known: {', '.join(known)}")
    return Options(**given)
