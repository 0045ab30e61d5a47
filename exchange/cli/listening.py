"""The HTTP server on a socket that holds back little: what is handed over to be sent cannot be called back any more."""

from __future__ import annotations

import os
import socket
from typing import Any

from granian.constants import Interfaces
from granian.http import HTTP1Settings
from granian.net import SocketSpec  # type: ignore[attr-defined]
from granian.server.embed import Server

# Bytes that wait in the kernel, and in the server above it, for one connection. Without these limits they are megabytes
# (measured: 4.5 to 8.5 beside a reader of 0.8 MB/s, and 0.3 with them), and a frozen download would drip on for as long as
# a slow reader takes for that. What is under way on the network is not limited, so a fast reader is not slowed down.
UNSENT_BYTES = 64 * 1024
BUFFER_BYTES = 64 * 1024


class Listener(Server):
    """Granian whose connections inherit the limit from the socket that listens."""

    def __init__(self, app: Any, host: str, port: int) -> None:
        """Serve an ASGI app."""
        super().__init__(
            app,
            address=host,
            port=port,
            interface=Interfaces.ASGI,
            http1_settings=HTTP1Settings(max_buffer_size=BUFFER_BYTES),
            log_access=False,
            log_enabled=False,
        )

    def _init_shared_socket(self) -> None:
        held = SocketSpec(self.bind_addr, self.bind_port, self.backlog).build()
        with socket.socket(fileno=os.dup(held.get_fd())) as listening:
            listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES)
        self._shd, self._ssp = held, None  # type: ignore[assignment]
