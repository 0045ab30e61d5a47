"""The cards that a buyer keeps, and which of them pays."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import Response
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from exchange.apps.http.answers import Asked, write
from exchange.apps.http.context import actor_of, services_of
from exchange.apps.http.documented import command, listing
from exchange.apps.http.lists import Cursor, Limit, show_page
from exchange.apps.http.wire import Time, body_id, object_id, stamp
from exchange.flows.keep_payment_method import PREFIX, KeptReceipt, choose_default, keep_method, remove_method
from exchange.kernel import ids
from exchange.kernel.errors import INVALID_REQUEST, NOT_FOUND, Refused
from settlement.kept_methods import KeptMethod, KeptState
from settlement.store import kept_methods as store
from settlement.stripe_problems import METHOD_STATE

_Method = Annotated[str, Meta(examples=["pmm_01m80jwmabesg81hwe4cc73nw9"])]


class CardView(msgspec.Struct, frozen=True):
    """What is known here of a card; its number is the payment provider's alone."""

    brand: Annotated[str, Meta(examples=["visa"])]
    last4: Annotated[str, Meta(examples=["4242"])]
    exp_month: Annotated[int, Meta(examples=[12])]
    exp_year: Annotated[int, Meta(examples=[2035])]


class PaymentMethodView(msgspec.Struct, frozen=True):
    """A card that is kept; it pays while it is active."""

    id: _Method
    state: Annotated[str, Meta(description="asked, confirming, active or failed. 状态。", examples=["active"])]
    card: CardView | None
    default: bool
    redirect_url: Annotated[
        str | None, Meta(description="Where its holder agrees, while it is confirming. 需前往的验证页面。")
    ]
    failure: Annotated[str | None, Meta(description="The provider's word. 失败原因代码。")]
    created_at: Time


class PaymentMethodWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A card by the name that the payment provider's form gave it."""

    payment_method: Annotated[str, Meta(pattern=r"^pm_[A-Za-z0-9_]{1,250}$", examples=["pm_card_visa"])]


@command("/buyer/v1/payment-methods", KeptReceipt, 400, 401, 403, 409)
async def keep_payment_method(request: Asked, data: JSONBody[PaymentMethodWish]) -> Response[bytes]:
    """Keep a card to pay with later; its bank is asked first. 保存银行卡，供日后付款。

    It is active in a moment, or shows a page as `redirect_url` where its holder has to agree. The first one is the default.
    """
    actor = actor_of(request)
    return await write(request, "payment-method.keep", lambda tx: keep_method(tx, actor, data.payment_method))


@listing("/buyer/v1/payment-methods", PaymentMethodView)
async def list_payment_methods(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Response[bytes]:
    """The cards that you keep, newest first. 已保存的支付方式。"""
    actor = actor_of(request)
    return await show_page(request, actor, lambda tx, page: store.list_methods(tx, actor, page), _view, limit, cursor)


@command("/buyer/v1/payment-methods/{payment_method:str}/default", KeptReceipt, 400, 401, 403, 404, 409)
async def choose_payment_method(request: Asked, payment_method: FromPath[str]) -> Response[bytes]:
    """Let a card pay where no other one is named. 设为默认支付方式。"""
    actor, method_id = actor_of(request), object_id(PREFIX, payment_method)
    return await write(
        request, "payment-method.default", lambda tx: choose_default(tx, actor, method_id), object_id=payment_method
    )


@command("/buyer/v1/payment-methods/{payment_method:str}/removal", KeptReceipt, 400, 401, 403, 404, 409)
async def remove_payment_method(request: Asked, payment_method: FromPath[str]) -> Response[bytes]:
    """Remove a card: it pays nothing from now on, and the payment provider forgets it. 移除支付方式。"""
    actor, method_id = actor_of(request), object_id(PREFIX, payment_method)
    return await write(
        request, "payment-method.remove", lambda tx: remove_method(tx, actor, method_id), object_id=payment_method
    )


async def card_named(request: Asked, named: str | None) -> str:
    """The provider's name of the card that is to pay: the one that is named, in either way, or else the default.

    shapes   named: "pm_..." as the provider's form gave it, "pmm_..." of one that is kept, or None
    errors   raises Refused: invalid-request, not-found, payment-method-state
    """
    if named is not None and not named.startswith(f"{PREFIX}_"):
        return named
    actor = actor_of(request)
    method_id = None if named is None else body_id(PREFIX, named)
    async with services_of(request).db.read(actor) as tx:
        one = await store.find_method(tx, actor, method_id)
    if one is None and named is None:
        raise Refused(INVALID_REQUEST(reason="payment by card needs payment_method, as no card is kept"))
    if one is None:
        raise Refused(NOT_FOUND())
    if one.state is not KeptState.ACTIVE or one.provider_ref is None:
        raise Refused(METHOD_STATE(state=one.state.value))
    return one.provider_ref


def _view(one: KeptMethod) -> PaymentMethodView:
    card = one.card
    return PaymentMethodView(
        id=ids.text(PREFIX, one.id),
        state=one.state.value,
        card=None if card is None else CardView(card.brand, card.last4, card.exp_month, card.exp_year),
        default=one.is_default,
        redirect_url=one.redirect_url if one.state is KeptState.CONFIRMING else None,
        failure=one.failure,
        created_at=stamp(one.created_at),
    )


ROUTES = (keep_payment_method, list_payment_methods, choose_payment_method, remove_payment_method)
