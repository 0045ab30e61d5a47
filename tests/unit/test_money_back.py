"""What goes back: which state the money says, what a debt is asked back of, how a payer's word is read."""

from __future__ import annotations

from uuid import UUID

import pytest

from exchange.kernel.money import Money
from settlement import chargebacks, provider_postings
from settlement.card_refunds import CardRefundState, state_there
from settlement.chargebacks import ChargebackState
from settlement.payments import CURRENCIES, OFFERED, Means, Method, means_of, word_of
from settlement.payout_accounts import agreement_for
from settlement.recoveries import plan

ONE, TWO, THREE = (UUID(int=n) for n in (1, 2, 3))


@pytest.mark.parametrize(
    ("debited", "returned", "status", "state"),
    [
        (False, False, "pending", CardRefundState.PENDING),
        (False, False, "requires_action", CardRefundState.PENDING),
        # The word may run ahead of the money, and is not believed.
        (False, False, "succeeded", CardRefundState.PENDING),
        (True, False, "pending", CardRefundState.SUCCEEDED),
        (True, False, "failed", CardRefundState.SUCCEEDED),
        (True, True, "failed", CardRefundState.FAILED),
        (False, False, "failed", CardRefundState.FAILED),
        (False, False, "canceled", CardRefundState.FAILED),
    ],
)
def test_the_money_says_where_a_refund_stands(
    debited: bool, returned: bool, status: str, state: CardRefundState
) -> None:
    assert state_there(debited=debited, returned=returned, status=status) is state


def test_every_state_of_a_dispute_has_one_here_and_an_unknown_one_has_none() -> None:
    known = ("needs_response", "under_review", "won", "lost", "prevented")
    warnings = ("warning_needs_response", "warning_under_review", "warning_closed")
    assert all(chargebacks.state_there(word) is not None for word in (*known, *warnings))
    assert chargebacks.state_there("warning_closed") is ChargebackState.CLOSED
    assert chargebacks.state_there("charge_refunded") is None


def test_a_debt_is_asked_back_of_the_newest_transfers_and_never_beyond_it() -> None:
    sent = [(ONE, 30), (TWO, 0), (THREE, 100)]

    def asked(units: int) -> list[tuple[UUID, int]]:
        return [(payout, amount.units) for payout, amount in plan(Money(units, "EUR"), sent)]

    assert asked(20) == [(ONE, 20)]
    assert asked(30) == [(ONE, 30)]
    assert asked(90) == [(ONE, 30), (THREE, 60)]
    assert asked(500) == [(ONE, 30), (THREE, 100)]


@pytest.mark.parametrize(("owed", "to_debt", "to_payable"), [(0, 0, 50), (20, 20, 30), (50, 50, 0), (80, 50, 0)])
def test_what_comes_back_pays_the_debt_and_the_rest_is_the_payees(owed: int, to_debt: int, to_payable: int) -> None:
    journal = provider_postings.recovery(ONE, TWO, Money(50, "EUR"), owed)
    sums = {line.account.kind.value: line.amount for line in journal.lines}
    assert sums == {name: n for name, n in {"stripe": -50, "debt": to_debt, "payable": to_payable}.items() if n}


@pytest.mark.parametrize(
    ("word", "means"),
    [
        ("pm_card_visa", Means(Method.CARD, "pm_card_visa")),
        ("alipay", Means(Method.ALIPAY)),
        ("wechat_pay", Means(Method.WECHAT_PAY)),
        ("checkout", Means(Method.CHECKOUT)),
        ("sepa_debit:pm_1", Means(Method.SEPA_DEBIT, "pm_1")),
        ("sepa_debit:", Means(Method.CARD, "sepa_debit:")),
        ("bank", Means(Method.CARD, "bank")),
        ("", Means(Method.CARD, "")),
    ],
)
def test_a_payers_word_is_read_as_it_is_written(word: str, means: Means) -> None:
    assert means_of(word) == means
    if means.method is not Method.CARD:
        assert word_of(means.method, means.payment_method) == word


def test_checkout_offers_only_what_takes_the_currency() -> None:
    offered = {c: [kind for kind in OFFERED if c in CURRENCIES.get(kind, {c})] for c in ("EUR", "CNY", "CHF", "PLN")}
    assert offered["EUR"] == list(OFFERED)
    assert offered["CNY"] == [Method.CARD, Method.ALIPAY, Method.WECHAT_PAY]
    assert offered["CHF"] == [Method.CARD, Method.WECHAT_PAY]
    assert offered["PLN"] == [Method.CARD]


def test_the_full_agreement_is_for_payees_in_our_own_country() -> None:
    assert [agreement_for("DE", home) for home in ("DE", "FR", "")] == ["full", "recipient", "recipient"]
