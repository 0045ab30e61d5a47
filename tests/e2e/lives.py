"""A market whose server dies again and again: its home, its Stripe, its lives, and a client that never gives up."""

from __future__ import annotations

import contextlib
import mmap
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from exchange.kernel.embedded import EmbeddedServer, Settings
from sandbox.stripe.process import command as stripe_command
from sandbox.stripe.process import free_port
from tests.e2e.crashing_server import NUMBERS
from tests.support.server import give_cluster

READY_S_MAX = 90.0
WEBHOOK_SECRET = "whsec_crash"


@dataclass
class Lives:
    """One server after another over the same home."""

    home: Path
    port: int
    environment: dict[str, str]
    parent: subprocess.Popen[str]
    shared: mmap.mmap
    pid: int = 0
    deaths: int = 0
    points: list[int] = field(default_factory=list)
    starts_s: list[float] = field(default_factory=list)

    @property
    def origin(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def statements(self) -> int:
        """How many statements of the trade ran so far, over all lives."""
        count: int = NUMBERS.unpack_from(self.shared)[0]
        return count

    def die_after(self, statements: int) -> None:
        """Let the running life die after this many statements from now; 0 = never."""
        count, _, regular = NUMBERS.unpack_from(self.shared)
        NUMBERS.pack_into(self.shared, 0, count, count + statements if statements else 0, regular)

    def start(self) -> None:
        """Begin a life and wait until it answers."""
        self.die_after(0)
        began = time.monotonic()
        self.pid = int(self._ask("start"))
        # Nothing is encrypted here, and reading the certificates of the world takes a while.
        with httpx.Client(trust_env=False, verify=False) as client:
            while True:
                with contextlib.suppress(httpx.TransportError):
                    if client.get(f"{self.origin}/readyz").status_code == 200:
                        break
                if time.monotonic() > began + READY_S_MAX:
                    raise TimeoutError("the server did not come back")
                time.sleep(0.01)
        self.starts_s.append(time.monotonic() - began)

    def again(self) -> None:
        """See the old life to its end and begin the next one, armed with the next point if one is left."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        self._ask("wait")
        self.deaths += 1
        self.start()
        self.arm()

    def arm(self) -> None:
        """Take the next point, if there is one."""
        if self.points:
            self.die_after(self.points.pop(0))

    def kill_database(self) -> None:
        """Kill -9 the embedded PostgreSQL with everything it was doing."""
        pid = EmbeddedServer(self.home / "postgres", Settings()).pid()
        assert pid is not None
        os.kill(pid, signal.SIGKILL)

    def killed_after(self) -> list[str]:
        """The statement after which each life ended."""
        log = self.home / "points.log"
        return log.read_text().splitlines() if log.exists() else []

    def _ask(self, word: str) -> str:
        assert self.parent.stdin is not None
        assert self.parent.stdout is not None
        self.parent.stdin.write(word + "\n")
        self.parent.stdin.flush()
        answer = self.parent.stdout.readline().strip()
        if not answer:
            raise RuntimeError(f"the server's parent is gone; see {self.home / 'server.log'}")
        return answer


@contextlib.contextmanager
def lives(home: Path, *stripe: str, **more: str) -> Iterator[Lives]:
    """A fresh market in `home` with a Stripe that lives on; everything ends with the block."""
    home.mkdir(parents=True, exist_ok=True)
    give_cluster(home)
    points = home / "points.map"
    points.write_bytes(bytes(NUMBERS.size))
    port, stripe_port = free_port(), free_port()
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("EXCHANGE_", "STRIPE_"))},
        "EXCHANGE_HOME": str(home),
        "EXCHANGE_PORT": str(port),
        "EXCHANGE_SANDBOX": "1",
        "EXCHANGE_TOKEN_TTL_S": "3600",
        # A life is one process, so that it begins fast and dies whole; tests/e2e/test_log_faults.py kills sequencers.
        "EXCHANGE_SEQUENCER": "inside",
        "STRIPE_API_KEY": "sk_test_crash",
        "STRIPE_API_BASE": f"http://127.0.0.1:{stripe_port}",
        "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
        "CRASH_POINTS": str(points),
        **more,
    }
    hook = f"http://127.0.0.1:{port}/hooks/stripe"
    options = ("--webhook-url", hook, "--webhook-secret", WEBHOOK_SECRET, "--state", str(home / "stripe.json"))
    with contextlib.ExitStack() as stack:
        log = stack.enter_context((home / "server.log").open("ab"))
        stack.enter_context(_child(stripe_command(stripe_port, *options, *stripe), log, None))
        server = [sys.executable, "-m", "tests.e2e.crashing_server"]
        parent = stack.enter_context(_child(server, log, environment))
        shared = stack.enter_context(contextlib.closing(_shared(points)))
        made = Lives(home, port, environment, parent, shared)
        made.start()
        yield made


def _shared(path: Path) -> mmap.mmap:
    with path.open("r+b") as file:
        return mmap.mmap(file.fileno(), NUMBERS.size)


@contextlib.contextmanager
def _child(command: list[str], log: Any, environment: dict[str, str] | None) -> Iterator[subprocess.Popen[str]]:
    """A process that ends when its standard input does, however we end."""
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, env=environment, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield process
    finally:
        process.stdin.close()
        try:
            process.wait(25)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
