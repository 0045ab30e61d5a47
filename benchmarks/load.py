"""A small closed-loop HTTP client: as many connections as asked, each sends its next request when the last was answered.

Requests are ready-made bytes and answers are only looked at for their status and length, so that the client takes as
little as possible of the two cores that it shares with the server.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

_HEAD_END = b"\r\n\r\n"
_LENGTH = b"content-length: "
_CHUNKED, _LAST_CHUNK = b"transfer-encoding: chunked", b"\r\n0\r\n\r\n"


@dataclass
class Outcome:
    """What a run saw."""

    seconds: float = 0.0
    latencies_ms: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    samples: dict[int, bytes] = field(default_factory=dict)

    @property
    def done(self) -> int:
        """Requests answered with 2xx."""
        return sum(count for status, count in self.statuses.items() if 200 <= status < 300)

    @property
    def per_second(self) -> float:
        """Good answers per second."""
        return self.done / self.seconds if self.seconds else 0.0

    def percentile_ms(self, share: float) -> float:
        """A latency percentile, of all answers."""
        ordered = sorted(self.latencies_ms)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


class _Connection(asyncio.Protocol):
    def __init__(self, requests: Iterator[bytes], outcome: Outcome, until: float, done: Callable[[], None]) -> None:
        self._requests, self._outcome, self._until, self._done = requests, outcome, until, done
        self._buffer = bytearray()
        self._wanted = -1
        self._sent_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]
        self._next()

    def _next(self) -> None:
        now = time.perf_counter()
        request = next(self._requests, None) if now < self._until else None
        if request is None:
            self._transport.close()
            return
        self._sent_at = now
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while True:
            if self._wanted < 0:
                end = self._buffer.find(_HEAD_END)
                if end < 0:
                    return
                if self._buffer.find(_CHUNKED, 0, end) >= 0:
                    # Only files come so, and none of them holds what ends an answer.
                    last = self._buffer.find(_LAST_CHUNK, end)
                    if last < 0:
                        return
                    self._wanted = last + len(_LAST_CHUNK)
                    continue
                at = self._buffer.find(_LENGTH, 0, end)
                length = int(self._buffer[at + len(_LENGTH) : self._buffer.find(b"\r", at)]) if at >= 0 else 0
                self._wanted = end + 4 + length
            if len(self._buffer) < self._wanted:
                return
            self._answered()

    def _answered(self) -> None:
        status = int(self._buffer[9:12])
        outcome = self._outcome
        outcome.statuses[status] += 1
        outcome.latencies_ms.append((time.perf_counter() - self._sent_at) * 1000)
        if status not in outcome.samples:
            outcome.samples[status] = bytes(self._buffer[: self._wanted])
        del self._buffer[: self._wanted]
        self._wanted = -1
        self._next()

    def connection_lost(self, _error: Exception | None) -> None:
        self._done()


async def drive(host: str, port: int, requests: list[Iterator[bytes]], seconds: float) -> Outcome:
    """Send each iterator's requests over a connection of its own until `seconds` are over."""
    outcome = Outcome()
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    left = len(requests)

    def done() -> None:
        nonlocal left
        left -= 1
        if not left:
            ended.set()

    started = time.perf_counter()
    for one in requests:
        connection = _Connection(one, outcome, started + seconds, done)
        await loop.create_connection(partial(_itself, connection), host, port)
    await ended.wait()
    outcome.seconds = time.perf_counter() - started
    return outcome


def _itself(connection: _Connection) -> _Connection:
    return connection


def request(method: str, path: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    """The bytes of one HTTP/1.1 request."""
    lines = [f"{method} {path} HTTP/1.1", "host: bench"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if body or method != "GET":
        lines += ["content-type: application/json", f"content-length: {len(body)}"]
    return "\r\n".join(lines).encode() + _HEAD_END + body
