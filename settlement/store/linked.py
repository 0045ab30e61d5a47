"""What belongs to a dataset, an offer, an order or a grant in the books."""

from __future__ import annotations

from exchange.kernel.store import Link
from settlement.pool_tables import milestone_escrow, split_guarantee
from settlement.refund_tables import refund
from settlement.rule_tables import split_rule
from settlement.tables import charge, orders, payment, service_credit

LINKS = (
    Link("ds", "rul", split_rule.c.dataset_id, split_rule.c.id),
    Link("ds", "gua", split_guarantee.c.dataset_id, split_guarantee.c.id),
    Link("lst", "ord", orders.c.listing_id, orders.c.id),
    Link("ofr", "ord", orders.c.offer_id, orders.c.id),
    Link("ord", "agr", orders.c.id, orders.c.agreement_id),
    Link("ord", "qte", orders.c.id, orders.c.quote_id),
    Link("ord", "pay", payment.c.order_id, payment.c.id),
    Link("ord", "rfd", refund.c.order_id, refund.c.id),
    Link("ord", "hld", milestone_escrow.c.order_id, milestone_escrow.c.hold_id),
    Link("grt", "chg", charge.c.grant_id, charge.c.id),
    Link("grt", "crd", service_credit.c.grant_id, service_credit.c.id),
)
