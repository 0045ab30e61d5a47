"""Papers about money: page and PDF say all that the sheet says, the arithmetic on them is right, and bytes are repeatable."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from html.parser import HTMLParser

import pypdfium2
import pytest

from exchange.apps.http.money_html import POLICY, STYLE, html
from exchange.apps.http.money_pdf import pdf
from exchange.kernel.money import Money
from exchange.kernel.text import Text
from settlement.fiscal import FiscalDoc
from settlement.fiscal_document import document_bytes
from settlement.fiscal_words import fees_line, shares_line
from settlement.paper.fiscal_sheet import fiscal_sheet
from settlement.paper.receipt_sheet import Receipt, receipt_sheet
from settlement.paper.sheet import Boxes, Facts, Sentences, Sheet, Sums, Table
from settlement.paper.statement_sheet import statement_sheet
from settlement.recompute_statement import check
from tests.support.fiscal_samples import samples
from tests.unit.test_recompute_statement import statement

SAMPLES = samples()
LANGUAGES = ("en", "zh")


def sheet_of(doc: FiscalDoc, language: str) -> Sheet:
    return fiscal_sheet(doc, hashlib.sha256(document_bytes(doc)).digest(), language)


def said(sheet: Sheet) -> list[str]:
    """Everything that stands on a sheet, in order of its blocks."""
    found = [sheet.title, sheet.number]
    for block in sheet.blocks:
        match block:
            case Boxes(boxes):
                found += [text for box in boxes for text in (box.title, *box.lines)]
            case Facts(rows):
                found += [text for row in rows for text in row]
            case Table(title, columns, rows):
                found += [title, *(one.title for one in columns)]
                found += [text for row in rows for text in (*row.cells, *row.below)]
            case Sums(title, sums):
                found += [title, *(text for one in sums for text in (one.name, one.how, one.amount))]
            case Sentences(title, texts):
                found += [title, *texts]
    return found


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        assert not [name for name, _ in attrs if name in ("src", "href", "style") or name.startswith("on")]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def bare(text: str) -> str:
    return re.sub(r"\s", "", text)


def number(text: str) -> Decimal:
    return Decimal(re.sub(r"[^\d.-]", "", text.replace("−", "-")))


@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_say_all_of_every_sample_and_hold_no_script(language: str) -> None:
    for name, doc in SAMPLES.items():
        sheet = sheet_of(doc, language)
        body = html(sheet)
        page = _Page()
        page.feed(body.decode())
        whole = bare("".join(page.texts))
        assert [text for text in said(sheet) if bare(text) not in whole] == [], name
        assert page.tags.isdisjoint({"script", "img", "link", "iframe", "form", "object"})
        assert body == html(sheet_of(doc, language))


@pytest.mark.parametrize(
    ("name", "language"),
    [("380 china", "zh"), ("380 partly paid", "en"), ("261 reverse charge", "zh"), ("389 japan", "en")],
)
def test_pdfs_say_all_of_it_and_their_bytes_are_repeatable(name: str, language: str) -> None:
    sheet = sheet_of(SAMPLES[name], language)
    data = pdf(sheet)
    whole = bare("".join(page.get_textpage().get_text_range() for page in pypdfium2.PdfDocument(data)))
    # Some signs have two numbers and one shape in the font; pdfium reads the commoner one.
    wanted = [text for text in said(sheet) if bare(text) not in whole]
    assert wanted == []
    assert data == pdf(sheet_of(SAMPLES[name], language))


def test_the_additions_on_papers_are_right() -> None:
    for name, doc in SAMPLES.items():
        for language in LANGUAGES:
            (sums,) = [block for block in sheet_of(doc, language).blocks if isinstance(block, Sums)]
            at = Decimal(0)
            for row in sums.rows:
                amount = number(row.amount)
                if row.strong:
                    assert amount == at, (name, row)
                elif row.name.startswith("−"):
                    at -= amount
                else:
                    at += amount
            tables = [block for block in sheet_of(doc, language).blocks if isinstance(block, Table)]
            for table, sum_row in zip(tables, sums.rows, strict=False):
                assert sum(number(row.cells[-1]) for row in table.rows) == number(sum_row.amount), (name, table.title)


def test_papers_show_how_what_was_rounded_came_about() -> None:
    text = "\n".join(said(sheet_of(SAMPLES["380 china"], "en")))
    assert "1 × 1.333333 = 1.333333, rounded half to even to 1.33" in text
    assert "16.65 × 6 % = 0.999, rounded" in text
    assert "16.65 + 1.00" in text


def test_legal_words_stand_on_papers_in_both_languages_also_on_the_chinese_one() -> None:
    credit = said(sheet_of(SAMPLES["261 reverse charge"], "zh"))
    text = "\n".join(credit)
    assert "自开贷项通知单（买方代开）" in text
    assert "Self-billing (Gutschrift)" in text
    assert "Reverse charge" in text
    assert "反向征税" in text
    original = SAMPLES["389 reverse charge"]
    assert f"{original.name}（2026 年 11 月 3 日）" in text
    assert "fapiao" in "\n".join(said(sheet_of(SAMPLES["380 china"], "en")))
    assert "fapiao" not in "\n".join(said(sheet_of(SAMPLES["380 home"], "en")))


def test_words_fit_the_kind_of_paper_and_the_language() -> None:
    chinese = "\n".join(said(sheet_of(SAMPLES["389 reverse charge"], "zh")))
    assert "反向征税（由买方申报）。依 FR 法律。" in chinese
    # A credit note is not paid, and both sides of a Chinese paper show their tax number.
    back = said(sheet_of(SAMPLES["381 china"], "zh"))
    assert "已全额退还，无余款待退。" in back
    assert not [one for one in back if "支付" in one]
    assert back.count("税号：91110000600037341L") == 2
    assert shares_line(1, 2)["en"] == "Shares of 1 sale, statement 2"
    assert fees_line(2, 3, back=True)["en"] == "Fees on 2 sales that went back, statement 3"


def test_a_receipt_leaves_no_line_empty_where_a_name_is_unknown() -> None:
    receipt = Receipt(
        "ord_1", Text("", ""), "org_1", Text("", ""), Money(1, "EUR"), None, "card", datetime(2026, 11, 2, 9, tzinfo=UTC),
        to_id="org_2",
    )  # fmt: skip
    (boxes,) = [one for one in receipt_sheet(receipt, "en").blocks if isinstance(one, Boxes)]
    assert [box.lines for box in boxes.boxes] == [("org_1",), ("org_2",)]


def test_a_sentence_stays_on_one_page() -> None:
    """The digest at the end of a paper is not torn from its words, wherever they come to stand."""
    sentence = "This paper says in words what a document says. SHA-256 of that: " + "0123456789abcdef" * 4 + " end" * 20
    for lines in (40, 41):
        blocks = (Sentences("Notes", (*("One.",) * lines, sentence)),)
        sheet = Sheet("en", "Paper", "1", datetime(2026, 11, 2, tzinfo=UTC).date(), "A", "Paper 1", blocks)
        pages = [bare(page.get_textpage().get_text_range()) for page in pypdfium2.PdfDocument(pdf(sheet))]
        assert [bare(sentence) in page for page in pages] == [False, True], lines


def test_the_policy_of_a_page_allows_its_own_style_and_nothing_else() -> None:
    digest = hashlib.sha256(STYLE.encode()).digest()
    assert f"style-src 'sha256-{base64.b64encode(digest).decode()}'" in POLICY
    assert "script-src" not in POLICY
    assert POLICY.startswith("default-src 'none'")
    page = html(sheet_of(SAMPLES["380 home"], "en")).decode()
    assert f"<style>{STYLE}</style>" in page


def test_a_receipt_says_who_paid_what_and_that_it_is_no_invoice() -> None:
    receipt = Receipt(
        "pay_1", Text("Alster", "阿尔斯特"), "org_1", None, Money(119_000_000, "EUR"), Money(19_000_000, "EUR"), "bank",
        datetime(2026, 11, 2, 9, tzinfo=UTC),
    )  # fmt: skip
    english, chinese = said(receipt_sheet(receipt, "en")), said(receipt_sheet(receipt, "zh"))
    assert {"Alster", "Filling the wallet", "bank transfer", "2026-11-02 09:00 UTC", "100.00", "EUR 119.00"} <= set(
        english
    )
    assert any("no invoice" in one for one in english)
    assert {"阿尔斯特", "钱包充值", "银行转账", "EUR 119.00"} <= set(chinese)


@pytest.mark.parametrize("language", LANGUAGES)
def test_statements_of_both_versions_add_up_on_paper(language: str) -> None:
    new = json.loads(json.loads(statement(opening=3_000_000))["document"])
    new["lines"].append(
        {
            "journal": "jnl_1",
            "kind": "hold",
            "amount": {"amount": "-1.00", "currency": "CNY"},
            "at": "2026-02-01T00:00:00Z",
        }
    )
    for name in ("holds", "closing"):
        new["totals"][name] = (Money.from_wire(new["totals"][name]) - Money(1_000_000, "CNY")).to_wire()
    later = {"refunds", "taxes", "holds", "withheld"}
    sums = {name: amount for name, amount in new["totals"].items() if name not in later}
    old = {
        **new,
        "v": 1,
        "totals": {**sums, "adjustments": (Money.from_wire(sums["adjustments"]) - Money(1_000_000, "CNY")).to_wire()},
    }
    for document, has_holds in ((new, True), (old, False)):
        assert check(json.dumps(document).encode()).differences == []
        sheet = statement_sheet(document, bytes(32), "Alster", language)
        (block,) = [one for one in sheet.blocks if isinstance(one, Sums)]
        assert sum(number(row.amount) for row in block.rows[:-1]) == number(block.rows[-1].amount)
        names = [row.name for row in block.rows]
        assert ("+ holds" in names or "+ 冻结" in names) is has_holds
