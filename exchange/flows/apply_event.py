"""An event of the payment provider: what it is about is looked at, takes its effect, and all that was told of it is handled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from exchange.flows.applied import Applied
from exchange.flows.apply_object import apply_object, state_before
from exchange.flows.call_provider import open_item
from exchange.flows.open_payout_account import record_payout_account
from exchange.flows.sale import Sales
from exchange.kernel.db import Tx
from settlement.open_items import ItemKind, Opened
from settlement.payout_accounts import PayoutAccountState
from settlement.provider_events import About, Place, item_of, object_of, place_of, said_of
from settlement.provider_objects import Payment, Seen
from settlement.store import payout_accounts, provider_events


@dataclass(frozen=True, slots=True)
class News:
    """What waits to be handled of one object: where to look, and what the events say themselves.

    shapes   events: (id, type, object as it was), oldest first; said: the same as objects, for where the provider cannot be
             asked; before: our own state when the look begins
    """

    events: tuple[tuple[str, str, Mapping[str, Any]], ...]
    place: Place
    look_at: str | None
    account: str | None
    before: str | None
    said: tuple[Seen, ...]


async def take_news(tx: Tx, event_id: str) -> News | None:
    """What was told of the object that an event is about; None where that event has taken its effect."""
    told = await provider_events.told_of(tx, event_id)
    if told is None:
        return None
    events = tuple((one, type_, _object(payload)) for one, type_, payload in told.waiting)
    # One object can be told of in several kinds: what says most decides, and the rest goes along.
    places = [place_of(type_, told.account) for _, type_, _ in events]
    place = min(places, key=lambda one: _WEIGHT[one.about])
    mine = [one for one, at in zip(events, places, strict=True) if at == place]
    look_at = object_of(place.about, told.object_id, mine[-1][2])
    said = [said_of(place.about, type_, what) for _, type_, what in mine]
    if place.about is About.ACCOUNT:
        # What an account may do now is what was told last, not what is told once more.
        said = said[-1:] if mine[-1][0] == told.newest else []
    before = await _before(tx, place.about, look_at, mine[-1][2].get("metadata") or {})
    return News(events, place, look_at, told.account, before, tuple(one for one in said if one is not None))


async def apply_news(tx: Tx, sales: Sales, news: News, seen: Sequence[Seen], *, missing: bool = False) -> Applied:
    """Let what was seen take its effect, and mark the events as handled, in one transaction.

    shapes   seen: the object as it stands; missing: there is none at the provider
    errors   CannotApply
    """
    applied = Applied("noted")
    for n, one in enumerate(seen):
        before = await _again(tx, one) if n else news.before
        done = await apply_object(tx, sales, one, news.account, before)
        if done.again:
            return done
        applied = Applied(done.outcome, (*applied.opened, *done.opened))
    if missing and news.place.about not in (About.ITEM, About.NOTHING):
        applied = await _missing(tx, news)
    opened = [*applied.opened, *await _items(tx, news, unseen=not seen and not missing)]
    await provider_events.events_handled(tx, [event_id for event_id, _, _ in news.events])
    return Applied(applied.outcome if not opened or applied.opened else "open item", tuple(opened))


async def _before(tx: Tx, about: About, look_at: str | None, metadata: Mapping[str, Any]) -> str | None:
    """Our own state of what the news are about."""
    if about in (About.PAYMENT, About.CHARGE):
        return await state_before(tx, metadata.get("payment"), "pay")
    if about not in (About.ACCOUNT, About.PART_OF_ACCOUNT):
        return None
    known = await payout_accounts.by_destination(tx, look_at) if look_at else None
    return known.state.value if known is not None else await state_before(tx, metadata.get("organisation"), "org")


async def _again(tx: Tx, one: Seen) -> str | None:
    """Our own state after what was seen before it."""
    return await state_before(tx, one.payment, "pay") if isinstance(one, Payment) else None


async def _missing(tx: Tx, news: News) -> Applied:
    subject = news.look_at or news.events[-1][0]
    opened = Opened(ItemKind.OBJECT_MISSING, subject, {"type": news.events[-1][1]}, news.account)
    await open_item(tx, opened)
    return Applied("missing", (opened,))


async def _items(tx: Tx, news: News, *, unseen: bool) -> list[Opened]:
    """What each event puts before a person; none is passed over because its neighbour could be booked.

    shapes   unseen: nobody could look; what then cannot be booked from its event alone waits for a person as well
    """
    found = []
    for event_id, type_, said in news.events:
        place = place_of(type_, news.account)
        if unseen and place.about in _UNSEEN:
            place = Place(About.ITEM, _UNSEEN[place.about])
        if place.about is not About.ITEM:
            continue
        kind, subject, facts = item_of(place, type_, str(said.get("id") or event_id), said)
        if kind is ItemKind.ACCOUNT_LOST and news.account is not None:
            subject = news.account
            await _lost(tx, news.account)
        opened = Opened(kind, subject, facts, news.account)
        await open_item(tx, opened)
        found.append(opened)
    return found


async def _lost(tx: Tx, account: str) -> None:
    """Its owner has cut the account off: nothing more is paid to it."""
    found = await payout_accounts.by_destination(tx, account)
    if found is not None:
        reason = "deauthorized"
        await record_payout_account(tx, found.organisation_id, PayoutAccountState.RESTRICTED, None, reason)


def _object(payload: bytes) -> Mapping[str, Any]:
    said: Mapping[str, Any] = msgspec.json.decode(payload)["data"]["object"]
    return said


_UNSEEN = {About.REFUND: ItemKind.REFUND, About.DISPUTE: ItemKind.DISPUTE}
_WEIGHT = {
    About.PAYMENT: 0,
    About.TRANSFER: 0,
    About.BANK_PAYOUT: 0,
    About.ACCOUNT: 0,
    About.CHARGE: 1,
    About.SESSION: 0,
    About.SETUP: 0,
    About.REFUND: 0,
    About.DISPUTE: 0,
    About.PART_OF_ACCOUNT: 1,
    About.ITEM: 2,
    About.NOTHING: 3,
}
