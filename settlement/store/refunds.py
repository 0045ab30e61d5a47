"""Refunds in the database: what was paid for an order or charge, what went back of it, and from where it can be taken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Select, select

from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.money import Money
from exchange.kernel.pages import Page, PageRequest, page_of
from exchange.kernel.store import mine
from settlement.accounts import AccountKey, AccountKind
from settlement.orders import Order, PayBy
from settlement.refund_tables import refund as _refund
from settlement.refunds import GivenBack, Paid, Reason, Refund, paid_by
from settlement.store import credit
from settlement.store.orders import get_orders

_CHARGE = "SELECT id, order_id, buyer_id, amount_units, tax_units FROM settlement.charge WHERE id = $1"
# All that one buyer paid or owes for orders, charges and corrections included, less what went back of any of it.
_NET = """
SELECT o.id, (CASE WHEN o.buyer_id = k.buyer THEN o.price_units ELSE 0 END
    + coalesce((SELECT sum(c.amount_units) FROM settlement.charge c WHERE c.buyer_id = k.buyer AND c.order_id = o.id), 0)
    - coalesce((SELECT sum(r.amount_units) FROM settlement.refund r WHERE r.order_id = o.id AND r.buyer_id = k.buyer), 0)
    )::bigint
FROM unnest($1::uuid[], $2::uuid[]) AS k(id, buyer) JOIN settlement.orders o ON o.id = k.id"""
_REFUNDED = "SELECT DISTINCT order_id FROM settlement.refund WHERE order_id = ANY($1::uuid[])"
_DUE = "SELECT unpaid_units FROM settlement.due WHERE id = $1 FOR UPDATE"
_FORGIVE = "UPDATE settlement.due SET unpaid_units = unpaid_units - $2 WHERE id = $1"
_LINES = """
SELECT j.source_id, a.organisation_id, a.kind, a.currency, p.amount FROM settlement.journal j
JOIN settlement.posting p ON p.journal_id = j.id JOIN settlement.account a ON a.id = p.account_id
WHERE j.kind = ANY(ARRAY['purchase', 'charge']) AND j.source_id = ANY($1::uuid[]) ORDER BY j.source_id, p.line"""
_BEFORE = "SELECT count(*)::int, coalesce(sum(amount_units), 0)::bigint FROM settlement.refund WHERE source_id = $1"
# What disputes credited to the buyer of a sale, of this very source and of all that its order came to.
_CREDITED = """
SELECT coalesce(sum(m.amount_units) FILTER (WHERE d.source_id = $1), 0)::bigint, coalesce(sum(m.amount_units), 0)::bigint
FROM settlement.dispute d JOIN settlement.dispute_money m ON m.dispute_id = d.id AND m.kind = 'award'
WHERE d.order_id = $2 AND d.kind <> 'split' AND m.to_id = $3"""
_RELEASED = "SELECT EXISTS (SELECT FROM settlement.journal WHERE kind = 'release' AND source_id = $1)"
_INSERT = """
INSERT INTO settlement.refund (id, source_kind, source_id, order_id, buyer_id, seller_id, number, amount_units,
    cumulative_units, paid_units, tax_units, receivable_units, currency, reason, explanation, cause_id, made_by, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15::jsonb, $16, $17, $18)"""
_FULLY = """
SELECT source_id FROM settlement.refund WHERE source_id = ANY($1::uuid[]) AND cumulative_units = paid_units"""
_GONE_BACK = """
SELECT source_id FROM settlement.refund
WHERE seller_id = ANY($1::uuid[]) AND currency = $2 AND source_kind = 'order' AND cumulative_units = paid_units"""
_BY_ID = "SELECT * FROM settlement.refund WHERE id = ANY($1::uuid[]) ORDER BY id"
_ANY_BACK = "SELECT DISTINCT source_id FROM settlement.refund WHERE source_id = ANY($1::uuid[])"
_TO_INVOICE = """
SELECT r.*, coalesce(c.tax, o.tax)::text AS tax FROM settlement.refund r
LEFT JOIN settlement.charge c ON r.source_kind = 'charge' AND c.id = r.source_id
LEFT JOIN settlement.orders o ON r.source_kind = 'order' AND o.id = r.source_id
WHERE r.seller_id = ANY($1::uuid[]) AND r.currency = $2 AND r.created_at < $3
    AND NOT EXISTS (SELECT FROM settlement.invoice_line l WHERE l.source_kind = 'refund' AND l.source_id = r.id)
ORDER BY r.id"""
_WITH_TAX = """
SELECT r.*, coalesce(c.tax, o.tax)::text AS tax FROM settlement.refund r
LEFT JOIN settlement.charge c ON r.source_kind = 'charge' AND c.id = r.source_id
LEFT JOIN settlement.orders o ON r.source_kind = 'order' AND o.id = r.source_id
WHERE r.id = ANY($1::uuid[]) ORDER BY r.id"""
_OF_CAUSE = "SELECT source_id FROM settlement.refund WHERE cause_id = $1"


@dataclass(frozen=True, slots=True)
class Source:
    """An order or charge whose money may go back, locked with its order.

    units    `unpaid_units` is what the buyer still owes for it; `tax_units` the part of the whole that is tax; `net_units`
             all that the buyer paid or owes for the order and what came of it, less all that went back; `credited_units`
             what disputes credited to the buyer for it, which is no refund and yet gone
    """

    kind: str
    id: UUID
    buyer_id: UUID
    order: Order
    paid: Paid
    tax_units: int
    unpaid_units: int
    refunded_units: int
    refunds: int
    released: bool
    net_units: int
    credited_units: int = 0

    @property
    def full(self) -> bool:
        """Whether all that was paid for it went back."""
        return 0 < self.paid.units == self.refunded_units

    @property
    def left(self) -> int:
        """What can still go back: no more than was paid for it, nor than is left of all that its order came to."""
        return max(0, min(self.paid.units - self.refunded_units - self.credited_units, self.net_units))


async def lock_order_source(tx: Tx, order_id: UUID) -> Source | None:
    """An order whose money may go back, locked until the transaction ends; None where there is no such order."""
    order = (await get_orders(tx, [order_id], lock=True)).get(order_id)
    if order is None:
        return None
    unpaid = await credit.unpaid(tx, order_id) if order.payment is PayBy.ACCOUNT else 0
    return await _source(tx, ("order", order_id), order.buyer_id, order, order.tax_units, unpaid)


async def lock_charge_source(tx: Tx, charge_id: UUID) -> Source | None:
    """A charge with its order, both locked; None where there is no such charge."""
    driver = await tx.driver()
    row = await driver.fetchrow(_CHARGE, charge_id)
    if row is None:
        return None
    order = (await get_orders(tx, [row["order_id"]], lock=True))[row["order_id"]]
    unpaid: int = await driver.fetchval(_DUE, charge_id) or 0
    return await _source(tx, ("charge", charge_id), row["buyer_id"], order, row["tax_units"], unpaid)


async def insert_refund(tx: Tx, one: Refund) -> None:
    """Write a refund; its journal is written beside it. What made a debt smaller comes off it: the charge's, or the order's."""
    driver = await tx.driver()
    await driver.execute(
        _INSERT,
        one.id,
        one.source_kind,
        one.source_id,
        one.order_id,
        one.buyer_id,
        one.seller_id,
        one.number,
        one.amount.units,
        one.cumulative_units,
        one.paid_units,
        one.tax_units,
        one.receivable_units,
        one.amount.currency,
        one.reason.value,
        msgspec.json.encode(one.explanation).decode(),
        one.cause_id,
        one.made_by,
        one.created_at,
    )
    if one.receivable_units and one.source_kind == "order":
        await credit.pay_orders(tx, [(one.source_id, one.receivable_units)])
    elif one.receivable_units:
        await driver.execute(_FORGIVE, one.source_id, one.receivable_units)


async def fully_refunded(tx: Tx, source_ids: Sequence[UUID]) -> frozenset[UUID]:
    """Those of these orders or charges that went back as a whole."""
    if not source_ids:
        return frozenset()
    return frozenset(row[0] for row in await (await tx.driver()).fetch(_FULLY, list(source_ids)))


async def gone_back(tx: Tx, seller_ids: Sequence[UUID], currency: str) -> frozenset[UUID]:
    """The orders of these sellers that went back as a whole: nothing is charged for them any more."""
    rows = await (await tx.driver()).fetch(_GONE_BACK, list(seller_ids), currency)
    return frozenset(row[0] for row in rows)


async def of_cause(tx: Tx, cause_id: UUID) -> frozenset[UUID]:
    """The orders and charges that got their refund for this cause."""
    return frozenset(row[0] for row in await (await tx.driver()).fetch(_OF_CAUSE, cause_id))


async def to_invoice(
    tx: Tx, seller_ids: Sequence[UUID], currency: str, before: datetime
) -> list[tuple[Refund, Mapping[str, Any] | None]]:
    """Refunds of these sellers' sales made before a moment that no invoice shows yet, with how their sources were taxed."""
    rows = await (await tx.driver()).fetch(_TO_INVOICE, list(seller_ids), currency, before)
    return [(_of(row), None if row["tax"] is None else msgspec.json.decode(row["tax"])) for row in rows]


async def refunds_of_ids(tx: Tx, refund_ids: Sequence[UUID]) -> list[tuple[Refund, Mapping[str, Any] | None]]:
    """These refunds, with how their sources were taxed."""
    rows = await (await tx.driver()).fetch(_WITH_TAX, list(refund_ids)) if refund_ids else ()
    return [(_of(row), None if row["tax"] is None else msgspec.json.decode(row["tax"])) for row in rows]


async def given_back(tx: Tx, refund_ids: Sequence[UUID]) -> dict[UUID, GivenBack]:
    """Refunds by id, each with what was paid for its source and who got it."""
    if not refund_ids:
        return {}
    found = [_of(row) for row in await (await tx.driver()).fetch(_BY_ID, list(refund_ids))]
    paid = await paid_for(tx, [one.source_id for one in found])
    return {one.id: GivenBack(one, paid[one.source_id]) for one in found}


async def whole_shares(tx: Tx, source_ids: Sequence[UUID]) -> dict[UUID, dict[UUID, int]]:
    """What each payee got of sources before anything went back, only of those of which something did.

    shapes   source -> payee -> millionths
    """
    refunded = [row[0] for row in await (await tx.driver()).fetch(_ANY_BACK, list(source_ids))] if source_ids else []
    return {
        source: {
            account.organisation_id: units
            for account, units in paid.parts
            if account.organisation_id is not None and account.kind is AccountKind.PENDING
        }
        for source, paid in (await paid_for(tx, refunded)).items()
    }


async def list_refunds(tx: Tx, actor: Actor, request: PageRequest, *, selling: bool = False) -> Page[Refund]:
    """What went back to the actor's organisation, or from its sales, newest first."""
    side = _refund.c.seller_id if selling else _refund.c.buyer_id
    return await _page(tx, select(_refund).where(mine(side, actor)), request)


async def all_refunds(tx: Tx, request: PageRequest) -> Page[Refund]:
    """Everybody's refunds, newest first, for the operator."""
    return await _page(tx, select(_refund), request)


async def of_orders(tx: Tx, order_ids: Sequence[UUID]) -> dict[UUID, list[Refund]]:
    """The refunds of these orders and of their charges, the oldest first; those that the asking role may see."""
    found: dict[UUID, list[Refund]] = {one: [] for one in order_ids}
    if not order_ids:
        return found
    statement = select(_refund).where(_refund.c.order_id.in_(order_ids)).order_by(_refund.c.id)
    for row in (await tx.conn.execute(statement)).mappings():
        found[row["order_id"]].append(_of(row))
    return found


async def with_refunds(tx: Tx, orders: Sequence[Order]) -> list[tuple[Order, int]]:
    """Orders, each with what went back of its price in millionths; as the asking role may see it."""
    back = await of_orders(tx, [one.id for one in orders])
    return [(one, sum(r.amount.units for r in back[one.id] if r.source_kind == "order")) for one in orders]


async def net_of(tx: Tx, pairs: Sequence[tuple[UUID, UUID]]) -> dict[UUID, int]:
    """What buyers paid or owe for orders and all that came of them, less what went back; orders without refunds are left out.

    shapes   (order id, buyer id)
    units    millionths
    """
    driver = await tx.driver()
    refunded = {row[0] for row in await driver.fetch(_REFUNDED, [order for order, _ in pairs])} if pairs else set()
    wanted = [pair for pair in pairs if pair[0] in refunded]
    if not wanted:
        return {}
    return {row[0]: row[1] for row in await driver.fetch(_NET, [one for one, _ in wanted], [one for _, one in wanted])}


async def _source(tx: Tx, named: tuple[str, UUID], buyer_id: UUID, order: Order, tax_units: int, unpaid: int) -> Source:
    driver = await tx.driver()
    kind, source_id = named
    paid = (await paid_for(tx, [source_id])).get(source_id) or Paid(order.price.currency, ())
    ((number, before),) = await driver.fetch(_BEFORE, source_id)
    released: bool = await driver.fetchval(_RELEASED, source_id)
    ((_, net),) = await driver.fetch(_NET, [order.id], [buyer_id])
    ((credited, of_order),) = await driver.fetch(_CREDITED, source_id, order.id, buyer_id)
    counted = before, number, released, net - of_order, credited
    return Source(kind, source_id, buyer_id, order, paid, tax_units, unpaid, *counted)


async def paid_for(tx: Tx, source_ids: Sequence[UUID]) -> dict[UUID, Paid]:
    """What was paid for orders and charges and who got it, from their own journals; nothing for those without one."""
    lines: dict[UUID, list[tuple[AccountKey, int]]] = {}
    for row in await (await tx.driver()).fetch(_LINES, list(source_ids)):
        key = AccountKey(row["organisation_id"], AccountKind(row["kind"]), row["currency"])
        lines.setdefault(row["source_id"], []).append((key, row["amount"]))
    return {source_id: paid_by(found) for source_id, found in lines.items()}


async def _page(tx: Tx, statement: Select[Any], request: PageRequest) -> Page[Refund]:
    statement = statement.order_by(_refund.c.id.desc()).limit(request.limit + 1)
    if request.after:
        statement = statement.where(_refund.c.id < UUID(request.after[0]))
    rows = (await tx.conn.execute(statement)).mappings().all()
    return page_of([_of(row) for row in rows], request, lambda one: (str(one.id),))


def _of(row: Any) -> Refund:
    return Refund(
        row["id"],
        row["source_kind"],
        row["source_id"],
        row["order_id"],
        row["buyer_id"],
        row["seller_id"],
        row["number"],
        Money(row["amount_units"], row["currency"]),
        row["cumulative_units"],
        row["paid_units"],
        row["tax_units"],
        row["receivable_units"],
        Reason(row["reason"]),
        # The driver hands JSON out as text, SQLAlchemy as values.
        msgspec.json.decode(said) if isinstance(said := row["explanation"], str) else said,
        row["created_at"],
        row["cause_id"],
        row["made_by"],
    )
