"""Do the facts agree? What `exchange fsck` asks, in bounded parts, each a read of its own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import datetime
from fractions import Fraction
from typing import Any
from uuid import UUID

import msgspec

from compliance import notes
from compliance import store as audit
from contracts import store as contracts
from exchange.access.store import grants, quota
from exchange.catalog.offers import OfferForSale
from exchange.catalog.store.listings import load_offers
from exchange.flows.audit_beside import audit_beside
from exchange.flows.audit_log import audit_log
from exchange.flows.audit_sealed import audit_sealed
from exchange.flows.sale import Sales
from exchange.kernel import ids
from exchange.kernel.canonical import canonical
from exchange.kernel.db import Database, Tx
from exchange.kernel.keys import Keyring
from settlement.checks import Finding
from settlement.orders import Order, OrderState
from settlement.store import audit as books
from settlement.store import orders

Progress = Callable[[str, int, int | None], Awaitable[None]]
ORDERS_PER_PART = 2_000


async def check_books(db: Database, keyring: Keyring, origin: str, progress: Progress) -> list[Finding]:
    """Recompute everything from the facts; nothing found means that they agree.

    Orders and log entries that come in while this runs are not looked at.
    """
    await progress("ledger", 0, None)
    found = await db.run(books.check)
    await progress("quotas", 0, None)
    found += [
        Finding(f"quota-{one.what}", f"{ids.text('grt', one.grant_id)} {one.meter}", one.said, one.fact)
        for one in await db.run(quota.drift)
    ]
    found += await _orders(db, keyring, progress)
    found += await _log(db, keyring, origin, progress)
    return found


async def _orders(db: Database, keyring: Keyring, progress: Progress) -> list[Finding]:
    found: list[Finding] = []
    after, done, sales = UUID(int=0), 0, Sales()
    total = await db.run(orders.count)
    while True:
        page, findings = await db.run(lambda tx, after=after: _part(tx, sales, keyring, after))  # type: ignore[misc]
        found += findings
        if not page:
            return found
        after, done = page[-1].id, done + len(page)
        await progress("orders", done, total)


async def _part(tx: Tx, sales: Sales, keyring: Keyring, after: UUID) -> tuple[list[Order], list[Finding]]:
    page = await orders.after(tx, after, ORDERS_PER_PART)
    offers = await load_offers(tx, list({one.offer_id for one in page})) if page else {}
    known = [one.id for one in page]
    granted: dict[UUID, int] = {}
    buyers = {one.id: one.buyer_id for one in page}
    for grant in await grants.of_orders(tx, known):
        # A transfer brings another organisation a grant of the same order; the order's own is the buyer's.
        if grant.buyer_id == buyers[grant.order_id]:
            granted[grant.order_id] = granted.get(grant.order_id, 0) + 1
    agreed = await contracts.find_agreements(tx, [one.agreement_id for one in page])
    logged = await audit.objects_logged(tx, "purchase", [ids.text("ord", one.id) for one in page])
    found = []
    for one in page:
        name = ids.text("ord", one.id)
        wanted = 1 if one.state is OrderState.PAID else 0
        if granted.get(one.id, 0) != wanted:
            found.append(Finding("paid-order-has-one-grant", name, str(wanted), str(granted.get(one.id, 0))))
        agreement = agreed.get(one.agreement_id)
        if agreement is None or agreement.order_id != one.id:
            found.append(Finding("order-has-its-agreement", name, ids.text("agr", one.agreement_id), "none"))
        elif not keyring.verify(agreement.kid, agreement.document, agreement.signature):
            found.append(Finding("agreement-is-signed", name, agreement.kid, "signature does not verify"))
        else:
            found += _prices(sales, offers[one.offer_id], one, msgspec.json.decode(agreement.document))
        if logged.get(name, 0) != 1:
            found.append(Finding("order-is-in-the-log", name, "1", str(logged.get(name, 0))))
    return page, found


def _prices(sales: Sales, offer: OfferForSale, order: Order, agreed: Mapping[str, Any]) -> Iterator[Finding]:
    """Hold an order's price, basis and tax against what was signed, and against the plan that they follow from."""
    name = ids.text("ord", order.id)
    said = b"" if "basis" not in agreed else canonical(agreed["basis"])
    if said != (order.price_basis or b"") or agreed["price"] != order.price.to_wire():
        yield Finding("order-is-as-agreed", name, f"{order.price} {said.decode()}", str(agreed["price"]))
    amount = sales.sold(offer, order).at(datetime.fromisoformat(agreed["period"]["starts_at"])).price
    gross, taxed = _taxed(amount.units, order.tax)
    if (gross, taxed) != (order.price.units, order.tax_units) or amount.currency != order.price.currency:
        said_price = f"{order.price.units} {order.price.currency} with tax {order.tax_units}"
        fact = f"{gross} {amount.currency} with tax {taxed}"
        yield Finding("order-price-follows-from-its-plan", name, said_price, fact)


def _taxed(amount: int, treatment: Mapping[str, Any] | None) -> tuple[int, int]:
    """What is paid for an amount of a plan, and the tax in it: worked out a second time, in fractions."""
    rate = Fraction(treatment["rate"]) if treatment else Fraction(0)
    if treatment and treatment["included"]:
        return amount, round(amount * rate / (1 + rate))
    tax = round(amount * rate)
    return amount + tax, tax


async def _log(db: Database, keyring: Keyring, origin: str, progress: Progress) -> list[Finding]:
    """Hold everything that is stored of the log against what was signed: see `audit_log`."""

    async def at(done: int, total: int) -> None:
        await progress("log", done, total)

    report = await audit_log(db, notes.log_verifiers(keyring, origin), origin, at)
    report.note(*await audit_beside(db), *await audit_sealed(db))
    return [
        Finding(one.rule, f"{one.place.en}: {one.what.en}", one.said or "another", one.fact or "as signed")
        for one in report.faults
    ]
