"""All SQL of negotiations."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Select, func, select, update

from contracts import tables as t
from contracts.negotiation import OPEN, Message, Negotiation, NegotiationState, Side, Verb
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.pages import BadCursor, Page, PageRequest, page_of
from exchange.kernel.store import mine

Party = Literal["buyer", "seller"]
DUE_MAX = 200
_one, _message = t.negotiation, t.negotiation_message
_OPEN = tuple(state.value for state in OPEN)
# Two new negotiations of a pair at once: one waits for the other's commit, and counts it.
_LOCK_PAIR = "SELECT pg_advisory_xact_lock(7272, hashtext($1::text || '/' || $2::text))"


async def count_open(tx: Tx, buyer_id: UUID, seller_id: UUID) -> int:
    """How many open negotiations a pair has; nobody else begins one for it until the commit."""
    await (await tx.driver()).execute(_LOCK_PAIR, str(buyer_id), str(seller_id))
    statement = select(func.count()).where(
        _one.c.buyer_id == buyer_id, _one.c.seller_id == seller_id, _one.c.state.in_(_OPEN)
    )
    return int((await tx.conn.execute(statement)).scalar_one())


async def insert(tx: Tx, one: Negotiation, message: Message) -> None:
    """Write a new negotiation and its first message."""
    await tx.conn.execute(_one.insert().values({column.name: getattr(one, column.name) for column in _one.c}))
    await _say(tx, one, message)


async def move(tx: Tx, one: Negotiation, message: Message) -> None:
    """Write where a negotiation stands after a message, and the message; it must be locked."""
    names: tuple[str, ...] = ("state", "rounds", "messages", "tip", "expires_at", "changed_at")
    names += ("offer_id", "quote_id", "order_id", "agreement_id")
    await tx.conn.execute(update(_one).where(_one.c.id == one.id).values({name: getattr(one, name) for name in names}))
    await _say(tx, one, message)


async def lock(tx: Tx, negotiation_id: UUID) -> Negotiation | None:
    """Read a negotiation and hold it: its messages come one after another."""
    row = (await tx.conn.execute(select(_one).where(_one.c.id == negotiation_id).with_for_update())).mappings()
    return next(map(_negotiation, row), None)


async def lock_due(tx: Tx) -> list[Negotiation]:
    """Hold the negotiations that nobody answered in time, at most `DUE_MAX`; those that are being moved are left out."""
    statement = (
        select(_one)
        .where(_one.c.state.in_(_OPEN), _one.c.expires_at <= tx.now)
        .order_by(_one.c.expires_at)
        .limit(DUE_MAX)
        .with_for_update(skip_locked=True)
    )
    return [_negotiation(row) for row in (await tx.conn.execute(statement)).mappings()]


async def history(tx: Tx, negotiation_id: UUID) -> list[Message]:
    """Every message of a negotiation, the first one first, for flows."""
    statement = select(_message).where(_message.c.negotiation_id == negotiation_id).order_by(_message.c.number)
    return [_read(row) for row in (await tx.conn.execute(statement)).mappings()]


async def last(tx: Tx, negotiation_id: UUID, *verbs: Verb) -> Message | None:
    """The newest message of a negotiation that says one of these, for flows."""
    statement = (
        select(_message)
        .where(_message.c.negotiation_id == negotiation_id, _message.c.message.in_([verb.value for verb in verbs]))
        .order_by(_message.c.number.desc())
        .limit(1)
    )
    return next(map(_read, (await tx.conn.execute(statement)).mappings()), None)


async def visible(
    tx: Tx, actor: Actor, party: Party, state: NegotiationState | None, page: PageRequest
) -> Page[Negotiation]:
    """The negotiations in which the actor's organisation buys or sells, newest first.

    errors   BadCursor
    """
    return await _page(tx, select(_one).where(mine(_one.c[f"{party}_id"], actor)), state, page)


async def visible_one(
    tx: Tx, actor: Actor, party: Party, negotiation_id: UUID
) -> tuple[Negotiation, list[Message]] | None:
    """One such negotiation with its messages; None for a foreign one, as for one that does not exist."""
    query = select(_one).where(_one.c.id == negotiation_id, mine(_one.c[f"{party}_id"], actor))
    row = (await tx.conn.execute(query)).mappings().one_or_none()
    return None if row is None else (_negotiation(row), await history(tx, negotiation_id))


async def every(tx: Tx, state: NegotiationState | None, page: PageRequest) -> Page[Negotiation]:
    """Everybody's negotiations, newest first, for regulators; through the app's role.

    errors   BadCursor
    """
    return await _page(tx, select(_one), state, page)


async def any_one(tx: Tx, negotiation_id: UUID) -> tuple[Negotiation, list[Message]] | None:
    """Anybody's negotiation with its messages, for regulators; through the app's role."""
    row = (await tx.conn.execute(select(_one).where(_one.c.id == negotiation_id))).mappings().one_or_none()
    return None if row is None else (_negotiation(row), await history(tx, negotiation_id))


async def _page(tx: Tx, query: Select[Any], state: NegotiationState | None, page: PageRequest) -> Page[Negotiation]:
    query = query.order_by(_one.c.id.desc()).limit(page.limit + 1)
    if state is not None:
        query = query.where(_one.c.state == state.value)
    if page.after is not None:
        query = query.where(_one.c.id < _key(page.after))
    found = [_negotiation(row) for row in (await tx.conn.execute(query)).mappings()]
    return page_of(found, page, lambda one: (one.id.hex,))


async def _say(tx: Tx, one: Negotiation, message: Message) -> None:
    await tx.conn.execute(
        _message.insert().values(
            id=message.id,
            negotiation_id=one.id,
            buyer_id=one.buyer_id,
            seller_id=one.seller_id,
            number=message.number,
            sender=message.sender.value,
            organisation_id=message.organisation_id,
            client_id=message.client_id,
            message=message.verb.value,
            state=message.state.value,
            document=message.document,
            sha256=message.sha256,
            previous=message.previous,
            created_at=message.created_at,
        )
    )


def _negotiation(row: Any) -> Negotiation:
    return Negotiation(**{**row, "state": NegotiationState(row["state"])})


def _read(row: Any) -> Message:
    names = ("id", "negotiation_id", "number", "organisation_id", "client_id", "document", "sha256", "previous")
    return Message(
        **{name: row[name] for name in (*names, "created_at")},
        sender=Side(row["sender"]),
        verb=Verb(row["message"]),
        state=NegotiationState(row["state"]),
    )


def _key(after: tuple[str, ...]) -> UUID:
    try:
        (text,) = after
        return UUID(hex=text)
    except ValueError as error:
        raise BadCursor("the cursor is not one of ours") from error
