"""Holds: money that is reserved, as its organisation and the operator see it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from litestar import Response
from litestar.params import QueryParameter
from msgspec import Meta

from exchange.apps.http.answers import Asked
from exchange.apps.http.context import actor_of
from exchange.apps.http.documented import listing
from exchange.apps.http.lists import Cursor, Limit, show_page
from exchange.apps.http.wire import Id, MoneyWire, Time, money_wire, stamp
from exchange.kernel import ids
from settlement.store import holds
from settlement.store.holds import HoldRow

State = Annotated[
    Literal["open"] | None,
    QueryParameter(name="state", description="Only holds that have not ended. 仅显示未结束的冻结。"),
]


class HoldView(msgspec.Struct, frozen=True):
    """Money that is held: it is still the organisation's, and goes where it is settled, or back."""

    id: Annotated[str, Meta(examples=["hld_01m80jwmabesg81hwe4cc73nw9"])]
    organisation: Id
    account: Annotated[str, Meta(description="The account that it was taken from. 冻结来源账户。", examples=["wallet"])]
    amount: MoneyWire
    reason: Annotated[str, Meta(examples=["acceptance"])]
    state: Annotated[str, Meta(description="open, settled, voided or expired.", examples=["open"])]
    settled: Annotated[
        MoneyWire, Meta(description="What of it was settled; the rest went back. 已结算部分，其余退回。")
    ]
    opened_at: Time
    expires_at: Annotated[Time | None, Meta(description="From then on it can only go back. 到期后只能退回。")]
    ended_at: Time | None


def hold_routes(prefix: str) -> list[Any]:
    """The route below a portal's prefix that shows an organisation its own holds."""

    async def list_holds(
        request: Asked, only: State = None, limit: Limit = None, cursor: Cursor = None
    ) -> Response[bytes]:
        """Your money that is or was held, newest first. 本机构的冻结款项。"""
        actor = actor_of(request)
        return await show_page(
            request,
            actor,
            lambda tx, page: holds.list_holds(tx, actor, page, open_only=only == "open"),
            hold_view,
            limit,
            cursor,
        )

    return [listing(f"{prefix}/holds", HoldView)(list_holds)]


def hold_view(one: HoldRow) -> HoldView:
    """A hold as the API shows it."""
    return HoldView(
        id=ids.text("hld", one.id),
        organisation=ids.text("org", one.organisation_id),
        account=one.account,
        amount=money_wire(one.amount.units, one.amount.currency),
        reason=one.reason,
        state="open" if one.outcome is None else one.outcome.value,
        settled=money_wire(one.settled.units, one.settled.currency),
        opened_at=stamp(one.created_at),
        expires_at=stamp(one.expires_at) if one.expires_at else None,
        ended_at=stamp(one.ended_at) if one.ended_at else None,
    )
