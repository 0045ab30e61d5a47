"""Negotiations as both portals show them: what one sends, where one stands, and its whole history."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Annotated, Any

import msgspec
from litestar import Response
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta

from contracts import negotiation_store as store
from contracts.negotiation import Message, Negotiation, NegotiationState, Side, possible_for
from contracts.negotiation_dsp import message_documents, negotiation_document
from contracts.negotiation_store import Party
from exchange.apps.http.answers import Asked, found, write
from exchange.apps.http.context import actor_of, services_of
from exchange.apps.http.documented import command, listing, show
from exchange.apps.http.lists import Cursor, Limit, show_page
from exchange.apps.http.wire import Id, Sha256, Time, object_id, stamp
from exchange.flows.negotiating import NegotiationReceipt, Terms, Words
from exchange.flows.terminate_negotiation import terminate_negotiation
from exchange.kernel import ids
from exchange.kernel.db import Tx
from exchange.kernel.errors import Problem

_Amount = Annotated[str, Meta(pattern=r"^(0|[1-9][0-9]{0,9})(\.[0-9]{1,6})?$", max_length=17, examples=["80000.00"])]
NegotiationId = Annotated[str, Meta(examples=["neg_01m80jwmabesg81hwe4cc73nw9"])]
Note = Annotated[
    dict[str, str],
    Meta(
        description="Free text to the other side, in English, Chinese or both. 致对方的说明，可用英文、中文或两者。",
        max_length=2,
        examples=[{"en": "We need three years and the right to evaluate.", "zh": "我们需要三年期限及评测权。"}],
    ),
]
Until = Annotated[
    datetime,
    Meta(
        tz=True,
        description="Until when the other side may answer; 14 days if absent.",
        examples=["2026-04-30T16:00:00Z"],
    ),
]
Changes = Annotated[
    dict[str, Any],
    Meta(
        max_length=8,
        description="Fields of the offer document that should be different, each whole: kind, currency, plan, terms, frame, "
        "delivery. What is absent stays as it is on the table; null takes frame away. "
        "需要更改的报价方案字段（整体替换）；未填写的保持不变，frame 填 null 表示删除。",
        examples=[{"delivery": {"files": True, "rows": False}}],
    ),
]
Amounts = Annotated[
    dict[Annotated[str, Meta(max_length=40)], _Amount],
    Meta(
        max_length=100,
        description="The price of each negotiated component. 各协商组成项的价格。",
        examples=[{"licence": "80000.00"}],
    ),
]
Purposes = Annotated[
    tuple[Annotated[str, Meta(max_length=40)], ...], Meta(min_length=1, max_length=16, examples=[["pretrain"]])
]


class NoteWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What you tell the other side along with it; may be empty."""

    note: Note | None = None


class TermsWish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The terms that you propose: only what differs from what is on the table."""

    changes: Changes = {}
    amounts: Amounts | None = None
    purposes: Purposes | None = None
    note: Note | None = None
    expires_at: Until | None = None


class MessageView(msgspec.Struct, frozen=True):
    """A message of a negotiation. `document` is what `sha256` is over, in canonical form; it names the message before."""

    number: int
    message: Annotated[str, Meta(examples=["offer"])]
    by: Annotated[
        str, Meta(description="consumer (the buyer), provider (the supplier) or exchange.", examples=["provider"])
    ]
    organisation: Id | None
    state: Annotated[str, Meta(description="The state after it.", examples=["OFFERED"])]
    document: dict[str, Any]
    sha256: Sha256
    previous: Sha256 | None
    at: Time


class NegotiationView(msgspec.Struct, frozen=True, kw_only=True):
    """A negotiation as it stands; `possible` is what you may send now."""

    id: NegotiationId
    state: Annotated[str, Meta(examples=["REQUESTED"])]
    possible: Annotated[list[str], Meta(examples=[["offer", "agree", "terminate"]])]
    buyer: Id
    seller: Id
    listing: Id
    based_on: Id | None
    renews: Id | None
    rounds: int
    offer: Id | None
    quote: Id | None
    order: Id | None
    agreement: Id | None
    expires_at: Time
    created_at: Time
    changed_at: Time


class NegotiationHistory(NegotiationView, frozen=True, kw_only=True):
    """A negotiation with every message, the first one first."""

    messages: list[MessageView]


class DspMessages(msgspec.Struct, frozen=True):
    """The messages in the Dataspace Protocol's form, the first one first."""

    items: list[dict[str, Any]]


StateFilter = Annotated[
    NegotiationState | None, QueryParameter(name="state", description="Only those in this state. 仅返回该状态。")
]
_SIDES: dict[str, tuple[Party, Side]] = {"buyer": ("buyer", Side.CONSUMER), "supplier": ("seller", Side.PROVIDER)}


async def list_negotiations(
    request: Asked, standing: StateFilter = None, limit: Limit = None, cursor: Cursor = None
) -> Response[bytes]:
    """Your negotiations, newest first. 协商列表。"""
    actor, (party, side) = actor_of(request), _standing(request)
    return await show_page(
        request,
        actor,
        lambda tx, page: store.visible(tx, actor, party, standing, page),
        lambda one: negotiation_view(one, side),
        limit,
        cursor,
    )


async def show_negotiation(request: Asked, negotiation: FromPath[str]) -> NegotiationHistory:
    """One negotiation with its whole history. 协商详情及完整记录。"""
    one, messages = await _one(request, negotiation)
    _, side = _standing(request)
    return history_view(one, messages, side)


async def show_dsp(request: Asked, negotiation: FromPath[str]) -> dict[str, Any]:
    """The negotiation as the Dataspace Protocol 2025-1 writes it. 按 Dataspace Protocol 2025-1 格式返回协商状态。"""
    one, _ = await _one(request, negotiation)
    return negotiation_document(one)


async def show_dsp_messages(request: Asked, negotiation: FromPath[str]) -> DspMessages:
    """Its messages as the Dataspace Protocol 2025-1 writes them. 按 Dataspace Protocol 2025-1 格式返回消息。"""
    one, messages = await _one(request, negotiation)
    return DspMessages(message_documents(one, messages))


async def terminate(request: Asked, negotiation: FromPath[str], data: JSONBody[NoteWish]) -> Response[bytes]:
    """Leave a negotiation; nothing of it can be bought any more. 终止协商。"""
    _, side = _standing(request)
    flow = partial(terminate_negotiation, actor=actor_of(request), side=side, words=Words(data.note))
    return await answer(request, negotiation, "terminate", lambda tx, one: flow(tx, negotiation_id=one))


async def answer(
    request: Asked,
    negotiation: str,
    verb: str,
    flow: Callable[[Tx, Any], Awaitable[NegotiationReceipt | Problem]],
) -> Response[bytes]:
    """Send one message of a negotiation."""
    one = object_id("neg", negotiation)
    return await write(request, f"negotiation.{verb}", lambda tx: flow(tx, one), status=200, object_id=negotiation)


def terms_of(wish: TermsWish) -> tuple[Terms, Words]:
    """A body as flows understand it."""
    amounts = None if wish.amounts is None else {name: Decimal(amount) for name, amount in wish.amounts.items()}
    return Terms(wish.changes, amounts, wish.purposes), Words(wish.note, wish.expires_at)


def negotiation_view(one: Negotiation, side: Side | None) -> NegotiationView:
    """A negotiation as the API shows it to a side, or to who only looks on."""
    return NegotiationView(**_fields(one, side))


def history_view(one: Negotiation, messages: Sequence[Message], side: Side | None) -> NegotiationHistory:
    """The same with its messages."""
    return NegotiationHistory(**_fields(one, side), messages=[message_view(message) for message in messages])


def message_view(one: Message) -> MessageView:
    """A message as the API shows it."""
    return MessageView(
        number=one.number,
        message=one.verb.value,
        by=one.sender.value,
        organisation=_id("org", one.organisation_id),
        state=one.state.value,
        document=one.content,
        sha256=one.sha256.hex(),
        previous=None if one.previous is None else one.previous.hex(),
        at=stamp(one.created_at),
    )


def _fields(one: Negotiation, side: Side | None) -> dict[str, Any]:
    return {
        "id": ids.text("neg", one.id),
        "state": one.state.value,
        "possible": [] if side is None else list(possible_for(one.state, side)),
        "buyer": ids.text("org", one.buyer_id),
        "seller": ids.text("org", one.seller_id),
        "listing": ids.text("lst", one.listing_id),
        "based_on": _id("ofr", one.based_on),
        "renews": _id("agr", one.renews),
        "rounds": one.rounds,
        "offer": _id("ofr", one.offer_id),
        "quote": _id("qte", one.quote_id),
        "order": _id("ord", one.order_id),
        "agreement": _id("agr", one.agreement_id),
        "expires_at": stamp(one.expires_at),
        "created_at": stamp(one.created_at),
        "changed_at": stamp(one.changed_at),
    }


def _id(prefix: str, value: Any) -> str | None:
    return None if value is None else ids.text(prefix, value)


def _standing(request: Asked) -> tuple[Party, Side]:
    return _SIDES[request.app.state.name]


async def _one(request: Asked, negotiation: str) -> tuple[Negotiation, list[Message]]:
    actor, (party, _) = actor_of(request), _standing(request)
    async with services_of(request).db.read(actor) as tx:
        return found(await store.visible_one(tx, actor, party, object_id("neg", negotiation)))


def negotiation_routes(prefix: str) -> tuple[Any, ...]:
    """The routes that both sides have, under one portal."""
    path = f"{prefix}/negotiations"
    one = f"{path}/{{negotiation:str}}"
    return (
        listing(path, NegotiationView)(list_negotiations),
        show(one, NegotiationHistory)(show_negotiation),
        show(f"{one}/dsp", dict[str, Any])(show_dsp),
        show(f"{one}/dsp/messages", DspMessages)(show_dsp_messages),
        command(f"{one}/termination", NegotiationReceipt, status=200)(terminate),
    )
