"""Measurements of outcome-based deals: proposed by the evaluator, accepted or disputed by buyer and seller."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated, Any, cast

import msgspec
from litestar import Response
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from contracts import measurements_store as store
from contracts.measurements import Agreed, Draft, Measurement
from contracts.measurements_store import Side
from exchange.apps.http.answers import Asked, found, write
from exchange.apps.http.context import actor_of, services_of
from exchange.apps.http.documented import command, listing, show
from exchange.apps.http.lists import Cursor, Limit, show_page
from exchange.apps.http.wire import Id, Sha256, Texts, Time, body_id, json_of, object_id, stamp
from exchange.flows.accept_measurement import accept_measurement
from exchange.flows.dispute_measurement import dispute_measurement, withdraw_measurement
from exchange.flows.submit_measurement import MeasurementReceipt, Wish, submit_measurement
from exchange.kernel import ids

_SIDES: dict[str, Side] = {"buyer": "buyer", "supplier": "seller", "assessor": "evaluator"}
_GRANT = "grt_01m80jwmabesg81hwe4cc73nw9"
_DIGEST = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_BilingualText = Annotated[
    dict[str, str],
    Meta(
        description="In English and Chinese. 中英文。",
        examples=[{"en": "F1 on the held-out set of 5,000 questions.", "zh": "在 5000 题留出集上的 F1 值。"}],
    ),
]


class MeasurementWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was measured. The evidence stays with you: its hash binds you to it."""

    grant: Annotated[str, Meta(max_length=40, examples=[_GRANT])]
    component: Annotated[str, Meta(max_length=40, description="Id of the outcome component.", examples=["uplift"])]
    measured: Annotated[str, Meta(max_length=24, description="A number as text.", examples=["0.78"])]
    measured_at: Annotated[datetime, Meta(tz=True, examples=["2026-03-31T16:00:00Z"])]
    evidence_sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$", examples=[_DIGEST])]
    method: _BilingualText


class AcceptanceWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The document that you accept, by its hash: read it first."""

    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$", examples=[_DIGEST])]


class EndWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why."""

    reason: _BilingualText


class AnswerView(msgspec.Struct, frozen=True):
    """What an organisation said to the measurement, and when."""

    organisation: Id
    answer: Annotated[str, Meta(examples=["accept"])]
    at: Time
    reason: Texts | None


class AgreedView(msgspec.Struct, frozen=True):
    """What the exchange signed when both sides had accepted; `document` is the exact text under `signature` (Ed25519)."""

    document: Annotated[str, Meta(examples=['{"type":"measurement-agreed","v":1}'])]
    sha256: Sha256
    kid: Annotated[str, Meta(description="The key's id in /.well-known/jwks.json.")]
    signature: Annotated[str, Meta(description="64 bytes in hex.", pattern="^[0-9a-f]{128}$")]
    agreed_at: Time


class MeasurementView(msgspec.Struct, frozen=True):
    """A measurement as it stands: proposed, agreed, disputed or withdrawn. `sha256` is over `document` in canonical form."""

    id: Annotated[str, Meta(examples=["mea_01m80jwmabesg81hwe4cc73nw9"])]
    grant: Annotated[str, Meta(examples=[_GRANT])]
    component: Annotated[str, Meta(examples=["uplift"])]
    state: Annotated[str, Meta(examples=["proposed"])]
    measured: Annotated[str, Meta(examples=["0.78"])]
    baseline: Annotated[str, Meta(examples=["0.71"])]
    document: dict[str, Any]
    sha256: Sha256
    answers: list[AnswerView]
    agreed: AgreedView | None
    created_at: Time


async def list_measurements(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Response[bytes]:
    """The measurements of your deals, newest first. 测量记录列表。"""
    actor, side = actor_of(request), _side(request)
    return await show_page(
        request, actor, lambda tx, page: store.visible(tx, actor, side, page), measurement_view, limit, cursor
    )


async def show_measurement(request: Asked, measurement: FromPath[str]) -> MeasurementView:
    """One measurement with its document and what was said to it. 测量记录详情。"""
    actor = actor_of(request)
    async with services_of(request).db.read(actor) as tx:
        one = await store.visible_one(tx, actor, _side(request), object_id("mea", measurement))
    return measurement_view(found(one))


async def submit(request: Asked, data: JSONBody[MeasurementWish]) -> Response[bytes]:
    """Say what you measured, as the evaluator that the price plan names. 提交测量记录（由方案约定的评估机构提交）。

    It costs nobody anything before buyer and seller have both accepted it.
    """
    services, actor = services_of(request), actor_of(request)
    draft = Draft(data.component, data.measured, data.measured_at, data.evidence_sha256, data.method)
    wish = Wish(body_id("grt", data.grant), draft)
    return await write(
        request,
        "measurement.submit",
        lambda tx: submit_measurement(tx, services.sales, actor, wish),
        object_id=data.grant,
    )


async def accept(request: Asked, measurement: FromPath[str], data: JSONBody[AcceptanceWish]) -> Response[bytes]:
    """Accept exactly this document. It binds you; with both acceptances it is signed and charged for. 确认测量结果。"""
    services, actor, one = services_of(request), actor_of(request), object_id("mea", measurement)
    flow = partial(
        accept_measurement,
        keyring=services.keyring,
        actor=actor,
        measurement_id=one,
        document_sha256=bytes.fromhex(data.sha256),
    )
    return await write(request, "measurement.accept", flow, status=200, object_id=measurement)


async def dispute(request: Asked, measurement: FromPath[str], data: JSONBody[EndWish]) -> Response[bytes]:
    """Say that a measurement is wrong: nothing is charged for it. 对测量结果提出异议。"""
    actor, one = actor_of(request), object_id("mea", measurement)
    flow = partial(dispute_measurement, actor=actor, measurement_id=one, reason=data.reason)
    return await write(request, "measurement.dispute", flow, status=200, object_id=measurement)


async def withdraw(request: Asked, measurement: FromPath[str], data: JSONBody[EndWish]) -> Response[bytes]:
    """Take back a measurement that you submitted and that is not agreed yet. 撤回测量记录。"""
    actor, one = actor_of(request), object_id("mea", measurement)
    flow = partial(withdraw_measurement, actor=actor, measurement_id=one, reason=data.reason)
    return await write(request, "measurement.withdraw", flow, status=200, object_id=measurement)


def measurement_view(one: Measurement) -> MeasurementView:
    """A measurement as the API shows it."""
    document = cast(dict[str, Any], json_of(one.document))
    return MeasurementView(
        id=ids.text("mea", one.id),
        grant=ids.text("grt", one.grant_id),
        component=one.component,
        state=one.state.value,
        measured=document["measured"],
        baseline=document["baseline"],
        document=document,
        sha256=one.sha256.hex(),
        answers=[
            AnswerView(
                ids.text("org", said.organisation_id),
                said.answer.value,
                stamp(said.at),
                None if said.reason is None else dict(said.reason),
            )
            for said in one.said
        ],
        agreed=None if one.agreed is None else _agreed(one.agreed),
        created_at=stamp(one.created_at),
    )


def _agreed(one: Agreed) -> AgreedView:
    return AgreedView(
        document=one.document.decode(),
        sha256=one.sha256.hex(),
        kid=one.kid,
        signature=one.signature.hex(),
        agreed_at=stamp(one.created_at),
    )


def _side(request: Asked) -> Side:
    return _SIDES[request.app.state.name]


def measurement_routes(prefix: str, *, party: bool) -> tuple[Any, ...]:
    """The routes under one portal; a party also accepts and disputes, and any evaluator submits and withdraws."""
    path = f"{prefix}/measurements"
    one = f"{path}/{{measurement:str}}"
    routes = [
        listing(path, MeasurementView)(list_measurements),
        show(one, MeasurementView)(show_measurement),
        command(path, MeasurementReceipt)(submit),
        command(f"{one}/withdrawal", MeasurementReceipt, status=200)(withdraw),
    ]
    if party:
        routes += [
            command(f"{one}/acceptance", MeasurementReceipt, status=200)(accept),
            command(f"{one}/dispute", MeasurementReceipt, status=200)(dispute),
        ]
    return tuple(routes)
