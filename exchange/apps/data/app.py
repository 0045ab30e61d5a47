"""The data plane: for holders of a grant's token."""

from __future__ import annotations

import re
from functools import partial

from litestar import Litestar

from exchange.apps.data.reading import download, rows, show_grant
from exchange.apps.data.shelf import Shelf
from exchange.apps.data.watch import Watch
from exchange.apps.http.context import Services
from exchange.apps.http.portal import portal
from exchange.apps.http.shortcut import Shortcut
from exchange.flows.access_data import still_open

_ROWS = re.compile(r"/data/v1/assets/([^/]{1,80})/rows\Z")


def hot(made: Litestar) -> Shortcut:
    """The data plane with a short way for reads of rows."""
    return Shortcut(made, _rows, rows.fn)


def _rows(method: str, path: str) -> dict[str, str] | None:
    found = _ROWS.match(path) if method == "GET" else None
    return {"asset": found.group(1)} if found else None


def app(services: Services) -> Litestar:
    """The data plane's app."""
    made = portal(
        name="data",
        title="Corpus Exchange: data plane 数据交付接口",
        description="Read granted data. Send the grant's token as a bearer token; every byte is metered.\n\n"
        "读取已获使用权的数据。请以 Bearer 方式携带使用权令牌，所有用量均精确计量。",
        prefix="/data/v1",
        routes=[show_grant, download, rows],
        services=services,
        portal_scope=None,
        guarded=False,  # its own tokens, checked by each handler
    )
    made.state.shelf = Shelf(services.db, services.files)
    db = services.db
    made.state.watch = watch = Watch(lambda reads: db.ask(partial(still_open, reads=reads)))
    services.endings.append(watch.stop)
    return made
