"""Laws of policies: own terms go to ODRL and back without loss, and anything foreign is answered."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from contracts import odrl
from contracts.comparing import grants_no_less
from contracts.spdx import LICENCES
from contracts.terms import Terms, load, parse, plain_words
from exchange.kernel.canonical import canonical
from tests.support.policies import DSP_POLICY, OWN_TERMS

_CHECK = Draft202012Validator(DSP_POLICY)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
_KEYS = st.sampled_from(["leftOperand", "operator", "rightOperand", "or", "and", "unit", "action", "cx:note"])


def document_of(own: dict[str, Any]) -> dict[str, Any] | None:
    """Own terms that do not contradict themselves, with what contradicts taken out; None where something is left."""
    own = {**own, "prohibits": [p for p in own.get("prohibits", []) if p not in own["purposes"]]}
    for field, flag in {"delete_within_days": "delete_at_end", "report_every": "report_use"}.items():
        if field in own:
            own.pop(flag, None)
    document = {"type": "terms", "v": 1, "prevailing_language": "zh", "own": own}
    return document if isinstance(parse(document), Terms) else None


TERMS = OWN_TERMS.map(document_of)


@settings(suppress_health_check=[HealthCheck.filter_too_much])
@given(TERMS)
def test_own_terms_go_to_a_policy_and_back_without_loss(document: dict[str, Any] | None) -> None:
    assume(document is not None)
    assert document is not None
    policy = odrl.offer(document, "urn:uuid:1")
    assert not list(_CHECK.iter_errors(policy))
    canonical(policy)
    again = odrl.terms_of(policy)
    assert isinstance(again, dict), [problem.detail("en") for problem in again]
    before, after = load(document), load(again)
    assert after.alternatives == before.alternatives
    assert after.prevailing_language == before.prevailing_language
    assert plain_words(after) == plain_words(before)
    assert odrl.offer(again, "urn:uuid:1") == policy
    assert grants_no_less(before, after)
    assert grants_no_less(after, before)


@given(st.sampled_from(sorted(LICENCES)), st.sampled_from(["OR", "AND"]), st.sampled_from(sorted(LICENCES)))
def test_licences_go_to_a_policy_and_back_unchanged(one: str, word: str, two: str) -> None:
    document = {"type": "terms", "v": 1, "prevailing_language": "en", "spdx": f"{one} {word} {two}"}
    policy = odrl.offer(document, "urn:uuid:1")
    assert not list(_CHECK.iter_errors(policy))
    assert odrl.terms_of(policy) == document


@given(_JSON)
def test_any_policy_is_read_or_refused(policy: object) -> None:
    found = odrl.terms_of(policy, prevailing_language="en")
    assert isinstance(found, list)
    assert all(problem.detail("en") and problem.detail("zh") for problem in found)


@settings(suppress_health_check=[HealthCheck.filter_too_much])
@given(TERMS, st.data())
def test_an_added_clause_is_never_dropped(document: dict[str, Any] | None, data: st.DataObject) -> None:
    """Whatever is added anywhere to a policy of ours is refused, or changes what the terms say."""
    assume(document is not None)
    assert document is not None
    policy = odrl.offer(document, "urn:uuid:1")
    places = [*_objects({name: part for name, part in policy.items() if name != "@context"})[1:], policy]
    holder = data.draw(st.sampled_from(places))
    key = data.draw(_KEYS.filter(lambda name: name not in holder))
    holder[key] = data.draw(
        st.sampled_from(["x", [], {}, [{"leftOperand": "a", "operator": "eq", "rightOperand": "b"}]])
    )
    found = odrl.terms_of(policy)
    assert isinstance(found, list), (key, holder)
    assert any(problem.slug == "policy-clause-foreign" for problem in found)


def _objects(value: Any) -> list[dict[str, Any]]:
    found = [value] if isinstance(value, dict) else []
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return found + [one for part in inner for one in _objects(part)]
