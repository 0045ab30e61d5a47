"""Previews of settlement runs: what one would book, and how it differs from an earlier one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from litestar import Response
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta

from exchange.apps.http.answers import Asked, found, write
from exchange.apps.http.context import actor_of
from exchange.apps.http.documented import command, listing, show
from exchange.apps.http.lists import Cursor, Limit
from exchange.apps.http.wire import MoneyWire, Time, object_id, stamp
from exchange.apps.operator.seeing import see, see_page
from exchange.apps.operator.settlement import Currency, Region, RunId, RunWish
from exchange.flows.preview_run import PreviewOrdered, order_preview
from exchange.kernel import ids
from exchange.kernel.pages import PageRequest
from settlement.previews import Part, Preview
from settlement.store import previews

PreviewId = Annotated[str, Meta(examples=["prv_01m80jwmabesg81hwe4cc73nw9"])]
_Part = Annotated[
    Part,
    QueryParameter(
        name="part",
        description="Which lines: `diff`, `charge`, `seller`, `buyer`, `payee` or `held`. "
        "明细类别：差异、费用、供应方、买方、收款方、暂缓的使用权。",
    ),
]


class PreviewWish(RunWish, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a run would be asked for, and the closed run to compare with: the last one of the currency and region if none."""

    compare_with: RunId | None = None


class ChangesView(msgspec.Struct, frozen=True):
    """How many lines are new, changed or gone, and what that comes to."""

    lines: Annotated[int, Meta(examples=[3])]
    difference: Annotated[MoneyWire, Meta(examples=[{"amount": "18.00", "currency": "CNY"}])]


class ComparedView(msgspec.Struct, frozen=True):
    """Against which run; over the same period, what its runs booked is held against that and what would come to it."""

    run: RunId
    same_period: bool
    unchanged: Annotated[int, Meta(examples=[412])]
    new: ChangesView
    changed: ChangesView
    gone: ChangesView


class PreviewSummary(msgspec.Struct, frozen=True):
    """What the run would come to; `number` counts the runs over the same period."""

    number: Annotated[int, Meta(examples=[1])]
    charges: Annotated[int, Meta(examples=[415])]
    held: Annotated[int, Meta(description="Grants held back for a person to see. 暂缓计费的使用权数。", examples=[0])]
    charged: MoneyWire
    paid_from_wallets: MoneyWire
    owed: MoneyWire
    payable: MoneyWire
    compared: ComparedView | None


class PreviewView(msgspec.Struct, frozen=True):
    """A preview; `seen_at` is the one moment as of which all of it was read."""

    id: PreviewId
    period_start: Time
    period_end: Time
    currency: Currency
    region: Region
    compare_with: RunId | None
    state: Annotated[str, Meta(description="waiting or made. 等待或已生成。", examples=["made"])]
    created_at: Time
    seen_at: Time | None
    summary: PreviewSummary | None


class PreviewLine(msgspec.Struct, frozen=True):
    """One line of a preview; what it shows depends on its part."""

    position: Annotated[int, Meta(examples=[1])]
    line: Annotated[
        dict[str, Any],
        Meta(
            examples=[
                {
                    "change": "changed",
                    "grant": "grt_01m80jwmabesg81hwe4cc73nw9",
                    "component": "use",
                    "before": {"amount": "15.015", "currency": "CNY"},
                    "after": {"amount": "18.00", "currency": "CNY"},
                    "difference": {"amount": "2.985", "currency": "CNY"},
                }
            ]
        ),
    ]


@command("/operator/v1/settlement-previews", PreviewOrdered, 400, 401, 403, 404, 409, 422)
async def preview(request: Asked, data: JSONBody[PreviewWish]) -> Response[bytes]:
    """See what a settlement run would book, before it does. 结算预览。

    Nothing is booked or locked: charges, totals of each seller and buyer, shares of each payee, grants held back, and the
    difference to an earlier run. It is made in the background; its job says how far it is. A run that is started before
    anything else happens books exactly this.
    """
    actor, period = actor_of(request), data.period()
    against = None if data.compare_with is None else object_id("run", data.compare_with)
    return await write(request, "settlement.preview", lambda tx: order_preview(tx, actor, period, against))


@listing("/operator/v1/settlement-previews", PreviewView)
async def list_previews(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Response[bytes]:
    """Previews of settlement runs, newest first; they are kept for a while only. 结算预览列表。"""
    return await see_page(request, previews.list_previews, _view, limit, cursor)


@show("/operator/v1/settlement-previews/{preview:str}", PreviewView)
async def show_preview(request: Asked, preview: FromPath[str]) -> PreviewView:
    """One preview: its totals, and what changed. 结算预览汇总。"""
    return _view(found(await see(request, lambda tx: previews.find_preview(tx, object_id("prv", preview)))))


@listing("/operator/v1/settlement-previews/{preview:str}/lines", PreviewLine, 404)
async def list_lines(
    request: Asked, preview: FromPath[str], part: _Part = Part.DIFF, limit: Limit = None, cursor: Cursor = None
) -> Response[bytes]:
    """The lines of one part of a preview. 结算预览明细。"""
    preview_id = object_id("prv", preview)
    found(await see(request, lambda tx: previews.find_preview(tx, preview_id)))

    async def read(tx: Any, page: PageRequest) -> Any:
        return await previews.list_lines(tx, preview_id, part, page)

    return await see_page(request, read, _line, limit, cursor)


def _view(one: Preview) -> PreviewView:
    return PreviewView(
        id=ids.text("prv", one.id),
        period_start=stamp(one.period_start),
        period_end=stamp(one.period_end),
        currency=one.currency,
        region=one.region,
        compare_with=None if one.compare_with is None else ids.text("run", one.compare_with),
        state=one.state,
        created_at=stamp(one.created_at),
        seen_at=stamp(one.seen_at) if one.seen_at else None,
        summary=None if one.summary is None else msgspec.convert(one.summary, PreviewSummary),
    )


def _line(one: tuple[int, Mapping[str, Any]]) -> PreviewLine:
    return PreviewLine(one[0], dict(one[1]))


ROUTES = (preview, list_previews, show_preview, list_lines)
