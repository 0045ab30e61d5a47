"""Weight vectors as the regulator sees them: all of them, with their inputs and the check that they follow. Nothing is changed."""

from __future__ import annotations

from typing import Any

from litestar import Response, get
from litestar.params import FromPath

from exchange.apps.http.answers import Asked, found
from exchange.apps.http.context import services_of
from exchange.apps.http.documented import answers, listing, show
from exchange.apps.http.lists import Cursor, Limit
from exchange.apps.http.weight_views import Recomputation, StandingView, inputs_file, recomputation, standing_view
from exchange.apps.http.wire import object_id
from exchange.apps.regulator.seeing import all_page
from settlement.store import weights

_PATH = "/regulator/v1/weight-vectors"
_ONE = f"{_PATH}/{{vector:str}}"


@listing(_PATH, StandingView)
async def list_vectors(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Response[bytes]:
    """Weight vectors of contributions, newest first. 权重向量列表。"""
    return await all_page(request, weights.everybodys, standing_view, limit, cursor)


@show(_ONE, StandingView)
async def show_vector(request: Asked, vector: FromPath[str]) -> StandingView:
    """One weight vector. 权重向量详情。"""
    one = object_id("wgt", vector)
    return standing_view(found(await services_of(request).db.run(lambda tx: weights.find(tx, one))))


@get(f"{_ONE}/inputs", responses=answers(dict[str, Any], 200, 401, 403, 404))
async def show_inputs(request: Asked, vector: FromPath[str]) -> Response[bytes]:
    """Everything from which the weights follow, byte by byte. 计算权重的全部输入。"""
    one = object_id("wgt", vector)
    return inputs_file(vector, found(await services_of(request).db.run(lambda tx: weights.find_inputs(tx, one))))


@show(f"{_ONE}/recomputation", Recomputation)
async def recompute_vector(request: Asked, vector: FromPath[str]) -> Recomputation:
    """Work the weights out anew from the inputs, and name every line that differs. 重新计算并逐行比对。"""
    db, one = services_of(request).db, object_id("wgt", vector)
    measured = found(await db.run(lambda tx: weights.find_vector(tx, one)))
    return await recomputation(measured, found(await db.run(lambda tx: weights.find_inputs(tx, one))))


ROUTES = (list_vectors, show_vector, show_inputs, recompute_vector)
