"""An application is checked before it comes in, and a state moves along the written table only."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from exchange.kernel.errors import Problem
from exchange.parties.organisations import TRANSITIONS, BuyerClass, Party, Standing, State, Wish, move, wish
from exchange.parties.roles import NAMES, SCOPES, Role, scopes_of
from exchange.parties.settings import PartiesSettings

GOOD: dict[str, Any] = {
    "name": {"zh": "示例数据有限公司", "en": "Example Data Ltd"},
    "roles": ["supplier", "broker"],
    "country": "CN",
    "identifiers": {"uscc": "91110000600037341L"},
    "contact_name": "张三",
    "contact_email": "zhang@example.cn",
    "settings": PartiesSettings(),
}


def test_a_good_application() -> None:
    answer = wish(**GOOD)
    assert isinstance(answer, Wish)
    assert answer.roles == {Role.SUPPLIER, Role.BROKER}
    assert "zhang" not in repr(answer), "personal data must not reach a log by repr"


@pytest.mark.parametrize(
    ("change", "slug"),
    [
        ({"roles": []}, "organisation-invalid"),
        ({"roles": ["supplier", "operator"]}, "organisation-invalid"),
        ({"roles": ["king"]}, "organisation-invalid"),
        ({"country": "cn"}, "organisation-invalid"),
        ({"country": "CHN"}, "organisation-invalid"),
        ({"name": {}}, "organisation-invalid"),
        ({"name": {"fr": "Exemple"}}, "organisation-invalid"),
        ({"name": {"en": " "}}, "organisation-invalid"),
        ({"name": {"en": "a\nb"}}, "organisation-invalid"),
        ({"name": {"en": "x" * 201}}, "organisation-invalid"),
        ({"buyer_class": "student"}, "organisation-invalid"),
        ({"buyer_class": ""}, "organisation-invalid"),
        ({"identifiers": {}}, "organisation-invalid"),
        ({"identifiers": {"lei": "1"}}, "identifier-invalid"),
        ({"contact_name": ""}, "person-invalid"),
        ({"contact_email": "nobody"}, "person-invalid"),
        ({"contact_email": "a@b\r\nBcc: c@d.e"}, "person-invalid"),
    ],
)
def test_a_bad_application_says_which_field(change: dict[str, Any], slug: str) -> None:
    answer = wish(**(GOOD | change))
    assert isinstance(answer, Problem)
    assert answer.slug == slug
    assert "nobody" not in answer.detail("en")
    assert "{" not in answer.detail("en") + answer.detail("zh") + answer.remedy("zh")


def test_a_buyer_class_may_be_claimed_and_need_not_be() -> None:
    answer = wish(**GOOD)
    assert isinstance(answer, Wish)
    assert answer.buyer_class is None
    for one in BuyerClass:
        claimed = wish(**GOOD, buyer_class=one.value)
        assert isinstance(claimed, Wish)
        assert claimed.buyer_class is one


def test_nobody_has_a_class_or_a_tax_number_until_somebody_says_so() -> None:
    standing = Standing(State.VERIFIED, frozenset({Role.BUYER}), "CN")
    assert (standing.buyer_class, standing.tax_registered) == (None, False)


def test_only_what_is_written_happens() -> None:
    for old, new, by in itertools.product(State, State, Party):
        allowed = TRANSITIONS.get((old, new)) is by
        assert (move(old, new, by, evidence_count=1) is None) is allowed, (old, new, by)


def test_no_organisation_is_verified_without_evidence() -> None:
    answer = move(State.SUBMITTED, State.VERIFIED, Party.OPERATOR, evidence_count=0)
    assert answer is not None
    assert answer.slug == "evidence-missing"
    assert move(State.SUBMITTED, State.REJECTED, Party.OPERATOR, evidence_count=0) is None


def test_each_role_has_both_names_and_opens_a_portal() -> None:
    for role in Role:
        assert NAMES[role].en
        assert NAMES[role].zh
        assert {"organisation"} < scopes_of([role]) <= SCOPES
    assert scopes_of([]) == {"organisation"}
    assert "operator" not in scopes_of(set(Role) - {Role.OPERATOR})
