"""The ledger itself: where money went, the bounds of accounts, open positions in currencies."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from litestar import Response
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta

from exchange.apps.http.answers import Asked, write
from exchange.apps.http.context import actor_of, services_of
from exchange.apps.http.documented import command, listing, show
from exchange.apps.http.lists import Cursor, Limit
from exchange.apps.http.wire import Id, MoneyWire, body_id, money, money_wire
from exchange.apps.operator.seeing import see, see_page
from exchange.flows.limit_position import PositionView, limit_position, show_positions
from exchange.flows.set_account_bounds import BoundsReceipt, BoundsWish, set_account_bounds
from exchange.flows.show_provenance import Provenance, show_provenance
from exchange.kernel import ids
from exchange.kernel.errors import INVALID_REQUEST, Problem, Refused
from settlement.accounts import AccountKind
from settlement.store import bounds
from settlement.store.bounds import Bounds

Currency = Annotated[str, Meta(pattern="^[A-Z]{3}$", examples=["CNY"])]
BoundedKind = Literal["wallet", "held", "advance", "debt"]
_Whose = Annotated[
    str | None, QueryParameter(name="organisation", description="Only accounts of this organisation. 仅限该机构。")
]
_Kind = Annotated[BoundedKind | None, QueryParameter(name="account", description="Only this kind. 仅限该类账户。")]
_Own = Annotated[
    bool,
    QueryParameter(name="changed", description="Only bounds that are not those of their kind. 仅限自行设定的上下限。"),
]


class BoundsForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Both bounds of one account; without one it has no end there. A wallet's floor below zero is credit."""

    organisation: Annotated[str, Meta(examples=["org_01m80jwmabesg81hwe4cc73nw9"])]
    account: Annotated[BoundedKind, Meta(examples=["wallet"])]
    currency: Currency
    minimum: Annotated[str, Meta(max_length=24, description="Never below. 下限。", examples=["-500.00"])] | None = None
    maximum: Annotated[str, Meta(max_length=24, description="Never above. 上限。", examples=["10000.00"])] | None = None


class BoundsView(msgspec.Struct, frozen=True):
    """An account that stays between bounds, and what is in it."""

    organisation: Id
    account: Annotated[str, Meta(examples=["wallet"])]
    balance: MoneyWire
    minimum: MoneyWire | None
    maximum: MoneyWire | None


class PositionForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much of a currency may be open, in either direction; without a limit the one that stood is lifted."""

    currency: Currency
    limit: Annotated[str, Meta(max_length=24, description="In the currency. 限额。", examples=["50000.00"])] | None = (
        None
    )


class Positions(msgspec.Struct, frozen=True):
    """What is open in each currency."""

    items: list[PositionView]


@show("/operator/v1/ledger/traces/{named:str}", Provenance, 401, 403, 404, 422)
async def trace_money(request: Asked, named: FromPath[str]) -> Provenance:
    """Follow the money of one object, unit by unit, from the card or bank to every payee and back. 资金追踪。

    `named` is the id of an order, charge, payment, payout, conversion, refund, hold, service credit, bank entry or journal,
    or one line of a journal (`jnl_…:2`). `holders` says who has it now: a payee who gave everything back stands there with nothing.
    """
    made = await see(request, lambda tx: show_provenance(tx, services_of(request).sales, named))
    if isinstance(made, Problem):
        raise Refused(made)
    return made


@command("/operator/v1/ledger/bounds", BoundsReceipt, 400, 401, 403, 404, 409, 422, status=200)
async def bound_account(request: Asked, data: JSONBody[BoundsForm]) -> Response[bytes]:
    """Give one account a floor and a ceiling of its own. 设置单个账户的上下限。

    Every posting from then on meets them. Where what is in the account lies outside, nothing is changed.
    """
    actor = actor_of(request)
    low, high = (
        None if text is None else money(MoneyWire(text, data.currency)).units for text in (data.minimum, data.maximum)
    )
    wish = BoundsWish(body_id("org", data.organisation), AccountKind(data.account), data.currency, low, high)
    return await write(
        request,
        "account.bounds",
        lambda tx: set_account_bounds(tx, actor, wish),
        status=200,
        object_id=data.organisation,
    )


@listing("/operator/v1/ledger/bounds", BoundsView)
async def list_bounds(
    request: Asked,
    whose: _Whose = None,
    kind: _Kind = None,
    own_only: _Own = False,
    limit: Limit = None,
    cursor: Cursor = None,
) -> Response[bytes]:
    """Accounts that stay between bounds, with what is in them; the oldest first. 设有上下限的账户。"""
    owner = body_id("org", whose) if whose else None
    account = AccountKind(kind) if kind else None
    return await see_page(
        request,
        lambda tx, page: bounds.list_bounds(tx, page, owner, account, own_only=own_only),
        _bounds,
        limit,
        cursor,
    )


@command("/operator/v1/ledger/positions", PositionView, 400, 401, 403, status=200)
async def bound_position(request: Asked, data: JSONBody[PositionForm]) -> Response[bytes]:
    """Limit how much of a currency conversions may take in or give out, or lift the limit. 设置币种敞口限额。

    A conversion that would go over it is refused; one that brings the position back is not.
    """
    actor = actor_of(request)
    most = None if data.limit is None else money(MoneyWire(data.limit, data.currency))
    if most is not None and most.units < 0:
        raise Refused(INVALID_REQUEST(reason="a limit is zero or more"))
    return await write(
        request,
        "position.limit",
        lambda tx: limit_position(tx, actor, data.currency, most),
        status=200,
        object_id=data.currency,
    )


@show("/operator/v1/ledger/positions", Positions, 401, 403)
async def list_positions(request: Asked) -> Positions:
    """The exchange's open position in each currency, and its limit. 各币种敞口与限额。"""
    return Positions(await see(request, show_positions))


def _bounds(one: Bounds) -> BoundsView:
    currency = one.key.currency
    assert one.key.organisation_id is not None, "accounts of the exchange itself have no bounds"
    low, high = (None if units is None else money_wire(units, currency) for units in (one.minimum, one.maximum))
    return BoundsView(
        ids.text("org", one.key.organisation_id), one.key.kind.value, money_wire(one.posted, currency), low, high
    )


ROUTES = (trace_money, bound_account, list_bounds, bound_position, list_positions)
