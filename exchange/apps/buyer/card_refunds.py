"""Money out of the wallet, back to the card or account that it came from."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import Response
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from exchange.apps.http.answers import Asked, write
from exchange.apps.http.context import actor_of
from exchange.apps.http.documented import command, listing
from exchange.apps.http.lists import Cursor, Limit, show_page
from exchange.apps.http.wire import Id, MoneyWire, Time, money, money_wire, object_id, stamp
from exchange.flows.refund_to_card import CardRefundReceipt, refund_to_card
from exchange.kernel import ids
from settlement.card_refunds import CardRefund
from settlement.store import card_refunds


class CardRefundView(msgspec.Struct, frozen=True):
    """A refund to a card: held in the wallet while it is created or pending, in the wallet again when it failed."""

    id: Annotated[str, Meta(examples=["crf_01m80jwmabesg81hwe4cc73nw9"])]
    payment: Id
    amount: MoneyWire
    state: Annotated[str, Meta(description="created, pending, succeeded or failed. 状态。", examples=["succeeded"])]
    failure: str | None
    created_at: Time
    finished_at: Time | None


class CardRefundAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much goes back; without an amount, all of the payment that has not gone back."""

    amount: MoneyWire | None = None


@command("/buyer/v1/payments/{payment:str}/card-refunds", CardRefundReceipt, 400, 401, 402, 403, 404, 409, 422)
async def ask_card_refund(request: Asked, payment: FromPath[str], data: JSONBody[CardRefundAsked]) -> Response[bytes]:
    """Take money out of the wallet, back to the card or account that a payment came from. 原路退回至银行卡。

    The amount is held at once. Some banks take it at once, some within days; what a bank sends back is in the wallet again.
    """
    actor, payment_id = actor_of(request), object_id("pay", payment)
    amount = None if data.amount is None else money(data.amount)
    return await write(
        request, "card-refund.ask", lambda tx: refund_to_card(tx, actor, payment_id, amount), object_id=payment
    )


@listing("/buyer/v1/card-refunds", CardRefundView)
async def list_card_refunds(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Response[bytes]:
    """Your refunds to cards, newest first. 原路退款记录。"""
    actor = actor_of(request)
    return await show_page(
        request, actor, lambda tx, page: card_refunds.list_card_refunds(tx, actor, page), _view, limit, cursor
    )


def _view(one: CardRefund) -> CardRefundView:
    return CardRefundView(
        id=ids.text("crf", one.id),
        payment=ids.text("pay", one.payment_id),
        amount=money_wire(one.amount.units, one.amount.currency),
        state=one.state.value,
        failure=one.failure,
        created_at=stamp(one.created_at),
        finished_at=stamp(one.finished_at) if one.finished_at else None,
    )


ROUTES = (ask_card_refund, list_card_refunds)
