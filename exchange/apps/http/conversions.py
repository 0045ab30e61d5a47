"""Changing one's own money into another currency: the rates in force as a quote, the command, and what was changed."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Response
from litestar.params import JSONBody, QueryParameter
from msgspec import Meta

from exchange.apps.http.answers import Asked, write
from exchange.apps.http.context import actor_of, services_of
from exchange.apps.http.documented import command, listing, show
from exchange.apps.http.lists import Cursor, Limit, show_page
from exchange.apps.http.wire import MoneyWire, Time, body_id, money, money_wire, stamp
from exchange.flows.convert_funds import ConversionReceipt, ConversionWish, Quoted, convert_funds, quote_conversions
from exchange.kernel import ids
from exchange.kernel.errors import INVALID_REQUEST, Problem, Refused
from settlement.accounts import AccountKind
from settlement.conversion import Conversion, value_text
from settlement.store import rates

Currency = Annotated[str, Meta(pattern="^[A-Z]{3}$", examples=["EUR"])]
Moment = Annotated[datetime, Meta(tz=True, examples=["2026-01-15T09:00:00Z"])]
RateId = Annotated[str, Meta(examples=["rte_01m80jwmabesg81hwe4cc73nw9"])]
RateValue = Annotated[
    str,
    Meta(description="How much of `buy` one unit of `sell` buys. 每单位卖出币种可买入的金额。", examples=["7.812345"]),
]
Source = Annotated[
    str,
    Meta(min_length=1, max_length=200, examples=["ECB euro foreign exchange reference rates, 2026-01-14"]),
]
_Sell = Annotated[str | None, QueryParameter(pattern="^[A-Z]{3}$", description="What you have. 卖出币种。")]
_Buy = Annotated[str | None, QueryParameter(pattern="^[A-Z]{3}$", description="What you want. 买入币种。")]
_Amount = Annotated[
    str | None,
    QueryParameter(max_length=24, description="How much of `sell`, such as 100.00; shows what it buys. 卖出金额。"),
]


class QuoteView(msgspec.Struct, frozen=True):
    """What an amount buys, rounded down; `remainder` is the part of a millionth that is lost, in 10^-12 of it."""

    sold: MoneyWire
    bought: MoneyWire
    remainder: Annotated[int, Meta(ge=0, examples=[250000000000])]


class RateInForce(msgspec.Struct, frozen=True):
    """A rate that holds now; a conversion names its `id` and `expires_at`."""

    id: RateId
    sell: Currency
    buy: Currency
    value: RateValue
    source: Source
    expires_at: Annotated[Time, Meta(description="When it ends, as far as is known now. 失效时间（以当前所知为准）。")]
    quote: Annotated[
        QuoteView | None,
        Meta(description="Absent without `amount`, and where it buys nothing. 未提供金额或所得为零时为空。"),
    ]


class RatesInForce(msgspec.Struct, frozen=True):
    """The rates that hold now, one for each direction of a pair at most."""

    items: list[RateInForce]


class ConversionForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Change `amount` into `buy`, at the rate that you were shown and before it expires."""

    amount: MoneyWire
    buy: Currency
    rate: RateId
    expires_at: Moment


class ConversionView(msgspec.Struct, frozen=True):
    """What was changed into what, at which rate of which source."""

    id: Annotated[str, Meta(examples=["cnv_01m80jwmabesg81hwe4cc73nw9"])]
    sold: MoneyWire
    bought: MoneyWire
    rate: RateId
    value: RateValue
    source: Source
    remainder: Annotated[int, Meta(ge=0, examples=[250000000000])]
    converted_at: Time


def conversion_routes(prefix: str, kind: AccountKind) -> list[Any]:
    """The routes below a portal's prefix for the money of one kind: a buyer's wallet, or what is payable to a payee."""

    async def convert(request: Asked, data: JSONBody[ConversionForm]) -> Response[bytes]:
        """Change your own money into another currency. 兑换本机构资金。

        Ask for the rates with your amount first; name the rate's id and expiry. Where the rate has ended since, or another
        began, nothing is converted.
        """
        actor, amount = actor_of(request), money(data.amount)
        wish = ConversionWish(kind, amount, data.buy, body_id("rte", data.rate), data.expires_at)
        return await write(request, "funds.convert", lambda tx: convert_funds(tx, actor, wish))

    async def list_conversions(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Response[bytes]:
        """What you changed into what, newest first. 兑换记录。"""
        actor = actor_of(request)
        return await show_page(
            request, actor, lambda tx, page: rates.list_conversions(tx, actor, kind, page), _conversion, limit, cursor
        )

    return [
        show(f"{prefix}/rates", RatesInForce, 400, 401, 403)(show_rates),
        command(f"{prefix}/conversions", ConversionReceipt, 400, 401, 402, 403, 409, 422)(convert),
        listing(f"{prefix}/conversions", ConversionView)(list_conversions),
    ]


async def show_rates(request: Asked, sell: _Sell = None, buy: _Buy = None, amount: _Amount = None) -> RatesInForce:
    """The rates in force, and what an amount buys at each. 当前有效汇率与兑换试算。

    Rates go in one direction each. What you get is rounded down to a millionth.
    """
    if amount is not None and sell is None:
        raise Refused(INVALID_REQUEST(reason="an amount needs its currency in sell"))
    asked = money(MoneyWire(amount, sell)) if amount is not None and sell is not None else None
    async with services_of(request).db.read(actor_of(request)) as tx:
        return RatesInForce([_in_force(one) for one in await quote_conversions(tx, sell, buy, asked)])


def _in_force(one: Quoted) -> RateInForce:
    rate, quote = one.rate, None
    if one.sold is not None and one.converted is not None and not isinstance(one.converted, Problem):
        bought = one.converted.bought
        sold = money_wire(one.sold.units, one.sold.currency)
        quote = QuoteView(sold, money_wire(bought.units, bought.currency), one.converted.remainder)
    return RateInForce(
        ids.text("rte", rate.id), rate.sell, rate.buy, value_text(rate.value), rate.source, stamp(one.expires_at), quote
    )


def _conversion(one: Conversion) -> ConversionView:
    return ConversionView(
        id=ids.text("cnv", one.id),
        sold=money_wire(one.sold.units, one.sold.currency),
        bought=money_wire(one.bought.units, one.bought.currency),
        rate=ids.text("rte", one.rate_id),
        value=value_text(one.value),
        source=one.source,
        remainder=one.remainder,
        converted_at=stamp(one.converted_at),
    )
