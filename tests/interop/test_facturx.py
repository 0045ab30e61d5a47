"""Factur-X files are read by another program's reader: the XML within is ours byte for byte, and the file says what it is."""

from __future__ import annotations

import hashlib
import io

import facturx
import pypdf
import pytest
from lxml import etree

from exchange.apps.http.money_pdf import facturx_pdf
from settlement.en16931.cii import cii
from settlement.fiscal_document import document_bytes
from settlement.paper.fiscal_sheet import fiscal_sheet
from tests.support.fiscal_samples import samples

SAMPLES = samples()


@pytest.mark.parametrize(
    ("name", "language"), [("380 home", "en"), ("380 china", "zh"), ("381 reverse charge", "en"), ("389 china", "zh")]
)
def test_facturx_reads_the_very_xml_and_what_the_file_says_of_itself(name: str, language: str) -> None:
    doc = SAMPLES[name]
    sheet = fiscal_sheet(doc, hashlib.sha256(document_bytes(doc)).digest(), language)
    xml = cii(doc)
    data = facturx_pdf(sheet, xml)
    file_name, found = facturx.get_xml_from_pdf(data, check_xsd=True)
    assert file_name == "factur-x.xml"
    assert found == xml
    assert facturx.get_level(etree.fromstring(found)) == "en16931"

    read = pypdf.PdfReader(io.BytesIO(data))
    packet = etree.fromstring(read.trailer["/Root"]["/Metadata"].get_object().get_data().strip(b"\r\n"))
    said = {etree.QName(one).localname: one.text for one in packet.iter() if one.text and one.text.strip()}
    assert (said["part"], said["conformance"]) == ("3", "U")
    assert (said["ConformanceLevel"], said["DocumentFileName"]) == ("EN 16931", "factur-x.xml")
    assert any(one.text == f"{sheet.title} {sheet.number}" for one in packet.iter())
    assert said["CreateDate"].startswith(doc.issued_on.isoformat())
    # A PDF/A has no second description of itself that could differ.
    assert read.metadata is None
    (attached,) = read.trailer["/Root"]["/AF"]
    assert attached.get_object()["/AFRelationship"] == "/Alternative"
    assert read.trailer["/Root"]["/OutputIntents"][0].get_object()["/S"] == "/GTS_PDFA1"
    assert data == facturx_pdf(sheet, xml)
