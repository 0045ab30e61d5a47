"""Messages go out once more, and a test message for a receiver that is being built."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from compliance import store as audit
from exchange.flows.keep_webhook import Place
from exchange.flows.once import done
from exchange.kernel import ids
from exchange.kernel.db import Tx
from exchange.kernel.errors import NOT_FOUND, Problem
from exchange.webhooks import bodies, events
from exchange.webhooks.deliveries import Message
from exchange.webhooks.endpoints import Endpoint, EndpointState
from exchange.webhooks.problems import WEBHOOK_DISABLED
from exchange.webhooks.store import deliveries, endpoints
from exchange.webhooks.store.deliveries import Again, NewDelivery

# So many messages one replay sends again; the next one begins where it ended.
REPLAY_MAX = 10_000


class Replayed(msgspec.Struct, frozen=True):
    """How many messages go out once more; `next_since`: there may be more, from this moment on."""

    id: str
    messages: int
    next_since: str | None = None


class Tested(msgspec.Struct, frozen=True):
    """A test message that is on its way."""

    id: str
    message: str


async def replay(
    tx: Tx, place: Place, endpoint_id: UUID, since: datetime | None, until: datetime | None
) -> Replayed | Problem:
    """Send an endpoint once more what it wants of a time, the oldest first; a receiver folds what it knows by its id.

    errors   answers not-found, webhook-disabled
    """
    one = await _live(tx, place, endpoint_id)
    if isinstance(one, Problem):
        return one
    kinds = [known.kind for known in events.kinds_of(place.portal) if one.wants(known.kind)]
    wanted = Again(one.organisation_id, place.portal, None, since, until, kinds)
    found, last = await deliveries.send_again(tx, one.id, wanted, REPLAY_MAX)
    await audit.append(tx, [done(place.actor, "webhook.replay", ids.text("whk", one.id))])
    more = last.isoformat().replace("+00:00", "Z") if last is not None and found == REPLAY_MAX else None
    return Replayed(ids.text("whk", one.id), found, more)


async def replay_message(tx: Tx, place: Place, endpoint_id: UUID, message_id: UUID) -> Replayed | Problem:
    """Send an endpoint one message once more, whatever kinds it wants.

    errors   answers not-found, webhook-disabled
    """
    one = await _live(tx, place, endpoint_id)
    if isinstance(one, Problem):
        return one
    found, _ = await deliveries.send_again(tx, one.id, Again(one.organisation_id, place.portal, message_id), 1)
    if not found:
        return NOT_FOUND()
    await audit.append(tx, [done(place.actor, "webhook.replay", ids.text("whk", one.id))])
    return Replayed(ids.text("whk", one.id), 1)


async def send_test(tx: Tx, place: Place, endpoint_id: UUID, origin: str) -> Tested | Problem:
    """Send an endpoint a message that says nothing but that it arrives; it is signed and tried again as any other.

    errors   answers not-found, webhook-disabled
    """
    one = await _live(tx, place, endpoint_id)
    if isinstance(one, Problem):
        return one
    name = ids.text("whk", one.id)
    link = f"{origin}/{place.portal}/v1/webhooks/{name}"
    body = bodies.body(events.TEST, tx.now, one.organisation_id, name, link, None)
    message = Message(tx.new_id(), one.organisation_id, place.portal, events.TEST, "", None, body, tx.now)
    await deliveries.insert_messages(tx, [message], [NewDelivery(tx.new_id(), message, one.id)])
    await audit.append(tx, [done(place.actor, "webhook.test", name)])
    return Tested(name, ids.text("msg", message.id))


async def _live(tx: Tx, place: Place, endpoint_id: UUID) -> Endpoint | Problem:
    one = await endpoints.find_endpoint(tx, place.actor.organisation_id, place.portal, endpoint_id)
    if one is None:
        return NOT_FOUND()
    return one if one.state is EndpointState.ACTIVE else WEBHOOK_DISABLED(webhook=ids.text("whk", one.id))
