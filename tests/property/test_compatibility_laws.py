"""Laws of compatibility: order, reflexivity, symmetry, and that a restriction never helps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from contracts.compatibility import Fit, How, bundle, derive, offered
from contracts.rights import OUTPUTS, PURPOSES
from contracts.spdx import READ
from contracts.terms import Terms, load

RANK = {Fit.INCOMPATIBLE: 0, Fit.UNKNOWN: 1, Fit.COMPATIBLE: 2}
PLACES = ["CN", "DE", "HK", "US"]
OWN = st.fixed_dictionaries(
    {
        "purposes": st.lists(st.sampled_from(list(PURPOSES)), min_size=1, unique=True),
        "commercial": st.booleans(),
        "territory": st.one_of(st.just("*"), st.lists(st.sampled_from(PLACES), min_size=1, unique=True)),
        "duration": st.one_of(
            st.none(),
            st.fixed_dictionaries({"days": st.integers(1, 800)}),
            st.fixed_dictionaries({"months": st.integers(1, 30)}),
        ),
    },
    optional={
        "prohibits": st.lists(st.sampled_from(list(PURPOSES)), unique=True),
        "users": st.one_of(st.none(), st.integers(1, 9)),
        "outputs": st.lists(st.sampled_from([name for name in OUTPUTS if name != "no_reidentification"]), unique=True),
        **{flag: st.booleans() for flag in ("attribution", "no_reidentification", "report_use")},
    },
)
NAMES = st.sampled_from(list(READ))
_ADAPTABLE = [
    name for name, one in READ.items() if one.adapt in ("free", "same") and "redistribute" in one.rights.purposes
]


def expressions(names: list[str]) -> st.SearchStrategy[str]:
    """SPDX expressions over some names."""
    return st.recursive(
        st.sampled_from(names),
        lambda inner: st.tuples(inner, st.sampled_from(["AND", "OR"]), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        max_leaves=3,
    )


def own_terms(own: dict[str, Any]) -> Terms:
    own = {**own, "prohibits": [p for p in own.get("prohibits", []) if p not in own["purposes"]]}
    return load({"type": "terms", "v": 1, "prevailing_language": "zh", "own": own})


def spdx_terms(expression: str) -> Terms:
    return load({"type": "terms", "v": 1, "prevailing_language": "en", "spdx": expression})


TERMS = st.one_of(OWN.map(own_terms), expressions(list(READ)).map(spdx_terms))


def restricted(own: dict[str, Any], data: st.DataObject) -> dict[str, Any]:
    """The same terms with one restriction more."""
    kind = data.draw(
        st.sampled_from(
            ["purpose", "prohibit", "commercial", "territory", "duration", "users", "outputs", "attribution"]
        )
    )
    if kind == "purpose":
        kept = own["purposes"][1:]
        return {**own, "purposes": kept} if kept else own
    if kind == "prohibit":
        name = data.draw(st.sampled_from([p for p in PURPOSES if p not in own["purposes"]] or [own["purposes"][0]]))
        return own if name in own["purposes"] else {**own, "prohibits": sorted({*own.get("prohibits", []), name})}
    if kind == "commercial":
        return {**own, "commercial": False}
    if kind == "territory":
        places = PLACES if own["territory"] == "*" else own["territory"]
        return {**own, "territory": places[: data.draw(st.integers(1, len(places)))]}
    if kind == "duration":
        if own["duration"] is None:
            return {**own, "duration": {"days": 30}}
        unit, length = next(iter(own["duration"].items()))
        return {**own, "duration": {unit: data.draw(st.integers(1, length))}}
    if kind == "users":
        return {**own, "users": data.draw(st.integers(1, own.get("users") or 9))}
    if kind == "outputs":
        return {**own, "outputs": sorted({*own.get("outputs", []), "no_military"})}
    return {**own, "attribution": True}


@given(TERMS, TERMS)
def test_bundling_is_symmetric(one: Terms, other: Terms) -> None:
    assert bundle(one, other).fit is bundle(other, one).fit


@example(spdx_terms("(CC-BY-4.0 AND ODbL-1.0)"))
@given(expressions(_ADAPTABLE).map(spdx_terms))
def test_a_licence_fits_itself_unless_it_forbids_adaptations_or_is_doubtful(terms: Terms) -> None:
    assert derive(terms, terms).fit is Fit.COMPATIBLE
    assert offered(terms, terms, How.DERIVE).fit is Fit.COMPATIBLE


@given(st.sampled_from([name for name, licence in READ.items() if licence.adapt == "never"]))
def test_what_forbids_adaptations_fits_nothing(name: str) -> None:
    for dataset in READ:
        assert derive(spdx_terms(name), spdx_terms(dataset)).fit is Fit.INCOMPATIBLE


@given(OWN, st.booleans())
def test_own_terms_fit_themselves_where_they_let_one_pass_it_on(own: dict[str, Any], alike: bool) -> None:
    purposes = [*{*own["purposes"], "redistribute"}]
    terms = own_terms({**own, "purposes": purposes, "share_alike": alike})
    assert derive(terms, terms).fit is Fit.COMPATIBLE
    assert bundle(terms, terms).fit is Fit.COMPATIBLE


@given(OWN, TERMS, st.data())
def test_one_more_restriction_upstream_never_fits_better(
    own: dict[str, Any], dataset: Terms, data: st.DataObject
) -> None:
    before, after = own_terms(own), own_terms(restricted(own, data))
    for question in (derive, bundle):
        assert RANK[question(after, dataset).fit] <= RANK[question(before, dataset).fit]
    for how in How:
        assert RANK[offered(after, dataset, how).fit] <= RANK[offered(before, dataset, how).fit]


@given(OWN, TERMS)
def test_asking_to_share_alike_never_fits_better(own: dict[str, Any], dataset: Terms) -> None:
    before, after = own_terms(own), own_terms({**own, "share_alike": True})
    assert RANK[derive(after, dataset).fit] <= RANK[derive(before, dataset).fit]


@given(TERMS, TERMS)
def test_every_answer_but_a_yes_names_the_clauses_of_both_sides(upstream: Terms, dataset: Terms) -> None:
    for finding in (
        derive(upstream, dataset),
        bundle(upstream, dataset),
        *(offered(upstream, dataset, h) for h in How),
    ):
        assert bool(finding.clauses) == (finding.fit is not Fit.COMPATIBLE)
        if finding.clauses:
            assert min(RANK[clause.fit] for clause in finding.clauses) == RANK[finding.fit]
        for clause in finding.clauses:
            assert all((clause.upstream.en, clause.upstream.zh, clause.dataset.en, clause.dataset.zh))


@given(NAMES, TERMS)
def test_of_two_licences_the_adapter_takes_the_better(name: str, dataset: Terms) -> None:
    one, other = spdx_terms(name), spdx_terms("CC-BY-4.0")
    both = replace(one, alternatives=(*one.alternatives, *other.alternatives))
    assert RANK[derive(both, dataset).fit] == max(RANK[derive(each, dataset).fit] for each in (one, other))
