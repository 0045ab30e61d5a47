from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from exchange.kernel.ids import IdSource
from settlement.accounts import AccountKey, AccountKind, debt, payable, platform, wallet
from settlement.holds import Hold, HoldEnd, Outcome, ending, opening
from settlement.journals import Existing, Journal, Line, assert_balanced, body_sha256, decide
from settlement.periods import dated, first_id, ms_of

ACCOUNTS = [wallet(UUID(int=1), "EUR"), wallet(UUID(int=2), "EUR"), debt(UUID(int=1), "EUR"), debt(UUID(int=2), "EUR")]
ACCOUNTS.append(platform(AccountKind.BANK, "EUR"))
START = dict.fromkeys(ACCOUNTS[:2], 100)
COMMANDS = st.lists(
    st.tuples(st.integers(0, 12), st.permutations(range(5)), st.integers(1, 150)), min_size=1, max_size=25
)
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))


def journals_of(commands: list[tuple[int, list[int], int]]) -> list[Journal]:
    return [
        Journal("move", UUID(int=source), (Line(ACCOUNTS[order[0]], -units), Line(ACCOUNTS[order[1]], units)))
        for source, order, units in commands
    ]


def run(batches: list[list[Journal]]) -> tuple[list[str], dict[AccountKey, int]]:
    """Decide batch after batch, as the store would; what was answered and what moved on each bounded account."""
    existing: dict[tuple[str, UUID], Existing] = {}
    moved: dict[AccountKey, int] = dict.fromkeys(ACCOUNTS[:4], 0)
    told: list[str] = []
    for batch in batches:
        available = {key: START[key] + moved[key] for key in ACCOUNTS[:2]}
        room = {key: 80 - moved[key] for key in ACCOUNTS[2:4]} | {ACCOUNTS[0]: 150 - moved[ACCOUNTS[0]]}
        ids = [UUID(int=1_000 + len(told) + n) for n in range(len(batch))]
        decision = decide(batch, ids, existing, available, room)
        for new_id, body, journal in decision.accepted:
            existing[journal.key] = Existing(new_id, body)
        for key, (amount, _) in decision.deltas.items():
            moved[key] += amount
        told += [type(result).__name__ for result in decision.results]
    return told, moved


@given(COMMANDS, st.lists(st.integers(1, 6), min_size=25, max_size=25))
def test_floors_and_ceilings_are_met_alike_however_journals_are_batched(
    commands: list[tuple[int, list[int], int]], sizes: list[int]
) -> None:
    journals = journals_of(commands)
    one_by_one = run([[journal] for journal in journals])
    cut, left = [], list(journals)
    for size in sizes:
        cut.append(left[:size])
        left = left[size:]
    assert run([journals]) == run([batch for batch in cut if batch]) == one_by_one
    moved = one_by_one[1]
    assert all(START[key] + moved[key] >= 0 for key in ACCOUNTS[:2])
    assert all(moved[key] <= 80 for key in ACCOUNTS[2:4])
    assert moved[ACCOUNTS[0]] <= 150


@given(st.integers(1, 2**60), st.data())
def test_whatever_a_hold_becomes_its_journals_balance_and_empty_what_was_held(units: int, data: st.DataObject) -> None:
    until = data.draw(st.none() | MOMENTS)
    hold = Hold(UUID(int=7), payable(UUID(int=1), "CNY"), units, "acceptance", UUID(int=8), until)
    settled = data.draw(st.integers(0, units))
    end = (
        HoldEnd(hold.id, Outcome.SETTLED, wallet(UUID(int=2), "CNY"), settled)
        if settled
        else HoldEnd(hold.id, data.draw(st.sampled_from([Outcome.VOIDED, Outcome.EXPIRED])))
    )
    sums: dict[AccountKey, int] = {}
    for journal in (opening(hold), ending(hold, end)):
        assert_balanced(journal)
        for account, amount, tag in journal.lines:
            assert tag == hold.tag
            sums[account] = sums.get(account, 0) + amount
    assert {key.kind: total for key, total in sums.items() if total} == (
        {AccountKind.PAYABLE: -settled, AccountKind.WALLET: settled} if settled else {}
    )
    again = Hold(hold.id, hold.account, units, "dispute", hold.tag, until)
    assert body_sha256(opening(again)) != body_sha256(opening(hold))


@given(st.lists(MOMENTS, min_size=1, max_size=20), MOMENTS, st.binary(min_size=1, max_size=8))
def test_a_cut_by_id_is_a_cut_by_time(moments: list[datetime], cut: datetime, entropy: bytes) -> None:
    source = IdSource(entropy)
    cut -= timedelta(microseconds=cut.microsecond % 1_000)
    made = [(at, dated(source.new(at), ms_of(at))) for at in moments]
    assert len({one for _, one in made}) == len(made)
    for at, one in made:
        assert (one < first_id(cut)) == (at < cut)
