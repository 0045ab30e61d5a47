"""The scripts that stand alone, run by every Python from 3.9 on that this machine has: none does or says anything else.

Other tests run them by the oldest one, whatever they check (`tests.support.pythons.oldest`).
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from compliance.exports.bundle import verifier
from compliance.reports.writing import VERIFIER_PARTS
from compliance.scopes import Scope
from contracts import stand_alone
from exchange.flows import export_statement, recompute_script, sample_script
from exchange.kernel.stand_alone import joined
from tests.support.bundles import VKEY, bundle
from tests.support.pythons import OLDEST, pythons
from tests.support.reported import VKEY as REPORT_VKEY
from tests.support.reported import report_of, sale

SCRIPTS: dict[str, Callable[[], bytes]] = {
    "verify.py": verifier,
    "verify_report.py": lambda: joined("compliance/verify_report.py", VERIFIER_PARTS),
    "verify_sample.py": sample_script.script,
    "verify_agreement.py": stand_alone.script,
    "recompute_weights.py": recompute_script.script,
    "recompute_statement.py": export_statement.script,
}
# Those that calculate promise no more than 3.10.
PROMISED = {name: (3, 10) if name.startswith("recompute") else OLDEST for name in SCRIPTS}
HOW = "The oldest Python that is promised is not here. uv python install 3.9 3.10, or pyenv install; Debian has some as packages."
OTHERS = {version: place for version, place in pythons().items() if version != sys.version_info[:2]}


def run(python: str, folder: Path, *words: str) -> tuple[int, str, str]:
    """What a script says, run by a Python that knows nothing of ours; a warning is a fault."""
    command = [python, "-I", "-S", "-B", "-W", "error", *words]
    done = subprocess.run(
        command, cwd=folder, env={"PATH": os.defpath}, capture_output=True, text=True, check=False, encoding="utf-8"
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("name", SCRIPTS)
def test_it_is_written_for_the_oldest(name: str) -> None:
    """As far as can be said without one: its grammar, and that nothing but the standard library is imported."""
    tree = ast.parse(SCRIPTS[name](), feature_version=PROMISED[name])
    assert "Python {}.{} or newer".format(*PROMISED[name]) in (ast.get_docstring(tree) or "")
    imported = {one.name for node in ast.walk(tree) if isinstance(node, ast.Import) for one in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {one.partition(".")[0] for one in imported} <= {*sys.stdlib_module_names, "__future__"}
    assert not imported & {"tomllib", "_colorize"}, "came after 3.9"


def kept() -> list[tuple[tuple[int, int], str]]:
    """Each script with its promised version, and with every later one that is here."""
    later = {(version, name) for version in OTHERS for name in SCRIPTS if version > PROMISED[name]}
    return sorted(later | {(version, name) for name, version in PROMISED.items()})


@pytest.mark.parametrize(("version", "name"), kept(), ids=str)
def test_it_says_how_it_is_used(tmp_path: Path, version: tuple[int, int], name: str) -> None:
    if version not in pythons():
        pytest.skip(HOW)
    (tmp_path / name).write_bytes(SCRIPTS[name]())
    code, said, faults = run(pythons()[version], tmp_path, name, "--help")
    assert (code, faults, "usage" in said) == (0, "", True)


def changed(folder: Path) -> list[tuple[str, bytes]]:
    """Each file of an export with something done to it."""
    found = []
    for name in sorted(one.name for one in folder.iterdir() if one.is_file() and one.name != "verify.py"):
        data = (folder / name).read_bytes()
        at = len(data) // 2
        ways = (data[:at] + bytes([data[at] ^ 4]) + data[at + 1 :], data[: at + 1], data + data[-9:])
        found.append((name, ways[len(found) % len(ways)]))
    return found


@pytest.mark.slow
@pytest.mark.parametrize("scope", [Scope(), Scope(actions=("purchase",))], ids=["complete", "selection"])
async def test_an_export_is_checked_alike_by_all(tmp_path: Path, scope: Scope) -> None:
    if OLDEST not in pythons():
        pytest.skip(HOW)
    folder = await bundle(tmp_path, scope=scope)
    beside = ("--vkey", VKEY, "--delivery", "../delivery.json", "--previous", "checkpoint.prev")
    for words in (beside, ("../export.zip", *beside), ("--proof", "3"), ("--proof", "1000")):
        said = {place: run(place, folder, "verify.py", *words) for place in pythons().values()}
        assert len(set(said.values())) == 1, said
        assert said[sys.executable][0] == (words == ("--proof", "1000")), said
    oldest = pythons()[OLDEST]
    for name, data in changed(folder):
        right = (folder / name).read_bytes()
        (folder / name).write_bytes(data)
        said = {place: run(place, folder, "verify.py") for place in (oldest, sys.executable)}
        assert len(set(said.values())) == 1, (name, said)
        code, _, faults = said[oldest]
        assert (code, f"FAILED: {name}" in faults, "Traceback" in faults) == (1, True, False), (name, faults)
        (folder / name).write_bytes(right)
    whole = (tmp_path / "export.zip").read_bytes()
    for at in range(7, len(whole), len(whole) // 6):
        (tmp_path / "export.zip").write_bytes(whole[:at] + bytes([whole[at] ^ 32]) + whole[at + 1 :])
        codes = [run(place, folder, "verify.py", "../export.zip") for place in (oldest, sys.executable)]
        assert [one[0] for one in codes] == [1, 1], at
        assert not [one for one in codes if "Traceback" in one[2]], at


@pytest.mark.parametrize("version", OTHERS, ids=str)
async def test_a_report_is_checked_by_each(tmp_path: Path, version: tuple[int, int]) -> None:
    rows = [sale(leaf_index=n, price=f"-{n}.50", source_en="=1;-2", licence="x;=1") for n in range(9)]
    data = await report_of(rows)
    (tmp_path / "verify_report.py").write_bytes(SCRIPTS["verify_report.py"]())
    (tmp_path / "r.zip").write_bytes(data)
    words = ("verify_report.py", "r.zip", "--vkey", REPORT_VKEY)
    good = run(OTHERS[version], tmp_path, *words)
    assert (good[0], good[2]) == (0, "")
    assert good == run(sys.executable, tmp_path, *words)
    (tmp_path / "r.zip").write_bytes(data[: len(data) // 2])
    assert run(OTHERS[version], tmp_path, *words)[0] == 1
