"""The ledger itself: where money came from and where it went."""

from __future__ import annotations

from litestar.params import FromPath

from exchange.apps.http.answers import Asked
from exchange.apps.http.context import services_of
from exchange.apps.http.documented import show
from exchange.apps.operator.seeing import see
from exchange.flows.show_provenance import Provenance, show_provenance
from exchange.kernel.errors import Problem, Refused


@show("/operator/v1/ledger/traces/{named:str}", Provenance, 401, 403, 404, 422)
async def trace_money(request: Asked, named: FromPath[str]) -> Provenance:
    """Follow the money of one object, unit by unit, from the card or bank to every payee and back. 资金追踪。

    `named` is the id of an order, charge, payment, payout, conversion, refund, hold, service credit, bank entry or journal,
    or one line of a journal (`jnl_…:2`). `holders` says who has it now: a payee who gave everything back stands there with nothing.
    """
    made = await see(request, lambda tx: show_provenance(tx, services_of(request).sales, named))
    if isinstance(made, Problem):
        raise Refused(made)
    return made


ROUTES = (trace_money,)
