"""Invoices and statements: what is handed out as canonical bytes, with the arithmetic in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from types import MappingProxyType
from typing import Any
from uuid import UUID

import msgspec

from exchange.kernel import ids
from exchange.kernel.canonical import canonical, canonical_part, sha256
from exchange.kernel.money import Money, allocate_units, decimal_text
from exchange.kernel.text import LocaleMap
from settlement import postings
from settlement.conversion import CONVERSION
from settlement.orders import Order, Source
from settlement.refunds import REASONS, GivenBack, Refund
from settlement.runs import Charge, Run
from settlement.splits import Role, Share, explain, ordered
from settlement.statement_totals import VERSION, Entry, Totals, totals

_PREFIX = {"order": "ord", "charge": "chg", "refund": "rfd"}
_NOTHING: Mapping[Any, Any] = MappingProxyType({})
# Since fiscal documents are issued beside it; those from before that have no notice.
_NOTICE: LocaleMap = {
    "en": "What a settlement run charges between these two, to the millionth. The invoice for tax is the fiscal document.",
    "zh": "本单为结算批次在双方之间的明细，精确到百万分之一；税务账单以财税单据为准。",
}
_DIVIDED_KEPT_MAX = 50_000


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """One order or charge on an invoice, without its tax; or the tax on all of one treatment.

    shapes   tax: the treatment, None where there is none; corrects: the id, as text, of what a correction corrects
    units    `taxed` is what a tax line's tax was worked out on
    """

    source_kind: str
    source_id: UUID
    description: LocaleMap
    quantity: Decimal
    amount: Money
    tax: Mapping[str, Any] | None = None
    corrects: str | None = None
    taxed: Money | None = None


@dataclass(frozen=True, slots=True)
class Invoice:
    """What one buyer owes or paid one seller for one run; numbers have no gap in a series."""

    id: UUID
    run_id: UUID
    series: str
    number: int
    buyer_id: UUID
    seller_id: UUID
    period_start: datetime
    period_end: datetime
    total: Money
    lines: tuple[InvoiceLine, ...]
    document: bytes
    sha256: bytes
    issued_at: datetime


@dataclass(frozen=True, slots=True)
class Earlier:
    """An invoice that was issued before, as a correction of it names it."""

    id: UUID
    series: str
    number: int
    issued_at: datetime

    def reference(self) -> dict[str, str]:
        """How a later invoice refers to it."""
        return {
            "invoice": ids.text("inv", self.id),
            "series": self.series,
            "number": str(self.number),
            "issued_at": _instant(self.issued_at),
        }


@dataclass(frozen=True, slots=True)
class Statement:
    """What happened on a payee's account, each amount with the sum it came from."""

    id: UUID
    run_id: UUID
    organisation_id: UUID
    currency: str
    number: int
    period_start: datetime
    period_end: datetime
    totals: Totals
    entries: tuple[Entry, ...]
    document: bytes
    sha256: bytes
    issued_at: datetime


def invoice_series(seller_id: UUID, year: int) -> str:
    """The number series of a seller's invoices in a year."""
    return f"{ids.text('org', seller_id)}/{year}"


def order_line(order: Order) -> InvoiceLine:
    """The invoice line of an order."""
    name = ids.text("ord", order.id)
    description = {"en": f"Order {name}", "zh": f"订单 {name}"}
    return InvoiceLine("order", order.id, description, Decimal(1), order.net, order.tax)


def charge_line(charge: Charge) -> InvoiceLine:
    """The invoice line of a charge."""
    corrects = None
    if charge.corrects is not None:
        corrects = ids.text("ord" if charge.corrects == charge.order_id else "chg", charge.corrects)
    text, quantity = charge.explanation["text"], Decimal(charge.quantity)
    return InvoiceLine("charge", charge.id, text, quantity, charge.net, charge.tax, corrects)


def refund_line(refund: Refund, tax: Mapping[str, Any] | None) -> InvoiceLine:
    """The invoice line of a refund: below zero, without its tax, naming what it takes back.

    shapes   tax: how what it takes back was taxed, None where it was not
    """
    of = ids.text(_PREFIX[refund.source_kind], refund.source_id)
    why = REASONS[refund.reason]
    description = {"en": f"Refund for {of}: {why['en']}", "zh": f"{of} 退款：{why['zh']}"}
    return InvoiceLine("refund", refund.id, description, Decimal(1), -refund.net, tax, of)


def tax_lines(taxes: Sequence[tuple[Mapping[str, Any], Money, Money]], new_id: Callable[[], UUID]) -> list[InvoiceLine]:
    """One line for each treatment: the sum of the taxes that were worked out on each order and charge.

    shapes   (treatment, net, tax) of each order and charge -> lines in the order in which treatments first come
    """
    sums: dict[bytes, tuple[Mapping[str, Any], Money, Money]] = {}
    for treatment, net, tax in taxes:
        key = canonical(dict(treatment))
        before = sums.get(key)
        sums[key] = (treatment, net, tax) if before is None else (treatment, before[1] + net, before[2] + tax)
    return [
        InvoiceLine("tax", new_id(), _tax_words(treatment, net, tax), Decimal(1), tax, treatment, None, net)
        for treatment, net, tax in sums.values()
    ]


def tax_document(line: InvoiceLine) -> dict[str, Any]:
    """A tax line as invoices and drafts show it: the treatment, what was taxed, and how much tax."""
    taxed = line.taxed or Money.zero(line.amount.currency)
    return {
        **dict(line.tax or {}),
        "description": dict(line.description),
        "taxable": taxed.to_wire(),
        "amount": line.amount.to_wire(),
    }


def make_invoice(
    invoice_id: UUID,
    run: Run,
    parties: tuple[UUID, UUID],
    series: str,
    number: int,
    lines: Sequence[InvoiceLine],
    at: datetime,
    earlier: Mapping[str, Earlier] = _NOTHING,
) -> Invoice:
    """Write an invoice from its lines; below zero it is a credit note. Tax stands in lines of its own.

    One that only corrects what earlier invoices showed is a corrective invoice. Earlier ones are referred to, and stay.

    shapes   parties = (buyer, seller); lines in the order given, those of tax last; earlier: by what lines say they correct,
             the invoice that it stands on, where it stands on one
    errors   CurrencyMismatch for a line of another currency
    """
    buyer_id, seller_id = parties
    total = sum((line.amount for line in lines), Money.zero(run.currency))
    sold = [line for line in lines if line.source_kind != "tax"]
    corrected = {one.id: one for line in sold if line.corrects and (one := earlier.get(line.corrects)) is not None}
    document = canonical(
        {
            "type": _invoice_type(total, sold),
            "v": 1,
            "id": ids.text("inv", invoice_id),
            "series": series,
            "number": str(number),
            "buyer": ids.text("org", buyer_id),
            "seller": ids.text("org", seller_id),
            "run": ids.text("run", run.id),
            "period": _period(run),
            "issued_at": _instant(at),
            "notice": _NOTICE,
            **({"corrects": [corrected[one].reference() for one in sorted(corrected)]} if corrected else {}),
            "lines": [_invoice_line(position, line, earlier) for position, line in enumerate(sold, 1)],
            "net": sum((line.amount for line in sold), Money.zero(run.currency)).to_wire(),
            "tax": [
                {"line": position} | tax_document(line)
                for position, line in enumerate(lines[len(sold) :], len(sold) + 1)
            ],
            "total": total.to_wire(),
        }
    )
    return Invoice(
        invoice_id, run.id, series, number, buyer_id, seller_id, run.period_start, run.period_end, total,
        tuple(lines), document, sha256(document), at,
    )  # fmt: skip


def make_statement(
    statement_id: UUID,
    run: Run,
    payee_id: UUID,
    chain: tuple[int, int],
    entries: Sequence[Entry],
    divided: Divided,
    at: datetime,
    backs: Mapping[UUID, GivenBack] = _NOTHING,
    whole: Mapping[UUID, int] = _NOTHING,
    shown: Mapping[tuple[str, UUID], Mapping[str, Any]] = _NOTHING,
    rules: Mapping[str, Mapping[str, str]] = _NOTHING,
) -> Statement:
    """Write a payee's statement; every line shows what its amount is worked out from (recompute_statement.py does it).

    shapes   chain = (closing of the statement before, number of this one); backs by refund; whole as for `totals`; shown: what else lines show, by kind and source; rules: the split rules that they name
    """
    opening, number = chain
    sums = totals(payee_id, opening, entries, divided.sources, whole)
    money = {**sums.said(), "closing": sums.closing}
    document = canonical(
        {
            "type": "statement",
            "v": VERSION,
            "id": ids.text("stm", statement_id),
            "organisation": ids.text("org", payee_id),
            "number": str(number),
            "run": ids.text("run", run.id),
            "period": _period(run),
            "issued_at": _instant(at),
            "currency": run.currency,
            "totals": {name: Money(units, run.currency).to_wire() for name, units in money.items()},
            "lines": [
                # Written at once: a line's values take several times the room of its bytes.
                canonical_part(
                    {
                        **_statement_line(payee_id, run.currency, entry, divided),
                        **_went_back(payee_id, run.currency, entry, backs, whole),
                        **shown.get((entry.kind, entry.source_id), _NOTHING),
                    }
                )
                for entry in entries
            ],
            **({"rules": {name: dict(rule) for name, rule in rules.items()}} if rules else {}),
        }
    )
    return Statement(
        statement_id, run.id, payee_id, run.currency, number, run.period_start, run.period_end, sums,
        tuple(entries), document, sha256(document), at,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Weights:
    """The shares of one offer as lines show them, and where each payee stands among them."""

    fixed: Sequence[Share]
    weights: Sequence[int]
    whole: int
    shown: msgspec.Raw
    places: Mapping[UUID | None, Sequence[int]]


class Divided:
    """How orders and charges were divided, worked out once for all their payees of a part of a run."""

    def __init__(self, sources: Mapping[UUID, Source], shares: Mapping[UUID, Sequence[Share]]) -> None:
        """Keep the sources, and the shares of each that has some."""
        self.sources, self._shares = sources, shares
        # All sales of an offer have the very same shares; they are kept alive above.
        self._offers: dict[int, _Weights] = {}
        self._known: dict[UUID, tuple[dict[str, Any], _Weights, Sequence[int]]] = {}

    def line(self, source: Source, payee_id: UUID) -> dict[str, Any]:
        """What a payee's line shows of it: the whole, all weights, and which of the parts are the payee's."""
        known = self._known.get(source.id)
        if known is None:
            if len(self._known) >= _DIVIDED_KEPT_MAX:
                self._known.clear()
            known = self._known[source.id] = self._divide(source)
        common, offer, units = known
        mine = offer.places.get(payee_id, ())
        return {
            **common,
            "own": [str(n) for n in mine],
            "sold_by_you": source.seller_id == payee_id,
            "explain": [_explained(source.gross, offer, n, units[n]) for n in mine],
        }

    def _divide(self, source: Source) -> tuple[dict[str, Any], _Weights, Sequence[int]]:
        shares = self._shares.get(source.id, ())
        offer = self._offers.get(id(shares))
        if offer is None:
            offer = self._offers[id(shares)] = _weights(shares)
        common = {
            "source": ids.text(_PREFIX[source.kind], source.id),
            "gross": source.gross.to_wire(),
            "shares": offer.shown,
        }
        return common, offer, allocate_units(source.gross.units, offer.weights) if shares else ()


def _weights(shares: Sequence[Share]) -> _Weights:
    fixed = ordered(shares) if shares else ()
    places: dict[UUID | None, list[int]] = {}
    for n, share in enumerate(fixed):
        if share.role not in (Role.PLATFORM, Role.TAX):
            places.setdefault(share.organisation_id, []).append(n)
    shown = canonical_part([{"role": share.role.value, "weight": share.weight} for share in fixed])
    weights = [share.weight for share in fixed]
    return _Weights(fixed, weights, sum(weights), shown, places)


def _explained(gross: Money, offer: _Weights, n: int, units: int) -> dict[str, Any]:
    share = offer.fixed[n]
    return {"role": share.role.value, "text": explain(share, offer.whole, units, gross)}


def _statement_line(payee_id: UUID, currency: str, entry: Entry, divided: Divided) -> dict[str, Any]:
    line: dict[str, Any] = {
        "journal": ids.text("jnl", entry.journal_id),
        "kind": entry.kind,
        "amount": {"amount": decimal_text(entry.amount), "currency": currency},
        "at": _instant(entry.effective_at),
    }
    source = divided.sources.get(entry.source_id)
    if entry.kind == postings.RELEASE and source is not None:
        line.update(divided.line(source, payee_id))
    elif entry.kind == postings.SERVICE_CREDIT:
        line["source"] = ids.text("crd", entry.source_id)
    elif entry.kind == CONVERSION:
        line["source"] = ids.text("cnv", entry.source_id)
    elif entry.kind.startswith("payout") or entry.kind == postings.NETTING:
        line["source"] = ids.text("pot", entry.source_id)
    return line


def _went_back(
    payee_id: UUID, currency: str, entry: Entry, backs: Mapping[UUID, GivenBack], whole: Mapping[UUID, int]
) -> dict[str, Any]:
    """What a line says of refunds: how a payee's part of one comes about, or what of a share went back before its release."""
    if entry.kind == postings.REFUND:
        back = backs.get(entry.source_id)
        return {"source": ids.text("rfd", entry.source_id)} if back is None else back.line(payee_id, entry.amount)
    if entry.kind == postings.RELEASE and whole.get(entry.source_id, entry.amount) != entry.amount:
        share = whole[entry.source_id]
        said = {"share": share, "refunded": share - entry.amount}
        return {name: Money(units, currency).to_wire() for name, units in said.items()}
    return {}


def _invoice_type(total: Money, sold: Sequence[InvoiceLine]) -> str:
    if total.units < 0:
        return "credit-note"
    return "corrective-invoice" if sold and all(line.corrects for line in sold) else "invoice"


def _invoice_line(position: int, line: InvoiceLine, earlier: Mapping[str, Earlier]) -> dict[str, Any]:
    on = earlier.get(line.corrects) if line.corrects else None
    return {
        "line": position,
        "kind": line.source_kind,
        "source": ids.text(_PREFIX[line.source_kind], line.source_id),
        "description": dict(line.description),
        "quantity": format(line.quantity.normalize(), "f"),
        "amount": line.amount.to_wire(),
        **({} if line.corrects is None else {"corrects": line.corrects}),
        **({} if on is None else {"corrects_invoice": ids.text("inv", on.id)}),
        **({} if line.tax is None else {"tax": {name: line.tax[name] for name in ("code", "rate", "country")}}),
    }


def _tax_words(treatment: Mapping[str, Any], net: Money, tax: Money) -> LocaleMap:
    """What tax of which rate on which sum; the arithmetic of each amount stands on its order or charge."""
    name, note = treatment["name"], treatment["note"]
    return {
        "en": f"{name['en']} ({treatment['country']}) on {net}: {tax}. {note['en']}",
        "zh": f"{name['zh']}（{treatment['country']}），计税金额 {net}：{tax}。{note['zh']}",
    }


def _period(run: Run) -> dict[str, str]:
    return {"starts_at": _instant(run.period_start), "ends_at": _instant(run.period_end)}


# All lines of a run have a few moments between them.
@lru_cache(maxsize=4_096)
def _instant(at: datetime) -> str:
    return at.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
