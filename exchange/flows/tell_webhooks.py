"""The audit log as an outbox: what it says of an organisation becomes messages for that organisation's endpoints."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

import msgspec

from compliance import tree_store
from compliance.entries import CENTRE, DONE
from compliance.tree_store import Told
from exchange.kernel.db import Tx
from exchange.webhooks import bodies, events
from exchange.webhooks.deliveries import Message
from exchange.webhooks.endpoints import Endpoint, EndpointState
from exchange.webhooks.store import deliveries, endpoints
from exchange.webhooks.store.deliveries import NewDelivery

# So many leaves are looked at in one transaction.
LEAVES_MAX = 4096


@dataclass(frozen=True, slots=True)
class Read:
    """How far the log was read: messages written now, and leaves that nobody has looked at yet."""

    messages: int
    behind: int


class _Object(msgspec.Struct, frozen=True):
    id: str | None


class _Envelope(msgspec.Struct, frozen=True):
    action: str
    object: _Object
    outcome: str


_DECODE = msgspec.json.Decoder(_Envelope).decode
Listening = dict[UUID, list[Endpoint]]


async def tell_webhooks(tx: Tx, *, origin: str, node_id: str = CENTRE) -> Read | None:
    """Read the next part of the log and write what it says as messages; None while another worker does.

    The log's size is read before the endpoints: an endpoint that is not seen was not there when these leaves were written.
    """
    state = await tree_store.state(tx, node_id)
    size = 0 if state is None else state.size
    first = await deliveries.lock_cursor(tx, node_id, size)
    if first is None:
        return None
    listening: Listening = {}
    for one in await endpoints.listening(tx):
        listening.setdefault(one.organisation_id, []).append(one)
    # Where nobody listens there is nothing to read.
    end = min(size, first + LEAVES_MAX) if listening else size
    if end <= first:
        return Read(0, 0)
    messages: list[Message] = []
    sent: list[NewDelivery] = []
    if listening:
        for leaf in await tree_store.leaves_about(tx, (first, end), events.ACTIONS, list(listening), node_id):
            for message, to in _messages(tx, leaf, listening, origin, node_id):
                messages.append(message)
                sent += [NewDelivery(tx.new_id(), message, one.id) for one in to]
    await deliveries.insert_messages(tx, messages, sent)
    await deliveries.move_cursor(tx, node_id, end)
    return Read(len(messages), size - end)


def _messages(
    tx: Tx, leaf: Told, listening: Listening, origin: str, node_id: str
) -> Iterator[tuple[Message, Sequence[Endpoint]]]:
    """What one leaf says to each organisation and portal, and the endpoints that get it now."""
    said = _DECODE(leaf.envelope)
    what = events.BY_ACTION[said.action]
    if said.outcome != DONE:
        return
    for organisation_id in leaf.organisation_ids:
        # Only what happened after an endpoint was made is told to it.
        there = [
            one
            for one in listening.get(organisation_id, ())
            if one.created_at <= leaf.created_at and one.wants(what.kind)
        ]
        for portal in what.paths:
            wanted = [one for one in there if one.portal == portal]
            if not wanted:
                continue
            link = events.link_of(what, portal, origin, said.object.id or "")
            body = bodies.body(what.kind, leaf.created_at, organisation_id, said.object.id, link, (node_id, leaf.index))
            message = Message(tx.new_id(), organisation_id, portal, what.kind, node_id, leaf.index, body, tx.now)
            yield message, [one for one in wanted if one.state is EndpointState.ACTIVE]
