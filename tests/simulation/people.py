"""Who takes part in the simulation, what they know, and how they ask: again and again until they are answered."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.support.api import Party

PATIENCE_S = 40.0
UNITS = 1_000_000


@dataclass(frozen=True)
class Plan:
    """An offer as its buyer reads it: what it costs at once and what use costs, both without tax, and the tax."""

    offer: str
    seller: str
    code: str
    at_once: int
    per_record: int = 0
    included: int = 0
    shares: tuple[tuple[str, int], ...] = ()
    tax_percent: int = 0

    @property
    def paid_at_once(self) -> int:
        """What the order takes, tax included."""
        return self.at_once + tax_of(self.at_once, self.tax_percent)


@dataclass
class Bought:
    """An order that was acknowledged, with what was used under it."""

    plan: Plan
    buyer: str
    order: str
    way: str
    grant: str = ""
    asked: int = 0
    answered: int = 0
    token: str = ""
    asset: str = ""
    accepted: bool = False


@dataclass
class Books:
    """What all clients together were told."""

    topped_up: dict[str, tuple[str, int]] = field(default_factory=dict)
    by_card: set[str] = field(default_factory=set)
    bought: dict[str, Bought] = field(default_factory=dict)
    reported: dict[str, dict[str, int]] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)


@dataclass
class Caller:
    """One HTTP client for everybody."""

    http: httpx.AsyncClient
    parties: dict[str, Party]
    seed: int
    books: Books = field(default_factory=Books)
    tokens: dict[str, str] = field(default_factory=dict)
    _keys: int = 0

    async def send(
        self, who: str | None, method: str, path: str, *, told: Callable[[], None] = lambda: None, **more: Any
    ) -> httpx.Response:
        """The answer to a request, however often it has to be repeated; a refusal is an answer."""
        headers, until = dict(more.pop("headers", {})), time.monotonic() + PATIENCE_S
        while True:
            if who is not None:
                headers["authorization"] = f"Bearer {await self.token(who)}"
            told()
            self.books.calls["sent"] += 1
            try:
                answer = await self.http.request(method, path, headers=headers, **more)
            except httpx.TransportError:
                self.books.calls["lost"] += 1
            else:
                if answer.status_code == 401 and who is not None:
                    self.tokens.pop(who, None)
                elif answer.status_code not in (429, 503):
                    assert answer.status_code != 500, f"{method} {path}: {answer.text}"
                    return answer
                self.books.calls["put off"] += 1
            if time.monotonic() > until:
                raise TimeoutError(f"{method} {path} was never answered")
            await asyncio.sleep(0.05)

    async def ask(self, who: str, path: str, body: Any = None, *, twice: bool = False, **more: Any) -> httpx.Response:
        """A command; with `twice` it is sent two times at once, as impatient clients do, and both must hear the same."""
        headers = {"idempotency-key": self.key(), **more.pop("headers", {})}
        if body is not None:
            more["json"] = body
        asking = [self.send(who, "POST", path, headers=headers, **more) for _ in range(1 + twice)]
        first, *others = await asyncio.gather(*asking)
        for other in others:
            same = ("id", "type", "state")
            mine, theirs = first.json(), other.json()
            assert [mine.get(name) for name in same] == [theirs.get(name) for name in same], (first.text, other.text)
        return first

    async def done(self, who: str, path: str, body: Any = None, **more: Any) -> Any:
        """What a command answers that must succeed."""
        answer = await self.ask(who, path, body, **more)
        assert answer.status_code < 300, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    async def get(self, who: str | None, path: str) -> Any:
        """Read."""
        answer = await self.send(who, "GET", path)
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    async def items(self, who: str, path: str) -> list[Any]:
        """A whole list."""
        found, cursor, mark = [], "", "&" if "?" in path else "?"
        while True:
            page = await self.get(who, f"{path}{mark}limit=200{cursor}")
            found += page["items"]
            if not page.get("next_cursor"):
                return found
            cursor = f"&cursor={page['next_cursor']}"

    async def wait(self, what: Callable[[], Any]) -> Any:
        """Ask until there is something."""
        until = time.monotonic() + PATIENCE_S
        while not (found := await what()):
            if time.monotonic() > until:
                raise TimeoutError("waited in vain")
            await asyncio.sleep(0.05)
        return found

    async def job(self, who: str, prefix: str, name: str) -> Any:
        """The result of a job."""

        async def ended() -> Any:
            found = await self.get(who, f"{prefix}/jobs/{name}")
            assert found["state"] not in ("dead", "cancelled"), found
            return found if found["state"] == "done" else None

        return await self.wait(ended)

    async def token(self, who: str) -> str:
        """A live access token."""
        while who not in self.tokens:
            party, form = self.parties[who], {"grant_type": "client_credentials"}
            answer = await self.send(None, "POST", "/oauth2/token", data=form, auth=(party.client, party.secret))
            self.tokens[who] = answer.json()["access_token"]
        return self.tokens[who]

    def key(self) -> str:
        """A fresh Idempotency-Key."""
        self._keys += 1
        return f"sim-{self.seed}-{self._keys}"


def chance_of(seed: int, *about: object) -> random.Random:
    """The dice of one actor: the same seed and name give the same throws, whatever others do."""
    return random.Random("/".join(map(str, (seed, *about))))


def tax_of(net: int, percent: int) -> int:
    """The tax on an amount, half to even, to the millionth."""
    whole, rest = divmod(abs(net) * percent, 100)
    whole += 2 * rest > 100 or (2 * rest == 100 and whole % 2 == 1)
    return -whole if net < 0 else whole


def units(wire: dict[str, str]) -> int:
    """An amount in millionths, read without floats."""
    whole, _, part = wire["amount"].partition(".")
    sign = -1 if whole.startswith("-") else 1
    return sign * (abs(int(whole)) * UNITS + int(part.ljust(6, "0") or 0))


def wire(amount: int) -> dict[str, str]:
    """Millionths as an amount."""
    return {"amount": f"{amount // UNITS}.{amount % UNITS:06d}".rstrip("0").rstrip("."), "currency": "CNY"}
