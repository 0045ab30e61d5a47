"""Tax in numbers that a person can check, and the rate table as it was written down."""

from __future__ import annotations

import json
import re
from datetime import date
from decimal import Decimal
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from exchange.kernel.errors import Problem
from exchange.kernel.money import Money
from pricing.tax import Place, TaxLine, Treatment, recompute, tax_on, treat
from pricing.tax_table import RATES, BadTable, Code, load

DOCS = Path(__file__).resolve().parents[2] / "docs"
TODAY = date(2026, 11, 22)
STANDARD = {
    "AT": "20", "BE": "21", "BG": "20", "HR": "25", "CY": "19", "CZ": "21", "DK": "25", "EE": "24", "FI": "25.5",
    "FR": "20", "DE": "19", "GR": "24", "HU": "27", "IE": "23", "IT": "22", "LV": "21", "LT": "21", "LU": "17",
    "MT": "18", "NL": "21", "PL": "23", "PT": "23", "RO": "21", "SK": "23", "SI": "22", "ES": "21", "SE": "25",
}  # fmt: skip
ELSEWHERE = {
    "GB": "20", "CH": "8.1", "LI": "8.1", "NO": "25", "IS": "24", "CN": "6", "SG": "9", "JP": "10", "KR": "10",
    "AU": "10", "NZ": "15", "IN": "18", "MY": "8", "ID": "11", "VN": "8", "TW": "5", "PH": "12", "AE": "5", "SA": "15",
    "IL": "18", "ZA": "15",
}  # fmt: skip


def reg(country: str) -> Place:
    return Place(country, tax_registered=True)


def not_reg(country: str) -> Place:
    return Place(country, tax_registered=False)


def treated(seller: Place, buyer: Place, on: date = TODAY, category: str = "digital_service") -> Treatment:
    answer = treat(seller, buyer, category, on)
    assert isinstance(answer, Treatment), answer
    return answer


def domestic(country: str, on: str, category: str = "digital_service") -> Treatment:
    return treated(reg(country), reg(country), date.fromisoformat(on), category)


def test_the_standard_rates_of_the_member_states_and_of_others() -> None:
    members = {code for code, one in RATES.countries.items() if one.in_eu(TODAY)}
    assert members == set(STANDARD)
    for country, percent in (STANDARD | ELSEWHERE).items():
        found = domestic(country, "2026-11-22")
        assert found.rate * 100 == Decimal(percent), country
        assert found.source, country


@pytest.mark.parametrize(
    ("country", "on", "percent"),
    [
        ("SG", "2022-12-31", "7"),
        ("SG", "2023-01-01", "8"),
        ("SG", "2023-12-31", "8"),
        ("SG", "2024-01-01", "9"),
        ("CH", "2023-12-31", "7.7"),
        ("CH", "2024-01-01", "8.1"),
        ("EE", "2023-12-31", "20"),
        ("EE", "2024-01-01", "22"),
        ("EE", "2025-06-30", "22"),
        ("EE", "2025-07-01", "24"),
        ("SK", "2024-12-31", "20"),
        ("SK", "2025-01-01", "23"),
        ("FI", "2024-08-31", "24"),
        ("FI", "2024-09-01", "25.5"),
        ("RO", "2025-07-31", "19"),
        ("RO", "2025-08-01", "21"),
        ("DE", "2020-06-30", "19"),
        ("DE", "2020-07-01", "16"),
        ("DE", "2021-01-01", "19"),
        ("LU", "2023-06-01", "16"),
        ("LU", "2024-02-29", "17"),
        ("MY", "2024-02-29", "6"),
        ("MY", "2024-03-01", "8"),
        ("VN", "2026-12-31", "8"),
        ("VN", "2027-01-01", "10"),
    ],
)
def test_a_rate_holds_from_its_first_to_its_last_day(country: str, on: str, percent: str) -> None:
    found = domestic(country, on)
    assert found.rate * 100 == Decimal(percent)
    assert found.valid_from is not None
    assert found.valid_from <= date.fromisoformat(on)
    assert found.valid_to is None or date.fromisoformat(on) <= found.valid_to


@pytest.mark.parametrize(
    ("seller", "buyer", "code", "country"),
    [
        (not_reg("DE"), not_reg("DE"), "not_registered", "DE"),
        (not_reg("DE"), reg("FR"), "not_registered", "DE"),
        (not_reg("BR"), reg("CN"), "not_registered", "BR"),
        (reg("CN"), reg("CN"), "standard", "CN"),
        (reg("DE"), not_reg("DE"), "standard", "DE"),
        (reg("VN"), reg("VN"), "reduced", "VN"),
        (reg("DE"), reg("FR"), "reverse_charge", "FR"),
        (reg("DE"), not_reg("FR"), "standard", "FR"),
        (reg("GR"), not_reg("HU"), "standard", "HU"),
        (reg("CN"), reg("DE"), "zero", "CN"),
        (reg("CN"), not_reg("DE"), "zero", "CN"),
        (reg("CN"), not_reg("BR"), "zero", "CN"),
        (reg("CN"), reg("HK"), "zero", "CN"),
        (reg("DE"), reg("CN"), "outside_scope", "DE"),
        (reg("DE"), not_reg("GB"), "outside_scope", "DE"),
        (reg("GB"), reg("DE"), "outside_scope", "GB"),
        (reg("SG"), not_reg("MY"), "zero", "SG"),
        (reg("HK"), reg("HK"), "outside_scope", "HK"),
        (reg("US"), reg("DE"), "outside_scope", "US"),
        (reg("FR"), not_reg("MC"), "standard", "FR"),
        (reg("GB"), reg("IM"), "standard", "GB"),
    ],
)
def test_which_rule_decides(seller: Place, buyer: Place, code: str, country: str) -> None:
    found = treated(seller, buyer)
    assert (found.code.value, found.country) == (code, country)
    assert (found.rate > 0) is (code in ("standard", "reduced"))
    for words in (found.name, found.note):
        assert words.en
        assert words.zh
        assert "{" not in words.en + words.zh


def test_the_united_kingdom_left_the_union_with_2020() -> None:
    assert treated(reg("GB"), reg("DE"), date(2020, 12, 31)).code is Code.REVERSE_CHARGE
    assert treated(reg("GB"), not_reg("DE"), date(2020, 12, 31)).rate == Decimal("0.16")
    assert treated(reg("GB"), not_reg("DE"), date(2021, 1, 1)).code is Code.OUTSIDE_SCOPE


def test_a_category_has_its_own_rate_or_none() -> None:
    assert domestic("DE", "2026-11-22", "electronic_publication").code is Code.REDUCED
    assert domestic("DE", "2020-12-31", "electronic_publication").rate == Decimal("0.05")
    free = domestic("GB", "2026-11-22", "electronic_publication")
    assert (free.code, free.rate, free.valid_from) == (Code.ZERO, 0, date(2020, 5, 1))
    assert treated(reg("ES"), not_reg("DE"), TODAY, "electronic_publication").rate == Decimal("0.07")
    for place in (reg("DE"), reg("BR")):
        stated = treated(place, reg("DE"), TODAY, "exempt_supply")
        assert (stated.code, stated.rate) == (Code.EXEMPT, 0)
        assert "states" in stated.note.en


@pytest.mark.parametrize(
    ("seller", "buyer", "category", "on", "slug"),
    [
        (reg("DE"), reg("DE"), "groceries", TODAY, "tax-category-unknown"),
        (not_reg("DE"), reg("DE"), "", TODAY, "tax-category-unknown"),
        (reg("BR"), reg("BR"), "digital_service", TODAY, "tax-rate-unknown"),
        (reg("BR"), reg("DE"), "digital_service", TODAY, "tax-rate-unknown"),
        (reg("ES"), reg("ES"), "electronic_publication", TODAY, "tax-rate-unknown"),
        (reg("DE"), not_reg("ES"), "electronic_publication", TODAY, "tax-rate-unknown"),
        (reg("DE"), reg("DE"), "digital_service", date(2006, 12, 31), "tax-rate-unknown"),
        (reg("TH"), reg("TH"), "digital_service", date(2026, 10, 1), "tax-rate-unknown"),
    ],
)
def test_what_is_not_in_the_table_is_a_problem_and_no_guess(
    seller: Place, buyer: Place, category: str, on: date, slug: str
) -> None:
    answer = treat(seller, buyer, category, on)
    assert isinstance(answer, Problem)
    assert answer.slug == slug
    for language in ("en", "zh"):
        assert "{" not in answer.detail(language) + answer.remedy(language)


@pytest.mark.parametrize("country", ["", "de", "DEU", "D1", "中国", "DE\n"])
def test_a_place_has_a_country(country: str) -> None:
    with pytest.raises(ValueError, match="two capital letters"):
        Place(country, tax_registered=True)


def line(amount: str, treatment: Treatment, *, included: bool) -> TaxLine:
    return tax_on(Money.from_wire({"amount": amount, "currency": "EUR"}), treatment, included)


def shown(one: TaxLine) -> tuple[str, str, str]:
    return tuple(money.to_wire()["amount"] for money in (one.net, one.tax, one.gross))  # type: ignore[return-value]


def test_tax_on_top_and_tax_inside() -> None:
    german = domestic("DE", "2026-11-22")
    assert shown(line("100", german, included=False)) == ("100.00", "19.00", "119.00")
    assert shown(line("119", german, included=True)) == ("100.00", "19.00", "119.00")
    assert shown(line("100", german, included=True)) == ("84.033613", "15.966387", "100.00")
    assert shown(line("-119", german, included=True)) == ("-100.00", "-19.00", "-119.00")
    assert shown(line("0", german, included=True)) == ("0.00", "0.00", "0.00")
    # 0.5, 1.5 and 2.5 millionths of tax: half to even.
    tenth = domestic("KR", "2026-11-22")
    assert [line(amount, tenth, included=False).tax.units for amount in ("0.000005", "0.000015", "0.000025")] == [
        0,
        2,
        2,
    ]
    assert line("0.000001", german, included=True).tax.units == 0
    assert shown(line("7", treated(reg("DE"), reg("FR")), included=True)) == ("7.00", "0.00", "7.00")


def test_a_line_explains_itself_to_people_and_programs() -> None:
    told = line("100", domestic("DE", "2026-11-22"), included=True).explain()
    assert told["text"]["en"] == (
        "VAT 19%, included in the price: 100.00 × 19 ÷ 119 ≈ 15.966387 EUR; 84.033613 EUR + 15.966387 EUR = 100.00 EUR. "
        "Seller and buyer are in Germany: its tax applies."
    )
    assert told["text"]["zh"].startswith("增值税 19%（价内）：100.00 × 19 ÷ 119 ≈ 15.966387 EUR")
    step = {"what": "tax_included", "count": "100.00", "price": "19", "per": "119", "amount": "1900/119"}
    assert told["steps"] == [step]
    assert told["treatment"]["valid_from"] == "2021-01-01"
    assert json.loads(json.dumps(told)) == told
    assert recompute(told) == Money(15_966_387, "EUR")
    finnish = line("100", domestic("FI", "2026-11-22"), included=False).explain()
    assert finnish["text"]["en"].startswith("VAT 25.5%, on top of the price: 100.00 × 0.255 = 25.50 EUR")
    assert [finnish["exact"], finnish["steps"][0]["price"]] == ["25.5", "0.255"]
    reverse = line("100", treated(reg("DE"), reg("FR")), included=True).explain()
    assert reverse["text"]["en"].startswith("Reverse charge: 0.00 EUR. The buyer in France is registered for VAT")
    assert (reverse["steps"], recompute(reverse)) == ([], Money.zero("EUR"))
    with pytest.raises(ValueError, match="unknown rounding"):
        recompute(told | {"rounding": "up"})


def rows(language: str) -> list[list[str]]:
    """The worked examples of a documentation page: the rows of its table of twelve columns."""
    text = (DOCS / language / "tax.md").read_text(encoding="utf-8")
    cells = [
        [cell.strip() for cell in row.strip("|").split("|")] for row in re.findall(r"^\|.*\|$", text, re.MULTILINE)
    ]
    return [row for row in cells if len(row) == 10 and re.fullmatch(r"\d{4}-\d\d-\d\d", row[2])]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_documentation_counts_right(language: str) -> None:
    found = rows(language)
    assert len(found) >= 12
    for seller, buyer, on, category, price, inside, code, rate, net, tax in found:
        places = [Place(one.split()[0], one.endswith(("✓",))) for one in (seller, buyer)]
        treatment = treated(*places, date.fromisoformat(on), category.strip("`"))
        amount = Money.from_wire({"amount": price, "currency": "CNY"})
        one = tax_on(amount, treatment, inside in ("included", "含税"))
        got = (treatment.code.value, f"{(treatment.rate * 100).normalize():f}%", *shown(one)[:2])
        assert got == (code.strip("`"), rate, net, tax), (seller, buyer, on)
    assert {row[6].strip("`") for row in found} == {code.value for code in Code}


def test_both_pages_have_the_same_examples() -> None:
    strip = [[cell for n, cell in enumerate(row) if n != 5] for row in rows("en")]
    assert strip == [[cell for n, cell in enumerate(row) if n != 5] for row in rows("zh")]


def table(**change: Any) -> dict[str, Any]:
    document = json.loads(resources.files("pricing").joinpath("tax_rates.json").read_text(encoding="utf-8"))
    rate = {"category": "digital_service", "code": "standard", "percent": "10", "from": "2020-01-01", "source": "x"}
    one = {
        "name": {"en": "X", "zh": "X"},
        "tax": {"en": "VAT", "zh": "增值税"},
        "export": {"code": "zero", "source": "x"},
        "rates": [rate | part for part in change.pop("rates", [{}])],
    }
    return {**document, "aliases": {}, "countries": {"XX": {**one, **change}}}


def test_a_table_may_grow() -> None:
    wider = load(table())
    found = treat(reg("XX"), reg("XX"), "digital_service", TODAY, wider)
    assert isinstance(found, Treatment)
    assert found.rate == Decimal("0.1")


@pytest.mark.parametrize(
    "change",
    [
        {"rates": [{}, {"from": "2021-01-01"}]},
        {"rates": [{"to": "2020-12-31"}, {"from": "2020-12-31"}]},
        {"rates": [{"to": "2020-12-31"}, {"from": "2021-01-02"}]},
        {"rates": [{"to": "2019-12-31"}]},
        {"rates": [{"percent": "0"}]},
        {"rates": [{"code": "zero"}]},
        {"rates": [{"code": "exempt"}]},
        {"rates": [{"percent": "100"}]},
        {"rates": [{"percent": "-1"}]},
        {"rates": [{"category": "groceries"}]},
        {"rates": []},
        {"export": {"code": "standard", "source": "x"}},
        {"no_tax": {"note": {"en": "x", "zh": "x"}, "source": "x"}},
    ],
)
def test_a_table_that_contradicts_itself_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(BadTable):
        load(table(**change))
    for wrong in ({"v": 2}, {"type": "plan"}, {"aliases": {"YY": "ZZ"}}, {"aliases": {"XX": "XX"}}):
        with pytest.raises(BadTable):
            load(table() | wrong)
