"""Weight vectors of everybody: ordered by the operator without asking, seen, and recomputed."""

from __future__ import annotations

from functools import partial
from typing import Any

from litestar import Response, get
from litestar.params import FromPath, JSONBody

from exchange.apps.http.answers import Asked, accepted_value, found, write
from exchange.apps.http.aside import aside
from exchange.apps.http.context import actor_of
from exchange.apps.http.documented import answers, command, listing, show
from exchange.apps.http.lists import Cursor, Limit
from exchange.apps.http.weight_views import Recomputation, StandingView, inputs_file, recomputation, standing_view
from exchange.apps.http.wire import object_id
from exchange.apps.operator.seeing import see, see_page
from exchange.flows.order_weights import WeightsOrdered, order_weights, prepare, resume_weights
from settlement.store import weights
from settlement.weight_orders import WeightWish

_PATH = "/operator/v1/weight-vectors"
_ONE = f"{_PATH}/{{vector:str}}"


@command(_PATH, WeightsOrdered, 400, 401, 403, 404, 422)
async def order(request: Asked, data: JSONBody[WeightWish]) -> Response[bytes]:
    """Have the contributions to a product measured at once. 测量各供应方的贡献（无需征求同意）。

    `same_owner` joins organisations that one owner stands behind: they count as one, and the first of them is paid.
    """
    actor = actor_of(request)
    prepared = accepted_value(await aside(partial(prepare, actor, data)))
    return await write(request, "weights.order", lambda tx: order_weights(tx, actor, prepared))


@listing(_PATH, StandingView)
async def list_vectors(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Response[bytes]:
    """Everybody's weight vectors, newest first. 权重向量列表。"""
    return await see_page(request, weights.everybodys, standing_view, limit, cursor)


@show(_ONE, StandingView)
async def show_vector(request: Asked, vector: FromPath[str]) -> StandingView:
    """One weight vector. 权重向量详情。"""
    return standing_view(found(await see(request, lambda tx: weights.find(tx, object_id("wgt", vector)))))


@command(f"{_ONE}/measurement", WeightsOrdered, 400, 401, 403, 404, 409)
async def resume(request: Asked, vector: FromPath[str]) -> Response[bytes]:
    """Go on measuring after the job was cancelled or failed for good. 继续测量。"""
    actor, one = actor_of(request), object_id("wgt", vector)
    return await write(request, "weights.resume", lambda tx: resume_weights(tx, actor, one), object_id=vector)


@get(f"{_ONE}/inputs", responses=answers(dict[str, Any], 200, 401, 403, 404))
async def show_inputs(request: Asked, vector: FromPath[str]) -> Response[bytes]:
    """Everything from which the weights follow, byte by byte. 计算权重的全部输入。"""
    one = object_id("wgt", vector)
    return inputs_file(vector, found(await see(request, lambda tx: weights.find_inputs(tx, one))))


@show(f"{_ONE}/recomputation", Recomputation)
async def recompute_vector(request: Asked, vector: FromPath[str]) -> Recomputation:
    """Work the weights out anew from the inputs, and name every line that differs. 重新计算并逐行比对。"""
    one = object_id("wgt", vector)
    measured = found(await see(request, lambda tx: weights.find_vector(tx, one)))
    return await recomputation(measured, found(await see(request, lambda tx: weights.find_inputs(tx, one))))


ROUTES = (order, list_vectors, show_vector, resume, show_inputs, recompute_vector)
