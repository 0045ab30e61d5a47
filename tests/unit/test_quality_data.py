"""The demo's data are what their provenance says."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest

DATA = Path(__file__).resolve().parents[2] / "sandbox" / "data"
FOLDERS = ("zh_poems", "en_speeches", "penguins")
LINE = re.compile(r"^([0-9a-f]{64})  (\S+)$", re.MULTILINE)


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_file_has_the_hash_that_its_provenance_names(folder: str) -> None:
    provenance = (DATA / folder / "PROVENANCE.md").read_text("utf-8")
    named = {name: digest for digest, name in LINE.findall(provenance)}
    present = {path.name for path in (DATA / folder).iterdir()} - {"PROVENANCE.md"}
    assert named.keys() == present
    for name, digest in named.items():
        assert hashlib.sha256((DATA / folder / name).read_bytes()).hexdigest() == digest, name


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_provenance_names_source_and_licence(folder: str) -> None:
    provenance = (DATA / folder / "PROVENANCE.md").read_text("utf-8")
    for word in ("**Source**", "**Licence**", "**What was changed**", "来源" if folder != "penguins" else "许可证"):
        assert word in provenance


def test_the_data_stay_small() -> None:
    assert sum(path.stat().st_size for path in DATA.rglob("*") if path.is_file()) < 3_000_000


def test_every_record_has_the_four_fields() -> None:
    for path in DATA.rglob("*.jsonl"):
        for line in path.read_text("utf-8").splitlines():
            record = json.loads(line)
            assert list(record) == ["id", "title", "author", "text"]
            assert record["text"].strip()
