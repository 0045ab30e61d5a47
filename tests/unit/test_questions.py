"""Questions as JSON: read, written, and refused where they are wrong."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from contracts.evaluation import Facts, Question
from contracts.questions import QUESTION_SCHEMA, document, parse
from contracts.rights import BREAKS

NOW = datetime(2026, 1, 31, 8, tzinfo=UTC)
WHOLE: dict[str, Any] = {
    "purpose": "pretrain",
    "at": "2026-02-10T08:00:00Z",
    "place": "CN",
    "organisation": {"country": "CN", "commercial": True, "users": 10, "sites": 1},
    "outputs": ["military"],
    "duties": {"report_use/notify": "kept"},
    "others": False,
    "starts_at": "2026-01-31T08:00:00Z",
    "ends_at": "2027-01-31T08:00:00Z",
    "zone": "Europe/Berlin",
}


def test_a_whole_question_is_read_and_written_back() -> None:
    question = parse(WHOLE, NOW)
    assert isinstance(question, Question)
    assert (question.facts, question.begun) == (Facts("CN", True, 10, 1), True)
    assert document(question) == WHOLE


def test_what_is_left_out_is_not_known() -> None:
    question = parse({"purpose": "align"}, NOW)
    assert isinstance(question, Question)
    assert question.at == NOW
    assert question.facts == Facts()
    assert (question.place, question.outputs, question.duties, question.others, question.starts_at) == (None,) * 5
    assert question.ends_at is None
    assert parse(document(question), NOW) == question


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"purpose": ""}, "/purpose"),
        ({"place": "China"}, "/place"),
        ({"at": "2026-02-10"}, "/at"),
        ({"at": "2026-02-30T08:00:00Z"}, "/at"),
        ({"at": "2026-02-10T08:00:00"}, "/at"),
        ({"at": "1026-02-10T08:00:00Z"}, "/at"),
        ({"starts_at": "2026-02-10T25:00:00Z"}, "/starts_at"),
        ({"zone": "Mars/Olympus"}, "/zone"),
        ({"zone": "../../etc/passwd"}, "/zone"),
        ({"zone": ""}, "/zone"),
        ({"zone": "Asia"}, "/zone"),
        ({"outputs": ["weapons"]}, "/outputs/0"),
        ({"duties": {"attribution": "perhaps"}}, "/duties/attribution"),
        ({"organisation": {"users": 0}}, "/organisation/users"),
        ({"organisation": {"name": "x"}}, "/organisation/name"),
        ({"why": "x"}, "/why"),
    ],
)
def test_a_wrong_question_says_where(change: dict[str, Any], field: str) -> None:
    problems = parse({**WHOLE, **change}, NOW)
    assert isinstance(problems, list)
    assert [problem.fields["field"] for problem in problems] == [field]
    assert all(problem.detail("en") and problem.detail("zh") for problem in problems)


@given(st.recursive(st.none() | st.booleans() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)))
def test_any_question_is_read_or_refused(asked: object) -> None:
    assert isinstance(parse(asked, NOW), list)
    assert isinstance(parse({"purpose": "pretrain", "zone": asked}, NOW), Question | list)


def test_the_schema_of_questions_knows_every_output() -> None:
    Draft202012Validator.check_schema(QUESTION_SCHEMA)
    assert set(QUESTION_SCHEMA["properties"]["outputs"]["items"]["enum"]) == set(BREAKS.values())
