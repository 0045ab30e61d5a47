"""The line between our gateway and the sandbox's Stripe, on which a test may lose, delay, change or make up answers."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

Body = dict[str, Any]


@dataclass(slots=True)
class Trouble:
    """What happens to the next request whose "METHOD path" begins so.

    lost     it arrives and is done; the line is cut before the answer
    late     the line is cut; it arrives and is done only when `release` is called
    never    it never arrives, and the line is cut
    silent   it arrives and is done; the answer never comes, and the line stays open until the caller has had enough
    kept     Stripe's own fault, kept under the key: it is answered so at once, and again for that key ever after
    refused  it is refused on its way, as a key is that Stripe has forgotten and an account that has gone since
    changed  the answer is changed on its way
    delayed  it is done and its answer changed; whoever asked hears of it once `going` is set
    stopped  nothing is sent; whoever sends is held until `going` is set
    """

    at: str
    how: str
    change: Callable[[Body], None] | None = None
    going: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(slots=True)
class Line:
    """The line: what went over it, and the trouble ahead."""

    target: str
    http: httpx.AsyncClient
    troubles: list[Trouble] = field(default_factory=list)
    sent: list[tuple[str, str | None]] = field(default_factory=list)
    kept: set[str] = field(default_factory=set)
    waiting: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)
    origin: str = ""

    def trouble(self, at: str, how: str, change: Callable[[Body], None] | None = None) -> Trouble:
        """Have the next request that begins with `at` meet a trouble."""
        made = Trouble(at, how, change)
        self.troubles.append(made)
        return made

    def keys(self, at: str) -> list[str | None]:
        """The idempotency keys of the requests that began with `at`, in their order."""
        return [key for what, key in self.sent if what.startswith(at)]

    async def release(self) -> list[int]:
        """Let what was late arrive now; the states of the answers that nobody hears."""
        late, self.waiting = self.waiting, []
        return [(await self._forward(*one)).status_code for one in late]

    async def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> httpx.Response | None:
        """Bring a request over; None where the caller never hears of it."""
        what, key = f"{method} {path}", headers.get("idempotency-key")
        self.sent.append((what, key))
        trouble = next((one for one in self.troubles if what.startswith(one.at)), None)
        if trouble is not None:
            self.troubles.remove(trouble)
        how = trouble.how if trouble is not None else ""
        if how == "stopped" and trouble is not None:
            await trouble.going.wait()
        if how == "kept" and key is not None:
            self.kept.add(key)
            return _fault({})
        if key in self.kept:
            return _fault({"idempotent-replayed": "true"})
        if how == "late":
            self.waiting.append((method, path, headers, body))
        if how == "refused":
            return httpx.Response(400, json={"error": {"type": "invalid_request_error", "code": "account_closed"}})
        if how in ("late", "never"):
            return None
        reply = await self._forward(method, path, headers, body)
        if how == "silent":
            await asyncio.Event().wait()
        if how in ("changed", "delayed") and trouble is not None and trouble.change is not None:
            said = reply.json()
            trouble.change(said)
            reply = httpx.Response(reply.status_code, json=said)
        if how == "delayed" and trouble is not None:
            await trouble.going.wait()
        return None if how == "lost" else reply

    async def _forward(self, method: str, path: str, headers: dict[str, str], body: bytes) -> httpx.Response:
        kept = {name: value for name, value in headers.items() if name not in ("host", "content-length", "connection")}
        return await self.http.request(method, self.target + path, headers=kept, content=body)


def _fault(headers: dict[str, str]) -> httpx.Response:
    said = {"error": {"type": "api_error", "message": "An unknown error occurred."}}
    return httpx.Response(500, json=said, headers=headers)


@contextlib.asynccontextmanager
async def line_to(target: str) -> AsyncIterator[Line]:
    """A line to a Stripe; it ends with the block."""
    async with httpx.AsyncClient(trust_env=False, timeout=30) as http:
        line = Line(target, http)
        served: set[asyncio.Task[None]] = set()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            served.add(task)
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
                while await _one(line, reader, writer):
                    pass
            writer.close()
            served.discard(task)

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        line.origin = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield line
        finally:
            server.close()
            for task in list(served):
                task.cancel()
            await asyncio.gather(*served, return_exceptions=True)


async def _one(line: Line, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """One request of a connection; False where its caller will never hear, and so the connection is of no more use."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, path, _ = head[0].split(" ")
    headers = {
        name.strip().lower(): value.strip() for name, _, value in (row.partition(":") for row in head[1:] if row)
    }
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    reply = await line.answer(method, path, headers, body)
    if reply is None:
        # Whoever hears that the line is cut knows as little as one who has waited long enough, and need not wait.
        return False
    content = reply.content
    shown = [f"{name}: {value}" for name, value in reply.headers.items() if name in _SHOWN]
    rows = [f"HTTP/1.1 {reply.status_code} OK", *shown, f"content-length: {len(content)}", "", ""]
    writer.write("\r\n".join(rows).encode() + content)
    await writer.drain()
    return True


_SHOWN = ("content-type", "request-id", "idempotent-replayed", "stripe-version")
