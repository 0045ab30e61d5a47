"""docs/en/licence-terms.md and docs/zh/licence-terms.md say what the program does."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from contracts import frame, odrl, questions
from contracts.evaluation import Question, decide
from contracts.terms import TERMS_SCHEMA, Terms, load, parse
from tests.support.terms_pages import ROWS

DOCS = Path(__file__).parents[2] / "docs"
LANGUAGES = pytest.mark.parametrize("language", ["en", "zh"])
_BLOCK = re.compile(r"```json ([a-z]+)-example\n(.*?)```", re.DOTALL)
_NOW = datetime(2026, 1, 31, 8, tzinfo=UTC)


def page(language: str) -> str:
    return (DOCS / language / "licence-terms.md").read_text(encoding="utf-8")


def examples(language: str, kind: str) -> list[dict[str, Any]]:
    return [json.loads(body) for name, body in _BLOCK.findall(page(language)) if name == kind]


def document(own: dict[str, Any]) -> dict[str, Any]:
    return {"type": "terms", "v": 1, "prevailing_language": "zh", "own": own}


@LANGUAGES
@pytest.mark.parametrize("table", list(ROWS))
def test_each_table_is_that_of_the_program(language: str, table: str) -> None:
    rows = ["| " + " | ".join(row) + " |" for row in ROWS[table](language)]
    assert "\n".join(rows) in page(language)


@LANGUAGES
def test_each_worked_answer_is_that_of_the_program(language: str) -> None:
    found = examples(language, "terms")
    assert len(found) >= 7
    for example in found:
        question = questions.parse(example["question"], _NOW)
        assert isinstance(question, Question)
        decision = decide(load(document(example["own"])), question)
        assert decision.verdict.value == example["verdict"]
        assert [reason.rule for reason in decision.reasons] == example["decided_by"]
    assert {example["verdict"] for example in found} == {"permit", "deny", "unknown"}


@LANGUAGES
def test_the_worked_legal_frame_lacks_what_the_page_says(language: str) -> None:
    (example,) = examples(language, "frame")
    sections = frame.words(frame.load(example["frame"]), "zh")
    assert [section.key for section in sections if section.missing] == example["missing"]


@LANGUAGES
def test_the_worked_policy_is_that_of_the_program_and_reads_back(language: str) -> None:
    (example,) = examples(language, "policy")
    policy = example["policy"]
    assert odrl.offer(document(example["own"]), policy["@id"]) == policy
    back = odrl.terms_of(policy)
    assert isinstance(back, dict)
    assert load(back).alternatives == load(document(example["own"])).alternatives


@LANGUAGES
def test_the_page_names_every_field_of_own_terms(language: str) -> None:
    text = page(language)
    assert not [field for field in TERMS_SCHEMA["$defs"]["own"]["properties"] if f"`{field}" not in text]


def test_both_pages_show_the_same_examples() -> None:
    for kind in ("terms", "frame", "policy"):
        assert examples("en", kind) == examples("zh", kind)


@LANGUAGES
def test_the_plain_blocks_are_terms_and_duties(language: str) -> None:
    blocks = [json.loads(body) for body in re.findall(r"```json\n(.*?)```", page(language), re.DOTALL)]
    first, duty = blocks
    assert isinstance(parse(first), Terms)
    own = {"purposes": ["pretrain"], "commercial": True, "territory": "*", "duration": {"months": 24}}
    assert isinstance(parse(document({**own, "duties": [duty]})), Terms)
