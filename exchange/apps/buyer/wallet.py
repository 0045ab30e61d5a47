"""The wallet: what is in it, how it is filled, what moved, and what was charged."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from litestar import Response
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta

from exchange.apps.buyer.payment_methods import card_named
from exchange.apps.http.answers import Asked, found, write
from exchange.apps.http.context import actor_of, services_of
from exchange.apps.http.documented import command, listing, show
from exchange.apps.http.lists import Cursor, Limit, show_page
from exchange.apps.http.wire import Id, MoneyWire, Texts, Time, money, money_wire, object_id, stamp
from exchange.flows.top_up import TopUp, TopUpReceipt, top_up
from exchange.kernel import ids
from exchange.kernel.errors import INVALID_REQUEST, Refused
from settlement.accounts import AccountKind
from settlement.payments import Payment
from settlement.store import reads
from settlement.store.reads import ChargeRow, Movement

_SOURCES = {
    "top_up": "pay",
    "purchase": "ord",
    "charge": "chg",
    "payout": "pot",
    "service_credit": "crd",
    "conversion": "cnv",
    "chargeback": "cbk",
    "card_refund_returned": "crf",
}
Currency = Annotated[str, QueryParameter(pattern="^[A-Z]{3}$", description="ISO 4217. 币种。")]


class TopUpWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much, and how it comes.

    A card or a SEPA debit is named as Stripe names it; Alipay, WeChat Pay and Checkout answer with a page to pay on; a bank
    transfer quotes the payment's id.
    """

    amount: MoneyWire
    method: Literal["card", "bank", "alipay", "wechat_pay", "sepa_debit", "checkout"] = "card"
    payment_method: Annotated[str, Meta(max_length=200, examples=["pm_card_visa"])] | None = None


class PaymentView(msgspec.Struct, frozen=True):
    """Money coming in; a bank transfer quotes `reference`."""

    id: Annotated[str, Meta(examples=["pay_01m80jwmabesg81hwe4cc73nw9"])]
    purpose: Annotated[str, Meta(examples=["top_up"])]
    order: Id | None
    amount: MoneyWire
    method: Annotated[str, Meta(examples=["card"])]
    state: Annotated[str, Meta(examples=["succeeded"])]
    failure: str | None
    reference: str | None
    created_at: Time
    finished_at: Time | None
    redirect_url: Annotated[
        str | None,
        Meta(description="Where you have to agree or pay, while the payment waits for it. 需前往的支付页面。"),
    ]
    qr_code: Annotated[str | None, Meta(description="What the WeChat app scans. 微信扫码内容。")]


class WalletView(msgspec.Struct, frozen=True):
    """Your money here, one balance per currency; a bank transfer that quotes `bank_reference` lands in it."""

    balances: list[MoneyWire]
    bank_reference: Annotated[str, Meta(examples=["org_01m80jwmabesg81hwe4cc73nw9"])]


class MovementView(msgspec.Struct, frozen=True):
    """One line on your wallet: above zero came in, below zero went out."""

    journal: Id
    kind: Annotated[str, Meta(examples=["purchase"])]
    source: Annotated[str | None, Meta(examples=["ord_01m80jwmabesg81hwe4cc73nw9"])]
    amount: MoneyWire
    at: Time


class ChargeView(msgspec.Struct, frozen=True):
    """A charge for metered use or a period, with its arithmetic in words."""

    id: Annotated[str, Meta(examples=["chg_01m80jwmabesg81hwe4cc73nw9"])]
    grant: Id
    order: Id
    component: Annotated[str, Meta(examples=["overage"])]
    service_start: Time
    service_end: Time | None
    quantity: Annotated[str, Meta(examples=["1200"])]
    amount: MoneyWire
    explanation: Texts
    tax: Annotated[MoneyWire, Meta(description="The part of the amount that is tax. 金额中的税额。")]
    corrects: Annotated[
        str | None, Meta(description="The charge or order that this late correction corrects. 所更正的费用或订单。")
    ]
    created_at: Time


@command("/buyer/v1/top-ups", TopUpReceipt, 400, 401, 403, 422)
async def fill_wallet(request: Asked, data: JSONBody[TopUpWish]) -> Response[bytes]:
    """Fill the wallet by card, Alipay, WeChat Pay, SEPA debit or Checkout, or announce a bank transfer. 钱包充值。

    The wallet grows when the money is there: ask for the payment, or look at the wallet. Where you have to agree on another
    page, the payment shows it as `redirect_url` in a moment. A SEPA debit takes days; who asks for one agrees to its mandate.
    """
    if data.method == "sepa_debit" and not data.payment_method:
        raise Refused(INVALID_REQUEST(reason="a debit needs payment_method"))
    actor = actor_of(request)
    named = data.payment_method if data.method == "sepa_debit" else None
    if data.method == "card":
        named = await card_named(request, data.payment_method)
    wish = TopUp(money(data.amount), data.method, named, _mandate(request) if data.method == "sepa_debit" else {})
    return await write(request, "wallet.top-up", lambda tx: top_up(tx, actor, wish))


@listing("/buyer/v1/payments", PaymentView)
async def list_payments(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Response[bytes]:
    """Your payments, newest first. 我的支付记录。"""
    actor = actor_of(request)
    return await show_page(
        request, actor, lambda tx, page: reads.list_payments(tx, actor, page), payment_view, limit, cursor
    )


@show("/buyer/v1/payments/{payment:str}", PaymentView)
async def show_payment(request: Asked, payment: FromPath[str]) -> PaymentView:
    """One payment. 支付详情。"""
    actor = actor_of(request)
    async with services_of(request).db.read(actor) as tx:
        return payment_view(found(await reads.find_payment(tx, actor, object_id("pay", payment))))


@show("/buyer/v1/wallet", WalletView, 401, 403)
async def show_wallet(request: Asked) -> WalletView:
    """What is in your wallet, and what a bank transfer must quote. 钱包余额与转账附言。"""
    actor = actor_of(request)
    async with services_of(request).db.read(actor) as tx:
        held = await reads.wallets(tx, actor)
    balances = [money_wire(one.units, one.currency) for one in held]
    return WalletView(balances, ids.text("org", actor.organisation_id))


@listing("/buyer/v1/wallet/movements", MovementView)
async def list_movements(
    request: Asked, currency: Currency, limit: Limit = None, cursor: Cursor = None
) -> Response[bytes]:
    """What moved on your wallet of one currency, newest first. 钱包流水。"""
    actor = actor_of(request)
    return await show_page(
        request,
        actor,
        lambda tx, page: reads.movements(tx, actor, AccountKind.WALLET.value, currency, page),
        _movement,
        limit,
        cursor,
    )


@listing("/buyer/v1/charges", ChargeView)
async def list_charges(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Response[bytes]:
    """What you were charged for use and periods, newest first. 费用列表。"""
    actor = actor_of(request)
    return await show_page(request, actor, lambda tx, page: reads.list_charges(tx, actor, page), _charge, limit, cursor)


def payment_view(one: Payment) -> PaymentView:
    """A payment as the API shows it."""
    name = ids.text("pay", one.id)
    return PaymentView(
        id=name,
        purpose=one.purpose.value,
        order=ids.text("ord", one.order_id) if one.order_id else None,
        amount=money_wire(one.amount.units, one.amount.currency),
        method=one.method.value,
        state=one.state.value,
        failure=one.failure,
        reference=name if one.method.value == "bank" else None,
        created_at=stamp(one.created_at),
        finished_at=stamp(one.finished_at) if one.finished_at else None,
        redirect_url=one.redirect_url,
        qr_code=one.qr_code,
    )


def _mandate(request: Asked) -> dict[str, str]:
    """From where a debit was agreed to, as a mandate has to say."""
    agent = request.headers.get("user-agent", "")[:500] or "unknown"
    return {"ip_address": request.client.host if request.client else "unknown", "user_agent": agent}


def _movement(one: Movement) -> MovementView:
    prefix = _SOURCES.get(one.kind)
    return MovementView(
        journal=ids.text("jnl", one.journal_id),
        kind=one.kind,
        source=ids.text(prefix, one.source_id) if prefix else None,
        amount=money_wire(one.amount.units, one.amount.currency),
        at=stamp(one.effective_at),
    )


def _charge(row: ChargeRow) -> ChargeView:
    return ChargeView(
        id=ids.text("chg", row.id),
        grant=ids.text("grt", row.grant_id),
        order=ids.text("ord", row.order_id),
        component=row.component,
        service_start=stamp(row.service_start),
        service_end=stamp(row.service_end) if row.service_end else None,
        quantity=row.quantity,
        amount=money_wire(row.amount.units, row.amount.currency),
        explanation=row.explanation.get("text", {}),
        tax=money_wire(row.tax.units, row.tax.currency),
        corrects=ids.text("ord" if row.corrects_order else "chg", row.corrects) if row.corrects else None,
        created_at=stamp(row.created_at),
    )


ROUTES = (fill_wallet, list_payments, show_payment, show_wallet, list_movements, list_charges)
