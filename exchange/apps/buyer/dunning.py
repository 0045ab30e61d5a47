"""What a buyer owes beyond its wallet, and what follows from it."""

from __future__ import annotations

from litestar import Response
from litestar.params import FromPath

from exchange.apps.http.answers import Asked, found
from exchange.apps.http.context import actor_of, services_of
from exchange.apps.http.documented import listing, show
from exchange.apps.http.dunning_views import CaseCourse, DunningCase, case_view, course_view
from exchange.apps.http.lists import Cursor, Limit, show_page
from exchange.apps.http.wire import object_id
from settlement.dunning import plan_of
from settlement.store import dunning


@listing("/buyer/v1/dunning-cases", DunningCase)
async def list_dunning_cases(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Response[bytes]:
    """What you owe beyond your wallet, by seller and currency, newest first. 我的逾期款项。

    Top up the wallet: what is owed is collected by itself within a minute, and suspended grants go on.
    """
    actor = actor_of(request)
    return await show_page(request, actor, lambda tx, page: dunning.my_cases(tx, actor, page), case_view, limit, cursor)


@show("/buyer/v1/dunning-cases/{dunning_case:str}", CaseCourse)
async def show_dunning_case(request: Asked, dunning_case: FromPath[str]) -> CaseCourse:
    """One case: what is unpaid, every notice, and what comes next. 逾期款项详情、历次通知与下一步。"""
    actor, case_id = actor_of(request), object_id("dun", dunning_case)
    services = services_of(request)
    async with services.db.read(actor) as tx:
        one = found(await dunning.my_case(tx, actor, case_id))
        debts, notices = await dunning.my_debts(tx, actor, one), await dunning.notices_of(tx, one.id)
    return course_view(one, debts, notices, plan_of(services.settings.settlement))


ROUTES = (list_dunning_cases, show_dunning_case)
