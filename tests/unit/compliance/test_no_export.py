"""Who names a file that is not there, or is no export at all, is told that, and not that something is missing in it."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from compliance import verify, verify_report
from compliance.exports.bundle import verifier
from tests.support.bundles import bundle

CHECKS = {"export": verify.main, "report": verify_report.main}


@pytest.fixture(params=sorted(CHECKS))
def check(request: pytest.FixtureRequest) -> Callable[[Sequence[str]], int]:
    """Each of the stand-alone verifiers."""
    return CHECKS[request.param]


def other_zip(folder: Path, *names: str) -> Path:
    place = folder / f"{'-'.join(names)}.zip"
    with zipfile.ZipFile(place, "w") as made:
        for name in names:
            made.writestr(name, "no evidence")
    return place


def test_what_is_not_there_is_said_not_to_be(
    check: Callable[[Sequence[str]], int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check([str(tmp_path / "nope.zip")]) == 1
    said = capsys.readouterr().err
    assert "nope.zip: there is no such file or folder" in said
    assert "nope.zip：没有此文件或目录" in said


def test_what_is_something_else_is_said_to_be(
    check: Callable[[Sequence[str]], int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    for place in (tmp_path / "empty", other_zip(tmp_path, "photo.txt"), other_zip(tmp_path, "log.vkey", "checkpoint")):
        assert check([str(place)]) == 1
        said = capsys.readouterr().err
        assert "name the zip as it was downloaded" in said
        assert "请指定下载所得的 zip 文件" in said
        assert "missing" not in said


def test_the_script_beside_its_zip_asks_for_the_zip(tmp_path: Path) -> None:
    (tmp_path / "verify.py").write_bytes(verifier())
    for more in ((), ("--proof", "3")):
        done = subprocess.run(
            [sys.executable, "-I", "-S", str(tmp_path / "verify.py"), *more],
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, "name the zip as it was downloaded" in done.stderr) == (1, True), done.stderr


async def test_a_kept_file_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = await bundle(tmp_path, size=20)
    for flag in ("--previous", "--delivery"):
        assert verify.main([str(folder), flag, str(tmp_path / "nothing")]) == 1
        said = capsys.readouterr().err
        assert "nothing: there is no such file" in said
        assert "FileNotFoundError" not in said
