"""Simulations, for buyers with their class and choices, and for everybody at list prices."""

from __future__ import annotations

from functools import partial
from typing import Annotated
from uuid import UUID

from msgspec import Meta

from exchange.apps.http.answers import Asked, accepted_value, found
from exchange.apps.http.aside import aside
from exchange.apps.http.choices import Choices, basis_of
from exchange.apps.http.context import services_of
from exchange.flows.simulate_price import MONTHS_MAX, Simulation, Wish, offers_on_show, simulate_price
from exchange.kernel.actor import Actor

Month = Annotated[
    dict[str, int],
    Meta(
        description="Use in one month by usage key: a meter such as records, tokens or x_pages, or one of a data class "
        "such as tokens/medical. 一个月的用量。",
        examples=[{"records": 50_000}],
    ),
]
Forecast = Annotated[
    tuple[Month, ...], Meta(max_length=MONTHS_MAX, examples=[[{"records": 50_000}, {"records": 80_000}]])
]


class ForecastWish(Choices, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The use foreseen month by month, and what one would choose; what an offer does not know is left out and named."""

    forecast: Forecast
    meter: (
        Annotated[
            str,
            Meta(
                max_length=80,
                description="The usage key in which the comparison counts volumes; the first of the forecast if absent. "
                "比较所用的计量项。",
                examples=["records"],
            ),
        ]
        | None
    ) = None


async def simulation(request: Asked, actor: Actor | None, listing_id: UUID, wanted: ForecastWish) -> Simulation:
    """Load the offers, then work their costs out beside the loop, so that others are answered meanwhile.

    errors   raises Refused(not-found), Refused(forecast-invalid)
    """
    services = services_of(request)
    async with services.db.read(actor) as tx:
        shown = found(await offers_on_show(tx, listing_id, actor))
    wish = Wish(wanted.forecast, basis_of(wanted), wanted.meter)
    return accepted_value(await aside(partial(simulate_price, shown, wish, services.db.clock.now())))
