"""Every format there is, and the descriptions that go with them. Pure, but for files of this package."""

from __future__ import annotations

from importlib import resources
from types import MappingProxyType

from compliance.formats.csv import Csv
from compliance.formats.ocsf import Ocsf
from compliance.formats.parquet import Parquet
from compliance.formats.prov import Prov
from compliance.formats.shape import Format

FORMATS: MappingProxyType[str, Format] = MappingProxyType(
    {"csv": Csv(), "ocsf": Ocsf(), "parquet": Parquet(), "prov": Prov()}
)
_SCHEMAS = ("event.schema.json", "events.csv-metadata.json")


def schema_files() -> dict[str, bytes]:
    """The descriptions, by their names in the bundle."""
    folder = resources.files("compliance.formats").joinpath("schema")
    return {f"schema/{name}": folder.joinpath(name).read_bytes() for name in _SCHEMAS}
