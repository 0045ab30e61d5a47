"""The chain of rights: what may be passed on, what is wider, what an ended right keeps out."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from contracts import chain, chain_form, terms
from contracts.chain import MOVES, Coverage, Right, RightDraft, RightState, Trace
from contracts.chain_search import Finder
from contracts.terms import Terms

AT = datetime(2026, 6, 1, tzinfo=UTC)
DOCUMENT: dict[str, Any] = {
    "subject": "work",
    "id": "w1",
    "kind": "copyright",
    "holder": "Ann",
    "from": "2026-01-01",
    "until": "2027-12-31",
    "territory": ["CN", "SG"],
    "purposes": ["pretrain", "evaluate", "redistribute"],
    "training": True,
    "commercial": True,
    "sublicensable": True,
    "evidence_sha256": "ab" * 32,
    "covers": {"dataset": True},
}


def draft(**changes: Any) -> RightDraft:
    read = chain_form.parse({**DOCUMENT, **{name.rstrip("_"): value for name, value in changes.items()}})
    assert isinstance(read, RightDraft), read
    return read


def right(number: int = 1, state: RightState = RightState.DECLARED, **changes: Any) -> Right:
    return Right(UUID(int=number), UUID(int=100), UUID(int=200), draft(**changes), state, AT)


def licence(**own: Any) -> Terms:
    basis = {"purposes": ["pretrain"], "commercial": True, "territory": ["CN"], "duration": {"months": 12}}
    read = terms.parse({"type": "terms", "v": 1, "prevailing_language": "en", "own": {**basis, **own}})
    assert isinstance(read, Terms), read
    return read


def clauses(found: Terms, *rights: Right) -> list[str]:
    return [str(one.fields["clause"]) for one in chain.wider(found, chain.effective(rights, AT))]


def test_what_may_be_passed_on_is_the_intersection_of_all_rights() -> None:
    declared = chain.effective(
        [right(), right(2, id="w2", territory=["CN", "US"], until="2026-12-31", purposes=["pretrain"])], AT
    )
    assert declared.purposes == {"pretrain"}
    assert declared.territory == {"CN"}
    assert declared.until == datetime(2027, 1, 1, tzinfo=UTC)
    assert {(one.clause, one.subject_id) for one in declared.reasons} >= {("territory", "w2"), ("duration", "w2")}
    assert declared.missing == ()


def test_no_live_right_passes_nothing_on() -> None:
    for one in (right(state=RightState.WITHDRAWN), right(from_="2026-07-01"), right(until="2026-05-31")):
        declared = chain.effective([one], AT)
        assert (declared.live, declared.purposes, declared.territory, declared.commercial) == (
            0,
            frozenset(),
            frozenset(),
            False,
        )
        assert [item.what for item in declared.missing] == ["work"]


def test_a_right_holds_from_its_first_day_to_the_end_of_its_last() -> None:
    one = right(from_="2026-06-01", until="2026-06-01")
    assert one.live(AT)
    assert not one.live(AT - timedelta(microseconds=1))
    assert one.live(AT + timedelta(days=1, microseconds=-1))
    assert one.state_at(AT + timedelta(days=1)) is RightState.EXPIRED


@pytest.mark.parametrize(
    ("changes", "lost"),
    [
        ({"training": None}, {"pretrain"}),
        ({"training": False, "purposes": ["evaluate"]}, {"pretrain", "redistribute"}),
        ({"sublicensable": False}, {"redistribute"}),
        ({"kind": "licence_in", "sublicensable": False}, {"pretrain", "evaluate", "redistribute"}),
    ],
)
def test_training_needs_consent_and_passing_on_a_licence_that_may_be_passed_on(
    changes: dict[str, Any], lost: set[str]
) -> None:
    assert draft(**changes).passes_on == {"pretrain", "evaluate", "redistribute"} - lost


def test_what_is_not_stated_is_missing_and_never_assumed() -> None:
    one = right(training=None, commercial=None, evidence_sha256=None)
    declared = chain.effective([one], AT)
    assert {item.what for item in declared.missing} == {"training", "commercial", "evidence"}
    assert not declared.commercial
    assert "pretrain" not in declared.purposes


def test_files_without_a_right_are_missing_by_their_path() -> None:
    rights = [right(covers={"assets": ["books/", "a.txt"]})]
    declared = chain.effective(rights, AT, ["a.txt", "a.txt.bak", "books/x.txt", "other/x.txt"])
    assert [(item.what, item.name) for item in declared.missing] == [("file", "a.txt.bak"), ("file", "other/x.txt")]


def test_a_file_that_nobody_declared_lets_nothing_be_passed_on() -> None:
    rights = [right(covers={"assets": ["books/"]})]
    assert chain.effective(rights, AT, ["books/x.txt"]).purposes == {"pretrain", "evaluate", "redistribute"}
    declared = chain.effective(rights, AT, ["books/x.txt", "other.txt"])
    assert (declared.live, declared.purposes, declared.territory, declared.commercial) == (
        1, frozenset(), frozenset(), False,
    )  # fmt: skip
    # A right by record speaks for files that have records, and for no others.
    rights = [right(covers={"source": {"field": "speaker", "value": "sp-1"}})]
    assert chain.effective(rights, AT, ["a.jsonl", "b.csv"]).missing == ()
    assert [one.name for one in chain.effective(rights, AT, ["a.jsonl", "a.wav"]).missing] == ["a.wav"]


def test_a_right_to_files_that_no_revision_has_is_named_and_narrows_nothing() -> None:
    nowhere = right(2, id="w2", territory=["US"], purposes=["evaluate"], covers={"assets": ["nofile.txt"]})
    declared = chain.effective([right(), nowhere], AT, ["a.txt"])
    assert (declared.purposes, declared.territory) == ({"pretrain", "evaluate", "redistribute"}, {"CN", "SG"})
    assert [(one.what, one.name) for one in declared.missing] == [("coverage", "w2")]
    assert "nofile.txt" in declared.missing[0].why.zh
    # An older revision has it, or there is no revision yet: then it counts.
    for paths, known in ((["a.txt"], ["nofile.txt"]), ([], [])):
        assert chain.effective([right(), nowhere], AT, paths, known).purposes == {"evaluate"}
    # It speaks for no file either.
    assert chain.effective([nowhere], AT, ["a.txt"]).purposes == frozenset()


@pytest.mark.parametrize(
    ("own", "wider"),
    [
        ({}, []),
        ({"territory": ["CN", "SG"]}, []),
        ({"purposes": ["pretrain", "infer"]}, ["purpose"]),
        ({"purposes": ["redistribute"]}, []),
        ({"territory": ["CN", "US"]}, ["territory"]),
        ({"territory": "*"}, ["territory"]),
        ({"duration": None}, ["duration"]),
        ({"duration": {"months": 19}}, []),
        ({"duration": {"months": 20}}, ["duration"]),
        ({"duration": {"days": 579}}, []),
        ({"duration": {"days": 580}}, ["duration"]),
    ],
)
def test_terms_are_held_against_each_clause(own: dict[str, Any], wider: list[str]) -> None:
    assert clauses(licence(**own), right()) == wider


def test_redistribution_and_commerce_are_clauses_of_their_own() -> None:
    narrow = right(sublicensable=False, commercial=False)
    assert clauses(licence(purposes=["pretrain", "redistribute"]), narrow) == ["redistribution", "commercial"]
    assert clauses(licence(commercial=False), narrow) == []


def test_every_alternative_of_a_licence_must_fit() -> None:
    either = terms.parse({"type": "terms", "v": 1, "prevailing_language": "en", "spdx": "MIT OR CC-BY-NC-4.0"})
    assert isinstance(either, Terms)
    everything = right(until=None, territory="*", commercial=False, purposes=sorted(terms.PURPOSES))
    assert "commercial" in clauses(either, everything)
    assert chain.joined([]) is None
    joined = chain.joined(chain.wider(licence(territory="*", duration=None), chain.effective([right()], AT)))
    assert joined is not None
    assert joined.fields["clause"] == "territory, duration"
    assert "2028-01-01" in joined.detail("en")


def test_an_ended_right_blocks_until_its_holder_gives_it_again() -> None:
    ended = right(1, RightState.WITHDRAWN, covers={"assets": ["a.txt"]})
    assert chain.blocking([ended], AT) == [ended]
    for other in ({"holder": "Ben"}, {"id": "w2"}, {"kind": "database"}, {"covers": {"assets": ["b.txt"]}}):
        stays = right(2, **{"covers": {"assets": ["a.txt"]}, **other})
        assert chain.blocking([ended, stays], AT) == [ended]
    for again in ({"covers": {"assets": ["a.txt"]}}, {"covers": {"dataset": True}}):
        assert chain.blocking([ended, right(3, evidence_sha256="cd" * 32, **again)], AT) == []
    late = right(4, from_="2026-06-02", covers={"assets": ["a.txt"]})
    assert chain.blocking([ended, late], AT) == [ended]


def test_blocked_files_are_named_by_path_content_or_records() -> None:
    by_path = right(1, RightState.WITHDRAWN, covers={"assets": ["a.txt"]})
    by_record = right(2, RightState.WITHDRAWN, id="s1", covers={"source": {"field": "source", "value": "s1"}})
    one, two, three = (bytes([n]) * 32 for n in (1, 2, 3))
    traces = [
        Trace(by_path.id, two, whole=True, records=0),
        Trace(by_record.id, three, whole=False, records=2, examples=("x", "y")),
    ]
    files = [("a.txt", one), ("renamed.txt", two), ("rows.jsonl", three), ("clean.jsonl", bytes(32))]
    found = chain.blocked(files, [by_path, by_record], traces)
    assert [(item.path, item.whole, item.records) for item in found] == [
        ("a.txt", True, 0),
        ("renamed.txt", True, 0),
        ("rows.jsonl", False, 2),
    ]
    assert chain.untraced([one, three, one], [by_path, by_record], traces) == [(by_record.id, one)]


def test_states_move_one_way() -> None:
    assert set(MOVES) == set(RightState)
    assert MOVES[RightState.DECLARED] == {RightState.WITHDRAWN, RightState.EXPIRED}
    assert not MOVES[RightState.WITHDRAWN] | MOVES[RightState.EXPIRED]


@pytest.mark.parametrize(
    ("coverage", "inside", "outside"),
    [
        (
            Coverage(field="id", values=frozenset({"7", "x"})),
            [{"id": 7}, {"id": "x"}],
            [{"id": "8"}, {}, {"id": True}, {"id": ["x"]}],
        ),
        (Coverage(field="id", first="2", last="10"), [{"id": 2}, {"id": "10"}, {"id": "9"}], [{"id": 11}, {"id": "1"}]),
        (Coverage(field="id", first="a1", last="a3"), [{"id": "a1"}, {"id": "a2x"}], [{"id": "a4"}, {"id": "b"}]),
    ],
)
def test_records_are_covered_by_value_or_range(coverage: Coverage, inside: list[Any], outside: list[Any]) -> None:
    assert all(coverage.holds(one) for one in inside)
    assert not any(coverage.holds(one) for one in outside)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("subject", "book"),
        ("id", ""),
        ("kind", "patent"),
        ("holder", "a\nb"),
        ("from", "2026-02-30"),
        ("until", "2025-12-31"),
        ("until", "20271231"),
        ("territory", "CN"),
        ("territory", ["cn"]),
        ("purposes", ["train"]),
        ("training", "yes"),
        ("training", False),
        ("evidence_sha256", "AB" * 32),
        ("covers", {"dataset": False}),
        ("covers", {"assets": []}),
        ("covers", {"records": {"field": "id"}}),
        ("covers", {"source": {"field": "s", "value": "x", "more": 1}}),
        ("colour", "red"),
    ],
)
def test_a_wrong_field_of_a_right_is_named(field: str, value: object) -> None:
    read = chain_form.parse({**DOCUMENT, field: value})
    assert isinstance(read, list)
    assert [one.field for one in read] == [field]
    assert all(one.why.en and one.why.zh for one in read)


def test_a_stored_right_reads_as_it_was_declared() -> None:
    for covers in (
        {"dataset": True},
        {"assets": ["a", "b/"]},
        {"records": {"field": "id", "ids": ["1"]}},
        {"records": {"field": "id", "from": "1", "to": "2"}},
        {"source": {"field": "s", "value": "x"}},
    ):
        one = draft(covers=covers)
        assert chain_form.load(one.document, one.sha256) == one
    # What is null is the same as what is missing.
    assert draft(evidence_sha256=None).sha256 == draft(evidence_sha256=None, until=DOCUMENT["until"]).sha256


def test_records_of_many_rights_are_found_in_one_pass() -> None:
    rights = [
        right(1, covers={"source": {"field": "speaker", "value": "s1"}}),
        right(2, covers={"records": {"field": "id", "from": "2", "to": "3"}}),
        right(3, covers={"source": {"field": "speaker", "value": "nobody"}}),
    ]
    lines = b'{"id": 1, "speaker": "s1"}\n{"id": 2, "speaker": "s2"}\nno json\n{"speaker": "s1"}\n{"id": "3", "speaker": "s1"}'
    for step in (1, 7, 1000):
        finder = Finder("a.jsonl", "", rights)
        for start in range(0, len(lines), step):
            finder.feed(lines[start : start + step])
        found = {one.right_id.int: (one.records, one.examples) for one in finder.finish(bytes(32))}
        assert found == {1: (3, ("1", "row 4", "3")), 2: (2, ("2", "3")), 3: (0, ())}
    table = Finder("a.csv", "", rights[:1])
    table.feed(b"id,speaker\n1,s1\n2,s2\n")
    assert [one.records for one in table.finish(bytes(32))] == [1]
    assert not Finder("a.wav", "audio/wav", rights).reads


def test_the_document_of_a_right_says_what_it_is_and_whose() -> None:
    one = right()
    assert chain.sides(one) == {"subject": "work", "id": "w1", "kind": "copyright", "holder": "Ann"}
    assert b'"type":"right"' in one.draft.document
    assert replace(one, state=RightState.WITHDRAWN).state_at(AT + timedelta(days=4000)) is RightState.WITHDRAWN
