"""Policies: ours in the protocol's shape, foreign ones read clause by clause or refused by name."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from contracts import odrl, odrl_profile
from contracts.rights import BREAKS, DUTIES, PURPOSES
from contracts.terms import load
from tests.support.policies import DSP_POLICY, FULL

DOCUMENT = {"type": "terms", "v": 1, "prevailing_language": "zh", "own": FULL}
CHECK = Draft202012Validator(DSP_POLICY)
FOREIGN: dict[str, Any] = {
    "@context": ["https://w3id.org/dspace/2025/1/context.jsonld", {"cx": "https://corpus-exchange.example/odrl/1#"}],
    "@id": "urn:uuid:7",
    "@type": "Offer",
    "permission": [
        {
            "action": "odrl:use",
            "constraint": [
                {
                    "and": [
                        {"leftOperand": "purpose", "operator": "eq", "rightOperand": {"@id": "dpv:ScientificResearch"}},
                        {"leftOperand": "spatial", "operator": "eq", "rightOperand": "DE"},
                    ]
                },
                {"leftOperand": "elapsedTime", "operator": "lt", "rightOperand": {"@value": "P1Y"}},
            ],
            "duty": [{"action": "attribute"}],
        }
    ],
    "prohibition": [{"action": "cc:CommercialUse"}],
}


def changed(path: str, value: Any) -> dict[str, Any]:
    """FOREIGN with something else at a place such as permission/0/action."""
    policy = copy.deepcopy(FOREIGN)
    *way, last = path.split("/")
    at: Any = policy
    for part in way:
        at = at[int(part)] if isinstance(at, list) else at[part]
    if isinstance(at, list):
        at.insert(int(last), value)
    else:
        at[last] = value
    return policy


def test_offers_and_agreements_have_the_protocols_shape() -> None:
    offer = odrl.offer(DOCUMENT, "urn:uuid:1", target="urn:uuid:9")
    agreement = odrl.agreement(
        DOCUMENT,
        "urn:uuid:2",
        target="urn:uuid:9",
        assigner="urn:uuid:3",
        assignee="urn:uuid:4",
        concluded_at=datetime(2026, 1, 31, 8, tzinfo=UTC),
    )
    assert not list(CHECK.iter_errors(offer))
    assert not list(CHECK.iter_errors(agreement))
    assert agreement["timestamp"] == "2026-01-31T08:00:00Z"
    assert load(_terms(agreement)).alternatives == load(DOCUMENT).alternatives
    inside = odrl.offer(DOCUMENT, "urn:uuid:1", context=False)
    assert "@context" not in inside
    assert load(_terms(inside)).alternatives == load(DOCUMENT).alternatives


def _terms(policy: dict[str, Any]) -> dict[str, Any]:
    found = odrl.terms_of(policy)
    assert isinstance(found, dict), [problem.detail("en") for problem in found]
    return found


def test_a_policy_never_shares_its_context_with_another() -> None:
    odrl.offer(DOCUMENT, "urn:uuid:1")["@context"].append("spoilt")
    assert odrl.offer(DOCUMENT, "urn:uuid:1")["@context"] == odrl_profile.CONTEXT


def test_nested_consequences_go_into_the_policy_as_they_stand() -> None:
    (notices,) = [one for one in odrl.offer(DOCUMENT, "urn:uuid:1")["obligation"] if one["action"] == "cc:Notice"]
    inform, attribute = notices["consequence"]
    assert (inform["action"], attribute["action"]) == ("inform", "attribute")
    assert inform["consequence"][0]["action"] == "compensate"
    assert inform["consequence"][0]["constraint"] == [
        {"leftOperand": "elapsedTime", "operator": "lteq", "rightOperand": "P30D"}
    ]


def test_a_foreign_policy_of_known_words_becomes_terms() -> None:
    found = odrl.terms_of(FOREIGN, prevailing_language="en")
    assert found == {
        "type": "terms",
        "v": 1,
        "prevailing_language": "en",
        "own": {
            "purposes": ["research"],
            "commercial": False,
            "territory": ["DE"],
            "duration": {"months": 12},
            "attribution": True,
        },
    }


REFUSED: list[tuple[str, Any, str, str]] = [
    ("@type", "Set", "/@type", "neither Offer nor Agreement"),
    ("@context/0", {"use": "https://elsewhere.example/sell"}, "/@context/0", "changes the meaning"),
    ("profile", "https://elsewhere.example/profile", "/profile", "is not https"),
    ("inheritFrom", "urn:uuid:8", "/inheritFrom", "does not have"),
    ("obligation", [{"action": "payMoney"}], "/obligation/0/action", "does not have"),
    ("obligation", [{"action": "inform", "target": "x"}], "/obligation/0/target", "does not have"),
    ("prohibition/0/remedy", [{"action": "delete"}], "/prohibition/0/remedy", "does not have"),
    ("prohibition/0/action", "distribute", "/prohibition/0/action", "does not have"),
    ("permission/1", {"action": "use"}, "/permission/1", "second permission"),
    ("permission/0/action", "read", "/permission/0/action", "must be use"),
    ("permission/0/assignee", "urn:uuid:5", "/permission/0/assignee", "does not have"),
    ("permission/0/constraint", [], "/permission/0", "names no purpose"),
    ("permission/0/constraint/0", {"or": []}, "/permission/0/constraint/0/or", "combines constraints"),
    ("permission/0/constraint/0", {"xone": []}, "/permission/0/constraint/0/xone", "combines constraints"),
    (
        "permission/0/constraint/0",
        {"leftOperand": "dateTime", "operator": "lteq", "rightOperand": "2027-01-01"},
        "/permission/0/constraint/0/leftOperand",
        "does not have here",
    ),
    (
        "permission/0/constraint/1",
        {"leftOperand": "elapsedTime", "operator": "lteq", "rightOperand": "P1Y"},
        "/permission/0/constraint/1/operator",
        "must be lt",
    ),
    (
        "permission/0/constraint/1",
        {"leftOperand": "cx:users", "operator": "lteq", "rightOperand": "50", "unit": "seats"},
        "/permission/0/constraint/1/unit",
        "does not have",
    ),
    (
        "permission/0/constraint/1",
        {"leftOperand": "cx:users", "operator": "lteq", "rightOperand": "fifty"},
        "/permission/0/constraint/1/rightOperand",
        "whole number",
    ),
    ("permission/0/constraint/1/rightOperand", "PT1H", "/permission/0/constraint/1/rightOperand", "period"),
    (
        "permission/0/constraint/0/and/0/rightOperand",
        "dpv:ResearchAndDevelopment",
        "/permission/0/constraint/0/and/0/rightOperand",
        "could mean pretrain, fine_tune, align, evaluate",
    ),
    (
        "permission/0/constraint/0/and/0/rightOperand",
        "train-ai",
        "/permission/0/constraint/0/and/0/rightOperand",
        "could mean pretrain, fine_tune, align",
    ),
    (
        "permission/0/constraint/0/and/1/rightOperand",
        "Germany",
        "/permission/0/constraint/0/and/1/rightOperand",
        "ISO 3166",
    ),
    (
        "permission/0/constraint/2",
        {"leftOperand": "spatial", "operator": "eq", "rightOperand": "CN"},
        "/permission/0/constraint/2/leftOperand",
        "said twice",
    ),
    ("prohibition", [], "/permission/0", "commercial use"),
    (
        "obligation",
        [{"action": "inform", "constraint": [{"leftOperand": "event", "operator": "eq", "rightOperand": "use"}]}],
        "/obligation/0/constraint/0/rightOperand",
        "value",
    ),
]


@pytest.mark.parametrize(("path", "value", "clause", "words"), REFUSED, ids=[f"{n}" for n in range(len(REFUSED))])
def test_a_foreign_clause_is_refused_by_its_place(path: str, value: Any, clause: str, words: str) -> None:
    found = odrl.terms_of(changed(path, value), prevailing_language="en")
    assert isinstance(found, list), found
    told = {problem.fields["clause"]: problem for problem in found}
    assert clause in told, list(told)
    assert words in told[clause].detail("en")
    assert told[clause].slug == "policy-clause-foreign"
    assert any("一" <= letter <= "鿿" for letter in told[clause].detail("zh"))


def test_a_policy_without_a_prevailing_language_is_refused() -> None:
    found = odrl.terms_of(FOREIGN)
    assert isinstance(found, list)
    assert [problem.fields["clause"] for problem in found] == ["/cx:prevailingLanguage"]


def test_a_policy_that_contradicts_itself_is_refused_as_terms_are() -> None:
    policy = changed(
        "prohibition/1",
        {
            "action": "use",
            "constraint": [{"leftOperand": "purpose", "operator": "eq", "rightOperand": "cx:research"}],
        },
    )
    found = odrl.terms_of(policy, prevailing_language="en")
    assert isinstance(found, list)
    assert found[0].fields["field"] == "/own/prohibits"


def test_the_profile_names_the_whole_vocabulary_and_each_purpose_is_mapped() -> None:
    profile = odrl_profile.document()
    assert set(profile["purposes"]) == set(PURPOSES)
    assert set(profile["outputs"]) == set(BREAKS)
    assert set(profile["duties"]) == set(DUTIES) - {"no_reidentification"}
    assert len(set(profile["duties"].values())) == len(profile["duties"])
    for vocabulary in ("dpv", "aipref"):
        mapped = [row["term"] for row in profile["mappings"] if row["vocabulary"] == vocabulary]
        assert sorted(mapped) == sorted([*PURPOSES, "commercial"])
    for row in profile["mappings"]:
        assert (row["name"] is None) == (row["relation"] == "none")
