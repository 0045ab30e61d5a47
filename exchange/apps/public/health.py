"""What machines ask of this process: is it alive, can it serve, how does it do."""

from __future__ import annotations

from typing import Any

import msgspec
import structlog
from litestar import Response, get

from compliance import tree_store
from exchange.apps.http.answers import Asked, problem_response
from exchange.apps.http.context import services_of
from exchange.apps.http.documented import answers, show
from exchange.kernel import metrics
from exchange.kernel.db import Database
from exchange.kernel.errors import BUSY

_LOG = structlog.get_logger("http")
_NO_STORE = {"cache-control": "no-store"}


class Health(msgspec.Struct, frozen=True):
    """How this process is."""

    status: str


@show("/healthz", Health, 503)
async def alive(request: Asked) -> Response[Health]:
    """The process answers. 存活检查。"""
    return Response(Health("alive"), headers=_NO_STORE)


@show("/readyz", Health, 503)
async def ready(request: Asked) -> Response[Any]:
    """The process reaches its database and may be sent requests. 就绪检查。"""
    try:
        async with services_of(request).db.read(None) as tx:
            await tree_store.checkpoint(tx)
    except Exception as error:  # noqa: BLE001  # whatever it is, this process cannot serve now
        _LOG.warning("not-ready", error=type(error).__name__)
        return problem_response(request, BUSY())
    return Response(Health("ready"), headers=_NO_STORE)


@get("/metrics", responses=answers(str, 200, media_type="text/plain"))
async def figures(request: Asked) -> Response[bytes]:
    """Figures in Prometheus' form; keep this address from the outside at the proxy. 监控指标。"""
    await _look_at_the_log(services_of(request).db)
    return Response(metrics.exposition(), media_type="text/plain; version=0.0.4", headers=_NO_STORE)


async def _look_at_the_log(db: Database) -> None:
    """Ask the database how the log does: its sequencer may be another process, or none."""
    try:
        size, oldest = await db.run(tree_store.oldest_unsigned)
    except Exception as error:  # noqa: BLE001  # figures of this process are worth having without those of the log
        _LOG.warning("log-not-seen", error=type(error).__name__)
        metrics.LOG_AGE.set(float("nan"))
        return
    metrics.LOG_SIZE.set(size)
    metrics.LOG_AGE.set(0 if oldest is None else max(0.0, (db.clock.now() - oldest).total_seconds()))


ROUTES = (alive, ready, figures)
