"""Simulations: what a use would cost this buyer under each offer of a listing. Nothing is kept and nobody is bound."""

from __future__ import annotations

from typing import Annotated

from litestar import post
from litestar.params import JSONBody
from msgspec import Meta

from exchange.apps.http.answers import Asked
from exchange.apps.http.context import actor_of
from exchange.apps.http.documented import answers
from exchange.apps.http.simulations import ForecastWish, simulation
from exchange.apps.http.wire import body_id
from exchange.flows.simulate_price import Simulation


class SimulationWish(ForecastWish, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A listing, the use foreseen month by month, and your choices; your class is the one that was verified."""

    listing: Annotated[str, Meta(examples=["lst_01m80jwmabesg81hwe4cc73nw9"], max_length=40)]


@post("/buyer/v1/simulations", status_code=200, responses=answers(Simulation, 200, 400, 401, 403, 404, 422))
async def simulate(request: Asked, data: JSONBody[SimulationWish]) -> Simulation:
    """Compare the offers of a listing over a forecast of use. 按用量预测比较各报价方案的费用。

    The same arithmetic as the bill's, over your numbers, without tax: each month with its lines, discounts and drawn
    credits, the cost of a steady use by volume, and which offer is cheapest from which volume on.
    """
    return await simulation(request, actor_of(request), body_id("lst", data.listing), data)


ROUTES = (simulate,)
