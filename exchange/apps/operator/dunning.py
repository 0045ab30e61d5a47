"""What is overdue on the market."""

from __future__ import annotations

from litestar import Response

from exchange.apps.http.answers import Asked
from exchange.apps.http.documented import listing
from exchange.apps.http.dunning_views import DunningCase, case_view
from exchange.apps.http.lists import Cursor, Limit
from exchange.apps.operator.seeing import see_page
from settlement.store import dunning


@listing("/operator/v1/dunning-cases", DunningCase)
async def list_open_cases(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Response[bytes]:
    """Overdue cases that are open, with their stage, newest first. 未结清的逾期款项。"""
    return await see_page(request, dunning.all_cases, case_view, limit, cursor)


ROUTES = (list_open_cases,)
