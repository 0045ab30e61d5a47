"""`exchange price` on files: checks, simulations and explanations, in both languages, for people and for programs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from exchange.cli.commands import parser
from exchange.cli.tools import Tools
from exchange.settings import load
from tests.unit.test_plan_mistakes import PLAN


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The plan of the mistakes, without any."""
    path = tmp_path / "plan.yaml"
    path.write_text(PLAN, encoding="utf-8")
    return path


def run(*arguments: str | Path, environment: dict[str, str] | None = None) -> int:
    chosen = parser().parse_args(["price", *map(str, arguments)])
    assert chosen.blocking

    def never(*_: Any) -> Any:
        raise AssertionError("no server is needed")

    tools = Tools(load({}), never, never, never, never, never, never, environment or {})
    code: int = chosen.run(chosen, tools)
    return code


def said(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out


def test_a_good_plan_is_told_in_words(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("check", file) == 0
    assert "Monthly fee: CNY 300.00 per month, in advance" in said(capsys)
    assert run("check", file, environment={"LANG": "zh_CN.UTF-8"}) == 0
    assert "月费：每月 CNY 300.00，期初支付" in said(capsys)


def test_what_surprises_is_shown_with_its_example_and_its_line(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("check", file, "--cost", "records=0.02", "--lang", "en") == 0
    shown = said(capsys)
    assert "line 16: /components/1/model  [below-cost]" in shown
    assert run("check", file, "--cost", "records=0.02", "--json") == 0
    answer = json.loads(said(capsys))
    assert answer["ok"]
    assert "below-cost" in {one["code"] for one in answer["findings"]}
    assert answer["findings"][0]["example"]


def test_a_wrong_plan_ends_with_1_and_names_the_line(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(PLAN.replace("unit_price: 0.004", "unit_pirce: 0.004"), encoding="utf-8")
    for action in ("check", "simulate", "explain"):
        assert run(action, file) == 1
        assert said(capsys).startswith(
            "line 20: /components/1/model/tiers/2/unit_pirce is not known here (did you mean"
        )
    assert run("check", file, "--lang", "zh") == 1
    assert said(capsys).startswith("第 20 行：")
    assert run("check", file, "--json") == 1
    (fault,) = json.loads(said(capsys))["errors"]
    assert (fault["line"], fault["field"]) == (20, "/components/1/model/tiers/2/unit_pirce")
    file.write_text("a: [", encoding="utf-8")
    assert run("check", file) == 1
    assert "a closing bracket is missing" in said(capsys)


def test_months_are_drawn(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    use = ("--use", "records=5,000", "--use", "tokens=5m", "--months", "3", "--start", "2026-01-31")
    assert run("simulate", file, *use) == 0
    lines = said(capsys).splitlines()
    # 300 + 10 + 24 + 5 x 19.90, on the last day of each month
    assert [line.split()[:4] for line in lines[1:]] == [
        ["1", "2026-01-31", "CNY", "433.50"],
        ["2", "2026-02-28", "CNY", "433.50"],
        ["3", "2026-03-31", "CNY", "433.50"],
    ]
    assert [line.count("█") for line in lines[1:]] == [13, 27, 40]
    assert run("simulate", file, *use, "--json") == 0
    answer = json.loads(said(capsys))
    assert answer["total"] == {"amount": "1300.50", "currency": "CNY"}
    assert [month["running"]["amount"] for month in answer["months"]] == ["433.50", "867.00", "1300.50"]


def test_an_explanation_is_worked_out_a_second_time(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("explain", file, "--use", "records=5000", "--class", "academic") == 0
    shown = said(capsys)
    assert "1,000 records in the tier from 0 to 1,000 × 0.01 = 10; 4,000 records" in shown
    assert "50% off 334" in shown
    assert shown.rstrip().endswith("in all  CNY 167.00")
    assert "≠" not in shown
    assert run("explain", file, "--use", "records=5000", "--json") == 0
    answer = json.loads(said(capsys))
    assert (answer["same"], answer["total"]["amount"], answer["period"]) == (True, "334.00", "month")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--use", "record=5"), "did you mean records?"),
        (("--use", "records"), "name=value"),
        (("--use", "records=many"), "no whole number"),
        (("--currency", "USD"), "no price in USD"),
        (("--start", "tomorrow"), "write 2026-01-31"),
        (("--coupon", "SPRING"), "coupon"),
        (("--commitment", "100"), "commitment"),
        (("--amount", "base=5"), "base"),
        (("--period", "year"), "it has month"),
        (("--class", "student"), "there are academic, small_company, large_company, public_body"),
        (("--class", "acedemic"), "did you mean academic?"),
    ],
)
def test_wrong_flags_say_what_is_right(
    file: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, str], why: str
) -> None:
    assert run("explain", file, *arguments) == (2 if arguments[0] == "--start" else 1)
    assert why in said(capsys)


def test_an_agreed_price_is_named_by_a_flag(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    component = {"id": "deal", "meter": None, "period": None, "model": {"type": "negotiated"}}
    plan = {"type": "plan", "v": 1, "currency": "CNY", "components": [component]}
    file = tmp_path / "offer.json"
    file.write_text(json.dumps({"type": "offer", "plan": plan}), encoding="utf-8")
    assert run("explain", file) == 1
    assert "--amount deal=1000" in said(capsys)
    assert run("explain", file, "--amount", "deal=9000") == 0
    assert "in all  CNY 9,000.00" in said(capsys)


def test_both_ways_of_writing_are_the_same(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from exchange.kernel.written import Written, read

    found = read(PLAN.encode(), as_yaml=True)
    assert isinstance(found, Written)
    other = tmp_path / "plan.json"
    other.write_text(json.dumps(found.value, ensure_ascii=False), encoding="utf-8")
    answers = []
    for path in (file, other):
        assert run("simulate", path, "--use", "records=77", "--start", "2026-01-01", "--json") == 0
        answers.append(said(capsys))
    assert answers[0] == answers[1]


@pytest.mark.parametrize("start", ["0001-01-01", "9999-12-31", "1850-01-01", "2200-01-01", "0001-01-01T00:00+14:00"])
@pytest.mark.parametrize("action", ["simulate", "explain"])
def test_a_start_outside_all_calendars_is_said_and_ends_with_2(
    file: Path, capsys: pytest.CaptureFixture[str], action: str, start: str
) -> None:
    assert run(action, file, "--use", "records=10", "--start", start) == 2
    assert "is not between the years 1970 and 2200" in said(capsys)


@pytest.mark.parametrize("months", ["0", "121", "-3"])
def test_a_number_of_months_out_of_range_is_said_in_one_line(
    file: Path, capsys: pytest.CaptureFixture[str], months: str
) -> None:
    assert run("simulate", file, f"--months={months}") == 2
    assert said(capsys) == f"--months must be from 1 to 120, not {months}\n"


def test_a_file_that_is_not_there_is_said_in_both_languages(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for action in ("check", "simulate", "explain"):
        assert run(action, file.with_name("gone.yaml")) == 2
        assert said(capsys) == f"there is no file {file.with_name('gone.yaml')}\n"
    assert run("check", file.parent, "--lang", "zh") == 2
    assert "是文件夹，不是文件" in said(capsys)


def test_a_coupon_that_is_no_text_is_said_and_ends_with_2(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("simulate", file, "--coupon", "\ud800") == 2
    assert "not written in UTF-8" in said(capsys)


def test_a_terminal_of_ascii_alone_shows_what_it_can(file: Path) -> None:
    arguments = [sys.executable, "-m", "exchange", "price", "simulate", str(file), "--use", "records=10"]
    done = subprocess.run(  # our own command
        [*arguments, "--start", "2026-01-01"],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"???" in done.stdout
