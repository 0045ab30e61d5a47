"""Weight vectors as every portal shows them, and the check that their weights follow from their inputs."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import msgspec
from litestar import Response
from msgspec import Meta

from exchange.apps.http.aside import aside
from exchange.apps.http.wire import Id, Sha256, Time, stamp
from exchange.kernel import ids
from exchange.kernel.canonical import sha256_hex
from settlement.contribution import WeightState, WeightVector, recompute, state_of
from settlement.store.weights import OrderStanding
from settlement.weighing import WEIGHTS_TOTAL

VectorId = Annotated[str, Meta(examples=["wgt_01m80jwmabesg81hwe4cc73nw9"])]
_State = Annotated[str, Meta(examples=["measured"], description="waiting, declined, measuring or measured.")]


class WeightView(msgspec.Struct, frozen=True):
    """What one payee contributed: its exact value, and its part of 1,000,000,000."""

    organisation: Id
    value: Annotated[str, Meta(description="Exact, as a fraction.", examples=["17/30"])]
    weight: Annotated[int, Meta(examples=[566_666_667])]


class VectorView(msgspec.Struct, frozen=True):
    """What the exchange measured; `document` is the exact text under `signature` (Ed25519), and all weights stand in it."""

    version: Annotated[int, Meta(description="Counts the vectors of one orderer and subject.", examples=[1])]
    weights: list[WeightView]
    residual: Annotated[int, Meta(description="What is nobody's: taken from copies. 未归属部分。", examples=[0])]
    total: Annotated[int, Meta(examples=[WEIGHTS_TOTAL])]
    robust: Annotated[
        str,
        Meta(
            description="`copies`: no copy of any data raises a share; `accounts`: more accounts with one's own data do not; "
            "`owners`: accounts of one verified owner count as one.",
            examples=["copies"],
        ),
    ]
    document: Annotated[str, Meta(examples=['{"type":"weight-vector","v":1}'])]
    sha256: Sha256
    kid: Annotated[str, Meta(description="The key's id in /.well-known/jwks.json.")]
    signature: Annotated[str, Meta(description="64 bytes in hex.", pattern="^[0-9a-f]{128}$")]
    measured_at: Time


class StandingView(msgspec.Struct, frozen=True):
    """A weight vector as it stands; `vector` is there once it is measured."""

    id: VectorId
    subject: Annotated[str, Meta(examples=["joint-corpus"])]
    method: Annotated[str, Meta(examples=["tuples"])]
    utility: Annotated[str, Meta(examples=["coverage"])]
    state: _State
    ordered_by: Id
    order_sha256: Annotated[Sha256, Meta(description="What those who are asked agree to. 征求同意的内容摘要。")]
    agreed: list[Id]
    waiting_for: list[Id]
    declined: list[Id]
    vector: VectorView | None
    ordered_at: Time


class DifferenceView(msgspec.Struct, frozen=True):
    """A line of the document that the inputs do not give."""

    at: Annotated[str, Meta(description="A JSON pointer (RFC 6901).", examples=["/result/players/0/weight"])]
    said: str
    found: str


class Recomputation(msgspec.Struct, frozen=True):
    """Whether every line of the vector follows from its inputs, worked out anew."""

    id: VectorId
    same: bool
    sha256: Sha256
    inputs_sha256: Sha256
    differences: list[DifferenceView]


def standing_view(one: OrderStanding) -> StandingView:
    """An order and its vector as the API shows them."""
    order, answers = one.order, one.answers
    state: WeightState = state_of(order, answers, measured=one.vector is not None)
    return StandingView(
        id=ids.text("wgt", order.id),
        subject=order.subject,
        method=order.method,
        utility=order.utility,
        state=state.value,
        ordered_by=ids.text("org", order.ordered_by),
        order_sha256=order.sha256.hex(),
        agreed=[ids.text("org", who) for who in order.asked if answers.get(who) is True],
        waiting_for=[ids.text("org", who) for who in order.asked if who not in answers],
        declined=[ids.text("org", who) for who in order.asked if answers.get(who) is False],
        vector=None if one.vector is None else _vector(one.vector),
        ordered_at=stamp(order.created_at),
    )


async def recomputation(vector: WeightVector, inputs: bytes) -> Recomputation:
    """Weigh the inputs again and compare line by line, beside the event loop."""
    found = await aside(partial(recompute, vector.document, inputs))
    return Recomputation(
        id=ids.text("wgt", vector.id),
        same=not found,
        sha256=sha256_hex(vector.document),
        inputs_sha256=sha256_hex(inputs),
        differences=[DifferenceView(line.at, line.said, line.found) for line in found],
    )


def inputs_file(vector: str, inputs: bytes) -> Response[bytes]:
    """The inputs as a file, byte by byte."""
    headers = {
        "content-disposition": f'attachment; filename="{vector}.inputs.json"',
        "etag": f'"{sha256_hex(inputs)}"',
        "cache-control": "private, no-cache",
        "x-content-type-options": "nosniff",
    }
    return Response(inputs, media_type="application/json", headers=headers)


def _vector(one: WeightVector) -> VectorView:
    return VectorView(
        version=one.version,
        weights=[WeightView(ids.text("org", who.organisation_id), str(who.value), who.weight) for who in one.players],
        residual=one.residual_weight,
        total=WEIGHTS_TOTAL,
        robust=one.robust,
        document=one.document.decode(),
        sha256=sha256_hex(one.document),
        kid=one.kid,
        signature=one.signature.hex(),
        measured_at=stamp(one.created_at),
    )
