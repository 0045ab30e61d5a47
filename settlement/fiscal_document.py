"""A fiscal document as canonical JSON, and back: the bytes are the fact, all other forms are made of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec

from exchange.kernel import ids
from exchange.kernel.canonical import canonical
from exchange.kernel.money import Money
from settlement.fiscal import (
    Category,
    DocKind,
    DocLine,
    DocTotals,
    FiscalDoc,
    LegalId,
    Note,
    Party,
    Period,
    Preceding,
    VatGroup,
    Writer,
    decimal_plain,
)

TYPE, VERSION = "fiscal_document", 2
_PREFIX = {"order": "ord", "charge": "chg", "refund": "rfd", "statement": "stm"}


class BadDocument(ValueError):
    """Bytes that are no fiscal document of a version that we know."""


def document_bytes(doc: FiscalDoc) -> bytes:
    """The canonical bytes of a document; `read_document` gives the same value back."""
    return canonical(
        {
            "type": TYPE,
            "v": VERSION,
            "id": ids.text("doc", doc.id),
            "kind": doc.kind.value,
            "writer": doc.writer.value,
            "series": doc.series,
            "number": str(doc.number),
            "name": doc.name,
            "issued_on": doc.issued_on.isoformat(),
            "currency": doc.currency,
            "seller": _party(doc.seller),
            "buyer": _party(doc.buyer),
            "lines": [_line(one) for one in doc.lines],
            "groups": [_group(one) for one in doc.groups],
            "totals": {name: getattr(doc.totals, name).to_wire()["amount"] for name in DocTotals.__slots__},
            "exact": doc.exact.to_wire()["amount"],
            "run": ids.text("run", doc.run_id) if doc.run_id else None,
            "due_on": _day(doc.due_on),
            "tax_point": _day(doc.tax_point),
            "period": _period(doc.period),
            "preceding": [
                {"id": ids.text("doc", one.id), "number": one.number, "issued_on": one.issued_on.isoformat()}
                for one in doc.preceding
            ],
            "notes": [{"text": dict(one.text), "subject": one.subject} for one in doc.notes],
            "terms": dict(doc.terms) if doc.terms else None,
            "order_reference": doc.order_reference,
            "vat_in": doc.vat_in.to_wire() if doc.vat_in else None,
            "agreement": ids.text("sba", doc.agreement_id) if doc.agreement_id else None,
        }
    )


def read_document(document: bytes) -> FiscalDoc:
    """The value whose bytes these are.

    errors   BadDocument
    """
    try:
        said = msgspec.json.decode(document)
        if said["type"] != TYPE or said["v"] != VERSION:
            raise BadDocument(f"{said['type']} v{said['v']}")
        return _read(said)
    except (KeyError, TypeError, ValueError, msgspec.DecodeError) as error:
        raise BadDocument(str(error)) from error


def _read(said: Mapping[str, Any]) -> FiscalDoc:
    currency = said["currency"]
    return FiscalDoc(
        id=ids.parse("doc", said["id"]),
        kind=DocKind(said["kind"]),
        writer=Writer(said["writer"]),
        series=said["series"],
        number=int(said["number"]),
        issued_on=date.fromisoformat(said["issued_on"]),
        currency=currency,
        seller=_read_party(said["seller"]),
        buyer=_read_party(said["buyer"]),
        lines=tuple(_read_line(one, currency) for one in said["lines"]),
        groups=tuple(_read_group(one, currency) for one in said["groups"]),
        totals=DocTotals(**{name: _money(said["totals"][name], currency) for name in DocTotals.__slots__}),
        exact=_money(said["exact"], currency),
        run_id=ids.parse("run", said["run"]) if said["run"] else None,
        due_on=_read_day(said["due_on"]),
        tax_point=_read_day(said["tax_point"]),
        period=_read_period(said["period"]),
        preceding=tuple(
            Preceding(ids.parse("doc", one["id"]), one["number"], date.fromisoformat(one["issued_on"]))
            for one in said["preceding"]
        ),
        notes=tuple(Note(one["text"], one["subject"]) for one in said["notes"]),
        terms=said["terms"],
        order_reference=said["order_reference"],
        vat_in=Money.from_wire(said["vat_in"]) if said["vat_in"] else None,
        agreement_id=ids.parse("sba", said["agreement"]) if said["agreement"] else None,
    )


def _party(party: Party) -> dict[str, Any]:
    return {
        "organisation": ids.text("org", party.organisation_id),
        "legal_name": dict(party.legal_name),
        "language": party.language,
        "address": list(party.address),
        "city": party.city,
        "postcode": party.postcode,
        "subdivision": party.subdivision,
        "country": party.country,
        "vat_id": party.vat_id,
        "tax_id": party.tax_id,
        "legal_id": {"value": party.legal_id.value, "scheme": party.legal_id.scheme} if party.legal_id else None,
        "profile_version": party.profile_version,
    }


def _read_party(said: Mapping[str, Any]) -> Party:
    legal = said["legal_id"]
    return Party(
        ids.parse("org", said["organisation"]), said["legal_name"], said["language"], tuple(said["address"]),
        said["city"], said["postcode"], said["subdivision"], said["country"], said["vat_id"], said["tax_id"],
        LegalId(legal["value"], legal["scheme"]) if legal else None, said["profile_version"],
    )  # fmt: skip


def _line(line: DocLine) -> dict[str, Any]:
    kind, source = line.source
    return {
        "number": line.number,
        "source": ids.text(_PREFIX[kind], source),
        "name": dict(line.name),
        "description": dict(line.description) if line.description else None,
        "quantity": decimal_plain(line.quantity),
        "unit": line.unit,
        "price": decimal_plain(line.price),
        "net": line.net.to_wire()["amount"],
        "exact": line.exact.to_wire()["amount"],
        "category": line.category.value,
        "rate": decimal_plain(line.rate),
        "period": _period(line.period),
    }


_KINDS = {prefix: kind for kind, prefix in _PREFIX.items()}


def _read_line(said: Mapping[str, Any], currency: str) -> DocLine:
    prefix = said["source"].partition("_")[0]
    return DocLine(
        number=said["number"],
        source=(_KINDS[prefix], ids.parse(prefix, said["source"])),
        name=said["name"],
        quantity=Decimal(said["quantity"]),
        price=Decimal(said["price"]),
        net=_money(said["net"], currency),
        exact=_money(said["exact"], currency),
        category=Category(said["category"]),
        rate=Decimal(said["rate"]),
        description=said["description"],
        unit=said["unit"],
        period=_read_period(said["period"]),
    )


def _group(group: VatGroup) -> dict[str, Any]:
    return {
        "category": group.category.value,
        "rate": decimal_plain(group.rate),
        "base": group.base.to_wire()["amount"],
        "tax": group.tax.to_wire()["amount"],
        "exact": group.exact.to_wire()["amount"],
        "reason": dict(group.reason) if group.reason else None,
        "reason_code": group.reason_code,
    }


def _read_group(said: Mapping[str, Any], currency: str) -> VatGroup:
    base, tax, exact = (_money(said[name], currency) for name in ("base", "tax", "exact"))
    return VatGroup(
        Category(said["category"]), Decimal(said["rate"]), base, tax, exact, said["reason"], said["reason_code"]
    )


def _period(period: Period | None) -> dict[str, str] | None:
    return {"start": period.start.isoformat(), "end": period.end.isoformat()} if period else None


def _read_period(said: Mapping[str, str] | None) -> Period | None:
    return Period(date.fromisoformat(said["start"]), date.fromisoformat(said["end"])) if said else None


def _day(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _read_day(said: str | None) -> date | None:
    return date.fromisoformat(said) if said else None


def _money(amount: str, currency: str) -> Money:
    return Money.from_wire({"amount": amount, "currency": currency})
