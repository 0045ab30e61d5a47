"""What anybody may ask: the catalogue, sign-up, certificates, keys, the log, problem pages, health."""

from __future__ import annotations

from collections import OrderedDict

from litestar import Litestar

from exchange.apps.http.context import Services
from exchange.apps.http.cost_recovery import recovery_routes
from exchange.apps.http.metadata import metadata_routes
from exchange.apps.http.portal import portal
from exchange.apps.http.shortcut import Shortcut
from exchange.apps.public import (
    auctions,
    catalogue,
    data_contracts,
    health,
    joining,
    prices,
    problems,
    proofs,
    rights,
    schemas,
    signing_keys,
    simulations,
    terms,
    verification,
    witnesses,
)

PREFIX = "/catalog/v1"
# First path segments that this app serves.
PREFIXES = ("catalog", "certificates", ".well-known", "log", "problems", "healthz", "readyz", "metrics")


def app(services: Services) -> Litestar:
    """The public app."""
    made = portal(
        name="public",
        title="Corpus Exchange: public catalogue 公开目录接口",
        description="Search the catalogue, join the exchange, check certificates and the audit log. No token needed.\n\n"
        "检索目录、申请入驻、核验证书与审计日志。无需令牌。",
        prefix=PREFIX,
        routes=[
            *catalogue.ROUTES,
            *prices.ROUTES,
            *schemas.ROUTES,
            *terms.ROUTES,
            *rights.ROUTES,
            *data_contracts.ROUTES,
            *simulations.ROUTES,
            *recovery_routes("/catalog/v1"),
            *auctions.ROUTES,
            *joining.ROUTES,
            *proofs.ROUTES,
            *witnesses.ROUTES,
            *verification.ROUTES,
            *signing_keys.ROUTES,
            *metadata_routes(),
            *problems.ROUTES,
            *health.ROUTES,
        ],
        services=services,
        portal_scope=None,
    )
    made.state.tiles = OrderedDict()
    return made


def hot(made: Litestar) -> Shortcut:
    """The public app with a short way for tiles of the log."""
    return Shortcut(made, proofs.at_once, proofs.tile_at_once)
