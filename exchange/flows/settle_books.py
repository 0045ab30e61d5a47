"""What one part of a settlement run decides for some sellers, before anything is written: what a preview shows is this."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from uuid import UUID

from exchange.access.grants import Grant
from exchange.access.store import grants
from exchange.catalog.offers import OfferForSale
from exchange.catalog.store import listings
from exchange.flows.rate_usage import Sold, rate_usage
from exchange.flows.sale import Sale, Sales
from exchange.flows.settle_accepted import accepted_sources, within_paid
from exchange.kernel import ids
from exchange.kernel.db import Tx
from exchange.kernel.money import Money
from settlement import postings
from settlement.journals import Journal
from settlement.orders import Order
from settlement.runs import Charge, Due, Run, RunItem, Settled, covered, releasable
from settlement.store import orders, runs

# An order's payment may have been under way for so long when a run looked for it.
_ROOM = timedelta(days=1)
_EVER = datetime(1970, 1, 1, tzinfo=UTC)
Shares = Sequence[tuple[UUID, Money]]
_Sold = TypeVar("_Sold", Order, Charge, Due)


@dataclass(slots=True)
class Books:
    """What one seller's part of a run comes to. `left`, which all parts share, is what each buyer's wallet still holds."""

    run: Run
    item: RunItem
    left: dict[UUID, int]
    charges: list[Charge]
    fresh: list[Order]
    # Orders whose shares become payable now, and charges.
    accepted: Sequence[UUID] = ()
    released: list[UUID] = field(default_factory=list)
    journals: list[Journal] = field(default_factory=list)
    unpaid: list[int] = field(default_factory=list)
    # What was collected for older charges; nothing for those whose shares are only released.
    collected: dict[UUID, int] = field(default_factory=dict)
    # The shares of the charges of this run: charge -> payee and amount.
    shares: dict[UUID, Shares] = field(default_factory=dict)
    # All charges whose shares were not released before this run: buyer -> charges, the oldest first.
    waiting: dict[UUID, list[Due]] = field(default_factory=lambda: defaultdict(list))

    @property
    def sources(self) -> tuple[UUID, ...]:
        """The orders and charges whose shares become payable now."""
        return (*self.accepted, *self.released)

    def keep(self, journal: Journal) -> None:
        """Add a journal, if it has lines, under the id that follows from the run and from what it books."""
        if journal.lines:
            place = self.item.position * ids.PART_ROOM + len(self.journals)
            what = self.run.id, "journal", journal.kind, journal.source_id
            self.journals.append(replace(journal, id=ids.derived(self.run.opened_at, *what, place=place)))


@dataclass(frozen=True, slots=True)
class Rated:
    """What some sellers' grants cost, which older charges wait, and what of all may be released: read, nothing decided."""

    run: Run
    fresh: Mapping[UUID, list[Order]]
    charges: Mapping[UUID, list[Charge]]
    held: Sequence[Grant]
    dues: Mapping[UUID, list[Due]]
    accepted: Mapping[UUID, Sequence[UUID]]
    on_hold: frozenset[UUID]
    by_grant: Mapping[UUID, Sale]
    # The orders that were looked at, and those of them that the next run has to look at, too.
    looked_at: Sequence[UUID]
    open: frozenset[UUID]

    @property
    def buyers(self) -> set[UUID]:
        """Whose wallets are asked for money."""
        charged = {one.buyer_id for found in self.charges.values() for one in found}
        return charged | {one.buyer_id for found in self.dues.values() for one in found}


def unseen_since(settled: Settled | None) -> datetime:
    """From when on a seller's orders may not have been seen by a run."""
    return _EVER if settled is None else settled.until - _ROOM


async def rate_sellers(tx: Tx, sales: Sales, run: Run, items: Sequence[RunItem], *, lock: bool) -> Rated:
    """Read and rate what some sellers sold.

    shapes   lock: whether the orders and charges that may be released stay as they are until the transaction ends
    """
    sellers = [item.organisation_id for item in items]
    settled = await runs.settled_until(tx, sellers, run.currency)
    since = {one: unseen_since(settled.get(one)) for one in sellers}
    found = await orders.paid_orders(tx, since, run.currency, run.period_end)
    paid = [order for order, _ in found]
    offers = await listings.load_offers(tx, list({order.offer_id for order in paid})) if paid else {}
    accepted = await accepted_sources(tx, run, sellers, paid, offers, lock=lock)
    kept = [order for order in paid if order.id not in accepted.gone_back]
    sold, running = await sold_with(tx, sales, kept, offers)
    places = {item.organisation_id: item.position for item in items}
    charges, held = await within_paid(tx, *await rate_usage(tx, run, sold, places))
    dues = await runs.open_dues(tx, sellers, run.currency, lock=lock)
    return Rated(
        run,
        _by_seller([order for order, seen in found if not seen]),
        _by_seller(charges),
        held,
        _by_seller(dues),
        accepted.orders,
        accepted.held,
        {one.grant.id: one.sale for one in sold},
        [order.id for order in paid],
        running | accepted.held,
    )


def keep_books(rated: Rated, item: RunItem, left: dict[UUID, int]) -> Books:
    """Decide one seller's part: what each wallet pays, and whose shares are released. What it gives back comes first.

    Sellers are taken one after another, so that it does not matter how many are done in one transaction.
    """
    seller = item.organisation_id
    charges = charges_of(rated, item)
    dues = rated.dues.get(seller, [])
    books = Books(rated.run, item, left, charges, rated.fresh.get(seller, []), rated.accepted.get(seller, ()))
    given_back = [one for one in charges if one.amount.units < 0]
    _charge(books, given_back, rated.by_grant)
    _collect(books, dues)
    _charge(books, charges[len(given_back) :], rated.by_grant)
    _release(books, dues, rated.on_hold)
    return books


def charges_of(rated: Rated, item: RunItem) -> list[Charge]:
    """A seller's charges. What is given back comes first, so that it pays for what is due."""
    return sorted(rated.charges.get(item.organisation_id, []), key=lambda one: one.amount.units > 0)


def escrowed(rated: Rated, item: RunItem) -> list[tuple[UUID, str]]:
    """The milestones that a seller's charges are for, and for which money may be reserved: (order, milestone)."""
    found = []
    for one in rated.charges.get(item.organisation_id, []):
        model = rated.by_grant[one.grant_id].plan.milestones.get(one.component)
        if model is not None and model.escrow:
            found.append((one.order_id, one.component))
    return found


async def release_shares(tx: Tx, found: Sequence[Books]) -> None:
    """Add the journals by which shares become payable; those of older orders and charges are looked up for all at once."""
    older = [source for books in found for source in books.sources if source not in books.shares]
    waiting = await runs.pending_shares(tx, older) if older else {}
    for books in found:
        for source in books.sources:
            books.keep(postings.release(source, books.shares.get(source) or waiting.get(source, [])))


async def sold_with(
    tx: Tx, sales: Sales, paid: Sequence[Order], offers: Mapping[UUID, OfferForSale]
) -> tuple[list[Sold], frozenset[UUID]]:
    """The grants of orders that may still cost something, each with what was sold; and which orders these are."""
    by_order = {order.id: (order, sales.sold(offers[order.offer_id], order)) for order in paid}
    # A one-off price was paid with the order; such orders, and they are most, need no look at their use.
    running = frozenset(order_id for order_id, (_, sale) in by_order.items() if goes_on(sale))
    found = await grants.of_orders(tx, sorted(running)) if running else []
    return [Sold(grant, *by_order[grant.order_id]) for grant in found], running


def goes_on(sale: Sale) -> bool:
    """Whether what was sold may still cost something after the order: it charges by time, by use, or asks for a minimum."""
    plan = sale.plan
    if plan.trial_days or any(one.minima for one in plan.by_cadence.values()):
        return True
    return any(one.meter is not None or one.period is not None for one in plan.components)


def _collect(books: Books, dues: Sequence[Due]) -> None:
    """Take from the wallets what is still owed for earlier charges, the oldest first."""
    for due in dues:
        units = covered(due.unpaid_units, books.left[due.buyer_id])
        books.waiting[due.buyer_id].append(replace(due, unpaid_units=due.unpaid_units - units))
        if not units:
            continue
        books.left[due.buyer_id] -= units
        collection = ids.derived(books.run.opened_at, books.run.id, "collect", due.charge_id)
        amount = Money(units, books.run.currency)
        books.keep(postings.collect(collection, due.charge_id, due.buyer_id, amount))
        books.collected[due.charge_id] = units


def _charge(books: Books, charges: Sequence[Charge], by_grant: Mapping[UUID, Sale]) -> None:
    """Book each charge from the wallet as far as it goes, and keep its shares."""
    for charge in charges:
        parts = by_grant[charge.grant_id].parts_of(charge.net, charge.tax_money)
        from_wallet = covered(charge.amount.units, books.left[charge.buyer_id])
        books.left[charge.buyer_id] -= from_wallet
        books.keep(postings.charge(charge.id, charge.buyer_id, from_wallet, charge.amount, parts))
        unpaid = charge.amount.units - from_wallet
        books.unpaid.append(unpaid)
        due = Due(charge.id, charge.buyer_id, charge.seller_id, unpaid, charge.amount.units, charge.order_id)
        books.waiting[charge.buyer_id].append(due)
        accounts = [(postings.part_account(part), part.amount) for part in parts]
        books.shares[charge.id] = [
            (key.organisation_id, amount) for key, amount in accounts if key.organisation_id is not None
        ]


def _release(books: Books, dues: Sequence[Due], held: frozenset[UUID]) -> None:
    """Make payable what each buyer really paid this seller, all its charges seen together; what is on hold waits."""
    older = {due.charge_id for due in dues}
    for waiting in books.waiting.values():
        for one in releasable(sorted(waiting, key=lambda due: due.charge_id), held):
            books.released.append(one.charge_id)
            if one.charge_id in older:
                books.collected.setdefault(one.charge_id, 0)


def _by_seller(found: Sequence[_Sold]) -> dict[UUID, list[_Sold]]:
    by_seller: dict[UUID, list[_Sold]] = {}
    for one in found:
        by_seller.setdefault(one.seller_id, []).append(one)
    return by_seller
