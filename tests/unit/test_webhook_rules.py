"""What may be called, how it is signed, when it is tried again, and what the log's actions are called outside."""

from __future__ import annotations

import base64
import json
import re
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from standardwebhooks import Webhook, WebhookVerificationError

from exchange.kernel import custody
from exchange.kernel.errors import Problem
from exchange.kernel.keys import Keyring
from exchange.kernel.settings import BadSetting
from exchange.settings import load
from exchange.webhooks import bodies, events, signing
from exchange.webhooks.addresses import Target, Unsafe, is_public, safe_addresses, target_of
from exchange.webhooks.deliveries import WAITS, failure_of, next_attempt
from exchange.webhooks.endpoints import checked_kinds

ROOT = Path(__file__).resolve().parents[2]
AT = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://hooks.example.com/", Unsafe.NOT_HTTPS),
        ("https://hooks.example.com:8080/", Unsafe.PORT),
        ("https://hooks.example.com:22/", Unsafe.PORT),
        ("https://2130706433/", Unsafe.HOST),
        ("https://0x7f000001/", Unsafe.HOST),
        ("https://0x7f.1/", Unsafe.HOST),
        ("https://127.0.0.1/", Unsafe.HOST),
        ("https://10.1/", Unsafe.HOST),
        ("https://a.0x7f/", Unsafe.HOST),
        ("https://017700000001/", Unsafe.HOST),
        ("https://localhost/", Unsafe.HOST),
        ("https://intranet/", Unsafe.HOST),
        ("https://hooks.example.com./", Unsafe.HOST),
        ("https://-a.example.com/", Unsafe.HOST),
        ("https://[::ffff:127.0.0.1]/", Unsafe.FORM),
        ("https://[::1]/", Unsafe.FORM),
        ("https://user@hooks.example.com/", Unsafe.FORM),
        ("https://hooks.example.com\\@127.0.0.1/", Unsafe.FORM),
        ("https://hooks.example.com#@127.0.0.1/", Unsafe.FORM),
        ("https://hooks.example.com/a b", Unsafe.FORM),
        ("https://hooks.example.com/a\r\nx: y", Unsafe.FORM),
        ("https://hooks.example.com/\n", Unsafe.FORM),
        ("https://Hooks.example.com/", Unsafe.FORM),
        ("https://höoks.example.com/", Unsafe.FORM),
        ("https://127。0。0。1/", Unsafe.FORM),
        ("file:///etc/passwd", Unsafe.FORM),
        ("gopher://hooks.example.com/", Unsafe.FORM),
        (f"https://hooks.example.com/{'a' * 2000}", Unsafe.FORM),
    ],
)
def test_addresses_that_are_not_called(url: str, why: Unsafe) -> None:
    assert target_of(url) is why


def test_addresses_that_are_called() -> None:
    assert target_of("https://hooks.example.com") == Target("https", "hooks.example.com", 443, "/")
    found = target_of("https://a.xn--fiqs8s:8443/in?x=1")
    assert found == Target("https", "a.xn--fiqs8s", 8443, "/in?x=1")
    assert isinstance(found, Target)
    assert found.url == "https://a.xn--fiqs8s:8443/in?x=1"
    # This machine, only where a sandbox says so.
    assert target_of("http://127.0.0.1:9000/in", loopback=True) == Target("http", "127.0.0.1", 9000, "/in", here=True)
    assert target_of("http://127.0.0.2:9000/in", loopback=True) is Unsafe.HOST
    assert target_of("http://hooks.example.com/", loopback=True) is Unsafe.NOT_HTTPS


PRIVATE = [
    "0.0.0.0",
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "64:ff9b::7f00:1",
    "64:ff9b:1::1",
    "100::1",
    "fc00::1",
    "fd12::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "3fff::1",
    "5f00::1",
    "2130706433",
    "0x7f000001",
    "1",
    "example.com",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_no_address_of_ours_is_public(address: str) -> None:
    assert not is_public(address)


def test_one_bad_answer_spoils_a_name() -> None:
    target = Target("https", "hooks.example.com", 443, "/")
    assert safe_addresses(target, ["93.184.215.14", "2606:2800:21f:cb07::1"]) == [
        "93.184.215.14",
        "2606:2800:21f:cb07::1",
    ]
    for bad in PRIVATE:
        assert safe_addresses(target, ["93.184.215.14", bad]) is Unsafe.NOT_PUBLIC
    assert safe_addresses(target, []) is Unsafe.NOT_FOUND
    here = Target("http", "localhost", 80, "/", here=True)
    assert safe_addresses(here, ["::1", "127.0.0.1"]) == ["::1", "127.0.0.1"]
    assert safe_addresses(here, ["127.0.0.1", "10.0.0.1"]) is Unsafe.NOT_PUBLIC


def test_only_a_sandbox_may_call_its_own_machine(tmp_path: Path) -> None:
    asked = {"EXCHANGE_HOME": str(tmp_path), "EXCHANGE_WEBHOOKS_LOOPBACK": "true"}
    with pytest.raises(BadSetting, match="LOOPBACK"):
        load(asked)
    assert load({**asked, "EXCHANGE_SANDBOX": "true"}).webhooks.loopback


def test_signatures_are_those_of_standard_webhooks(keyring: Keyring) -> None:
    now, body = datetime.now(UTC), '{"type":"payout.paid","名":"值"}'.encode()
    pairs = [
        signing.SigningPair(bytes([n]) * 32, Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32)) for n in (1, 2)
    ]
    headers = signing.headers("msg_1", int(now.timestamp()), body, pairs)
    for pair in pairs:
        assert Webhook(signing.secret_text(pair.secret)).verify(body, headers) == json.loads(body)
    with pytest.raises(WebhookVerificationError):
        Webhook(signing.secret_text(bytes(32))).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(signing.secret_text(pairs[0].secret)).verify(body + b" ", headers)
    found = [one.partition(",") for one in headers["webhook-signature"].split(" ")]
    assert [one[0] for one in found] == ["v1", "v1a", "v1", "v1a"]
    said = f"msg_1.{int(now.timestamp())}.".encode() + body
    text = signing.public_text(pairs[1].private.public_key().public_bytes_raw())
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(text.removeprefix("whpk_")))
    key.verify(base64.b64decode(found[3][2]), said)
    with pytest.raises(InvalidSignature):
        key.verify(base64.b64decode(found[1][2]), said)
    # Sealed for one endpoint, a secret does not open as another's.
    by, sealed = custody.seal_secret(keyring, "whk_a", pairs[0].secret)
    assert custody.open_secret(keyring, "whk_a", by, sealed) == pairs[0].secret
    assert pairs[0].secret not in sealed
    for owner, bytes_ in (("whk_b", sealed), ("whk_a", sealed[:-1] + bytes([sealed[-1] ^ 1]))):
        with pytest.raises(custody.SealBroken):
            custody.open_secret(keyring, owner, by, bytes_)


def test_the_schedule_waits_longer_each_time_and_ends() -> None:
    one, at, waits = uuid.UUID(int=7), AT, []
    for step in range(1, len(WAITS)):
        again = next_attempt(one, step, at)
        assert again is not None
        assert abs(again - at - WAITS[step]) <= WAITS[step] / 5
        assert again == next_attempt(one, step, at), "no chance in it"
        waits.append(again - at)
        at = again
    assert next_attempt(one, len(WAITS), at) is None
    assert waits == sorted(waits)
    spread = {next_attempt(uuid.UUID(int=n), 3, AT) for n in range(100)}
    assert len(spread) > 20
    assert next_attempt(one, 1, AT, 3600) == AT + timedelta(hours=1)
    assert next_attempt(one, 1, AT, 10**6) == AT + timedelta(hours=24)
    assert [failure_of(code) for code in (200, 204, 299, 301, 400, 410, 500)] == [
        None, None, None, "redirect", "status", "gone", "status",
    ]  # fmt: skip


def test_every_action_that_is_told_is_one_that_a_flow_writes() -> None:
    text = "\n".join(path.read_text() for path in (ROOT / "exchange" / "flows").glob("*.py"))
    words = set(re.findall(r'"([a-z][a-z0-9_.-]+)"', text)) | {"purchase"}
    made_up = set(re.findall(r'f"([a-z-]+\.)\{', text))
    missing = [one for one in events.ACTIONS if one not in words and one.partition(".")[0] + "." not in made_up]
    assert missing == []
    assert len(events.ACTIONS) == len({action for one in events.KINDS for action in one.actions}), "told under one name"
    assert len({one.kind for one in events.KINDS}) == len(events.KINDS)


def test_every_link_leads_to_a_route_of_its_portal() -> None:
    # The committed list of routes is compared with the apps by tests/architecture.
    known = {_shape(one) for one in re.findall(r"\| GET \| `([^`]+)`", (ROOT / "docs" / "routes.md").read_text())}
    wrong = [
        (one.kind, portal, path)
        for one in events.KINDS
        for portal, path in one.paths.items()
        if _shape(f"/{portal}/v1{path}") not in known
    ]
    assert wrong == []


def _shape(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", path)


def test_kinds_are_asked_for_by_name_family_or_all() -> None:
    assert checked_kinds("buyer", ["invoice.issued", "order.*", "*", "*"]) == ("invoice.issued", "order.*", "*")
    for portal, kind in (
        ("buyer", "payout.paid"),
        ("supplier", "order.plac*"),
        ("buyer", ""),
        ("buyer", "webhook.test"),
    ):
        assert isinstance(checked_kinds(portal, [kind]), Problem)


def test_bodies_are_thin() -> None:
    body = json.loads(
        bodies.body("payout.paid", AT, uuid.UUID(int=1), "pot_1", "https://x/supplier/v1/payouts", ("centre", 9))
    )
    assert set(body) == {"type", "timestamp", "data"}
    assert set(body["data"]) == {"object", "organisation", "link", "entry"}
    assert body["timestamp"] == "2026-03-01T00:00:00.000000Z"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_guide_s_message_passes_the_guide_s_own_check(language: str) -> None:
    text = (ROOT / "docs" / language / "guides" / "webhooks.md").read_text()
    message, code = (re.findall(r"```(?:python)?\n(.*?)```", text, re.DOTALL)[n] for n in (1, 2))
    head, _, body = message.strip().partition("\n\n")
    headers = dict(line.split(": ", 1) for line in head.splitlines()[1:])
    secret, public = (next(iter(re.findall(rf"{kind}_[A-Za-z0-9+/=]+", text))) for kind in ("whsec", "whpk"))
    place: dict[str, Any] = {}
    exec(code, place)
    at = int(headers["webhook-timestamp"])
    assert place["is_ours"](secret, headers, body.encode(), at + 60)
    assert not place["is_ours"](secret, headers, body.encode(), at + 301)
    assert not place["is_ours"](secret, headers, body.encode() + b" ", at)
    signed = f"{headers['webhook-id']}.{at}.{body}".encode()
    given = headers["webhook-signature"].partition("v1a,")[2]
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public.removeprefix("whpk_")))
    key.verify(base64.b64decode(given), signed)
