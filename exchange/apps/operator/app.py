"""The operator's portal."""

from __future__ import annotations

from litestar import Litestar

from exchange.apps.http.context import Services
from exchange.apps.http.directive_notices import notice_routes
from exchange.apps.http.portal import portal
from exchange.apps.operator import (
    agreements,
    bank,
    books,
    held_usage,
    ledger,
    listings,
    organisations,
    people,
    pools,
    previews,
    processing,
    rates,
    refunds,
    running,
    settlement,
    splits,
    usage,
    weight_vectors,
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
            *settlement.ROUTES,
            *previews.ROUTES,
            *books.ROUTES,
            *ledger.ROUTES,
            *refunds.ROUTES,
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
        ],
        services=services,
        portal_scope="operator",
    )
