"""Directives without a database: who may issue what, how a state follows from what is owed, how many an entry takes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from compliance.directives import (
    MOVES,
    Basis,
    Order,
    Owed,
    Target,
    fault_of_file,
    is_overdue,
    may_issue,
    state_after,
)
from exchange.flows.directive_scope import pages
from exchange.kernel.actor import Actor
from tests.support.directives import BASIS, order, standing

NOW = datetime(2026, 1, 15, 8, tzinfo=UTC)
ORG = UUID(int=1)
LISTING = ("listing", UUID(int=2))
GOOD = order("freeze", LISTING)
WEEK = NOW + timedelta(days=7)


def basis(**more: Any) -> Basis:
    return Basis(**{**BASIS, **more})


@pytest.mark.parametrize(
    ("wish", "right"),
    [
        (GOOD, True),
        (replace(GOOD, deadline=WEEK), True),
        (replace(GOOD, kind="inform", deadline=WEEK), True),
        (replace(GOOD, kind="inform"), False),
        (replace(GOOD, kind="disclose"), False),
        (replace(GOOD, kind="burn"), False),
        (replace(GOOD, targets=()), False),
        (replace(GOOD, targets=(Target(*LISTING),) * 2), False),
        (replace(GOOD, targets=(Target("moon", UUID(int=3)),)), False),
        (replace(GOOD, targets=tuple(Target("order", UUID(int=n)) for n in range(100))), True),
        (replace(GOOD, targets=tuple(Target("order", UUID(int=n)) for n in range(101))), False),
        (replace(GOOD, reason={"zh": "涉嫌侵权"}), True),
        (replace(GOOD, reason={"en": " "}), False),
        (replace(GOOD, reason={}), False),
        (replace(GOOD, reason={"en": "x", "fr": "y"}), False),
        (replace(GOOD, reason={"en": "x" * 4_001}), False),
        (replace(GOOD, reason={"en": "x\x1b[2J"}), False),
        (replace(GOOD, deadline=NOW), False),
        (replace(GOOD, deadline=NOW + timedelta(days=4_000)), False),
        (replace(GOOD, basis=basis(law="the-moon")), False),
        (replace(GOOD, basis=basis(article="x" * 81)), False),
        (replace(GOOD, basis=basis(article="1\n2")), False),
        (replace(GOOD, basis=basis(text={"en": "only one language"})), False),
        (replace(GOOD, basis=basis(text={"en": "x", "zh": ""})), False),
    ],
)
def test_what_a_directive_needs(wish: Order, right: bool) -> None:
    found = may_issue(Actor(ORG, ORG, frozenset({"regulator"}), frozenset(), "jti"), wish, NOW)
    assert (found is None) is right
    if found:
        assert found.slug == "directive-invalid"
        assert found.detail("en") != found.detail("zh")
    other = may_issue(Actor(ORG, ORG, frozenset({"operator"}), frozenset(), "jti"), wish, NOW)
    assert other is not None
    assert other.slug == "regulator-only"


@pytest.mark.parametrize(
    ("kind", "state", "owed", "then"),
    [
        ("freeze", "issued", Owed(2, 1, 0), "issued"),
        ("freeze", "issued", Owed(2, 2, 0), "acknowledged"),
        ("freeze", "expired", Owed(2, 2, 0), "acknowledged"),
        ("freeze", "lifted", Owed(2, 2, 0), "lifted"),
        ("inform", "issued", Owed(2, 2, 1), "acknowledged"),
        ("inform", "acknowledged", Owed(2, 2, 2), "answered"),
        ("inform", "expired", Owed(2, 2, 1), "expired"),
        ("inform", "expired", Owed(2, 2, 2), "answered"),
        ("inform", "answered", Owed(2, 2, 2), "answered"),
    ],
)
def test_where_a_directive_stands_follows_from_what_is_owed(kind: str, state: str, owed: Owed, then: str) -> None:
    one = replace(standing(UUID(int=9), kind, LISTING, ORG, NOW), state=state)  # type: ignore[arg-type]
    assert state_after(one, owed) == then
    assert then == state or then in MOVES[state]  # type: ignore[index, comparison-overlap]


def test_a_deadline_is_over_for_who_still_owes() -> None:
    one = standing(UUID(int=9), "freeze", LISTING, ORG, NOW)
    assert not is_overdue(one, NOW)
    due = replace(one, deadline=NOW)
    assert is_overdue(due, NOW)
    assert not is_overdue(due, NOW - timedelta(microseconds=1))
    assert not is_overdue(replace(due, state="acknowledged"), NOW)
    assert is_overdue(replace(due, state="acknowledged", kind="inform"), NOW)
    assert not is_overdue(replace(due, state="lifted"), NOW)


def test_the_log_cannot_be_searched_for_words() -> None:
    one = standing(UUID(int=9), "freeze", LISTING, ORG, NOW)
    assert replace(one, salt=b"a").words_digest() != replace(one, salt=b"b").words_digest()


@pytest.mark.parametrize(
    ("name", "media_type", "size", "right"),
    [
        ("ledger.pdf", "application/pdf", 9, True),
        ("台账 2026.pdf", "application/pdf", 9, True),
        ("../ledger.pdf", "application/pdf", 9, False),
        ("a\\b", "application/pdf", 9, False),
        ("a\nb", "application/pdf", 9, False),
        ("", "application/pdf", 9, False),
        ("x" * 201, "application/pdf", 9, False),
        ("a", "text/html; charset=x", 9, False),
        ("a", "pdf", 9, False),
        ("a", "text/plain", 0, False),
    ],
)
def test_files_have_plain_names(name: str, media_type: str, size: int, right: bool) -> None:
    assert (fault_of_file(name, media_type, size) is None) is right


def test_an_entry_takes_a_page_of_organisations() -> None:
    many = [UUID(int=n) for n in range(600)]
    parts = pages(many)
    assert [len(one) for one in parts] == [255, 255, 90]
    assert [one for part in parts for one in part] == many
    assert pages([]) == [()]
