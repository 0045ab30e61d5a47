"""The buyer's portal."""

from __future__ import annotations

from litestar import Litestar

from exchange.apps.buyer import (
    auctions,
    breaches,
    card_refunds,
    changes,
    credit,
    dunning,
    grants,
    inspections,
    invoices,
    negotiations,
    orders,
    payment_methods,
    questions,
    quotes,
    rights_notices,
    simulations,
    usage_proofs,
    wallet,
)
from exchange.apps.http.account import account_routes
from exchange.apps.http.agreement_life import agreement_life_routes
from exchange.apps.http.agreement_papers import agreement_paper_routes
from exchange.apps.http.agreement_views import agreement_routes
from exchange.apps.http.context import Services
from exchange.apps.http.conversions import conversion_routes
from exchange.apps.http.directive_notices import notice_routes
from exchange.apps.http.disputes import dispute_routes
from exchange.apps.http.drafts import draft_routes
from exchange.apps.http.fiscal_documents import fiscal_routes
from exchange.apps.http.held_usage import held_usage_routes
from exchange.apps.http.holds import hold_routes
from exchange.apps.http.measurements import measurement_routes
from exchange.apps.http.milestones import buyer_milestone_routes
from exchange.apps.http.money_papers import document_paper_routes, receipt_routes
from exchange.apps.http.obligations import obligation_routes, show_evidence
from exchange.apps.http.portal import portal
from exchange.apps.http.profiles import profile_routes
from exchange.apps.http.samples import checking_routes
from exchange.apps.http.shortcut import Shortcut
from exchange.apps.http.signing_keys import signing_key_routes
from exchange.apps.http.webhook_routes import webhook_routes
from settlement.accounts import AccountKind

PREFIX = "/buyer/v1"


def hot(made: Litestar) -> Shortcut:
    """The buyer's portal with a short way for orders."""
    return Shortcut(made, _orders, orders.order_at_once)


def _orders(method: str, path: str) -> dict[str, str] | None:
    return {} if method == "POST" and path == f"{PREFIX}/orders" else None


def app(services: Services) -> Litestar:
    """The buyer's app."""
    return portal(
        name="buyer",
        title="Corpus Exchange: buyer portal 买方接口",
        description="Ask quotes, fill the wallet, order, take tokens for the data, see what you used and what it cost.\n\n"
        "询价、充值、下单、获取数据交付令牌，并查看用量与费用。",
        prefix=PREFIX,
        routes=[
            *account_routes(PREFIX),
            *notice_routes(PREFIX),
            *webhook_routes(PREFIX),
            *profile_routes(PREFIX),
            *fiscal_routes(PREFIX, bought=True),
            *dispute_routes(PREFIX),
            *document_paper_routes(PREFIX, bought=True),
            *receipt_routes(PREFIX),
            *measurement_routes(PREFIX, party=True),
            *signing_key_routes(PREFIX),
            *agreement_life_routes(PREFIX),
            *agreement_paper_routes(PREFIX),
            *quotes.ROUTES,
            *simulations.ROUTES,
            *auctions.ROUTES,
            *negotiations.ROUTES,
            *checking_routes(PREFIX),
            *obligation_routes(PREFIX, "buyer"),
            show_evidence,
            *questions.ROUTES,
            *orders.ROUTES,
            *inspections.ROUTES,
            *buyer_milestone_routes(PREFIX),
            *held_usage_routes(PREFIX),
            *wallet.ROUTES,
            *card_refunds.ROUTES,
            *payment_methods.ROUTES,
            *credit.ROUTES,
            *hold_routes(PREFIX),
            *conversion_routes(PREFIX, AccountKind.WALLET),
            *agreement_routes(PREFIX),
            *grants.ROUTES,
            *rights_notices.ROUTES,
            *breaches.ROUTES,
            *changes.ROUTES,
            *invoices.ROUTES,
            *dunning.ROUTES,
            *usage_proofs.ROUTES,
            *draft_routes(PREFIX),
        ],
        services=services,
        portal_scope="buyer",
    )
