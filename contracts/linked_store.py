"""What belongs to a dataset, an offer, an order or an agreement in contracts."""

from __future__ import annotations

from contracts import milestones_tables, obligations_tables, tables
from exchange.kernel.store import Link

_NEGOTIATION, _REPORT = tables.negotiation.c, milestones_tables.milestone_report.c
_OBLIGATION, _EVIDENCE = obligations_tables.obligation.c, obligations_tables.obligation_evidence.c
LINKS = (
    Link("ds", "dct", tables.data_contract.c.dataset_id, tables.data_contract.c.id),
    Link("ds", "rgt", tables.chain_right.c.dataset_id, tables.chain_right.c.id),
    Link("rev", "dck", tables.data_contract_check.c.revision_id, tables.data_contract_check.c.id),
    Link("lst", "auc", tables.auction.c.listing_id, tables.auction.c.id),
    Link("ofr", "qte", tables.quote.c.offer_id, tables.quote.c.id),
    Link("ofr", "neg", _NEGOTIATION.offer_id, _NEGOTIATION.id),
    Link("ofr", "agr", tables.agreement.c.offer_id, tables.agreement.c.id),
    Link("ord", "agr", tables.agreement.c.order_id, tables.agreement.c.id),
    Link("ord", "neg", _NEGOTIATION.order_id, _NEGOTIATION.id),
    Link("ord", "mls", _REPORT.order_id, _REPORT.id),
    Link("agr", "evt", tables.agreement_event.c.agreement_id, tables.agreement_event.c.id),
    Link("agr", "obl", _OBLIGATION.agreement_id, _OBLIGATION.id),
    Link("obl", "obe", _EVIDENCE.obligation_id, _EVIDENCE.id),
    Link("grt", "mea", tables.measurement.c.grant_id, tables.measurement.c.id),
    Link("grt", "bre", tables.breach_notice.c.grant_id, tables.breach_notice.c.id),
    Link("grt", "rnt", tables.rights_notice.c.grant_id, tables.rights_notice.c.id),
)
