"""An exchange that answers too slowly, too much or nothing: a regulator's client ends, and fills no disk."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from exchange.cli.reading import Refused
from exchange.cli.regulator.client import LogPlace, Unreachable
from exchange.cli.regulator.session import CLIENT, SECRET, Session

SIZE, ENOUGH = 100_000, 50 * 1024 * 1024


@contextmanager
def lying(body: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self._say(b'{"access_token": "x"}')

        def do_GET(self) -> None:
            with suppress(ConnectionError):
                body(self)

        def _say(self, data: bytes) -> None:
            self.send_response(200)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_byte_now_and_then_holds_no_watcher_up() -> None:
    def dribble(one: BaseHTTPRequestHandler) -> None:
        one.send_response(200)
        one.end_headers()
        for _ in range(200):
            one.wfile.write(b"x")
            time.sleep(0.05)

    with lying(dribble) as url, httpx.Client(timeout=2.0, trust_env=False) as http:
        began = time.monotonic()
        with pytest.raises(Unreachable, match="too slowly"):
            LogPlace(url, http, 0.3).look("checkpoint")
        assert time.monotonic() - began < 5


def test_an_endless_export_fills_no_disk(tmp_path: Path) -> None:
    def endless(one: BaseHTTPRequestHandler) -> None:
        one.send_response(200)
        one.end_headers()
        for _ in range(ENOUGH // 65_536):
            one.wfile.write(bytes(65_536))

    file = tmp_path / "export.part"
    with lying(endless) as url, Session(url, {CLIENT: "a", SECRET: "b"}, "en") as session:
        session.resume("/file", file, SIZE, '"x"', lambda _at: None)
    assert file.stat().st_size == SIZE


def test_a_part_without_anything_in_it_is_asked_for_a_few_times_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def nothing(one: BaseHTTPRequestHandler) -> None:
        asked.append(one.path)
        one.send_response(206)
        one.send_header("content-length", "0")
        one.end_headers()

    monkeypatch.setattr("exchange.cli.regulator.session._POLL_S", 0.01)
    file = tmp_path / "export.part"
    file.write_bytes(b"half")
    with lying(nothing) as url, Session(url, {CLIENT: "a", SECRET: "b"}, "en") as session, pytest.raises(Refused):
        session.resume("/file", file, SIZE, '"x"', lambda _at: None)
    assert 1 < len(asked) < 10
