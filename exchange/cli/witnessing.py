"""A witness over HTTP: c2sp.org/tlog-witness on a folder, with no database and nothing else of the exchange's."""

from __future__ import annotations

import asyncio
import re
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import structlog

from compliance.notes import NoteVerifier
from compliance.witness import REQUEST_BYTES_MAX, Answer, add_checkpoint
from compliance.witness_folder import WitnessFolder
from exchange.kernel.settings import BadSetting
from exchange.kernel.text import Text

_LOG = structlog.get_logger("witness")
_CHECKPOINT = re.compile(r"/([0-9a-f]{64})/checkpoint\Z")
_ALLOWED = {"/add-checkpoint": "POST", "/vkey": "GET"}


class WitnessApp:
    """The ASGI application of a witness: POST /add-checkpoint, GET /<origin hash>/checkpoint, GET /vkey."""

    def __init__(
        self,
        folder: WitnessFolder,
        logs: Mapping[str, Sequence[NoteVerifier]],
        now: Callable[[], float] = time.time,
    ) -> None:
        """Cosign for `logs`, keys by origin, and remember it in `folder`."""
        self._folder, self._logs, self._now = folder, logs, now

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one connection."""
        if scope["type"] != "http":
            return
        body = await _body(receive)
        answer = self.answer(scope["method"], scope["path"], body)
        headers = [(b"content-type", answer.content_type.encode()), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})

    def answer(self, method: str, path: str, body: bytes) -> Answer:
        """Answer one request."""
        checkpoint = _CHECKPOINT.match(path)
        wanted = "GET" if checkpoint else _ALLOWED.get(path)
        if wanted is None:
            return Answer(404, b"there is nothing here\n")
        if method != wanted:
            return Answer(405, f"this is asked with {wanted}\n".encode())
        if checkpoint:
            note = self._folder.newest(checkpoint[1])
            return Answer(404, b"nothing was cosigned of this log\n") if note is None else Answer(200, note)
        if path == "/vkey":
            return Answer(200, f"{self._folder.signer.verifier.vkey}\n".encode())
        return self._add(body)

    def _add(self, body: bytes) -> Answer:
        """Compare, write down, answer. Nothing is awaited in between, so that nobody else comes between."""
        answer = add_checkpoint(body, self._logs, self._folder.last, int(self._now()), self._folder.signer)
        if answer.keep is not None:
            try:
                self._folder.keep(answer.keep)
            except OSError as error:
                _LOG.error("checkpoint-not-kept", error=str(error))
                return Answer(500, b"the checkpoint could not be written down\n")
        if answer.status not in (200, 409):
            _LOG.warning("checkpoint-refused", status=answer.status, why=answer.body.decode().strip())
        return answer


def refuse_taken(host: str, port: int) -> None:
    """Refuse an address that is taken: the server would share it, and take every other request of whoever listens there.

    errors   BadSetting
    """
    try:
        if not 0 <= port < 1 << 16:
            # The system's own look-up would take it modulo 65,536.
            raise OverflowError("a port is a number from 0 to 65535")
        family, kind, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except (OSError, OverflowError) as error:
        raise BadSetting(Text(f"cannot listen on {host}:{port}: {error}", f"无法监听 {host}:{port}：{error}")) from None


async def serve_witness(app: WitnessApp, host: str, port: int, stop: asyncio.Event) -> None:
    """Serve until `stop` is set."""
    # Imported late: only commands that serve need the HTTP server.
    from granian.constants import Interfaces
    from granian.server.embed import Server

    server = Server(app, address=host, port=port, interface=Interfaces.ASGINL, log_access=False, log_enabled=False)
    serving = asyncio.create_task(server.serve())
    waiting = asyncio.create_task(stop.wait())
    try:
        done, _ = await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if serving in done:
            serving.result()
    finally:
        server.stop()  # type: ignore[no-untyped-call]
        waiting.cancel()
        await asyncio.gather(serving, waiting, return_exceptions=True)


async def _body(receive: Any) -> bytes:
    parts: list[bytes] = []
    length = 0
    while True:
        message = await receive()
        part = message.get("body", b"")
        length += len(part)
        # What is too long is refused for that; its end is not kept.
        if length <= REQUEST_BYTES_MAX + 1 or not parts:
            parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts) if length <= REQUEST_BYTES_MAX else b"x" * (REQUEST_BYTES_MAX + 1)
