"""Clients' money: what is stated of each place, its daily proof, own money that is taken out, the checklist of a month."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from litestar import Response
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta

from exchange.apps.http.answers import Asked, found, write
from exchange.apps.http.context import actor_of, services_of
from exchange.apps.http.documented import command, listing, show
from exchange.apps.http.lists import Cursor, Limit
from exchange.apps.http.wire import (
    Id,
    MoneyWire,
    Sha256,
    Time,
    json_of,
    moment_of,
    money,
    money_wire,
    object_id,
    stamp,
)
from exchange.apps.operator.seeing import see, see_page
from exchange.flows.close_checklist import Checklist, show_checklist
from exchange.flows.order_proof import ProofOrdered, order_proof
from exchange.flows.show_deferred import DeferredReport, show_deferred
from exchange.flows.state_balance import BalanceStated, state_balance
from exchange.flows.take_own_money import OwnSweepAsked, OwnSweepDone, ask_own_sweep, book_own_sweep
from exchange.kernel import ids
from exchange.kernel.errors import INVALID_REQUEST, Refused
from settlement.store import proofs
from settlement.store.proofs import ProofRow

_PATH = "/operator/v1/money-proofs"
_Currency = Annotated[
    str | None, QueryParameter(name="currency", pattern="^[A-Z]{3}$", description="Only this one. 仅该币种。")
]
_Month = Annotated[
    datetime, QueryParameter(name="end", description="The first moment after the month. 月末之后的首个时刻。")
]
_At = Annotated[datetime, QueryParameter(name="at", description="As of this moment. 截至该时刻。")]
_One = Annotated[str, QueryParameter(name="currency", pattern="^[A-Z]{3}$", description="A currency code. 币种代码。")]


class ProofSummary(msgspec.Struct, frozen=True):
    """A proof in one line: nothing is unexplained, nothing is missing, and every place was stated, or not."""

    id: Id
    day: Annotated[str, Meta(examples=["2026-01-31"])]
    currency: Annotated[str, Meta(examples=["CNY"])]
    at: Time
    difference: MoneyWire
    short: MoneyWire
    complete: bool
    sha256: Sha256


class StatedWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a statement says lay at the bank at a moment."""

    place: Annotated[Literal["bank"], Meta(examples=["bank"])]
    balance: MoneyWire
    at: Annotated[datetime, Meta(tz=True, examples=["2026-02-01T00:00:00Z"])]


class OwnSweepWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much of its own money the exchange takes out."""

    amount: MoneyWire
    note: Annotated[str, Meta(min_length=3, max_length=500, examples=["Commission of January"])]


@listing(_PATH, ProofSummary)
async def list_proofs(
    request: Asked, currency: _Currency = None, limit: Limit = None, cursor: Cursor = None
) -> Response[bytes]:
    """The daily proofs that clients' money is there, newest first. 客户资金证明。

    For each place (provider, bank) the ledger and what is stated there differ by named movements and journals only. A
    difference without a name, and money of clients that is missing, is an open item.
    """
    return await see_page(request, lambda tx, page: proofs.list_proofs(tx, page, currency), _summary, limit, cursor)


@command(_PATH, ProofOrdered, 401, 403)
async def prove_now(request: Asked) -> Response[bytes]:
    """Have clients' money proved now, beside the proof of each day; a job does it. 立即生成客户资金证明（后台任务）。"""
    actor = actor_of(request)
    return await write(request, "money-proof.order", lambda tx: order_proof(tx, actor))


@show(f"{_PATH}/{{proof:str}}", dict[str, Any])
async def get_proof(request: Asked, proof: FromPath[str]) -> dict[str, Any]:
    """One proof as it was hashed: places, what stands between, clients' money by kind, own money. 客户资金证明全文。"""
    proof_id = object_id("rsc", proof)
    document: dict[str, Any] = json_of(found(await see(request, lambda tx: proofs.proof_document(tx, proof_id))))
    return document


@command("/operator/v1/stated-balances", BalanceStated, 400, 401, 403)
async def state(request: Asked, data: JSONBody[StatedWish]) -> Response[bytes]:
    """Say what a bank's statement says lies there, where no statement file is imported. 录入银行账户余额。"""
    actor, at = actor_of(request), moment_of(data.at)
    balance = money(data.balance)
    return await write(request, "balance.state", lambda tx: state_balance(tx, actor, data.place, balance, at))


@command("/operator/v1/own-sweeps", OwnSweepAsked, 400, 401, 403, 409)
async def ask_sweep(request: Asked, data: JSONBody[OwnSweepWish]) -> Response[bytes]:
    """Ask to take own money out of where clients' money lies; another client approves it. 申请划出自有资金。"""
    actor, amount = actor_of(request), money(data.amount)
    return await write(request, "own-sweep.ask", lambda tx: ask_own_sweep(tx, actor, amount, data.note))


@command("/operator/v1/own-sweeps/{sweep:str}/booking", OwnSweepDone, 400, 401, 403, 404, 409, status=200)
async def book_sweep(request: Asked, sweep: FromPath[str]) -> Response[bytes]:
    """Book a sweep that was approved: revenue falls by it, never below what is clients'. 自有资金划出记账。"""
    actor, sweep_id = actor_of(request), object_id("rsc", sweep)
    return await write(
        request, "own-sweep.book", lambda tx: book_own_sweep(tx, actor, sweep_id), status=200, object_id=sweep
    )


@show("/operator/v1/close-checklist", Checklist, 400, 401, 403)
async def get_checklist(request: Asked, currency: _One, end: _Month) -> Checklist:
    """What has to be in order before a month's books are closed. 月末关账清单。"""
    return await see(request, lambda tx: show_checklist(tx, currency, _aware(end)))


@show("/operator/v1/deferred-revenue", DeferredReport, 400, 401, 403)
async def get_deferred(request: Asked, at: _At) -> DeferredReport:
    """What was sold at a moment for a time after it, pro rata by day: gross and net, without tax. 递延收入（总额与净额）。

    The first five hundred sales stand in it; the sums are of all.
    """
    sales = services_of(request).sales
    return await see(request, lambda tx: show_deferred(tx, sales, _aware(at)))


def _aware(at: datetime) -> datetime:
    """A moment of the query.

    errors   raises Refused(invalid-request) where it names no zone
    """
    if at.tzinfo is None:
        raise Refused(INVALID_REQUEST(reason="a time is RFC 3339 with a zone"))
    return moment_of(at)


def _summary(one: ProofRow) -> ProofSummary:
    return ProofSummary(
        id=ids.text("rsc", one.id),
        day=one.day.isoformat(),
        currency=one.currency,
        at=stamp(one.at),
        difference=money_wire(one.difference.units, one.currency),
        short=money_wire(one.short.units, one.currency),
        complete=one.complete,
        sha256=one.sha256.hex(),
    )


ROUTES = (list_proofs, prove_now, get_proof, state, ask_sweep, book_sweep, get_checklist, get_deferred)
