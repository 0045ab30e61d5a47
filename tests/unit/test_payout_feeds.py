"""Which charge feeds a payout alone, and what of it may be named."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from exchange.kernel.money import Money
from settlement.provider_objects import Booked
from settlement.transfer_sources import LOOKED_THROUGH, Charge, Feed, Moved, alone_from, tie

A, B, P = UUID(int=1), UUID(int=2), UUID(int=9)
AT = datetime(2026, 1, 8, tzinfo=UTC)


def cny(amount: int, currency: str = "CNY") -> Money:
    return Money(amount * 1_000_000, currency)


def moved(kind: str, source: UUID, amount: int) -> Moved:
    return Moved(kind, source, amount * 1_000_000)


@pytest.mark.parametrize(
    ("before", "alone"),
    [
        ([moved("release", A, 100)], A),
        # Two lines of one order, and what went meanwhile, change nothing; nor what an earlier payout has taken.
        ([moved("netting", P, -5), moved("release", A, 60), moved("release", A, 40), moved("payout", P, -7)], A),
        ([moved("release", A, 100), moved("payout", P, -70), moved("release", B, 70)], A),
        ([moved("release", A, 60), moved("release", B, 60)], None),
        # What is no share of an order, and what a payout brought back.
        ([moved("award", A, 100)], None),
        ([moved("payout_failed", P, 100), moved("release", A, 100)], None),
        # Less came than goes: something of before is in it.
        ([moved("release", A, 99), moved("payout", P, -1)], None),
        ([], None),
        ([moved("release", A, 100), *[moved("fee_tax", B, -1)] * LOOKED_THROUGH], None),
    ],
)
def test_one_order_alone(before: list[Moved], alone: UUID | None) -> None:
    assert alone_from(before, cny(100)) == alone


FEED = Feed(cny(100), "pi_1", "pay_1", cny(120))
CHARGE = Charge("ch_1", "card", cny(150), cny(0), False, "pay_1", Booked("txn_1", cny(150), cny(5)), AT)


def test_a_transfer_names_its_charge_the_group_of_it_and_its_day() -> None:
    said = {"source_transaction": "ch_1", "transfer_group": "pay_1", "available_on": AT.isoformat()}
    assert tie(FEED, CHARGE) == said
    # To the last coin of what the fee leaves.
    assert tie(replace(FEED, released=cny(145)), CHARGE) == said


@pytest.mark.parametrize(
    "charge",
    [
        replace(CHARGE, booked=None),
        replace(CHARGE, available_on=None),
        replace(CHARGE, kind="sepa_debit"),
        replace(CHARGE, refunded=cny(1)),
        replace(CHARGE, disputed=True),
        replace(CHARGE, group="somebody's"),
        # Settled in another currency, or asked for in another.
        replace(CHARGE, booked=Booked("txn_1", cny(150, "EUR"), cny(5, "EUR"), "0.12")),
        replace(CHARGE, amount=cny(150, "EUR")),
        # All payees of the order together would have more than the charge brought after its fee.
        replace(CHARGE, booked=Booked("txn_1", cny(150), cny(31))),
        replace(CHARGE, amount=cny(119)),
    ],
)
def test_what_does_not_fit_goes_without(charge: Charge) -> None:
    assert tie(FEED, charge) is None
