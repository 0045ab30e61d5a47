"""An organisation says where it wants to be told of what happens, changes that, and ends it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

import msgspec

from compliance import store as audit
from exchange.flows.once import done
from exchange.kernel import custody, ids
from exchange.kernel.actor import Actor
from exchange.kernel.canonical import sha256
from exchange.kernel.db import Tx
from exchange.kernel.errors import NOT_FOUND, Problem
from exchange.kernel.keys import Keyring
from exchange.webhooks.deliveries import Failure
from exchange.webhooks.endpoints import MOVES, Endpoint, EndpointState, Why, checked_kinds, checked_url
from exchange.webhooks.problems import WEBHOOKS_MAX
from exchange.webhooks.settings import WebhookSettings
from exchange.webhooks.signing import SECRETS_MAX, SealedSecret, public_text
from exchange.webhooks.store import deliveries, endpoints


@dataclass(frozen=True, slots=True)
class Place:
    """Who keeps webhooks, and in which portal."""

    actor: Actor
    portal: str


@dataclass(frozen=True, slots=True)
class Wish:
    """What is wanted of an endpoint; what is None stays as it is."""

    url: str | None = None
    kinds: Sequence[str] | None = None
    label: str | None = None
    active: bool | None = None


class WebhookMade(msgspec.Struct, frozen=True):
    """A new webhook. Its secret is not here: whoever made it adds it to the answer, once."""

    id: str
    url: str
    kinds: list[str]
    public_key: str


class WebhookChanged(msgspec.Struct, frozen=True):
    """A webhook as it stands after a change."""

    id: str
    url: str
    kinds: list[str]
    state: str


class SecretRotated(msgspec.Struct, frozen=True):
    """A new secret signs from now on; those before it sign beside it until `old_until`."""

    id: str
    public_key: str
    old_until: str


async def make_webhook(
    tx: Tx, place: Place, wish: Wish, secret: bytes, keyring: Keyring, settings: WebhookSettings
) -> WebhookMade | Problem:
    """Make an endpoint, with a secret that is kept sealed.

    errors   answers webhook-address, webhook-kind-unknown, webhooks-too-many
    """
    target, kinds = checked_url(wish.url or "", settings), checked_kinds(place.portal, wish.kinds or ())
    if isinstance(target, Problem):
        return target
    if isinstance(kinds, Problem):
        return kinds
    organisation_id = place.actor.organisation_id
    await endpoints.lock_endpoints(tx, organisation_id)
    if await endpoints.count_endpoints(tx, organisation_id, place.portal) >= settings.endpoints_max:
        return WEBHOOKS_MAX(limit=settings.endpoints_max)
    made = Endpoint(
        id=tx.new_id(),
        organisation_id=organisation_id,
        portal=place.portal,
        url=target.url,
        kinds=kinds,
        label=wish.label or "",
        state=EndpointState.ACTIVE,
        created_by=place.actor.client_id,
        created_at=tx.now,
    )
    await endpoints.insert_endpoint(tx, made)
    kept = await _keep(tx, made, secret, keyring)
    name = ids.text("whk", made.id)
    await audit.append(tx, [done(place.actor, "webhook.create", name, address=sha256(target.url.encode()))])
    return WebhookMade(name, target.url, list(kinds), public_text(kept.public))


async def change_webhook(
    tx: Tx, place: Place, endpoint_id: UUID, wish: Wish, settings: WebhookSettings
) -> WebhookChanged | Problem:
    """Change an endpoint's address, kinds or label, disable or enable it; enabled, it begins without failures.

    errors   answers not-found, webhook-address, webhook-kind-unknown
    """
    await endpoints.lock_endpoints(tx, place.actor.organisation_id)
    now = await endpoints.find_endpoint(tx, place.actor.organisation_id, place.portal, endpoint_id)
    if now is None:
        return NOT_FOUND()
    url, kinds = now.url, now.kinds
    if wish.url is not None:
        target = checked_url(wish.url, settings)
        if isinstance(target, Problem):
            return target
        url = target.url
    if wish.kinds is not None:
        found = checked_kinds(place.portal, wish.kinds)
        if isinstance(found, Problem):
            return found
        kinds = found
    label = now.label if wish.label is None else wish.label
    changed = _moved(replace(now, url=url, kinds=kinds, label=label), wish.active)
    await endpoints.change_endpoint(tx, changed)
    if changed.state is EndpointState.DISABLED and now.state is EndpointState.ACTIVE:
        await deliveries.drop_waiting(tx, now.id, Failure.DISABLED)
    name = ids.text("whk", now.id)
    await audit.append(tx, [done(place.actor, "webhook.change", name, address=sha256(url.encode()))])
    return WebhookChanged(name, url, list(kinds), changed.state.value)


async def remove_webhook(tx: Tx, place: Place, endpoint_id: UUID) -> WebhookChanged | Problem:
    """End an endpoint for good, and forget its secrets.

    errors   answers not-found
    """
    await endpoints.lock_endpoints(tx, place.actor.organisation_id)
    now = await endpoints.find_endpoint(tx, place.actor.organisation_id, place.portal, endpoint_id)
    if now is None:
        return NOT_FOUND()
    await endpoints.change_endpoint(tx, replace(now, state=EndpointState.REMOVED, reason=now.reason or Why.OWNER))
    await deliveries.drop_waiting(tx, now.id, Failure.DISABLED)
    await endpoints.drop_secrets(tx, [one.id for one in await endpoints.secrets_of(tx, [now.id])])
    name = ids.text("whk", now.id)
    await audit.append(tx, [done(place.actor, "webhook.remove", name)])
    return WebhookChanged(name, now.url, list(now.kinds), EndpointState.REMOVED.value)


async def rotate_secret(
    tx: Tx, place: Place, endpoint_id: UUID, overlap: timedelta, secret: bytes, keyring: Keyring
) -> SecretRotated | Problem:
    """Let a new secret and key sign; the one before signs beside them for the overlap, and any older one no more.

    errors   answers not-found
    """
    await endpoints.lock_endpoints(tx, place.actor.organisation_id)
    now = await endpoints.find_endpoint(tx, place.actor.organisation_id, place.portal, endpoint_id)
    if now is None:
        return NOT_FOUND()
    until = tx.now + overlap
    old = await endpoints.secrets_of(tx, [now.id])
    for one in old[: SECRETS_MAX - 1]:
        await endpoints.end_secret(tx, one.id, until)
    await endpoints.drop_secrets(tx, [one.id for one in old[SECRETS_MAX - 1 :]])
    await endpoints.drop_ended_secrets(tx)
    kept = await _keep(tx, now, secret, keyring)
    name = ids.text("whk", now.id)
    await audit.append(tx, [done(place.actor, "webhook.rotate", name, public_key=sha256(kept.public))])
    return SecretRotated(name, public_text(kept.public), until.isoformat().replace("+00:00", "Z"))


async def _keep(tx: Tx, one: Endpoint, secret: bytes, keyring: Keyring) -> SealedSecret:
    """Seal a secret for its endpoint, beside a key pair made for it."""
    owner = ids.text("whk", one.id)
    pair = custody.make(keyring, owner)
    by, sealed = custody.seal_secret(keyring, owner, secret)
    assert by == pair.sealed_by, "one custody key seals both"
    kept = SealedSecret(
        tx.new_id(), one.id, one.organisation_id, by, sealed, pair.kid, pair.public, pair.sealed, tx.now
    )
    await endpoints.insert_secret(tx, kept)
    return kept


def _moved(one: Endpoint, active: bool | None) -> Endpoint:
    wanted = one.state if active is None else EndpointState.ACTIVE if active else EndpointState.DISABLED
    if wanted is one.state:
        return one
    assert wanted in MOVES[one.state], "a removed endpoint is not found"
    return replace(one, state=wanted, reason=None if wanted is EndpointState.ACTIVE else Why.OWNER)
