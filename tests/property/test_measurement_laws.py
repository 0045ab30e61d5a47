"""Laws of measurements: whatever is said in whatever order, the states follow their table and nobody is charged alone."""

from __future__ import annotations

import itertools
from dataclasses import replace
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from contracts.measurements import (
    TRANSITIONS,
    Answer,
    MeasurementState,
    conclusion,
    hear,
    verify,
    with_answer,
)
from exchange.kernel.errors import Problem
from tests.unit.test_measurements import BUYER, EVALUATOR, NOW, PROPOSED, SELLER, says

speeches = st.lists(
    st.tuples(st.sampled_from([BUYER, SELLER, EVALUATOR]), st.sampled_from(list(Answer)), st.booleans()), max_size=12
)


def heard(said):
    """What stands after these speeches, those that are refused left out, and the states on the way."""
    one, states = PROPOSED, [PROPOSED.state]
    for who, answer, right in said:
        if (answer is Answer.WITHDRAW) is not (who == EVALUATOR):
            continue  # the flows let nobody else say that
        speech = says(who, answer) if right else replace(says(who, answer), sha256=bytes(32))
        state = hear(one, speech)
        if not isinstance(state, Problem):
            one = with_answer(one, speech)
            assert one.state is state
            states.append(state)
    return one, states


@given(speeches)
def test_states_move_along_the_table(said):
    _, states = heard(said)
    for before, after in itertools.pairwise(states):
        assert after is before or after in TRANSITIONS[before]


@given(speeches)
def test_agreed_means_that_both_accepted_and_nobody_else_spoke_against_it(said):
    one, _ = heard(said)
    accepted = {word.organisation_id for word in one.said if word.answer is Answer.ACCEPT}
    if one.state is MeasurementState.AGREED:
        assert accepted == {BUYER, SELLER}
        assert all(word.answer is Answer.ACCEPT for word in one.said)
    else:
        assert accepted != {BUYER, SELLER}


@given(speeches, st.randoms())
def test_the_order_of_what_was_said_decides_nothing_later(said, shuffle):
    one, _ = heard(said)
    words = list(one.said)
    shuffle.shuffle(words)
    assert replace(one, said=tuple(words)).state is one.state


@given(st.integers(0, 10_000), st.integers(0, 7))
def test_one_changed_bit_and_nothing_is_proven(keyring, place, bit):
    one = with_answer(with_answer(PROPOSED, says(SELLER, Answer.ACCEPT)), says(BUYER, Answer.ACCEPT))
    document = conclusion(one, NOW)
    signature = keyring.sign("agreement", document)
    key = keyring.public_key(signature.kid)
    changed = bytearray(document)
    changed[place % len(document)] ^= 1 << bit
    assert verify(bytes(changed), signature.value, key) is not None
    assert verify(document, signature.value, key) is None
    assert verify(document, signature.value, UUID(int=7).bytes * 2) is not None
