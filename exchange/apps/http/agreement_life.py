"""Signatures and events of agreements: the same in the buyer's and the supplier's portal."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated, Any, Literal

import msgspec
from litestar import Response
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from contracts import lifecycle, lifecycle_store, signatures, signatures_store
from contracts import store as contracts
from contracts.life_events import OPEN_DAYS, Event, Kind, Wish
from contracts.signatures import Given, Role, Signed
from contracts.signatures_problems import SIGNATURE_WRONG
from exchange.apps.http.answers import Asked, found, write
from exchange.apps.http.context import actor_of, services_of
from exchange.apps.http.documented import command, listing, show
from exchange.apps.http.lists import Cursor, Limit, show_page
from exchange.apps.http.signing_keys import SignatureText
from exchange.apps.http.wire import Id, Sha256, Texts, Time, body_id, json_of, object_id, stamp
from exchange.flows.agreement_life import Desk
from exchange.flows.propose_event import EventReceipt, end_event, propose_event, sign_event
from exchange.flows.sign_agreement import SignatureReceipt, sign_agreement
from exchange.kernel import ids
from exchange.kernel.canonical import sha256_hex
from exchange.kernel.errors import Refused

AgreementId = Annotated[str, Meta(examples=["agr_01m80jwmabesg81hwe4cc73nw9"])]
EventId = Annotated[str, Meta(examples=["evt_01m80jwmabesg81hwe4cc73nw9"])]
Reason = Annotated[
    dict[str, str],
    Meta(
        description="In English and Chinese. 中英文。",
        examples=[{"en": "The report of May is missing.", "zh": "未提交五月报告。"}],
    ),
]
_KID = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
_DIGEST = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


class SignatureWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Your signature over the exact bytes; leave both out to let the key sign that the exchange keeps for you."""

    kid: Annotated[str, Meta(max_length=64, examples=[_KID])] | None = None
    signature: SignatureText | None = None


class EventSignatureWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The document that you sign, by its hash (read it first), and your signature if you sign with a key of your own."""

    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$", examples=[_DIGEST])]
    kid: Annotated[str, Meta(max_length=64, examples=[_KID])] | None = None
    signature: SignatureText | None = None


class EventWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An event that you propose. Which fields go with which kind stands in the guide to agreements."""

    kind: Literal["amendment", "renewal", "transfer", "suspension", "lifting", "retirement", "termination"]
    reason: Reason | None = None
    ground: Annotated[Literal["breach", "notice"], Meta(description="Of a termination. 终止理由。")] | None = None
    effective_at: (
        Annotated[datetime, Meta(tz=True, description="Of a transfer or a termination; at once if absent. 生效时间。")]
        | None
    ) = None
    ends_at: Annotated[datetime, Meta(tz=True, description="Of a renewal: the new end. 续期后的终止时间。")] | None = (
        None
    )
    purposes: Annotated[tuple[str, ...], Meta(max_length=16, examples=[["pretrain", "evaluate"]])] | None = None
    territory: Annotated[tuple[str, ...], Meta(max_length=250, examples=[["CN", "SG"]])] | None = None
    terms: (
        Annotated[dict[str, Any], Meta(description="New licence terms in place of the offer's. 新的许可条款。")] | None
    ) = None
    successor: Annotated[str, Meta(max_length=40, description="Of a transfer. 受让机构。")] | None = None
    open_days: Annotated[int, Meta(ge=1, le=90, description="How long it may wait for signatures. 提议有效天数。")] = (
        OPEN_DAYS
    )


class EndWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why, if you want to say so."""

    reason: Reason | None = None


class SignatureView(msgspec.Struct, frozen=True):
    """One signature. `kept`: by a key that the exchange keeps for the organisation; none names the exchange itself."""

    role: Annotated[str, Meta(examples=["buyer"])]
    organisation: Id | None
    kid: Annotated[
        str, Meta(description="Of /.well-known/organisations/{organisation}/keys, or /.well-known/jwks.json.")
    ]
    kept: bool
    signature: Annotated[bytes, Meta(description="Ed25519 over the exact bytes, in base64.")]
    at: Time


class SigningView(msgspec.Struct, frozen=True):
    """Who has signed an agreement: `signing` is waiting, partly or signed; the bytes are those that were signed."""

    agreement: AgreementId
    sha256: Sha256
    signing: Annotated[str, Meta(examples=["signed"])]
    missing: list[str]
    signatures: list[SignatureView]
    document_base64: bytes


class EventView(msgspec.Struct, frozen=True):
    """An event: proposed, in_force, withdrawn, refused, expired or overtaken. `document_base64` holds the bytes to sign."""

    id: EventId
    agreement: AgreementId
    kind: Annotated[str, Meta(examples=["amendment"])]
    state: Annotated[str, Meta(examples=["proposed"])]
    number: Annotated[int | None, Meta(description="Its place among the events in force. 生效事件序号。")]
    proposed_by: Annotated[str, Meta(examples=["buyer"])]
    must_sign: list[str]
    missing: list[str]
    expires_at: Time
    effective_at: Time | None
    document: dict[str, Any]
    sha256: Sha256
    document_base64: bytes
    signatures: list[SignatureView]
    ended_because: Texts | None = None


class LifeView(msgspec.Struct, frozen=True):
    """Where an agreement stands after its events, and all of these, oldest first."""

    agreement: AgreementId
    state: Annotated[str, Meta(examples=["active"])]
    signing: Annotated[str, Meta(examples=["signed"])]
    holder: Id
    seller: Id
    purposes: list[str]
    territory: list[str] | None
    ends_at: Time | None
    terminates_at: Time | None
    events: list[EventView]


async def show_signatures(request: Asked, agreement: FromPath[str]) -> SigningView:
    """Who has signed an agreement, and with which key. 合约签名情况。"""
    actor, agreement_id = actor_of(request), object_id("agr", agreement)
    async with services_of(request).db.read(actor) as tx:
        row = found(await contracts.agreement(tx, actor, agreement_id))
        every = await signatures_store.signatures_of(tx, actor, agreement_id)
    signed = [one for one in every if one.object_id == agreement_id]
    return SigningView(
        agreement=agreement,
        sha256=row.sha256.hex(),
        signing=signatures.signing(signed).value,
        missing=[role.value for role in signatures.missing(signed, (Role.BUYER, Role.SELLER))],
        signatures=[signature_view(one) for one in signed],
        document_base64=row.document,
    )


async def add_signature(request: Asked, agreement: FromPath[str], data: JSONBody[SignatureWish]) -> Response[bytes]:
    """Sign an agreement with a key of your own, or let the key sign that is kept for you. 签署合约。

    What is signed are the exact bytes of the agreement. Without this a kept key signs a few seconds after the order.
    """
    services, actor, agreement_id = services_of(request), actor_of(request), object_id("agr", agreement)
    given = _given(data)
    return await write(
        request,
        "agreement.sign",
        lambda tx: sign_agreement(tx, services.keyring, actor, agreement_id, given),
        object_id=agreement,
    )


async def show_life(request: Asked, agreement: FromPath[str]) -> LifeView:
    """Where an agreement stands, and every event of its life. 合约状态及全部事件。"""
    services, actor, agreement_id = services_of(request), actor_of(request), object_id("agr", agreement)
    async with services.db.read(actor) as tx:
        row = found(await contracts.agreement(tx, actor, agreement_id))
        events = await lifecycle_store.events_of(tx, actor, agreement_id)
        every = await signatures_store.signatures_of(tx, actor, agreement_id)
    return life_view(row, events, every, services.db.clock.now())


async def propose(request: Asked, agreement: FromPath[str], data: JSONBody[EventWish]) -> Response[bytes]:
    """Propose an event of an agreement: amendment, renewal, transfer, suspension, lifting, retirement, termination. 提议合约事件。

    What binds both sides waits for the others' signatures; what one side may do alone is in force at once. Who signs with
    a key of its own signs the event's document afterwards (`/agreement-events/{event}/signatures`).
    """
    actor, agreement_id = actor_of(request), object_id("agr", agreement)
    flow = partial(propose_event, desk=desk(request), actor=actor, agreement_id=agreement_id, wish=_wish(data))
    return await write(request, "agreement.propose-event", flow, object_id=agreement)


async def list_events(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Response[bytes]:
    """Events of your agreements, and transfers to you, newest first. 合约事件列表。"""
    actor = actor_of(request)
    now = services_of(request).db.clock.now()
    return await show_page(
        request,
        actor,
        lambda tx, page: lifecycle_store.visible(tx, actor, page),
        lambda one: event_view(one, now, None),
        limit,
        cursor,
    )


async def show_event(request: Asked, event: FromPath[str]) -> EventView:
    """One event with its exact bytes and signatures. 合约事件详情。"""
    services, actor, event_id = services_of(request), actor_of(request), object_id("evt", event)
    async with services.db.read(actor) as tx:
        one = found(await lifecycle_store.visible_one(tx, actor, event_id))
        others = await lifecycle_store.events_of(tx, actor, one.agreement_id)
    return event_view(one, services.db.clock.now(), _head(others))


async def sign(request: Asked, event: FromPath[str], data: JSONBody[EventSignatureWish]) -> Response[bytes]:
    """Sign exactly this event. It binds you; with the last signature it is in force. 签署合约事件。"""
    actor, event_id = actor_of(request), object_id("evt", event)
    flow = partial(
        sign_event,
        desk=desk(request),
        actor=actor,
        event_id=event_id,
        document_sha256=bytes.fromhex(data.sha256),
        given=_given(data),
    )
    return await write(request, "agreement.sign-event", flow, object_id=event)


async def refuse(request: Asked, event: FromPath[str], data: JSONBody[EndWish]) -> Response[bytes]:
    """Refuse what another side proposes: it comes to nothing. 拒绝合约事件。"""
    actor, event_id = actor_of(request), object_id("evt", event)
    flow = partial(end_event, actor=actor, event_id=event_id, reason=data.reason, withdraw=False)
    return await write(request, "agreement.refuse-event", flow, status=200, object_id=event)


async def withdraw(request: Asked, event: FromPath[str], data: JSONBody[EndWish]) -> Response[bytes]:
    """Withdraw what your side proposed and not everybody has signed. 撤回合约事件。"""
    actor, event_id = actor_of(request), object_id("evt", event)
    flow = partial(end_event, actor=actor, event_id=event_id, reason=data.reason, withdraw=True)
    return await write(request, "agreement.withdraw-event", flow, status=200, object_id=event)


def desk(request: Asked) -> Desk:
    """What the flows of events need of this process."""
    services = services_of(request)
    return Desk(services.sales, services.keyring, services.settings.process.node_id)


def signature_view(one: Signed) -> SignatureView:
    """A signature as the API shows it."""
    return SignatureView(
        role=one.role.value,
        organisation=None if one.organisation_id is None else ids.text("org", one.organisation_id),
        kid=one.kid,
        kept=one.kept,
        signature=one.signature,
        at=stamp(one.at),
    )


def event_view(one: Event, now: datetime, head: bytes | None) -> EventView:
    """An event as the API shows it; without the agreement's head what is overtaken shows as proposed."""
    return EventView(
        id=ids.text("evt", one.id),
        agreement=ids.text("agr", one.agreement_id),
        kind=one.kind.value,
        state=one.state(now, one.previous if head is None else head).value,
        number=None if one.force is None else one.force.number,
        proposed_by=one.proposed_by.value,
        must_sign=[role.value for role in one.needs],
        missing=[role.value for role in one.missing],
        expires_at=stamp(one.expires_at),
        effective_at=None if one.force is None else stamp(one.force.effective_at),
        document=json_of(one.document),
        sha256=one.sha256.hex(),
        document_base64=one.document,
        signatures=[signature_view(signed) for signed in one.signatures],
        ended_because=None if one.end is None or one.end.reason is None else dict(one.end.reason),
    )


def life_view(row: contracts.AgreementRow, events: list[Event], signed: list[Signed], now: datetime) -> LifeView:
    """An agreement's life as the API shows it."""
    life = lifecycle.lived(lifecycle.born(row.id, row.document, row.sha256), events)
    of_it = [one for one in signed if one.object_id == row.id]
    return LifeView(
        agreement=ids.text("agr", row.id),
        state=life.state(now).value,
        signing=signatures.signing(of_it).value,
        holder=ids.text("org", life.holder_id),
        seller=ids.text("org", life.seller_id),
        purposes=list(life.purposes),
        territory=None if life.territory is None else list(life.territory),
        ends_at=None if life.ends_at is None else stamp(life.ends_at),
        terminates_at=None if life.terminates_at is None else stamp(life.terminates_at),
        events=[event_view(one, now, life.head) for one in events],
    )


def _head(events: list[Event]) -> bytes | None:
    """The digest of the last event in force, as far as the reader sees the life."""
    forced = [(one.force.number, one.sha256) for one in events if one.force is not None]
    return max(forced)[1] if forced else None


def _given(data: SignatureWish | EventSignatureWish) -> Given | None:
    if data.kid is None and data.signature is None:
        return None
    value = signatures.decoded(data.signature or "")
    if data.kid is None or value is None:
        raise Refused(SIGNATURE_WRONG(kid=(data.kid or "?")[:64], sha256=sha256_hex(b"")))
    return Given(data.kid, value)


def _wish(data: EventWish) -> Wish:
    return Wish(
        kind=Kind(data.kind),
        reason=data.reason,
        ground=data.ground,
        effective_at=data.effective_at,
        ends_at=data.ends_at,
        purposes=data.purposes,
        territory=data.territory,
        terms=data.terms,
        successor_id=body_id("org", data.successor) if data.successor else None,
        open_days=data.open_days,
    )


def agreement_life_routes(prefix: str) -> tuple[Any, ...]:
    """The routes under one portal."""
    one, event = f"{prefix}/agreements/{{agreement:str}}", f"{prefix}/agreement-events/{{event:str}}"
    return (
        show(f"{one}/signatures", SigningView)(show_signatures),
        command(f"{one}/signatures", SignatureReceipt)(add_signature),
        show(f"{one}/events", LifeView)(show_life),
        command(f"{one}/events", EventReceipt)(propose),
        listing(f"{prefix}/agreement-events", EventView)(list_events),
        show(event, EventView)(show_event),
        command(f"{event}/signatures", EventReceipt)(sign),
        command(f"{event}/refusal", EventReceipt, status=200)(refuse),
        command(f"{event}/withdrawal", EventReceipt, status=200)(withdraw),
    )
