"""What a use would cost anybody at list prices."""

from __future__ import annotations

from typing import Any

from litestar import post
from litestar.params import FromPath, JSONBody

from exchange.apps.http.answers import Asked
from exchange.apps.http.documented import answers
from exchange.apps.http.simulations import ForecastWish, simulation
from exchange.apps.http.wire import object_id
from exchange.flows.simulate_price import Simulation


@post(
    "/catalog/v1/listings/{listing:str}/simulations",
    status_code=200,
    responses=answers(Simulation, 200, 400, 404, 422),
)
async def simulate_listing(request: Asked, listing: FromPath[str], data: JSONBody[ForecastWish]) -> Simulation:
    """Compare the offers of a listing over a forecast of use, at the prices for everybody. 按公开价格比较各报价方案的费用。

    Nothing is kept. Buyers with a verified class ask /buyer/v1/simulations, where it counts.
    """
    return await simulation(request, None, object_id("lst", listing), data)


ROUTES: tuple[Any, ...] = (simulate_listing,)
