"""What a payee has earned: statements, payouts, and the account they go to. For suppliers, assessors and brokers."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

import msgspec
from litestar import Response
from litestar.params import FromPath
from msgspec import Meta

from exchange.apps.http.answers import Asked, found, write
from exchange.apps.http.context import actor_of, services_of
from exchange.apps.http.documented import command, listing, show
from exchange.apps.http.lists import Cursor, Limit, show_page
from exchange.apps.http.money_papers import statement_paper_routes
from exchange.apps.http.onboarding import onboarding_routes
from exchange.apps.http.statement_export import export_route
from exchange.apps.http.wire import Id, MoneyWire, Sha256, Time, json_of, money_wire, object_id, stamp
from exchange.flows.open_payout_account import PayoutAccountReceipt, open_payout_account
from exchange.kernel import ids
from settlement.payouts import Payout
from settlement.store import payout_accounts, reads
from settlement.store.reads import StatementRow
from settlement.store.standings import Standing, standings

# What counts at a moment lies before the next millisecond; an id can run a few of them ahead of its clock.
_TICK, _AHEAD = timedelta(milliseconds=1), timedelta(minutes=1)
_Period = Annotated[str, Meta(description="What the payout was for.", examples=["2026-01"])]


class StatementView(msgspec.Struct, frozen=True):
    """A settlement statement: what the account held at its end."""

    id: Id
    number: int
    closing: MoneyWire
    period_start: Time
    period_end: Time
    sha256: Sha256
    issued_at: Time


class BalancesView(msgspec.Struct, frozen=True):
    """What you have here in one currency, and what you owe; a payout sends what is payable less the whole debt."""

    pending: Annotated[MoneyWire, Meta(description="Shares that wait for acceptance or settlement. 待结算分成。")]
    held: Annotated[MoneyWire, Meta(description="Reserved: see your holds. 冻结款。")]
    payable: Annotated[MoneyWire, Meta(description="Settled: what statements close with. 应付，即结算单期末余额。")]
    in_transit: Annotated[MoneyWire, Meta(description="Payouts that are on their way. 付款在途。")]
    advance: Annotated[MoneyWire, Meta(description="Paid ahead and not earned yet, below zero. 预付未抵扣款，为负数。")]
    debt: Annotated[
        MoneyWire,
        Meta(description="Owed after refunds; the next payout takes it off; below zero. 退款后所欠款项，为负数。"),
    ]
    next_payout: Annotated[MoneyWire, Meta(description="Payable less debt, never below zero. 下次可付金额。")]


class BalancesNow(msgspec.Struct, frozen=True):
    """Your accounts at this moment, one entry for each currency."""

    items: list[BalancesView]


class StatementDocument(msgspec.Struct, frozen=True):
    """A statement with the document that was issued: every line shows what its amount is worked out from.

    `beside` is what stood on your other accounts when it was issued: the closing sum counts what is payable alone.
    """

    statement: StatementView
    document: dict[str, Any]
    beside: BalancesView


class PayoutView(msgspec.Struct, frozen=True):
    """Money on its way to its owner."""

    id: Id
    period: _Period
    rail: Annotated[str, Meta(examples=["stripe"])]
    amount: MoneyWire
    state: Annotated[str, Meta(examples=["paid"])]
    failure: str | None
    created_at: Time
    finished_at: Time | None


class PayoutAccountView(msgspec.Struct, frozen=True):
    """Where payouts go on one rail, and whether it can be paid to."""

    rail: Annotated[str, Meta(examples=["stripe"])]
    country: Annotated[str, Meta(examples=["DE"])]
    state: Annotated[str, Meta(examples=["active"])]
    destination: Annotated[str | None, Meta(examples=["acct_1032D82eZvKYlo2C"])]
    reason: str | None
    due: Annotated[
        list[str],
        Meta(description="What the provider still wants to know. 仍需提交的资料。", examples=[["external_account"]]),
    ]


class PayoutAccountsView(msgspec.Struct, frozen=True):
    """Your payout accounts, one per rail."""

    items: list[PayoutAccountView]


def earnings_routes(prefix: str) -> list[Any]:
    """The payee's routes below a portal's prefix."""
    return [
        show(f"{prefix}/balances", BalancesNow, 401, 403)(show_balances),
        listing(f"{prefix}/statements", StatementView)(list_statements),
        show(f"{prefix}/statements/{{statement:str}}", StatementDocument)(show_statement),
        export_route(prefix),
        *statement_paper_routes(prefix),
        listing(f"{prefix}/payouts", PayoutView)(list_payouts),
        show(f"{prefix}/payout-accounts", PayoutAccountsView, 401, 403)(list_payout_accounts),
        command(f"{prefix}/payout-accounts", PayoutAccountReceipt, 400, 401, 403, 409)(make_payout_account),
        *onboarding_routes(prefix),
    ]


async def show_balances(request: Asked) -> BalancesNow:
    """What you have here and what you owe, by currency. 本机构各账户余额与欠款。"""
    actor = actor_of(request)
    async with services_of(request).db.read(actor) as tx:
        found = await standings(tx, actor, tx.now + _AHEAD)
    return BalancesNow([_balances(one) for one in found])


async def list_statements(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Response[bytes]:
    """Your settlement statements, newest first. 结算单列表。"""
    actor = actor_of(request)
    return await show_page(
        request, actor, lambda tx, page: reads.list_statements(tx, actor, page), _statement, limit, cursor
    )


async def show_statement(request: Asked, statement: FromPath[str]) -> StatementDocument:
    """One statement, with the arithmetic of each line. 结算单详情。"""
    actor = actor_of(request)
    async with services_of(request).db.read(actor) as tx:
        row = found(await reads.find_statement(tx, actor, object_id("stm", statement)))
        (beside,) = await standings(tx, actor, row.issued_at + _TICK, row.closing.currency)
    return StatementDocument(_statement(row), json_of(row.document), _balances(beside))


async def list_payouts(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Response[bytes]:
    """Your payouts, newest first. 付款列表。"""
    actor = actor_of(request)
    return await show_page(request, actor, lambda tx, page: reads.list_payouts(tx, actor, page), _payout, limit, cursor)


async def list_payout_accounts(request: Asked) -> PayoutAccountsView:
    """Where your payouts go. 收款账户。"""
    actor = actor_of(request)
    async with services_of(request).db.read(actor) as tx:
        accounts = await payout_accounts.own_accounts(tx, actor)
    return PayoutAccountsView(
        [
            PayoutAccountView(one.rail.value, one.country, one.state.value, one.destination, one.reason, list(one.due))
            for one in accounts
        ]
    )


async def make_payout_account(request: Asked) -> Response[bytes]:
    """Open a payout account; a job asks the payment provider. 开立收款账户。"""
    actor = actor_of(request)
    return await write(request, "payout-account.open", lambda tx: open_payout_account(tx, actor))


def _balances(one: Standing) -> BalancesView:
    sums = {kind.value: money_wire(units, one.currency) for kind, units in one.held.items()}
    return BalancesView(**sums, next_payout=money_wire(one.payable_next, one.currency))


def _statement(row: StatementRow) -> StatementView:
    return StatementView(
        id=ids.text("stm", row.id),
        number=row.number,
        closing=money_wire(row.closing.units, row.closing.currency),
        period_start=stamp(row.period_start),
        period_end=stamp(row.period_end),
        sha256=row.sha256.hex(),
        issued_at=stamp(row.issued_at),
    )


def _payout(row: Payout) -> PayoutView:
    return PayoutView(
        id=ids.text("pot", row.id),
        period=row.period,
        rail=row.rail.value,
        amount=money_wire(row.amount.units, row.amount.currency),
        state=row.state.value,
        failure=row.failure,
        created_at=stamp(row.created_at),
        finished_at=stamp(row.finished_at) if row.finished_at else None,
    )
