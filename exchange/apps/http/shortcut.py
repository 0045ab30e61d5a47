"""The way of two hot routes past the framework: the same handler and the same refusals, without what it would add.

The framework parses, routes and wraps each request for about 80 microseconds, which for a read of ten rows is a third of
everything. Only the routes that carry the load go this way; they stay declared as ordinary handlers, for the API document
and for whatever the short way does not take.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from litestar import Litestar, Request

from exchange.apps.http.answers import HANDLERS, on_defect
from exchange.apps.http.plain import Plain
from exchange.apps.http.portal import REQUEST_BODY_MAX_BYTES
from exchange.kernel.errors import TOO_LARGE, Refused


class Caller:
    """As much of a request as the hot handlers look at."""

    __slots__ = ("_body", "_receive", "app", "method", "path_params", "scope")

    def __init__(self, app: Litestar, scope: Any, receive: Any, path_params: dict[str, str]) -> None:
        """A request to `app` that was not parsed."""
        self.app, self.scope, self.path_params = app, scope, path_params
        self.method: str = scope["method"]
        self._receive = receive
        self._body: bytes | None = None

    async def body(self) -> bytes:
        """The whole body, read once.

        errors   raises Refused(too-large)
        """
        if self._body is None:
            parts, size, more = [], 0, True
            while more:
                message = await self._receive()
                part = message.get("body", b"")
                size += len(part)
                if size > REQUEST_BODY_MAX_BYTES:
                    raise Refused(TOO_LARGE(limit_bytes=REQUEST_BODY_MAX_BYTES))
                parts.append(part)
                more = message.get("more_body", False)
            self._body = b"".join(parts)
        return self._body


Match = Callable[[str, str], dict[str, str] | None]
Handler = Callable[[Any], Awaitable[Plain]]


class Shortcut:
    """An app with a short way for one of its routes."""

    def __init__(self, app: Litestar, match: Match, handler: Handler) -> None:
        """Send what `match(method, path)` gives path parameters for to `handler`, everything else to `app`."""
        self.app, self._match, self._handler = app, match, handler

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        found = self._match(scope["method"], scope["path"])
        if found is None:
            await self.app(scope, receive, send)
            return
        answer: Any
        try:
            answer = await self._handler(Caller(self.app, scope, receive, found))
        except Exception as error:  # noqa: BLE001  # each kind has its answer, as in the framework
            scope["litestar_app"] = scope["app"] = self.app
            request: Request[Any, Any, Any] = Request(scope, receive, send)
            respond = next((one for kind, one in HANDLERS.items() if isinstance(error, kind)), on_defect)
            answer = respond(request, error).to_asgi_response(None, request)
        await answer(scope, receive, send)
