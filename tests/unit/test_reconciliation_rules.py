"""Every type of the provider's movements has a place, and what each comes to follows from the movement and what we know."""

from __future__ import annotations

import inspect
import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
import stripe

from exchange.kernel.money import Money
from settlement import postings
from settlement import provider_postings as lines
from settlement.accounts import AccountKind
from settlement.holds import HOLD_END
from settlement.journals import assert_balanced
from settlement.payments import Method, Payment, PaymentState, Purpose
from settlement.recon import Book, Booked, Item, Known, Look, Match, Stop, decide, moves, resolution
from settlement.recon_templates import TEMPLATES, Leg, Remedy

NOW = datetime(2026, 1, 20, tzinfo=UTC)
PAY, ORD, POT, RFD, ORG, JNL, OTHER = (UUID(int=n) for n in range(1, 8))


def euro(coins: int, currency: str = "EUR") -> Money:
    return Money(coins * 10_000, currency)


def item(kind: str, coins: int, source: str = "", fee: int = 0, currency: str = "EUR", **about: str) -> Item:
    amount, taken = euro(coins, currency), euro(fee, currency)
    return Item("txn_1", kind, kind, amount, taken, amount - taken, source, NOW, NOW, about)


def paid(coins: int = 5_000, currency: str = "EUR", order: UUID | None = None) -> Payment:
    purpose = Purpose.ORDER if order else Purpose.TOP_UP
    return Payment(PAY, ORG, purpose, order, euro(coins, currency), Method.CARD, PaymentState.SUCCEEDED, NOW, "pi_1")


def booked(coins: int, journal: UUID = JNL, currency: str = "EUR") -> Booked:
    return Booked(journal, {currency: coins * 10_000} if coins else {})


def stopped(decision: Any) -> str:
    assert isinstance(decision, Stop), decision
    return decision.reason


def types_of_the_library() -> set[str]:
    source = inspect.getsource(stripe.BalanceTransaction)
    said = re.search(r"\n    type: Union\[\s*Literal\[(.*?)\]", source, re.DOTALL)
    assert said is not None
    return set(re.findall(r'"(\w+)"', said[1]))


def test_the_table_has_every_type_of_the_library_and_no_other() -> None:
    assert len(types_of_the_library()) == 52
    assert set(TEMPLATES) == types_of_the_library()


@pytest.mark.parametrize("kind", sorted(TEMPLATES))
def test_no_type_is_booked_from_a_source_or_with_a_sign_that_it_has_not(kind: str) -> None:
    template = TEMPLATES[kind]
    if template.leg is Leg.NOT_OURS:
        assert stopped(decide(item(kind, 100, "ch_1"), Known())) == "type-not-ours"
        return
    source = template.sources[0] + "1" if template.sources else ""
    if template.sources:
        assert stopped(decide(item(kind, 100 * (template.sign or 1), "zz_1"), Known())) == "source-unknown"
    if template.sign:
        assert stopped(decide(item(kind, -100 * template.sign, source), Known())) == "sign-differs"
    made = decide(item(kind, 100 * (template.sign or -1), source), Known(looked=True))
    # Nothing is known of it: what is not of our own places only is never booked by the word alone.
    assert isinstance(made, Book) == (
        template.leg in {Leg.SWEEP, Leg.SWEEP_BACK, Leg.RESERVE, Leg.FEE, Leg.PAYMENT_BACK}
    )
    if isinstance(made, Book):
        assert [moves(journal) for journal in made.journals] == [{"EUR": -1_000_000 * (template.sign or -1)}]


def test_an_unknown_type_and_a_wrong_net_stop() -> None:
    assert stopped(decide(item("moon_landing", 1), Known())) == "type-unknown"
    assert stopped(decide(replace(item("stripe_fee", -100), net=euro(-99)), Known())) == "net-differs"
    assert stopped(decide(item("stripe_fee", -100, currency="ISK"), Known())) == "currency-counted-otherwise"


def test_a_charge_is_its_payment_and_its_fee_one_more_journal() -> None:
    charge = item("charge", 5_000, "ch_1", fee=175, payment_intent="pi_1", payment="pay_1")
    assert stopped(decide(charge, Known())) == "object-unknown"
    assert decide(charge, Known(paid())) == Look("payment", "pi_1", "pay_1")
    assert stopped(decide(charge, Known(paid(), looked=True))) == "not-booked"
    there = {(postings.TOP_UP, PAY): booked(-5_000)}
    made = decide(charge, Known(paid(), booked=there))
    assert isinstance(made, Book)
    (fee,) = made.journals
    assert (made.matched, fee.key, moves(fee)) == ((JNL,), (lines.PROVIDER_FEE, PAY), {"EUR": 1_750_000})
    whole = {**there, fee.key: booked(175, OTHER)}
    assert decide(charge, Known(paid(), booked=whole)) == Match((JNL, OTHER))
    assert stopped(decide(charge, Known(paid(), booked={**there, fee.key: booked(100)}))) == "amount-differs"
    assert stopped(decide(charge, Known(paid(), booked={(postings.TOP_UP, PAY): booked(-4_999)}))) == "amount-differs"
    assert stopped(decide(charge, Known(paid(), booked=there, taken=frozenset({JNL})))) == "matched-twice"


def test_an_order_that_was_paid_from_the_wallet_is_not_what_the_card_paid() -> None:
    charge = item("charge", 5_000, "ch_1", payment_intent="pi_1")
    by_wallet = {(postings.PURCHASE, ORD): booked(0)}
    assert isinstance(decide(charge, Known(paid(order=ORD), booked=by_wallet)), Look)
    both = {**by_wallet, (postings.TOP_UP, PAY): booked(-5_000, OTHER)}
    assert decide(charge, Known(paid(order=ORD), booked=both)) == Match((OTHER,))


def test_what_was_paid_in_yuan_and_lies_there_in_euro_goes_over_conversion() -> None:
    charge = item("payment", 640, "py_1", exchange_rate="0.128")
    known = Known(paid(5_000, "CNY"), booked={(postings.TOP_UP, PAY): booked(-5_000, currency="CNY")})
    made = decide(charge, known)
    assert isinstance(made, Book)
    (journal,) = made.journals
    assert_balanced(journal)
    assert moves(journal) == {"CNY": 50_000_000, "EUR": -6_400_000}
    again = Known(known.payment, booked={**known.booked, journal.key: Booked(OTHER, moves(journal))})
    assert decide(charge, again) == Match((JNL, OTHER))


@pytest.mark.parametrize(
    ("kind", "coins", "source", "journal"),
    [
        ("transfer", -900, "tr_1", postings.PAYOUT_PAID),
        ("transfer_refund", 900, "trr_1", postings.PAYOUT_REVERSED),
        ("transfer_refund", 900, "trr_1", lines.RECOVERY),
        ("refund", -900, "re_1", HOLD_END),
        ("payment_refund", -900, "pyr_1", HOLD_END),
        ("refund_failure", 900, "re_1", lines.CARD_REFUND_RETURNED),
        ("adjustment", -900, "du_1", lines.DISPUTE_WITHDRAWN),
        ("adjustment", 900, "dp_1", lines.DISPUTE_REINSTATED),
    ],
)
def test_what_a_flow_books_is_matched_by_its_amount_alone(kind: str, coins: int, source: str, journal: str) -> None:
    moved = item(kind, coins, source)
    known = Known(sources=(POT,), booked={(journal, POT): booked(-coins)})
    assert decide(moved, known) == Match((JNL,))
    assert stopped(decide(moved, replace(known, booked={(journal, POT): booked(-coins + 1)}))) == "amount-differs"
    assert isinstance(decide(moved, replace(known, taken=frozenset({JNL}))), Look)
    assert stopped(decide(moved, replace(known, sources=(), looked=True))) == "not-booked"


def test_what_went_back_in_another_currency_is_two_journals() -> None:
    moved = item("refund", -115, "re_1")
    over = Booked(OTHER, {"CNY": -9_000_000, "EUR": 1_150_000})
    booked_there = {(HOLD_END, POT): booked(900, currency="CNY"), (lines.PROVIDER_CONVERSION, POT): over}
    assert decide(moved, Known(sources=(POT,), booked=booked_there)) == Match((JNL, OTHER))
    less = {**booked_there, (lines.PROVIDER_CONVERSION, POT): Booked(OTHER, {"CNY": -9_000_000, "EUR": 1_140_000})}
    assert stopped(decide(moved, Known(sources=(POT,), booked=less))) == "amount-differs"


def test_a_chargebacks_fee_is_the_providers() -> None:
    moved = item("adjustment", -900, "du_1", fee=1_500)
    made = decide(moved, Known(sources=(POT,), booked={(lines.DISPUTE_WITHDRAWN, POT): booked(900)}))
    assert isinstance(made, Book)
    assert [(one.key, moves(one)) for one in made.journals] == [((lines.PROVIDER_FEE, POT), {"EUR": 15_000_000})]


def test_what_a_payees_account_owed_there_is_its_debt_here() -> None:
    made = decide(item("connect_collection_transfer", -900), Known(payee=ORG))
    assert isinstance(made, Book)
    (journal,) = made.journals
    assert {line.account.kind: line.amount for line in journal.lines} == {
        AccountKind.STRIPE: 9_000_000,
        AccountKind.DEBT: -9_000_000,
    }
    assert stopped(decide(item("connect_collection_transfer", -900), Known())) == "object-unknown"


@pytest.mark.parametrize("remedy", list(Remedy))
def test_what_two_persons_decide_moves_what_moved(remedy: Remedy) -> None:
    owner = ORG if remedy in (Remedy.WALLET, Remedy.DEBT) else None
    moved = item("contribution", -700, fee=30)
    journal = resolution(moved, remedy, owner)
    assert journal is not None
    assert_balanced(journal)
    assert moves(journal) == {"EUR": 7_300_000}
    assert {line.account.kind.value for line in journal.lines} == {"stripe", remedy.value}
    assert resolution(item("contribution", 0), remedy, owner) is None
