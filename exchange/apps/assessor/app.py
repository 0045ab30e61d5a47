"""The portal of assessors, brokers and all other service providers."""

from __future__ import annotations

from litestar import Litestar

from exchange.apps.assessor import assessments, cases, mandates
from exchange.apps.http.account import account_routes
from exchange.apps.http.bank_details import destination_routes
from exchange.apps.http.context import Services
from exchange.apps.http.conversions import conversion_routes
from exchange.apps.http.directive_notices import notice_routes
from exchange.apps.http.disputes import dispute_routes
from exchange.apps.http.earnings import earnings_routes
from exchange.apps.http.fiscal_documents import fiscal_routes
from exchange.apps.http.holds import hold_routes
from exchange.apps.http.measurements import measurement_routes
from exchange.apps.http.money_papers import document_paper_routes
from exchange.apps.http.pool_views import pool_routes
from exchange.apps.http.portal import portal
from exchange.apps.http.profiles import profile_routes
from exchange.apps.http.samples import checking_routes, drawing_routes
from exchange.apps.http.self_billing import self_billing_routes
from exchange.apps.http.webhook_routes import webhook_routes
from exchange.apps.http.withheld_tax import withheld_tax_routes
from settlement.accounts import AccountKind

PREFIX = "/assessor/v1"


def app(services: Services) -> Litestar:
    """The service providers' app."""
    return portal(
        name="assessor",
        title="Corpus Exchange: service providers' portal 服务机构接口",
        description="Assess datasets and sign certificates; see the shares you earned.\n\n"
        "评估数据集并签发证书，查看分成与结算。",
        prefix=PREFIX,
        routes=[
            *account_routes(PREFIX),
            *notice_routes(PREFIX),
            *webhook_routes(PREFIX),
            *profile_routes(PREFIX),
            *fiscal_routes(PREFIX, bought=False),
            *document_paper_routes(PREFIX, bought=False),
            *self_billing_routes(PREFIX),
            *withheld_tax_routes(PREFIX),
            *assessments.ROUTES,
            *mandates.ROUTES,
            *cases.ROUTES,
            *dispute_routes(PREFIX),
            *checking_routes(PREFIX),
            *drawing_routes(PREFIX),
            *pool_routes(PREFIX),
            *measurement_routes(PREFIX, party=False),
            *earnings_routes(PREFIX),
            *destination_routes(PREFIX),
            *hold_routes(PREFIX),
            *conversion_routes(PREFIX, AccountKind.PAYABLE),
        ],
        services=services,
        portal_scope="assessor",
    )
