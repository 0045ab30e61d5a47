"""Rates of one currency for another: published, followed, never changed."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from litestar import Response
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta

from exchange.apps.http.answers import Asked, found, write
from exchange.apps.http.context import actor_of
from exchange.apps.http.conversions import Currency, Moment, RateId, RateValue, Source
from exchange.apps.http.documented import command, listing, show
from exchange.apps.http.lists import Cursor, Limit
from exchange.apps.http.wire import Id, Time, object_id, stamp
from exchange.apps.operator.seeing import see, see_page
from exchange.flows.publish_rates import RatesPublished, RateWish, publish_rates
from exchange.kernel import ids
from exchange.kernel.db import Tx
from exchange.kernel.pages import Page, PageRequest
from settlement.conversion import Rate, value_text
from settlement.store import rates

_Sells = Annotated[
    str | None, QueryParameter(pattern="^[A-Z]{3}$", description="Only rates that sell it. 仅限卖出该币种的汇率。")
]
_Buys = Annotated[
    str | None, QueryParameter(pattern="^[A-Z]{3}$", description="Only rates that buy it. 仅限买入该币种的汇率。")
]


class RateForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One unit of `sell` buys `value` of `buy`; without `valid_from` it begins now."""

    sell: Currency
    buy: Currency
    value: RateValue
    source: Source
    valid_to: Annotated[Moment, Meta(description="The rate holds before it, for at most 366 days. 失效时间。")]
    valid_from: Annotated[Moment, Meta(description="Now or later. 生效时间，不早于当前。")] | None = None


class RatesWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Rates that are published together or not at all, such as both directions of a pair."""

    rates: Annotated[list[RateForm], Meta(min_length=1, max_length=100)]


class RateView(msgspec.Struct, frozen=True):
    """A rate with where it stands: coming, in force, or ended; `ended_at` says when, be it by the next rate of its pair."""

    id: RateId
    sell: Currency
    buy: Currency
    value: RateValue
    source: Source
    valid_from: Time
    valid_to: Time
    state: Annotated[str, Meta(examples=["in_force"])]
    ended_at: Annotated[
        Time | None, Meta(description="Known end before `valid_to`, by the next rate. 被后续汇率取代的时间。")
    ]
    published_by: Id
    published_at: Time


@command("/operator/v1/rates", RatesPublished, 400, 401, 403, 409, 422)
async def publish(request: Asked, data: JSONBody[RatesWish]) -> Response[bytes]:
    """Publish rates, each for one direction of a pair; all of them or none. 发布汇率（全部生效或全部不生效）。

    A rate ends at its own end or when the next rate of its pair begins, so one that was wrong is followed by a right one.
    Rates that would let somebody gain by converting in a round are refused.
    """
    actor = actor_of(request)
    wishes = [RateWish(o.sell, o.buy, o.value, o.source, o.valid_to, o.valid_from) for o in data.rates]
    return await write(request, "rate.publish", lambda tx: publish_rates(tx, actor, wishes))


@listing("/operator/v1/rates", RateView)
async def list_rates(
    request: Asked, sell: _Sells = None, buy: _Buys = None, limit: Limit = None, cursor: Cursor = None
) -> Response[bytes]:
    """Every rate that was ever published, newest first. 汇率历史（含未生效与已失效）。"""

    async def read(tx: Tx, page: PageRequest) -> Page[RateView]:
        rows = await rates.list_rates(tx, page, sell, buy)
        followed = await rates.succeeded_at(tx, rows.items)
        return Page([_view(one, followed.get(one.id), tx.now) for one in rows.items], rows.next_cursor)

    return await see_page(request, read, lambda one: one, limit, cursor)


@show("/operator/v1/rates/{rate:str}", RateView)
async def show_rate(request: Asked, rate: FromPath[str]) -> RateView:
    """One rate. 汇率详情。"""

    async def read(tx: Tx) -> RateView | None:
        one = await rates.find_rate(tx, object_id("rte", rate))
        return _view(one, (await rates.succeeded_at(tx, [one])).get(one.id), tx.now) if one else None

    return found(await see(request, read))


def _view(one: Rate, followed_at: datetime | None, now: datetime) -> RateView:
    end = min(one.valid_to, followed_at or one.valid_to)
    return RateView(
        id=ids.text("rte", one.id),
        sell=one.sell,
        buy=one.buy,
        value=value_text(one.value),
        source=one.source,
        valid_from=stamp(one.valid_from),
        valid_to=stamp(one.valid_to),
        state="coming" if now < one.valid_from else "in_force" if now < end else "ended",
        ended_at=stamp(end) if end < one.valid_to else None,
        published_by=ids.text("org", one.published_by),
        published_at=stamp(one.published_at),
    )


ROUTES = (publish, list_rates, show_rate)
