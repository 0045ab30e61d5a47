"""The exchange's own money by the proof is what is left of the cash once everybody who is owed it now is paid."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from settlement.accounts import AccountKind as K
from settlement.proof import CLIENTS, OWED, OWN, PLACES, Proof, Unbacked

NOW = datetime(2026, 2, 1, tzinfo=UTC)


@dataclass
class World:
    """Books kept twice: by accounts, and by what is really in the till and really owed."""

    sums: Counter[K] = field(default_factory=Counter)
    cash: int = 0
    # What clients can ask for now or later without anybody paying anything more.
    claims: int = 0
    unpaid: int = 0
    lost: int = 0

    def post(self, **lines: int) -> None:
        assert sum(lines.values()) == 0
        for name, units in lines.items():
            self.sums[K(name)] += units


def _top_up(w: World, a: int, b: int) -> None:
    w.post(stripe=-a, wallet=a)
    w.cash, w.claims = w.cash + a, w.claims + a


def _sale(w: World, a: int, b: int) -> None:
    """Out of a wallet that a top-up has filled: a for the payees, b for the exchange."""
    _top_up(w, a + b, 0)
    w.post(wallet=-(a + b), pending=a, revenue=b)
    w.claims -= b


def _sale_on_account(w: World, a: int, b: int) -> None:
    w.post(credit=-(a + b), pending=a, revenue=b)
    w.unpaid += b


def _sale_partly_paid(w: World, a: int, b: int) -> None:
    """The first part that is paid is the payees': what the exchange has of it comes last."""
    w.post(credit=-(a + b), pending=a, revenue=b)
    w.post(stripe=-a, credit=a)
    w.cash, w.claims, w.unpaid = w.cash + a, w.claims + a, w.unpaid + b


def _refund_after_payout(w: World, a: int, b: int) -> None:
    _sale(w, a, b)
    w.post(pending=-a, payable=a)
    w.post(payable=-a, stripe=a)
    w.cash, w.claims = w.cash - a, w.claims - a
    w.post(debt=-a, revenue=-b, wallet=a + b)
    w.claims += a + b


def _advance(w: World, a: int, b: int) -> None:
    w.post(advance=-a, payable=a)
    w.claims += a


def _fee(w: World, a: int, b: int) -> None:
    w.post(fees=-b, stripe=b)
    w.cash -= b


def _chargeback_lost(w: World, a: int, b: int) -> None:
    """Of a + b that the bank took, a was still in the wallet."""
    _top_up(w, a, 0)
    w.post(disputed=-(a + b), stripe=a + b)
    w.post(wallet=-a, disputed=a)
    w.cash, w.claims, w.lost = w.cash - a - b, w.claims - a, w.lost + b


STEPS: tuple[Callable[[World, int, int], None], ...] = (
    _top_up, _sale, _sale_on_account, _sale_partly_paid, _refund_after_payout, _advance, _fee, _chargeback_lost,
)  # fmt: skip
_UNITS = st.integers(0, 10**12)


@given(st.lists(st.tuples(st.sampled_from(STEPS), _UNITS, _UNITS), max_size=20))
def test_own_money_is_cash_less_claims(acts: list[tuple[Callable[[World, int, int], None], int, int]]) -> None:
    w = World()
    for act, a, b in acts:
        act(w, a, b)
    assert sum(w.sums.values()) == 0
    proof = Proof(NOW.date(), "CNY", NOW, w.sums, (), Unbacked(w.unpaid, w.lost))
    assert proof.own == w.cash - w.claims
    assert proof.short == max(0, w.claims - w.cash)


def test_every_kind_of_account_has_its_part_in_the_proof() -> None:
    assert sorted((*CLIENTS, *PLACES, *OWED, *OWN)) == sorted(K)
