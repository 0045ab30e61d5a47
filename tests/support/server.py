"""The embedded server of one test run: shared by its workers, gone with the last of them."""

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


def run_server() -> EmbeddedServer:
    """Start or join the server of this run."""
    _sweep()
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID")
    root = Path(tempfile.gettempdir())
    folder = root / f"{_PREFIX}{run}" if run else Path(tempfile.mkdtemp(prefix=_PREFIX, dir=root))
    folder.mkdir(exist_ok=True)
    folder.chmod(0o711)  # when root runs the tests, the server's own user has to get in
    return EmbeddedServer(folder, SETTINGS).start()


def leave(server: EmbeddedServer) -> None:
    """Leave the server; the last worker removes what it held."""
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
