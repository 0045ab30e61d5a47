"""One part of a settlement run: everything that some sellers sold, from usage to payable shares and invoices."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from compliance import store as audit
from compliance.entries import Entry
from exchange.access.grants import Grant
from exchange.access.store import grants
from exchange.catalog.store import listings
from exchange.flows.milestones import free_escrow
from exchange.flows.rate_usage import Sold, rate_usage
from exchange.flows.sale import Sale, Sales
from exchange.flows.settle_accepted import accepted_sources, within_paid
from exchange.kernel import ids
from exchange.kernel.db import Tx
from exchange.kernel.money import Money
from settlement import postings
from settlement.accounts import wallet
from settlement.documents import (
    Invoice,
    InvoiceLine,
    charge_line,
    invoice_series,
    make_invoice,
    order_line,
    refund_line,
    tax_lines,
)
from settlement.journals import Journal, Posted
from settlement.orders import Order
from settlement.refunds import Refund
from settlement.runs import Charge, Due, Run, RunItem, covered, releasable
from settlement.store import documents, ledger, orders, refunds, runs


class NotPosted(AssertionError):
    """The ledger did not take a journal of a run: a defect, and nothing of this part is kept."""


@dataclass(slots=True)
class Books:
    """What one part of a run will write. `left` is what each buyer's wallet still holds."""

    left: dict[UUID, int]
    journals: list[Journal] = field(default_factory=list)
    unpaid: list[int] = field(default_factory=list)
    # What was collected for older charges; nothing for those whose shares are only released.
    collected: dict[UUID, int] = field(default_factory=dict)
    # Charges whose shares become payable now.
    released: list[UUID] = field(default_factory=list)
    # All charges whose shares were not released before this run: (buyer, seller) -> charges, the oldest first.
    waiting: dict[tuple[UUID, UUID], list[Due]] = field(default_factory=lambda: defaultdict(list))


async def settle_sellers(tx: Tx, sales: Sales, run: Run, items: Sequence[RunItem]) -> frozenset[UUID]:
    """Charge the use of these sellers' grants, collect what is owed, release shares, issue invoices.

    shapes   -> the orders and charges that are accepted and paid: what waits for a split rule of theirs may be split
    """
    sellers = [item.organisation_id for item in items]
    paid = await orders.paid_orders(tx, sellers, run.currency, run.period_end)
    fresh = [order for order, settled in paid if not settled]
    accepted = await accepted_sources(tx, run, sellers, [order for order, _ in paid])
    sold = await sold_with(tx, sales, [order for order, _ in paid if order.id not in accepted.gone_back])
    by_grant = {one.grant.id: one.sale for one in sold}
    charges, held = await within_paid(tx, *await rate_usage(tx, run, sold))
    await audit.append(tx, [_held(run, grant) for grant in held])
    await free_escrow(tx, [(one.order_id, one.component) for one in charges if _escrowed(one, by_grant)])
    # What is given back comes first, so that it pays for what is due.
    charges.sort(key=lambda one: one.amount.units > 0)
    dues = await runs.open_dues(tx, sellers, run.currency)
    buyers = {one.buyer_id for one in charges} | {one.buyer_id for one in dues}
    balances = await ledger.lock_balances(tx, [wallet(buyer, run.currency) for buyer in buyers])
    books = Books({key.organisation_id: units for key, units in balances.available.items() if key.organisation_id})
    given_back = [one for one in charges if one.amount.units < 0]
    parts = _charge(books, given_back, by_grant)
    _collect(tx, run, books, dues)
    parts |= _charge(books, charges[len(given_back) :], by_grant)
    _release(books, dues, accepted.held)
    shares = await runs.pending_shares(tx, [*accepted.orders, *books.released])
    for source_id in (*accepted.orders, *books.released):
        journal = postings.release(source_id, parts.get(source_id) or shares.get(source_id, []))
        if journal.lines:
            books.journals.append(journal)
    results = await ledger.write(tx, books.journals, balances)
    if not all(isinstance(result, Posted) for result in results):
        raise NotPosted(str(next(result for result in results if not isinstance(result, Posted))))
    item_of = {item.organisation_id: item.id for item in items}
    await runs.insert_charges(tx, charges)
    await runs.insert_dues(tx, charges, books.unpaid, set(books.released))
    await runs.pay_dues(tx, books.collected, set(books.released))
    await orders.mark_settled(tx, [(one.id, item_of[one.seller_id]) for one in fresh])
    invoices = await _invoices(
        tx, run, fresh, charges, await refunds.to_invoice(tx, sellers, run.currency, run.period_end)
    )
    await documents.insert_invoices(tx, invoices)
    await audit.append(tx, [_entry(run, invoice) for invoice in invoices])
    return frozenset((*accepted.orders, *books.released))


def _escrowed(charge: Charge, by_grant: Mapping[UUID, Sale]) -> bool:
    model = by_grant[charge.grant_id].plan.milestones.get(charge.component)
    return model is not None and model.escrow


async def sold_with(tx: Tx, sales: Sales, paid: Sequence[Order]) -> list[Sold]:
    """The grants of orders that may still cost something, each with what was sold."""
    if not paid:
        return []
    offers = await listings.load_offers(tx, list({order.offer_id for order in paid}))
    by_order = {order.id: (order, sales.sold(offers[order.offer_id], order)) for order in paid}
    # A one-off price was paid with the order; such orders, and they are most, need no look at their use.
    running = [order_id for order_id, (_, sale) in by_order.items() if goes_on(sale)]
    found = await grants.of_orders(tx, running) if running else []
    return [Sold(grant, *by_order[grant.order_id]) for grant in found]


def goes_on(sale: Sale) -> bool:
    """Whether what was sold may still cost something after the order: it charges by time, by use, or asks for a minimum."""
    plan = sale.plan
    if plan.trial_days or any(one.minima for one in plan.by_cadence.values()):
        return True
    return any(one.meter is not None or one.period is not None for one in plan.components)


def _collect(tx: Tx, run: Run, books: Books, dues: Sequence[Due]) -> None:
    """Take from the wallets what is still owed for earlier charges, the oldest first."""
    for due in dues:
        units = covered(due.unpaid_units, books.left[due.buyer_id])
        left = replace(due, unpaid_units=due.unpaid_units - units)
        books.waiting[due.buyer_id, due.seller_id].append(left)
        if not units:
            continue
        books.left[due.buyer_id] -= units
        amount = Money(units, run.currency)
        books.journals.append(postings.collect(tx.new_id(), due.charge_id, due.buyer_id, amount))
        books.collected[due.charge_id] = units


def _charge(
    books: Books, charges: Sequence[Charge], by_grant: Mapping[UUID, Sale]
) -> dict[UUID, list[tuple[UUID, Money]]]:
    """Book each charge from the wallet as far as it goes; the pending shares of each."""
    shares: dict[UUID, list[tuple[UUID, Money]]] = {}
    for charge in charges:
        parts = by_grant[charge.grant_id].parts_of(charge.net, charge.tax_money)
        from_wallet = covered(charge.amount.units, books.left[charge.buyer_id])
        books.left[charge.buyer_id] -= from_wallet
        books.journals.append(postings.charge(charge.id, charge.buyer_id, from_wallet, charge.amount, parts))
        unpaid = charge.amount.units - from_wallet
        books.unpaid.append(unpaid)
        due = Due(charge.id, charge.buyer_id, charge.seller_id, unpaid, charge.amount.units, charge.order_id)
        books.waiting[charge.buyer_id, charge.seller_id].append(due)
        accounts = [(postings.part_account(part), part.amount) for part in parts]
        shares[charge.id] = [
            (key.organisation_id, amount) for key, amount in accounts if key.organisation_id is not None
        ]
    return shares


def _release(books: Books, dues: Sequence[Due], held: frozenset[UUID]) -> None:
    """Make payable what each buyer really paid each seller, all their charges seen together; what is on hold waits."""
    older = {due.charge_id for due in dues}
    for waiting in books.waiting.values():
        for one in releasable(sorted(waiting, key=lambda due: due.charge_id), held):
            books.released.append(one.charge_id)
            if one.charge_id in older:
                books.collected.setdefault(one.charge_id, 0)


async def _invoices(
    tx: Tx,
    run: Run,
    fresh: Sequence[Order],
    charges: Sequence[Charge],
    backs: Sequence[tuple[Refund, Mapping[str, Any] | None]],
) -> list[Invoice]:
    """One invoice for each buyer of each seller, over the orders and charges of this run, and what went back since."""
    lines: dict[tuple[UUID, UUID], list[InvoiceLine]] = defaultdict(list)
    taxes: dict[tuple[UUID, UUID], list[tuple[Mapping[str, Any], Money, Money]]] = defaultdict(list)
    for order in fresh:
        if order.price.units:
            lines[order.buyer_id, order.seller_id].append(order_line(order))
    for charge in charges:
        lines[charge.buyer_id, charge.seller_id].append(charge_line(charge))
    sources: list[Order | Charge] = [*(order for order in fresh if order.price.units), *charges]
    for one in sources:
        if one.tax is not None:
            taxes[one.buyer_id, one.seller_id].append((one.tax, one.net, one.tax_money))
    for back, tax in backs:
        lines[back.buyer_id, back.seller_id].append(refund_line(back, tax))
        if tax is not None:
            taxed = (tax, -back.net, Money(-back.tax_units, run.currency))
            taxes[back.buyer_id, back.seller_id].append(taxed)
    for pair, found in taxes.items():
        lines[pair] += tax_lines(found, tx.new_id)
    parties = sorted(lines)
    series = [invoice_series(seller, tx.now.year) for _, seller in parties]
    numbers = await documents.take_numbers(tx, series) if series else []
    return [
        make_invoice(tx.new_id(), run, pair, name, number, lines[pair], tx.now)
        for pair, name, number in zip(parties, series, numbers, strict=True)
    ]


def _held(run: Run, grant: Grant) -> Entry:
    return Entry(
        action="settlement.held",
        organisation_id=None,
        object_id=ids.text("grt", grant.id),
        concerns=(grant.seller_id, grant.buyer_id),
        object_version=ids.text("run", run.id),
    )


def _entry(run: Run, invoice: Invoice) -> Entry:
    return Entry(
        action="settlement.invoice",
        organisation_id=None,
        object_id=ids.text("inv", invoice.id),
        digests={"invoice": invoice.sha256},
        concerns=(invoice.seller_id, invoice.buyer_id),
        object_version=ids.text("run", run.id),
    )
