"""Auctions decided by hand: states, times, bids in line, awards, and the words for them."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from contracts.auctions import (
    AWARD_VALID_FOR,
    TRANSITIONS,
    Auction,
    AuctionState,
    Bid,
    BidRow,
    Entry,
    Exclusivity,
    Outcome,
    award_valid_for,
    commitment,
    decide,
    exclusive_until,
    exclusivity,
    explain,
    facts,
    live,
    move,
    recompute,
    refuse_amount,
    refuse_bid,
    refuse_bidding,
    refuse_reason,
    schedule,
    tally,
)
from exchange.flows.open_auction import auctioned_component
from exchange.kernel.errors import Problem
from exchange.kernel.money import Money
from tests.architecture.tree import ROOT

NOW = datetime(2026, 1, 15, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)
S = AuctionState


def cny(major: float) -> Money:
    return Money(int(major * 1_000_000), "CNY")


def bid(number: int, major: float) -> Bid:
    return Bid(UUID(int=number), UUID(int=100 + number), number, cny(major))


def auction(state: AuctionState = S.SCHEDULED, public: bool = True) -> Auction:
    ids = [UUID(int=n) for n in range(1, 6)]
    salt = b"salt" * 4
    return Auction(
        *ids,
        component="licence",
        exclusive=Exclusivity.TIME_EXCLUSIVE,
        exclusive_days=365,
        currency="CNY",
        reserve_public=public,
        reserve_sha256=commitment(ids[0], cny(500), salt),
        opens_at=NOW + HOUR,
        closes_at=NOW + 3 * HOUR,
        state=state,
        created_at=NOW,
        changed_at=NOW,
        reserve=cny(500),
        salt=salt,
    )


def row(sequence: int, bidder: int, major: float | None, entry: Entry = Entry.PLACED) -> BidRow:
    amount = None if major is None else cny(major)
    return BidRow(UUID(int=sequence), sequence, UUID(int=1), UUID(int=bidder), entry, amount, (), b"", b"", NOW)


def slug(answer: object) -> str:
    return answer.slug if isinstance(answer, Problem) else ""


@pytest.mark.parametrize(
    ("bids", "winner", "price", "runner_up"),
    [
        ([(1, 900), (2, 700), (3, 600)], 1, 700, 2),
        ([(1, 600), (2, 900), (3, 700)], 2, 700, 3),
        ([(1, 900), (2, 400)], 1, 500, None),  # the other is below the reserve
        ([(1, 500)], 1, 500, None),  # exactly the reserve wins, and pays it
        ([(1, 800), (2, 800), (3, 700)], 1, 800, 2),  # a tie: the first in line wins and pays the tied amount
        ([(2, 800), (1, 800)], 1, 800, 2),  # whatever order they are read in
        ([(1, 700), (2, 800), (3, 800)], 2, 800, 3),
    ],
)
def test_the_highest_wins_and_pays_the_second_or_the_reserve(
    bids: list[tuple[int, float]], winner: int, price: float, runner_up: int | None
) -> None:
    award = decide([bid(*one) for one in bids], cny(500))
    assert award is not None
    assert (award.winner.sequence, award.price) == (winner, cny(price))
    assert (award.runner_up.sequence if award.runner_up else None) == runner_up


@pytest.mark.parametrize("bids", [[], [(1, 499.99)], [(1, 100), (2, 499)]])
def test_without_a_bid_at_the_reserve_nothing_is_sold(bids: list[tuple[int, float]]) -> None:
    assert decide([bid(*one) for one in bids], cny(500)) is None


def test_two_live_bids_of_one_bidder_are_a_mistake_of_ours() -> None:
    twice = [bid(1, 600), Bid(UUID(int=2), UUID(int=101), 2, cny(700))]
    with pytest.raises(ValueError, match="one live bid"):
        decide(twice, cny(500))


def test_a_new_bid_takes_the_old_ones_place_out_of_line_and_a_withdrawn_one_counts_for_nothing() -> None:
    rows = [
        row(1, 11, 800),
        row(2, 12, 800),
        row(3, 13, 950),
        row(4, 11, 800, Entry.REPLACED),
        row(5, 13, None, Entry.WITHDRAWN),
    ]
    bids = live(rows)
    assert [(one.bidder_id.int, one.sequence) for one in bids] == [(12, 2), (11, 4)]
    award = decide(bids, cny(500))
    assert award is not None
    # The same amount again lost its place: the other one was there first.
    assert award.winner.bidder_id.int == 12
    again = live([*rows, row(6, 13, 700)])
    assert [one.bidder_id.int for one in again] == [12, 11, 13]


def test_states_move_along_the_table_and_nothing_opens_again() -> None:
    for state in S:
        for to in S:
            changed = move(auction(state), to, NOW)
            assert isinstance(changed, Auction) == (to in TRANSITIONS[state])
    reached = {S.CLOSED}
    for _ in S:
        reached |= {after for state in reached for after in TRANSITIONS[state]}
    assert S.OPEN not in reached


@pytest.mark.parametrize(
    ("state", "at", "answer"),
    [
        (S.SCHEDULED, NOW, "auction-not-open"),
        (S.SCHEDULED, NOW + HOUR, ""),
        (S.OPEN, NOW + 2 * HOUR, ""),
        (S.OPEN, NOW - 24 * HOUR, ""),  # a clock that fell back closes nothing
        (S.OPEN, NOW + 3 * HOUR, "auction-closed"),
        (S.SCHEDULED, NOW + 4 * HOUR, "auction-closed"),
        (S.CLOSED, NOW + 2 * HOUR, "auction-closed"),  # and opens nothing
        (S.AWARDED, NOW, "auction-closed"),
        (S.LAPSED, NOW, "auction-closed"),
        (S.CANCELLED, NOW, "auction-cancelled"),
    ],
)
def test_bids_are_taken_until_somebody_closes_or_the_clock_reaches_the_end(
    state: AuctionState, at: datetime, answer: str
) -> None:
    assert slug(refuse_bidding(auction(state), at)) == answer


def test_a_reader_sees_the_state_that_the_clock_says() -> None:
    shown = [auction().state_at(NOW + n * HOUR) for n in range(4)]
    assert shown == [S.SCHEDULED, S.OPEN, S.OPEN, S.CLOSED]
    assert auction(S.CANCELLED).state_at(NOW + 9 * HOUR) is S.CANCELLED


@pytest.mark.parametrize(
    ("opens", "closes", "field"),
    [
        (None, NOW + HOUR, ""),
        (NOW, NOW + timedelta(days=90), ""),
        (None, NOW + timedelta(minutes=59), "closes_at"),
        (None, NOW + timedelta(days=91), "closes_at"),
        (NOW - HOUR, NOW + HOUR, "opens_at"),
        (NOW + timedelta(days=366), NOW + timedelta(days=367), "opens_at"),
        (NOW.replace(tzinfo=None), NOW + HOUR, "closes_at"),
    ],
)
def test_times_lie_ahead_and_leave_room_for_bids(opens: datetime | None, closes: datetime, field: str) -> None:
    found = schedule(opens, closes, NOW)
    assert (found.fields["field"] if isinstance(found, Problem) else "") == field


def test_days_belong_to_time_exclusive_licences() -> None:
    assert exclusivity(Exclusivity.EXCLUSIVE, None) is None
    assert exclusivity(Exclusivity.TIME_EXCLUSIVE, 30) is None
    for kind, days in (
        (Exclusivity.EXCLUSIVE, 30),
        (Exclusivity.TIME_EXCLUSIVE, None),
        (Exclusivity.TIME_EXCLUSIVE, 0),
    ):
        assert slug(exclusivity(kind, days)) == "auction-invalid"
    assert exclusive_until(auction(), NOW) == NOW + timedelta(days=365)


@pytest.mark.parametrize(("days", "valid"), [(None, 7), (1, 1), (6, 6), (7, 7), (8, 7), (365, 7)])
def test_no_award_can_be_paid_after_its_exclusivity_is_over(days: int | None, valid: int) -> None:
    one = replace(auction(), exclusive_days=days)
    assert award_valid_for(one) == timedelta(days=valid) <= AWARD_VALID_FOR
    until = exclusive_until(one, NOW)
    assert until is None or NOW + award_valid_for(one) <= until


@pytest.mark.parametrize(
    "amount", [cny(0), cny(-1), Money(5_000, "CNY"), Money(10**16, "CNY"), Money(1_000_000, "EUR")]
)
def test_amounts_are_coins_of_the_auctions_currency(amount: Money) -> None:
    assert slug(refuse_amount(amount, "CNY")) == "bid-invalid"


def test_a_public_reserve_refuses_and_a_secret_one_stays_secret() -> None:
    assert slug(refuse_bid(auction(), cny(499.99))) == "bid-below-reserve"
    assert refuse_bid(auction(), cny(500)) is None
    assert refuse_bid(auction(public=False), cny(0.01)) is None


def test_a_reserve_cannot_be_moved_under_its_hash() -> None:
    one = auction()
    assert one.reserve is not None
    assert one.salt is not None
    assert commitment(one.id, one.reserve, one.salt) == one.reserve_sha256
    others = {
        commitment(one.id, cny(501), one.salt),
        commitment(one.id, one.reserve, b"other" * 3),
        commitment(UUID(int=9), one.reserve, one.salt),
    }
    assert len(others) == 3
    assert one.reserve_sha256 not in others


def test_a_reason_is_there_in_both_languages() -> None:
    assert refuse_reason({"en": "Other plans", "zh": "计划变更"}) is None
    for wrong in ({}, {"en": "Other plans"}, {"en": " ", "zh": "计划变更"}, {"en": "x" * 501, "zh": "计"}):
        assert slug(refuse_reason(wrong)) == "auction-invalid"


def test_whoever_has_the_opened_numbers_gets_the_same_award() -> None:
    bids = [bid(1, 900), bid(2, 950), bid(3, 700), bid(4, 300)]
    out = frozenset({bids[1].bidder_id})
    award = decide([one for one in bids if one.bidder_id not in out], cny(500))
    lines = tally(bids, out, cny(500), award)
    assert [line.outcome for line in lines] == [
        Outcome.WON,
        Outcome.EXCLUDED,
        Outcome.OUTBID,
        Outcome.BELOW_RESERVE,
    ]
    assert recompute(lines, cny(500)) == (1, cny(700))
    found = facts(lines, cny(500))
    assert found["price"] == {"amount": "700.00", "currency": "CNY"}
    said = explain(lines, cny(500))
    assert said.en == (
        "3 bids counted; 1 did not, because the bidder could no longer buy. The highest was 900.00 CNY. "
        "The winner pays the second highest bid, as it is not below the reserve of 500.00 CNY: 700.00 CNY."
    )
    assert "700.00 CNY" in said.zh


@pytest.mark.parametrize(
    ("amounts", "english", "chinese"),
    [
        ([800, 800], "the one received first won", "最先收到者中标"),
        ([800, 200], "so the winner pays the reserve: 500.00 CNY", "按保留价支付：500.00 CNY"),
        ([200], "None reached the reserve of 500.00 CNY", "没有出价达到保留价 500.00 CNY"),
    ],
)
def test_the_words_fit_the_case(amounts: list[float], english: str, chinese: str) -> None:
    bids = [bid(n, amount) for n, amount in enumerate(amounts, 1)]
    said = explain(tally(bids, frozenset(), cny(500), decide(bids, cny(500))), cny(500))
    assert english in said.en
    assert chinese in said.zh


def plan(*kinds: str, **more: object) -> dict[str, object]:
    return {"components": [{"id": f"c{n}", "model": {"type": kind}} for n, kind in enumerate(kinds)], **more}


def test_one_component_is_auctioned_and_nothing_changes_its_price_afterwards() -> None:
    assert auctioned_component(plan("one_off", "auction")) == "c1"
    assert auctioned_component(plan("auction", discounts=[])) == "c0"
    for wrong in (
        plan("one_off"),
        plan("auction", "auction"),
        plan("auction", "negotiated"),
        plan("auction", discounts=[{"id": "d"}]),
        plan("auction", limits=[{"id": "m"}]),
        plan("auction", price_lists=[{"currency": "USD"}]),
    ):
        assert slug(auctioned_component(wrong)) == "offer-not-auctionable"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_examples_in_the_guide_come_out_as_written(language: str) -> None:
    page = (ROOT / "docs" / language / "guides" / "auctions.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([0-9.]+) \| ([0-9., ]+) \| (\S+) \| (\S+) \|", page, re.MULTILINE)
    assert len(rows) == 6
    for reserve, amounts, winner, price in rows:
        bids = [
            Bid(UUID(int=n), UUID(int=n), n, Money.from_wire({"amount": one, "currency": "CNY"}))
            for n, one in enumerate(amounts.split(", "), 1)
        ]
        award = decide(bids, Money.from_wire({"amount": reserve, "currency": "CNY"}))
        if not winner.isdigit():
            assert award is None
        else:
            assert award is not None
            assert (str(award.winner.sequence), award.price.to_wire()["amount"]) == (winner, price)
