"""`exchange terms` on files: checks, explanations and questions, in both languages, for people and for programs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from exchange.cli.commands import parser
from exchange.cli.tools import Tools
from exchange.settings import load

TERMS = """\
terms:
  type: terms
  v: 1
  prevailing_language: zh
  own:
    purposes: [pretrain, evaluate]
    prohibits: [redistribute]
    commercial: true
    territory: [CN]
    duration: {months: 12}
    attribution: true
frame:
  governing_law: CN
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "terms.yaml"
    path.write_text(TERMS, encoding="utf-8")
    return path


def run(*arguments: str | Path, environment: dict[str, str] | None = None) -> int:
    chosen = parser().parse_args(["terms", *map(str, arguments)])
    assert chosen.blocking

    def never(*_: Any) -> Any:
        raise AssertionError("no server is needed")

    tools = Tools(load({}), never, never, never, never, never, never, environment or {})
    code: int = chosen.run(chosen, tools)
    return code


def said(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out


def test_good_terms_pass_and_what_the_frame_leaves_out_is_named(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("check", file) == 0
    shown = said(capsys)
    assert shown.startswith("The terms can be used.\nNot stated in the legal frame: Disputes are decided by")
    assert "Governing law" not in shown
    assert run("check", file, environment={"LANG": "zh_CN.UTF-8"}) == 0
    assert "条款可用。" in said(capsys)
    assert run("check", file, "--json") == 0
    answer = json.loads(said(capsys))
    assert (answer["ok"], "governing_law" in answer["missing"], len(answer["sha256"])) == (True, False, 64)


def test_terms_are_explained_in_both_languages(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("explain", file, "--lang", "en") == 0
    shown = said(capsys)
    for line in (
        "You may\n  - pretrain models",
        "You may not\n  - pass it on to others",
        "You must\n  - name the source",
    ):
        assert line in shown
    assert "Governing law: The law of China" in shown
    assert run("explain", file, "--lang", "zh") == 0
    assert "您必须\n  - 注明来源及其许可" in said(capsys)


def test_wrong_terms_end_with_1_and_name_the_line(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(TERMS.replace("[redistribute]", "[pretrain]"), encoding="utf-8")
    for action in (["check"], ["explain"], ["ask", "pretrain"]):
        assert run(*action, file) == 1
        assert said(capsys) == "line 7: /own/prohibits both allows and forbids pretrain\n"
    assert run("check", file, "--lang", "zh", "--json") == 1
    (fault,) = json.loads(said(capsys))["problems"]
    assert (fault["in"], fault["line"], fault["field"]) == ("terms", 7, "/own/prohibits")
    file.write_text(TERMS.replace("governing_law: CN", "governing_law: China"), encoding="utf-8")
    assert run("check", file) == 1
    assert said(capsys).startswith("line 13: /governing_law ")
    file.write_text("[1]", encoding="utf-8")
    assert run("check", file) == 1
    assert said(capsys) == "the file holds no terms\n"


def test_a_question_is_answered_by_its_exit_code_and_its_rules(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    here = ("--territory", "CN", "--country", "CN", "--commercial", "yes")
    assert run("ask", "pretrain", file, *here) == 0
    shown = said(capsys)
    assert shown.startswith("Yes, you may.")
    assert "For it you must:\n  - name the source and its licence" in shown
    assert run("ask", "redistribute", file, *here, "--lang", "zh") == 3
    assert said(capsys).startswith("不可以。\n  [purpose] 条款禁止向第三方再分发")
    assert run("ask", "pretrain", file) == 4
    assert "[territory]" in said(capsys)
    late = ("--start", "2026-01-01T00:00:00Z", "--at", "2027-01-02T00:00:00Z")
    assert run("ask", "pretrain", file, *here, *late, "--json") == 3
    answer = json.loads(said(capsys))
    # Whether the source is named all the while, nobody can know from a file.
    assert [(one["rule"], one["verdict"]) for one in answer["reasons"]] == [
        ("duration", "deny"),
        ("duty/attribution", "unknown"),
    ]
    assert answer["verdict"] == "deny"
    assert run("ask", "pretrain", file, "--at", "soon") == 2
    assert said(capsys) == "--at must be a moment with a time zone, such as 2026-01-31T08:00:00Z, not soon\n"
    assert run("ask", "pretrain", file.with_name("gone.yaml"), "--lang", "zh") == 2
    assert "不存在" in said(capsys)


def test_terms_alone_and_in_an_offer_are_found_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = {"type": "terms", "v": 1, "prevailing_language": "en", "spdx": "CC-BY-4.0"}
    for name, holds in (("a.json", document), ("b.json", {"document": {"type": "offer", "terms": document}})):
        path = tmp_path / name
        path.write_text(json.dumps(holds), encoding="utf-8")
        assert run("ask", "pretrain", path, "--commercial", "yes") == 0, said(capsys)
        said(capsys)
