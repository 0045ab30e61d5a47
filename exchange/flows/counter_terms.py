"""A buyer answers a supplier's offer with a request of its own."""

from __future__ import annotations

from uuid import UUID

from contracts.negotiation import Side
from exchange.catalog.settings import CatalogSettings
from exchange.flows.negotiating import NegotiationReceipt, Terms, Words
from exchange.flows.offer_terms import table_terms
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import Problem


async def counter_terms(
    tx: Tx, actor: Actor, negotiation_id: UUID, terms: Terms, words: Words, settings: CatalogSettings
) -> NegotiationReceipt | Problem:
    """Request other terms than those that the supplier offered; nobody is bound by it.

    errors   answers not-found, negotiation-state, negotiation-expired, negotiation-rounds, negotiation-invalid, and what
             `look` and `tabled` refuse
    """
    return await table_terms(tx, actor, negotiation_id, terms, words, settings, side=Side.CONSUMER)
