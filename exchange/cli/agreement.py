"""exchange agreement verify: check an agreement's file. Needs no server and no database."""

from __future__ import annotations

import argparse
from typing import Any
from urllib.parse import quote

import httpx

from contracts import bundle
from contracts.verify_agreement import code_of, keys_in, read, said
from exchange.cli.output import add_json, add_language, language_of, say
from exchange.cli.tools import Tools

_TIMEOUT_S = 20


class NoKeys(Exception):
    """The keys to check with cannot be had."""


def add(subs: Any) -> None:
    """Put the command into the parser."""
    command = subs.add_parser(
        "agreement",
        help="verify an agreement's file",
        description="Check a file that was downloaded from .../agreements/ID/bundle. No server is needed. "
        "Exit code 0: everything holds; 3: it holds, but a party's signature is missing; 1: it does not hold, and the "
        "place is named; 2: it cannot be checked. "
        "核验从 .../agreements/ID/bundle 下载的合约文件，无需服务器。退出码 0：全部有效；3：有效但缺少一方签名；"
        "1：不符（指出位置）；2：无法核验。",
    )
    actions = command.add_subparsers(dest="action", required=True)
    verify = actions.add_parser("verify", help="check documents, signatures, events and seal")
    verify.add_argument("file", metavar="FILE")
    keys = verify.add_mutually_exclusive_group()
    keys.add_argument("--keys", metavar="FILE", help="a JSON Web Key Set that you got elsewhere")
    keys.add_argument(
        "--url", metavar="ORIGIN", help="fetch the keys that this exchange publishes, such as https://..."
    )
    add_language(verify)
    add_json(verify)
    command.set_defaults(run=run, blocking=True)


def run(chosen: argparse.Namespace, tools: Tools) -> int:
    """Do it; the exit code says what was found."""
    language = language_of(chosen, tools.environment)
    try:
        data = read(chosen.file)
        report = bundle.verify(data, _published(chosen, data))
    except NoKeys as error:
        zh = f"无法取得用于核验的公钥：{error}"
        why = {"en": f"the keys to check with cannot be had: {error}", "zh": zh}
        say({"holds": None, "why": why}, as_json=chosen.json, lines=[why[language]])
        return 2
    say(report.document(), as_json=chosen.json, lines=said(report, language))
    return code_of(report)


def _published(chosen: argparse.Namespace, data: bytes) -> dict[str, str] | None:
    try:
        if chosen.keys is not None:
            return keys_in(read(chosen.keys))
        return None if chosen.url is None else _fetched(chosen.url.rstrip("/"), bundle.organisations(data))
    except (ValueError, httpx.HTTPError, httpx.InvalidURL) as error:
        raise NoKeys(str(error)) from error


def _fetched(origin: str, organisations: list[str]) -> dict[str, str]:
    """The keys of the exchange, and those of the organisations that the file names."""
    found: dict[str, str] = {}
    with httpx.Client(base_url=origin, timeout=_TIMEOUT_S, follow_redirects=True) as client:
        paths = [f"/.well-known/organisations/{quote(one, safe='')}/keys" for one in organisations]
        for path in ("/.well-known/jwks.json", *paths):
            answer = client.get(path)
            # Who is not listed any more is not vouched for by name; the exchange's seal still vouches for the key.
            if answer.status_code != httpx.codes.NOT_FOUND:
                found |= keys_in(answer.raise_for_status().content)
    return found
