"""The short way for hot routes: headers read from the scope, answers that are ready-made bytes."""

from __future__ import annotations

from typing import Any

from litestar.connection import ASGIConnection

Connection = ASGIConnection[Any, Any, Any, Any]
JSON = b"application/json"


def header(connection: Connection, name: bytes) -> str:
    """One request header by its lower-case name, empty where there is none.

    A route that needs one or two headers need not have all of them parsed.
    """
    for key, value in connection.scope["headers"]:
        if key == name:
            return value.decode("latin-1")
    return ""


class Plain:
    """An answer of ready-made bytes, which the framework sends as it is."""

    def __init__(self, status: int, body: bytes, media_type: bytes, *headers: tuple[bytes, bytes]) -> None:
        """Answer `body`; `headers` have lower-case names."""
        self._start = {
            "type": "http.response.start",
            "status": status,
            "headers": [(b"content-type", media_type), (b"content-length", str(len(body)).encode()), *headers],
        }
        self._body = {"type": "http.response.body", "body": body}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Send it."""
        await send(self._start)
        await send(self._body)
