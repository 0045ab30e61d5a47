"""exchange demo: one whole trade over HTTP, in a fresh home of its own, with a sandbox Stripe beside it."""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import shutil
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from exchange.cli.output import add_json
from exchange.cli.tools import Tools
from exchange.kernel import embedded
from exchange.kernel.embedded import EmbeddedServer
from exchange.kernel.settings import BadSetting
from exchange.kernel.text import Text
from sandbox.demo import run as story
from sandbox.demo.client import DemoFailed, Origin
from sandbox.demo.credentials import Credentials
from sandbox.demo.parties import OPERATOR
from sandbox.demo.telling import Telling
from sandbox.stripe.process import command as stripe_command
from sandbox.stripe.process import free_port

READY_S_MAX = 90.0
STOP_S_MAX = 25.0
LAST_LINES = 12
LINE_CHARS = 400
_EXCHANGE = (sys.executable, "-m", "exchange")
_LEASH = (sys.executable, "-I", "-S", str(Path(story.__file__).parent.parent / "leash.py"))
_OURS = ("EXCHANGE_", "STRIPE_", "DATABASE_")


def add(subs: Any) -> None:
    """Put the command into the parser."""
    command = subs.add_parser(
        "demo",
        help="one whole trade over HTTP, step by step",
        description="Start the exchange in a fresh folder with a sandbox Stripe, and carry one trade through all of it. "
        "It ends with an export that anybody can verify. 在全新目录中启动交易所与沙箱 Stripe，完成一笔完整交易。",
    )
    command.add_argument("--lang", choices=("en", "zh"), default="en", help="the language of what is told")
    command.add_argument("--keep", action="store_true", help="leave the exchange running until Ctrl-C")
    add_json(command)
    command.set_defaults(run=run, blocking=True)


def run(chosen: argparse.Namespace, tools: Tools) -> int:
    """Do it; 0 when everything was as it should be."""
    telling = Telling(chosen.lang, quiet=chosen.json)
    home = tools.settings.home / "demo"
    began = time.monotonic()
    home.parent.mkdir(parents=True, exist_ok=True)
    try:
        with _alone(home.with_name("demo.lock")), contextlib.ExitStack() as stack:
            forget(home)
            environment = _environment(tools.environment, home)
            origin = stack.enter_context(_exchange(home, environment, telling))
            told = story.run(origin, _operator(home, environment), telling, home)
            seconds = round(time.monotonic() - began, 1)
            telling.opening("done", steps=len(telling.steps), calls=origin.calls, seconds=seconds, home=home)
            if chosen.json:
                print(json.dumps(told | {"seconds": seconds}, ensure_ascii=False, indent=2))
            if chosen.keep:
                telling.opening("kept", origin=origin.address, path=home / "credentials.json")
                signal.pause()
    except KeyboardInterrupt:
        return 0 if chosen.keep else 130
    except DemoFailed as error:
        return _failed(telling, home, error)
    except (ArithmeticError, LookupError, TypeError, ValueError, httpx.HTTPError, subprocess.SubprocessError) as error:
        # The exchange answered what nobody expected: the place matters more than the message.
        traceback.print_exc()
        return _failed(telling, home, error)
    return 0


def forget(home: Path) -> None:
    """Remove an earlier demo: stop its database if that still runs, and delete its folders.

    errors   BadSetting where somebody still uses it
    """
    wanted = home / "postgres"
    if wanted.exists():
        server = EmbeddedServer(wanted, embedded.Settings())
        until = time.monotonic() + STOP_S_MAX
        # Joining and leaving stops a server that nobody else uses; one of a demo that was just killed takes a moment.
        while server.pid() is not None:
            server.start().stop()
            if server.pid() is not None and time.monotonic() > until:
                raise BadSetting(
                    Text(f"an exchange still runs in {home}: stop it first", f"{home} 中仍有交易所在运行：请先停止")
                )
            time.sleep(0.2)
        shutil.rmtree(server.folder, ignore_errors=True)
        shutil.rmtree(server.host, ignore_errors=True)
    if home.exists():
        shutil.rmtree(home)


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Let no second demo into the same folder."""
    with path.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DemoFailed(f"another demo runs in {path.parent}") from None
        yield


@contextlib.contextmanager
def _exchange(home: Path, environment: dict[str, str], telling: Telling) -> Iterator[Origin]:
    """The exchange and a Stripe, each a process that ends with us."""
    home.mkdir(parents=True)
    began = time.monotonic()
    telling.opening("title")
    telling.opening("starting")
    origin = Origin(f"http://127.0.0.1:{environment['EXCHANGE_PORT']}", telling.language)
    with contextlib.ExitStack() as stack:
        stack.callback(origin.close)
        if "STRIPE_API_BASE" in environment:
            hook = f"{origin.address}/hooks/stripe"
            port = environment["STRIPE_API_BASE"].rpartition(":")[2]
            options = ("--webhook-url", hook, "--webhook-secret", environment["STRIPE_WEBHOOK_SECRET"])
            stack.enter_context(_child(stripe_command(int(port), *options), environment, home / "stripe.log"))
        serve = (*_LEASH, *_EXCHANGE, "serve", "--quiet")
        server = stack.enter_context(_child(serve, environment, home / "server.log"))
        _wait_ready(origin.address, server)
        telling.opening("started", origin=origin.address, seconds=f"{time.monotonic() - began:.1f}")
        yield origin


def _environment(given: Mapping[str, str], home: Path) -> dict[str, str]:
    """The children's environment: ours without the settings of another exchange, and a sandbox's own."""
    kept = {name: value for name, value in given.items() if not name.startswith(_OURS)}
    if given.get("STRIPE_API_KEY"):
        stripe = {name: value for name, value in given.items() if name.startswith("STRIPE_")}
    else:
        stripe = {
            "STRIPE_API_KEY": "sk_test_demo",
            "STRIPE_API_BASE": f"http://127.0.0.1:{free_port()}",
            "STRIPE_WEBHOOK_SECRET": "whsec_demo",
        }
    return {
        **kept,
        **stripe,
        "EXCHANGE_HOME": str(home),
        "EXCHANGE_PORT": str(free_port()),
        "EXCHANGE_SANDBOX": "1",
        # The supplier's own server is on this machine too.
        "EXCHANGE_WEBHOOKS_LOOPBACK": "1",
        "PYTHONUNBUFFERED": "1",
    }


@contextlib.contextmanager
def _child(command: Sequence[str], environment: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that is asked to stop at the end of the block, and that stops by itself when we are killed."""
    with log.open("ab") as out:
        process = subprocess.Popen(  # noqa: S603
            command, stdin=subprocess.PIPE, stdout=out, stderr=out, env=environment, start_new_session=True
        )
    try:
        yield process
    finally:
        if process.stdin is not None:
            process.stdin.close()
        try:
            process.wait(STOP_S_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_ready(address: str, server: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + READY_S_MAX
    with httpx.Client(trust_env=False) as client:
        while True:
            with contextlib.suppress(httpx.TransportError):
                if client.get(f"{address}/readyz").status_code == 200:
                    return
            if server.poll() is not None:
                raise DemoFailed(f"the exchange ended with code {server.returncode} before it answered")
            if time.monotonic() > until:
                raise DemoFailed(f"the exchange did not answer within {READY_S_MAX:.0f} s")
            time.sleep(0.1)


def _operator(home: Path, environment: dict[str, str]) -> Credentials:
    """Found the operator by the command that a machine's owner would use."""
    command = (*_EXCHANGE, "admin", "create-operator", "--json", "--name", OPERATOR[0], "--name-zh", OPERATOR[1])
    done = subprocess.run(  # noqa: S603
        command, env=environment, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    if done.returncode != 0:
        raise DemoFailed(f"exchange admin create-operator: {done.stdout} {done.stderr}".strip())
    made = json.loads(done.stdout)
    credentials = Credentials(home / "credentials.json")
    credentials.keep("operator", made["organisation"], made["client"], made["secret"])
    return credentials


def _failed(telling: Telling, home: Path, error: Exception) -> int:
    print(telling.text("failed", why=error), file=sys.stderr)
    _last_words(telling, home / "server.log")
    return 1


def _last_words(telling: Telling, log: Path) -> None:
    if not log.exists():
        return
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-LAST_LINES:]
    if lines:
        shown = [line[:LINE_CHARS] for line in lines]
        print("\n".join([telling.text("server-said", path=log), *shown]), file=sys.stderr)
