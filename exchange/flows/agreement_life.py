"""An agreement as it stands: its document, its events, and the grants that come of it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from contracts import lifecycle, lifecycle_store
from contracts import store as contracts
from contracts.life_events import Event
from contracts.lifecycle import Life
from contracts.store import AgreementRow
from exchange.access.grants import Grant, GrantState
from exchange.access.store import grants
from exchange.flows.sale import Sales
from exchange.kernel.db import Tx
from exchange.kernel.keys import Keyring


@dataclass(frozen=True, slots=True)
class Desk:
    """What the events of agreements need of this process."""

    sales: Sales
    keyring: Keyring
    node_id: str = "centre"


@dataclass(frozen=True, slots=True)
class Standing:
    """An agreement, where its life stands, and its grants that have not ended.

    shapes   running: those whose time is over are not among them; that of a former holder is until the moment of transfer
    """

    row: AgreementRow
    life: Life
    events: tuple[Event, ...]
    running: tuple[Grant, ...]

    @property
    def held(self) -> tuple[Grant, ...]:
        """The grants of who holds the agreement now."""
        return tuple(one for one in self.running if one.buyer_id == self.life.holder_id)


async def standing(tx: Tx, agreement_id: UUID) -> Standing | None:
    """Where an agreement stands; nobody else changes its life before the commit."""
    row = (await contracts.find_agreements(tx, [agreement_id])).get(agreement_id)
    if row is None:
        return None
    await lifecycle_store.lock(tx, agreement_id)
    events = await lifecycle_store.events_of(tx, None, agreement_id)
    life = lifecycle.lived(lifecycle.born(row.id, row.document, row.sha256), events)
    there = await grants.of_orders(tx, [row.order_id])
    running = tuple(
        one
        for one in there
        if one.agreement_id == agreement_id
        and one.state is not GrantState.ENDED
        and (one.ends_at is None or one.ends_at > tx.now)
    )
    return Standing(row, life, tuple(events), running)
