"""The demo's market inside `exchange serve --market`: a sandbox Stripe beside it, and everything on sale from the start."""

from __future__ import annotations

import asyncio
import os
import secrets
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from exchange.cli.admin import create_operator
from exchange.cli.tools import Tools
from exchange.kernel.errors import Problem
from exchange.kernel.settings import BadSetting
from exchange.kernel.text import Text
from exchange.settings import ProcessSettings, Settings
from sandbox.demo.client import DemoFailed, Origin
from sandbox.demo.credentials import Credentials
from sandbox.demo.market import seed
from sandbox.demo.parties import BY_KEY, OPERATOR
from sandbox.demo.telling import Telling
from sandbox.demo.texts import TEXTS
from sandbox.stripe.process import free_port, running

READY_S_MAX = 90.0
FIRST_READS = {
    "operator": "/operator/v1/organisations",
    "supplier": "/supplier/v1/listings",
    "archive": "/supplier/v1/listings",
    "arbitrator": "/assessor/v1/cases",
    "assessor": "/assessor/v1/assessments",
    "broker": "/assessor/v1/statements",
    "buyer": "/buyer/v1/wallet",
    "regulator": "/regulator/v1/exports",
}


@asynccontextmanager
async def sandboxed(tools: Tools) -> AsyncIterator[Tools]:
    """The tools of a sandbox: a home of its own, a movable clock, and a Stripe that ends with us.

    With STRIPE_API_KEY set, that Stripe is used and none is started.

    errors   raises BadSetting for a live key
    """
    settings = at_home(tools.settings)
    if settings.stripe.api_key:
        if settings.stripe.api_key.startswith(("sk_live", "rk_live")):
            raise BadSetting(
                Text(
                    "a market of made-up money was asked for beside a live Stripe key: use a test key, or none",
                    "沙盒市场不使用真实资金，却给出了 Stripe 正式密钥：请使用测试密钥，或不设置密钥",
                )
            )
        yield replace(tools, settings=settings)
        return
    settings.home.mkdir(parents=True, exist_ok=True)
    secret = _webhook_secret(settings.home / "stripe.secret")
    options = ("--webhook-url", f"{_address(settings)}/hooks/stripe", "--webhook-secret", secret)
    async with running(*options, "--state", str(settings.home / "stripe.json"), port=free_port()) as address:
        stripe = replace(settings.stripe, api_key="sk_test_market", api_base=address, webhook_secret=secret)
        yield replace(tools, settings=replace(settings, stripe=stripe))


def at_home(settings: Settings) -> Settings:
    """The settings of a sandbox; where no home was chosen, it is `market` inside the usual one."""
    process = msgspec.structs.replace(settings.process, sandbox=True)
    files = settings.files
    if settings.process.home == ProcessSettings().home:
        process = msgspec.structs.replace(process, home=str(settings.home / "market"))
        if files.url == (settings.home / "files").as_uri():
            files = msgspec.structs.replace(files, url=(settings.home / "market" / "files").as_uri())
    return replace(settings, process=process, files=files)


async def open_market(tools: Tools, made: Any) -> None:
    """Once the server answers, fill the market if it is not full yet, and say how to come in.

    It goes on where an interrupted filling stood. A failure is told and leaves the server up.
    """
    settings, stop = tools.settings, threading.Event()
    quiet = Telling(quiet=True)
    credentials = Credentials(settings.home / "credentials.json")
    origin = Origin(_address(settings), stop=stop)
    try:
        await asyncio.to_thread(origin.wait, lambda: _ready(origin), "the exchange to answer", READY_S_MAX)
        if not credentials.known("operator"):
            founded = await create_operator(made, *OPERATOR)
            if isinstance(founded, Problem):
                raise DemoFailed(founded.detail("en"))
            credentials.keep("operator", founded["organisation"], founded["client"], founded["secret"])
        if not credentials.complete:
            _both("market-filling")
            await asyncio.to_thread(seed, origin, credentials, quiet)
        announce(settings, credentials)
    except DemoFailed as error:
        if not stop.is_set():
            _both("market-failed", why=error)
    finally:
        # A thread cannot be cancelled; this ends it at its next request.
        stop.set()
        origin.close()


def announce(settings: Settings, credentials: Credentials) -> None:
    """Print the credentials of each organisation with a first `curl`, in both languages."""
    origin = settings.origin
    _both("market-open", origin=origin)
    _both("market-secrets", path=credentials.path)
    for key, row in credentials.rows().items():
        roles, names = (("operator",), OPERATOR) if key == "operator" else (BY_KEY[key].roles, _names(key))
        user = f"{row['client']}:{row['secret']}"
        print(f"\n{', '.join(roles)}: {names[0]} {names[1]}")
        print(f"   client_id     {row['client']}\n   client_secret {row['secret']}")
        print(f"   TOKEN=$(curl -s -u {user} -d grant_type=client_credentials {origin}/oauth2/token |")
        print("""     python3 -c 'import json, sys; print(json.load(sys.stdin)["access_token"])')""")
        print(f'   curl -s -H "Authorization: Bearer $TOKEN" {origin}{FIRST_READS[key]}')
    print(flush=True)


def _address(settings: Settings) -> str:
    """Where this machine reaches the server, whatever its public address is."""
    host = settings.process.host
    return f"http://{'127.0.0.1' if host in ('0.0.0.0', '::') else host}:{settings.process.port}"  # noqa: S104


def _names(key: str) -> tuple[str, str]:
    return BY_KEY[key].en, BY_KEY[key].zh


def _ready(origin: Origin) -> bool:
    try:
        return bool(origin.send("GET", "/readyz").status_code == 200)
    except DemoFailed:
        return False


def _both(key: str, **values: Any) -> None:
    for text in TEXTS[key]:
        print(text.format(**values), flush=True)


def _webhook_secret(path: Path) -> str:
    """The secret that this market's Stripe signs its webhooks with, made once."""
    if not path.exists():
        draft = path.with_suffix(".draft")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(f"whsec_{secrets.token_hex(24)}")
        draft.replace(path)
    return path.read_text()
