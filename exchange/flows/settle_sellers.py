"""One part of a settlement run: everything that some sellers sold, from usage to payable shares and invoices."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import count
from typing import Any
from uuid import UUID

from compliance.entries import Entry
from exchange.access.grants import Grant
from exchange.flows.apply_split_rules import split_sales
from exchange.flows.bill_sales import Backs, bill_sales
from exchange.flows.dispute_stops import hold_released
from exchange.flows.milestones import free_escrow
from exchange.flows.sale import Sales
from exchange.flows.settle_books import Books, Rated, charges_of, escrowed, keep_books, rate_sellers, release_shares
from exchange.kernel import ids
from exchange.kernel.db import TryAgain, Tx
from exchange.kernel.money import Money
from settlement.accounts import wallet
from settlement.documents import (
    Earlier,
    Invoice,
    InvoiceLine,
    charge_line,
    invoice_series,
    make_invoice,
    order_line,
    refund_line,
    tax_lines,
)
from settlement.journals import Posted
from settlement.orders import Order
from settlement.refunds import Refund
from settlement.runs import Charge, Run, RunItem, Side
from settlement.store import documents, ledger, orders, refunds, runs


class NotPosted(AssertionError):
    """The ledger did not take a journal of a run: a defect, and nothing of this part is kept."""


async def settle_sellers(tx: Tx, sales: Sales, run: Run, items: Sequence[RunItem]) -> list[Entry]:
    """Charge the use of these sellers' grants, collect what is owed, release shares, split by rules, issue invoices.

    shapes   tx: as of the run's opening; -> what the audit log is to say
    """
    rated = await rate_sellers(tx, sales, run, items, lock=True)
    charges = [one for item in items for one in charges_of(rated, item)]
    await runs.insert_charges(tx, charges)
    settled = [(one.id, item.id) for item in items for one in rated.fresh.get(item.organisation_id, [])]
    if settled:
        await orders.mark_settled(tx, settled)
    still = rated.open & set(rated.looked_at)
    await orders.look_again(tx, sorted(still), [one for one in rated.looked_at if one not in still])
    backs = await _backs(tx, run, items)
    invoices = await _invoices(tx, rated, items, backs)
    await documents.insert_invoices(tx, invoices)
    # Up to here it makes no difference what other sellers get; from here on wallets and rules are shared.
    if not await runs.is_next(tx, run.id, Side.SELLER, items[0]):
        raise TryAgain(f"sellers before {items[0].organisation_id} were given up")
    found = await _book(tx, rated, items)
    entries = [_held(run, grant) for grant in rated.held] + [_entry(run, invoice) for invoice in invoices]
    entries += await bill_sales(tx, run, found, invoices, backs)
    return entries + await split_sales(tx, run, {books.item: books.sources for books in found})


async def _book(tx: Tx, rated: Rated, items: Sequence[RunItem]) -> list[Books]:
    """Decide what each wallet pays and whose shares are released, and write the journals and dues of that."""
    run = rated.run
    for item in items:
        named = ids.DerivedIds(run.opened_at, run.id, "escrow", place=item.position)
        await free_escrow(replace(tx, ids=named), escrowed(rated, item))
    balances = await ledger.lock_balances(tx, [wallet(buyer, run.currency) for buyer in rated.buyers])
    left = {key.organisation_id: units for key, units in balances.available.items() if key.organisation_id}
    found = [keep_books(rated, item, left) for item in items]
    await release_shares(tx, found)
    results = await ledger.write(tx, [journal for books in found for journal in books.journals], balances)
    if not all(isinstance(result, Posted) for result in results):
        raise NotPosted(str(next(result for result in results if not isinstance(result, Posted))))
    for books in found:
        named = ids.DerivedIds(run.opened_at, run.id, "dispute", place=books.item.position)
        await hold_released(replace(tx, ids=named), books.sources, books.journals)
    charges = [one for books in found for one in books.charges]
    released = {one for books in found for one in books.released}
    await runs.insert_dues(tx, charges, [units for books in found for units in books.unpaid], released)
    await runs.pay_dues(tx, {one: units for books in found for one, units in books.collected.items()}, released)
    return found


async def _backs(tx: Tx, run: Run, items: Sequence[RunItem]) -> Mapping[UUID, Backs]:
    """What went back of these sellers' sales and stands on no invoice yet."""
    backs: dict[UUID, list[tuple[Refund, Mapping[str, Any] | None]]] = defaultdict(list)
    sellers = [item.organisation_id for item in items]
    for back, tax in await refunds.to_invoice(tx, sellers, run.currency, run.period_end):
        backs[back.seller_id].append((back, tax))
    return backs


async def _invoices(tx: Tx, rated: Rated, items: Sequence[RunItem], backs: Mapping[UUID, Backs]) -> list[Invoice]:
    """One account for each buyer of each seller, over the orders and charges of this run, and what went back since."""
    run = rated.run
    earlier = await _earlier(tx, [one for found in rated.charges.values() for one in found], backs)
    wanted = []
    for item in items:
        seller = item.organisation_id
        fresh = [one for one in rated.fresh.get(seller, []) if one.price.units]
        lines = _lines(run, fresh, charges_of(rated, item), backs.get(seller, ()))
        first = item.position * ids.PART_ROOM
        wanted += [(seller, buyer, lines[buyer], first + n) for n, buyer in enumerate(sorted(lines))]
    series = [invoice_series(seller, run.opened_at.year) for seller, *_ in wanted]
    numbers = await documents.take_numbers(tx, series) if series else []
    return [
        make_invoice(
            ids.derived(run.opened_at, run.id, "invoice", seller, buyer, place=place),
            *(run, (buyer, seller), name, number, lines, run.opened_at, earlier),
        )
        for (seller, buyer, lines, place), name, number in zip(wanted, series, numbers, strict=True)
    ]


async def _earlier(tx: Tx, charges: Sequence[Charge], backs: Mapping[UUID, Backs]) -> dict[str, Earlier]:
    """The invoices that show what is corrected now, by how a line names that."""
    names: dict[UUID, str] = {}
    for one in charges:
        line = charge_line(one) if one.corrects else None
        if one.corrects and line and line.corrects:
            names[one.corrects] = line.corrects
    for back, tax in (pair for of in backs.values() for pair in of):
        names[back.source_id] = refund_line(back, tax).corrects or ""
    return {names[source]: one for source, one in (await documents.earlier_invoices(tx, names)).items()}


def _lines(run: Run, fresh: Sequence[Order], charges: Sequence[Charge], backs: Backs) -> dict[UUID, list[InvoiceLine]]:
    """The lines of one seller's invoices, by buyer: orders, charges, what went back, and the tax on all of it."""
    lines: dict[UUID, list[InvoiceLine]] = defaultdict(list)
    taxes: dict[UUID, list[tuple[Mapping[str, Any], Money, Money]]] = defaultdict(list)
    for order in fresh:
        lines[order.buyer_id].append(order_line(order))
    for charge in charges:
        lines[charge.buyer_id].append(charge_line(charge))
    sources: list[Order | Charge] = [*fresh, *charges]
    for one in sources:
        if one.tax is not None:
            taxes[one.buyer_id].append((one.tax, one.net, one.tax_money))
    for back, tax in backs:
        lines[back.buyer_id].append(refund_line(back, tax))
        if tax is not None:
            taxes[back.buyer_id].append((tax, -back.net, Money(-back.tax_units, run.currency)))
    for buyer, found in taxes.items():
        seller = (fresh[0] if fresh else charges[0] if charges else backs[0][0]).seller_id
        lines[buyer] += tax_lines(found, partial(_next_tax, run, seller, buyer, count(1)))
    return lines


def _next_tax(run: Run, seller: UUID, buyer: UUID, counted: Iterator[int]) -> UUID:
    return ids.derived(run.opened_at, run.id, "tax", seller, buyer, next(counted))


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
