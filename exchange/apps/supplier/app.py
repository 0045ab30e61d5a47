"""The supplier's portal."""

from __future__ import annotations

from litestar import Litestar

from exchange.apps.http.account import account_routes
from exchange.apps.http.agreement_life import agreement_life_routes
from exchange.apps.http.agreement_papers import agreement_paper_routes
from exchange.apps.http.agreement_views import agreement_routes
from exchange.apps.http.bank_details import destination_routes
from exchange.apps.http.context import Services
from exchange.apps.http.conversions import conversion_routes
from exchange.apps.http.cost_recovery import recovery_routes
from exchange.apps.http.directive_notices import notice_routes
from exchange.apps.http.disputes import dispute_routes
from exchange.apps.http.drafts import draft_routes
from exchange.apps.http.earnings import earnings_routes
from exchange.apps.http.fiscal_documents import fiscal_routes
from exchange.apps.http.held_usage import held_usage_routes
from exchange.apps.http.holds import hold_routes
from exchange.apps.http.measurements import measurement_routes
from exchange.apps.http.milestones import supplier_milestone_routes
from exchange.apps.http.money_papers import document_paper_routes
from exchange.apps.http.obligations import demand, obligation_routes, waive
from exchange.apps.http.pool_views import pool_routes
from exchange.apps.http.portal import portal
from exchange.apps.http.profiles import profile_routes
from exchange.apps.http.samples import checking_routes
from exchange.apps.http.self_billing import self_billing_routes
from exchange.apps.http.signing_keys import signing_key_routes
from exchange.apps.http.webhook_routes import webhook_routes
from exchange.apps.http.withheld_tax import withheld_tax_routes
from exchange.apps.supplier import (
    auctions,
    data_contracts,
    datasets,
    guidance,
    listings,
    negotiations,
    people,
    plans,
    quality,
    quotes,
    refunds,
    revisions,
    rights,
    sales,
    splits,
    terms,
    uploads,
    usage,
    weight_vectors,
)
from settlement.accounts import AccountKind

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
            *notice_routes(PREFIX),
            *webhook_routes(PREFIX),
            *profile_routes(PREFIX),
            *fiscal_routes(PREFIX, bought=False),
            *document_paper_routes(PREFIX, bought=False),
            *self_billing_routes(PREFIX),
            *withheld_tax_routes(PREFIX),
            *dispute_routes(PREFIX),
            *measurement_routes(PREFIX, party=True),
            *signing_key_routes(PREFIX),
            *agreement_routes(PREFIX),
            *agreement_life_routes(PREFIX),
            *agreement_paper_routes(PREFIX),
            *datasets.ROUTES,
            *people.ROUTES,
            *checking_routes(PREFIX),
            *guidance.ROUTES,
            *uploads.ROUTES,
            *revisions.ROUTES,
            *rights.ROUTES,
            *data_contracts.ROUTES,
            *quality.ROUTES,
            *listings.ROUTES,
            *recovery_routes(PREFIX),
            *quotes.ROUTES,
            *plans.ROUTES,
            *auctions.ROUTES,
            *negotiations.ROUTES,
            *obligation_routes(PREFIX, "seller"),
            waive,
            demand,
            *terms.ROUTES,
            *sales.ROUTES,
            *refunds.ROUTES,
            *usage.ROUTES,
            *splits.ROUTES,
            *pool_routes(PREFIX),
            *supplier_milestone_routes(PREFIX),
            *held_usage_routes(PREFIX),
            *weight_vectors.ROUTES,
            *draft_routes(PREFIX, selling=True),
            *earnings_routes(PREFIX),
            *destination_routes(PREFIX),
            *hold_routes(PREFIX),
            *conversion_routes(PREFIX, AccountKind.PAYABLE),
        ],
        services=services,
        portal_scope="supplier",
    )
