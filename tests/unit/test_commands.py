"""The command line imports only the command that is asked for: each has to stand alone, under the name it is asked by."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from typing import NoReturn

import pytest

from exchange.cli.commands import COMMANDS, main, parser
from exchange.kernel.db import WHERE

# What a command without a database needs none of; each of these takes longer to be imported than the rest together.
DEAR = ("litestar", "exchange.apps", "exchange.flows", "granian", "alembic")


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
    def load(_environment: Mapping[str, str]) -> NoReturn:
        seen.append(WHERE.get())
        raise OSError("no home")

    seen: list[str] = []
    before = WHERE.get()
    assert main(["trace", "ord_x"], {}, load) == 2
    assert (seen, WHERE.get()) == (["cli"], before)


def test_checking_from_outside_imports_no_app() -> None:
    asked = "import sys; import exchange.main; from exchange.cli.commands import parser; parser('regulator')"
    told = f"{asked}; print([one for one in {DEAR!r} if one in sys.modules])"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
