"""Laws of tokens and scopes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from exchange.kernel.errors import Problem
from exchange.kernel.keys import Keyring, new_key
from exchange.parties.clients import Credentials, granted_scopes
from exchange.parties.organisations import State
from exchange.parties.roles import SCOPES, Role, scopes_of
from exchange.parties.tokens import Token, TokenSettings, issue, token_keys, verify

NOW = datetime(2026, 1, 15, 8, 0, tzinfo=UTC)
SETTINGS = TokenSettings(issuer="https://exchange.example", audience="https://exchange.example")
RING = Keyring([new_key("token", NOW, b"t" * 32)])
KEYS = token_keys(RING)
ids_ = st.uuids()
roles = st.frozensets(st.sampled_from(list(Role)), max_size=4)
scopes = st.frozensets(st.sampled_from(sorted(SCOPES)), max_size=4)


@st.composite
def tokens(draw: st.DrawFn) -> Token:
    ttl_s = draw(st.integers(1, 86_400))
    jti = draw(st.text("abc0123_-", min_size=1, max_size=40))
    plain = frozenset(role.value for role in draw(roles))
    return Token(jti, draw(ids_), draw(ids_), plain, draw(scopes), NOW, NOW + timedelta(seconds=ttl_s))


@given(tokens())
def test_what_is_issued_is_what_is_read(token: Token) -> None:
    assert verify(issue(RING, token, SETTINGS), KEYS, SETTINGS, NOW) == token


@given(tokens(), st.data())
def test_no_changed_letter_passes(token: Token, data: st.DataObject) -> None:
    text = issue(RING, token, SETTINGS)
    place = data.draw(st.integers(0, len(text) - 1))
    letter = data.draw(st.characters(codec="ascii").filter(lambda one: one != text[place]))
    assert isinstance(verify(text[:place] + letter + text[place + 1 :], KEYS, SETTINGS, NOW), Problem)


@given(st.text(max_size=300))
def test_no_text_makes_it_stumble(text: str) -> None:
    assert isinstance(verify(text, KEYS, SETTINGS, NOW), Problem)


@given(scopes, roles, st.sampled_from(list(State)), st.none() | st.text(max_size=40) | scopes.map(" ".join))
def test_a_token_never_gets_more_than_client_and_roles_have(
    held: frozenset[str], had: frozenset[Role], state: State, asked: str | None
) -> None:
    client = Credentials(UUID(int=1), UUID(int=2), bytes(32), held, None, state, had)
    granted = granted_scopes(client, asked)
    if isinstance(granted, Problem):
        return
    assert granted <= held
    assert granted <= scopes_of(had if state is State.VERIFIED else ())
