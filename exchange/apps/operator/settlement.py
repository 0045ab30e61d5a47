"""Settlement runs, payouts, and the trial balance."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from litestar import Response
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from exchange.apps.http.answers import Asked, found, write
from exchange.apps.http.context import actor_of, services_of
from exchange.apps.http.documented import command, listing, show
from exchange.apps.http.lists import Cursor, Limit
from exchange.apps.http.wire import Id, MoneyWire, Time, money_wire, object_id, stamp
from exchange.apps.operator.seeing import see, see_page
from exchange.flows.order_payouts import PayoutsOrdered, order_payouts
from exchange.flows.order_settlement import order_settlement
from exchange.flows.resend_payout import PayoutResent, resend_payout
from exchange.flows.settle_period import Period, RunProgress
from exchange.flows.steer_run import cancel_run, resume_run
from exchange.kernel import ids
from settlement.payouts import Payout
from settlement.store import audit, overview
from settlement.store.overview import PayeeShare, RunResult, RunRow

_Country = Annotated[
    str,
    Meta(
        pattern="^[A-Z]{2}$",
        description="Only sellers and payees at home in this country (ISO 3166-1). 仅结算该国家或地区的机构。",
        examples=["CN"],
    ),
]
# All where it is left out.
Region = _Country | None
Currency = Annotated[str, Meta(pattern="^[A-Z]{3}$", examples=["CNY"])]
RunId = Annotated[str, Meta(examples=["run_01m80jwmabesg81hwe4cc73nw9"])]
_Moment = Annotated[datetime, Meta(tz=True, examples=["2026-01-01T00:00:00Z"])]


class RunWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The half-open period to settle, cut at quarter-hours, the currency, and the region if not all."""

    period_start: _Moment
    period_end: _Moment
    currency: Currency
    region: Region = None

    def period(self) -> Period:
        """What to settle."""
        return Period(self.period_start, self.period_end, self.currency, self.region)


class PartsDone(msgspec.Struct, frozen=True):
    """How many parts of a run are done, of how many."""

    done: int
    total: int


class RunView(msgspec.Struct, frozen=True):
    """A settlement run and how far it is: first every seller, then every payee."""

    id: RunId
    period_start: Time
    period_end: Time
    currency: Currency
    number: Annotated[int, Meta(description="Counts the runs over the same period.", examples=[1])]
    state: Annotated[str, Meta(examples=["closed"])]
    sellers: PartsDone
    payees: PartsDone
    created_at: Time
    closed_at: Time | None
    region: Region = None


class ResultView(msgspec.Struct, frozen=True):
    """How many documents of one kind the run made, and what they sum to."""

    what: Annotated[str, Meta(examples=["invoices"])]
    count: int
    total: MoneyWire


class ShareView(msgspec.Struct, frozen=True):
    """What the run left on a payee's account."""

    organisation: Id
    statement: Id
    opening: MoneyWire
    closing: MoneyWire


class RunDetail(msgspec.Struct, frozen=True):
    """A run with what came of it so far."""

    run: RunView
    results: list[ResultView]
    shares: list[ShareView]


class PayoutsWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Pay out all that is payable in a currency; the period names the occasion, once per payee."""

    currency: Currency
    period: Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}$", examples=["2026-01"])]
    small: Annotated[
        bool, Meta(description="Also pay what is less than the least payout. 同时支付低于最低付款额的款项。")
    ] = False


class PayoutView(msgspec.Struct, frozen=True):
    """A payout and where it stands."""

    id: Annotated[str, Meta(examples=["pot_01m80jwmabesg81hwe4cc73nw9"])]
    organisation: Id
    amount: MoneyWire
    rail: Annotated[str, Meta(examples=["stripe"])]
    period: str
    state: Annotated[str, Meta(examples=["paid"])]
    failure: str | None
    created_at: Time
    finished_at: Time | None


class BalanceLine(msgspec.Struct, frozen=True):
    """The sum of one kind of account: above zero the exchange owes it, below zero it holds it."""

    account: Annotated[str, Meta(examples=["wallet"])]
    sum: MoneyWire


class TrialBalance(msgspec.Struct, frozen=True):
    """All accounts of one currency; `sum` is zero, or the books are wrong."""

    currency: Currency
    accounts: list[BalanceLine]
    sum: MoneyWire
    balanced: bool


class TrialBalances(msgspec.Struct, frozen=True):
    """One trial balance per currency."""

    items: list[TrialBalance]


@command("/operator/v1/settlement-runs", RunProgress, 400, 401, 403, 409, 422)
async def settle(request: Asked, data: JSONBody[RunWish]) -> Response[bytes]:
    """Start a settlement run, or take up the open one of the same period. 启动结算。

    It runs in the background, in parts; ask for the run to see how far it is. The same period again books nothing twice.
    """
    actor, period = actor_of(request), data.period()
    return await write(request, "settlement.order", lambda tx: order_settlement(tx, actor, period))


@command("/operator/v1/settlement-runs/{run:str}/cancellation", RunProgress, 400, 401, 403, 404, 409)
async def cancel(request: Asked, run: FromPath[str]) -> Response[bytes]:
    """Give a run up before it books anything. 取消尚未入账的结算批次。

    Once a seller is settled the answer is `run-booked`: let it finish; a further run over the same period corrects it.
    """
    actor, run_id = actor_of(request), object_id("run", run)
    return await write(request, "settlement.cancel", lambda tx: cancel_run(tx, actor, run_id))


@command("/operator/v1/settlement-runs/{run:str}/resumption", RunProgress, 400, 401, 403, 404, 409)
async def resume(request: Asked, run: FromPath[str]) -> Response[bytes]:
    """Have an open run go on whose job was given up. 恢复停止的结算批次。

    What was booked stays booked, and the rest comes out as if it had never stopped. One that is under way is left alone.
    """
    actor, run_id = actor_of(request), object_id("run", run)
    return await write(request, "settlement.resume", lambda tx: resume_run(tx, actor, run_id))


@listing("/operator/v1/settlement-runs", RunView)
async def list_runs(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Response[bytes]:
    """Settlement runs, newest first. 结算批次列表。"""
    return await see_page(request, overview.list_runs, run_view, limit, cursor)


@show("/operator/v1/settlement-runs/{run:str}", RunDetail)
async def show_run(request: Asked, run: FromPath[str]) -> RunDetail:
    """One run: progress, results, what each payee has. 结算批次进度与结果。"""
    row, results, shares = found(await see(request, lambda tx: overview.find_run(tx, object_id("run", run))))
    return RunDetail(run_view(row), [_result(one) for one in results], [_share(one) for one in shares])


@command("/operator/v1/payouts", PayoutsOrdered, 400, 401, 403)
async def pay(request: Asked, data: JSONBody[PayoutsWish]) -> Response[bytes]:
    """Pay every payee what is settled, to its active payout account. 发放应付款项。

    Tax is withheld by the table that is in force, if one is. Payees without an account or a rule, with less
    than the least payout, or paid for this period before, are named with the reason; their money stays on account.
    """
    actor, minimums = actor_of(request), services_of(request).settings.settlement.minimums
    return await write(
        request,
        "payout.order",
        lambda tx: order_payouts(tx, actor, data.currency, data.period, minimums, small=data.small),
    )


@command("/operator/v1/payouts/{payout:str}/resending", PayoutResent, 400, 401, 403, 404, 409, status=200)
async def resend(request: Asked, payout: FromPath[str]) -> Response[bytes]:
    """Send a payout that the payee's bank gave back once more, after the payee has renewed its bank account. 重新发放被银行退回的付款。"""
    actor, payout_id = actor_of(request), object_id("pot", payout)
    return await write(
        request,
        "payout.resend",
        lambda tx: resend_payout(tx, actor, payout_id),
        status=200,
        object_id=payout,
    )


@listing("/operator/v1/payouts", PayoutView)
async def list_payouts(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Response[bytes]:
    """Everybody's payouts, newest first. 付款列表。"""
    return await see_page(request, overview.list_payouts, _payout, limit, cursor)


@show("/operator/v1/trial-balance", TrialBalances, 401, 403)
async def show_trial_balance(request: Asked) -> TrialBalances:
    """The sum of every kind of account, per currency. 试算平衡表。"""
    trial = await see(request, audit.trial_balance)
    return TrialBalances([_trial(currency, sums) for currency, sums in sorted(trial.items())])


def run_view(row: RunRow) -> RunView:
    """A run as the API shows it."""
    return RunView(
        id=ids.text("run", row.id),
        period_start=stamp(row.period_start),
        period_end=stamp(row.period_end),
        currency=row.currency,
        number=row.number,
        state=row.state,
        sellers=PartsDone(*row.parts.get("seller", (0, 0))),
        payees=PartsDone(*row.parts.get("payee", (0, 0))),
        created_at=stamp(row.created_at),
        closed_at=stamp(row.closed_at) if row.closed_at else None,
        region=row.region,
    )


def _result(one: RunResult) -> ResultView:
    return ResultView(one.what, one.count, money_wire(one.total.units, one.total.currency))


def _share(one: PayeeShare) -> ShareView:
    return ShareView(
        ids.text("org", one.organisation_id),
        ids.text("stm", one.statement_id),
        money_wire(one.opening.units, one.opening.currency),
        money_wire(one.closing.units, one.closing.currency),
    )


def _payout(one: Payout) -> PayoutView:
    return PayoutView(
        id=ids.text("pot", one.id),
        organisation=ids.text("org", one.organisation_id),
        amount=money_wire(one.amount.units, one.amount.currency),
        rail=one.rail.value,
        period=one.period,
        state=one.state.value,
        failure=one.failure,
        created_at=stamp(one.created_at),
        finished_at=stamp(one.finished_at) if one.finished_at else None,
    )


def _trial(currency: str, sums: dict[str, int]) -> TrialBalance:
    lines = [BalanceLine(account, money_wire(units, currency)) for account, units in sorted(sums.items())]
    total = sum(sums.values())
    return TrialBalance(currency, lines, money_wire(total, currency), total == 0)


ROUTES = (settle, cancel, resume, list_runs, show_run, pay, resend, list_payouts, show_trial_balance)
