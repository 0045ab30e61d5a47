"""Secrets and scopes."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from uuid import UUID

import pytest

from exchange.kernel.errors import Problem
from exchange.parties.clients import (
    SECRET_BYTES,
    Credentials,
    NewClient,
    granted_scopes,
    hash_secret,
    new_client,
    proves,
)
from exchange.parties.organisations import State
from exchange.parties.roles import Role
from exchange.parties.settings import PartiesSettings

SECRET = "s" * 43
AT = datetime(2026, 1, 15, tzinfo=UTC)


def known(state: State = State.VERIFIED, revoked_at: datetime | None = None) -> Credentials:
    scopes = frozenset({"organisation", "buyer", "supplier"})
    roles = frozenset({Role.BUYER, Role.ASSESSOR})
    return Credentials(UUID(int=1), UUID(int=2), hash_secret(SECRET), scopes, revoked_at, state, roles)


def test_only_the_secret_proves() -> None:
    assert proves(known(), SECRET)
    assert not proves(known(), SECRET + "x")
    assert not proves(known(), "")
    assert not proves(known(), "\udcff" * 50)
    assert not proves(known(revoked_at=AT), SECRET)
    assert not proves(None, SECRET)


def test_a_secret_that_could_be_guessed_is_never_stored() -> None:
    with pytest.raises(ValueError, match="32 random bytes"):
        hash_secret("hunter2")
    assert len(hash_secret(secrets.token_urlsafe(SECRET_BYTES))) == 32


def test_a_token_gets_what_client_and_roles_share() -> None:
    assert granted_scopes(known(), None) == {"organisation", "buyer"}
    assert granted_scopes(known(), "buyer") == {"buyer"}
    for asked in ("supplier", "assessor", "operator", "buyer operator", "everything"):
        answer = granted_scopes(known(), asked)
        assert isinstance(answer, Problem), asked
        assert answer.slug == "invalid-scope"


@pytest.mark.parametrize("state", [state for state in State if state is not State.VERIFIED])
def test_an_organisation_that_is_not_verified_gets_at_its_own_papers_only(state: State) -> None:
    assert granted_scopes(known(state), None) == {"organisation"}
    assert isinstance(granted_scopes(known(state), "buyer"), Problem)


def test_a_client_is_made_with_known_scopes() -> None:
    settings = PartiesSettings()
    made = new_client(" nightly job ", ["buyer"], hash_secret(SECRET), settings)
    assert made == NewClient("nightly job", hash_secret(SECRET), frozenset({"buyer"}))
    assert isinstance(new_client("", ["buyer"], hash_secret(SECRET), settings), Problem)
    assert isinstance(new_client("x", [], hash_secret(SECRET), settings), Problem)
    assert isinstance(new_client("x", ["root"], hash_secret(SECRET), settings), Problem)
