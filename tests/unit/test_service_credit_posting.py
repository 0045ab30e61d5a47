"""A service credit moves money from the seller's payable to the buyer's wallet, and sums to zero."""

from __future__ import annotations

from uuid import UUID

import pytest

from exchange.kernel.money import Money
from settlement.accounts import payable, wallet
from settlement.journals import Unbalanced, assert_balanced
from settlement.postings import SERVICE_CREDIT, service_credit

CREDIT, SELLER, BUYER, GRANT = (UUID(int=n) for n in range(1, 5))


def test_a_service_credit_sums_to_zero_and_is_tagged_with_its_grant() -> None:
    made = service_credit(CREDIT, SELLER, BUYER, GRANT, Money(30_000_000, "CNY"))
    assert_balanced(made)
    assert made.key == (SERVICE_CREDIT, CREDIT)
    assert [(line.account, line.amount, line.tag) for line in made.lines] == [
        (payable(SELLER, "CNY"), -30_000_000, GRANT),
        (wallet(BUYER, "CNY"), 30_000_000, GRANT),
    ]


def test_a_service_credit_of_nothing_is_no_journal() -> None:
    with pytest.raises(Unbalanced):
        assert_balanced(service_credit(CREDIT, SELLER, BUYER, GRANT, Money.zero("CNY")))
