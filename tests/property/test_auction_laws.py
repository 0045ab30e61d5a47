"""Laws of the second price: nobody gains by bidding anything else than the value, and the order of reading is nothing."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from contracts.auctions import Bid, BidRow, Entry, Outcome, decide, explain, live, recompute, tally
from exchange.kernel.money import Money
from tests.conftest import NOW

# Few distinct amounts, so that ties are common.
_AMOUNT = st.integers(1, 12)
_AMOUNTS = st.lists(_AMOUNT, max_size=7)


def cny(units: int) -> Money:
    return Money(units, "CNY")


def in_line(amounts: Sequence[int]) -> list[Bid]:
    return [Bid(UUID(int=n), UUID(int=100 + n), n, cny(amount)) for n, amount in enumerate(amounts, 1)]


def gain(bids: Sequence[Bid], bidder: UUID, value: int, reserve: int) -> int:
    """What the auction is worth to a bidder: value minus price where it wins, nothing where it does not."""
    award = decide(bids, cny(reserve))
    return value - award.price.units if award is not None and award.winner.bidder_id == bidder else 0


def oracle(bids: Sequence[Bid], reserve: int) -> tuple[int, int] | None:
    """The same rule the long way: an ascending clock. The price rises until one bidder is left."""
    price, left = reserve, {one.sequence: one.amount.units for one in bids if one.amount.units >= reserve}
    if not left:
        return None
    while True:
        above = {place: amount for place, amount in left.items() if amount > price}
        if len(above) == 1 and len(left) > 1:
            # All others left at this price.
            return next(iter(above)), price
        if len(left) == 1:
            return next(iter(left)), price
        if not above:
            return min(left), price
        left = above if min(left.values()) <= price else left
        price += 1


@given(_AMOUNTS, _AMOUNT)
def test_an_ascending_clock_ends_at_the_same_winner_and_price(amounts: list[int], reserve: int) -> None:
    bids = in_line(amounts)
    award = decide(bids, cny(reserve))
    found = None if award is None else (award.winner.sequence, award.price.units)
    assert found == oracle(bids, reserve)


@given(_AMOUNTS, _AMOUNT, _AMOUNT, st.integers(0, 14), st.integers(0, 7), st.booleans())
def test_nobody_gains_by_bidding_anything_else_than_the_value(
    others: list[int], reserve: int, value: int, other: int, place: int, late: bool
) -> None:
    """Whatever the others bid, wherever one stands in line; 0 is not to bid at all, `late` to lose one's place."""
    mine = UUID(int=1)
    at = min(place, len(others))
    rest = [
        Bid(UUID(int=n + 10), UUID(int=n + 100), 2 * n + (0 if n < at else 2), cny(amount))
        for n, amount in enumerate(others)
    ]
    truthful = [*rest, Bid(mine, mine, 2 * at + 1, cny(value))]
    deviating = [*rest, Bid(mine, mine, 2 * len(others) + 3 if late else 2 * at + 1, cny(other))] if other else rest
    honest = gain(truthful, mine, value, reserve)
    assert honest >= 0
    assert honest >= gain(deviating, mine, value, reserve)


@given(st.data(), _AMOUNTS, _AMOUNT)
def test_the_order_of_reading_changes_nothing(data: st.DataObject, amounts: list[int], reserve: int) -> None:
    bids = in_line(amounts)
    assert decide(data.draw(st.permutations(bids)), cny(reserve)) == decide(bids, cny(reserve))


@given(st.data(), st.lists(_AMOUNT, max_size=7, unique=True), _AMOUNT)
def test_places_in_line_matter_only_for_ties(data: st.DataObject, amounts: list[int], reserve: int) -> None:
    first = decide(in_line(amounts), cny(reserve))
    other = decide(in_line(data.draw(st.permutations(amounts))), cny(reserve))
    assert (first is None) == (other is None)
    if first is not None and other is not None:
        assert (first.winner.amount, first.price) == (other.winner.amount, other.price)


@given(_AMOUNTS, _AMOUNT)
def test_the_winner_pays_at_least_the_reserve_and_at_most_its_bid(amounts: list[int], reserve: int) -> None:
    award = decide(in_line(amounts), cny(reserve))
    assert (award is None) == all(amount < reserve for amount in amounts)
    if award is not None:
        assert cny(reserve) <= award.price <= award.winner.amount
        assert all(amount <= award.winner.amount.units for amount in amounts)


@given(_AMOUNTS, _AMOUNT, st.sets(st.integers(1, 7)))
def test_the_opened_numbers_give_the_award_again(amounts: list[int], reserve: int, out: set[int]) -> None:
    bids = in_line(amounts)
    excluded = frozenset(one.bidder_id for one in bids if one.sequence in out)
    award = decide([one for one in bids if one.bidder_id not in excluded], cny(reserve))
    lines = tally(bids, excluded, cny(reserve), award)
    expected = None if award is None else (award.winner.sequence, award.price)
    assert recompute(lines, cny(reserve)) == expected
    assert sum(line.outcome is Outcome.WON for line in lines) == (award is not None)
    said = explain(lines, cny(reserve))
    assert award is None or (str(award.price) in said.en and str(award.price) in said.zh)


@given(st.lists(st.tuples(st.integers(1, 4), st.one_of(st.none(), _AMOUNT)), max_size=20))
def test_one_live_bid_per_organisation_the_last_one(said: list[tuple[int, int | None]]) -> None:
    rows = [
        BidRow(
            UUID(int=n),
            n,
            UUID(int=1),
            UUID(int=bidder),
            Entry.WITHDRAWN if amount is None else Entry.PLACED,
            None if amount is None else cny(amount),
            (),
            b"",
            b"",
            NOW,
        )
        for n, (bidder, amount) in enumerate(said, 1)
    ]
    last = {bidder: (n, amount) for n, (bidder, amount) in enumerate(said, 1)}
    expected = sorted((n, bidder, amount) for bidder, (n, amount) in last.items() if amount is not None)
    found = live(list(reversed(rows)))
    assert [(one.sequence, one.bidder_id.int, one.amount.units) for one in found] == expected
