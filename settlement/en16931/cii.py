"""A fiscal document as UN/CEFACT Cross Industry Invoice, as EN 16931 binds it; Factur-X carries these very bytes.

source   CEN/TS 16931-3-3; Factur-X 1.09, profile EN 16931
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from exchange.kernel import ids
from exchange.kernel.money import Money
from settlement.en16931.xml import Xml, tag, tags, whole
from settlement.fiscal import (
    Category,
    DocLine,
    FiscalDoc,
    Party,
    Period,
    Preceding,
    VatGroup,
    amount_text,
    both,
    decimal_plain,
)

GUIDELINE = "urn:cen.eu:en16931:2017"
_CEFACT = "urn:un:unece:uncefact"
_NAMESPACES = {
    "xmlns:rsm": f"{_CEFACT}:data:standard:CrossIndustryInvoice:100",
    "xmlns:ram": f"{_CEFACT}:data:standard:ReusableAggregateBusinessInformationEntity:100",
    "xmlns:qdt": f"{_CEFACT}:data:standard:QualifiedDataType:100",
    "xmlns:udt": f"{_CEFACT}:data:standard:UnqualifiedDataType:100",
}


def cii(doc: FiscalDoc) -> bytes:
    """The document as CII; the same document gives the same bytes."""
    return whole(
        "rsm:CrossIndustryInvoice",
        _NAMESPACES,
        tag(
            "rsm:ExchangedDocumentContext",
            tag("ram:GuidelineSpecifiedDocumentContextParameter", tag("ram:ID", GUIDELINE)),
        ),
        tag(
            "rsm:ExchangedDocument",
            tag("ram:ID", doc.name),
            tag("ram:TypeCode", doc.kind.value),
            tag("ram:IssueDateTime", _day(doc.issued_on)),
            tags(
                tag("ram:IncludedNote", tag("ram:Content", both(note.text)), tag("ram:SubjectCode", note.subject))
                for note in doc.notes
            ),
        ),
        tag(
            "rsm:SupplyChainTradeTransaction",
            tags(_line(line) for line in doc.lines),
            _agreement(doc),
            # The standard wants the element even where it says nothing.
            _delivery(doc.tax_point or (doc.period.end if doc.period else None)),
            _settlement(doc),
        ),
    )


def _line(line: DocLine) -> Xml:
    return tag(
        "ram:IncludedSupplyChainTradeLineItem",
        tag("ram:AssociatedDocumentLineDocument", tag("ram:LineID", str(line.number))),
        tag(
            "ram:SpecifiedTradeProduct",
            tag("ram:Name", both(line.name)),
            tag("ram:Description", both(line.description) if line.description else None),
        ),
        tag(
            "ram:SpecifiedLineTradeAgreement",
            tag("ram:NetPriceProductTradePrice", tag("ram:ChargeAmount", decimal_plain(line.price))),
        ),
        tag(
            "ram:SpecifiedLineTradeDelivery",
            tag("ram:BilledQuantity", decimal_plain(line.quantity), unitCode=line.unit),
        ),
        tag(
            "ram:SpecifiedLineTradeSettlement",
            tag(
                "ram:ApplicableTradeTax",
                tag("ram:TypeCode", "VAT"),
                tag("ram:CategoryCode", line.category.value),
                _rate(line.category, line.rate),
            ),
            _period(line.period),
            tag(
                "ram:SpecifiedTradeSettlementLineMonetarySummation",
                tag("ram:LineTotalAmount", amount_text(line.net)),
            ),
        ),
    )


def _agreement(doc: FiscalDoc) -> Xml:
    return tag(
        "ram:ApplicableHeaderTradeAgreement",
        tag("ram:SellerTradeParty", _party(doc.seller, seller=True)),
        tag("ram:BuyerTradeParty", _party(doc.buyer, seller=False)),
        tag("ram:BuyerOrderReferencedDocument", tag("ram:IssuerAssignedID", doc.order_reference)),
        tag(
            "ram:ContractReferencedDocument",
            tag("ram:IssuerAssignedID", ids.text("sba", doc.agreement_id) if doc.agreement_id else None),
        ),
    )


def _party(party: Party, *, seller: bool) -> Xml:
    legal = party.legal_id
    lines = (*party.address, "", "")
    return tags(
        [
            tag("ram:ID", ids.text("org", party.organisation_id)),
            tag("ram:Name", party.name),
            tag(
                "ram:SpecifiedLegalOrganization",
                tag("ram:ID", legal.value, schemeID=legal.scheme) if legal else None,
                tag("ram:TradingBusinessName", party.other_name),
            ),
            tag(
                "ram:PostalTradeAddress",
                tag("ram:PostcodeCode", party.postcode),
                tag("ram:LineOne", lines[0]),
                tag("ram:LineTwo", lines[1]),
                tag("ram:LineThree", lines[2]),
                tag("ram:CityName", party.city),
                tag("ram:CountryID", party.country),
                tag("ram:CountrySubDivisionName", party.subdivision),
            ),
            tag("ram:SpecifiedTaxRegistration", tag("ram:ID", party.vat_id, schemeID="VA")),
            tag("ram:SpecifiedTaxRegistration", tag("ram:ID", party.tax_id, schemeID="FC")) if seller else Xml(""),
        ]
    )


def _delivery(on: date | None) -> Xml:
    name = "ram:ApplicableHeaderTradeDelivery"
    happened = tag("ram:OccurrenceDateTime", _day(on)) if on else None
    return tag(name, tag("ram:ActualDeliverySupplyChainEvent", happened)) or Xml(f"<{name}/>")


def _settlement(doc: FiscalDoc) -> Xml:
    return tag(
        "ram:ApplicableHeaderTradeSettlement",
        tag("ram:TaxCurrencyCode", doc.vat_in.currency if doc.vat_in else None),
        tag("ram:InvoiceCurrencyCode", doc.currency),
        tags(_group(group) for group in doc.groups),
        _period(doc.period),
        tag(
            "ram:SpecifiedTradePaymentTerms",
            tag("ram:Description", both(doc.terms) if doc.terms else None),
            tag("ram:DueDateDateTime", _day(doc.due_on) if doc.due_on else None),
        ),
        _sums(doc),
        tags(_preceding(one) for one in doc.preceding),
    )


def _group(group: VatGroup) -> Xml:
    return tag(
        "ram:ApplicableTradeTax",
        tag("ram:CalculatedAmount", amount_text(group.tax)),
        tag("ram:TypeCode", "VAT"),
        tag("ram:ExemptionReason", both(group.reason) if group.reason else None),
        tag("ram:BasisAmount", amount_text(group.base)),
        tag("ram:CategoryCode", group.category.value),
        tag("ram:ExemptionReasonCode", group.reason_code),
        _rate(group.category, group.rate),
    )


def _sums(doc: FiscalDoc) -> Xml:
    sums = doc.totals
    vat = [sums.tax, *([doc.vat_in] if doc.vat_in else [])]
    return tag(
        "ram:SpecifiedTradeSettlementHeaderMonetarySummation",
        tag("ram:LineTotalAmount", amount_text(sums.lines)),
        tag("ram:TaxBasisTotalAmount", amount_text(sums.without_tax)),
        tags(tag("ram:TaxTotalAmount", amount_text(one), currencyID=one.currency) for one in vat),
        tag("ram:RoundingAmount", _unless_zero(sums.rounding)),
        tag("ram:GrandTotalAmount", amount_text(sums.with_tax)),
        tag("ram:TotalPrepaidAmount", _unless_zero(sums.paid)),
        tag("ram:DuePayableAmount", amount_text(sums.due)),
    )


def _preceding(one: Preceding) -> Xml:
    day = tag("qdt:DateTimeString", one.issued_on.strftime("%Y%m%d"), format="102")
    return tag(
        "ram:InvoiceReferencedDocument",
        tag("ram:IssuerAssignedID", one.number),
        tag("ram:FormattedIssueDateTime", day),
    )


def _period(period: Period | None) -> Xml:
    if period is None:
        return Xml("")
    return tag(
        "ram:BillingSpecifiedPeriod",
        tag("ram:StartDateTime", _day(period.start)),
        tag("ram:EndDateTime", _day(period.end)),
    )


def _rate(category: Category, rate: Decimal) -> Xml:
    # Outside the scope of tax there is no rate, not even one of zero (BR-O-05).
    return tag("ram:RateApplicablePercent", None if category is Category.OUTSIDE else decimal_plain(rate))


def _day(on: date) -> Xml:
    return tag("udt:DateTimeString", on.strftime("%Y%m%d"), format="102")


def _unless_zero(amount: Money) -> str | None:
    return amount_text(amount) if amount.units else None
