"""The way to the localstripe child: customers and payment methods live there.

Its random ids are replaced by ours (derived from the seed), so a rerun names things alike and a
restart can replay the calls into a fresh child.
"""

from __future__ import annotations

import asyncio
import re
import socket
import sys
import time
from typing import Any

import httpx

from sandbox.stripe.wire import Json, Refusal, encode_form
from sandbox.stripe.world import World

_CHILD_ID = re.compile(r"\b(cus|pm|card|src|tok|seti|txi|evt)_([A-Za-z0-9]{14})\b")
_AUTH = ("sk_test_sandbox", "")


class Bridge:
    """One localstripe process and the two-way map between its ids and ours."""

    def __init__(self, world: World) -> None:
        """Prepare; `start` makes the process."""
        self._world = world
        self._ours: dict[str, str] = {}
        self._theirs: dict[str, str] = {}
        self._process: asyncio.subprocess.Process | None = None
        self._ready: asyncio.Task[None] | None = None
        self._http = httpx.AsyncClient(trust_env=False, timeout=10)

    async def start(self) -> None:
        """Start the child and let it come up while the front already serves."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self._http.base_url = httpx.URL(f"http://127.0.0.1:{port}")
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "sandbox.stripe.child", str(port), stdin=asyncio.subprocess.PIPE
        )
        self._ready = asyncio.create_task(self._come_up())

    async def stop(self) -> None:
        """Close the pipe, which ends the child."""
        if self._ready is not None:
            self._ready.cancel()
            await asyncio.gather(self._ready, return_exceptions=True)
        await self._http.aclose()
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            await self._process.wait()

    async def _come_up(self) -> None:
        deadline = time.monotonic() + 15
        while True:
            try:
                await self._http.get("/v1/customers", auth=_AUTH)
                break
            except httpx.TransportError as error:
                ended = self._process is None or self._process.returncode is not None
                if ended or time.monotonic() > deadline:
                    raise Refusal(500, "localstripe did not start; is it installed?", kind="api_error") from error
                await asyncio.sleep(0.03)
        for method, path, params, ids in list(self._world.child_calls):
            await self._send(method, path, params, list(ids))

    async def call(self, method: str, path: str, params: Json, *, basis: str = "", record: bool = True) -> Json:
        """Forward one request in our ids and answer in our ids.

        errors   Refusal with the child's status; its `Bad request` names no parameter, so we say that it was the child
        """
        if self._ready is not None:
            await self._ready
        ids: list[str] = []
        answer = await self._send(method, path, params, ids, basis)
        if record and method != "GET":
            self._world.child_calls.append([method, path, params, ids])
        return answer

    async def _send(self, method: str, path: str, params: Json, ids: list[str], basis: str = "") -> Json:
        fields = [(name, self._outward(value)) for name, value in encode_form(params)]
        content: dict[str, Any] = {"params": fields} if method == "GET" else {"data": dict(fields)}
        reply = await self._http.request(method, self._outward(path), auth=_AUTH, **content)
        if reply.status_code >= 400:
            raise self._refused(reply)
        known = iter(ids)
        replaying = bool(ids)

        def ours(found: re.Match[str]) -> str:
            child_id = found.group(0)
            if child_id not in self._ours:
                made = next(known, None) if replaying else None
                made = made or self._world.new_id(found.group(1), basis)
                if not replaying:
                    ids.append(made)
                self._ours[child_id], self._theirs[made] = made, child_id
            return self._ours[child_id]

        httpx_json: Any = httpx.Response(200, text=_CHILD_ID.sub(ours, reply.text)).json()
        return dict(httpx_json)

    def _outward(self, text: str) -> str:
        # Our ids are 24 long after the prefix; anything else passes through.
        return re.sub(r"[a-z]+_[A-Za-z0-9]{24}\b", lambda m: self._theirs.get(m.group(0), m.group(0)), text)

    @staticmethod
    def _refused(reply: httpx.Response) -> Refusal:
        try:
            said = dict(reply.json()["error"])
        except (ValueError, KeyError):
            return Refusal(500, "localstripe failed", kind="api_error")
        message = str(said.get("message") or "Bad request")
        code = said.get("code") or ("resource_missing" if reply.status_code == 404 else None)
        kind = "card_error" if reply.status_code == 402 else "invalid_request_error"
        return Refusal(reply.status_code, f"{message} (localstripe)", kind=kind, code=code)
