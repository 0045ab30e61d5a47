"""The supplier's portal."""

from __future__ import annotations

from litestar import Litestar

from exchange.apps.http.account import account_routes
from exchange.apps.http.context import Services
from exchange.apps.http.cost_recovery import recovery_routes
from exchange.apps.http.drafts import draft_routes
from exchange.apps.http.earnings import earnings_routes
from exchange.apps.http.measurements import measurement_routes
from exchange.apps.http.portal import portal
from exchange.apps.supplier import (
    auctions,
    datasets,
    guidance,
    listings,
    plans,
    quality,
    quotes,
    revisions,
    sales,
    uploads,
    usage,
)

PREFIX = "/supplier/v1"


def app(services: Services) -> Litestar:
    """The supplier's app."""
    return portal(
        name="supplier",
        title="Corpus Exchange: supplier portal 供应方接口",
        description="Register datasets, upload files, have them measured and certified, list them, and be paid.\n\n"
        "登记数据集、上传文件、申请质量测量与认证、上架销售并获得结算。",
        prefix=PREFIX,
        routes=[
            *account_routes(PREFIX),
            *measurement_routes(PREFIX, party=True),
            *datasets.ROUTES,
            *guidance.ROUTES,
            *uploads.ROUTES,
            *revisions.ROUTES,
            *quality.ROUTES,
            *listings.ROUTES,
            *recovery_routes(PREFIX),
            *quotes.ROUTES,
            *plans.ROUTES,
            *auctions.ROUTES,
            *sales.ROUTES,
            *usage.ROUTES,
            *draft_routes(PREFIX, selling=True),
            *earnings_routes(PREFIX),
        ],
        services=services,
        portal_scope="supplier",
    )
