"""What you were told about revisions that break their data contract."""

from __future__ import annotations

from litestar import Response

from contracts import data_contract_store as store
from contracts.data_contract_store import BreachNotice
from exchange.apps.http.answers import Asked
from exchange.apps.http.context import actor_of
from exchange.apps.http.data_contracts import BreachView, breach_view
from exchange.apps.http.documented import listing
from exchange.apps.http.lists import Cursor, Limit, show_page
from exchange.kernel.db import Tx
from exchange.kernel.money import Money
from exchange.kernel.pages import Page, PageRequest
from settlement.store import service_credits


@listing("/buyer/v1/breaches", BreachView)
async def list_breaches(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Response[bytes]:
    """Breaches of data contracts in data you hold, with what was credited, the newest first. 数据合同违约通知与补偿。"""
    actor = actor_of(request)

    async def read(tx: Tx, page: PageRequest) -> Page[tuple[BreachNotice, Money | None]]:
        found = await store.told(tx, actor, page)
        paid = await service_credits.of_causes(tx, actor, [one.check_id for one in found.items])
        return Page([(one, paid.get((one.check_id, one.grant_id))) for one in found.items], found.next_cursor)

    return await show_page(request, actor, read, lambda one: breach_view(*one), limit, cursor)


ROUTES = (list_breaches,)
