"""A small HTTP client of the exchange, as a customer would write it: tokens, keys, problems, jobs."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx

JOB_S_MAX = 60.0
_EARLY_S = 30.0


class DemoFailed(Exception):
    """The demo cannot go on; the text says why, for a person."""


class Refused(DemoFailed):
    """The exchange answered with a problem."""

    def __init__(self, method: str, path: str, status: int, problem: dict[str, Any]) -> None:
        """Keep the problem, and say it plainly."""
        self.status, self.problem = status, problem
        self.slug = str(problem.get("type", "")).rpartition("/")[2]
        names = ("title", "detail", "remedy", "error", "error_description")
        said = " ".join(str(problem[name]) for name in names if problem.get(name))
        super().__init__(f"{method} {path}: {status} {said}")


class Origin:
    """One exchange: where it is, what language its answers should have, and how many calls were made."""

    def __init__(self, address: str, language: str = "en", stop: threading.Event | None = None) -> None:
        """Talk to the exchange at `address`; `stop` ends the work between two calls."""
        self.address, self.calls = address, 0
        self._stop = stop or threading.Event()
        self._counting = threading.Lock()
        limits = httpx.Limits(max_connections=32)
        self._http = httpx.Client(
            base_url=address,
            timeout=60.0,
            trust_env=False,
            limits=limits,
            headers={"accept-language": language, "user-agent": "corpus-exchange-demo"},
        )

    def send(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Send a request and count it.

        errors   raises DemoFailed where nobody answers, Refused for a problem
        """
        if self._stop.is_set():
            raise DemoFailed("stopped")
        with self._counting:
            self.calls += 1
        try:
            answer = self._http.request(method, path, **more)
        except httpx.HTTPError as error:
            raise DemoFailed(f"{method} {path}: {type(error).__name__} {error}") from error
        if answer.status_code >= 400:
            raise Refused(method, path, answer.status_code, _problem(answer))
        return answer

    def get(self, path: str, **query: Any) -> Any:
        """Read something that everybody may read."""
        return self.send("GET", path, params=query).json()

    def post(self, path: str, body: Any) -> Any:
        """Ask something that everybody may ask."""
        return self.send("POST", path, json=body).json()

    def wait(self, what: Callable[[], Any], why: str, timeout_s: float = JOB_S_MAX) -> Any:
        """Ask until the answer is something.

        errors   raises DemoFailed when it takes too long
        """
        until, pause = time.monotonic() + timeout_s, 0.05
        while True:
            found = what()
            if found:
                return found
            if time.monotonic() > until:
                raise DemoFailed(f"waited {timeout_s:.0f} s in vain: {why}")
            self._stop.wait(pause)
            pause = min(pause * 1.3, 0.5)

    def close(self) -> None:
        """Hang up."""
        self._http.close()


@dataclass
class Party:
    """One organisation's machine: it gets its own tokens and makes its own keys.

    Keys come from `seed` and a name for each command, so that a run that was interrupted repeats what it had sent.
    """

    origin: Origin
    name: str
    organisation: str
    client: str
    secret: str
    seed: str
    _token: str = ""
    _good_until: float = 0.0
    _renewing: threading.Lock = field(default_factory=threading.Lock)

    def get(self, path: str, **query: Any) -> Any:
        """Read JSON."""
        return self._call("GET", path, params=query).json()

    def items(self, path: str, **query: Any) -> Iterator[Any]:
        """Read a whole list, page after page."""
        while True:
            page = self.get(path, **query)
            yield from page["items"]
            if not page.get("next_cursor"):
                return
            query["cursor"] = page["next_cursor"]

    def do(self, command: str, path: str, body: Any = None) -> Any:
        """Send a command; `command` names it within this party's run, and makes its Idempotency-Key."""
        return self._call("POST", path, json=body, headers={"idempotency-key": self.key(command)}).json()

    def send(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Send any other request."""
        return self._call(method, path, **more)

    def key(self, command: str) -> str:
        """The Idempotency-Key of a command."""
        return hashlib.sha256(f"{self.seed}/{self.name}/{command}".encode()).hexdigest()[:40]

    def job(self, name: str, prefix: str, tell: Callable[[int, int | None], None] = lambda _done, _total: None) -> Any:
        """Wait for a job and give its result, telling how far it is.

        errors   raises DemoFailed for a job that died
        """

        def ended() -> Any:
            found = self.get(f"{prefix}/jobs/{name}")
            tell(found["done"], found["total"])
            return found if found["state"] in ("done", "dead", "cancelled") else None

        found = self.origin.wait(ended, f"job {name}")
        if found["state"] != "done":
            raise DemoFailed(f"job {found['kind']} ended as {found['state']}")
        return found["result"]

    def token(self, *, fresh: bool = False) -> str:
        """A live access token (client credentials)."""
        with self._renewing:
            if fresh or time.monotonic() > self._good_until:
                form = {"grant_type": "client_credentials"}
                answer = self.origin.send("POST", "/oauth2/token", data=form, auth=(self.client, self.secret)).json()
                self._token = answer["access_token"]
                self._good_until = time.monotonic() + answer["expires_in"] - _EARLY_S
            return self._token

    def _call(self, method: str, path: str, headers: dict[str, str] | None = None, **more: Any) -> httpx.Response:
        sent = dict(headers or {})
        try:
            return self.origin.send(method, path, headers=sent | self._bearer(), **more)
        except Refused as refused:
            if refused.status != 401:
                raise
            # The token has run out (the sandbox's clock may have moved): once more with a new one.
            return self.origin.send(method, path, headers=sent | self._bearer(fresh=True), **more)

    def _bearer(self, *, fresh: bool = False) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token(fresh=fresh)}"}


def _problem(answer: httpx.Response) -> dict[str, Any]:
    try:
        said = answer.json()
    except ValueError:
        return {"title": answer.reason_phrase, "detail": answer.text[:200]}
    return said if isinstance(said, dict) else {"detail": str(said)[:200]}
