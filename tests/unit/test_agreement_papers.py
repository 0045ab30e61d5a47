"""The page and the PDF of an agreement say what its documents say: one source, and no clause is lost on the way."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any
from uuid import UUID

import msgspec
import pypdfium2
import pytest

from contracts import frame as legal
from contracts import lifecycle
from contracts import terms as licence
from contracts.life_events import Force, Kind, Party, Wish
from contracts.paper import Paper
from exchange.apps.http.paper_html import html
from exchange.apps.http.paper_pdf import pdf
from exchange.flows.show_agreement import Gathered
from exchange.kernel.canonical import canonical, sha256
from exchange.kernel.text import Text
from pricing import words
from pricing.basis import Basis
from pricing.understanding import understand
from tests.support.papers import AGREEMENT, AT, BUYER, FRAME, TERMS, made, offer_of
from tests.support.trade import component, offer_document

LANGUAGES = ("en", "zh")
TITLE = {"en": "Tang poems", "zh": "唐诗三百首"}
CHOICE = {"type": "terms", "v": 1, "prevailing_language": "en", "spdx": "CC-BY-4.0 OR CC-BY-NC-4.0"}


def paper_of(offer: dict[str, object] | None = None, *, title: dict[str, str] = TITLE) -> Paper:
    contents = made().contents
    if offer is not None:
        contents = replace(contents, offer=canonical(offer))
    return Gathered(contents, title, {}).paper()


class _Words(HTMLParser):
    """The text of a page's body, without what stands in its head."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._hidden = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden = self._hidden or tag in {"style", "title"}

    def handle_endtag(self, tag: str) -> None:
        self._hidden = self._hidden and tag not in {"style", "title"}

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.found.append(data)


def text_of_html(paper: Paper, language: str) -> str:
    reader = _Words()
    reader.feed(html(paper, language).decode())
    return _bare("".join(reader.found))


def text_of_pdf(paper: Paper, language: str) -> str:
    # What stands at the foot of a page would cut a sentence in two.
    foot = re.compile(re.escape(paper.agreement) + r"\d+\Z")
    document = pypdfium2.PdfDocument(pdf(paper, language, AT))
    try:
        return "".join(foot.sub("", _bare(page.get_textpage().get_text_range())) for page in document)
    finally:
        document.close()


def _bare(text: str) -> str:
    """Line breaks and blanks are the printer's business."""
    return re.sub(r"\s+", "", text)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("offer", [None, offer_of(terms=CHOICE), offer_of(frame=None)], ids=["own", "spdx", "no-frame"])
def test_page_and_pdf_hold_every_clause_with_its_number(language: str, offer: dict[str, object] | None) -> None:
    paper = paper_of(offer)
    clauses = list(paper.clauses())
    assert len(clauses) > 30
    assert len({one.number for one in clauses}) == len(clauses)
    for text in (text_of_html(paper, language), text_of_pdf(paper, language)):
        at = 0
        for section in paper.sections:
            at = text.index(_bare(f"{section.number}. {section.title.in_(language)}"), at)
            for clause in section.clauses:
                at = text.index(_bare(f"{clause.number} {clause.text.in_(language)}"), at)


def test_the_paper_says_all_that_the_terms_the_plan_and_the_frame_say() -> None:
    paper = paper_of()
    said = {(one.kind, one.text) for one in paper.clauses()}
    plain = licence.plain_words(licence.load(TERMS))
    for kind in ("may", "may_not", "must", "unclear"):
        texts = getattr(plain, kind)
        assert texts
        kinds = {kind, "beyond"} if kind == "may" else {kind}
        assert set(texts) == {text for of, text in said if of in kinds}
    plan = understand(offer_of()["plan"], Basis(currency="CNY"))  # type: ignore[arg-type]
    assert {("", text) for text in words.describe(plan)} <= said
    framed = legal.parse(FRAME)
    assert isinstance(framed, legal.Frame)
    for part in legal.words(framed, "zh"):
        for sentence in part.sentences:
            text = Text(f"{part.title.en}: {sentence.en}", f"{part.title.zh}：{sentence.zh}")
            assert ("missing" if part.missing else "", text) in said


def test_what_the_legal_frame_leaves_out_is_shown_as_missing() -> None:
    (section,) = [one for one in paper_of(offer_of(frame=None)).sections if one.key == "frame"]
    assert [one.kind for one in section.clauses].count("missing") == len(legal.TITLES) - 1


def test_the_choices_among_licences_are_all_printed() -> None:
    keys = [one.key for one in paper_of(offer_of(terms=CHOICE)).sections]
    assert {"terms_may", "terms_2_may"} <= set(keys)


def test_an_event_is_printed_with_its_reason_and_its_signatures() -> None:
    text = text_of_html(paper_of(), "zh")
    assert "理由：欠费" in text
    assert text.count("使用交易所代管密钥") == 2


def test_a_missing_signature_is_printed_as_missing() -> None:
    paper = Gathered(made(buyer_signs=False).contents, TITLE, {}).paper()
    assert [one.text.en for one in paper.clauses() if one.kind == "missing"][-1] == "Not signed yet by the buyer."


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_same_agreement_gives_the_same_bytes(language: str) -> None:
    assert pdf(paper_of(), language, AT) == pdf(paper_of(), language, AT)
    assert html(paper_of(), language) == html(paper_of(), language)


def test_a_sign_that_the_font_lacks_is_spelled_out_and_markup_stays_text() -> None:
    paper = paper_of(title={"en": "Poems \U0001f600 <b>", "zh": "唐诗 \U0001f600"})
    assert "[U+1F600]" in text_of_pdf(paper, "en")
    assert b"<b>" not in html(paper, "en")
    assert b"&lt;b&gt;" in html(paper, "en")


@pytest.mark.parametrize("language", LANGUAGES)
def test_signs_that_mislead_are_spelled_out_alike_on_page_and_pdf(language: str) -> None:
    name = "safe\u202elive\u2066\u0000\u001b[2J\u2028\ufeff"
    paper = paper_of(title={"en": name, "zh": name})
    wanted = "safe[U+202E]live[U+2066][U+0000][U+001B][2J[U+2028][U+FEFF]"
    assert wanted in text_of_html(paper, language)
    assert wanted in text_of_pdf(paper, language)


def test_the_font_is_inside_the_pdf() -> None:
    data = pdf(paper_of(), "zh", AT)
    assert b"/FontFile3" in data
    # Only a part of a font that is embedded has such a name.
    assert set(re.findall(rb"/BaseFont /([^\s/]+)", data)) == {b"MPDFAA+NotoSansSC"}


def changed_by(*wishes: Wish, title: dict[str, str] = TITLE) -> Paper:
    """The paper after these events, one after another."""
    contents = made(events=False).contents
    life, events = lifecycle.born(AGREEMENT, contents.agreement, sha256(contents.agreement)), []
    for number, wish in enumerate(wishes, 1):
        event = lifecycle.compose(
            life, wish, Party.BUYER, event_id=UUID(int=number), proposer=BUYER, now=AT, node_id="centre"
        )
        events.append(replace(event, force=Force(number, AT, AT)))
        life = lifecycle.after(life, events[-1])
    return Gathered(replace(contents, events=events), title, {}).paper()


def clause(paper: Paper, beginning: str) -> tuple[str, Text]:
    (found,) = [(one.number, one.text) for one in paper.clauses() if one.text.en.startswith(beginning)]
    return found


def test_a_renewal_is_named_where_the_paper_says_the_first_end() -> None:
    paper = changed_by(Wish(kind=Kind.RENEWAL, ends_at=AT + timedelta(days=730)))
    number, _ = clause(paper, "Renewal evt_")
    _, said = clause(paper, "Renewal: the agreement now ends at 2028-02-29 16:00:00+08:00")
    assert said.zh == "续期：合约终止时间改为 2028-02-29 16:00:00+08:00"
    _, until = clause(paper, "Until")
    assert until.en == f"Until 2027-03-01 16:00:00+08:00, changed by {number}."
    assert until.zh == f"至 2027-03-01 16:00:00+08:00 止（由 {number} 变更）。"
    assert clause(paper, "use it for longer")[1].zh == f"使用超过 12 个月（由 {number} 变更）"
    for language in LANGUAGES:
        assert _bare(until.in_(language)) in text_of_html(paper, language)
        assert _bare(until.in_(language)) in text_of_pdf(paper, language)


def test_every_change_names_the_clause_that_made_it() -> None:
    own: dict[str, Any] = {**TERMS["own"], "territory": ["CN"]}  # type: ignore[dict-item]
    paper = changed_by(
        Wish(kind=Kind.AMENDMENT, purposes=("pretrain", "evaluate")),
        Wish(kind=Kind.AMENDMENT, territory=("SG",), terms={**TERMS, "own": own}),
        Wish(kind=Kind.TRANSFER, successor_id=UUID(int=77)),
    )
    first, second, third = (one.number for one in paper.clauses() if "in force since" in one.text.en)
    assert clause(paper, "Ordered for this purpose")[1].en.endswith(f", changed by {first}.")
    assert clause(paper, "evaluate models")[1].en == f"evaluate models, changed by {first}"
    assert clause(paper, "use it outside")[1].en == f"use it outside China and Singapore, changed by {second}"
    titles = {one.key: one.title for one in paper.sections}
    assert titles["terms_may"] == Text(f"You may (replaced by {second})", f"可以（由 {second} 取代）")
    assert clause(paper, "Buyer: ")[1].zh.endswith(f"（由 {third} 变更）")
    assert clause(paper, "Amendment: from now on only in Singapore")[1].zh == "变更：此后仅限新加坡"
    assert not [one for one in paper_of().clauses() if "changed by" in one.text.en], "a suspension changes no clause"


def test_what_was_not_ordered_is_not_among_what_one_may() -> None:
    paper = paper_of()
    kinds = {one.text.en: one.kind for one in paper.clauses() if one.kind in ("may", "beyond")}
    assert (kinds["pretrain models"], kinds["evaluate models"]) == ("may", "beyond")
    (section,) = [one for one in paper.sections if one.key == "terms_beyond"]
    assert section.title.en == "Allowed by the licence terms, but not part of this agreement"


def test_places_and_parties_are_words() -> None:
    zh = text_of_html(paper_of(), "zh")
    assert "在中国、新加坡以外使用" in zh
    assert "本合约适用中国法律" in zh
    assert re.search(r"由供应方org_\w+于2026-03-0116:00:00\+08:00签名", zh)
    assert "对本买方确定：币种为CNY" in zh
    assert "暂停evt_" in zh


def test_what_fixed_the_price_is_said_in_words() -> None:
    fee = {**component({"type": "negotiated"}), "id": "licence", "title": {"en": "Licence fee", "zh": "许可费"}}
    contents = made().contents
    agreement = {**msgspec.json.decode(contents.agreement), "basis": {"amounts": {"licence": "850"}}}
    offer = {**offer_of(), "plan": offer_document("one_off", fee)["plan"]}
    paper = Gathered(
        replace(contents, offer=canonical(offer), agreement=canonical(agreement)),
        TITLE,
        {},
        [
            Text(
                "Of this, VAT at 6%: CNY 48.11; without it: CNY 801.89",
                "其中增值税（6%）：CNY 48.11；不含税：CNY 801.89",
            )
        ],
    ).paper()
    assert clause(paper, "Fixed for this buyer")[1] == Text(
        "Fixed for this buyer: the amount for “Licence fee” is CNY 850.00",
        "对本买方确定：“许可费”一项的金额为 CNY 850.00",
    )
    assert clause(paper, "Of this, VAT")[0] == "4.2"
