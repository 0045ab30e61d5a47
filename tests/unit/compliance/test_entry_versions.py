"""Both versions of an entry are read; each with its own fields and no other's, by the quick audit and by the exact one."""

from __future__ import annotations

import json
from uuid import UUID

import pytest

from compliance import tile_audit, tile_columns
from compliance.auditing import NEW_IN_2
from compliance.entries import Entry, envelope
from exchange.kernel.canonical import canonical
from tests.conftest import NOW

NEW = json.loads(envelope(Entry(action="a.b", organisation_id=None, member_id=UUID(int=3)), NOW, UUID(int=1), "buyer"))
OLD = {name: value for name, value in NEW.items() if name not in NEW_IN_2} | {"v": 1}


def known(*entries: dict[str, object]) -> bool:
    read = tile_columns.read([canonical(one) for one in entries])
    return read is not None and tile_audit.Columns(NEW["node"])._sound(read)


def test_both_versions_are_read_side_by_side() -> None:
    assert (NEW["v"], NEW["where"], NEW["sealed"]) == (2, "buyer", [])
    assert NEW["member"].startswith("mem_")
    assert known(OLD, NEW, OLD)


@pytest.mark.parametrize("name", sorted(NEW_IN_2))
def test_none_has_a_field_of_the_other(name: str) -> None:
    assert not known(NEW, {**OLD, name: NEW[name]})
    assert not known(OLD, {key: value for key, value in NEW.items() if key != name})
