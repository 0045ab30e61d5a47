"""A yearly report of sellers as DPI XML, the form in which DAC7 is reported; national offices narrow it further.

source   OECD, Model Rules for Reporting by Digital Platform Operators: XML Schema (2022-03-29); the order of elements as
         in France's DPIXML v1.1 (Cahier des charges DPI-DAC7, version 1.6, November 2025)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum
from typing import Any

from settlement.en16931.xml import Xml, tag, tags, whole
from settlement.seller_reports import EUROPE, QUARTERS

_NAMESPACES = {"xmlns:dpi": "urn:oecd:ties:dpi", "xmlns:stf": "urn:oecd:ties:dpistf", "version": "1.0"}


class Activity(StrEnum):
    """What the operator holds the sale of data for; DAC7 knows no other that could fit."""

    SERVICES = "PersonalServices"
    GOODS = "SaleOfGoods"


@dataclass(frozen=True, slots=True)
class Filing:
    """What the operator says beside the report: where it files, why there, and the message's own number there."""

    country: str
    nexus: str
    activity: Activity
    message: str
    made_at: str


def dpi(document: Mapping[str, Any], filing: Filing, *, corrected: bool) -> bytes | None:
    """The message about new sellers, or the one that corrects earlier ones: the two may not be mixed; None where it is empty.

    Only sellers of the European Union are reported.
    """
    wanted = "corrected" if corrected else "new"
    sellers = [one for one in document["sellers"] if one["state"] == wanted and one["who"]["country"] in EUROPE]
    if not sellers:
        return None
    year = document["period"]
    head = tag(
        "dpi:MessageSpec",
        tag("dpi:TransmittingCountry", filing.country),
        tag("dpi:ReceivingCountry", filing.country),
        tag("dpi:MessageType", "DPI"),
        tag("dpi:MessageRefId", filing.message),
        tag("dpi:MessageTypeIndic", "DPI402" if corrected else "DPI401"),
        tag("dpi:ReportingPeriod", f"{year}-12-31"),
        tag("dpi:Timestamp", filing.made_at),
    )
    body = tag(
        "dpi:DPIBody",
        _operator(document, filing),
        tags(_seller(one, document, filing) for one in sellers),
    )
    return whole("dpi:DPI_OECD", _NAMESPACES, head, body)


def _operator(document: Mapping[str, Any], filing: Filing) -> Xml:
    who = document["operator"]
    first = document["number"] == 1
    return tag(
        "dpi:PlatformOperator",
        tag("dpi:ResCountryCode", who["country"]),
        _tin(who),
        tag("dpi:Name", who["name"]),
        tag("dpi:PlatformBusinessName", who["name"]),
        _address(who),
        tag("dpi:Nexus", filing.nexus),
        tag("dpi:AssumedReporting", "false"),
        _spec("OECD1" if first else "OECD0", _ref(document, filing, "operator", 1), None),
    )


def _seller(one: Mapping[str, Any], document: Mapping[str, Any], filing: Filing) -> Xml:
    who, name = one["who"], one["organisation"]
    old = None if one["corrects"] is None else _ref(document, filing, name, one["corrects"])
    return tag(
        "dpi:ReportableSeller",
        tag(
            "dpi:Identity",
            tag(
                "dpi:EntitySeller",
                tag(
                    "dpi:Standard",
                    tag(
                        "dpi:EntSellerID",
                        tag("dpi:ResCountryCode", who["country"]),
                        _tin(who),
                        tag("dpi:Name", who["name"]),
                        _address(who),
                    ),
                ),
            ),
        ),
        tag("dpi:RelevantActivities", tag(f"dpi:{filing.activity.value}", *_sums(one, document["currency"]))),
        _spec("OECD1" if old is None else "OECD2", _ref(document, filing, name, one["ref"]), old),
    )


def _sums(one: Mapping[str, Any], currency: str) -> tuple[Xml, ...]:
    by = {quarter["quarter"]: quarter for quarter in one["quarters"]}
    numbers = range(1, QUARTERS + 1)

    def amounts(element: str, short: str, name: str) -> Xml:
        said = (tag(f"dpi:{short}Q{n}", _coins(by, n, name), currCode=currency) for n in numbers)
        return tag(f"dpi:{element}", *said)

    counts = (tag(f"dpi:NumbQ{n}", str(by[n]["activities"] if n in by else 0)) for n in numbers)
    return (
        amounts("Consideration", "Cons", "net"),
        tag("dpi:NumberOfActivities", *counts),
        amounts("Fees", "Fees", "fees"),
        amounts("Taxes", "Taxes", "withheld"),
    )


def _coins(by: Mapping[int, Mapping[str, Any]], quarter: int, name: str) -> str:
    # The form takes whole units and none below zero; the report itself has the exact sum.
    amount = Decimal(by[quarter][name]) if quarter in by else Decimal(0)
    return str(max(amount.quantize(Decimal(1), ROUND_HALF_EVEN), Decimal(0)))


def _tin(who: Mapping[str, Any]) -> Xml:
    number = who.get("number")
    if not number:
        return tag("dpi:TIN", "NOTIN", unknown="true")
    return tag("dpi:TIN", number, issuedBy=who["country"])


def _address(who: Mapping[str, Any]) -> Xml:
    free = ", ".join(filter(None, (*who["address"], who["postcode"], who["city"]))) or who["country"]
    return tag("dpi:Address", tag("dpi:CountryCode", who["country"]), tag("dpi:AddressFree", free))


def _spec(indic: str, ref: str, old: str | None) -> Xml:
    corrects = tag("stf:CorrDocRefId", old) if old else None
    return tag("dpi:DocSpec", tag("stf:DocTypeIndic", indic), tag("stf:DocRefId", ref), corrects)


def _ref(document: Mapping[str, Any], filing: Filing, name: str, number: int) -> str:
    return f"{filing.country}{document['period']}{document['currency']}-{name}-{number}"
