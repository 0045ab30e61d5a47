"""The operator closes what it has settled by hand."""

from __future__ import annotations

from uuid import UUID

import msgspec

from compliance import store as audit
from exchange.flows.once import done
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import FORBIDDEN, NOT_FOUND, Problem
from settlement.store import open_items


class ItemClosed(msgspec.Struct, frozen=True):
    """An item that is open no more."""

    id: str


async def close_open_item(tx: Tx, actor: Actor, item_id: UUID, note: str) -> ItemClosed | Problem:
    """Close an item with a note.

    errors   answers forbidden, not-found where there is none or it is closed
    """
    if "operator" not in actor.roles:
        return FORBIDDEN(needs="operator")
    if not await open_items.close_item(tx, item_id, actor.organisation_id, note):
        return NOT_FOUND()
    name = ids.text("rsc", item_id)
    await audit.append(tx, [done(actor, "open-item.close", name)])
    return ItemClosed(name)
