"""Scorecards, assessments and certificates as documents."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
import pytest

from exchange.kernel.canonical import canonical
from exchange.kernel.errors import Problem
from exchange.kernel.keys import Keyring
from exchange.quality import scorecards
from exchange.quality.assessments import MOVES, Assessment, AssessmentState, refuse_move
from exchange.quality.certificates import CertificateDraft, Fault, Subject, document_of, refuse_draft, verify
from exchange.quality.profile import Profiler, Signals

NOW = datetime(2026, 1, 15, 8, 0, 0, 123, tzinfo=UTC)
ID = UUID("01890000-0000-7000-8000-000000000001")
SUBJECT = Subject(ID, b"r" * 32, ID, b"s" * 32, ID, ID)
DRAFT = CertificateDraft({"en": "Checked.", "zh": "已核查。"}, "sample", 30)


def signals(path: str, data: bytes) -> Signals:
    profiler = Profiler()
    profiler.begin(path, "")
    profiler.feed(data)
    profiler.end()
    return profiler.signals()


def scores(data: bytes, path: str = "a.jsonl") -> dict[str, int | None]:
    card = scorecards.make(ID, b"r" * 32, signals(path, data))
    return {one["name"]: one["score"] for one in msgspec.json.decode(card.document)["dimensions"]}


def test_a_clean_file_gets_the_best_grade() -> None:
    lines = [f'{{"text":"The cat number {n} is in the house with that dog."}}\n'.encode() for n in range(50)]
    card = scorecards.make(ID, b"r" * 32, signals("a.jsonl", b"".join(lines)))
    assert (card.score, card.grade) == (100, "A")
    assert set(scores(b"".join(lines)).values()) == {100}


def test_each_fault_moves_its_own_score() -> None:
    good = [f'{{"text":"The cat number {n} is in the house with that dog."}}\n'.encode() for n in range(99)]
    assert scores(b"".join([*good, b"{\n"]))["validity"] == 80
    assert scores(b"".join([*good, good[0]]))["uniqueness"] == 98
    personal = b'{"text":"The mail of the cat is cat@example.com and it is in the house."}\n'
    assert scores(b"".join([*good, personal]))["privacy"] == 50
    french = '{"text":"Tous les êtres humains naissent libres et égaux en dignité."}\n'.encode()
    assert scores(b"".join([*good[:90], french * 10]))["language_purity"] == 52
    assert scores(b"a,b\n1,2\n2,x\n3,\n", "a.csv")["consistency"] == 0
    assert scores(b"a,b\n1,2\n2,3\n3,\n", "a.csv")["completeness"] == 44


def test_what_cannot_be_measured_has_no_score_and_no_weight() -> None:
    card = scorecards.make(ID, b"r" * 32, signals("a.csv", b"a,b\n1,2\n3,4\n"))
    document = msgspec.json.decode(card.document)
    assert document["overall"] == {"score": 100, "grade": "A", "weight_measured": 90}
    empty = scorecards.make(ID, b"r" * 32, signals("a.png", b"\x89"))
    assert (empty.score, empty.grade) == (None, None)


def test_a_scorecard_is_canonical_and_explains_itself() -> None:
    card = scorecards.make(ID, b"r" * 32, signals("a.csv", "标题\n1\n".encode()))
    document = msgspec.json.decode(card.document)
    assert canonical(document) == card.document
    assert document["method"]["profile"] == "cx-profile/1"
    assert document["signals"]["fields"][0]["name"] == "标题"
    for dimension in document["dimensions"]:
        assert set(dimension["formula"]) == set(dimension["title"]) == {"en", "zh"}


@pytest.mark.parametrize(("score", "grade"), [(100, "A"), (90, "A"), (89, "B"), (70, "C"), (60, "D"), (59, "E")])
def test_grades(score: int, grade: str) -> None:
    assert scorecards.grade_of(score) == grade


def test_assessments_move_along_the_table_only() -> None:
    for state in AssessmentState:
        one = Assessment(ID, ID, ID, ID, ID, state, NOW, NOW)
        for wanted in AssessmentState:
            assert (refuse_move(one, wanted) is None) == (wanted in MOVES[state])


@pytest.mark.parametrize(
    "draft",
    [
        CertificateDraft({"en": "only"}, "full", 30),
        CertificateDraft({"en": "x", "zh": " "}, "full", 30),
        CertificateDraft({"en": "x" * 2_001, "zh": "x"}, "full", 30),
        CertificateDraft({"en": "\ud800", "zh": "x"}, "full", 30),
        CertificateDraft(DRAFT.statement, "glance", 30),
        CertificateDraft(DRAFT.statement, "full", 0),
        CertificateDraft(DRAFT.statement, "full", 1_097),
    ],
)
def test_bad_drafts_are_refused_in_both_languages(draft: CertificateDraft) -> None:
    refused = refuse_draft(draft)
    assert isinstance(refused, Problem)
    assert refused.detail("zh") != refused.detail("en")


def test_a_certificate_holds_for_its_time_and_its_subject(keyring: Keyring) -> None:
    assert refuse_draft(DRAFT) is None
    document = document_of(ID, SUBJECT, DRAFT, NOW)
    made = keyring.sign("certificate", document)

    def faults(at: datetime = NOW, **about: bytes) -> list[Fault]:
        return verify(document, made.kid, made.value, keys=keyring.verify, now=at, **about)

    assert faults() == []
    assert faults(revision_sha256=b"r" * 32, scorecard_sha256=b"s" * 32) == []
    assert faults(revision_sha256=b"x" * 32, scorecard_sha256=b"x" * 32) == [
        Fault.OTHER_REVISION,
        Fault.OTHER_SCORECARD,
    ]
    assert faults(NOW - timedelta(days=1)) == [Fault.NOT_YET_VALID]
    assert faults(NOW + timedelta(days=30)) == [Fault.EXPIRED]
    assert verify(document, "other", made.value, keys=keyring.verify, now=NOW) == [Fault.BAD_SIGNATURE]


@pytest.mark.parametrize(
    ("document", "fault"),
    [
        (b"\xff", Fault.NOT_CANONICAL),
        (b'{"v": 1}', Fault.NOT_CANONICAL),
        (b'{"type":"agreement","v":1}', Fault.NOT_A_CERTIFICATE),
        (b'{"type":"certificate","v":1}', Fault.NOT_A_CERTIFICATE),
        (b'{"issued_at":"2026-01-01","type":"certificate","v":1,"valid_until":"2027-01-01"}', Fault.NOT_A_CERTIFICATE),
    ],
)
def test_other_bytes_are_no_certificate(document: bytes, fault: Fault) -> None:
    assert verify(document, "", b"", keys=lambda *_: True, now=NOW) == [fault]
