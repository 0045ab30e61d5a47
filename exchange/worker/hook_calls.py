"""Calls an address that somebody gave us: looks its name up once, connects to what was found and to nothing else.

Whoever gives an address must not reach what only this process can reach: every answer of the look-up has to be public
(exchange/webhooks/addresses.py), the connection goes to one of these very answers, redirects are not followed, no proxy and
no cookie is used, and what comes back is read to a limit and forgotten.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import Counter, deque
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpcore

from exchange.webhooks.addresses import Target, Unsafe, safe_addresses, target_of
from exchange.webhooks.deliveries import Failure, Heard, failure_of
from exchange.webhooks.settings import WebhookSettings

Resolve = Callable[[str, int], Coroutine[Any, Any, Sequence[str]]]
ANSWER_BYTES_MAX = 65_536
_RETRY_AFTER_DIGITS = 6
# Look-ups have threads of their own: a name server that hangs holds up nothing else of the process. A thread waits for its
# name server as long as the system does, which is longer than anybody here: so an owner has few of them.
LOOKING_MAX, OWNER_LOOKING_MAX = 128, 2
_LOOKING = ThreadPoolExecutor(max_workers=LOOKING_MAX, thread_name_prefix="webhook-names")


async def look_up(host: str, port: int) -> Sequence[str]:
    """Every address of a name, as the system finds them; none where there is no such name."""
    ask = asyncio.get_running_loop().run_in_executor
    try:
        found = await ask(_LOOKING, _addresses, host, port)
    except (OSError, UnicodeError):
        return []
    return found


def _addresses(host: str, port: int) -> list[str]:
    return [str(one[4][0]) for one in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


class Turns:
    """Who may look up a name now: no more at once than there are threads, and of one owner only a few."""

    def __init__(self, total: int = LOOKING_MAX, of_one: int = OWNER_LOOKING_MAX) -> None:
        """Nobody looks yet."""
        self._total, self._of_one = total, of_one
        self._busy: Counter[UUID] = Counter()
        self._waiting: deque[tuple[UUID, asyncio.Future[None]]] = deque()

    async def take(self, owner: UUID, wait_s: float) -> bool:
        """Take a turn for `owner`; whether it came in time."""
        if self._free(owner):
            self._busy[owner] += 1
            return True
        place = (owner, asyncio.get_running_loop().create_future())
        self._waiting.append(place)
        try:
            async with asyncio.timeout(wait_s):
                await place[1]
        except BaseException as error:
            if place in self._waiting:
                self._waiting.remove(place)
            elif place[1].done():
                # The turn came in the very moment in which the waiting ended.
                self.give_back(owner)
            if isinstance(error, TimeoutError):
                return False
            raise
        return True

    def give_back(self, owner: UUID) -> None:
        """A look-up is over; whoever has waited longest among those who may go on does."""
        self._busy[owner] -= 1
        if not self._busy[owner]:
            del self._busy[owner]
        for place in list(self._waiting):
            if self._free(place[0]) and not place[1].done():
                self._waiting.remove(place)
                self._busy[place[0]] += 1
                place[1].set_result(None)

    def _free(self, owner: UUID) -> bool:
        return self._busy[owner] < self._of_one and self._busy.total() < self._total


class _Pinned(httpcore.AsyncNetworkBackend):
    """Connects to the addresses it was given, whatever name it is asked for."""

    def __init__(self, addresses: Sequence[str]) -> None:
        self._addresses, self._inner = addresses, httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  # the form that the library calls
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        for number, address in enumerate(self._addresses, 1):
            try:
                return await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if number == len(self._addresses):
                    raise
        raise httpcore.ConnectError("no address")

    async def connect_unix_socket(self, *_: object, **__: object) -> httpcore.AsyncNetworkStream:
        raise httpcore.ConnectError("only the network")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Turn:
    """One turn; it is given back once, when the look-up that it was spent on is over, or when there is none."""

    def __init__(self, turns: Turns, owner: UUID) -> None:
        """A turn that was taken."""
        self._turns, self._owner, self._spent = turns, owner, False

    async def spent_on(self, looking: Coroutine[Any, Any, Sequence[str]]) -> Sequence[str]:
        """What the look-up finds; it goes on and keeps the turn when whoever asks has had enough."""
        self._spent = True
        task = asyncio.create_task(looking)
        task.add_done_callback(self._over)
        return await asyncio.shield(task)

    def unused(self) -> None:
        """Give it back unless it was spent."""
        if not self._spent:
            self._turns.give_back(self._owner)

    def _over(self, task: asyncio.Task[Sequence[str]]) -> None:
        if not task.cancelled():
            # Whoever asked has heard it or does not listen any more.
            task.exception()
        self._turns.give_back(self._owner)


@dataclass(frozen=True, slots=True)
class Caller:
    """Makes requests to addresses that owners gave; never raises for what the other side does."""

    settings: WebhookSettings
    tls: ssl.SSLContext = field(repr=False)
    resolve: Resolve = look_up
    turns: Turns = field(default_factory=Turns, repr=False)

    async def post(self, owner: UUID, url: str, headers: Mapping[str, str], body: bytes) -> Heard | None:
        """Send `body` and say what came of it; None where the owner's other look-ups hang, so that nothing was tried."""
        if not await self.turns.take(owner, self.settings.connect_timeout_s):
            return None
        # Given back when the look-up is over, which may be long after this has given up.
        turn = Turn(self.turns, owner)
        try:
            return await self._heard(turn, url, headers, body)
        finally:
            turn.unused()

    async def _heard(self, turn: Turn, url: str, headers: Mapping[str, str], body: bytes) -> Heard:
        clock = asyncio.get_running_loop().time
        began = clock()
        status: int | None = None
        retry_after_s: int | None = None
        try:
            async with asyncio.timeout(self.settings.answer_timeout_s):
                status, retry_after_s = await self._post(turn, url, headers, body)
            error = failure_of(status)
        except _Refused as refused:
            error = refused.why
        except (TimeoutError, httpcore.TimeoutException):
            error = Failure.SLOW
        except (httpcore.ConnectError, ssl.SSLError) as fault:
            error = Failure.TLS if _is_tls(fault) else Failure.CONNECT
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError):
            error = Failure.BROKEN
        return Heard(status, round(1000 * (clock() - began)), None if error is None else str(error), retry_after_s)

    async def _post(self, turn: Turn, url: str, headers: Mapping[str, str], body: bytes) -> tuple[int, int | None]:
        target = target_of(url, loopback=self.settings.loopback)
        if isinstance(target, Unsafe):
            raise _Refused(target)
        async with asyncio.timeout(self.settings.connect_timeout_s):
            answers = await turn.spent_on(self.resolve(target.host, target.port))
        addresses = safe_addresses(target, answers)
        if isinstance(addresses, Unsafe):
            raise _Refused(addresses)
        return await self._ask(target, addresses, headers, body)

    async def _ask(
        self, target: Target, addresses: Sequence[str], headers: Mapping[str, str], body: bytes
    ) -> tuple[int, int | None]:
        limits = dict.fromkeys(("connect", "read", "write", "pool"), self.settings.connect_timeout_s)
        limits["read"] = self.settings.answer_timeout_s
        given = [(name.encode(), value.encode()) for name, value in headers.items()]
        # A pool for one request: a connection is never lent to another endpoint of the same name.
        pool = httpcore.AsyncConnectionPool(
            ssl_context=self.tls, max_connections=1, network_backend=_Pinned(addresses), http2=False
        )
        async with (
            pool,
            pool.stream("POST", target.url, headers=given, content=body, extensions={"timeout": limits}) as answer,
        ):
            size = 0
            async for part in answer.aiter_stream():
                size += len(part)
                if size > ANSWER_BYTES_MAX:
                    break
            return answer.status, _retry_after(answer.headers)


class _Refused(Exception):
    """An address that is not called."""

    def __init__(self, why: Unsafe) -> None:
        super().__init__(why.value)
        self.why = why


def _retry_after(headers: Iterable[tuple[bytes, bytes]]) -> int | None:
    """The seconds of Retry-After; a date in it is not read, the schedule is late enough for that."""
    said = next((value for name, value in headers if name.lower() == b"retry-after"), b"").strip()
    return int(said) if said.isdigit() and len(said) <= _RETRY_AFTER_DIGITS else None


def _is_tls(fault: BaseException) -> bool:
    seen: BaseException | None = fault
    while seen is not None:
        if isinstance(seen, ssl.SSLError):
            return True
        seen = seen.__cause__ or seen.__context__
    return False
