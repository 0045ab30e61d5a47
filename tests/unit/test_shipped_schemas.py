"""The JSON Schemas that the exchange ships are schemas: they are loaded without another look."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = sorted(
    path for package in ("contracts", "pricing", "settlement") for path in (ROOT / package).glob("*.schema.json")
)


def test_the_loaded_ones_are_among_them() -> None:
    names = {path.name for path in SHIPPED}
    assert names >= {"plan.schema.json", "terms.schema.json", "frame.schema.json", "question.schema.json"}
    assert names >= {"odcs.schema.json", "waterfall.schema.json"}


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_a_shipped_schema_is_one(path: Path) -> None:
    Draft202012Validator.check_schema(json.loads(path.read_bytes()))


def test_the_check_finds_what_is_none() -> None:
    with pytest.raises(SchemaError):
        Draft202012Validator.check_schema({"type": "nothing"})
