from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from exchange.kernel.canonical import canonical, sha256_hex
from settlement.dpi import Activity, Filing, dpi
from settlement.seller_reports import ReportKind, Seller, Stretch, report, table

WHO: dict[str, Any] = {
    "name": "=Corpus & Söhne",
    "country": "FR",
    "number": "732829320",
    "address": ["1 rue A"],
    "postcode": "75001",
    "city": "Paris",
}
ONE = Seller("org_1", WHO, {1: (100_500_000, 10_000_000, 20_000_000, 0, 3), 2: (5_000_000, 9_000_000, 0, 0, 1)})
FAR = Seller("org_2", WHO | {"country": "CN", "number": None}, {1: (1_000_000, 0, 0, 0, 1)})
FILING = Filing("FR", "RPONEX1", Activity.SERVICES, "OP_2026_732829320_1", "2027-01-15T00:00:00Z")
YEAR = Stretch(2026, 0)
_NAMES = {"d": "urn:oecd:ties:dpi", "s": "urn:oecd:ties:dpistf"}


def made(*sellers: Seller, before: dict[str, Any] | None = None) -> dict[str, Any]:
    old = None if before is None else (before, sha256_hex(canonical(before)))
    return report(ReportKind.DAC7, YEAR, "EUR", WHO, sellers, old)


def read(xml: bytes | None) -> Any:
    assert xml is not None
    root = etree.fromstring(xml)
    spec = find_spec("dac7")
    if spec is not None and spec.origin is not None:  # France's schema, where that package is installed
        schema = Path(spec.origin).parent / "schemas" / "DPIXML_v1.1-fr1.xsd"
        etree.XMLSchema(etree.parse(schema)).assertValid(root)
    return root


def values(root: Any, path: str) -> list[str]:
    return [one.text for one in root.iterfind(f".//{path}", _NAMES)]


def test_a_quarter_ends_where_the_next_begins() -> None:
    parts = [Stretch(2026, n) for n in (1, 2, 3, 4)]
    assert [one.end for one in parts[:-1]] == [one.start for one in parts[1:]]
    assert (parts[0].start, parts[-1].end) == (YEAR.start, YEAR.end)
    assert (YEAR.name, parts[3].name) == ("2026", "2026-Q4")


def test_the_message_names_sellers_of_the_union_by_quarter_in_whole_units() -> None:
    root = read(dpi(made(ONE, FAR), FILING, corrected=False))
    assert values(root, "d:ReportableSeller//d:Name") == [WHO["name"]]
    # 70.5 lies half between; the quarter below zero is nothing, and 0.5 more would not be.
    assert [values(root, f"d:ConsQ{n}") for n in (1, 2, 3, 4)] == [["70"], ["0"], ["0"], ["0"]]
    assert (values(root, "d:NumbQ1"), values(root, "d:FeesQ1")) == (["3"], ["20"])
    assert values(root, "d:MessageTypeIndic") == ["DPI401"]
    assert dpi(made(ONE, FAR), FILING, corrected=True) is None
    assert dpi(made(FAR), FILING, corrected=False) is None


def test_a_correction_names_what_it_corrects_and_keeps_who_fell_out() -> None:
    first = made(ONE, replace(ONE, id="org_3"))
    second = made(replace(ONE, quarters={1: (9_000_000, 0, 0, 0, 1)}), replace(ONE, id="org_4"), before=first)
    states = {one["organisation"]: (one["state"], one["ref"], one["corrects"]) for one in second["sellers"]}
    assert states == {"org_1": ("corrected", 2, 1), "org_3": ("corrected", 2, 1), "org_4": ("new", 2, None)}
    assert second["corrects"] == sha256_hex(canonical(first))
    root = read(dpi(second, FILING, corrected=True))
    assert values(root, "s:CorrDocRefId") == ["FR2026EUR-org_1-1", "FR2026EUR-org_3-1"]
    assert values(root, "d:ConsQ1") == ["9", "0"]
    assert values(read(dpi(second, FILING, corrected=False)), "d:ReportableSeller//s:DocTypeIndic") == ["OECD1"]
    third = made(replace(ONE, quarters={1: (9_000_000, 0, 0, 0, 1)}), replace(ONE, id="org_4"), before=second)
    assert {one["state"] for one in third["sellers"]} == {"same"}


@pytest.mark.parametrize("part", [True, False])
def test_the_same_report_has_the_same_bytes(part: bool) -> None:
    assert canonical(made(ONE, FAR)) == canonical(made(FAR, ONE))
    assert dpi(made(ONE, FAR), FILING, corrected=part) == dpi(made(FAR, ONE), FILING, corrected=part)
    assert table(made(ONE, FAR)) == table(made(FAR, ONE))


def test_the_table_has_a_line_per_seller_and_quarter_and_no_formula() -> None:
    lines = table(made(ONE, FAR)).decode("utf-8-sig").splitlines()
    assert len(lines) == 2 + 3
    assert lines[2].startswith(
        '"org_1","\'=Corpus & Söhne","FR","732829320","1","EUR","100.50","10.00","20.00","0.00","70.50","3"'
    )
    assert '"-4.00"' in lines[3]
