"""Two Stripe servers of other people, run as they are: stripe-mock knows Stripe's description, localstripe keeps state."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

import httpx
import pytest

from sandbox.stripe.process import free_port

VERSION = "v0.203.0"
NO_MOCK = f"stripe-mock is not installed: go install github.com/stripe/stripe-mock@{VERSION}"
NO_LOCAL = "localstripe is not installed: it is among the development packages of pyproject.toml"
START_S_MAX = 40.0


@contextlib.contextmanager
def stripe_mock() -> Iterator[str]:
    """Stripe's own mock: it refuses what Stripe's description does not know, and answers with fixtures."""
    found = shutil.which("stripe-mock", path=os.pathsep.join([os.environ.get("PATH", ""), *_go_places()]))
    if found is None:
        _absent(NO_MOCK)
    with _running(found, "-http-port", "{port}", "-https-port", "{other}") as origin:
        yield origin


@contextlib.contextmanager
def localstripe() -> Iterator[str]:
    """localstripe in a process of its own."""
    if find_spec("localstripe") is None:
        _absent(NO_LOCAL)
    with _running(sys.executable, "-m", "tests.support.localstripe_child", "{port}") as origin:
        yield origin


def _absent(why: str) -> NoReturn:
    if os.environ.get("CI"):
        pytest.fail(why)
    pytest.skip(why)


def _go_places() -> list[str]:
    given = os.environ.get("GOBIN"), os.environ.get("GOPATH")
    homes = [Path(given[1]) / "bin"] if given[1] else []
    return [*([given[0]] if given[0] else []), *map(str, homes), str(Path.home() / "go" / "bin")]


@contextlib.contextmanager
def _running(*command: str) -> Iterator[str]:
    port, other = free_port(), free_port()
    origin = f"http://127.0.0.1:{port}"
    filled = [part.format(port=port, other=other) for part in command]
    process = subprocess.Popen(filled, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + START_S_MAX
        while True:
            with contextlib.suppress(httpx.TransportError):
                httpx.get(f"{origin}/v1/customers", auth=("sk_test_12345678", ""), trust_env=False)
                break
            assert process.poll() is None, f"{filled[0]} ended at once"
            assert time.monotonic() < deadline, f"{filled[0]} did not start"
            time.sleep(0.05)
        yield origin
    finally:
        process.terminate()
        process.communicate()
