"""Negotiations as the regulator sees them: whose they are, where they stand, every message. Nothing is changed here."""

from __future__ import annotations

from typing import Any

from litestar import Response
from litestar.params import FromPath

from contracts import negotiation_store as store
from exchange.apps.http.answers import Asked, found
from exchange.apps.http.context import services_of
from exchange.apps.http.documented import listing, show
from exchange.apps.http.lists import Cursor, Limit
from exchange.apps.http.negotiations import (
    NegotiationHistory,
    NegotiationView,
    StateFilter,
    history_view,
    negotiation_view,
)
from exchange.apps.http.wire import object_id
from exchange.apps.regulator.seeing import all_page

PATH = "/regulator/v1/negotiations"


@listing(PATH, NegotiationView)
async def list_negotiations(
    request: Asked, standing: StateFilter = None, limit: Limit = None, cursor: Cursor = None
) -> Response[bytes]:
    """Everybody's negotiations, newest first. 全部协商列表。"""
    return await all_page(
        request,
        lambda tx, page: store.every(tx, standing, page),
        lambda one: negotiation_view(one, None),
        limit,
        cursor,
    )


@show(f"{PATH}/{{negotiation:str}}", NegotiationHistory)
async def show_negotiation(request: Asked, negotiation: FromPath[str]) -> NegotiationHistory:
    """One negotiation with its whole history. 协商详情及完整记录。"""
    wanted = object_id("neg", negotiation)
    one, messages = found(await services_of(request).db.run(lambda tx: store.any_one(tx, wanted)))
    return history_view(one, messages, None)


ROUTES: tuple[Any, ...] = (list_negotiations, show_negotiation)
