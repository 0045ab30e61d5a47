"""One origin: sends each request to the app whose prefix it has, counts it, and names it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from typing import Any

import structlog
from prometheus_client import Counter

from exchange.kernel.db import WHERE
from exchange.kernel.metrics import REQUESTS

_LOG = structlog.get_logger("http")
_NAME = b"x-request-id"


class Root:
    """The ASGI application of a process.

    source   ASGI 3.0; the process itself opens and closes what the apps use, so `lifespan` has nothing to do
    """

    def __init__(
        self, apps: Mapping[str, Any], fallback: Any, *, log_requests: bool, names: Mapping[str, str] = {}
    ) -> None:
        """Serve `apps` by their first path segment, everything else by `fallback`.

        The audit log says which app a thing came through; `names` are those of apps that have several segments.
        """
        self._names = {**{segment: segment for segment in apps}, **names}
        self._apps, self._fallback, self._log_requests = dict(apps), fallback, log_requests
        self._counters: dict[tuple[str, int], Counter] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one connection."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await _lifespan(receive, send)
            return
        path: str = scope["path"]
        name = path[1:].partition("/")[0]
        app = self._apps.get(name, self._fallback)
        request_id = secrets.token_hex(8)
        scope["request_id"] = request_id
        started = time.perf_counter()
        status = 500

        async def named(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                # A copy: an app may keep an answer and give it again.
                message = {**message, "headers": [*message["headers"], (_NAME, request_id.encode())]}
            await send(message)

        came_through = WHERE.set(self._names.get(name, "web"))
        try:
            await app(scope, receive, named)
        finally:
            WHERE.reset(came_through)
            self._count(name if app is not self._fallback else "web", status)
            if self._log_requests:
                took = round((time.perf_counter() - started) * 1000, 2)
                _LOG.info(
                    "request", request_id=request_id, method=scope["method"], path=path, status=status, took_ms=took
                )

    def _count(self, name: str, status: int) -> None:
        counter = self._counters.get((name, status))
        if counter is None:
            counter = self._counters[name, status] = REQUESTS.labels(name, status)
        counter.inc()


async def _lifespan(receive: Any, send: Any) -> None:
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        else:
            await send({"type": "lifespan.shutdown.complete"})
            return
