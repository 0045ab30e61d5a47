"""The operator's portal."""

from __future__ import annotations

from litestar import Litestar

from exchange.apps.http.account import client_routes
from exchange.apps.http.context import Services
from exchange.apps.http.directive_notices import notice_routes
from exchange.apps.http.portal import portal
from exchange.apps.http.profiles import profile_routes
from exchange.apps.operator import (
    agreements,
    approvals,
    bank,
    bank_accounts,
    books,
    chargebacks,
    charts,
    credit,
    disputes,
    documents,
    dunning,
    efapiao,
    held_usage,
    ledger,
    listings,
    open_items,
    organisations,
    payout_batches,
    people,
    pools,
    previews,
    processing,
    proofs,
    rates,
    reconciliation,
    refunds,
    running,
    seller_reports,
    settlement,
    splits,
    usage,
    webhooks,
    weight_vectors,
    withholding,
    witnesses,
)

PREFIX = "/operator/v1"


def app(services: Services) -> Litestar:
    """The operator's app."""
    return portal(
        name="operator",
        title="Corpus Exchange: operator portal 运营方接口",
        description="Run the exchange: who may trade, money at the bank, settlement, payouts, jobs, checks.\n\n"
        "交易所运营：机构核验、银行来款、结算、付款、后台任务与账实核对。",
        prefix=PREFIX,
        routes=[
            *organisations.ROUTES,
            *people.ROUTES,
            *listings.ROUTES,
            *agreements.ROUTES,
            *bank.ROUTES,
            *bank_accounts.ROUTES,
            *payout_batches.ROUTES,
            *credit.ROUTES,
            *open_items.ROUTES,
            *profile_routes(PREFIX),
            *client_routes(PREFIX),
            *approvals.ROUTES,
            *documents.ROUTES,
            *settlement.ROUTES,
            *previews.ROUTES,
            *books.ROUTES,
            *reconciliation.ROUTES,
            *proofs.ROUTES,
            *charts.ROUTES,
            *efapiao.ROUTES,
            *ledger.ROUTES,
            *refunds.ROUTES,
            *chargebacks.ROUTES,
            *disputes.ROUTES,
            *rates.ROUTES,
            *splits.ROUTES,
            *pools.ROUTES,
            *usage.ROUTES,
            *weight_vectors.ROUTES,
            *held_usage.ROUTES,
            *witnesses.ROUTES,
            *running.ROUTES,
            *notice_routes(PREFIX),
            *processing.ROUTES,
            *webhooks.ROUTES,
            *dunning.ROUTES,
            *seller_reports.ROUTES,
            *withholding.ROUTES,
        ],
        services=services,
        portal_scope="operator",
    )
