"""The regulator's portal."""

from __future__ import annotations

from litestar import Litestar

from exchange.apps.http.account import account_routes
from exchange.apps.http.context import Services
from exchange.apps.http.portal import portal
from exchange.apps.http.samples import as_supervisor, checking_routes, drawing_routes
from exchange.apps.regulator import (
    directives,
    erasures,
    exports,
    log,
    market,
    money,
    negotiations,
    reports,
    weight_vectors,
)

PREFIX = "/regulator/v1"


def app(services: Services) -> Litestar:
    """The regulator's app."""
    return portal(
        name="regulator",
        title="Corpus Exchange: regulator portal 监管方接口",
        description="See and export everything that happened, check it offline, and issue directives.\n\n"
        "查阅并导出全部审计记录、离线验证，以及发出监管指令。",
        prefix=PREFIX,
        routes=[
            *account_routes(PREFIX),
            *log.ROUTES,
            *exports.ROUTES,
            *directives.ROUTES,
            *erasures.ROUTES,
            *market.ROUTES,
            *negotiations.ROUTES,
            *money.ROUTES,
            *weight_vectors.ROUTES,
            *reports.ROUTES,
            *checking_routes(PREFIX, as_supervisor),
            *drawing_routes(PREFIX),
        ],
        services=services,
        portal_scope="regulator",
    )
