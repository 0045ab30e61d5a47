"""What an entry may hold, and the rules of publication."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest

from compliance import rules, scopes
from compliance.entries import BadEntry, Entry, envelope, moment
from exchange.kernel.errors import Problem

NOW = datetime(2026, 1, 15, 8, tzinfo=UTC)
ORG = UUID(int=1)


@pytest.mark.parametrize(
    "fields",
    [
        {"action": "Zhang San"},
        {"action": ""},
        {"action": "a" * 65},
        {"object_id": "zhang@example.com"},
        {"object_id": "张三"},
        {"object_id": "a b"},
        {"object_id": "=1+1"},
        {"object_id": "a" * 201},
        {"object_version": "not ok"},
        {"agreement_id": "agr 1"},
        {"rule_set": "x y"},
        {"node_id": "Centre"},
        {"outcome": "refused"},
        {"problem": "quota-exhausted"},
        {"outcome": "maybe"},
        {"outcome": "refused", "problem": "No Good"},
        {"digests": {"name": b"short"}},
        {"digests": {"Not A Slug": bytes(32)}},
        {"digests": {f"d{i}": bytes(32) for i in range(65)}},
        {"concerns": tuple(UUID(int=i) for i in range(257))},
    ],
)
def test_what_the_log_does_not_take(fields: dict[str, Any]) -> None:
    with pytest.raises(BadEntry):
        Entry(**{"action": "purchase", "organisation_id": ORG, **fields})


def test_the_smallest_and_the_largest_entry_fit() -> None:
    envelope(Entry(action="tick", organisation_id=None), NOW, ORG)
    largest = Entry(
        action="a" * 64,
        organisation_id=ORG,
        client_id=ORG,
        object_id="o" * 200,
        object_version="v" * 200,
        agreement_id="a" * 200,
        rule_set="r" * 200,
        outcome="refused",
        problem="p" * 64,
        digests={f"{'d' * 60}{i:04d}": bytes(32) for i in range(64)},
        concerns=tuple(UUID(int=i) for i in range(256)),
    )
    assert len(envelope(largest, NOW, ORG)) < 65_535


def test_times_are_utc() -> None:
    assert moment(NOW) == "2026-01-15T08:00:00.000000Z"
    for wrong in (NOW.replace(tzinfo=None), NOW.astimezone(timezone(timedelta(hours=8)))):
        with pytest.raises(BadEntry):
            moment(wrong)


GOOD = rules.PublicationFacts(
    now=NOW,
    supplier_verified=True,
    certificate_valid_until=NOW + timedelta(days=1),
    certificate_revoked=False,
    certificate_covers_revision=True,
    licence_known=True,
    synthetic_share=0,
    synthetic_marked=False,
    personal_data="none",
    legal_basis=False,
    cross_border=True,
    cross_border_basis=None,
    scores={"overall": 60, "diversity": None},
    title={"en": "Tang poems", "zh": "唐诗"},
    summary={"en": "All of them", "zh": "全部"},
    offer_count=1,
    price_plans_valid=True,
)


@pytest.mark.parametrize(
    ("changes", "broken"),
    [
        ({}, set()),
        ({"supplier_verified": False}, {"supplier-verified"}),
        ({"frozen": True}, {"not-frozen"}),
        ({"contract_kept": False}, {"data-contract-kept"}),
        ({"certificate_valid_until": NOW}, {"certificate-valid"}),
        ({"certificate_valid_until": None}, {"certificate-valid"}),
        ({"certificate_revoked": True}, {"certificate-valid"}),
        ({"certificate_covers_revision": False}, {"certificate-valid"}),
        ({"licence_known": False}, {"licence-known"}),
        ({"synthetic_share": 5}, {"synthetic-marked"}),
        ({"synthetic_share": 5, "synthetic_marked": True}, set()),
        ({"synthetic_share": None}, {"synthetic-marked"}),
        ({"personal_data": None, "cross_border": False}, {"personal-data-declared"}),
        ({"personal_data": "contains", "cross_border": False}, {"personal-data-declared"}),
        ({"personal_data": "contains", "legal_basis": True}, {"cross-border-basis"}),
        ({"personal_data": "contains", "legal_basis": True, "cross_border_basis": "SCC-2026-7"}, set()),
        ({"personal_data": "pseudonymised", "cross_border_basis": " "}, {"cross-border-basis"}),
        ({"scores": {"overall": 59}}, {"scores-met"}),
        ({"scores": {}}, {"scores-met"}),
        ({"minimums": {"overall": 60, "diversity": 50}}, set()),
        ({"scores": {"overall": 90, "diversity": 49}, "minimums": {"overall": 60, "diversity": 50}}, {"scores-met"}),
        ({"title": {"en": "Tang poems"}}, {"bilingual"}),
        ({"summary": {"en": "x", "zh": " "}}, {"bilingual"}),
        ({"offer_count": 0}, {"offer-present", "price-plan-valid"}),
        ({"price_plans_valid": False}, {"price-plan-valid"}),
    ],
)
def test_publication_rules(changes: dict[str, Any], broken: set[str]) -> None:
    results = rules.publication(replace(GOOD, **changes))
    assert {one.rule for one in rules.unmet(results)} == broken
    assert len({one.rule for one in results}) == len(results) == 12
    assert all(one.why.en and one.why.zh for one in results)


@pytest.mark.parametrize(
    ("scope", "good"),
    [
        (scopes.Scope(), True),
        (scopes.Scope(from_index=3, to_index=3), True),
        (scopes.Scope(from_index=10), True),
        (scopes.Scope(from_index=11), False),
        (scopes.Scope(from_index=-1), False),
        (scopes.Scope(to_index=11), False),
        (scopes.Scope(from_index=5, to_index=4), False),
        (scopes.Scope(actions=tuple(f"a{i}" for i in range(51))), False),
    ],
)
def test_scopes_are_pinned_within_the_log(scope: scopes.Scope, good: bool) -> None:
    found = scopes.pinned(scope, 10)
    assert isinstance(found, Problem) is not good
    if isinstance(found, scopes.Scope):
        assert scopes.Scope.from_wire(found.to_wire()) == found
