"""A fiscal document as UBL 2.1, as EN 16931 binds it: 380 and 389 are an Invoice, 381 and 261 a CreditNote.

source   CEN/TS 16931-3-2; OASIS UBL 2.1
"""

from __future__ import annotations

from decimal import Decimal

from exchange.kernel import ids
from exchange.kernel.money import Money
from settlement.en16931.cii import GUIDELINE
from settlement.en16931.xml import Xml, tag, tags, whole
from settlement.fiscal import (
    Category,
    DocLine,
    FiscalDoc,
    Note,
    Party,
    Period,
    VatGroup,
    amount_text,
    both,
    decimal_plain,
)

_OASIS = "urn:oasis:names:specification:ubl:schema:xsd"


def ubl(doc: FiscalDoc) -> bytes:
    """The document as UBL; the same document gives the same bytes."""
    name = "CreditNote" if doc.kind.is_credit else "Invoice"
    namespaces = {
        "xmlns": f"{_OASIS}:{name}-2",
        "xmlns:cac": f"{_OASIS}:CommonAggregateComponents-2",
        "xmlns:cbc": f"{_OASIS}:CommonBasicComponents-2",
    }
    agreement = ids.text("sba", doc.agreement_id) if doc.agreement_id else None
    return whole(
        name,
        namespaces,
        _head(doc),
        _period(doc.period),
        tag("cac:OrderReference", tag("cbc:ID", doc.order_reference)),
        tags(
            tag(
                "cac:BillingReference",
                tag(
                    "cac:InvoiceDocumentReference",
                    tag("cbc:ID", one.number),
                    tag("cbc:IssueDate", one.issued_on.isoformat()),
                ),
            )
            for one in doc.preceding
        ),
        tag("cac:ContractDocumentReference", tag("cbc:ID", agreement)),
        tag("cac:AccountingSupplierParty", _party(doc.seller, seller=True)),
        tag("cac:AccountingCustomerParty", _party(doc.buyer, seller=False)),
        _delivery(doc),
        tag("cac:PaymentTerms", tag("cbc:Note", both(doc.terms) if doc.terms else None)),
        tag("cac:TaxTotal", _amount("cbc:TaxAmount", doc.totals.tax), tags(_group(group) for group in doc.groups)),
        tag("cac:TaxTotal", _amount("cbc:TaxAmount", doc.vat_in)) if doc.vat_in else Xml(""),
        _sums(doc),
        tags(_line(line, credit=doc.kind.is_credit) for line in doc.lines),
    )


def _head(doc: FiscalDoc) -> Xml:
    day = tag("cbc:TaxPointDate", doc.tax_point.isoformat() if doc.tax_point else None)
    kind = "cbc:CreditNoteTypeCode" if doc.kind.is_credit else "cbc:InvoiceTypeCode"
    words = [tag(kind, doc.kind.value), *(tag("cbc:Note", _note(note)) for note in doc.notes)]
    due = tag("cbc:DueDate", doc.due_on.isoformat() if doc.due_on else None)
    # The two schemas differ in where the tax point stands, and a credit note has no day on which it is due.
    middle = [day, *words] if doc.kind.is_credit else [due, *words, day]
    return tags(
        [
            tag("cbc:CustomizationID", GUIDELINE),
            tag("cbc:ID", doc.name),
            tag("cbc:IssueDate", doc.issued_on.isoformat()),
            *middle,
            tag("cbc:DocumentCurrencyCode", doc.currency),
            tag("cbc:TaxCurrencyCode", doc.vat_in.currency if doc.vat_in else None),
        ]
    )


def _note(note: Note) -> str:
    return f"#{note.subject}#{both(note.text)}" if note.subject else both(note.text)


def _party(party: Party, *, seller: bool) -> Xml:
    lines = (*party.address, "", "")
    legal = party.legal_id
    return tag(
        "cac:Party",
        tag("cac:PartyIdentification", tag("cbc:ID", ids.text("org", party.organisation_id))),
        tag("cac:PartyName", tag("cbc:Name", party.other_name)),
        tag(
            "cac:PostalAddress",
            tag("cbc:StreetName", lines[0]),
            tag("cbc:AdditionalStreetName", lines[1]),
            tag("cbc:CityName", party.city),
            tag("cbc:PostalZone", party.postcode),
            tag("cbc:CountrySubentity", party.subdivision),
            tag("cac:AddressLine", tag("cbc:Line", lines[2])),
            tag("cac:Country", tag("cbc:IdentificationCode", party.country)),
        ),
        _registered(party.vat_id, "VAT"),
        _registered(party.tax_id if seller else None, "TAX"),
        tag(
            "cac:PartyLegalEntity",
            tag("cbc:RegistrationName", party.name),
            tag("cbc:CompanyID", legal.value, schemeID=legal.scheme) if legal else None,
        ),
    )


def _registered(number: str | None, scheme: str) -> Xml:
    if not number:
        return Xml("")
    return tag("cac:PartyTaxScheme", tag("cbc:CompanyID", number), tag("cac:TaxScheme", tag("cbc:ID", scheme)))


def _delivery(doc: FiscalDoc) -> Xml:
    on = doc.tax_point or (doc.period.end if doc.period else None)
    return tag("cac:Delivery", tag("cbc:ActualDeliveryDate", on.isoformat() if on else None))


def _group(group: VatGroup) -> Xml:
    return tag(
        "cac:TaxSubtotal",
        _amount("cbc:TaxableAmount", group.base),
        _amount("cbc:TaxAmount", group.tax),
        tag(
            "cac:TaxCategory",
            tag("cbc:ID", group.category.value),
            _rate(group.category, group.rate),
            tag("cbc:TaxExemptionReasonCode", group.reason_code),
            tag("cbc:TaxExemptionReason", both(group.reason) if group.reason else None),
            _SCHEME,
        ),
    )


def _sums(doc: FiscalDoc) -> Xml:
    sums = doc.totals
    return tag(
        "cac:LegalMonetaryTotal",
        _amount("cbc:LineExtensionAmount", sums.lines),
        _amount("cbc:TaxExclusiveAmount", sums.without_tax),
        _amount("cbc:TaxInclusiveAmount", sums.with_tax),
        _amount("cbc:PrepaidAmount", sums.paid) if sums.paid.units else None,
        _amount("cbc:PayableRoundingAmount", sums.rounding) if sums.rounding.units else None,
        _amount("cbc:PayableAmount", sums.due),
    )


def _line(line: DocLine, *, credit: bool) -> Xml:
    return tag(
        "cac:CreditNoteLine" if credit else "cac:InvoiceLine",
        tag("cbc:ID", str(line.number)),
        tag(
            "cbc:CreditedQuantity" if credit else "cbc:InvoicedQuantity",
            decimal_plain(line.quantity),
            unitCode=line.unit,
        ),
        _amount("cbc:LineExtensionAmount", line.net),
        _period(line.period),
        tag(
            "cac:Item",
            tag("cbc:Description", both(line.description) if line.description else None),
            tag("cbc:Name", both(line.name)),
            tag(
                "cac:ClassifiedTaxCategory",
                tag("cbc:ID", line.category.value),
                _rate(line.category, line.rate),
                _SCHEME,
            ),
        ),
        tag("cac:Price", tag("cbc:PriceAmount", decimal_plain(line.price), currencyID=line.net.currency)),
    )


def _period(period: Period | None) -> Xml:
    if period is None:
        return Xml("")
    return tag(
        "cac:InvoicePeriod",
        tag("cbc:StartDate", period.start.isoformat()),
        tag("cbc:EndDate", period.end.isoformat()),
    )


def _rate(category: Category, rate: Decimal) -> Xml:
    # Outside the scope of tax there is no rate, not even one of zero (BR-O-05).
    return tag("cbc:Percent", None if category is Category.OUTSIDE else decimal_plain(rate))


def _amount(name: str, amount: Money) -> Xml:
    return tag(name, amount_text(amount), currencyID=amount.currency)


_SCHEME = tag("cac:TaxScheme", tag("cbc:ID", "VAT"))
