"""The proof that public data is sold at cost: for everybody, and for the supplier of an offer not published yet."""

from __future__ import annotations

from functools import partial
from typing import Any

from litestar import Response
from litestar.params import FromPath

from exchange.apps.http.answers import Asked, found
from exchange.apps.http.context import actor_of, services_of
from exchange.apps.http.documented import show
from exchange.apps.http.wire import object_id
from exchange.flows.show_cost_recovery import CostRecoveryProof, show_cost_recovery

_OPEN = {"cache-control": "public, max-age=60"}


async def show_public_recovery(request: Asked, offer: FromPath[str]) -> Response[CostRecoveryProof]:
    """What an offer's stated costs are, what was recovered of them, and whether there is a margin. 成本补偿证明。"""
    flow = partial(show_cost_recovery, offer_id=object_id("ofr", offer))
    # Sums over all buyers, which no portal role may see row by row.
    return Response(found(await services_of(request).db.run(flow)), headers=_OPEN)


async def show_own_recovery(request: Asked, offer: FromPath[str]) -> CostRecoveryProof:
    """The same for an offer of yours, published or not. 我方报价方案的成本补偿证明。"""
    flow = partial(show_cost_recovery, offer_id=object_id("ofr", offer), actor=actor_of(request))
    return found(await services_of(request).db.run(flow))


def recovery_routes(prefix: str) -> tuple[Any, ...]:
    """The route below the catalogue's prefix, or below the supplier's."""
    path = f"{prefix}/offers/{{offer:str}}/cost-recovery"
    if prefix.startswith("/catalog"):
        return (show(path, CostRecoveryProof, 404)(show_public_recovery),)
    return (show(path, CostRecoveryProof)(show_own_recovery),)
