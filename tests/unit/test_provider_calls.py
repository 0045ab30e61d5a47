"""What may be done next about a call: the same key until a refusal, a look-up after a day, a new step only then."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.kernel import ids
from settlement.provider_calls import (
    ABSENT_AFTER,
    KEPT_FAULT,
    KEY_LIVES,
    KEY_USED,
    OTHER_ANSWER,
    QUIET_FOR,
    Call,
    CallKind,
    CallState,
    Move,
    after_absent,
    key_of,
    next_move,
)

AT = datetime(2026, 1, 15, 8, 0, tzinfo=UTC)
CALL = Call(UUID(int=1), CallKind.TRANSFER, UUID(int=2), 1, "k", {}, CallState.UNKNOWN, 1, AT, AT)


def test_a_key_is_a_function_of_what_it_is_for() -> None:
    name = ids.text("pot", UUID(int=2))
    assert key_of(CallKind.TRANSFER, UUID(int=2), 3) == f"transfer:{name}:3"
    assert key_of(CallKind.PAYOUT, UUID(int=2), 3) == f"payout:{name}:3"


@pytest.mark.parametrize(
    ("state", "code", "age", "move"),
    [
        (CallState.DONE, None, timedelta(days=9), Move.KNOWN),
        (CallState.REFUSED, "balance_insufficient", timedelta(0), Move.OPEN),
        (CallState.SENT, None, timedelta(0), Move.SEND),
        (CallState.UNKNOWN, "http_500", KEY_LIVES - timedelta(seconds=1), Move.SEND),
        (CallState.SENT, None, KEY_LIVES, Move.LOOK),
        (CallState.UNKNOWN, "rate_limit", KEY_LIVES, Move.LOOK),
        (CallState.UNKNOWN, KEPT_FAULT, timedelta(0), Move.LOOK),
        (CallState.UNKNOWN, KEY_USED, timedelta(0), Move.LOOK),
        (CallState.UNKNOWN, OTHER_ANSWER, timedelta(0), Move.LOOK),
    ],
)
def test_the_next_move(state: CallState, code: str | None, age: timedelta, move: Move) -> None:
    assert next_move(replace(CALL, state=state, code=code), AT + age) is move


def test_the_first_step_is_opened() -> None:
    assert next_move(None, AT) is Move.OPEN


@pytest.mark.parametrize(
    ("age", "quiet", "move"),
    [
        (ABSENT_AFTER - timedelta(seconds=1), ABSENT_AFTER, Move.WAIT),
        (ABSENT_AFTER, QUIET_FOR - timedelta(seconds=1), Move.WAIT),
        (ABSENT_AFTER, QUIET_FOR, Move.OPEN),
    ],
)
def test_absent_is_believed_late_and_after_a_rest(age: timedelta, quiet: timedelta, move: Move) -> None:
    assert after_absent(replace(CALL, sent_at=AT + age - quiet), AT + age) is move


@given(
    state=st.sampled_from([CallState.SENT, CallState.UNKNOWN]),
    code=st.sampled_from([None, "http_500", KEPT_FAULT, KEY_USED, OTHER_ANSWER, "rate_limit"]),
    age_s=st.integers(0, 4 * 86_400),
    sent_s=st.integers(0, 4 * 86_400),
)
def test_no_new_step_is_opened_while_the_old_one_could_still_come(
    state: CallState, code: str | None, age_s: int, sent_s: int
) -> None:
    call = replace(CALL, state=state, code=code, sent_at=AT + timedelta(seconds=min(age_s, sent_s)))
    now = AT + timedelta(seconds=age_s)
    assert next_move(call, now) in (Move.SEND, Move.LOOK)
    if after_absent(call, now) is Move.OPEN:
        assert code != OTHER_ANSWER
        assert now - call.first_sent_at >= ABSENT_AFTER
        assert now - call.sent_at >= QUIET_FOR
        assert next_move(call, now) is Move.LOOK, "the same key is of no more use"
