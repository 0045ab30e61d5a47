"""E-fapiao data: blue and red-letter ones by the schema, what keeps one from being filled in, codes and numbers from files."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date

import jsonschema
import pytest

from exchange.kernel import ids
from settlement.efapiao.codes import BadCodes, Codes, read_codes
from settlement.efapiao.filling import Blue, Confirmed, Missing, Reason, Red, fill, wants_efapiao
from settlement.efapiao.numbers import BadNumbers, Numbered, numbered, read_numbers
from settlement.fiscal import FiscalDoc, LegalId
from tests.support.efapiao_samples import CATEGORIES, CODES, SCHEMA, TABLE, TEXT, categories, filled
from tests.support.fiscal_samples import BEIJING, CHINA, CHINESE, EXEMPT, GERMAN, invoice, item, samples

NUMBER = "26312000000123456789"
RED = Red(Blue(NUMBER, date(2026, 11, 5), "81"), Confirmed("31000026110000000042", Reason.RETURNED))


def reasons(doc: FiscalDoc, codes: Codes = CODES, red: Red | None = None) -> tuple[str, ...]:
    """Why nothing can be filled in."""
    said = fill(doc, categories(doc), codes, red)
    assert isinstance(said, Missing)
    return said.reasons


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_a_sale_between_chinese_firms_is_a_special_invoice() -> None:
    doc = samples()["380 china"]
    fapiao = filled(fill(doc, categories(doc), CODES))
    jsonschema.validate(fapiao, SCHEMA)
    assert (fapiao["colour"], fapiao["invoice_type"], fapiao["red"]) == ("blue", "81", None)
    assert fapiao["seller"]["name"] == "上海语料科技有限公司"
    assert fapiao["seller"]["address"] == "上海市浦东新区张江路 88 号"
    assert fapiao["buyer"]["tax_number"] == "91110000600037341L"
    first = fapiao["items"][0]
    assert first["code"] == TEXT.code
    assert first["name"] == "*信息技术服务*订单 1：新闻语料"
    assert (first["quantity"], first["price"], first["amount"], first["rate"]) == ("1", "1.333333", "1.33", "0.06")
    assert (fapiao["amount"], fapiao["tax"], fapiao["total"]) == ("16.65", "1.00", "17.65")
    assert fapiao["total_in_words"] == "壹拾柒圆陆角伍分"
    assert doc.name in fapiao["remark"]
    assert fill(doc, categories(doc), CODES) == fill(doc, categories(doc), CODES)


def test_what_is_given_back_is_red_and_names_the_issued_one() -> None:
    doc = samples()["381 china"]
    fapiao = filled(fill(doc, categories(doc), CODES, RED))
    jsonschema.validate(fapiao, SCHEMA)
    assert fapiao["red"] == {
        "original_number": NUMBER,
        "original_issued_on": "2026-11-05",
        "confirmation_number": "31000026110000000042",
        "reason": "02",
    }
    assert (fapiao["items"][0]["quantity"], fapiao["items"][0]["amount"]) == ("-1", "-2.33")
    assert fapiao["total"] == "-2.47"
    assert fapiao["total_in_words"] == "（负数）贰圆肆角柒分"
    assert f"被红冲蓝字数电发票号码：{NUMBER}" in fapiao["remark"]
    ordinary = replace(RED, blue=replace(RED.blue, invoice_type="82"))
    assert filled(fill(doc, categories(doc), CODES, ordinary))["invoice_type"] == "82"


def test_the_schema_refuses_a_red_one_above_zero_and_a_short_code() -> None:
    doc = samples()["381 china"]
    good = filled(fill(doc, categories(doc), CODES, RED))
    broken = (
        {"total": "2.47"},
        {"red": None},
        {"invoice_type": "01"},
        {"items": [{**good["items"][0], "code": "304"}]},
        {"seller": {**good["seller"], "tax_number": None}},
        {"buyer": {**good["buyer"], "more": "x"}},
    )
    for change in broken:
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**good, **change}, SCHEMA)


def test_buyers_abroad_and_what_is_exempt_get_ordinary_ones() -> None:
    sold = [item(1, "100", "CNY", CHINA)]
    abroad = invoice("abroad cn", (CHINESE, GERMAN), sold)
    fapiao = filled(fill(abroad, categories(abroad), CODES))
    jsonschema.validate(fapiao, SCHEMA)
    assert (fapiao["invoice_type"], fapiao["buyer"]["tax_number"]) == ("82", None)
    assert fapiao["buyer"]["address"] == "Domstraße 4, Köln, DE"
    exempt = invoice("exempt cn", (CHINESE, BEIJING), [item(1, "100", "CNY", EXEMPT)])
    fapiao = filled(fill(exempt, categories(exempt), CODES))
    jsonschema.validate(fapiao, SCHEMA)
    assert (fapiao["invoice_type"], fapiao["items"][0]["rate"], fapiao["tax"]) == ("82", "免税", "0.00")


def test_nothing_is_guessed() -> None:
    papers = samples()
    china = papers["380 china"]
    assert fill(china, categories(china, "image"), CODES) == Missing(("code:image",))
    assert fill(china, {}, CODES) == Missing(("category",))
    assert reasons(papers["380 home"]) == ("not_chinese", "currency", "seller_number")
    assert reasons(papers["389 china"]) == ("not_chinese", "tax_treatment")
    assert reasons(papers["381 china"]) == ("confirmation",)
    nobody = replace(BEIJING, tax_id=None, legal_id=LegalId("529900T8BM49AURSDO55", "0199"))
    assert reasons(replace(china, buyer=nobody)) == ("buyer_number",)
    with_discount = invoice(
        "less", (CHINESE, BEIJING), [item(1, "10", "CNY", CHINA), item(2, "-1", "CNY", CHINA, "charge")]
    )
    assert reasons(with_discount) == ("discount",)
    assert reasons(invoice("dust", (CHINESE, BEIJING), [item(1, "0.001", "CNY", CHINA)])) == ("amount",)
    assert [wants_efapiao(papers[name]) for name in ("380 china", "381 china", "389 china", "380 home")] == [
        True,
        True,
        False,
        False,
    ]


def test_lines_below_a_coin_are_left_out_and_said() -> None:
    doc = invoice("mixed", (CHINESE, BEIJING), [item(1, "0.001", "CNY", CHINA), item(2, "5", "CNY", CHINA)])
    fapiao = filled(fill(doc, categories(doc), CODES))
    assert [one["number"] for one in fapiao["items"]] == [1]
    assert "另有 1 项不足 0.01 元，未列示" in fapiao["remark"]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (("category,", "kind,"), "columns"),
        (("3040201990000000000", "304020199"), "19 digits"),
        (("text,", "prose,"), "none of"),
        (("信息技术服务", "信息*服务"), "stars"),
        (("platform_fee,", "text,"), "twice"),
        ((",项,", ",=1+1,"), "formula"),
        ((",项,文本语料", ",项"), "cells"),
    ],
)
def test_a_wrong_table_says_where(change: tuple[str, str], why: str) -> None:
    with pytest.raises(BadCodes, match=why):
        read_codes(TABLE.replace(*change).encode(), CATEGORIES)


def test_tables_are_utf_8_and_not_empty() -> None:
    assert read_codes(b"\xef\xbb\xbf" + TABLE.encode(), CATEGORIES, 1) == CODES
    for content in (TABLE.encode("gbk"), TABLE.splitlines()[0].encode()):
        with pytest.raises(BadCodes):
            read_codes(content, CATEGORIES)


def test_numbers_are_read_back_from_a_file() -> None:
    doc = samples()["380 china"].id
    text = f"document,number,issued_on\n{ids.text('doc', doc)},{NUMBER},2026-11-05\n"
    assert read_numbers(text.encode()) == [Numbered(doc, NUMBER, date(2026, 11, 5))]
    name = ids.text("doc", doc)
    days = "2025-11-05", "5.11.2026", "1926-11-05", "2126-11-05", "20261105", "2026-W45-4"
    for wrong in ((name, NUMBER[1:], "2026-11-05"), *((name, NUMBER, day) for day in days)):
        with pytest.raises(BadNumbers):
            numbered(*wrong)
    for broken in (text.replace("document", "paper"), text + text.splitlines()[1], "document,number,issued_on\n"):
        with pytest.raises(BadNumbers):
            read_numbers(broken.encode())


def test_data_are_one_line_of_json() -> None:
    doc = samples()["380 china"]
    said = fill(doc, categories(doc), CODES)
    assert isinstance(said, bytes)
    assert b"\n" not in said
    assert json.loads(said)["paper"]["number"] == doc.name
