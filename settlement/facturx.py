"""Factur-X: a PDF that people read with the invoice's XML inside for machines; what the file says of itself.

source   Factur-X 1.09 (ZUGFeRD 2.5), annex XMP; ISO 19005-3:2012, clause 6.6
"""

from __future__ import annotations

from datetime import date
from xml.sax.saxutils import escape

FILE_NAME = "factur-x.xml"
MEDIA_TYPE = "text/xml"
DESCRIPTION = "The invoice for programs, as EN 16931 binds it"
VERSION, LEVEL = "1.0", "EN 16931"
_NAMESPACE = "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#"
_PROPERTIES = (
    ("DocumentFileName", "The name of the embedded XML file"),
    ("DocumentType", "The type of the hybrid document"),
    ("Version", "The version of the standard"),
    ("ConformanceLevel", "The profile of the XML"),
)


def xmp(title: str, author: str, subject: str, producer: str, dated: date) -> str:
    """The description within the PDF; the same words give the same text, whenever it is written.

    shapes   without the packet's marks around it, which the PDF's writer sets
    """
    at = f"{dated.isoformat()}T00:00:00+00:00"
    said = "".join(
        "<rdf:li rdf:parseType='Resource'>"
        f"<pdfaProperty:name>{name}</pdfaProperty:name><pdfaProperty:valueType>Text</pdfaProperty:valueType>"
        "<pdfaProperty:category>external</pdfaProperty:category>"
        f"<pdfaProperty:description>{words}</pdfaProperty:description></rdf:li>"
        for name, words in _PROPERTIES
    ).replace("'", '"')
    about = 'rdf:about=""'
    return f"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description {about} xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/"><pdfaid:part>3</pdfaid:part><pdfaid:conformance>U</pdfaid:conformance></rdf:Description>
<rdf:Description {about} xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:format>application/pdf</dc:format><dc:title><rdf:Alt><rdf:li xml:lang="x-default">{escape(title)}</rdf:li></rdf:Alt></dc:title><dc:creator><rdf:Seq><rdf:li>{escape(author)}</rdf:li></rdf:Seq></dc:creator><dc:description><rdf:Alt><rdf:li xml:lang="x-default">{escape(subject)}</rdf:li></rdf:Alt></dc:description></rdf:Description>
<rdf:Description {about} xmlns:pdf="http://ns.adobe.com/pdf/1.3/"><pdf:Producer>{escape(producer)}</pdf:Producer></rdf:Description>
<rdf:Description {about} xmlns:xmp="http://ns.adobe.com/xap/1.0/"><xmp:CreateDate>{at}</xmp:CreateDate></rdf:Description>
<rdf:Description {about} xmlns:pdfaExtension="http://www.aiim.org/pdfa/ns/extension/" xmlns:pdfaSchema="http://www.aiim.org/pdfa/ns/schema#" xmlns:pdfaProperty="http://www.aiim.org/pdfa/ns/property#"><pdfaExtension:schemas><rdf:Bag><rdf:li rdf:parseType="Resource"><pdfaSchema:schema>Factur-X PDFA Extension Schema</pdfaSchema:schema><pdfaSchema:namespaceURI>{_NAMESPACE}</pdfaSchema:namespaceURI><pdfaSchema:prefix>fx</pdfaSchema:prefix><pdfaSchema:property><rdf:Seq>{said}</rdf:Seq></pdfaSchema:property></rdf:li></rdf:Bag></pdfaExtension:schemas></rdf:Description>
<rdf:Description {about} xmlns:fx="{_NAMESPACE}"><fx:DocumentType>INVOICE</fx:DocumentType><fx:DocumentFileName>{FILE_NAME}</fx:DocumentFileName><fx:Version>{VERSION}</fx:Version><fx:ConformanceLevel>{LEVEL}</fx:ConformanceLevel></rdf:Description>
</rdf:RDF></x:xmpmeta>"""
