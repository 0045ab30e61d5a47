"""Price guidance: what similar data costs on the exchange."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from litestar.params import FromPath, QueryParameter

from exchange.apps.http.answers import Asked, found
from exchange.apps.http.aside import aside
from exchange.apps.http.context import actor_of, services_of
from exchange.apps.http.documented import show
from exchange.apps.http.wire import object_id
from exchange.flows.show_guidance import PriceGuidance, look_beside, show_guidance, traded_beside


@show("/supplier/v1/datasets/{dataset:str}/price-guidance", PriceGuidance, 400, 401, 403, 404)
async def read_guidance(
    request: Asked,
    dataset: FromPath[str],
    exclusive: Annotated[
        bool, QueryParameter(description="Whether you think of an exclusive licence. 是否考虑独家许可。")
    ] = False,
) -> PriceGuidance:
    """What similar data costs: an estimate with its interval, every comparable, every weight. 参考定价。

    Only guidance: it is never applied to an offer. Where too few similar offers exist, it says so and gives none.
    """
    services, actor = services_of(request), actor_of(request)
    async with services.db.read(actor) as tx:
        beside = found(await look_beside(tx, actor, object_id("ds", dataset)))
    sold = await services.db.run(lambda tx: traded_beside(tx, actor, beside))
    return await aside(partial(show_guidance, beside, sold, services.db.clock.now(), exclusive=exclusive))


ROUTES = (read_guidance,)
