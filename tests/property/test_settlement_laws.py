from __future__ import annotations

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from exchange.kernel.money import Money
from settlement import postings
from settlement.accounts import wallet
from settlement.journals import Existing, Journal, Posted, assert_balanced, body_sha256, decide
from settlement.runs import Due, releasable
from settlement.splits import Role, Share, ordered, split

UNITS = st.integers(0, 2**50)
BUYERS = [UUID(int=n) for n in (1, 2, 3)]
SHARES = st.lists(
    st.builds(Share, st.sampled_from(list(Role)), st.integers(1, 4).map(lambda n: UUID(int=n)), st.integers(0, 10_000)),
    min_size=1,
    max_size=8,
    unique_by=lambda share: (share.role, share.organisation_id),
).filter(lambda shares: sum(share.weight for share in shares) > 0)


@given(UNITS, SHARES)
def test_parts_sum_to_the_whole_and_none_is_negative(units: int, shares: list[Share]) -> None:
    parts = split(Money(units, "CNY"), shares)
    assert sum(part.amount.units for part in parts) == units
    assert min(part.amount.units for part in parts) >= 0
    whole = sum(share.weight for share in shares)
    fixed = ordered(shares)
    assert [(part.role, part.organisation_id) for part in parts] == [(one.role, one.organisation_id) for one in fixed]
    pairs = zip(parts, fixed, strict=True)
    assert all(abs(part.amount.units * whole - units * share.weight) < whole for part, share in pairs)


@given(UNITS, SHARES, st.randoms(use_true_random=False))
def test_the_order_in_which_shares_are_written_changes_nobody_s_part(
    units: int, shares: list[Share], random: object
) -> None:
    shuffled = list(shares)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert split(Money(units, "CNY"), shuffled) == split(Money(units, "CNY"), shares)


@given(UNITS, SHARES)
def test_a_correction_is_the_sale_backwards(units: int, shares: list[Share]) -> None:
    forward, back = split(Money(units, "CNY"), shares), split(Money(-units, "CNY"), shares)
    assert [part.amount.units for part in forward] == [-part.amount.units for part in back]


@given(UNITS.filter(bool), SHARES, st.integers(0, 2**51))
def test_every_template_balances(units: int, shares: list[Share], held: int) -> None:
    price, source = Money(units, "CNY"), UUID(int=99)
    parts = split(price, shares)
    for journal in (
        postings.wallet_purchase(source, BUYERS[0], price, postings.credits_of(parts)),
        postings.card_purchase(source, price, parts),
        postings.charge(source, BUYERS[0], min(units, held), price, parts),
        postings.charge(source, BUYERS[0], -units, -price, split(-price, shares)),
        postings.release(source, [(BUYERS[1], price), (BUYERS[2], price)]),
    ):
        assert_balanced(journal)


AMOUNTS = st.integers(-60, 60).filter(bool)
DUES = st.lists(st.tuples(AMOUNTS, st.integers(0, 60)), max_size=8).map(
    lambda found: [
        Due(UUID(int=n), BUYERS[0], BUYERS[1], min(unpaid, max(amount, 0)), amount)
        for n, (amount, unpaid) in enumerate(found)
    ]
)


@given(DUES)
def test_no_more_is_released_than_was_paid_and_all_once_nothing_is_owed(dues: list[Due]) -> None:
    found = releasable(dues)
    assert sum(one.amount_units for one in found) <= sum(one.paid_units for one in dues)
    assert all(not one.unpaid_units for one in found)
    if all(not one.unpaid_units for one in dues):
        assert found == dues
    # What waits is never less than nothing, so no payee's pending share is either.
    assert sum(one.amount_units for one in dues) >= sum(one.amount_units for one in found)
    # Payees give money back only where the buyer got more back than it paid.
    if sum(one.paid_units for one in dues) >= 0:
        assert sum(one.amount_units for one in found) >= 0


COMMANDS = st.lists(st.tuples(st.integers(0, 11), st.sampled_from(BUYERS), st.integers(-50, 100)), max_size=40)


@given(COMMANDS, st.lists(st.integers(1, 7), min_size=1, max_size=40))
def test_any_batching_and_duplication_gives_the_facts_of_one_by_one(
    commands: list[tuple[int, UUID, int]], sizes: list[int]
) -> None:
    journals = [_journal(*command) for command in commands if command[2]]
    assert _run(journals, [1] * len(journals)) == _run(journals, [*sizes, len(journals)])
    twice = [journal for journal in journals for _ in (0, 1)]
    assert _run(twice, [len(twice)])[:2] == _run(journals, [1] * len(journals))[:2]


def _journal(source: int, buyer: UUID, units: int) -> Journal:
    amount = Money(abs(units), "CNY")
    if units > 0:
        return postings.top_up(UUID(int=1000 + source), buyer, amount)
    parts = split(amount, [Share(Role.SUPPLIER, UUID(int=9), 1)])
    return postings.wallet_purchase(UUID(int=2000 + source), buyer, amount, postings.credits_of(parts))


def _run(journals: list[Journal], sizes: list[int]) -> tuple[dict[object, int], dict[object, bytes], list[str]]:
    """What a ledger holds after these batches: balances, journals, and the kinds of answers."""
    held = {wallet(buyer, "CNY"): 0 for buyer in BUYERS}
    written: dict[tuple[str, UUID], Existing] = {}
    answers: list[str] = []
    left = list(journals)
    for size in sizes:
        batch, left = left[:size], left[size:]
        decision = decide(batch, [UUID(int=n) for n in range(len(batch))], written, held)
        for key, (amount, _) in decision.deltas.items():
            held[key] += amount
        for journal_id, body, journal in decision.accepted:
            assert body == body_sha256(journal)
            written[journal.key] = Existing(journal_id, body)
        answers += [type(one).__name__ for one in decision.results]
        assert min(held.values()) >= 0
        assert sum(isinstance(one, Posted) for one in decision.results) == len(decision.accepted)
    return dict(held), {key: one.body_sha256 for key, one in written.items()}, answers
