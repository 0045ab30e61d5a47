"""A payee's statement as a file, for whoever wants to work it out again."""

from __future__ import annotations

from typing import Any

from litestar import Response
from litestar.params import FromPath

from exchange.apps.http.answers import Asked, found
from exchange.apps.http.context import actor_of, services_of
from exchange.apps.http.documented import show
from exchange.apps.http.wire import object_id
from exchange.flows.export_statement import export_statement


async def download_statement(request: Asked, statement: FromPath[str]) -> Response[bytes]:
    """The statement with all that its amounts are worked out from, as one file. 结算单导出文件（可独立重算）。

    `document` is the exact text that `sha256` is over. Check it with the script at
    /catalog/v1/verification/recompute_statement.py, which needs nothing of ours and no network.
    """
    actor = actor_of(request)
    async with services_of(request).db.read(actor) as tx:
        data = found(await export_statement(tx, actor, object_id("stm", statement)))
    headers = {
        "content-disposition": f'attachment; filename="{statement}.json"',
        "cache-control": "private, no-cache",
        "x-content-type-options": "nosniff",
    }
    return Response(data, media_type="application/json", headers=headers)


def export_route(prefix: str) -> Any:
    """The route below a portal's prefix."""
    return show(f"{prefix}/statements/{{statement:str}}/export", dict[str, Any])(download_statement)
