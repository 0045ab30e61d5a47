"""The command line imports only the command that is asked for: each has to stand alone, under the name it is asked by."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn
from uuid import UUID

import pytest

from exchange import main as exchange
from exchange.cli.commands import COMMANDS, READER_LEFT, main, parser
from exchange.cli.tools import Tools
from exchange.kernel import ids
from exchange.kernel.db import WHERE
from exchange.settings import load as settings

# What a command without a database needs none of; each of these takes longer to be imported than the rest together.
DEAR = ("litestar", "exchange.apps", "exchange.flows", "granian", "alembic")


def load(environment: Mapping[str, str]) -> Tools:
    return exchange.tools(settings(environment), environment)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_asked_for_by_its_own_name(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    said = []
    for made in (parser(name), parser()):
        with pytest.raises(SystemExit) as ended:
            made.parse_args([name, "--help"])
        assert ended.value.code == 0
        said.append(capsys.readouterr().out)
    assert said[0] == said[1]
    assert said[0].startswith(f"usage: exchange {name} ")


def test_an_unknown_command_is_told_all_of_them(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parser("nonsense").parse_args(["nonsense"])
    said = capsys.readouterr().err
    assert all(name in said for name in COMMANDS)


def test_who_calls_a_command_goes_on_as_who_they_were() -> None:
    def refuse(_environment: Mapping[str, str]) -> NoReturn:
        seen.append(WHERE.get())
        raise OSError("no home")

    seen: list[str] = []
    before = WHERE.get()
    assert main(["trace", "ord_x"], {}, refuse) == 2
    assert (seen, WHERE.get()) == (["cli"], before)


def test_checking_from_outside_imports_no_app() -> None:
    asked = "import sys; import exchange.main; from exchange.cli.commands import parser; parser('regulator')"
    told = f"{asked}; print([one for one in {DEAR!r} if one in sys.modules])"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


CHINESE = {"LANG": "zh_CN.UTF-8"}
# What argparse itself would say.
ENGLISH = re.compile(r"usage|error|required|invalid|unrecognized|expected|choose|argument|ambiguous|allowed")
WRONG: tuple[list[str], ...] = (
    [],
    ["nonsense"],
    ["audit"],
    ["audit", "verify", "--entry", "x"],
    ["audit", "verify", "--entry"],
    ["audit", "verify", "--nonsense"],
    ["regulator", "export"],
    ["regulator", "direct", "issue", "freez"],
    ["regulator", "export", "--url", "x", "--order", "a", "--dataset", "b"],
    ["regulator", "watch", "--url", "x", "--folder", "y", "--every", "soon"],
    ["audit", "verify", "--json=yes"],
    ["ledger", "statement", "--s", "2026"],
)


@pytest.mark.parametrize("arguments", WRONG, ids=" ".join)
def test_what_is_wrong_with_the_arguments_is_told_in_either_language(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    said = []
    for environment in ({}, CHINESE):
        with pytest.raises(SystemExit) as ended:
            main(arguments, environment, load)
        assert ended.value.code == 2
        said.append(capsys.readouterr().err)
    english, chinese = said
    assert english.startswith("usage: exchange")
    assert ENGLISH.search(english.splitlines()[-1])
    assert chinese.startswith("用法：exchange")
    assert not ENGLISH.search(chinese.splitlines()[-1]), chinese
    assert re.search("[\u4e00-\u9fff]", chinese.splitlines()[-1])


def test_the_language_of_a_refusal_is_the_one_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["audit", "verify", "--lang", "zh", "--entry", "x"], ["audit", "verify", "--lang=zh", "--to"]):
        with pytest.raises(SystemExit):
            main(arguments, {"LANG": "en_GB.UTF-8"}, load)
        assert "错误：" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["audit", "--help"], CHINESE, load)
    assert "选项：" in (told := capsys.readouterr().out)
    assert "显示本说明后退出" in told
    assert "options" not in told


@pytest.mark.parametrize(
    ("variables", "en", "zh"),
    [
        ({"EXCHANGE_PORT": "many"}, "cannot be read", "无法读取"),
        ({"EXCHANGE_SEQUENCER": "often"}, "is process, inside or off", "须为"),
        ({"EXCHANGE_SANDBOX": "true", "STRIPE_API_KEY": "sk_live_x"}, "never moves real money", "绝不动用真实资金"),
    ],
)
def test_a_bad_setting_is_told_in_either_language(
    variables: dict[str, str], en: str, zh: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["jobs"], variables, load) == 2
    assert en in capsys.readouterr().err
    assert main(["jobs"], {**variables, **CHINESE}, load) == 2
    assert zh in capsys.readouterr().err


def test_a_missing_file_is_told_in_either_language(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["witness", "--folder", str(tmp_path / "w"), "--name", "w.example/w1", "--policy", str(tmp_path / "none")]
    assert main(asked, {}, load) == 2
    assert "there is no file" in capsys.readouterr().err
    assert main(asked, CHINESE, load) == 2
    assert "不存在" in capsys.readouterr().err


ORDER, MEMBER = (ids.text(kind, UUID(int=7)) for kind in ("ord", "mem"))


@pytest.mark.parametrize(
    "arguments",
    [
        ["audit", "verify"],
        ["audit", "verify", "--entry", "3", "--json"],
        ["audit", "erasures"],
        ["audit", "erase", MEMBER],
        ["audit", "replay-erasures", "--json"],
        ["fsck"],
        ["trace", ORDER],
        ["jobs", "--json"],
        ["ledger", "balances"],
        ["settle", "--from", "2026-01-01", "--to", "2026-02-01", "--currency", "CNY"],
    ],
    ids=" ".join,
)
def test_who_looks_into_an_exchange_that_is_not_there_makes_none(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "home"
    for environment, words in (({}, "there is no exchange in"), (CHINESE, "中没有交易所")):
        assert main(arguments, {"EXCHANGE_HOME": str(home), **environment}, load) == 2
        said = capsys.readouterr()
        assert words in said.out + said.err
        if "--json" in arguments:
            assert "there is no exchange" in json.loads(said.out)["why"]["en"]
    assert not home.exists()


def test_a_reader_that_has_seen_enough_is_no_fault() -> None:
    asked = [sys.executable, "-m", "exchange", "regulator", "report", "kinds"]
    with subprocess.Popen(asked, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as done:
        assert done.stdout is not None
        done.stdout.close()
        assert done.stderr is not None
        assert done.stderr.read() == ""
    assert done.returncode == READER_LEFT


def test_a_command_that_is_ended_while_it_loads_says_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(_name: str) -> NoReturn:
        raise KeyboardInterrupt

    monkeypatch.setattr("exchange.cli.commands.import_module", interrupted)
    assert main(["jobs"], {}, load) == 130
    assert capsys.readouterr().err == ""
