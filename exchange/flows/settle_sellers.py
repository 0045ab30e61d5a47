"""One part of a settlement run: everything that some sellers sold, from usage to payable shares and invoices."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID

from compliance import store as audit
from compliance.entries import Entry
from exchange.access.grants import Grant
from exchange.access.store import grants
from exchange.catalog.store import listings
from exchange.flows.rate_usage import rate_usage
from exchange.flows.sale import Sale, Sales
from exchange.kernel import ids
from exchange.kernel.db import Tx
from exchange.kernel.money import Money
from settlement import postings
from settlement.accounts import wallet
from settlement.documents import Invoice, InvoiceLine, invoice_series, make_invoice, order_line
from settlement.journals import Journal, Posted
from settlement.orders import Order, Source
from settlement.runs import Charge, Due, Run, RunItem, covered
from settlement.splits import split
from settlement.store import documents, ledger, orders, runs


class NotPosted(AssertionError):
    """The ledger did not take a journal of a run: a defect, and nothing of this part is kept."""


@dataclass(slots=True)
class Books:
    """What one part of a run will write. `left` is what each buyer's wallet still holds."""

    left: dict[UUID, int]
    journals: list[Journal] = field(default_factory=list)
    unpaid: list[int] = field(default_factory=list)
    collected: list[tuple[UUID, int]] = field(default_factory=list)
    # Orders and charges whose shares become payable now.
    released: list[UUID] = field(default_factory=list)


async def settle_sellers(tx: Tx, sales: Sales, run: Run, items: Sequence[RunItem]) -> None:
    """Charge the use of these sellers' grants, collect what is owed, release shares, issue invoices."""
    sellers = [item.organisation_id for item in items]
    paid = await orders.paid_orders(tx, sellers, run.currency, run.period_end)
    fresh = [order for order, settled in paid if not settled]
    found, by_grant = await _grants(tx, sales, [order for order, _ in paid])
    charges, held = await rate_usage(tx, run, found, by_grant)
    await audit.append(tx, [_held(run, grant) for grant in held])
    dues = [due for _, due in await runs.open_dues(tx, sellers, run.currency)]
    buyers = {one.buyer_id for one in charges} | {one.buyer_id for one in dues}
    balances = await ledger.lock_balances(tx, [wallet(buyer, run.currency) for buyer in buyers])
    books = Books({key.organisation_id: units for key, units in balances.available.items() if key.organisation_id})
    _collect(tx, run, books, dues)
    parts = _charge(books, charges, by_grant)
    shares = await runs.pending_shares(tx, [one.id for one in fresh] + books.released)
    for source_id in (*(one.id for one in fresh), *books.released):
        journal = postings.release(source_id, parts.get(source_id) or shares.get(source_id, []))
        if journal.lines:
            books.journals.append(journal)
    results = await ledger.write(tx, books.journals, balances)
    if not all(isinstance(result, Posted) for result in results):
        raise NotPosted(str(next(result for result in results if not isinstance(result, Posted))))
    item_of = {item.organisation_id: item.id for item in items}
    await runs.insert_charges(tx, charges)
    await runs.insert_dues(tx, charges, books.unpaid)
    await runs.pay_dues(tx, books.collected)
    await orders.mark_settled(tx, [(one.id, item_of[one.seller_id]) for one in fresh])
    invoices = await _invoices(tx, run, fresh, charges)
    await documents.insert_invoices(tx, invoices)
    await audit.append(tx, [_entry(run, invoice) for invoice in invoices])


async def _grants(tx: Tx, sales: Sales, paid: Sequence[Order]) -> tuple[list[Grant], Mapping[UUID, Sale]]:
    """The grants that may still cost something, each with what was sold."""
    if not paid:
        return [], {}
    offers = await listings.load_offers(tx, [order.offer_id for order in paid])
    sold = {offer_id: sales.of(offer) for offer_id, offer in offers.items()}
    # A one-off price was paid with the order; such orders, and they are most, need no look at their use.
    running = [order.id for order in paid if _goes_on(sold[order.offer_id])]
    found = await grants.of_orders(tx, running) if running else []
    return found, {grant.id: sold[grant.offer_id] for grant in found}


def _goes_on(sale: Sale) -> bool:
    return any(one.meter is not None or one.period is not None for one in sale.plan.components)


def _collect(tx: Tx, run: Run, books: Books, dues: Sequence[Due]) -> None:
    """Take from the wallets what is still owed for earlier charges, the oldest first."""
    for due in dues:
        units = covered(due.unpaid_units, books.left[due.buyer_id])
        if units <= 0:
            continue
        books.left[due.buyer_id] -= units
        amount = Money(units, run.currency)
        books.journals.append(postings.collect(tx.new_id(), due.charge_id, due.buyer_id, amount))
        books.collected.append((due.charge_id, units))
        if units == due.unpaid_units:
            books.released.append(due.charge_id)


def _charge(
    books: Books, charges: Sequence[Charge], by_grant: Mapping[UUID, Sale]
) -> dict[UUID, list[tuple[UUID, Money]]]:
    """Book each charge from the wallet as far as it goes; the pending shares of those that are paid."""
    shares: dict[UUID, list[tuple[UUID, Money]]] = {}
    for charge in charges:
        parts = split(charge.amount, by_grant[charge.grant_id].shares)
        from_wallet = covered(charge.amount.units, books.left[charge.buyer_id])
        books.left[charge.buyer_id] -= from_wallet
        books.journals.append(postings.charge(charge.id, charge.buyer_id, from_wallet, charge.amount, parts))
        books.unpaid.append(charge.amount.units - from_wallet)
        if from_wallet == charge.amount.units:
            books.released.append(charge.id)
            accounts = [(postings.part_account(part), part.amount) for part in parts]
            shares[charge.id] = [
                (key.organisation_id, amount) for key, amount in accounts if key.organisation_id is not None
            ]
    return shares


async def _invoices(tx: Tx, run: Run, fresh: Sequence[Order], charges: Sequence[Charge]) -> list[Invoice]:
    """One invoice for each buyer of each seller, over the orders and charges of this run."""
    lines: dict[tuple[UUID, UUID], list[InvoiceLine]] = defaultdict(list)
    for order in fresh:
        if order.price.units:
            source = Source("order", order.id, order.buyer_id, order.seller_id, order.offer_id, order.price)
            lines[order.buyer_id, order.seller_id].append(order_line(source))
    for charge in charges:
        lines[charge.buyer_id, charge.seller_id].append(
            InvoiceLine("charge", charge.id, charge.explanation["text"], Decimal(charge.quantity), charge.amount)
        )
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
