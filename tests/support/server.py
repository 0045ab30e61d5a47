"""The embedded server of one test worker, gone with it.

One for each: the log waits for every transaction that is open on its server, so two workers on one server would see each
other's tests.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from pathlib import Path

from exchange.kernel.embedded import EmbeddedError, EmbeddedServer, Settings

_PREFIX = f"cx-tests-{os.getuid()}-"
_FORGOTTEN_S = 300
SETTINGS = Settings(
    durable=False,  # the crash tests start a durable one of their own
    shared_buffers_mb=128,
    options={"wal_level": "minimal", "max_wal_senders": "0", "max_wal_size": "1GB", "min_wal_size": "80MB"},
)


def run_server(settings: Settings = SETTINGS) -> EmbeddedServer:
    """Start this worker's server."""
    _sweep()
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    folder.chmod(0o711)  # when root runs the tests, the server's own user has to get in
    return EmbeddedServer(folder, settings).start()


def leave(server: EmbeddedServer) -> None:
    """Leave the server and remove what it held."""
    server.stop()
    if server.pid() is None:
        _remove(server)


def _sweep() -> None:
    """Stop and remove what killed runs have left behind."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        try:
            if time.time() - folder.stat().st_mtime < _FORGOTTEN_S:
                continue
            server = EmbeddedServer(folder, SETTINGS)
            if server.pid() is not None:
                server.start()
                server.stop()
            if server.pid() is None:
                _remove(server)
        except (OSError, EmbeddedError):
            continue


def _remove(server: EmbeddedServer) -> None:
    for folder in {server.folder, server.wanted, Path(server.host)}:
        shutil.rmtree(folder, ignore_errors=True)
