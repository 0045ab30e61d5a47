"""One call to the payment provider for one thing of ours: written before it is sent, answered together with its effect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

import msgspec

from compliance import store as audit
from compliance.entries import Entry
from exchange.kernel import ids
from exchange.kernel.db import Tx
from settlement.open_items import ItemKind, Opened
from settlement.provider_calls import OTHER_ANSWER, Call, CallKind, CallState, Move, after_absent, next_move
from settlement.store import open_items, provider_calls

# Attempts of a job that calls: an hour of growing delays, and then one an hour for a week. The call itself knows when to
# look and when to begin a new step; a job that ends earlier would leave money on its way for ever.
CALL_ATTEMPTS = 180
_SETTLED = (ItemKind.CALL_UNANSWERED, ItemKind.BALANCE_SHORT, ItemKind.PAYOUT_REFUSED, ItemKind.ANSWER_DIFFERS)


@dataclass(frozen=True, slots=True)
class Begun:
    """A call, and what its worker does now: send it, look for it, come again later, or nothing, for it is known."""

    call: Call
    move: Move


async def begin_call(
    tx: Tx, kind: CallKind, object_id: UUID, request: Mapping[str, str], absent: UUID | None = None, step: int = 1
) -> Begun:
    """Decide what may be done now, and write it down. What is sent is sent after this has committed.

    shapes   request: what to ask for where no step is under way; one that is keeps what it asked for
             absent: the call that a look-up has just found nothing of; step: the least step that is wanted, where what an
             earlier one did has been undone by the world
    """
    last = await provider_calls.last_call(tx, kind, object_id)
    move = next_move(last, tx.now)
    if move is Move.KNOWN and last is not None and last.step < step:
        move = Move.OPEN
    if last is not None and last.id == absent and move is Move.LOOK:
        move = after_absent(last, tx.now)
        if move is Move.OPEN:
            await provider_calls.settle_call(tx, last, CallState.REFUSED, code="absent")
    if move is Move.OPEN:
        number = last.step + 1 if last is not None else 1
        return Begun(await provider_calls.open_step(tx, kind, object_id, number, request), Move.SEND)
    assert last is not None, "without a step the first is opened"
    if move is Move.WAIT and last.code != OTHER_ANSWER:
        about = {"key": last.key, "code": last.code or "", "attempts": str(last.attempts)}
        await open_item(tx, Opened(ItemKind.CALL_UNANSWERED, last.name, about))
    if move is Move.SEND:
        return Begun(await provider_calls.send_again(tx, last.id), Move.SEND)
    return Begun(last, move)


async def untried(tx: Tx, kind: CallKind, object_id: UUID) -> bool:
    """Whether nothing of it can be under way or done at the provider: it was never sent, or refused for certain."""
    last = await provider_calls.last_call(tx, kind, object_id)
    return last is None or last.state is CallState.REFUSED


async def done_call(tx: Tx, call: Call, provider_id: str) -> bool:
    """Write that a call was done; False where another attempt has taken over, and then nothing may follow from this one."""
    if not await provider_calls.settle_call(tx, call, CallState.DONE, provider_id):
        return False
    await open_items.settle_items(tx, call.name, _SETTLED)
    return True


async def refused_call(tx: Tx, call: Call, code: str, provider_id: str | None = None) -> bool:
    """Write that a call was refused for certain; False where another attempt has taken over."""
    if not await provider_calls.settle_call(tx, call, CallState.REFUSED, provider_id, code):
        return False
    await open_items.settle_items(tx, call.name, [ItemKind.CALL_UNANSWERED])
    return True


async def unknown_call(tx: Tx, call: Call, code: str) -> bool:
    """Write that nobody knows what became of a call; False where another attempt has taken over."""
    return await provider_calls.settle_call(tx, call, CallState.UNKNOWN, code=code)


async def open_item(tx: Tx, opened: Opened) -> bool:
    """Put what cannot be settled by rule before a person; True where it is new. The log has an entry of it."""
    about = msgspec.json.encode(dict(opened.about)).decode()
    item_id, new = await open_items.put_item(tx, opened, about)
    if new:
        entry = Entry(action="open-item.open", organisation_id=None, object_id=ids.text("rsc", item_id))
        await audit.append(tx, [entry])
    return new
