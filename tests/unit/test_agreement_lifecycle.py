"""The life of an agreement as values: the table, the fields of each kind, what follows from events in force."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest

from contracts import lifecycle
from contracts.life_events import Event, EventState, Force, Kind, Party, Wish, instant
from contracts.lifecycle import TABLE, Life, State
from contracts.signatures import Role
from exchange.kernel import ids
from exchange.kernel.canonical import canonical, sha256
from exchange.kernel.errors import Problem

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
BUYER, SELLER, OTHER, AGREEMENT, ORDER = (UUID(int=n) for n in range(1, 6))
WHY = {"en": "The report is missing.", "zh": "未提交报告。"}


def document(ends_at: datetime | None = None) -> bytes:
    """The parts of an agreement that its life begins with."""
    return canonical(
        {
            "type": "agreement",
            "v": 1,
            "parties": {"buyer": ids.text("org", BUYER), "seller": ids.text("org", SELLER)},
            "period": {
                "starts_at": instant(NOW - timedelta(days=30)),
                "ends_at": None if ends_at is None else instant(ends_at),
            },
            "purposes": ["pretrain"],
        }
    )


def born(ends_at: datetime | None = None) -> Life:
    data = document(ends_at)
    return lifecycle.born(AGREEMENT, data, sha256(data))


def event(life: Life, wish: Wish, by: Party = Party.SELLER, at: datetime = NOW) -> Event:
    """An event in force, as the flow would have made it."""
    proposer = {Party.BUYER: life.holder_id, Party.SELLER: life.seller_id}.get(by)
    made = lifecycle.compose(
        life, wish, by, event_id=UUID(int=100 + life.number), proposer=proposer, now=at, node_id="centre"
    )
    return replace(made, force=Force(life.number + 1, wish.effective_at or at, at))


def then(life: Life, *wishes: tuple[Wish, Party]) -> Life:
    for wish, by in wishes:
        life = lifecycle.after(life, event(life, wish, by))
    return life


SUSPENSION = Wish(kind=Kind.SUSPENSION, reason=WHY)
LIFTING = Wish(kind=Kind.LIFTING, reason=WHY)
BREACH = Wish(kind=Kind.TERMINATION, reason=WHY, ground="breach")
NOTICE = Wish(kind=Kind.TERMINATION, reason=WHY, ground="notice", effective_at=NOW + timedelta(days=40))
RETIREMENT = Wish(kind=Kind.RETIREMENT)
STATES: dict[State, Life] = {
    State.ACTIVE: born(),
    State.SUSPENDED: then(born(), (SUSPENSION, Party.SELLER)),
    State.HELD: then(born(), (SUSPENSION, Party.OPERATOR)),
    State.ENDING: then(born(), (NOTICE, Party.BUYER)),
    State.ENDED: born(NOW - timedelta(days=1)),
    State.TERMINATED: then(born(), (BREACH, Party.SELLER)),
    State.RETIRED: then(born(), (RETIREMENT, Party.SELLER)),
}


def test_each_state_is_reached() -> None:
    assert {state: life.state(NOW) for state, life in STATES.items()} == {state: state for state in State}


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("by", Party)
def test_the_table_decides_who_may_bring_about_what(state: State, kind: Kind, by: Party) -> None:
    refused = lifecycle.may(STATES[state], kind, by, NOW)
    if by in TABLE[state].get(kind, frozenset()):
        assert refused is None
    else:
        assert isinstance(refused, Problem)
        assert refused.slug == "agreement-event-not-allowed"
        assert refused.fields["state"] == state.value


def test_nothing_follows_a_retirement_and_nobody_buys_time_for_the_seller() -> None:
    assert TABLE[State.RETIRED] == {}
    for state, kinds in TABLE.items():
        assert Party.BUYER not in kinds.get(Kind.SUSPENSION, frozenset()), state
        assert Party.BUYER not in kinds.get(Kind.LIFTING, frozenset()), state
    assert TABLE[State.HELD][Kind.LIFTING] == {Party.OPERATOR}


def test_the_operator_suspends_over_the_seller_and_the_seller_does_not_lift_that() -> None:
    life = then(born(), (SUSPENSION, Party.SELLER), (SUSPENSION, Party.OPERATOR))
    assert life.state(NOW) is State.HELD
    assert lifecycle.may(life, Kind.LIFTING, Party.SELLER, NOW) is not None
    assert then(life, (LIFTING, Party.OPERATOR)).state(NOW) is State.ACTIVE


def test_a_notice_leaves_the_agreement_running_until_its_moment() -> None:
    life = STATES[State.ENDING]
    assert life.state(NOW + timedelta(days=40)) is State.TERMINATED
    assert life.state(NOW + timedelta(days=40) - timedelta(microseconds=1)) is State.ENDING
    # A breach may end it earlier; nothing ends it later.
    assert then(life, (BREACH, Party.SELLER)).terminates_at == NOW


def test_a_suspension_during_a_notice_is_lifted_back_into_it() -> None:
    life = then(STATES[State.ENDING], (SUSPENSION, Party.SELLER))
    assert life.state(NOW) is State.SUSPENDED
    assert then(life, (LIFTING, Party.SELLER)).state(NOW) is State.ENDING


def test_an_amendment_changes_what_it_names_and_nothing_else() -> None:
    life = then(born(), (Wish(kind=Kind.AMENDMENT, purposes=("evaluate",), territory=("CN",)), Party.BUYER))
    assert (life.purposes, life.territory, life.terms) == (("evaluate",), ("CN",), None)
    terms: dict[str, Any] = {"type": "terms", "v": 1, "prevailing_language": "zh", "spdx": "MIT"}
    life = then(life, (Wish(kind=Kind.AMENDMENT, terms=terms), Party.BUYER))
    assert (life.purposes, life.territory, life.terms) == (("evaluate",), ("CN",), terms)


def test_a_transfer_moves_the_side_and_remembers_who_was_there() -> None:
    life = then(born(), (Wish(kind=Kind.TRANSFER, successor_id=OTHER), Party.BUYER))
    assert (life.side(OTHER), life.side(BUYER), life.side(SELLER)) == (Party.BUYER, None, Party.SELLER)
    back = lifecycle.wrong(life, Wish(kind=Kind.TRANSFER, successor_id=BUYER), Party.SELLER, NOW)
    assert back is not None
    assert back.fields["field"] == "successor"


def test_a_renewal_wakes_what_was_about_to_end() -> None:
    life = born(NOW + timedelta(days=1))
    longer = then(life, (Wish(kind=Kind.RENEWAL, ends_at=NOW + timedelta(days=100)), Party.BUYER))
    assert life.state(NOW + timedelta(days=2)) is State.ENDED
    assert longer.state(NOW + timedelta(days=2)) is State.ACTIVE


@pytest.mark.parametrize(
    ("wish", "by", "needs"),
    [
        (Wish(kind=Kind.AMENDMENT, purposes=("align",)), Party.BUYER, ("buyer", "seller")),
        (Wish(kind=Kind.RENEWAL), Party.SELLER, ("buyer", "seller")),
        (Wish(kind=Kind.TRANSFER, successor_id=OTHER), Party.BUYER, ("buyer", "seller", "successor")),
        (SUSPENSION, Party.SELLER, ("seller",)),
        (SUSPENSION, Party.OPERATOR, ()),
        (LIFTING, Party.OPERATOR, ()),
        (BREACH, Party.BUYER, ("buyer",)),
        (RETIREMENT, Party.BUYER, ("buyer", "seller")),
    ],
)
def test_who_is_bound_signs(wish: Wish, by: Party, needs: tuple[str, ...]) -> None:
    assert lifecycle.needs(born(), wish, by, NOW) == tuple(Role(one) for one in needs)


def test_what_is_over_is_retired_by_one_side() -> None:
    assert lifecycle.needs(STATES[State.TERMINATED], RETIREMENT, Party.SELLER, NOW) == (Role.SELLER,)


@pytest.mark.parametrize(
    ("wish", "by", "field"),
    [
        (Wish(kind=Kind.AMENDMENT), Party.BUYER, "purposes"),
        (Wish(kind=Kind.AMENDMENT, purposes=("pretrain",)), Party.BUYER, "purposes"),
        (Wish(kind=Kind.AMENDMENT, purposes=("align", "align")), Party.BUYER, "purposes"),
        (Wish(kind=Kind.AMENDMENT, territory=()), Party.BUYER, "territory"),
        (Wish(kind=Kind.AMENDMENT, purposes=("align",), ends_at=NOW), Party.BUYER, "ends_at"),
        (Wish(kind=Kind.AMENDMENT, purposes=("align",), effective_at=NOW), Party.BUYER, "effective_at"),
        (Wish(kind=Kind.RENEWAL, ends_at=NOW + timedelta(days=9)), Party.BUYER, "ends_at"),
        (Wish(kind=Kind.RENEWAL, ends_at=NOW + timedelta(days=5000)), Party.BUYER, "ends_at"),
        (Wish(kind=Kind.RENEWAL, purposes=("align",)), Party.BUYER, "purposes"),
        (Wish(kind=Kind.TRANSFER), Party.BUYER, "successor"),
        (Wish(kind=Kind.TRANSFER, successor_id=SELLER), Party.BUYER, "successor"),
        (Wish(kind=Kind.TRANSFER, successor_id=OTHER, effective_at=NOW - timedelta(1)), Party.BUYER, "effective_at"),
        (Wish(kind=Kind.TRANSFER, successor_id=OTHER, effective_at=NOW + timedelta(20)), Party.BUYER, "effective_at"),
        (Wish(kind=Kind.SUSPENSION), Party.SELLER, "reason"),
        (Wish(kind=Kind.SUSPENSION, reason={"en": "only English"}), Party.SELLER, "reason"),
        (Wish(kind=Kind.SUSPENSION, reason=WHY, ground="breach"), Party.SELLER, "ground"),
        (Wish(kind=Kind.LIFTING, reason={"en": "x", "zh": " "}), Party.SELLER, "reason"),
        (Wish(kind=Kind.TERMINATION, reason=WHY), Party.SELLER, "ground"),
        (Wish(kind=Kind.TERMINATION, ground="breach"), Party.SELLER, "reason"),
        (replace(NOTICE, effective_at=NOW + timedelta(days=9)), Party.SELLER, "ground"),
        (replace(SUSPENSION, open_days=0), Party.SELLER, "open_days"),
        (replace(SUSPENSION, open_days=91), Party.SELLER, "open_days"),
    ],
)
def test_a_wrong_field_is_named(wish: Wish, by: Party, field: str) -> None:
    refused = lifecycle.wrong(born(NOW + timedelta(days=10)), wish, by, NOW)
    assert refused is not None
    assert (refused.slug, refused.fields["field"]) == ("agreement-event-field", field)
    for language in ("en", "zh"):
        assert refused.detail(language)


@pytest.mark.parametrize("late", [timedelta(), timedelta(microseconds=1), timedelta(minutes=59, seconds=59)])
def test_the_earliest_moment_that_is_named_may_be_sent_back_for_an_hour(late: timedelta) -> None:
    now = NOW + late
    refused = lifecycle.wrong(born(), replace(NOTICE, effective_at=None), Party.SELLER, now)
    assert refused is not None
    earliest = datetime.fromisoformat(str(refused.fields["earliest"]))
    assert timedelta(hours=1) <= earliest - lifecycle.NOTICE - now < timedelta(hours=2)
    again = replace(NOTICE, effective_at=earliest)
    assert lifecycle.wrong(born(), again, Party.SELLER, now + lifecycle.SLACK) is None
    assert lifecycle.wrong(born(), again, Party.SELLER, now + 2 * lifecycle.SLACK) is not None


def test_a_notice_takes_thirty_days() -> None:
    early = replace(NOTICE, effective_at=NOW + lifecycle.NOTICE - timedelta(microseconds=1))
    refused = lifecycle.wrong(born(), early, Party.SELLER, NOW)
    assert refused is not None
    assert refused.slug == "notice-too-short"
    assert lifecycle.wrong(born(), replace(NOTICE, effective_at=NOW + lifecycle.NOTICE), Party.SELLER, NOW) is None


def test_a_second_termination_comes_earlier_or_not_at_all() -> None:
    life = STATES[State.ENDING]
    later = replace(BREACH, effective_at=NOW + timedelta(days=50))
    refused = lifecycle.wrong(life, later, Party.SELLER, NOW)
    assert refused is not None
    assert refused.fields["field"] == "effective_at"
    assert lifecycle.wrong(life, BREACH, Party.SELLER, NOW) is None


def test_the_document_binds_agreement_chain_parties_and_change() -> None:
    life = then(born(), (SUSPENSION, Party.SELLER))
    made = event(life, LIFTING)
    said = msgspec.json.decode(made.document)
    assert canonical(said) == made.document
    assert sha256(made.document) == made.sha256
    assert said["agreement"] == {"id": ids.text("agr", AGREEMENT), "sha256": life.sha256.hex()}
    assert said["previous"] == life.head.hex() != life.sha256.hex()
    assert (said["type"], said["v"], said["kind"], said["must_sign"]) == ("agreement_event", 1, "lifting", ["seller"])
    assert said["reason"] == WHY


def test_what_was_signed_late_does_not_hold_earlier() -> None:
    wish = Wish(kind=Kind.TRANSFER, successor_id=OTHER, effective_at=NOW + timedelta(days=1))
    made = event(born(), wish, Party.BUYER)
    assert lifecycle.wish_of(made, NOW).effective_at == wish.effective_at
    assert lifecycle.wish_of(made, NOW + timedelta(days=3)).effective_at == NOW + timedelta(days=3)


def test_events_out_of_order_are_a_defect() -> None:
    life = born()
    first = event(life, SUSPENSION)
    second = event(lifecycle.after(life, first), LIFTING)
    assert lifecycle.lived(life, [second, first]).state(NOW) is State.ACTIVE
    with pytest.raises(ValueError, match="not the next event"):
        lifecycle.after(life, second)
    with pytest.raises(ValueError, match="not the next event"):
        lifecycle.after(life, replace(first, force=None))


def test_a_proposal_ends_by_time_or_when_another_event_takes_its_place() -> None:
    life = born()
    proposal = replace(event(life, Wish(kind=Kind.AMENDMENT, purposes=("align",)), Party.BUYER), force=None)
    assert proposal.state(NOW, life.head) is EventState.PROPOSED
    assert proposal.state(NOW + timedelta(days=14), life.head) is EventState.EXPIRED
    assert proposal.state(NOW, b"\0" * 32) is EventState.OVERTAKEN
    assert proposal.missing == (Role.BUYER, Role.SELLER)
