"""A spreadsheet program of other people, run as it is: Gnumeric opens a file and says what it takes each cell for."""

from __future__ import annotations

import os
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import pytest

HOW = "Gnumeric is not installed. Debian/Ubuntu: apt-get install --no-install-recommends gnumeric; macOS: brew install gnumeric"
_SPACE = {"g": "http://www.gnumeric.org/v10.dtd"}
# Gnumeric's names for kinds of values; a cell without any is a formula.
_KINDS = {"20": "boolean", "40": "number", "50": "error", "60": "text"}


class Cell(NamedTuple):
    """What the program took a cell for, and what it holds."""

    kind: str
    value: str


def _program() -> str:
    """Where it is; in CI a machine without it fails, elsewhere the test is left out and says what to install."""
    found = shutil.which("ssconvert")
    if found is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(HOW)
    return found


def _convert(file: Path, to: Path, form: str) -> None:
    found = _program()
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "HOME": str(to.parent)}
    done = subprocess.run(
        [found, "-T", form, str(file), str(to)], capture_output=True, check=False, env=environment, timeout=120
    )
    assert (done.returncode, to.is_file()) == (0, True), done


def opened(file: Path) -> dict[tuple[int, int], Cell]:
    """The cells of a table by row and column, as the program understood them; empty ones are left out."""
    out = file.with_suffix(".xml")
    _convert(file, out, "Gnumeric_XmlIO:sax:0")
    cells = {}
    for one in ElementTree.parse(out).iterfind(".//g:Cell", _SPACE):
        kind = "formula" if "ExprID" in one.attrib else _KINDS.get(one.get("ValueType", ""), "formula")
        cells[int(one.attrib["Row"]), int(one.attrib["Col"])] = Cell(kind, one.text or "")
    return cells


def formulas_saved(file: Path) -> int:
    """How many formulas there are when the program saves the table for Excel."""
    out = file.with_suffix(".xlsx")
    _convert(file, out, "Gnumeric_Excel:xlsx2")
    with zipfile.ZipFile(out) as archive:
        sheets = [archive.read(name) for name in archive.namelist() if name.startswith("xl/worksheets/")]
    return sum(sheet.count(b"<f>") + sheet.count(b"<f ") for sheet in sheets)
