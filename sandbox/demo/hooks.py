"""The supplier's own server: it is told what happens, and takes a message only where the signature holds."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from sandbox.demo.client import DemoFailed
from sandbox.demo.trade import Trade

# Every order is placed and, where its goods were delivered, accepted before the supplier's server is asked what it heard.
AWAITED = ("order.placed", "delivery.accepted")


class Listening:
    """A server that knows one secret, and what it was told."""

    def __init__(self) -> None:
        """Listen to nobody until `secret` is there."""
        self.secret, self.path = "", ""
        self.taken: list[tuple[dict[str, str], bytes]] = []
        self.refused = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_port}/told"

    def kinds(self) -> Counter[str]:
        """How often it was told of what."""
        return Counter(json.loads(body)["type"] for _, body in list(self.taken))

    def run(self) -> None:
        """Answer until `stop`."""
        self._server.serve_forever(poll_interval=0.05)

    def stop(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        told = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:  # the library's name
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                holds = holds_for(told.secret, headers, body)
                if holds:
                    told.taken.append((headers, body))
                else:
                    told.refused += 1
                self.send_response(204 if holds else 401)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the library's name
                """Say nothing."""

        return Handler


def holds_for(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """Whether a message was signed with a secret just now, by the library of the standard (standardwebhooks.com)."""
    # Only a demo needs it: an installation that serves does without.
    from standardwebhooks import Webhook, WebhookVerificationError

    try:
        Webhook(secret).verify(body, headers)
    except (WebhookVerificationError, ValueError):
        return False
    return True


@contextmanager
def listening() -> Iterator[Listening]:
    """A server on a free port of this machine, until the end of the block."""
    made = Listening()
    thread = threading.Thread(target=made.run, name="told", daemon=True)
    thread.start()
    try:
        yield made
    finally:
        made.stop()
        thread.join()


def subscribe(trade: Trade, there: Listening) -> None:
    """The supplier says where it wants to be told of orders and deliveries; the secret is shown this once."""
    wish = {"url": there.url, "kinds": ["order.*", "delivery.*"], "label": "orders"}
    made = trade.market["supplier"].do("webhook", "/supplier/v1/webhooks", wish)
    there.secret, there.path = made["secret"], f"/supplier/v1/webhooks/{made['id']}"
    trade.market.telling.say("subscribed", url=there.url)


def hear(trade: Trade, there: Listening) -> dict[str, int]:
    """Wait until the supplier was told of its orders, and show that a changed byte is noticed; how often it was told.

    errors   raises DemoFailed
    """
    market, telling = trade.market, trade.market.telling
    orders = {one["id"] for one in market["supplier"].items("/supplier/v1/orders")}

    def all_told() -> bool:
        heard = there.kinds()
        return all(heard[kind] == len(orders) for kind in AWAITED)

    market.origin.wait(all_told, f"the webhooks of {len(orders)} orders; {there.refused} were refused")
    headers, body = there.taken[0]
    link = json.loads(body)["data"]["link"]
    if {json.loads(said)["data"]["object"] for _, said in there.taken} != orders or there.refused:
        raise DemoFailed(f"the supplier was told of {there.kinds()}, and refused {there.refused}")
    for kind in AWAITED:
        telling.say("heard", kind=kind, count=there.kinds()[kind])
    telling.say("heard-link", link=link)
    if holds_for(there.secret, headers, body.replace(b"order", b"0rder", 1)):
        raise DemoFailed("a changed message was taken for a signed one")
    telling.say("heard-changed", message=headers["webhook-id"])
    # The sandbox's clock moves next, and this server's does not: its library would take what comes for forged.
    market["supplier"].do("webhook removal", f"{there.path}/removal")
    return dict(there.kinds())
