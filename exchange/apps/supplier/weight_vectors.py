"""Weight vectors: what each supplier of a product contributed. Ordered, agreed to, measured, and recomputed."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

import msgspec
from litestar import Response, get
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from exchange.apps.http.answers import Asked, accepted_value, found, write
from exchange.apps.http.aside import aside
from exchange.apps.http.context import actor_of, services_of
from exchange.apps.http.documented import answers, command, listing, show
from exchange.apps.http.lists import Cursor, Limit, show_page
from exchange.apps.http.weight_views import Recomputation, StandingView, inputs_file, recomputation, standing_view
from exchange.apps.http.wire import object_id
from exchange.flows.order_weights import WeightsOrdered, answer_weights, order_weights, prepare, resume_weights
from settlement.store import weights
from settlement.weight_orders import WeightWish

_PATH = "/supplier/v1/weight-vectors"
_ONE = f"{_PATH}/{{vector:str}}"
_DIGEST = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


class ConsentWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whether your records may be compared with those of the others, by exactly this order."""

    sha256: Annotated[
        str, Meta(pattern="^[0-9a-f]{64}$", description="`order_sha256` of the vector.", examples=[_DIGEST])
    ]
    agrees: bool = True


@command(_PATH, WeightsOrdered, 400, 401, 403, 404, 422)
async def order(request: Asked, data: JSONBody[WeightWish]) -> Response[bytes]:
    """Have the contributions to a product measured. 申请测量各供应方的贡献。

    At least one of the revisions is yours. Suppliers of others are asked first; a job measures once all have agreed, and its
    progress is at GET /supplier/v1/jobs/{job}.
    """
    actor = actor_of(request)
    prepared = accepted_value(await aside(partial(prepare, actor, data)))
    return await write(request, "weights.order", lambda tx: order_weights(tx, actor, prepared))


@listing(_PATH, StandingView)
async def list_vectors(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Response[bytes]:
    """The weight vectors in which you take part, newest first. 权重向量列表。"""
    actor = actor_of(request)
    return await show_page(
        request, actor, lambda tx, page: weights.visible(tx, actor, page), standing_view, limit, cursor
    )


@show(_ONE, StandingView)
async def show_vector(request: Asked, vector: FromPath[str]) -> StandingView:
    """One weight vector: who is asked, and what was measured. 权重向量详情。"""
    actor = actor_of(request)
    async with services_of(request).db.read(actor) as tx:
        return standing_view(found(await weights.visible_one(tx, actor, object_id("wgt", vector))))


@get(f"{_ONE}/order", responses=answers(dict[str, Any], 200, 401, 403, 404))
async def show_order(request: Asked, vector: FromPath[str]) -> Response[bytes]:
    """What was ordered, byte by byte: its SHA-256 is what you agree to. 申请原文。"""
    actor = actor_of(request)
    async with services_of(request).db.read(actor) as tx:
        return inputs_file(vector, found(await weights.visible_document(tx, actor, object_id("wgt", vector))))


@command(f"{_ONE}/consent", WeightsOrdered, status=200)
async def consent(request: Asked, vector: FromPath[str], data: JSONBody[ConsentWish]) -> Response[bytes]:
    """Agree that your records are compared with those of the others, or refuse. 同意或拒绝比对贵机构的记录。

    Everybody who takes part then sees how many records of each revision others hold too, never which.
    """
    actor, one = actor_of(request), object_id("wgt", vector)
    flow = partial(
        answer_weights, actor=actor, order_id=one, order_sha256=bytes.fromhex(data.sha256), agrees=data.agrees
    )
    return await write(request, "weights.answer", flow, status=200, object_id=vector)


@command(f"{_ONE}/measurement", WeightsOrdered, 400, 401, 403, 404, 409)
async def resume(request: Asked, vector: FromPath[str]) -> Response[bytes]:
    """Go on measuring after the job was cancelled; what was read is not read again. 继续测量。"""
    actor, one = actor_of(request), object_id("wgt", vector)
    return await write(request, "weights.resume", lambda tx: resume_weights(tx, actor, one), object_id=vector)


@get(f"{_ONE}/inputs", responses=answers(dict[str, Any], 200, 401, 403, 404))
async def show_inputs(request: Asked, vector: FromPath[str]) -> Response[bytes]:
    """Everything from which the weights follow, byte by byte. 计算权重的全部输入。

    Check it with the script at /catalog/v1/verification/recompute_weights.py, which needs nothing of ours.
    """
    actor = actor_of(request)
    async with services_of(request).db.read(actor) as tx:
        return inputs_file(vector, found(await weights.visible_inputs(tx, actor, object_id("wgt", vector))))


@show(f"{_ONE}/recomputation", Recomputation)
async def recompute_vector(request: Asked, vector: FromPath[str]) -> Recomputation:
    """Work the weights out anew from the inputs, and name every line that differs. 重新计算并逐行比对。"""
    actor, one = actor_of(request), object_id("wgt", vector)
    async with services_of(request).db.read(actor) as tx:
        standing = found(await weights.visible_one(tx, actor, one))
        inputs = found(await weights.visible_inputs(tx, actor, one))
    return await recomputation(found(standing.vector), inputs)


ROUTES = (order, list_vectors, show_vector, show_order, consent, resume, show_inputs, recompute_vector)
