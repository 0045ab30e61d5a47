"""What the payment provider told us, and was acted on long ago, is forgotten: it may name a card's holder."""

from __future__ import annotations

from datetime import timedelta

from compliance import store as audit
from exchange.kernel.db import Tx
from settlement.store import provider_events


async def forget_payloads(tx: Tx, kept_days: int) -> int:
    """Empty the provider's handled events after so many days, but not of organisations under a legal hold; how many."""
    held = await audit.preserved(tx)
    return await provider_events.erase_payloads(tx, tx.now - timedelta(days=kept_days), list(held))
